//! The lines that host and worker exchange.
//!
//! A worker is `stepmark worker ID`. It says a [`Hello`] once its outputs are right, or `wrong TEXT`.
//! To `sample STEPS` it answers two numbers: nanoseconds by the clock of the case's
//! [`Metric`], and by the wall. To `end` it answers `right` or `wrong TEXT`, as
//! the timed runs left the outputs. `stepmark worker --list` prints a [`Listed`] per case.

use serde::{Deserialize, Serialize};

use crate::gate::Metric;

/// The version of this protocol; another one is not understood.
pub const PROTOCOL: u32 = 1;

/// A case as a worker lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The case.
    pub id: String,
    /// Which implementation runs on this machine.
    pub implementation: String,
    /// The clock that its samples are read from.
    pub metric: Metric,
    /// Whether it waits for memory rather than computes.
    pub memory_bound: bool,
    /// How many units of work a step does; older builds do not say.
    pub units: Option<u64>,
}

impl Listed {
    /// Whether both are the same case: the steps of one id may have changed.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_work = self.units.is_none() || other.units.is_none() || self.units == other.units;
        self.id == other.id && same_work
    }
}

/// The first line of a worker: its case is prepared, and its answer is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The case.
    pub id: String,
    /// Which implementation runs.
    pub implementation: String,
    /// Digest of the right outputs, in hexadecimal; empty where outputs are compared each time.
    pub digest: String,
    /// About how long a step takes, in nanoseconds: by CUDA events on a GPU, else by the wall.
    pub step_ns: f64,
}

/// A request to run and time so many steps.
pub fn sample(steps: u64) -> String {
    format!("sample {steps}")
}

/// How many steps a request of [`sample`] asks for; at least one.
pub fn steps(line: &str) -> Option<u64> {
    line.strip_prefix("sample ")?.parse().ok().filter(|&steps| steps > 0)
}

/// The last request.
pub const END: &str = "end";
/// The outputs are right.
pub const RIGHT: &str = "right";
/// Starts a line that says how the outputs are wrong.
pub const WRONG: &str = "wrong ";

/// The two numbers of an answer to [`sample`].
pub fn times(line: &str) -> Option<(u64, u64)> {
    let (clock, wall) = line.split_once(' ')?;
    Some((clock.parse().ok()?, wall.parse().ok()?))
}
