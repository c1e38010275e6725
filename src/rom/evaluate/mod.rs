//! How well a model forecasts the densities of a run that it was not trained on.
//!
//! The frames before the start are known; from the last states before it the model forecasts the rest.
//! With R2 = 1 - (squared errors) / (squares about the mean of all numbers), which is not defined for a
//! truth that hardly varies:
//!
//! | score              | compares                                                                |
//! |--------------------|-------------------------------------------------------------------------|
//! | `r2_reconstructed` | forecast densities, after `clamp` and `mass`, with the true ones        |
//! | `r2_latent`        | forecast latent states with those of the true densities, not standardised |
//! | `r2_pod`           | true densities lifted from their latent states with themselves: the most that the modes allow |
//! | `r2_1step`         | states one step after true windows, as the model has them, about the mean of each component |
//! | `r2_kstep_*`       | forecasts that go on from the true window every k steps                 |
//!
//! Where the basis shifts densities onto a reference, true densities are shifted first, those of the time
//! that is forecast as well, and all is compared there. Predicted densities are shifted back by as much: the
//! model forecasts what a frame looks like, and not where it is.
//!
//! | module    | holds                                                          |
//! |-----------|----------------------------------------------------------------|
//! | `mass`    | what is done to densities below zero, and to their mass        |
//! | `scores`  | R2, also over growing times, and root mean squares             |
//! | `order`   | the order parameters of a run beside its densities             |
//!
//! The scores are those of wsindy-manifold, but for `meansub`: there forecasts have no mean, here that of
//! the last frame before the start.

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, s};
use thiserror::Error;

use super::pod::Basis;
use super::pod::align::{Correlator, roll};
use super::ready::Ready;

pub mod mass;
mod scores;
#[cfg(test)]
mod tests;

pub use mass::{Clamp, Mass};

use mass::Repair;
use scores::{Growing, Pair};

/// Why there is no evaluation.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The densities, the basis and the model do not fit together.
    #[error("{what}: found {found}, expected {expected}")]
    Misfit {
        /// The part that does not fit.
        what: &'static str,
        /// Its shape or size.
        found: String,
        /// What fits.
        expected: String,
    },
    /// A density is not finite, or the transform of the basis has no value there.
    #[error(
        "frame {frame}, cell {cell}: found {value}, expected a finite number with a {transform} value"
    )]
    Value {
        /// The frame, from 0.
        frame: usize,
        /// The cell, row after row, from 0.
        cell: usize,
        /// The number.
        value: f64,
        /// The transform of the basis.
        transform: &'static str,
    },
    /// The forecast is no number.
    #[error(
        "the forecast is not finite from step {step} on; fit a model with a spectral radius below 1, \
         or forecast fewer steps"
    )]
    Diverged {
        /// The step, from 0.
        step: usize,
    },
}

/// Options of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The first frame that is forecast.
    pub start: usize,
    /// What is done to densities below zero.
    pub clamp: Clamp,
    /// What is done to the mass after that.
    pub mass: Mass,
    /// After how many steps `r2_kstep_*` goes on from the true window; `None` leaves them out.
    pub kstep_reset: Option<usize>,
}

