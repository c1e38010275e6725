//! Windows and the states after them: from runs or as they are; their split and normalisation.

use ndarray::{Array1, Array3, ArrayView2, ArrayView3, Axis, s};

use super::config::Config;
use super::error::Error;
use super::generator::Generator;
use super::loss::Batch;
use crate::lstm::model::MAX_LAG;
use crate::lstm::net::Scale;
use crate::stats::runs::{Unfit, check_finite, check_shapes};

/// Windows `x` (n, lag, d) and the states `y` (n, k, d) after them, the next one first.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    x: Array3<f64>,
    y: Array3<f64>,
}

impl Windows {
    /// Checks that windows and the states after them fit together and are finite.
    ///
    /// # Errors
    ///
    /// Says which part is unfit.
    pub fn new(x: Array3<f64>, y: Array3<f64>) -> Result<Self, Error> {
        let (n, lag, d) = x.dim();
        let wrong = |what, found, expected: String| Err(Error::Data { what, found, expected });
        if n < 2 || d == 0 || !(1..=MAX_LAG).contains(&lag) {
            let expected = format!("at least 2, of 1 to {MAX_LAG} states with a component");
            return wrong("windows", format!("shape {:?}", x.dim()), expected);
        }
        if y.dim().0 != n || y.dim().1 == 0 || y.dim().2 != d {
            let (found, expected) = (format!("shape {:?}", y.dim()), format!("({n}, 1.., {d})"));
            return wrong("states after the windows", found, expected);
        }
        for (what, all) in [("windows", &x), ("states after the windows", &y)] {
            if let Some((at, bad)) = all.indexed_iter().find(|(_, x)| !x.is_finite()) {
                return wrong(what, format!("{bad} at {at:?}"), "finite numbers".to_owned());
            }
        }
        Ok(Self { x, y })
    }

    /// All windows of runs (states, d), each with `after` states behind it; none crosses from one
    /// run to the next. A run that has a window, but fewer states behind it, gives none.
    ///
    /// # Errors
    ///
    /// If there is no run, or none that is long enough, or one is no longer than a window, of other
    /// components or not finite.
    ///
    /// # Panics
    ///
    /// If `after` is 0.
    pub fn from_runs(
        runs: &[ArrayView2<'_, f64>],
        lag: usize,
        after: usize,
    ) -> Result<Self, Error> {
        assert!(after > 0, "a state after each window");
        let Some(d) = runs.first().map(ArrayView2::ncols) else {
            return Err(Unfit::NoRuns.into());
        };
        if !(1..=MAX_LAG).contains(&lag) {
            let (found, expected) = (lag.to_string(), format!("1 to {MAX_LAG}"));
            return Err(Error::Data { what: "lag", found, expected });
        }
        check_shapes(runs.iter().map(ArrayView2::dim), lag, d)?;
        runs.iter().enumerate().try_for_each(|(run, states)| check_finite(run, states, d))?;
        let (least, longest) = (lag + after, runs.iter().map(ArrayView2::nrows).max());
        if let Some(rows) = longest.filter(|rows| *rows < least) {
            return Err(Error::NoRollouts { rows, lag, after });
        }
        let runs = || runs.iter().filter(|run| run.nrows() >= least);
        let n = runs().map(|run| run.nrows() + 1 - least).sum();
        let (mut x, mut y) = (Array3::zeros((n, lag, d)), Array3::zeros((n, after, d)));
        let starts = runs().flat_map(|run| (0..=run.nrows() - least).map(move |at| (run, at)));
        for (sample, (run, at)) in starts.enumerate() {
            let middle = at + lag;
            x.index_axis_mut(Axis(0), sample).assign(&run.slice(s![at..middle, ..]));
            y.index_axis_mut(Axis(0), sample).assign(&run.slice(s![middle..middle + after, ..]));
        }
        Self::new(x, y)
    }

    /// The windows, (n, lag, d).
    pub fn x(&self) -> ArrayView3<'_, f64> {
        self.x.view()
    }

    /// The states after them, (n, k, d).
    pub fn y(&self) -> ArrayView3<'_, f64> {
        self.y.view()
    }
}

/// The order in which samples are split: the first 80 % train, the others validate.
pub fn split(samples: usize) -> Vec<usize> {
    Generator::new(42).permutation(samples)
}

/// Training and validation windows, normalised and rounded to f32.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) lag: usize,
    pub(super) d: usize,
    after: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    pub(super) train: Vec<usize>,
    pub(super) validation: Vec<usize>,
    pub(super) scale: Option<Scale>,
}

