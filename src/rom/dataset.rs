//! Windows of latent states as wsindy-manifold saves them: from runs, and put together to the runs that
//! they were taken from.
//!
//! `latent_dataset.npz` holds windows `X_all` (n, lag, d), oldest state first, the state after each,
//! `Y_all` (n, d), and `lag`, run after run. No window crosses from one run to the next.

use std::path::Path;

use ndarray::{Array2, Array3, Axis, arr0};
use thiserror::Error;

use crate::file::npz;
use crate::lstm::train::{self, Windows};
use crate::mvar::model::runs;

/// Why there is no dataset.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive cannot be read.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The runs give no windows.
    #[error(transparent)]
    Runs(#[from] train::Error),
    /// The parts contradict each other.
    #[error("{file}: {what}: found {found}, expected {expected}")]
    Unfit {
        /// The archive.
        file: String,
        /// The array that does not fit.
        what: &'static str,
        /// Its shape or value.
        found: String,
        /// The shape or value that fits.
        expected: String,
    },
}

/// Runs of latent states, and the length of the windows that they were saved as.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    lag: usize,
    runs: Vec<Array2<f64>>,
}

impl Dataset {
    /// The dataset of runs (states, d), each in order of time.
    ///
    /// # Errors
    ///
    /// If there is no run, or one is no longer than the lag, of other components or not finite.
    pub fn new(runs: Vec<Array2<f64>>, lag: usize) -> Result<Self, Error> {
        let dataset = Self { lag, runs };
        dataset.windows(1)?;
        Ok(dataset)
    }

    /// All windows, each with the `after` states behind it: with 1, `X_all` and `Y_all`; with more,
    /// `X_multi` and `Y_multi`, for which a run that is too short gives no window.
    ///
    /// # Errors
    ///
    /// If no run is long enough.
    ///
    /// # Panics
    ///
    /// If `after` is 0.
    pub fn windows(&self, after: usize) -> Result<Windows, Error> {
        let views: Vec<_> = self.runs.iter().map(|run| run.view()).collect();
        Ok(Windows::from_runs(&views, self.lag, after)?)
    }

