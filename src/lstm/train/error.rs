//! Why no network can be trained.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::file::npz;
use crate::lstm::model;
use crate::lstm::net::Misfit;
use crate::stats::runs::Unfit;

/// Why no network can be trained.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of its domain.
    #[error("{option}: found {found}, expected {expected}")]
    Option {
        /// Its name, as it was given.
        option: String,
        /// Its value.
        found: String,
        /// Its domain.
        expected: &'static str,
    },
    /// Options have no default and are not given.
    #[error("{}: found no value, expected one: there is no default", options.join(", "))]
    Missing {
        /// Their names.
        options: Vec<&'static str>,
    },
    /// An option is given twice, perhaps by another of its names.
    #[error("{option}: found two values, expected one")]
    Twice {
        /// Its name.
        option: String,
    },
    /// There is no such option.
    #[error("{option}: no option of a training has this name")]
    Unknown {
        /// The name.
        option: String,
    },
    /// The runs are unfit.
    #[error(transparent)]
    Runs(#[from] Unfit),
    /// All runs are too short for a window and the states after it that a loss of rollouts needs.
    #[error(
        "the longest run has {rows} states, expected at least {}: the lag {lag} and {after} states \
         after it; choose a smaller multistep_k or a shorter lag",
        lag + after
    )]
    NoRollouts {
        /// States of the longest run.
        rows: usize,
        /// The lag asked for.
        lag: usize,
        /// States after a window.
        after: usize,
    },
    /// The windows and the states after them do not fit.
    #[error("{what}: found {found}, expected {expected}")]
    Data {
        /// The part that does not fit.
        what: &'static str,
        /// Its shape or value.
        found: String,
        /// The shape or value that fits.
        expected: String,
    },
    /// Components have one value in all training windows, so that they cannot be normalised.
    #[error(
        "components {columns:?} are constant, so that they cannot be normalised; leave them out \
         of the data, or set normalize_input to false"
    )]
    Constant {
        /// The components, from 0.
        columns: Vec<usize>,
    },
    /// The loss was not finite in the first epoch.
    #[error("the loss was not finite in the first epoch; choose a learning rate below {rate:e}")]
    Diverged {
        /// The learning rate.
        rate: f64,
    },
    /// The checkpoint is of another training.
    #[error("{file}: `{what}`: found {found}, expected {expected}; remove the file to start anew")]
    Checkpoint {
        /// The checkpoint.
        file: PathBuf,
        /// The part that differs.
        what: &'static str,
        /// What it holds.
        found: String,
        /// What this training has.
        expected: String,
    },
    /// The caller asked to stop.
    #[error("stopped in epoch {epoch}, before batch {batch}")]
    Stopped {
        /// The epoch, from 0.
        epoch: usize,
        /// The batch, from 0.
        batch: usize,
    },
    /// The checkpoint cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// A file cannot be written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The weights make no model.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The weights or the normalisation make no network.
    #[error("`{}`: found {}, expected {}", .0.tensor, .0.found, .0.expected)]
    Misfit(Misfit),
}
