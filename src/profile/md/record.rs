//! What the steps of a trajectory leave behind.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::md::field::Upkeep;
use crate::md::{Forces, System};

/// Slow is more than so many medians.
pub const SLOW: f64 = 2.0;

/// The upkeep of the list in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The list stayed as it was.
    Quiet,
    /// The list was pruned.
    Pruned,
    /// The list was built.
    Rebuilt,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quiet, Self::Pruned, Self::Rebuilt];

    /// The kind of a step, by the counts before and after it.
    pub(super) fn of(before: Upkeep, after: Upkeep) -> Self {
        if after.builds > before.builds {
            Self::Rebuilt
        } else if after.prunings > before.prunings {
            Self::Pruned
        } else {
            Self::Quiet
        }
    }
}

/// The steps of one repeat. Lists have an entry per step unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Nanoseconds from the start of the repeat to that of the step.
    pub start_ns: Vec<u64>,
    /// Nanoseconds of the step.
    pub latency_ns: Vec<u64>,
    /// Nanoseconds of its first part, in which atoms are moved; the rest of that part comes after the
    /// evaluation.
    pub first_ns: Vec<u64>,
    /// Nanoseconds of each part of [`Measured::parts`], and of that each step.
    pub spent_ns: Vec<Vec<u64>>,
    /// Nanoseconds for which the thread gave its processor away; zeros where nobody tells.
    pub waited_ns: Vec<u64>,
    /// The upkeep of the list.
    pub kinds: Vec<Kind>,
    /// The potential energy, eV.
    pub potential_ev: Vec<f64>,
    /// The kinetic energy, eV; empty where atoms have no velocities.
    pub kinetic_ev: Vec<f64>,
    /// Bytes that are resident after the first step and after every tenth from there.
    pub resident_bytes: Vec<u64>,
    /// Bytes that the heap holds after these steps.
    pub heap_bytes: Vec<u64>,
    /// Bytes that are resident before the first step.
    pub initial_bytes: u64,
    /// Bytes that are resident after the last step.
    pub final_bytes: u64,
    /// The most that was resident since the first repeat began.
    pub peak_bytes: u64,
    /// Seconds of all steps with all that lies between them.
    pub total_s: f64,
}

impl Record {
    /// Room for so many steps, of which every page is there: values are no zeros.
    pub(super) fn touched(steps: usize, parts: usize, sampled: usize, moves: bool) -> Self {
        let numbers = |len| std::hint::black_box(vec![u64::MAX; len]);
        let energies = |len| std::hint::black_box(vec![f64::MAX; len]);
        Self {
            start_ns: numbers(steps),
            latency_ns: numbers(steps),
            first_ns: numbers(steps),
            spent_ns: (0..parts).map(|_| numbers(steps)).collect(),
            waited_ns: numbers(steps),
            kinds: std::hint::black_box(vec![Kind::Rebuilt; steps]),
            potential_ev: energies(steps),
            kinetic_ev: energies(if moves { steps } else { 0 }),
            resident_bytes: numbers(sampled),
            heap_bytes: numbers(sampled),
            initial_bytes: 0,
            final_bytes: 0,
            peak_bytes: 0,
            total_s: 0.0,
        }
    }

    /// Whether the thread kept its processor for all but a tenth of a step.
    pub fn is_busy(&self, step: usize) -> bool {
        self.waited_ns[step] <= self.latency_ns[step] / 10
    }

    /// Whether all atoms were moved before the step, as frames are from repeat to repeat, so that the
    /// list is built whatever the frames are.
    pub fn is_moved(&self, step: usize) -> bool {
        step == 0 && self.kinetic_ev.is_empty()
    }

    /// Whether the thread kept its processor, the atoms were not moved before the step, and it is not slow
    /// beside the median step in nanoseconds, unless by the list that the atoms need.
    pub fn is_plain(&self, step: usize, median_ns: f64) -> bool {
        let is_slow = self.latency_ns[step] as f64 > SLOW * median_ns;
        let is_own = !is_slow || self.kinds[step] != Kind::Quiet;
        self.is_busy(step) && is_own && !self.is_moved(step)
    }

    /// Writes the times of a step; `used` is what the thread had of its processor.
    pub(super) fn put(
        &mut self,
        step: usize,
        [start, took, first]: [Duration; 3],
        spent: &[Duration],
        used: Option<Duration>,
    ) {
        self.start_ns[step] = nanoseconds(start);
        self.latency_ns[step] = nanoseconds(took);
        self.first_ns[step] = nanoseconds(first);
        for (to, spent) in self.spent_ns.iter_mut().zip(spent) {
            to[step] = nanoseconds(*spent);
        }
        self.waited_ns[step] = used.map_or(0, |used| nanoseconds(took.saturating_sub(used)));
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The steps of all repeats.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The names of the parts of a step, in their order.
    pub parts: Vec<String>,
    /// How many of them are passes of the potential; they come after the first.
    pub passes: usize,
    /// The repeats.
    pub repeats: Vec<Record>,
    /// Builds of the list in timed steps.
    pub builds: u64,
    /// Dangerous ones among them.
    pub dangerous_builds: u64,
    /// Prunings, builds included.
    pub prunings: u64,
    /// Why the resident memory is not known, unless nobody asked for it.
    pub memory_reason: Option<String>,
    /// Why the bytes of the heap are not known.
    pub heap_reason: Option<String>,
    /// Hashes of the first and the last positions.
    pub first_positions: String,
    /// See `first_positions`.
    pub last_positions: String,
    /// Steps that are compared with the definition: the atoms, and the forces that were timed.
    pub compared: Vec<(System, Forces)>,
}

impl Measured {
    /// Numbers of the parts in which the potential is evaluated.
    pub fn evaluation(&self) -> std::ops::Range<usize> {
        1..1 + self.passes
    }
}