/// The frame at which a forecast from `forecast_start` on starts, where frames are `frame_seconds` apart:
/// the nearest, and not before a model has its window.
///
/// # Errors
///
/// Names a time that is not finite, below zero or, between frames, not above it.
pub fn start(forecast_start: f64, frame_seconds: f64, longest_lag: usize) -> Result<usize, Error> {
    let misfit = |what, found: f64, expected: &str| {
        Err(Error::Misfit { what, found: found.to_string(), expected: expected.to_owned() })
    };
    if !(frame_seconds > 0.0 && frame_seconds.is_finite()) {
        return misfit("time between frames", frame_seconds, "a finite number above 0");
    }
    let frame = (forecast_start / frame_seconds).round_ties_even();
    if !(forecast_start >= 0.0 && frame < 1e15) {
        return misfit("forecast_start", forecast_start, "a time, 0 or more, in the run");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let frame = frame as usize;
    Ok(frame.max(longest_lag))
}

/// The scores of one run; those that are not defined are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Of forecast densities.
    pub r2_reconstructed: Option<f64>,
    /// Of forecast latent states.
    pub r2_latent: Option<f64>,
    /// Of the modes alone.
    pub r2_pod: Option<f64>,
    /// Of states one step ahead.
    pub r2_1step: Option<f64>,
    /// Forecast cells below zero before they were clamped, in percent.
    pub negativity_frac: f64,
    /// Root mean squared error of forecast densities.
    pub rmse_recon: f64,
    /// Root mean squared error of forecast latent states.
    pub rmse_latent: f64,
    /// Root mean squared error of the modes alone.
    pub rmse_pod: f64,
    /// `rmse_recon` as part of the mean magnitude of true densities.
    pub rel_error_recon: f64,
    /// `rmse_pod` as part of the mean magnitude of true densities.
    pub rel_error_pod: f64,
    /// The largest part of the true mass that a forecast mass is off by.
    pub max_mass_violation: f64,
    /// Frames that were forecast.
    pub forecast: usize,
    /// Frames before them.
    pub conditioning: usize,
    /// Of densities k steps ahead at most.
    pub r2_kstep_density: Option<f64>,
    /// Of latent states k steps ahead at most.
    pub r2_kstep_latent: Option<f64>,
    /// Sum over the cells of the last true density before the start.
    pub mass_target: f64,
}

/// The scores over growing times: up to each forecast frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpTo {
    /// Of forecast densities.
    pub r2_reconstructed: Option<f64>,
    /// Of forecast latent states.
    pub r2_latent: Option<f64>,
    /// Of the modes alone.
    pub r2_pod: Option<f64>,
}

/// Spread and mass of one frame, true and forecast; before the start both are the true ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    /// Standard deviation over the cells.
    pub deviation: [f64; 2],
    /// Sum over the cells.
    pub mass: [f64; 2],
}

/// An evaluated run.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The scores.
    pub scores: Scores,
    /// The scores up to each forecast frame.
    pub over_time: Vec<UpTo>,
    /// Spread and mass of all frames.
    pub densities: Vec<Density>,
    /// Densities of all frames, where the true ones are: before the start, lifted from the true states;
    /// then forecast.
    pub prediction: Array3<f64>,
}

