//! What the instruments measure of a case: the lines of a record.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machine::{self, Environment};

/// What one instrument measures of one case.
pub trait Measure: Serialize + DeserializeOwned + Clone + fmt::Debug + PartialEq {
    /// The instrument's name, as in `<instrument>.json`.
    const INSTRUMENT: &'static str;
    /// The environment fields that a record of this instrument must state.
    const FIELDS: &'static [&'static str];

    /// The folder of `baselines/` for what was measured in this environment.
    fn folder(environment: &Environment) -> String;
    /// The case.
    fn id(&self) -> &str;
    /// Which implementation was measured.
    fn implementation(&self) -> &str;
    /// Whether the numbers can be what they claim to be.
    fn is_plausible(&self) -> bool;
}

/// Wall time per step, in nanoseconds, over the samples of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// The case.
    pub id: String,
    /// Which implementation was measured.
    pub implementation: String,
    /// The 5 % quantile of the samples.
    pub p05_ns: f64,
    /// The 25 % quantile.
    pub p25_ns: f64,
    /// The median.
    pub median_ns: f64,
    /// The 75 % quantile.
    pub p75_ns: f64,
    /// The 95 % quantile.
    pub p95_ns: f64,
    /// How many samples there are.
    pub samples: u64,
}

impl Measure for Wall {
    const INSTRUMENT: &'static str = "wall";
    const FIELDS: &'static [&'static str] = &[
        "caches",
        "cpu_cores",
        "cpu_family",
        "cpu_model",
        "cpu_name",
        "cpu_stepping",
        "cpu_vendor",
        "dispatch",
        "kernel",
        "libc",
        "llvm",
        "rustc",
        "rustflags",
        "target",
        "virtualised",
    ];

    /// `<machine>`
    fn folder(environment: &Environment) -> String {
        machine::folder(environment)
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn implementation(&self) -> &str {
        &self.implementation
    }
    fn is_plausible(&self) -> bool {
        let q = [self.p05_ns, self.p25_ns, self.median_ns, self.p75_ns, self.p95_ns];
        self.samples > 0 && q[0] > 0.0 && q.is_sorted() && q[4].is_finite()
    }
}

/// Time per launch on a GPU by CUDA events, with the same fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gpu(pub Wall);

impl Measure for Gpu {
    const INSTRUMENT: &'static str = "gpu";
    const FIELDS: &'static [&'static str] = &[
        "clock_khz",
        "compute_capability",
        "driver",
        "emulated",
        "gpu",
        "l2_bytes",
        "memory_bytes",
        "multiprocessors",
    ];

    /// `<gpu>`
    fn folder(environment: &Environment) -> String {
        machine::plain(&environment["gpu"])
    }
    fn id(&self) -> &str {
        self.0.id()
    }
    fn implementation(&self) -> &str {
        self.0.implementation()
    }
    fn is_plausible(&self) -> bool {
        self.0.is_plausible()
    }
}

impl From<Wall> for Gpu {
    fn from(times: Wall) -> Self {
        Self(times)
    }
}

/// What Callgrind counts in one warm step, and what a warm step takes from the heap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// The case.
    pub id: String,
    /// Which implementation was measured.
    pub implementation: String,
    /// Instructions executed.
    pub instructions: u64,
    /// Misses of the simulated first-level data cache.
    pub d1_misses: u64,
    /// Misses of the simulated last-level cache, data and instructions.
    pub ll_misses: u64,
    /// Heap blocks allocated.
    pub heap_blocks: u64,
    /// Heap bytes allocated.
    pub heap_bytes: u64,
}

impl Measure for Instructions {
    const INSTRUMENT: &'static str = "instructions";
    const FIELDS: &'static [&'static str] =
        &["dispatch", "iai_callgrind", "libc", "llvm", "rustc", "rustflags", "target", "valgrind"];

    /// `<target>-rustc-<version>`
    fn folder(environment: &Environment) -> String {
        format!("{}-rustc-{}", environment["target"], environment["rustc"])
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn implementation(&self) -> &str {
        &self.implementation
    }
    fn is_plausible(&self) -> bool {
        self.instructions > 0
    }
}

