//! The intercept that a file lacks, from the windows that its model was fitted to.
//!
//! Ridge regression with an unpenalised intercept leaves residuals whose mean is zero, so that
//! c = mean(y) - sum over k of A\[k\] mean(x\[k\]) is the constant of the fit. The windows may be of
//! another length than those of the model, as where a network beside it reads more states: what counts
//! are the runs that they are of.

use ndarray::{Array1, Array2, Array3, ArrayView3, Axis, s};

use super::windows::runs;
use super::{Error, Warning, inconsistent};
use crate::file::npz;

/// Where wsindy-manifold puts the windows, seen from the folder of the model.
pub(super) const WINDOWS: &str = "../rom_common/latent_dataset.npz";

/// The constant that coefficients (p, d, d), oldest lag first, had in their fit to the runs of windows
/// `X_all` (n, lag, d) and of the states after them, `Y_all` (n, d); or why these do not give it.
pub(super) fn of_windows(
    mut npz: npz::Archive,
    a: ArrayView3<'_, f64>,
) -> Result<Result<Array1<f64>, Warning>, Error> {
    let (x, y): (Array3<f64>, Array2<f64>) = (npz.widened("X_all")?, npz.widened("Y_all")?);
    let ((p, d, _), (n, lag, columns)) = (a.dim(), x.dim());
    if n == 0 || lag == 0 || columns != d {
        let (found, expected) = (format!("shape {:?}", x.dim()), format!("(1.., 1.., {d})"));
        let expected = format!("{expected}, as the model beside it; move it away to go without");
        return Err(inconsistent(npz.file(), "X_all", found, expected));
    }
    if y.dim() != (n, d) {
        let (found, expected) = (format!("shape {:?}", y.dim()), format!("({n}, {d})"));
        return Err(inconsistent(npz.file(), "Y_all", found, expected));
    }
    let runs = runs(&x, &y);
    // Windows none of which goes on from another are no runs, and give none of another length.
    let is_loose = runs.len() == n && n > 1;
    let (mut windows, mut sums) = (0.0, Array2::<f64>::zeros((p + 1, d)));
    for run in runs.iter().filter(|run| run.nrows() > p && (lag == p || !is_loose)) {
        let count = run.nrows() - p;
        for (k, mut sum) in sums.outer_iter_mut().enumerate() {
            sum += &run.slice(s![k..k + count, ..]).sum_axis(Axis(0));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = count as f64;
        windows += count;
    }
    if windows == 0.0 {
        return Ok(Err(Warning::NoInterceptOfWindows { lag, p }));
    }
    let means = sums / windows;
    let mut c = means.row(p).to_owned();
    for (a, x) in a.outer_iter().zip(means.outer_iter()) {
        c -= &a.dot(&x);
    }
    Ok(Ok(c))
}

#[cfg(test)]
mod tests {
    use super::super::{Loaded, Model};
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

    /// Puts the windows of `lag` states of runs where they belong, in this order if there is one.
    fn put(folder: &Path, all: &[Array2<f64>], lag: usize, order: Option<&[usize]>) {
        let (mut x, mut y) = (Array3::zeros((0, lag, 3)), Array2::zeros((0, 3)));
        for run in all {
            for t in lag..run.nrows() {
                x.push(Axis(0), run.slice(s![t - lag..t, ..])).unwrap();
                y.push_row(run.row(t)).unwrap();
            }
        }
        if let Some(order) = order {
            (x, y) = (x.select(Axis(0), order), y.select(Axis(0), order));
        }
        let arrays = [("X_all", x.view().into_dyn()), ("Y_all", y.view().into_dyn())];
        write(&folder.join("rom_common/latent_dataset.npz"), &arrays, &[]);
    }

    #[test]
    fn windows_of_another_length_give_the_intercept_by_their_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = tree(folder.path(), [40, 2, 3]);
        let run = |(seed, rows)| {
            Array2::from_shape_vec((rows, 3), input::gaussian(seed, rows * 3, 1.0)).unwrap()
        };
        // The last has a window of two states, but none of four.
        let all = [(4, 30), (5, 12), (6, 7)].map(run);
        put(folder.path(), &all, 2, None);
        let want = Model::load(&path).unwrap();
        assert_eq!(want.warnings, [Warning::InterceptOfWindows], "of its own length");
        for lag in [1, 3, 5] {
            put(folder.path(), &all, lag, None);
            let found = Model::load(&path).unwrap();
            assert_eq!(found.warnings, [Warning::InterceptOfWindows], "lag {lag}");
            let far = found.model.intercept().to_owned() - want.model.intercept();
            assert!(far.iter().all(|far| far.abs() < 1e-14), "lag {lag} is off by {far}");
        }
    }

    #[test]
    fn windows_that_give_none_of_the_model_leave_the_intercept_zero_and_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = tree(folder.path(), [40, 2, 3]);
        let none = |lag| {
            let Loaded { model, warnings, .. } = Model::load(&path).unwrap();
            assert_eq!(warnings, [Warning::NoInterceptOfWindows { lag, p: 2 }], "lag {lag}");
            let why = format!("windows of {lag} states, which give none of 2");
            assert!(warnings[0].to_string().contains(&why), "{}", warnings[0]);
            assert!(model.intercept().iter().all(|c| *c == 0.0), "zero");
        };
        let run = Array2::from_shape_vec((12, 3), input::gaussian(4, 36, 1.0)).unwrap();
        put(folder.path(), &[run.slice(s![..2, ..]).to_owned()], 1, None);
        none(1);
        // Each of these is a run of its own.
        put(folder.path(), &[run], 3, Some(&[7, 5, 3, 1]));
        none(3);
    }

    #[test]
    fn windows_of_another_model_or_damaged_ones_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for sizes in [[40, 2, 4], [0, 2, 3], [40, 0, 3]] {
            let why = Model::load(&tree(folder.path(), sizes)).unwrap_err().to_string();
            let part = format!("latent_dataset.npz: X_all: found shape ({}, ", sizes[0]);
            assert!(why.contains(&part) && why.contains("expected (1.., 1.., 3)"), "{why}");
        }
        let path = tree(folder.path(), [40, 2, 3]);
        fs::write(folder.path().join("rom_common/latent_dataset.npz"), "cut").unwrap();
        let why = Model::load(&path).unwrap_err().to_string();
        assert!(why.contains("latent_dataset.npz: found no whole zip archive"), "{why}");
    }
}
