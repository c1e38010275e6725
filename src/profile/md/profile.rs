//! From atoms and a potential to a profile, in one call.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::Error;
use super::document::{Document, GIGABYTE, MEGABYTE, STABLE_MB};
use super::extended::{Extended, Kinds, Latency, Memory, Neighbours, OfKind, Phase, Repeat};
use super::extended::{SCHEMA, Trajectory, Validity};
use super::growth::growth;
use super::hotspots::identify_hotspots;
use super::measure::{self, Plan, SAMPLED_EVERY};
use super::record::{Kind, Measured, Record};
use super::tail::tail;
use super::targets::targets;
use super::validity;
use super::verdicts::verdicts;
use super::walk::{Walk, guarded};
use crate::machine;
use crate::md::field::AnyPotential;
use crate::md::neighbours::List as _;
use crate::md::{NeighbourList, Potential, System};
use crate::stats::{Method, Samples};

/// A profile: the file of the original, what it does not hold, and the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file of the original.
    pub document: Document,
    /// What it does not hold.
    pub extended: Extended,
    /// Which of the repeats the document is of.
    pub repeat: usize,
    /// The names of the parts of a step, in their order.
    pub parts: Vec<String>,
    /// The steps of all repeats.
    pub repeats: Vec<Record>,
}

/// The way that atoms move.
#[derive(Debug, Clone, Copy)]
pub enum Motion<'a> {
    /// At constant energy, by velocity Verlet.
    Dynamics {
        /// A step in ps.
        dt_ps: f64,
    },
    /// Through these frames, all of the same atoms.
    Frames(&'a [System]),
}

/// The part of a profile that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Properties {
    /// The energy.
    pub energy: bool,
    /// The forces.
    pub forces: bool,
    /// The stress.
    pub stress: bool,
}

impl Default for Properties {
    /// Energy and forces.
    fn default() -> Self {
        Self { energy: true, forces: true, stress: false }
    }
}

/// What is profiled.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Name of the profile.
    pub name: String,
    /// Name of the model.
    pub model: String,
    /// The potential.
    pub potential: &'a dyn AnyPotential,
    /// The atoms at the start. Frames need no more than the first of them.
    pub system: System,
    /// How they move.
    pub motion: Motion<'a>,
    /// Skin of the list, angstrom.
    pub skin: f64,
    /// Where the atoms are from; the rest is filled in.
    pub trajectory: Trajectory,
    /// A share of a step in percent beyond which a part is named.
    pub threshold_pct: f64,
    /// The properties that are timed.
    pub properties: Properties,
    /// A model that the forces are compared with, and its name.
    pub against: Option<(String, &'a dyn AnyPotential)>,
}

/// Profiles dynamics of `system` at constant energy under any potential, by steps of `dt_ps` with a
/// list of that skin in angstrom.
///
/// # Errors
///
/// If there is no step or no atom, a step leads nowhere, the atoms do not move, or the forces are not
/// those of [`Potential::reference`].
pub fn profile_potential<P: Potential + Clone + Debug + 'static>(
    name: &str,
    potential: &P,
    system: System,
    dt_ps: f64,
    skin: f64,
    plan: &Plan,
) -> Result<Profile, Error> {
    let motion = Motion::Dynamics { dt_ps };
    Subject::of(name, potential, system, motion, skin).profile(plan)
}

/// Profiles the evaluation of frames under any potential, in their order.
///
/// # Errors
///
/// As [`profile_potential`], or if the frames are not of the same atoms.
pub fn profile_frames<P: Potential + Clone + Debug + 'static>(
    name: &str,
    potential: &P,
    frames: &[System],
    skin: f64,
    plan: &Plan,
) -> Result<Profile, Error> {
    let Some(first) = frames.first() else { return Err(Error::nothing("frames")) };
    Subject::of(name, potential, first.clone(), Motion::Frames(frames), skin).profile(plan)
}

