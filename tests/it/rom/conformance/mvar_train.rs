//! Vectors of fitted MVAR models: ridge regression, models scaled to a spectral radius, and the
//! dataset and the model of a whole tree.

use std::path::{Path, PathBuf};

use ndarray::{Array0, Array1, Array2, ArrayView2, Axis, Ix1, arr0};
use stepmark::mvar::Model;
use stepmark::mvar::model::Warning;
use stepmark::mvar::train::{Config, Fit, fit};
use stepmark::rom::dataset::Dataset;

use super::{Vectors, holds, near, wide};
use crate::conformance::{Kind, Role};

pub(crate) const MVAR_TRAIN: Kind = Kind { name: "rom mvar train", role, check };

/// Relative to the largest coefficient.
const TOLERANCE: f64 = 1e-10;

fn role(path: &Path) -> Role {
    let is_tree = || holds(path, &["X_all", "Y_all", "lag"]) && model_of(path).exists();
    let is_fit = holds(path, &["X_latent", "coef", "alpha"]);
    if is_fit || is_tree() { Role::Case } else { Role::Other }
}

/// The model of the tree that a dataset lies in.
fn model_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(path);
    folder.join("../MVAR/mvar_model.npz")
}

/// The model of a tree is that of its dataset, and its file gets its intercept back.
fn tree(path: &Path) -> Result<(), String> {
    let dataset = Dataset::load(path).map_err(|e| e.to_string())?;
    let at = model_of(path);
    let mut io = Vectors::open(&at)?;
    let scalar = |value: Array0<f64>| value[()];
    let config = Config { lag: dataset.lag(), alpha: scalar(io.array("alpha")?), threshold: None };
    let found = fit(dataset.runs(), &config).map_err(|e| e.to_string())?;
    let loaded = Model::load(&at).map_err(|e| e.to_string())?;
    if loaded.warnings != [Warning::InterceptOfWindows] {
        return Err(format!("loaded with the warnings {:?}", loaded.warnings));
    }
    let intercept = loaded.model.intercept().to_owned();
    near("intercept", &intercept, &found.model.intercept().to_owned(), TOLERANCE, 0.0)?;
    let coefficients = loaded.model.coefficients().to_owned();
    let fitted = found.model.coefficients().to_owned();
    near("A_matrices", &fitted, &coefficients, TOLERANCE, 0.0)?;
    for (name, found) in [
        ("train_r2", found.train_r2),
        ("train_rmse", found.train_rmse),
        ("rho_before", found.rho_compat),
    ] {
        near(name, &arr0(found), &io.array(name)?, TOLERANCE, 1.0)?;
    }
    Ok(())
}

fn check(path: &Path) -> Result<(), String> {
    if holds(path, &["X_all"]) {
        return tree(path);
    }
    let mut io = Vectors::open(path)?;
    let states: Array2<f32> = io.array("X_latent")?;
    let states = wide(&states);
    let size = |value: Array0<i64>| usize::try_from(value[()]).map_err(|e| e.to_string());
    let (rows, lag) = (size(io.array("T_rom")?)?, size(io.array("lag")?)?);
    let alpha: Array0<f64> = io.array("alpha")?;
    let runs: Vec<_> = states.axis_chunks_iter(Axis(0), rows).collect();
    let config = Config { lag, alpha: alpha[()], threshold: None };
    let free = fit(&runs, &config).map_err(|e| e.to_string())?;
    let rho: Array0<f64> = io.array("rho_before")?;
    near("rho_before, of the misordered matrix", &arr0(free.rho_compat), &rho, TOLERANCE, 1.0)?;
    if io.has("threshold") {
        let threshold: Array0<f64> = io.array("threshold")?;
        coefficients(&free, ["coef_unscaled", "intercept_unscaled"], &mut io)?;
        return scaled(&runs, &free, Config { threshold: Some(threshold[()]), ..config });
    }
    coefficients(&free, ["coef", "intercept"], &mut io)?;
    for (name, found) in [("r2_train", free.train_r2), ("train_rmse", free.train_rmse)] {
        near(name, &arr0(found), &io.array(name)?, TOLERANCE, 1.0)?;
    }
    Ok(())
}