impl Data {
    pub(super) fn new(windows: &Windows, config: &Config) -> Result<Self, Error> {
        let ((n, lag, d), after) = (windows.x.dim(), config.states_after());
        if windows.y.dim().1 < after {
            let found = format!("{} of each", windows.y.dim().1);
            let expected = format!("{after}, as multistep_k says");
            return Err(Error::Data { what: "states after the windows", found, expected });
        }
        let mut train = split(n);
        let validation = train.split_off((n * 4 / 5).clamp(1, n - 1));
        let scale = if config.normalize_input { Some(scale(&windows.x, &train)?) } else { None };
        let applied = scale.clone().unwrap_or_else(|| Scale::identity(d));
        let normalised = |of: ArrayView3<'_, f64>| {
            let flat: Vec<_> = of.iter().copied().collect();
            let mut to = vec![0.0; flat.len()];
            applied.apply(&flat, &mut to);
            to
        };
        let (x, y) = (normalised(windows.x()), normalised(windows.y.slice(s![.., ..after, ..])));
        Ok(Self { lag, d, after, x, y, train, validation, scale })
    }

    /// The batch of some samples.
    pub(super) fn gather(&self, samples: &[usize], to: &mut Batch<f32>) {
        let (window, d) = (self.lag * self.d, self.d);
        to.x.clear();
        to.y.resize(self.after, Vec::new());
        to.y.iter_mut().for_each(Vec::clear);
        for &sample in samples {
            to.x.extend_from_slice(&self.x[sample * window..][..window]);
            let states = self.y[sample * self.after * d..].chunks_exact(d);
            to.y.iter_mut().zip(states).for_each(|(to, state)| to.extend_from_slice(state));
        }
    }

    /// A hash by which a checkpoint tells these data from others.
    pub(super) fn digest(&self) -> i64 {
        let step = |hash: u64, x: &f32| {
            (hash ^ u64::from(x.to_bits())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        };
        let start = (self.lag * 31 + self.d) as u64;
        self.x.iter().chain(&self.y).fold(start, step).cast_signed()
    }
}

/// Mean and deviation of each component over the training windows; deviations are 1e-8 or more.
fn scale(x: &Array3<f64>, train: &[usize]) -> Result<Scale, Error> {
    let (_, lag, d) = x.dim();
    let windows = x.select(Axis(0), train);
    let rows = windows.to_shape((train.len() * lag, d)).expect("the same numbers");
    let constant = |column: &usize| rows.column(*column).iter().all(|x| *x == rows[[0, *column]]);
    let columns: Vec<_> = (0..d).filter(constant).collect();
    if !columns.is_empty() {
        return Err(Error::Constant { columns });
    }
    let mean: Array1<f64> = rows.mean_axis(Axis(0)).expect("at least one");
    let std = rows.std_axis(Axis(0), 0.0).mapv(|std| std.max(1e-8));
    Scale::new(mean, std).map_err(Error::Misfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn runs() -> [Array2<f64>; 2] {
        [9, 7]
            .map(|rows| Array2::from_shape_fn((rows, 2), |(t, i)| (100 * rows + 10 * t + i) as f64))
    }

    #[test]
    fn windows_never_cross_from_one_run_to_the_next() {
        let runs = runs();
        let views = runs.each_ref().map(|run| run.view());
        let windows = Windows::from_runs(&views, 3, 2).unwrap();
        assert_eq!(windows.x().dim(), (5 + 3, 3, 2), "9 - 4 and 7 - 4");
        assert_eq!(windows.x().slice(s![5, .., 0]), array![700.0, 710.0, 720.0], "the second run");
        assert_eq!(windows.y().slice(s![4, .., 1]), array![971.0, 981.0], "end of the first");
    }

    #[test]
    fn unfit_runs_are_refused_by_number() {
        let [a, b] = runs();
        let refused = |runs: &[ArrayView2<'_, f64>], lag, after, word: &str| {
            let why = Windows::from_runs(runs, lag, after).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        };
        refused(&[], 3, 1, "no run");
        refused(&[a.view(), b.view()], 7, 1, "run 1: found 7 states, expected more than the lag 7");
        refused(&[b.view()], 7, 4, "run 0: found 7 states, expected more than the lag 7; choose");
        let words = "the longest run has 9 states, expected at least 11: the lag 3 and 8 states";
        refused(&[a.view(), b.view()], 3, 8, words);
        refused(&[a.view(), b.view()], 0, 1, "lag: found 0");
        refused(&[a.view(), b.slice(s![.., ..1])], 3, 1, "run 1: found 1 components");
        let mut bad = b;
        bad[[4, 1]] = f64::NAN;
        let words = "run 1, state 4, component 1: found NaN, expected finite numbers";
        refused(&[a.view(), bad.view()], 3, 1, words);
        refused(&[a.view(), bad.view()], 3, 6, words);
    }

    #[test]
    fn a_run_without_enough_states_after_its_windows_gives_none() {
        let [a, b] = runs();
        let windows = Windows::from_runs(&[b.view(), a.view(), b.view()], 4, 4).unwrap();
        assert_eq!(windows, Windows::from_runs(&[a.view()], 4, 4).unwrap(), "7 states are too few");
        assert_eq!(windows.x().dim(), (2, 4, 2), "9 states are enough");
    }

    #[test]
    fn a_constant_component_is_refused_where_it_would_be_normalised() {
        let mut run = Array2::from_shape_fn((30, 3), |(t, i)| ((t * t + i) % 7) as f64);
        run.column_mut(1).fill(0.25);
        let windows = Windows::from_runs(&[run.view()], 4, 1).unwrap();
        let mut config = Config::new(4, 1, 1e-3, 1, 1);
        let why = Data::new(&windows, &config).unwrap_err().to_string();
        assert!(why.contains("[1] are constant"), "{why}");
        config.normalize_input = false;
        assert!(Data::new(&windows, &config).is_ok(), "as it is");
    }

    #[test]
    fn a_split_is_that_of_numpy() {
        assert_eq!(split(10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6], "RandomState(42).permutation(10)");
    }
}