    /// Saves `latent_dataset.npz`, replacing `path` once the file is whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let windows = self.windows(1)?;
        let mut npz = npz::Writer::new(path);
        npz.add("X_all", windows.x())?;
        npz.add("Y_all", windows.y().index_axis(Axis(1), 0))?;
        npz.add("lag", arr0(i64::try_from(self.lag).unwrap_or(i64::MAX)).view())?;
        Ok(npz.finish()?)
    }

    /// Loads `latent_dataset.npz`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, holds no window, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::read(npz::Archive::open(path)?)
    }

    fn read(mut npz: npz::Archive) -> Result<Self, Error> {
        let (x, y): (Array3<f64>, Array2<f64>) = (npz.widened("X_all")?, npz.widened("Y_all")?);
        let stated = npz.count("lag")?;
        let unfit = |what, found: String, expected: String| {
            Err(Error::Unfit { file: npz.file().to_owned(), what, found, expected })
        };
        let (n, lag, d) = x.dim();
        if n == 0 || lag == 0 || d == 0 {
            return unfit("X_all", format!("shape {:?}", x.dim()), "(n, lag, d), not empty".into());
        }
        if y.dim() != (n, d) {
            return unfit("Y_all", format!("shape {:?}", y.dim()), format!("({n}, {d})"));
        }
        if usize::try_from(stated) != Ok(lag) {
            return unfit("lag", stated.to_string(), format!("{lag}, as X_all has it"));
        }
        Ok(Self { lag, runs: runs(&x, &y) })
    }

    /// How many states a window of the file has.
    pub fn lag(&self) -> usize {
        self.lag
    }

    /// The runs, each (states, d) in order of time.
    pub fn runs(&self) -> &[Array2<f64>] {
        &self.runs
    }

    /// How many components a state has.
    pub fn d(&self) -> usize {
        self.runs[0].ncols()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use ndarray::s;
    use proptest::prelude::*;
    use std::fs;

    fn run(seed: u64, rows: usize, d: usize) -> Array2<f64> {
        Array2::from_shape_vec((rows, d), input::gaussian(seed, rows * d, 1.0)).unwrap()
    }

    /// All windows of runs, and the states after them.
    fn windows(runs: &[Array2<f64>], lag: usize) -> (Array3<f64>, Array2<f64>) {
        let d = runs[0].ncols();
        let (mut x, mut y) = (Array3::zeros((0, lag, d)), Array2::zeros((0, d)));
        for run in runs {
            for t in lag..run.nrows() {
                x.push(Axis(0), run.slice(s![t - lag..t, ..])).unwrap();
                y.push_row(run.row(t)).unwrap();
            }
        }
        (x, y)
    }

    /// The bytes of an archive.
    fn saved(x: &Array3<f64>, y: &Array2<f64>, lag: i64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latent_dataset.npz");
        let mut npz = npz::Writer::new(&path);
        npz.add("X_all", x.view()).unwrap();
        npz.add("Y_all", y.view()).unwrap();
        npz.add("lag", arr0(lag).view()).unwrap();
        npz.finish().unwrap();
        fs::read(path).unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<Dataset, Error> {
        Dataset::read(npz::Archive::from_bytes("latent_dataset.npz", bytes)?)
    }

    fn load(x: &Array3<f64>, y: &Array2<f64>, lag: i64) -> Result<Dataset, String> {
        read(saved(x, y, lag)).map_err(|why| why.to_string())
    }

    #[test]
    fn windows_are_put_together_to_their_runs() {
        for lag in [1, 2, 4] {
            let all = [run(1, 12, 3), run(2, 5, 3), run(3, 9, 3)];
            let (x, y) = windows(&all, lag);
            let found = load(&x, &y, i64::try_from(lag).unwrap()).unwrap();
            assert_eq!((found.lag(), found.d()), (lag, 3), "sizes");
            assert_eq!(found.runs(), all, "runs, lag {lag}");
        }
    }

    #[test]
    fn what_is_saved_is_what_runs_give() {
        let all = vec![run(1, 12, 3), run(2, 5, 3), run(3, 9, 3)];
        let dataset = Dataset::new(all.clone(), 4).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latent_dataset.npz");
        dataset.save(&path).unwrap();
        let (x, y) = windows(&all, 4);
        let mut saved = npz::Archive::open(&path).unwrap();
        assert_eq!(saved.array::<f64, _>("X_all").unwrap(), x, "windows");
        assert_eq!(saved.array::<f64, _>("Y_all").unwrap(), y, "the states after them");
        assert_eq!(Dataset::load(&path).unwrap(), dataset, "as it was");
        let multi = dataset.windows(3).unwrap();
        assert_eq!((multi.x().dim(), multi.y().dim()), ((9, 4, 3), (9, 3, 3)), "6 + 0 + 3");
        assert_eq!(multi.y().slice(s![5, .., ..]), all[0].slice(s![9.., ..]), "the end of a run");
        let why = Dataset::new(all, 5).unwrap_err().to_string();
        assert!(why.contains("run 1: found 5 states, expected more than the lag 5"), "{why}");
    }

    #[test]
    fn windows_in_another_order_are_runs_of_their_own() {
        let (x, y) = windows(&[run(1, 8, 2)], 3);
        let order: Vec<_> = (0..5).rev().collect();
        let found = load(&x.select(Axis(0), &order), &y.select(Axis(0), &order), 3).unwrap();
        assert_eq!(found.runs().len(), 5, "none follows the one before");
        assert!(found.runs().iter().all(|run| run.nrows() == 4), "a window and a state");
    }

    #[test]
    fn parts_that_contradict_each_other_are_named() {
        let (x, y) = windows(&[run(1, 8, 2)], 3);
        for (x, y, lag, part) in [
            (x.clone(), y.clone(), 4, "lag: found 4, expected 3, as X_all has it"),
            (x.clone(), y.slice(s![1.., ..]).to_owned(), 3, "Y_all: found shape (4, 2)"),
            (x, y.slice(s![.., 1..]).to_owned(), 3, "Y_all: found shape (5, 1)"),
            (Array3::zeros((0, 3, 2)), Array2::zeros((0, 2)), 3, "X_all: found shape (0, 3, 2)"),
        ] {
            let why = load(&x, &y, lag).unwrap_err();
            assert!(why.contains("latent_dataset.npz: ") && why.contains(part), "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            cut in 1_usize..2500,
            flips in prop::collection::vec((0_usize..2500, any::<u8>()), 0..5),
        ) {
            let (x, y) = windows(&[run(1, 8, 2), run(2, 6, 2)], 3);
            let mut bytes = saved(&x, &y, 3);
            for (at, value) in flips {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            bytes.truncate(cut);
            if let Ok(found) = read(bytes) {
                prop_assert!(found.d() == 2 && found.lag() == 3, "as the file says");
            }
        }
    }
}
