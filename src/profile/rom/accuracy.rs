//! How good forecasts are, by horizon, on states that no model has seen.
//!
//! Forecasts start at many moments of each run and go on to its end. R2 at horizon h is one less the
//! squared errors of all states h steps after a start, over their squares about the mean of each
//! component. The error passes the tolerance where the root of one less R2 does.

use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};

use super::subject::Subject;

/// The error, relative to the deviation of the states, from which on a forecast is of no use.
pub const TOLERANCE: f64 = 0.5;
/// Starts of forecasts, in all runs together, and steps after each, at most.
const MOST_STARTS: usize = 200;
pub(super) const MOST_STEPS: usize = 200;
/// Starts that a horizon must have.
const LEAST_STARTS: usize = 3;

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
    subject: &mut Subject<'_>,
    held: &HeldOut,
    longest: usize,
    most: usize,
) -> Option<Pair> {
    let (run, at) = held.starts(longest).into_iter().next()?;
    let run = &held.runs[run];
    let steps = (run.nrows() - at).min(most);
    let window = run.slice(s![at - subject.lag..at, ..]);
    let forecast = subject.forecast(window, steps).to_owned();
    Some((forecast, run.slice(s![at..at + steps, ..]).to_owned()))
}

/// Measures forecasts of a model from where windows of `longest` states end: the same starts for all
/// models, whatever their windows.
///
/// # Errors
///
/// Says why there is no measure.
pub fn measure(
    subject: &mut Subject<'_>,
    held: &HeldOut,
    longest: usize,
) -> Result<Accuracy, String> {
    let (d, starts) = (subject.d, held.starts(longest));
    let few = || format!("{}: too few states for windows of {longest}", held.name);
    let rows: usize = held.runs.iter().map(|run| run.nrows()).sum();
    let sum = held
        .runs
        .iter()
        .fold(Array1::zeros(d), |sum: Array1<f64>, run| sum + run.sum_axis(Axis(0)));
    let mean = sum / rows.max(1) as f64;
    let (mut counts, mut errors, mut squares) =
        (vec![0; MOST_STEPS], vec![0.0; MOST_STEPS], vec![0.0; MOST_STEPS]);
    for (run, at) in starts {
        let run = &held.runs[run];
        let steps = (run.nrows() - at).min(MOST_STEPS);
        let forecast = subject.forecast(run.slice(s![at - subject.lag..at, ..]), steps);
        let truth = run.slice(s![at..at + steps, ..]);
        for (h, (got, want)) in forecast.outer_iter().zip(truth.outer_iter()).enumerate() {
            let square = |(a, b): (&f64, &f64)| (a - b).powi(2);
            counts[h] += 1;
            errors[h] += got.iter().zip(want).map(square).sum::<f64>();
            squares[h] += want.iter().zip(&mean).map(square).sum::<f64>();
        }
    }
    let (mut counted, mut r2) = (Vec::new(), Vec::new());
    for ((count, error), square) in counts.into_iter().zip(errors).zip(squares) {
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
    Ok(Accuracy {
        data: held.name.clone(),
        valid_steps: beyond.unwrap_or(r2.len()),
        starts: counted,
        r2_by_horizon: r2,
        tolerance: TOLERANCE,
        first_step_beyond: beyond.map(|at| at + 1),
        valid_steps_per_microsecond: None,
    })
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
    fn constant(value: f64) -> Subject<'static> {
        Subject::of("constant", 2, 1, 0, move |_, n| Array2::from_elem((n, 1), value))
    }

    #[test]
    fn a_perfect_forecast_has_r2_one_and_the_mean_has_none() {
        let run = Array2::from_shape_fn((40, 1), |(t, _)| if t % 2 == 0 { 1.0 } else { -1.0 });
        let held = HeldOut { name: "x".into(), runs: vec![run] };
        let mut right = Subject::of("right", 2, 1, 0, |window, n| {
            Array2::from_shape_fn((n, 1), |(t, _)| window[[t % 2, 0]])
        });
        let got = measure(&mut right, &held, 2).unwrap();
        assert!(got.r2_by_horizon.iter().all(|r2| *r2 == 1.0), "{got:?}");
        assert_eq!((got.first_step_beyond, got.valid_steps), (None, 36), "never");
        assert_eq!((got.starts[0], got.starts[35]), (38, 3), "starts");
        let got = measure(&mut constant(0.0), &held, 2).unwrap();
        assert!(got.r2_by_horizon.iter().all(|r2| r2.abs() < 1e-12), "{got:?}");
        assert_eq!((got.first_step_beyond, got.valid_steps), (Some(1), 0), "at once");
    }

    #[test]
    fn what_overflows_ends_the_list_and_too_few_states_are_told() {
        let held = fixture();
        let mut bad = Subject::of("bad", 5, 20, 0, |_, n| {
            Array2::from_shape_fn((n, 20), |(t, _)| if t < 2 { 0.0 } else { f64::INFINITY })
        });
        assert_eq!(measure(&mut bad, &held, 5).unwrap().r2_by_horizon.len(), 2, "two steps");
        let why = measure(&mut bad, &held, 30).unwrap_err();
        assert_eq!(why, "states: too few states for windows of 30", "longest window");
    }

    #[test]
    fn the_fixtures_forecast_the_last_fifth() {
        let held = fixture();
        assert_eq!(held.runs[0].nrows(), 21, "of 105");
        let model = mvar::fixtures::lorenz96();
        let mut subject = Subject::mvar("MVAR", &model, 100);
        let got = measure(&mut subject, &held, 5).unwrap().at_cost(0.1);
        assert!(got.r2_by_horizon[0] > 0.8, "{got:?}");
        let (valid, rate) = (got.valid_steps as f64, got.valid_steps_per_microsecond.unwrap());
        assert!((rate - 10.0 * valid).abs() < 1e-9 && valid >= 1.0, "{got:?}");
        let (forecast, truth) = example(&mut subject, &held, 5, 7).unwrap();
        assert_eq!((forecast.dim(), truth.dim()), ((7, 20), (7, 20)), "shapes");
    }
}
