//! States from a model and a window.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};
use thiserror::Error;

use super::ready::Ready;
use crate::file::npz;
use crate::{lstm, mvar};

/// Why there is no forecast.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The name of the model does not end as that of a model.
    #[error(
        "{}: no model has such a name, expected one that ends with .npz (mvar), .pt or \
         .safetensors (lstm)", path.display()
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// What is stated of a network is stated of an autoregression.
    #[error("{}: `{what}` is stated of networks (.pt, .safetensors); leave it out here", path.display())]
    Stated {
        /// The file.
        path: PathBuf,
        /// The statement.
        what: &'static str,
    },
    /// The autoregression cannot be loaded.
    #[error(transparent)]
    Mvar(#[from] mvar::model::Error),
    /// The network cannot be loaded.
    #[error(transparent)]
    Lstm(#[from] lstm::model::Error),
    /// The window cannot be read, or the forecast not be saved.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The window is of another model.
    #[error("{}: `window`: found shape {found:?}, expected {expected:?}, as {} has it",
            path.display(), model.display())]
    Window {
        /// The archive with the window.
        path: PathBuf,
        /// The model.
        model: PathBuf,
        /// The shape of the window.
        found: (usize, usize),
        /// That of the model.
        expected: (usize, usize),
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
    /// A forecast overflows.
    #[error("the forecast is not finite from step {step} on (of {steps}): the model is unstable")]
    Diverged {
        /// The first such step, from 1.
        step: usize,
        /// Steps asked for.
        steps: usize,
    },
    /// The operating system refused.
    #[error("output: {0}")]
    Output(io::Error),
}

/// A model of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// An autoregression.
    Mvar(mvar::Model),
    /// A network.
    Lstm(Box<lstm::Model>),
}

impl Model {
    /// Loads a model of the kind that the name shows, and says what it lacks.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is of no known kind, or nothing can be said.
    pub fn load(
        path: &Path,
        options: &lstm::model::Options,
        out: &mut dyn Write,
    ) -> Result<Self, Error> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("npz") => {
                if let Some(what) = options.first_stated() {
                    return Err(Error::Stated { path: path.to_owned(), what });
                }
                let loaded = mvar::Model::load(path)?;
                for warning in loaded.warnings {
                    writeln!(out, "{}: {warning}", path.display()).map_err(Error::Output)?;
                }
                Ok(Self::Mvar(loaded.model))
            }
            Some("pt" | "safetensors") => {
                let model = lstm::Model::load(path, options)?;
                Ok(Self::Lstm(Box::new(model)))
            }
            _ => Err(Error::Name { path: path.to_owned() }),
        }
    }

    /// States of a window, and their components.
    pub fn window(&self) -> (usize, usize) {
        match self {
            Self::Mvar(model) => (model.p(), model.d()),
            Self::Lstm(model) => (model.lag(), model.net().d()),
        }
    }

    /// The model with the room of forecasts of up to `steps` steps.
    pub fn ready(&self, steps: usize) -> Ready {
        match self {
            Self::Mvar(model) => Ready::mvar(model, steps),
            Self::Lstm(model) => Ready::lstm(model, steps),
        }
    }
}

/// What a forecast starts from.
#[derive(Debug, Clone)]
pub struct Start<'a> {
    /// The model: `.npz` of an autoregression, `.pt` or `.safetensors` of a network.
    pub model: &'a Path,
    /// What the file of a network may not say itself.
    pub options: lstm::model::Options,
    /// An archive with the array `window` (lag, d), oldest state first.
    pub window: &'a Path,
}

/// Forecasts `steps` states, and saves them as the array `forecast` (steps, d) of the archive `to`.
///
/// # Errors
///
/// If a file cannot be read or written, the window is of another model, or the forecast overflows.
pub fn run(start: &Start<'_>, steps: usize, to: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let model = Model::load(start.model, &start.options, out)?;
    let window: Array2<f64> = npz::Archive::open(start.window)?.widened("window")?;
    let (found, expected) = (window.dim(), model.window());
    if found != expected {
        let (path, model) = (start.window.to_owned(), start.model.to_owned());
        return Err(Error::Window { path, model, found, expected });
    }
    let (d, most) = (expected.1, npz::FREE_BYTES / size_of::<f64>());
    if steps.saturating_mul(d) > most {
        return Err(Error::Steps { steps, d, most });
    }
    let states = model.ready(steps).states(window.view(), steps);
    let is_finite = |state: ndarray::ArrayView1<'_, f64>| state.iter().all(|x| x.is_finite());
    if let Some(step) = states.axis_iter(Axis(0)).position(|state| !is_finite(state)) {
        return Err(Error::Diverged { step: step + 1, steps });
    }
    let mut npz = npz::Writer::new(to);
    npz.add("forecast", states.view())?;
    npz.finish()?;
    writeln!(out, "{}: {steps} states of {d} components", to.display()).map_err(Error::Output)
}
