//! Whole output trees of the original: the density that its autoregression forecast.
//!
//! The models, the intercept that the file of the autoregression lacks and the window come from the
//! tree as a profile finds them. Densities are projected and lifted here: x = sqrt(rho + eps) less
//! the mean, a = x U; back by max(., 0)^2 - eps, then scaled to the mass before the forecast.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array2, Array3, Axis, Ix0, s};
use ndarray_npy::ReadNpyExt as _;
use serde_json::Value;
use stepmark::profile::rom::find::{Wanted, find};
use stepmark::profile::rom::forecaster::Forecaster;
use stepmark::rom::forecast::Model;

use super::{Vectors, file_name, near};
use crate::conformance;

pub(crate) const PIPELINE: conformance::Kind =
    conformance::Kind { name: "rom pipeline", role, check };

/// Relative to the largest density.
const TOLERANCE: f64 = 1e-9;

/// The tree that `test/test_000/density_pred_mvar.npz` lies in.
fn tree(path: &Path) -> Option<&Path> {
    path.parent()?.parent()?.parent()
}

/// What the summary says of the reduction; nothing where it is of another form.
fn reduction(tree: &Path) -> Option<Value> {
    let summary: Value =
        serde_json::from_reader(File::open(tree.join("summary.json")).ok()?).ok()?;
    let known = |key: &str, value: &str| summary[key] == value;
    let is_known = known("clamp_mode", "C0") && known("mass_postprocess", "scale");
    (is_known && summary["pod"]["density_transform"] == "sqrt").then(|| summary["pod"].clone())
}

fn role(path: &Path) -> conformance::Role {
    use conformance::Role::{Case, Other, Part};
    let Some(tree) = tree(path).filter(|tree| reduction(tree).is_some()) else { return Other };
    let basis = tree.join("rom_common/pod_basis.npz");
    match file_name(path) {
        "density_pred_mvar.npz" if basis.exists() => Case,
        "density_true.npz" if path.with_file_name("density_pred_mvar.npz").exists() => Part,
        _ => Other,
    }
}

fn check(path: &Path) -> Result<(), String> {
    let tree = tree(path).ok_or("no tree")?;
    let eps = reduction(tree).ok_or("no summary")?["density_transform_eps"].as_f64();
    let eps = eps.ok_or("no density_transform_eps")?;
    let mut wanted = Vectors::open(path)?;
    let want: Array3<f64> = wanted.array("rho")?;
    let start = wanted.array::<i64, Ix0>("forecast_start_idx")?.into_scalar();
    let start = usize::try_from(start).map_err(|e| e.to_string())?;
    let truth: Array3<f64> =
        Vectors::open(&path.with_file_name("density_true.npz"))?.array("rho")?;
    let basis: Array2<f64> = Vectors::open(&tree.join("rom_common/pod_basis.npz"))?.array("U")?;
    let mean = File::open(tree.join("rom_common/X_train_mean.npy")).map_err(|e| e.to_string())?;
    let mean = Array1::<f64>::read_npy(mean).map_err(|e| e.to_string())?;

    let (frames, rows, columns) = truth.dim();
    let flat = |rho: Array3<f64>| rho.into_shape_with_order((frames, rows * columns));
    let (truth, want) = (flat(truth), flat(want));
    let (truth, want) = (truth.map_err(|e| e.to_string())?, want.map_err(|e| e.to_string())?);
    let states = (truth.mapv(|rho| (rho + eps).sqrt()) - &mean).dot(&basis);

    let folder = Wanted { folder: Some(tree.to_owned()), ..Wanted::default() };
    let found = find(&folder).map_err(|e| e.to_string())?;
    if found.warnings.iter().all(|said| !said.contains("got back from the windows")) {
        return Err("the intercept was not got back".to_owned());
    }
    let Model::Mvar(model) = &found.models[0].model else { return Err("no autoregression".into()) };
    let mut forecaster = Forecaster::mvar("MVAR", model, frames);
    let window = states.slice(s![start - model.p()..start, ..]);
    let forecast = forecaster.forecast(window, frames - start);
    let mut lifted = forecast.dot(&basis.t()) + &mean;
    lifted.mapv_inplace(|x| x.max(0.0).powi(2) - eps);
    let mass = truth.row(start - 1).sum();
    for mut frame in lifted.axis_iter_mut(Axis(0)) {
        let scale = mass / frame.sum();
        frame *= scale;
    }
    near("density", &lifted, &want.slice(s![start.., ..]).to_owned(), TOLERANCE, 0.0)
}
