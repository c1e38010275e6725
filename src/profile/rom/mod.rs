//! The profile of reduced-order models: what training and forecasts cost, and which to deploy.
//!
//! | | |
//! | --- | --- |
//! | [`forecaster`] | a model of ours, or any function from a window to states |
//! | [`windows`] | windows that no call had before, and forecasts that cannot be profiled |
//! | [`trials`], [`times`] | the clock: trials of all models in turn |
//! | [`speedup`](mod@speedup) | ratios of times, and their intervals |
//! | [`benchmark`](mod@benchmark) | from models to profiles in one call |
//! | [`accuracy`] | R2 by horizon, on states that no model has seen |
//! | [`find`], [`named`], `latent` | models, window and data from files |
//! | `train` | models of the same sizes, trained under the clock |
//! | [`scaling`], `sweeps` | times while one size grows |
//! | [`document`], [`complexity`], [`comparison`] | the JSON of wsindy-manifold's analyzer, and its formulas |
//! | [`extended`] | the objects `extended` in it |
//! | [`run`] | measures all points, and makes the files of them |
//! | [`pipeline`], `scored`, `frames` | runs the pipeline of a configuration, shows its scores, and profiles its models |
//!
//! What is timed is [`crate::rom::ready::Ready`], which also makes the forecasts of `stepmark rom`. Any
//! other model is a function from a window (lag, d) and n to states (n, d):
//!
//! ```
//! use ndarray::{Array2, s};
//! use stepmark::mvar::fixtures;
//! use stepmark::profile::rom::benchmark::benchmark;
//! use stepmark::profile::rom::comparison::Comparison;
//! use stepmark::profile::rom::forecaster::Forecaster;
//! use stepmark::profile::rom::trials::Plan;
//!
//! let (model, states) = (fixtures::lorenz96(), fixtures::states());
//! let plan = Plan { n_steps: 20, n_trials: 10, warmup: 1 };
//! let mut forecasters = [
//!     Forecaster::mvar("MVAR", &model, plan.n_steps),
//!     // Each state is the one before, drawn to the mean of the window.
//!     Forecaster::of("mine", 5, 20, 1, |window, n| {
//!         let (mean, newest) = (window.mean().unwrap(), window.row(4));
//!         let weight = |t: usize| 0.9_f64.powi(t as i32 + 1);
//!         Array2::from_shape_fn((n, 20), |(t, k)| mean + weight(t) * (newest[k] - mean))
//!     }),
//! ];
//! let z0 = states.slice(s![..5, ..]).to_owned();
//! let (profiles, comparison) = benchmark(&mut forecasters, &z0, &plan)?;
//! assert_eq!(profiles[1].model_name, "mine");
//! if let Comparison::Of(compared) = comparison {
//!     let speedup = compared.extended.unwrap().full_trajectory_speedup.unwrap()["mine_vs_MVAR"];
//!     println!("{:.2} ({:.2} to {:.2})", speedup.ratio, speedup.low, speedup.high);
//! }
//! # Ok::<(), stepmark::profile::rom::Error>(())
//! ```

pub mod accuracy;
pub mod benchmark;
pub mod comparison;
pub mod complexity;
pub mod document;
pub mod extended;
#[cfg(feature = "figures")]
mod figures;
mod files;
pub mod find;
pub mod forecaster;
mod former;
#[cfg(feature = "figures")]
mod frames;
mod latent;
pub mod named;
mod names;
pub mod pipeline;
mod report;
pub mod run;
pub mod scaling;
mod scored;
pub mod speedup;
mod summary;
mod sweeps;
pub mod times;
mod train;
pub mod trials;
pub mod windows;

use std::io;
use std::path::PathBuf;