/// The time of a peer, another program for the same work, and ours beside it in the same run.
///
/// Times are medians in nanoseconds per unit of work, one for each round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The case and the peer, with a blank between them.
    pub id: String,
    /// Which implementation of ours was measured.
    pub implementation: String,
    /// The program that was measured.
    pub version: String,
    /// The peer's times.
    pub theirs_ns: Vec<f64>,
    /// Our times in the same rounds.
    pub ours_ns: Vec<f64>,
    /// The peer's squared error per coordinate, of what it did not flag.
    pub mse: f64,
    /// The share of the input that the peer flagged as overloaded.
    pub flagged: f64,
}

impl Peer {
    /// The case, and the peer.
    ///
    /// # Panics
    ///
    /// If the id has no blank: the record was not validated.
    pub fn parts(&self) -> (&str, &str) {
        self.id.split_once(' ').expect("an id is a case and a peer")
    }
}

impl Measure for Peer {
    const INSTRUMENT: &'static str = "peers";
    const FIELDS: &'static [&'static str] = Wall::FIELDS;

    /// `<machine>`
    fn folder(environment: &Environment) -> String {
        machine::folder(environment)
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn implementation(&self) -> &str {
        &self.implementation
    }
    fn is_plausible(&self) -> bool {
        let words = self.id.split(' ').filter(|word| !word.is_empty()).count();
        let is_time = |ns: &f64| *ns > 0.0 && ns.is_finite();
        self.id.matches(char::is_whitespace).count() == 1
            && words == 2
            && !self.theirs_ns.is_empty()
            && self.theirs_ns.len() == self.ours_ns.len()
            && self.theirs_ns.iter().chain(&self.ours_ns).all(is_time)
            && self.mse >= 0.0
            && self.mse.is_finite()
            && (0.0..1.0).contains(&self.flagged)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Times that nothing measured, with ranges of 10 % on both sides.
    pub(crate) fn wall(id: &str, median_ns: f64) -> Wall {
        Wall {
            id: id.to_owned(),
            implementation: "scalar".to_owned(),
            p05_ns: 0.9 * median_ns,
            p25_ns: 0.95 * median_ns,
            median_ns,
            p75_ns: 1.05 * median_ns,
            p95_ns: 1.1 * median_ns,
            samples: 60,
        }
    }

    #[test]
    fn wall_times_that_cannot_be_are_refused() {
        let wall = wall("a/b/n1", 3.0);
        assert!(wall.is_plausible(), "these can be");
        for wrong in [
            Wall { median_ns: 4.5, ..wall.clone() },
            Wall { p05_ns: 0.0, ..wall.clone() },
            Wall { p05_ns: f64::NAN, ..wall.clone() },
            Wall { p95_ns: f64::INFINITY, ..wall.clone() },
            Wall { samples: 0, ..wall },
        ] {
            assert!(!wrong.is_plausible(), "{wrong:?}");
        }
    }
    #[test]
    fn a_comparison_that_cannot_be_is_refused() {
        let peer = Peer {
            id: "a/b/n1 other".to_owned(),
            implementation: "scalar".to_owned(),
            version: "other 1.0".to_owned(),
            theirs_ns: vec![2.0, 3.0],
            ours_ns: vec![1.0, 1.0],
            mse: 0.0,
            flagged: 0.0,
        };
        assert!(peer.is_plausible(), "this can be");
        assert_eq!(peer.parts(), ("a/b/n1", "other"), "parts");
        for wrong in [
            Peer { id: "a/b/n1".to_owned(), ..peer.clone() },
            Peer { id: "a/b/n1 ".to_owned(), ..peer.clone() },
            Peer { id: "a/b/n1 an other".to_owned(), ..peer.clone() },
            Peer { theirs_ns: vec![2.0], ..peer.clone() },
            Peer { theirs_ns: Vec::new(), ours_ns: Vec::new(), ..peer.clone() },
            Peer { ours_ns: vec![1.0, 0.0], ..peer.clone() },
            Peer { theirs_ns: vec![1.0, f64::INFINITY], ..peer.clone() },
            Peer { mse: f64::NAN, ..peer.clone() },
            Peer { flagged: 1.0, ..peer },
        ] {
            assert!(!wrong.is_plausible(), "{wrong:?}");
        }
    }
}