impl<'a> Subject<'a> {
    /// A potential on atoms, with all else as usual.
    pub fn of(
        model: &str,
        potential: &'a dyn AnyPotential,
        system: System,
        motion: Motion<'a>,
        skin: f64,
    ) -> Self {
        Self {
            name: format!("{model} Profile"),
            model: model.to_owned(),
            potential,
            system,
            motion,
            skin,
            trajectory: Trajectory::default(),
            threshold_pct: 10.0,
            properties: Properties::default(),
            against: None,
        }
    }

    /// Measures it.
    ///
    /// # Errors
    ///
    /// As [`profile_frames`].
    pub fn profile(mut self, plan: &Plan) -> Result<Profile, Error> {
        let nothing =
            [("steps", plan.steps), ("repeats", plan.repeat), ("atoms", self.system.len())];
        if let Some((what, _)) = nothing.iter().find(|(_, count)| *count == 0) {
            return Err(Error::nothing(what));
        }
        let mut plan = Plan { stress: self.properties.stress, ..plan.clone() };
        let mut walk = match self.motion {
            Motion::Dynamics { dt_ps } => Walk::Dynamics { dt_ps },
            Motion::Frames(frames) => {
                let least = plan.steps;
                if frames.len() < least {
                    return Err(Error::Frames { found: frames.len(), least });
                }
                same_atoms(&self.system, frames)?;
                plan.warmup = plan.warmup.min(least);
                Walk::Frames { frames: &frames[..least], skin: self.skin, repeat: 0 }
            }
        };
        let mut system = self.system.clone();
        let source = self.potential.field(&system, self.skin)?;
        let mut source = guarded(&walk, source, &system, self.skin);
        let measured = measure::measure(&mut walk, &mut system, &mut *source, &plan)?;
        self.finish(&plan, &measured)
    }

    /// Sums up what was measured.
    fn finish(&mut self, plan: &Plan, measured: &Measured) -> Result<Profile, Error> {
        let repeats = &measured.repeats;
        let repeat = middle(repeats);
        let document = self.document(measured, repeat);
        let phases = phases(measured);
        let latency = self.latency(repeats);
        let memory = memory(plan, measured);
        let tail = tail(repeats, plan.memory);
        let neighbours = self.neighbours(measured)?;
        let energy = match self.motion {
            Motion::Dynamics { dt_ps } => validity::kept(repeats, self.system.len(), dt_ps),
            Motion::Frames(_) => validity::kept(repeats, self.system.len(), 1.0),
        };
        let against = self.against.as_ref();
        let validity = Validity {
            forces: validity::agreement(self.potential, &measured.compared)?,
            energy: energy.as_ref().ok().copied(),
            energy_reason: energy.err(),
            against: against
                .map(|(name, other)| validity::against(name, *other, &measured.compared)),
        };
        let verdicts = verdicts(&memory, &tail, &phases, neighbours, &validity, self.threshold_pct);
        let ms = |of: &dyn Fn(&Record) -> u64| repeats.iter().map(of).sum::<u64>() as f64 / 1e6;
        let [energy_reason, forces_reason, stress_reason] = self.reasons();
        let extended = Extended {
            schema: SCHEMA,
            model: self.model.clone(),
            trajectory: self.trajectory(plan, measured),
            latency,
            repeats: self::repeats(repeats, repeat),
            kinds: kinds(repeats),
            phases_ms: ms(&|record| record.spent_ns.iter().flatten().sum()),
            steps_ms: ms(&|record| record.latency_ns.iter().sum()),
            phases,
            neighbours,
            energy_reason,
            forces_reason,
            stress_reason,
            hotspots: identify_hotspots(&document, self.threshold_pct),
            targets: targets(&document, memory.delta_mb.is_some()),
            memory,
            tail,
            verdicts,
            validity,
            machine: machine::wall(),
            sources: machine::SOURCE.to_owned(),
            is_debug_build: cfg!(debug_assertions),
        };
        let (parts, repeats) = (measured.parts.clone(), repeats.clone());
        Ok(Profile { document, extended, repeat, parts, repeats })
    }