/// Evaluates a model on the true densities (frames, rows, columns) of a run.
///
/// # Errors
///
/// If densities, basis and model do not fit together, the start leaves no window or no forecast, a
/// density has no transform, or the forecast overflows.
///
/// # Panics
///
/// If the model has no room for so many steps.
pub fn evaluate(
    truth: ArrayView3<'_, f64>,
    basis: &Basis,
    model: &mut Ready,
    options: &Options,
) -> Result<Evaluation, Error> {
    check(truth, basis, model, options)?;
    let (frames, rows, columns) = truth.dim();
    let start = options.start;
    let (truth, shifts) = flat(truth, basis);
    let states = basis.project(truth.view());
    finite(&truth, &states, basis)?;
    let rest = |all: &Array2<f64>| all.slice(s![start.., ..]).to_owned();
    let (true_frames, true_states) = (rest(&truth), rest(&states));
    let mass_target = truth.row(start - 1).sum();
    // The mean of a frame, where the transform loses it.
    let level = mass_target / count(rows * columns);
    let mut repair = Repair::new(options.clamp, options.mass, mass_target);

    let window = states.slice(s![start - model.lag()..start, ..]);
    let forecast = model.states(window, frames - start);
    if let Some(step) = forecast.outer_iter().position(|x| !x.iter().all(|x| x.is_finite())) {
        return Err(Error::Diverged { step });
    }
    let mut lifted = basis.densities(forecast.view(), level);
    if let Some(step) = lifted.outer_iter().position(|x| !x.iter().all(|x| x.is_finite())) {
        return Err(Error::Diverged { step });
    }
    let below = lifted.iter().filter(|x| **x < 0.0).count();
    repair.all(&mut lifted);
    let ceiling = basis.densities(true_states.view(), level);

    let density = Pair::of(&true_frames, &lifted);
    let plain = |states: &Array2<f64>| basis.plain(states.view()).into_owned();
    let (plain_states, plain_forecast) = (plain(&true_states), plain(&forecast));
    let latent = Pair::of(&plain_states, &plain_forecast);
    let pod = Pair::of(&true_frames, &ceiling);
    let mut kstep = [None; 2];
    if let Some(k) = options.kstep_reset {
        let ahead = ahead(&states, model, start, k);
        let mut lifted = basis.densities(ahead.view(), level);
        repair.all(&mut lifted);
        let latent = Pair::of(&plain_states, &plain(&ahead));
        kstep = [Pair::of(&true_frames, &lifted).r2(), latent.r2()];
    }
    let one = ahead(&states, model, start, 1);
    let magnitude = true_frames.iter().map(|x| x.abs()).sum::<f64>() / count(true_frames.len());
    let masses = [&true_frames, &lifted].map(|of| of.sum_axis(Axis(1)));
    let off = masses[0].iter().zip(&masses[1]).map(|(a, b)| (b - a).abs() / (a + TINY));
    let scores = Scores {
        r2_reconstructed: density.r2(),
        r2_latent: latent.r2(),
        r2_pod: pod.r2(),
        r2_1step: Pair::of_columns(&true_states, &one).r2(),
        negativity_frac: 100.0 * count(below) / count(lifted.len()),
        rmse_recon: density.rmse(),
        rmse_latent: latent.rmse(),
        rmse_pod: pod.rmse(),
        rel_error_recon: density.rmse() / (magnitude + TINY),
        rel_error_pod: pod.rmse() / (magnitude + TINY),
        max_mass_violation: off.fold(0.0, f64::max),
        forecast: frames - start,
        conditioning: start,
        r2_kstep_density: kstep[0],
        r2_kstep_latent: kstep[1],
        mass_target,
    };
    let states_over_time = [&plain_states, &plain_forecast];
    let over_time = over_time([&true_frames, &lifted, &ceiling], states_over_time);
    let densities = densities(&truth, &lifted, start);
    let mut before = basis.densities(states.slice(s![..start, ..]), level);
    repair.all(&mut before);
    let mut prediction = Array3::zeros((frames, rows, columns));
    let lifted = before.outer_iter().chain(lifted.outer_iter());
    for ((frame, [dy, dx]), mut to) in lifted.zip(shifts).zip(prediction.outer_iter_mut()) {
        let frame = frame.into_shape_with_order((rows, columns)).expect("as many cells");
        roll(frame, [-dy, -dx], to.as_slice_mut().expect("in rows"));
    }
    Ok(Evaluation { scores, over_time, densities, prediction })
}

/// Keeps quotients of masses finite.
const TINY: f64 = 1e-10;

fn check(
    truth: ArrayView3<'_, f64>,
    basis: &Basis,
    model: &Ready,
    options: &Options,
) -> Result<(), Error> {
    let (frames, rows, columns) = truth.dim();
    let misfit =
        |what, found: String, expected: String| Err(Error::Misfit { what, found, expected });
    if [rows, columns] != basis.shape() {
        let (found, [ny, nx]) = (format!("{rows} rows and {columns} columns"), basis.shape());
        return misfit("densities", found, format!("{ny} and {nx}, as the basis has"));
    }
    if model.d() != basis.len() {
        let (found, modes) = (format!("{} components", model.d()), basis.len());
        return misfit("model", found, format!("{modes}, as many as the basis has modes"));
    }
    let (start, lag) = (options.start, model.lag());
    if start < lag || start >= frames {
        let expected = format!(
            "at least {lag}, the lag of the model, and less than {frames}, the frames that there are"
        );
        return misfit("first frame of the forecast", start.to_string(), expected);
    }
    match options.kstep_reset {
        Some(0) => misfit("kstep_reset", "0".to_owned(), "1 or more".to_owned()),
        _ => Ok(()),
    }
}

