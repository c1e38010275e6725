//! Trajectories and labelled frames from files: what `stepmark md run` and `stepmark md label` do.
//!
//! A trajectory is the only state of a run. Each of its frames holds positions and momenta with as
//! many digits as bring the same bits back, and the run goes on from what a reader of the frame
//! gets: from the momenta, which round the velocities, with a list of neighbours that is built from
//! nothing. So a run that was killed and goes on from its last whole frame has the bits of one that
//! was not, and rows of the log that were lost are made again from the frames.
//!
//! A kill loses no frame, and a loss of power none that is older than about a second: a synced frame
//! takes milliseconds, longer than ten steps of a small system, so frames are synced by the clock.
//!
//! | module | holds |
//! |---|---|
//! | `model` | potentials by name, and the species that they are for |
//! | `fit` | what no simulation can start from |
//! | `trajectory` | the frames of a run, and where it goes on |
//! | `log` | the rows of a run, with the columns of LAMMPS |
//! | `watched` | forces that end a run before they end the program |
//! | `drive` | the steps of a run |
//! | `clock`, `spent` | the time of steps, part by part |
//! | `label` | energies, forces and stresses of frames |

mod clock;
mod drive;
mod fit;
mod label;
mod log;
mod model;
mod spent;
mod trajectory;
mod watched;

use std::io;
use std::path::PathBuf;

pub use clock::{Clock, Timed, thread};
pub use drive::{Ensemble, Options, Progress, run};
pub use fit::check;
pub use label::label;
pub use model::{Choice, Model, names};
pub use spent::{Spent, Timing};
pub use watched::Watched;

use super::files::{extxyz, lammps};
use crate::file::lines;

/// Why a run ends early, or does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of atoms cannot be read or written.
    #[error(transparent)]
    Extxyz(#[from] extxyz::Error),
    /// A file of a potential cannot be read, or lacks what is needed.
    #[error(transparent)]
    Lammps(#[from] lammps::Error),
    /// The trajectory or the log cannot be read or written, or another run writes to it.
    #[error(transparent)]
    File(#[from] lines::Error),
    /// A file, a potential or a frame is not what is needed.
    #[error("{name}: found {found}, expected {expected}")]
    Unfit {
        /// The name of the file, potential or frame.
        name: String,
        /// The property that it has.
        found: String,
        /// The property that is needed.
        expected: String,
    },
    /// The labelled frames cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A step leads nowhere.
    #[error("step {step}: {why}; the frames up to step {kept} are in {}", path.display())]
    Stopped {
        /// The step.
        step: u64,
        /// The reason.
        why: String,
        /// The step of the last frame.
        kept: u64,
        /// The trajectory.
        path: PathBuf,
    },
    /// A frame or its row cannot be written.
    #[error(
        "step {step} is not written; the frames up to step {kept} are, and the same command goes on \
         from there"
    )]
    Unwritten {
        /// The step.
        step: u64,
        /// The step of the last frame.
        kept: u64,
        /// The reason.
        source: lines::Error,
    },
    /// Nothing can be said.
    #[error("output: {0}")]
    Output(io::Error),
}

fn unfit(name: &str, found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::Unfit { name: name.to_owned(), found: found.into(), expected: expected.into() }
}
