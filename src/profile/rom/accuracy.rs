//! How good forecasts are, by horizon, on states that no model has seen.
//!
//! Forecasts start at many moments of each run and go on to its end. R2 at horizon h is one less the
//! squared errors of all states h steps after a start, over their squares about the mean of each
//! component. The error passes the tolerance where the root of one less R2 does.
//!
//! How sure the steps before that are is told by a bootstrap over the starts, of all models the same.
//! Starts that follow each other share states, so that blocks of them are drawn, around a circle.
//!
//! Source: D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data", in
//! "Exploring the Limits of Bootstrap" (1992) 263-270.

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::forecaster::Forecaster;
use crate::input;

/// The error, relative to the deviation of the states, from which on a forecast is of no use.
pub const TOLERANCE: f64 = 0.5;
/// Starts of forecasts, in all runs together, and steps after each, at most.
const MOST_STARTS: usize = 200;
pub(super) const MOST_STEPS: usize = 200;
/// Starts that a horizon must have.
const LEAST_STARTS: usize = 3;
/// Starts of which there are resamples: fewer tell no interval, as with trials.
const LEAST_RESAMPLED: usize = 6;
const RESAMPLES: usize = 2000;
const SEED: u64 = 11;

/// How good the forecasts of one model are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// The states.
    pub data: String,
    /// Forecasts of each horizon, from 1 step on.
    pub starts: Vec<usize>,
    /// R2 of each horizon, in latent space.
    pub r2_by_horizon: Vec<f64>,
    /// The error that is too large, relative to the deviation of the states.
    pub tolerance: f64,
    /// The first step whose error is larger; null if there is none among the horizons.
    pub first_step_beyond: Option<usize>,
    /// Steps before that.
    pub valid_steps: usize,
    /// The interval of these with 95 % confidence; null where there are too few starts.
    pub valid_steps_interval: Option<[usize; 2]>,
    /// These for each microsecond that a step takes.
    pub valid_steps_per_microsecond: Option<f64>,
}

/// States that no model has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// What they are.
    pub name: String,
    /// Runs (states, d).
    pub runs: Vec<Array2<f64>>,
}

impl HeldOut {
    /// The last fifth of each run.
    pub fn last_fifth(name: &str, runs: &[Array2<f64>]) -> Self {
        let last =
            |run: &Array2<f64>| run.slice(s![run.nrows() - run.nrows() / 5.., ..]).to_owned();
        Self { name: name.to_owned(), runs: runs.iter().map(last).collect() }
    }

    /// Starts of forecasts that a window of `lag` states precedes, as run and state.
    fn starts(&self, lag: usize) -> Vec<(usize, usize)> {
        let of = |(nth, run): (usize, &Array2<f64>)| (lag..run.nrows()).map(move |at| (nth, at));
        let all: Vec<_> = self.runs.iter().enumerate().flat_map(of).collect();
        let every = all.len().div_ceil(MOST_STARTS).max(1);
        all.into_iter().step_by(every).collect()
    }
}

/// The states of a forecast and those that came.
pub type Pair = (Array2<f64>, Array2<f64>);

/// Forecasts from the first start, and the states that came, for as many steps as there are, up to `most`.
pub fn example(
    forecaster: &mut Forecaster<'_>,
    held: &HeldOut,
    longest: usize,
    most: usize,
) -> Option<Pair> {
    let (run, at) = held.starts(longest).into_iter().next()?;
    let run = &held.runs[run];
    let steps = (run.nrows() - at).min(most);
    let window = run.slice(s![at - forecaster.lag..at, ..]);
    let forecast = forecaster.forecast(window, steps).to_owned();
    Some((forecast, run.slice(s![at..at + steps, ..]).to_owned()))
}

/// Valid steps of each resample of the starts, which are drawn alike for all models; none where there
/// are too few starts.
pub type Resampled = Vec<usize>;

/// Squared error and square about the mean of each step after a start.
type Steps = Vec<[f64; 2]>;