    fn document(&self, measured: &Measured, repeat: usize) -> Document {
        let record = &measured.repeats[repeat];
        let latencies = milliseconds(&record.latency_ns);
        let steps = latencies.len();
        let mean = |parts: &mut dyn Iterator<Item = usize>| {
            let all = parts.map(|part| record.spent_ns[part].iter().sum::<u64>());
            all.sum::<u64>() as f64 / steps as f64 / 1e6
        };
        let stress = measured.parts.len() - 1;
        let gigabytes = |bytes: u64| bytes as f64 / GIGABYTE;
        let Properties { forces, stress: with_stress, .. } = self.properties;
        Document {
            name: self.name.clone(),
            model_name: self.model.clone(),
            n_steps: steps,
            device: "cpu".to_owned(),
            mean_latency_ms: latencies.mean(),
            median_latency_ms: latencies.median(),
            std_latency_ms: latencies.std(0),
            min_latency_ms: latencies.min(),
            max_latency_ms: latencies.max(),
            p95_latency_ms: latencies.p95(),
            p99_latency_ms: latencies.p99(),
            latencies_ms: latencies,
            energy_time_ms: None,
            forces_time_ms: forces.then(|| mean(&mut measured.evaluation())),
            stress_time_ms: with_stress.then(|| mean(&mut std::iter::once(stress))),
            memory_initial_gb: gigabytes(record.initial_bytes),
            memory_final_gb: gigabytes(record.final_bytes),
            memory_peak_gb: gigabytes(record.peak_bytes),
            memory_per_step_gb: record
                .resident_bytes
                .iter()
                .map(|bytes| gigabytes(*bytes))
                .collect(),
            n_atoms: Some(self.system.len()),
            system_size: Some(format!("{} atoms", self.system.len())),
            total_time_s: record.total_s,
            steps_per_second: steps as f64 / record.total_s,
            timestamp: timestamp(SystemTime::now()),
            notes: self.notes(measured),
        }
    }

    fn notes(&self, measured: &Measured) -> String {
        let moves = match self.motion {
            Motion::Dynamics { dt_ps } => format!("velocity Verlet, {dt_ps} ps a step"),
            Motion::Frames(_) => "frames of a file".to_owned(),
        };
        let repeats = measured.repeats.len();
        let of =
            if repeats > 1 { format!("; the median of {repeats} repeats") } else { String::new() };
        format!("{moves}{of}; time is UTC")
    }

    fn reasons(&self) -> [Option<String>; 3] {
        let Properties { energy, forces, stress } = self.properties;
        let unasked = |is_asked: bool| (!is_asked).then(|| "not asked for".to_owned());
        let one = "energy, forces and virial are found in one evaluation, from which none can be left \
                   out: forces_time_ms is that of all";
        [unasked(energy).or_else(|| Some(one.to_owned())), unasked(forces), unasked(stress)]
    }

    fn trajectory(&self, plan: &Plan, measured: &Measured) -> Trajectory {
        let dt_ps = match self.motion {
            Motion::Dynamics { dt_ps } => Some(dt_ps),
            Motion::Frames(_) => None,
        };
        Trajectory {
            kind: if dt_ps.is_some() { "integrated" } else { "frames" }.to_owned(),
            n_atoms: self.system.len(),
            dt_ps,
            skin_angstrom: self.skin,
            cutoff_angstrom: self.potential.cutoff(),
            warmup_steps: plan.warmup,
            first_positions: measured.first_positions.clone(),
            last_positions: measured.last_positions.clone(),
            ..self.trajectory.clone()
        }
    }

    fn latency(&self, repeats: &[Record]) -> Latency {
        let all = repeats.iter().flat_map(|record| record.latency_ns.iter());
        let all = Samples::new(all.map(|ns| *ns as f64 / 1e6));
        let mean = all.mean();
        let quantile = |p| all.quantile(p, Method::Linear);
        let day_s = 86_400.0;
        let ns_per_day = match self.motion {
            Motion::Dynamics { dt_ps } => Some(day_s * 1e3 / mean * dt_ps / 1e3),
            Motion::Frames(_) => None,
        };
        Latency {
            quantiles: "on the line between two samples (type 7)".to_owned(),
            steps: all.len(),
            mean_ms: mean,
            median_ms: all.median(),
            p90_ms: quantile(0.9),
            p95_ms: all.p95(),
            p99_ms: all.p99(),
            p999_ms: quantile(0.999),
            max_ms: all.max(),
            cv_pct: 100.0 * all.std(0) / mean,
            us_per_step: 1e3 * mean,
            ns_per_atom_per_step: 1e6 * mean / self.system.len() as f64,
            ns_per_day,
            clock_ns: clock_ns(),
            waited_ns: repeats.iter().flat_map(|record| record.waited_ns.iter()).sum(),
        }
    }

