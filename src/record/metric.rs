//! The one table of metrics, and the instruments that measure them.
//!
//! An instrument is data: a new number needs a line here, and no new type. What a file claims is
//! checked against this table when it is read.

use crate::machine::{self, Environment};

/// Which direction of a metric is a gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The smaller value.
    Less,
    /// The larger value.
    More,
    /// Neither: the metric describes.
    Neither,
}

/// Unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things, stored as an integer.
    Count,
    /// The same of what cannot be none: what runs executes instructions and takes samples.
    Positive,
    /// Nanoseconds, above zero.
    Ns,
    /// One value over another, above zero.
    Ratio,
    /// A share, from 0 to below 1.
    Share,
    /// The square of what the kernel computes with, 0 or more.
    Square,
}

/// How far a count may move: a change counts when it is beyond the share and beyond the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// A share of the old count, in units of 1e-4.
    pub share: i128,
    /// A number.
    pub more: i128,
}

impl Unit {
    /// Whether values are stored as integers.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Count | Self::Positive)
    }
}

impl Limit {
    /// Any change at all.
    pub const EXACT: Self = Self { share: 0, more: 0 };

    /// Whether `after` exceeds `before` by more than this.
    pub fn exceeded(self, before: i128, after: i128) -> bool {
        let more = after - before;
        more > self.more && more * 10_000 > before * self.share
    }
}

/// The consequence of a change of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// A count is worse beyond `fail`, and worth a note beyond `note`.
    Count {
        /// Beyond it an increase fails, and a decrease asks for `accept`.
        fail: Limit,
        /// Beyond it a change is worth a note.
        note: Limit,
    },
    /// A time moved where the ranges of both runs lie apart; that informs.
    Apart,
    /// Nothing follows from a change.
    None,
}

/// One number that an instrument measures of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name in files.
    pub name: &'static str,
    /// Its name in sentences and tables.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Whether equal code gives equal values.
    pub exact: bool,
    /// Which direction is a gain.
    pub better: Better,
    /// The consequence of a change.
    pub limits: Limits,
}

/// Misses depend on addresses: in another folder they move by up to a few hundred.
const MISSES: Limits =
    Limits::Count { fail: Limit { share: 1000, more: 1000 }, note: Limit { share: 0, more: 1000 } };
const EXACT: Limits = Limits::Count { fail: Limit::EXACT, note: Limit::EXACT };
const INSTRUCTIONS_LIMITS: Limits =
    Limits::Count { fail: Limit { share: 50, more: 0 }, note: Limit { share: 5, more: 0 } };

const fn count(name: &'static str, title: &'static str, unit: Unit, limits: Limits) -> Metric {
    Metric { name, title, unit, exact: true, better: Better::Less, limits }
}

const fn time(name: &'static str, title: &'static str, limits: Limits) -> Metric {
    Metric { name, title, unit: Unit::Ns, exact: false, better: Better::Less, limits }
}

const fn told(name: &'static str, title: &'static str, unit: Unit, better: Better) -> Metric {
    Metric { name, title, unit, exact: false, better, limits: Limits::None }
}

/// Every metric of every instrument.
pub const METRICS: [Metric; 19] = [
    count("instructions", "instructions", Unit::Positive, INSTRUCTIONS_LIMITS),
    count("d1_misses", "D1 misses", Unit::Count, MISSES),
    count("ll_misses", "LL misses", Unit::Count, MISSES),
    count("heap_blocks", "heap blocks per step", Unit::Count, EXACT),
    count("heap_bytes", "heap bytes per step", Unit::Count, EXACT),
    time("p05_ns", "5 % quantile", Limits::None),
    time("p25_ns", "25 % quantile", Limits::None),
    time("median_ns", "median", Limits::Apart),
    time("p75_ns", "75 % quantile", Limits::None),
    time("p95_ns", "95 % quantile", Limits::None),
    told("samples", "samples", Unit::Positive, Better::Neither),
    told("theirs_ns", "theirs", Unit::Ns, Better::Neither),
    told("ours_ns", "ours", Unit::Ns, Better::Less),
    told("ratio_min", "theirs / ours, min", Unit::Ratio, Better::More),
    told("ratio", "theirs / ours", Unit::Ratio, Better::More),
    told("ratio_max", "theirs / ours, max", Unit::Ratio, Better::More),
    told("rounds", "rounds", Unit::Positive, Better::Neither),
    told("mse", "their error", Unit::Square, Better::Neither),
    told("flagged", "flagged", Unit::Share, Better::Neither),
];

/// The metric of this name, if there is one.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The cases that an instrument measures, chapter by chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measures {
    /// Every case on the CPU.
    OnCpu,
    /// Every case whose instructions are counted.
    Counted,
    /// Every case on a device.
    OnDevice,
    /// Those that are asked for: a chapter need not be whole.
    Some,
}

/// An instrument: its metrics, and the environment that they depend on.
#[derive(Debug)]
pub struct Instrument {
    /// Its name, as in the path `<instrument>/<chapter>.json`.
    pub name: &'static str,
    /// The cases that it measures.
    pub measures: Measures,
    /// The shell line that measures them; each is run once `stepmark record` is to follow.
    pub command: &'static str,
    /// How many words an id has: the case, and perhaps the peer.
    pub words: usize,
    /// Its metrics, all of which a row holds.
    pub metrics: &'static [&'static str],
    /// Metrics that a row may hold.
    pub optional: &'static [&'static str],
    /// Metrics whose values are in ascending order.
    pub ascending: &'static [&'static str],
    /// Metrics that a reader of a difference wants to see; the first one is followed over time.
    pub shown: &'static [&'static str],
    /// The fields of the environment that a record states, sorted.
    pub fields: &'static [&'static str],
    /// The folder of `baselines/` for what was measured in an environment.
    pub folder: fn(&Environment) -> String,
}