/// Measures forecasts of a model from where windows of `longest` states end: the same starts for all
/// models, whatever their windows.
///
/// # Errors
///
/// Says why there is no measure.
pub fn measure(
    forecaster: &mut Forecaster<'_>,
    held: &HeldOut,
    longest: usize,
) -> Result<(Accuracy, Resampled), String> {
    let (d, starts) = (forecaster.d, held.starts(longest));
    let few = || format!("{}: too few states for windows of {longest}", held.name);
    let rows: usize = held.runs.iter().map(|run| run.nrows()).sum();
    let sum = held
        .runs
        .iter()
        .fold(Array1::zeros(d), |sum: Array1<f64>, run| sum + run.sum_axis(Axis(0)));
    let mean = sum / rows.max(1) as f64;
    let of = |(run, at): (usize, usize)| -> Steps {
        let run = &held.runs[run];
        let steps = (run.nrows() - at).min(MOST_STEPS);
        let forecast = forecaster.forecast(run.slice(s![at - forecaster.lag..at, ..]), steps);
        let truth = run.slice(s![at..at + steps, ..]);
        let square = |(a, b): (&f64, &f64)| (a - b).powi(2);
        let step = |(got, want): (ArrayView1<'_, f64>, ArrayView1<'_, f64>)| {
            [got.iter().zip(want).map(square).sum(), want.iter().zip(&mean).map(square).sum()]
        };
        forecast.outer_iter().zip(truth.outer_iter()).map(step).collect()
    };
    let starts: Vec<_> = starts.into_iter().map(of).collect();
    let (mut counted, mut r2) = (Vec::new(), Vec::new());
    for h in 0..MOST_STEPS {
        let (count, error, square) = sums(&starts, h);
        let value = 1.0 - error / square;
        // From the first state on that overflows there is nothing to say.
        if count < LEAST_STARTS || !value.is_finite() {
            break;
        }
        counted.push(count);
        r2.push(value);
    }
    if r2.is_empty() {
        return Err(few());
    }
    let beyond = r2.iter().position(|r2| (1.0 - r2).max(0.0).sqrt() > TOLERANCE);
    let resampled = resampled(&starts, r2.len());
    let accuracy = Accuracy {
        data: held.name.clone(),
        valid_steps: beyond.unwrap_or(r2.len()),
        valid_steps_interval: interval(resampled.clone()),
        starts: counted,
        r2_by_horizon: r2,
        tolerance: TOLERANCE,
        first_step_beyond: beyond.map(|at| at + 1),
        valid_steps_per_microsecond: None,
    };
    Ok((accuracy, resampled))
}

/// The number of starts with a step `h`, from 0, and the sums of its errors and squares.
fn sums<'a>(starts: impl IntoIterator<Item = &'a Steps>, h: usize) -> (usize, f64, f64) {
    let steps = starts.into_iter().filter_map(|steps| steps.get(h));
    steps.fold((0, 0.0, 0.0), |(count, errors, squares), [error, square]| {
        (count + 1, errors + error, squares + square)
    })
}

/// Steps before the error is too large, of `most`, in resamples of the starts.
fn resampled(starts: &[Steps], most: usize) -> Resampled {
    let count = starts.len();
    if count < LEAST_RESAMPLED {
        return Vec::new();
    }
    let (mut rng, block) = (input::rng(SEED), count.isqrt());
    let valid = |_| {
        let mut from = 0;
        let draw = |nth: usize| {
            if nth.is_multiple_of(block) {
                from = rng.random_range(0..count);
            }
            &starts[(from + nth) % count]
        };
        let drawn: Vec<_> = (0..count).map(draw).collect();
        let is_beyond = |h: &usize| {
            let (_, error, square) = sums(drawn.iter().copied(), *h);
            error > TOLERANCE.powi(2) * square
        };
        (0..most).find(is_beyond).unwrap_or(most)
    };
    (0..RESAMPLES).map(valid).collect()
}

/// The interval that leaves 2.5 % of resamples out at either end; none of no resamples.
pub(super) fn interval<T: Ord + Copy>(mut resampled: Vec<T>) -> Option<[T; 2]> {
    resampled.sort_unstable();
    let outside = resampled.len() / 40;
    Some([*resampled.get(outside)?, resampled[resampled.len() - 1 - outside]])
}