use super::points;
use crate::file::npz;
use crate::rom::dataset;
use crate::{lstm, mvar};

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A forecast has another shape than was asked for.
    #[error("{model}: the forecast has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The model.
        model: String,
        /// The shape of the forecast.
        found: (usize, usize),
        /// Steps and components.
        expected: (usize, usize),
    },
    /// A forecast overflows.
    #[error(
        "{model}: the forecast is not finite from step {step} on (of {steps}): the model is unstable, or the window not of its data"
    )]
    Diverged {
        /// The model.
        model: String,
        /// The first such step, from 1.
        step: usize,
        /// Steps asked for.
        steps: usize,
    },
    /// A forecast does not depend on its window.
    #[error(
        "{model}: the forecast is the same from another window: one that is cached, or none at all, is not timed"
    )]
    Cached {
        /// The model.
        model: String,
    },
    /// A forecast is not the same twice.
    #[error(
        "{model}: the forecast depends on more than its window: the same one led to other states"
    )]
    Depends {
        /// The model.
        model: String,
    },
    /// A forecast of one step is not the first step of a longer one.
    #[error("{model}: a forecast of one step is not the first step of a longer one")]
    Prefix {
        /// The model.
        model: String,
    },
    /// A folder holds no model.
    #[error("{}: found no model, expected {}", folder.display(), expected.join(" or "))]
    NoModels {
        /// The folder.
        folder: PathBuf,
        /// The files that are looked for.
        expected: Vec<&'static str>,
    },
    /// A fact is stated of networks, and none is read from a file.
    #[error("`{what}` is stated of networks, and no file of one is read; leave it out")]
    Stated {
        /// The fact.
        what: &'static str,
    },
    /// Two files are of states of different sizes.
    #[error("{file}: found states of {found} components, but {first} has {expected}")]
    Components {
        /// The file.
        file: String,
        /// Its components.
        found: usize,
        /// The file of the first model.
        first: String,
        /// The components of the first model.
        expected: usize,
    },
    /// The window that was given has another shape.
    #[error("{}: `window`: found shape {found:?}, expected {expected:?}, the longest window of the models",
            path.display())]
    Z0 {
        /// The file.
        path: PathBuf,
        /// Its shape.
        found: (usize, usize),
        /// The longest window, and the components of a state.
        expected: (usize, usize),
    },
    /// No run of the training data is as long as a window.
    #[error("{}: no run has as many states as the longest window, {lag}", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// States of the longest window.
        lag: usize,
    },
    /// So many states take too much memory.
    #[error("found {steps} steps of {d} components, expected at most {most} numbers")]
    Steps {
        /// Steps asked for.
        steps: usize,
        /// Components of a state.
        d: usize,
        /// The most numbers.
        most: usize,
    },
    /// The memory of this process is not known.
    #[error("{why}; resident memory is known on Linux only")]
    Memory {
        /// What cannot be read.
        why: String,
    },
    /// A summary that is to be updated is none.
    #[error("{}: {why}; leave `--update-summary` out, or mend the file", path.display())]
    Summary {
        /// The file.
        path: PathBuf,
        /// The flaw.
        why: String,
    },
    /// A row of a log has other fields than an epoch and two losses.
    #[error("{}, row {row}: expected an epoch and two losses", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The row below the head, from 1.
        row: usize,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The complaint of the system.
        source: io::Error,
    },
    /// A value has no text in JSON.
    #[error("no JSON: {why}")]
    Json {
        /// The complaint of the writer.
        #[from]
        why: serde_json::Error,
    },
    /// The results cannot be printed.
    #[error("cannot print the results: {0}")]
    Print(io::Error),
    /// A line cannot be written, or is of another run.
    #[error(transparent)]
    Points(#[from] points::Error),
    /// An autoregression cannot be loaded.
    #[error(transparent)]
    Mvar(#[from] mvar::model::Error),
    /// A network cannot be loaded.
    #[error(transparent)]
    Lstm(#[from] lstm::model::Error),
    /// An autoregression cannot be fitted.
    #[error(transparent)]
    Fit(#[from] mvar::train::Error),
    /// A network cannot be trained.
    #[error(transparent)]
    Train(#[from] lstm::train::Error),
    /// Latent data cannot be read.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// An archive cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The pipeline that makes the models does not end.
    #[error(transparent)]
    Pipeline(#[from] crate::rom::pipeline::Error),
}

impl Error {
    /// The same with the file of the model.
    fn of(mut self, file: &str) -> Self {
        use Error::{Cached, Depends, Diverged, Prefix, Shape};
        if let Shape { model, .. }
        | Diverged { model, .. }
        | Cached { model }
        | Depends { model }
        | Prefix { model } = &mut self
        {
            *model = format!("{model} ({file})");
        }
        self
    }

    /// Whether it is of a model, so that another try ends the same way.
    fn is_of_model(&self) -> bool {
        use Error::{Cached, Depends, Diverged, Fit, Prefix, Shape};
        matches!(
            self,
            Shape { .. }
                | Diverged { .. }
                | Cached { .. }
                | Depends { .. }
                | Prefix { .. }
                | Fit(_)
        )
    }
}