fn coefficients(fit: &Fit, names: [&str; 2], io: &mut Vectors) -> Result<(), String> {
    let blocks = fit.model.coefficients();
    let blocks: Vec<_> = blocks.outer_iter().collect();
    let found = ndarray::concatenate(Axis(1), &blocks).expect("blocks of one shape");
    near(names[0], &found, &io.array(names[0])?, TOLERANCE, 0.0)?;
    let intercept: Array1<f64> = io.array::<f64, Ix1>(names[1])?;
    near(names[1], &fit.model.intercept().to_owned(), &intercept, TOLERANCE, 0.0)
}

/// A threshold below the true radius is met, and one above it changes nothing; the recorded scaling is
/// that of another radius.
fn scaled(runs: &[ArrayView2<'_, f64>], free: &Fit, config: Config) -> Result<(), String> {
    let fit = fit(runs, &config).map_err(|e| e.to_string())?;
    near("rho_before", &arr0(fit.rho_before), &arr0(free.rho_before), 0.0, 1.0)?;
    match config.threshold {
        Some(most) if most < free.rho_before => {
            near("rho_after", &arr0(fit.rho_after), &arr0(most), 1e-12, 1.0)
        }
        _ if fit.model != free.model => Err("a stable model was changed".to_owned()),
        _ => near("rho_after", &arr0(fit.rho_after), &arr0(free.rho_before), 0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stepmark::file::npz::Writer;
    use stepmark::input;

    type Threshold = fn(&Fit) -> f64;

    /// A vector of stability with this threshold, of runs whose true radius is below the recorded one.
    fn vector(path: &Path, threshold: Threshold) -> Fit {
        let mut states = Array2::from_shape_vec((120, 2), input::gaussian(3, 240, 1.0)).unwrap();
        for t in (2..120).filter(|t| t % 60 > 1) {
            for i in 0..2 {
                states[[t, i]] += 1.2 * states[[t - 1, i]] - 0.6 * states[[t - 2, i]];
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the states are saved in f32")]
        let states = states.mapv(|x| x as f32);
        let wide = wide(&states);
        let runs: Vec<_> = wide.axis_chunks_iter(Axis(0), 60).collect();
        let config = Config { lag: 2, alpha: 1e-4, threshold: None };
        let free = fit(&runs, &config).unwrap();
        let blocks = free.model.coefficients();
        let blocks: Vec<_> = blocks.outer_iter().collect();
        let mut npz = Writer::new(path);
        npz.add("X_latent", states.view()).unwrap();
        for (name, value) in [("T_rom", 60_i64), ("lag", 2)] {
            npz.add(name, arr0(value).view()).unwrap();
        }
        let numbers = [
            ("alpha", config.alpha),
            ("rho_before", free.rho_compat),
            ("threshold", threshold(&free)),
        ];
        for (name, value) in numbers {
            npz.add(name, arr0(value).view()).unwrap();
        }
        let coef = ndarray::concatenate(Axis(1), &blocks).unwrap();
        for name in ["coef", "coef_unscaled"] {
            npz.add(name, coef.view()).unwrap();
        }
        npz.add("intercept_unscaled", free.model.intercept()).unwrap();
        npz.finish().unwrap();
        free
    }

    #[test]
    fn a_threshold_on_either_side_of_the_radii_is_one_of_the_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stability.npz");
        let thresholds: [(&str, Threshold); 3] = [
            ("below both", |fit| 0.9 * fit.rho_before),
            ("between", |fit| f64::midpoint(fit.rho_before, fit.rho_compat)),
            ("above both", |fit| 1.1 * fit.rho_compat),
        ];
        for (at, threshold) in thresholds {
            let free = vector(&path, threshold);
            assert!(free.rho_before < 0.9 && free.rho_compat > 1.2, "{free:?}");
            assert!(role(&path) == Role::Case, "{at}");
            assert_eq!(check(&path), Ok(()), "{at}");
        }
    }

    #[test]
    fn a_stable_model_that_was_changed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stability.npz");
        let mut free = vector(&path, |fit| fit.rho_compat);
        let states: Array2<f32> = Vectors::open(&path).unwrap().array("X_latent").unwrap();
        let wide = wide(&states);
        let runs: Vec<_> = wide.axis_chunks_iter(Axis(0), 60).collect();
        let config = Config { lag: 2, alpha: 1e-4, threshold: Some(free.rho_compat) };
        assert_eq!(scaled(&runs, &free, config), Ok(()), "as it is");
        let a = free.model.coefficients().mapv(|a| a * (1.0 + 1e-15));
        free.model = Model::new(a, free.model.intercept().to_owned()).unwrap();
        let why = scaled(&runs, &free, config).unwrap_err();
        assert!(why.contains("was changed"), "{why}");
    }
}
