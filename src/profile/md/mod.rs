//! The profile of molecular dynamics: latency, tail, memory, parts of a step, and whether it is right.
//!
//! | | |
//! | --- | --- |
//! | [`profile`](mod@profile), `sums` | from atoms and a potential to a profile, in one call |
//! | [`measure`], [`record`], `walk` | the clock: steps of dynamics, or frames; what each leaves behind |
//! | [`document`], [`hotspots`] | the JSON of mlff-distiller's profiler, and its rules |
//! | [`extended`] | what it does not measure |
//! | [`growth`], [`tail`], `verdicts` | memory that grows, steps that are slow, and what to say of them |
//! | [`validity`], [`targets`] | forces, energy and drift; the targets of the original's documents |
//! | [`model`], `frames` | models and systems by name; frames of a file |
//! | [`scaling`], [`comparison`] | times over sizes; all models of a system |
//! | [`run`] | measures all points, and makes the files of them |
//! | `figures`, [`report`], [`summary`], `spans` | pictures, texts and traces of it |
//!
//! Any potential can be profiled. It is compared with its own definition, and no two evaluations are
//! of the same positions:
//!
//! ```
//! use stepmark::md::{StillingerWeber, boxes::Substance};
//! use stepmark::profile::md::measure::Plan;
//! use stepmark::profile::md::profile::profile_potential;
//!
//! let atoms = Substance::Silicon.prepare(64, 1, 200);
//! let plan = Plan { steps: 50, ..Plan::default() };
//! let profile =
//!     profile_potential("mine", &StillingerWeber::SILICON, atoms, 0.001, 1.0, &plan)?;
//! assert_eq!(profile.document.latencies_ms.len(), 50);
//! assert!(profile.extended.validity.energy.unwrap().is_kept);
//! for verdict in &profile.extended.verdicts {
//!     println!("{}: {}", verdict.name, verdict.said);
//! }
//! # Ok::<(), stepmark::profile::md::Error>(())
//! ```

pub mod comparison;
pub mod document;
pub mod extended;
#[cfg(feature = "figures")]
mod figures;
mod files;
mod frames;
pub mod growth;
pub mod hotspots;
pub mod measure;
pub mod model;
pub mod profile;
pub mod record;
pub mod report;
pub mod run;
pub mod scaling;
mod spans;
pub mod summary;
mod sums;
pub mod tail;
pub mod targets;
pub mod validity;
mod verdicts;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use super::{points, trace};
use crate::md::{self, extxyz, system};

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step leads nowhere.
    #[error("step {step}: {why}")]
    Stopped {
        /// The step, from 1; warm-ups are counted apart.
        step: usize,
        /// The reason.
        why: String,
    },
    /// Two evaluations were of the same positions.
    #[error(
        "{first} and {again} have the same positions: a result that is kept would be timed, not one \
         that is found; give atoms that move"
    )]
    Repeated {
        /// The first of them.
        first: String,
        /// The other.
        again: String,
    },
    /// There is nothing to time.
    #[error("{what}: found none, expected at least one")]
    Nothing {
        /// What is missing.
        what: String,
    },
    /// The frames are too few.
    #[error("found {found} frames, expected at least as many as steps, {least}")]
    Frames {
        /// Frames.
        found: usize,
        /// Steps.
        least: usize,
    },
    /// Two frames are of different atoms.
    #[error("frame {frame}: found other atoms than those of frame 1, in number, kind or order")]
    OtherAtoms {
        /// The frame, from 1.
        frame: usize,
    },
    /// The forces that were timed are wrong.
    #[error("{what}: found {found}, the definition of the potential gives {expected} +- {bound}")]
    Differs {
        /// The quantity.
        what: String,
        /// Its value by the fast form.
        found: f64,
        /// Its value by the definition.
        expected: f64,
        /// How far they may be apart.
        bound: f64,
    },
    /// There is no model of a name.
    #[error(
        "{name}: found no model of this name, expected {expected}, or a file of LAMMPS as Si.sw"
    )]
    NoModel {
        /// The name.
        name: String,
        /// The models that there are.
        expected: String,
    },
    /// There is such a model, and it cannot be profiled.
    #[error("{name}: {why}")]
    Unavailable {
        /// The name.
        name: String,
        /// The reason.
        why: String,
    },
    /// A model does not know a system.
    #[error("{model}: does not know {system}; it knows {knows}")]
    NoSystem {
        /// The model.
        model: String,
        /// The system.
        system: String,
        /// The systems that it knows.
        knows: String,
    },
    /// A file of the profile is none.
    #[error("{}: {why}; expected the keys of an MDProfileResult", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// The flaw.
        why: serde_json::Error,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The complaint of the system.
        source: io::Error,
    },
    /// The trace cannot be written.
    #[error("no trace: {why}")]
    Trace {
        /// The complaint of the writer.
        why: trace::Error,
    },
    /// The results cannot be printed.
    #[error("cannot print the results: {0}")]
    Print(io::Error),
    /// A value has no text in JSON.
    #[error("no JSON: {why}")]
    Json {
        /// The complaint of the writer.
        #[from]
        why: serde_json::Error,
    },
    /// The cell of a system is too small.
    #[error(transparent)]
    System(#[from] system::Error),
    /// A line cannot be written, or is of another run.
    #[error(transparent)]
    Points(#[from] points::Error),
    /// Frames cannot be read.
    #[error(transparent)]
    Extxyz(#[from] extxyz::Error),
    /// Atoms or a potential are not what is needed.
    #[error(transparent)]
    Run(#[from] md::run::Error),
}

impl Error {
    fn nothing(what: &str) -> Self {
        Self::Nothing { what: what.to_owned() }
    }

    /// Whether the command asks for what there is not: a model, a system, more frames than there are.
    pub fn is_usage(&self) -> bool {
        use Error::{Frames, NoModel, NoSystem, Nothing, Unavailable};
        matches!(
            self,
            Frames { .. } | NoModel { .. } | NoSystem { .. } | Nothing { .. } | Unavailable { .. }
        )
    }

    /// Whether it is of a model, so that another try ends the same way.
    fn is_of_model(&self) -> bool {
        matches!(self, Self::Stopped { .. } | Self::Repeated { .. } | Self::Differs { .. })
    }

    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests;
