//! `<model>_profile.extended.json`: what the original does not measure.
//!
//! A value that was not measured is null, and the field beside it, `*_reason`, says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::growth::Growth;
use super::hotspots::Hotspots;
use super::tail::Tail;
use super::targets::Target;
use super::validity::{Against, Agreement, Kept};
use crate::stats::Samples;

/// The number of this form.
pub const SCHEMA: u32 = 1;

/// The object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extended {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the model.
    pub model: String,
    /// The atoms and how they move.
    pub trajectory: Trajectory,
    /// Times of all steps of all repeats.
    pub latency: Latency,
    /// The repeats, in their order.
    pub repeats: Vec<Repeat>,
    /// Steps by what happens to the list in them.
    pub kinds: Kinds,
    /// The parts of a step, in their order. They add up to the steps.
    pub phases: Vec<Phase>,
    /// Milliseconds of all parts of all steps.
    pub phases_ms: f64,
    /// Milliseconds of all steps.
    pub steps_ms: f64,
    /// The list of neighbours.
    pub neighbours: Neighbours,
    /// Why `energy_time_ms` of the profile is null.
    pub energy_reason: Option<String>,
    /// Why `forces_time_ms` is null.
    pub forces_reason: Option<String>,
    /// Why `stress_time_ms` is null.
    pub stress_reason: Option<String>,
    /// Memory over all repeats.
    pub memory: Memory,
    /// The slow steps.
    pub tail: Tail,
    /// Where the time goes, by the rules of the original.
    pub hotspots: Hotspots,
    /// The verdicts of this crate.
    pub verdicts: Vec<Verdict>,
    /// Whether what was timed is right.
    pub validity: Validity,
    /// The targets of the original's documents.
    pub targets: Vec<Target>,
    /// Machine and toolchain.
    pub machine: BTreeMap<String, String>,
    /// Digest of the sources of this program.
    pub sources: String,
    /// Whether this program was built for tests, and is slower than it could be.
    pub is_debug_build: bool,
}

/// The atoms and how they move.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trajectory {
    /// `integrated`: velocity Verlet; or `frames`.
    pub kind: String,
    /// Name of the system, or of the file of the frames.
    pub source: String,
    /// Atoms that were asked for.
    pub requested_atoms: Option<usize>,
    /// Atoms that there are.
    pub n_atoms: usize,
    /// A step in ps.
    pub dt_ps: Option<f64>,
    /// Skin of the list in angstrom.
    pub skin_angstrom: f64,
    /// Distance in angstrom from which on atoms do not interact.
    pub cutoff_angstrom: f64,
    /// Seed of places and velocities.
    pub seed: Option<u64>,
    /// Steps in a bath before.
    pub settled_steps: Option<u64>,
    /// Steps that were run and not timed.
    pub warmup_steps: usize,
    /// Hash of the first positions.
    pub first_positions: String,
    /// Hash of the last positions. No two are equal, or there is no profile.
    pub last_positions: String,
}

/// Times of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// How quantiles are found.
    pub quantiles: String,
    /// Steps.
    pub steps: usize,
    /// Their mean in milliseconds.
    pub mean_ms: f64,
    /// Their median.
    pub median_ms: f64,
    /// Their 90 % quantile.
    pub p90_ms: f64,
    /// Their 95 % quantile.
    pub p95_ms: f64,
    /// Their 99 % quantile.
    pub p99_ms: f64,
    /// Their 99.9 % quantile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Their deviation in percent of the mean.
    pub cv_pct: f64,
    /// Microseconds of the mean step.
    pub us_per_step: f64,
    /// Nanoseconds of the mean step per atom.
    pub ns_per_atom_per_step: f64,
    /// Nanoseconds of the atoms in a day of such steps.
    pub ns_per_day: Option<f64>,
    /// Nanoseconds of one reading of the clock, of which a step has one for each part.
    pub clock_ns: f64,
    /// Nanoseconds for which the thread gave its processor away during steps.
    pub waited_ns: u64,
}

/// One repeat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Its mean step in milliseconds.
    pub mean_ms: f64,
    /// Its median step.
    pub median_ms: f64,
    /// Its 99 % quantile.
    pub p99_ms: f64,
    /// Its seconds, with all that lies between steps.
    pub total_s: f64,
    /// Whether the profile is of this one: that of the median mean.
    pub is_profile: bool,
}

/// Steps of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfKind {
    /// Their number.
    pub steps: usize,
    /// Their mean in milliseconds.
    pub mean_ms: f64,
    /// Their median.
    pub median_ms: f64,
    /// Their 99 % quantile.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Their part of the time of all steps, percent.
    pub share_pct: f64,
}

/// Steps by what happens to the list in them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    /// It stays.
    pub quiet: Option<OfKind>,
    /// It is pruned.
    pub pruned: Option<OfKind>,
    /// It is built.
    pub rebuilt: Option<OfKind>,
}

/// A part of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Whether it is a pass of the potential.
    pub is_pass: bool,
    /// Steps that had it.
    pub calls: usize,
    /// Milliseconds of all of them.
    pub total_ms: f64,
    /// The shortest in milliseconds.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// The mean in steps whose list is built, if there are any.
    pub rebuilt_mean_ms: Option<f64>,
    /// Its part of the time of all steps, percent.
    pub share_pct: f64,
    /// Its part of the time of those steps in which the thread kept its processor and that were not
    /// slow, unless by the list, percent. Fewer than five builds of the list, whose rate nobody can
    /// tell, do not count.
    pub busy_share_pct: f64,
}

/// The list of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// Neighbours of an atom within the cutoff, the mean over the atoms of the first step.
    pub per_atom: f64,
    /// Builds in timed steps.
    pub builds: u64,
    /// Dangerous ones among them.
    pub dangerous_builds: u64,
    /// Prunings in timed steps, builds included.
    pub prunings: u64,
}

/// Memory over all repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Steps from sample to sample.
    pub sampled_every: usize,
    /// What is resident at the end beyond what was at the start, MB of 2^20 bytes.
    pub delta_mb: Option<f64>,
    /// Whether that is less than 10, up or down.
    pub is_stable: Option<bool>,
    /// The growth of resident memory.
    pub resident: Option<Growth>,
    /// Why it is not known.
    pub resident_reason: Option<String>,
    /// The growth of what the heap holds.
    pub heap: Option<Growth>,
    /// Why it is not known.
    pub heap_reason: Option<String>,
    /// Bytes that are resident, a sample each.
    pub resident_bytes: Samples,
    /// Bytes that the heap holds, a sample each; none where they are not known.
    pub heap_bytes: Samples,
}

/// Whether what was timed is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// How far the timed forces are from the definition.
    pub forces: Agreement,
    /// How well the energy is kept.
    pub energy: Option<Kept>,
    /// Why that is not known.
    pub energy_reason: Option<String>,
    /// How far the model is from another one.
    pub against: Option<Against>,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Its subject.
    pub name: String,
    /// Whether all is well; null where nobody can tell.
    pub is_good: Option<bool>,
    /// It in a sentence.
    pub said: String,
}