/// The densities (frames, cells), shifted onto the reference of the basis if there is one, and the rows and
/// columns that each was shifted by.
fn flat(truth: ArrayView3<'_, f64>, basis: &Basis) -> (Array2<f64>, Vec<[i64; 2]>) {
    let (frames, rows, columns) = truth.dim();
    let mut flat = Array2::zeros((frames, rows * columns));
    let mut correlator = basis.reference().map(Correlator::to);
    let mut shifts = Vec::with_capacity(frames);
    for (frame, mut to) in truth.outer_iter().zip(flat.outer_iter_mut()) {
        let shift = correlator.as_mut().map_or([0, 0], |correlator| correlator.shift(frame));
        roll(frame, shift, to.as_slice_mut().expect("in rows"));
        shifts.push(shift);
    }
    (flat, shifts)
}

/// Requires all states to be finite.
fn finite(truth: &Array2<f64>, states: &Array2<f64>, basis: &Basis) -> Result<(), Error> {
    let is_fine = |row: ArrayView1<'_, f64>| row.iter().all(|x| x.is_finite());
    let Some(frame) = states.outer_iter().position(|row| !is_fine(row)) else { return Ok(()) };
    let mut row = truth.row(frame).to_owned();
    let cells = row.as_slice_mut().expect("a row");
    basis.transform().apply(cells);
    let cell = cells.iter().position(|x| !x.is_finite()).unwrap_or(0);
    let (value, transform) = (truth[[frame, cell]], basis.transform().name());
    Err(Error::Value { frame, cell, value, transform })
}

/// Forecasts of all states from `start` on, which go on from the true window every k steps.
fn ahead(states: &Array2<f64>, model: &mut Ready, start: usize, k: usize) -> Array2<f64> {
    let (frames, lag) = (states.nrows(), model.lag());
    let mut all = Array2::zeros((frames - start, states.ncols()));
    for at in (start..frames).step_by(k) {
        let steps = k.min(frames - at);
        let found = model.forecast(states.slice(s![at - lag..at, ..]), steps);
        all.slice_mut(s![at - start..at - start + steps, ..]).assign(&found);
    }
    all
}

/// R2 up to each frame: sums grow by one frame at a time.
fn over_time(frames: [&Array2<f64>; 3], states: [&Array2<f64>; 2]) -> Vec<UpTo> {
    let mut sums = [(); 3].map(|()| Growing::default());
    let next = |at: usize| {
        let (truth, [density, pod, latent]) = (frames[0].row(at), &mut sums);
        density.add(truth, frames[1].row(at));
        pod.add(truth, frames[2].row(at));
        latent.add(states[0].row(at), states[1].row(at));
        UpTo { r2_reconstructed: density.r2(), r2_latent: latent.r2(), r2_pod: pod.r2() }
    };
    (0..frames[0].nrows()).map(next).collect()
}

fn densities(truth: &Array2<f64>, lifted: &Array2<f64>, start: usize) -> Vec<Density> {
    let of = |all: ArrayView2<'_, f64>, at: usize| {
        let row = all.row(at);
        (row.std(0.0), row.sum())
    };
    let next = |at: usize| {
        let truth = of(truth.view(), at);
        let found = if at < start { truth } else { of(lifted.view(), at - start) };
        Density { deviation: [truth.0, found.0], mass: [truth.1, found.1] }
    };
    (0..truth.nrows()).map(next).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}