impl Accuracy {
    /// The same with the cost of a step in microseconds.
    #[must_use]
    pub fn at_cost(self, microseconds: f64) -> Self {
        let per_microsecond = self.valid_steps as f64 / microseconds;
        Self { valid_steps_per_microsecond: Some(per_microsecond), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mvar;

    fn fixture() -> HeldOut {
        HeldOut::last_fifth("states", &[mvar::fixtures::states()])
    }

    /// A model that says the same state whatever came before.
    fn constant(value: f64) -> Forecaster<'static> {
        Forecaster::of("constant", 2, 1, 0, move |_, n| Array2::from_elem((n, 1), value))
    }

    #[test]
    fn a_perfect_forecast_has_r2_one_and_the_mean_has_none() {
        let run = Array2::from_shape_fn((40, 1), |(t, _)| if t % 2 == 0 { 1.0 } else { -1.0 });
        let held = HeldOut { name: "x".into(), runs: vec![run] };
        let mut right = Forecaster::of("right", 2, 1, 0, |window, n| {
            Array2::from_shape_fn((n, 1), |(t, _)| window[[t % 2, 0]])
        });
        let (got, _) = measure(&mut right, &held, 2).unwrap();
        assert!(got.r2_by_horizon.iter().all(|r2| *r2 == 1.0), "{got:?}");
        assert_eq!((got.first_step_beyond, got.valid_steps), (None, 36), "never");
        assert_eq!((got.starts[0], got.starts[35]), (38, 3), "starts");
        let (got, _) = measure(&mut constant(0.0), &held, 2).unwrap();
        assert!(got.r2_by_horizon.iter().all(|r2| r2.abs() < 1e-12), "{got:?}");
        assert_eq!((got.first_step_beyond, got.valid_steps), (Some(1), 0), "at once");
    }

    #[test]
    fn what_overflows_ends_the_list_and_too_few_states_are_told() {
        let held = fixture();
        let mut bad = Forecaster::of("bad", 5, 20, 0, |_, n| {
            Array2::from_shape_fn((n, 20), |(t, _)| if t < 2 { 0.0 } else { f64::INFINITY })
        });
        assert_eq!(measure(&mut bad, &held, 5).unwrap().0.r2_by_horizon.len(), 2, "two steps");
        let why = measure(&mut bad, &held, 30).unwrap_err();
        assert_eq!(why, "states: too few states for windows of 30", "longest window");
    }

    /// Says the next number, but for an error that grows with the steps and differs by start.
    fn worse(growth: f64, by_start: f64) -> Forecaster<'static> {
        Forecaster::of("worse", 2, 1, 0, move |window, n| {
            let start = window[[1, 0]];
            let of = |(t, _): (usize, usize)| {
                let step = t as f64 + 1.0;
                start + step + growth * step * (3.0 + by_start * start.sin())
            };
            Array2::from_shape_fn((n, 1), of)
        })
    }

    #[test]
    fn valid_steps_have_an_interval_and_few_starts_tell_none() {
        let held = |rows: usize| {
            let run = Array2::from_shape_fn((rows, 1), |(t, _)| t as f64);
            HeldOut { name: "x".into(), runs: vec![run] }
        };
        let of = |growth: f64, by_start: f64, rows: usize| {
            measure(&mut worse(growth, by_start), &held(rows), 2).unwrap()
        };
        let (got, first) = of(0.25, 1.0, 30);
        let [low, high] = got.valid_steps_interval.unwrap();
        assert!(low <= got.valid_steps && got.valid_steps <= high && low < high, "{got:?}");
        let differences = |growth: f64, by_start: f64| {
            let (_, other) = of(growth, by_start, 30);
            let both = other.iter().zip(&first);
            interval(both.map(|(a, b)| a.cast_signed() - b.cast_signed()).collect()).unwrap()
        };
        assert_eq!(differences(0.25, 1.0), [0, 0], "the same model from the same starts");
        let [low, high] = differences(0.25, -1.0);
        assert!(low <= 0 && 0 <= high && low < high, "a tie: {low} to {high}");
        let [low, high] = differences(0.1, 1.0);
        assert!(0 < low && low <= high, "better: {low} to {high}");
        let (few, none) = of(0.25, 1.0, 7);
        assert_eq!((few.valid_steps_interval, none), (None, Vec::new()), "five starts");
    }

    #[test]
    fn the_interval_leaves_out_as_much_at_either_end() {
        assert_eq!(interval((1..=80).rev().collect()), Some([3, 78]), "two of eighty");
        assert_eq!(interval::<usize>(Vec::new()), None, "nothing");
    }

    #[test]
    fn the_fixtures_forecast_the_last_fifth() {
        let held = fixture();
        assert_eq!(held.runs[0].nrows(), 21, "of 105");
        let model = mvar::fixtures::lorenz96();
        let mut forecaster = Forecaster::mvar("MVAR", &model, 100);
        let (got, _) = measure(&mut forecaster, &held, 5).unwrap();
        let got = got.at_cost(0.1);
        assert!(got.r2_by_horizon[0] > 0.8, "{got:?}");
        let (valid, rate) = (got.valid_steps as f64, got.valid_steps_per_microsecond.unwrap());
        assert!((rate - 10.0 * valid).abs() < 1e-9 && valid >= 1.0, "{got:?}");
        let (forecast, truth) = example(&mut forecaster, &held, 5, 7).unwrap();
        assert_eq!((forecast.dim(), truth.dim()), ((7, 20), (7, 20)), "shapes");
    }
}