    fn neighbours(&self, measured: &Measured) -> Result<Neighbours, Error> {
        let (system, _) = &measured.compared[0];
        let positions = &system.positions;
        let list = NeighbourList::new(&system.cell, positions, self.potential.cutoff(), 0.0)?;
        let Measured { builds, dangerous_builds, prunings, .. } = *measured;
        let per_atom = list.pairs() as f64 / system.len() as f64;
        Ok(Neighbours { per_atom, builds, dangerous_builds, prunings })
    }
}

/// Requires that all frames have the atoms of the first.
fn same_atoms(first: &System, frames: &[System]) -> Result<(), Error> {
    let of = |system: &System| system.symbols().map(str::to_owned).collect::<Vec<_>>();
    let wanted = of(first);
    match frames.iter().position(|frame| of(frame) != wanted) {
        None => Ok(()),
        Some(frame) => Err(Error::OtherAtoms { frame: frame + 1 }),
    }
}

/// The repeat whose mean is the median of those of all; of an even number the slower middle one.
fn middle(repeats: &[Record]) -> usize {
    let total = |k: &usize| repeats[*k].latency_ns.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..repeats.len()).collect();
    order.sort_by_key(total);
    order[order.len() / 2]
}

fn milliseconds(ns: &[u64]) -> Samples {
    Samples::new(ns.iter().map(|ns| *ns as f64 / 1e6))
}

/// A time as `2000-12-31 23:59:59`, in UTC.
fn timestamp(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', "")
}

/// Nanoseconds of one reading of the clock.
fn clock_ns() -> f64 {
    const READINGS: u32 = 1000;
    let start = Instant::now();
    let last = (0..READINGS).fold(start, |_, _| Instant::now());
    (last - start).max(Duration::from_nanos(1)).as_secs_f64() * 1e9 / f64::from(READINGS)
}

fn repeats(repeats: &[Record], profile: usize) -> Vec<Repeat> {
    let one = |(k, record): (usize, &Record)| {
        let steps = milliseconds(&record.latency_ns);
        Repeat {
            mean_ms: steps.mean(),
            median_ms: steps.median(),
            p99_ms: steps.p99(),
            total_s: record.total_s,
            is_profile: k == profile,
        }
    };
    repeats.iter().enumerate().map(one).collect()
}

fn kinds(repeats: &[Record]) -> Kinds {
    let all: u64 = repeats.iter().flat_map(|record| record.latency_ns.iter()).sum();
    let of = |kind: Kind| {
        let steps = repeats.iter().flat_map(|record| record.latency_ns.iter().zip(&record.kinds));
        let steps = steps.filter(|(_, found)| **found == kind).map(|(ns, _)| *ns as f64 / 1e6);
        let steps = Samples::new(steps);
        (!steps.is_empty()).then(|| OfKind {
            steps: steps.len(),
            mean_ms: steps.mean(),
            median_ms: steps.median(),
            p99_ms: steps.p99(),
            max_ms: steps.max(),
            share_pct: 100.0 * steps.values().iter().sum::<f64>() / (all as f64 / 1e6),
        })
    };
    let [quiet, pruned, rebuilt] = Kind::ALL.map(of);
    Kinds { quiet, pruned, rebuilt }
}

