//! The intercept that a file lacks, from the windows that its model was fitted to.
//!
//! Ridge regression with an unpenalised intercept leaves residuals whose mean is zero, so that
//! c = mean(y) - sum over k of A\[k\] mean(x\[k\]) is the constant of the fit.

use ndarray::{Array1, Array2, Array3, ArrayView3, Axis};

use super::{Error, inconsistent};
use crate::file::npz;

/// Where wsindy-manifold puts the windows, seen from the folder of the model.
pub(super) const WINDOWS: &str = "../rom_common/latent_dataset.npz";

/// The constant that coefficients (p, d, d), oldest lag first, had in their fit to windows `X_all`
/// (n, p, d) and the states after them, `Y_all` (n, d).
pub(super) fn of_windows(
    mut npz: npz::Archive,
    a: ArrayView3<'_, f64>,
) -> Result<Array1<f64>, Error> {
    let (x, y): (Array3<f64>, Array2<f64>) = (npz.widened("X_all")?, npz.widened("Y_all")?);
    let ((p, d, _), n) = (a.dim(), x.len_of(Axis(0)));
    if x.dim() != (n, p, d) || n == 0 {
        let (found, expected) = (format!("shape {:?}", x.dim()), format!("(1.., {p}, {d})"));
        let expected = format!("{expected}, as the model beside it; move it away to go without");
        return Err(inconsistent(npz.file(), "X_all", found, expected));
    }
    if y.dim() != (n, d) {
        let (found, expected) = (format!("shape {:?}", y.dim()), format!("({n}, {d})"));
        return Err(inconsistent(npz.file(), "Y_all", found, expected));
    }
    let (x, mut c) = (x.mean_axis(Axis(0)), y.mean_axis(Axis(0)).expect("n is not 0"));
    for (a, x) in a.outer_iter().zip(x.expect("n is not 0").outer_iter()) {
        c -= &a.dot(&x);
    }
    Ok(c)
}

#[cfg(test)]
mod tests {
    use super::super::{Loaded, Model, Warning};
    use super::*;
    use crate::input;
    use ndarray::arr0;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn write(path: &Path, arrays: &[(&str, ndarray::ArrayViewD<'_, f64>)], counts: &[(&str, i64)]) {
        let mut npz = npz::Writer::new(path);
        arrays.iter().for_each(|(name, array)| npz.add(name, array.view()).unwrap());
        counts.iter().for_each(|(name, count)| npz.add(name, arr0(*count).view()).unwrap());
        npz.finish().unwrap();
    }

    /// A model without intercept (2, 3, 3) in a folder, and windows (n, p, d) where they belong.
    fn tree(folder: &Path, [n, p, d]: [usize; 3]) -> PathBuf {
        let a = Array3::from_shape_vec((2, 3, 3), input::gaussian(1, 18, 0.2)).unwrap();
        for name in ["MVAR", "rom_common"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let path = folder.join("MVAR/mvar_model.npz");
        write(&path, &[("A_matrices", a.view().into_dyn())], &[("p", 2), ("r", 3)]);
        let x = Array3::from_shape_vec((n, p, d), input::gaussian(2, n * p * d, 1.0)).unwrap();
        let y = Array2::from_shape_vec((n, d), input::gaussian(3, n * d, 1.0)).unwrap();
        let arrays = [("X_all", x.view().into_dyn()), ("Y_all", y.view().into_dyn())];
        write(&folder.join("rom_common/latent_dataset.npz"), &arrays, &[]);
        path
    }

    #[test]
    fn residuals_of_the_windows_have_mean_zero() {
        let folder = tempfile::tempdir().unwrap();
        let path = tree(folder.path(), [40, 2, 3]);
        let Loaded { model, warnings, .. } = Model::load(&path).unwrap();
        assert_eq!(warnings, [Warning::InterceptOfWindows], "said");
        let line = warnings[0].to_string();
        assert!(
            line.contains("../rom_common/latent_dataset.npz") && !line.contains('\n'),
            "{line}"
        );
        let windows = folder.path().join("rom_common/latent_dataset.npz");
        let mut npz = npz::Archive::open(&windows).unwrap();
        let (x, y): (Array3<f64>, Array2<f64>) =
            (npz.array("X_all").unwrap(), npz.array("Y_all").unwrap());
        let mut sum = Array1::<f64>::zeros(3);
        for (x, y) in x.outer_iter().zip(y.outer_iter()) {
            sum += &(&model.forecast(x, 1).row(0) - &y);
        }
        assert!(sum.iter().all(|sum| sum.abs() < 1e-12), "{sum}");
        fs::remove_file(windows).unwrap();
        let loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.warnings, [Warning::NoIntercept], "without the windows");
        assert!(loaded.model.intercept().iter().all(|c| *c == 0.0), "zero");
    }

    #[test]
    fn windows_of_another_model_or_damaged_ones_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for sizes in [[40, 3, 3], [40, 2, 4], [0, 2, 3]] {
            let why = Model::load(&tree(folder.path(), sizes)).unwrap_err().to_string();
            let part = format!("latent_dataset.npz: X_all: found shape ({}, ", sizes[0]);
            assert!(why.contains(&part) && why.contains("expected (1.., 2, 3)"), "{why}");
        }
        let path = tree(folder.path(), [40, 2, 3]);
        fs::write(folder.path().join("rom_common/latent_dataset.npz"), "cut").unwrap();
        let why = Model::load(&path).unwrap_err().to_string();
        assert!(why.contains("latent_dataset.npz: found no whole zip archive"), "{why}");
    }
}
