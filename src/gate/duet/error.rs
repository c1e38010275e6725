//! Why paired runs ended without a verdict.

use std::io;
use std::path::PathBuf;

use super::protocol::{FIRST, PROTOCOL};
use crate::case::Trouble;

/// A failure of a run of two builds: a fault of the tool or its surroundings, never of a kernel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The executable does not start.
    #[error("{}: does not start", exe.display())]
    Start {
        /// The executable.
        exe: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The executable has no workers.
    #[error("{}: has no `worker` subcommand: it is older than paired runs; compare with a revision that has it", exe.display())]
    Older {
        /// The executable.
        exe: PathBuf,
    },
    /// The worker speaks another version of the protocol.
    #[error("{}: speaks version {found} of the worker protocol, not {FIRST} or {PROTOCOL}; compare with a revision of the same stepmark", exe.display())]
    Protocol {
        /// The executable.
        exe: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The worker did not answer in time.
    #[error("{}: the worker of {id} did not answer within {seconds} s; `{} worker {id}` shows it", exe.display(), exe.display())]
    Hung {
        /// The executable.
        exe: PathBuf,
        /// The case, or what else it was asked for.
        id: String,
        /// How long it was waited for.
        seconds: f64,
    },
    /// The worker ended early.
    #[error("{}: the worker of {id} ended early: {status}{said}", exe.display())]
    Died {
        /// The executable.
        exe: PathBuf,
        /// The case, or what else it was asked for.
        id: String,
        /// Its exit status or signal.
        status: String,
        /// The end of what it wrote to its error stream.
        said: String,
    },
    /// The worker said something else than it should.
    #[error("{}: the worker of {id} said {line:?}, expected {expected}", exe.display())]
    Garbage {
        /// The executable.
        exe: PathBuf,
        /// The case, or what else it was asked for.
        id: String,
        /// The line that it wrote, cut short.
        line: String,
        /// The line that it should have written.
        expected: &'static str,
    },
    /// A clock stood still or jumped.
    #[error(
        "{}: the worker of {id} read {clock_ns} ns for {steps} steps, and {wall_ns} ns by the wall, \
         where {host_ns} ns passed here: a clock stood still or jumped",
        exe.display()
    )]
    Clock {
        /// The executable.
        exe: PathBuf,
        /// The case.
        id: String,
        /// How many steps were timed.
        steps: u64,
        /// Time by the clock of the case, with what was waited.
        clock_ns: u64,
        /// Time by the wall clock.
        wall_ns: u64,
        /// Time between request and answer.
        host_ns: u128,
    },
}

impl Error {
    /// What it means for a case that its worker ended so: whatever a process says or does that runs a
    /// kernel is the doing of the kernel, but that it takes long.
    pub(super) fn of_case(self) -> Trouble {
        match self {
            Self::Died { status, said, .. } => {
                Trouble::Wrong(format!("ended the process that ran it: {status}{said}"))
            }
            Self::Garbage { line, expected, .. } => Trouble::Wrong(format!(
                "wrote to the standard output, where only {expected} belongs: {line:?}"
            )),
            Self::Clock { .. } | Self::Protocol { .. } => Trouble::Wrong(self.to_string()),
            Self::Hung { .. } | Self::Start { .. } | Self::Older { .. } => {
                Trouble::Failed(self.to_string())
            }
        }
    }
}