fn phases(measured: &Measured) -> Vec<Phase> {
    let repeats = &measured.repeats;
    let all: u64 = repeats.iter().flat_map(|record| record.latency_ns.iter()).sum();
    let median = Samples::new(
        repeats.iter().flat_map(|record| record.latency_ns.iter().map(|ns| *ns as f64)),
    );
    let median = median.median();
    let busy = |of: &dyn Fn(&Record) -> &[u64]| {
        let each = repeats.iter().map(|record| {
            let steps = of(record).iter().enumerate();
            steps.filter(|(step, _)| record.is_plain(*step, median)).map(|(_, ns)| *ns).sum::<u64>()
        });
        each.sum::<u64>() as f64
    };
    let all_busy = busy(&|record| &record.latency_ns).max(1.0);
    let phase = |(part, name): (usize, &String)| {
        let steps = || repeats.iter().flat_map(move |record| record.spent_ns[part].iter().copied());
        let called: Vec<u64> = steps().filter(|ns| *ns > 0).collect();
        let (calls, total) = (called.len(), called.iter().sum::<u64>());
        let kinds = repeats.iter().flat_map(|record| record.kinds.iter());
        let rebuilt = steps().zip(kinds).filter(|(_, kind)| **kind == Kind::Rebuilt);
        let rebuilt: Vec<f64> = rebuilt.map(|(ns, _)| ns as f64 / 1e6).collect();
        Phase {
            name: name.clone(),
            is_pass: measured.evaluation().contains(&part),
            calls,
            total_ms: total as f64 / 1e6,
            min_ms: called.iter().min().map_or(0.0, |ns| *ns as f64 / 1e6),
            mean_ms: total as f64 / 1e6 / calls.max(1) as f64,
            max_ms: called.iter().max().map_or(0.0, |ns| *ns as f64 / 1e6),
            rebuilt_mean_ms: (!rebuilt.is_empty())
                .then(|| rebuilt.iter().sum::<f64>() / rebuilt.len() as f64),
            share_pct: 100.0 * total as f64 / all as f64,
            busy_share_pct: 100.0 * busy(&|record| &record.spent_ns[part]) / all_busy,
        }
    };
    measured.parts.iter().enumerate().map(phase).filter(|phase| phase.calls > 0).collect()
}

fn memory(plan: &Plan, measured: &Measured) -> Memory {
    let repeats = &measured.repeats;
    let known = plan.memory && measured.memory_reason.is_none();
    let of = |of: fn(&Record) -> &[u64]| -> Vec<u64> {
        repeats.iter().flat_map(|record| of(record).iter().copied()).collect()
    };
    let resident = if known { of(|record| &record.resident_bytes) } else { Vec::new() };
    let heap =
        if measured.heap_reason.is_none() { of(|record| &record.heap_bytes) } else { Vec::new() };
    let unknown =
        |reason: &Option<String>| reason.clone().unwrap_or_else(|| "not asked for".into());
    let resident_growth = match known {
        true => growth(&resident, SAMPLED_EVERY),
        false => Err(unknown(&measured.memory_reason)),
    };
    let heap_growth = match &measured.heap_reason {
        None => growth(&heap, SAMPLED_EVERY),
        reason => Err(unknown(reason)),
    };
    let ends = known.then(|| {
        let (first, last) = (&repeats[0], &repeats[repeats.len() - 1]);
        (last.final_bytes as f64 - first.initial_bytes as f64) / MEGABYTE
    });
    let samples = |bytes: Vec<u64>| Samples::new(bytes.into_iter().map(|bytes| bytes as f64));
    Memory {
        sampled_every: SAMPLED_EVERY,
        delta_mb: ends,
        is_stable: ends.map(|delta| delta.abs() < STABLE_MB),
        resident: resident_growth.as_ref().ok().copied(),
        resident_reason: resident_growth.err(),
        heap: heap_growth.as_ref().ok().copied(),
        heap_reason: heap_growth.err(),
        resident_bytes: samples(resident),
        heap_bytes: samples(heap),
    }
}

/// How many times faster than the first each of some profiles is, by their means, in their order.
pub fn compare(profiles: &[(String, Document)]) -> Vec<(String, f64)> {
    let first = profiles.first().map_or(f64::NAN, |(_, first)| first.mean_latency_ms);
    let speedup =
        |(name, document): &(String, Document)| (name.clone(), first / document.mean_latency_ms);
    profiles.iter().map(speedup).collect()
}
