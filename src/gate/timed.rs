//! Results of paired runs of two builds, case by case.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// Which clock a sample is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// CPU time of the process, and the time that its thread waited: cases that run on one thread.
    CpuWait,
    /// CPU time of the thread that runs the step: the same cases, where a build knows no other clock.
    ThreadCpu,
    /// Wall time: cases that run on several threads.
    Wall,
    /// Time between CUDA events: cases on a GPU.
    CudaEvent,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CpuWait => "CPU and wait time",
            Self::ThreadCpu => "thread CPU time",
            Self::Wall => "wall time",
            Self::CudaEvent => "CUDA event time",
        })
    }
}

/// The change of a case between two builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Slower beyond the margin: a regression.
    Slower,
    /// Faster beyond the margin.
    Faster,
    /// Within the margin on both sides.
    Same,
    /// The pairs do not tell.
    Unclear,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Same => "same",
            Self::Unclear => "unclear",
        })
    }
}

/// One case timed in two builds, old and new.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timed {
    /// The case.
    pub id: String,
    /// The clock.
    pub metric: Metric,
    /// How much slower is too slow, as a share: 0.03.
    pub margin: f64,
    /// How many pairs of samples were taken.
    pub pairs: usize,
    /// Median time per step of the old build, in nanoseconds.
    pub old_ns: f64,
    /// Median time per step of the new build, in nanoseconds.
    pub new_ns: f64,
    /// Median time per step that the old build waited rather than computed, which is a part of
    /// `old_ns`; 0 by another clock.
    pub old_waited_ns: f64,
    /// The same of the new build.
    pub new_waited_ns: f64,
    /// New over old: exp of the Hodges-Lehmann estimate of the log ratios.
    pub ratio: f64,
    /// Lower end of the 95 % interval of the ratio, by bootstrap over blocks.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Probability of such samples if the case were no slower than the margin allows.
    pub slower_p: f64,
    /// The same, adjusted for the number of cases.
    pub slower_q: f64,
    /// Probability of such samples if the case were no faster than the margin.
    pub faster_p: f64,
    /// The same, adjusted for the number of cases.
    pub faster_q: f64,
    /// The verdict.
    pub change: Change,
}

/// One case compared with itself: both builds are the new one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfTest {
    /// The verdict, which must be neither [`Change::Slower`] nor [`Change::Faster`].
    pub timed: Timed,
    /// The larger share of log ratios with one sign, in `0..=1`: ties have none.
    pub one_sided: f64,
}

/// A case that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The case.
    pub id: String,
    /// [`Exit::Wrong`] if the new build is wrong or dies, [`Exit::Failure`] if it does not answer in
    /// time, [`Exit::Incomparable`] if only the old one does so.
    pub exit: Exit,
    /// How.
    pub why: String,
}

/// Paired runs of two builds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duet {
    /// Name of the old build: a revision and its commit, or a file.
    pub against: String,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Why the verdicts only inform; `None` where they decide.
    pub advisory: Option<String>,
    /// One case of each chapter, and one of those on a GPU, compared with itself; without any, the
    /// verdicts only inform.
    pub self_tests: Vec<SelfTest>,
    /// Every case that both builds have, sorted by id.
    pub cases: Vec<Timed>,
    /// Ids that only the new build has.
    pub added: Vec<String>,
    /// Ids that only the old build has.
    pub removed: Vec<String>,
    /// Cases that could not be compared; a finding says why.
    #[serde(skip)]
    pub dropped: Vec<Dropped>,
    /// A case whose implementation differs between the builds, or else what, and how; a finding says
    /// it.
    #[serde(skip)]
    pub notes: Vec<(String, String)>,
}

impl Duet {
    /// The ids of every case of the new build, compared or not.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        let compared = self.cases.iter().map(|case| &case.id);
        let dropped = self.dropped.iter().map(|case| &case.id);
        compared.chain(dropped).chain(&self.added)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A case that takes `ratio` times as long, with an interval of 1 % on both sides.
    pub(crate) fn timed_case(id: &str, ratio: f64, change: Change) -> Timed {
        Timed {
            id: id.to_owned(),
            metric: Metric::CpuWait,
            margin: 0.03,
            pairs: 50,
            old_ns: 1000.0,
            new_ns: 1000.0 * ratio,
            old_waited_ns: 0.0,
            new_waited_ns: 0.0,
            ratio,
            low: ratio - 0.01,
            high: ratio + 0.01,
            slower_p: 0.001,
            slower_q: 0.002,
            faster_p: 0.9,
            faster_q: 0.95,
            change,
        }
    }

    /// The duet of these cases, that trusts its times.
    pub(crate) fn duet_of(cases: Vec<Timed>) -> Duet {
        Duet {
            against: "main".to_owned(),
            seed: 1,
            advisory: None,
            self_tests: Vec::new(),
            cases,
            added: Vec::new(),
            removed: Vec::new(),
            dropped: Vec::new(),
            notes: Vec::new(),
        }
    }
}