impl Instrument {
    /// Whether equal code gives equal numbers, so that a baseline can decide.
    pub fn is_exact(&self) -> bool {
        self.metrics.iter().all(|name| metric(name).is_some_and(|metric| metric.exact))
    }
}

const QUANTILES: &[&str] = &["p05_ns", "p25_ns", "median_ns", "p75_ns", "p95_ns"];
const TIMES: &[&str] = &["p05_ns", "p25_ns", "median_ns", "p75_ns", "p95_ns", "samples"];
const MACHINE: &[&str] = &[
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

const DEVICE: &[&str] = &[
    "clock_khz",
    "compute_capability",
    "driver",
    "emulated",
    "gpu",
    "l2_bytes",
    "memory_bytes",
    "multiprocessors",
];

/// An instrument of times by Criterion: quantiles of the samples.
const fn times(
    name: &'static str,
    measures: Measures,
    command: &'static str,
    fields: &'static [&'static str],
    folder: fn(&Environment) -> String,
) -> Instrument {
    let (metrics, shown) = (TIMES, &["median_ns"]);
    Instrument {
        name,
        measures,
        command,
        words: 1,
        metrics,
        optional: &[],
        ascending: QUANTILES,
        shown,
        fields,
        folder,
    }
}

/// Wall time per step.
pub static WALL: Instrument =
    times("wall", Measures::OnCpu, "cargo bench --bench wall", MACHINE, machine::folder);

/// The same of cases that only scale: no baseline holds them.
pub static SCALING: Instrument = times(
    "scaling",
    Measures::Some,
    "cargo bench --bench wall -- --scaling",
    MACHINE,
    machine::folder,
);

/// Time per launch on a GPU by CUDA events.
pub static GPU: Instrument =
    times("gpu", Measures::OnDevice, "cargo bench --bench gpu", DEVICE, |environment| {
        machine::plain(&environment["gpu"])
    });

/// Counts of Callgrind in one warm step, and the heap that a warm step takes.
pub static INSTRUCTIONS: Instrument = Instrument {
    name: "instructions",
    measures: Measures::Counted,
    command: "cargo bench --no-default-features --features chapters,instructions --bench instructions",
    words: 1,
    metrics: &["instructions", "d1_misses", "ll_misses", "heap_blocks", "heap_bytes"],
    optional: &[],
    ascending: &[],
    shown: &["instructions", "d1_misses", "ll_misses", "heap_blocks", "heap_bytes"],
    fields: &[
        "dispatch",
        "iai_callgrind",
        "libc",
        "llvm",
        "rustc",
        "rustflags",
        "target",
        "valgrind",
    ],
    folder: |environment| format!("{}-rustc-{}", environment["target"], environment["rustc"]),
};

/// The time of a peer, another program for the same work, and ours beside it in the same rounds: medians
/// over the rounds, in nanoseconds per unit of work. A row's implementation is the program's version.
pub static PEERS: Instrument = Instrument {
    name: "peers",
    measures: Measures::Some,
    command: "ci/peers.sh",
    words: 2,
    metrics: &["theirs_ns", "ours_ns", "ratio_min", "ratio", "ratio_max", "rounds"],
    optional: &["mse", "flagged"],
    ascending: &["ratio_min", "ratio", "ratio_max"],
    shown: &["theirs_ns", "ours_ns"],
    fields: MACHINE,
    folder: machine::folder,
};

/// The instruments whose records can become baselines.
pub static ACCEPTED: [&Instrument; 4] = [&INSTRUCTIONS, &WALL, &GPU, &PEERS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_an_instrument_is_in_the_table_once() {
        let all = ACCEPTED.into_iter().chain([&SCALING]);
        for Instrument { name, metrics, optional, ascending, shown, fields, .. } in all {
            let known = [*metrics, *optional].concat();
            for metric in &known {
                assert!(super::metric(metric).is_some(), "{name}: {metric}");
            }
            for metric in [*ascending, *shown].concat() {
                assert!(known.contains(&metric), "{name}: {metric}");
            }
            assert!(fields.is_sorted(), "{name}: {fields:?}");
        }
        let used = |metric: &Metric| {
            let all = ACCEPTED.into_iter().chain([&SCALING]);
            all.into_iter().any(|i| [i.metrics, i.optional].concat().contains(&metric.name))
        };
        for (k, metric) in METRICS.iter().enumerate() {
            assert!(used(metric), "{} belongs to no instrument", metric.name);
            assert!(METRICS[..k].iter().all(|other| other.name != metric.name), "{metric:?} twice");
        }
    }

    #[test]
    fn a_limit_is_exceeded_beyond_both_its_share_and_its_number() {
        let limit = Limit { share: 1000, more: 1000 };
        assert!(!limit.exceeded(20_000, 22_000) && limit.exceeded(20_000, 22_001), "the share");
        assert!(!limit.exceeded(2, 1_002) && limit.exceeded(2, 1_003), "the number");
        assert!(Limit::EXACT.exceeded(0, 1) && !Limit::EXACT.exceeded(1, 1), "exact");
    }
}
