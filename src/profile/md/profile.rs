//! From atoms and a potential to a profile, in one call.

use std::fmt::Debug;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Error;
use super::document::{Document, GIGABYTE};
use super::extended::{Extended, Latency, Neighbours, SCHEMA, Trajectory, Validity};
use super::hotspots::identify_hotspots;
use super::measure::{self, Plan};
use super::record::{Measured, Record};
use super::sums;
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
        let repeat = sums::middle(repeats);
        let document = self.document(measured, repeat);
        let phases = sums::phases(measured);
        let latency = self.latency(repeats);
        let memory = sums::memory(plan, measured);
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
            repeats: sums::repeats(repeats, repeat),
            kinds: sums::kinds(repeats),
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
        let latencies = sums::milliseconds(&record.latency_ns);
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
            timestamp: sums::timestamp(SystemTime::now()),
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
            clock_ns: sums::clock_ns(),
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

/// How many times faster than the first each of some profiles is, by their means, in their order.
pub fn compare(profiles: &[(String, Document)]) -> Vec<(String, f64)> {
    let first = profiles.first().map_or(f64::NAN, |(_, first)| first.mean_latency_ms);
    let speedup =
        |(name, document): &(String, Document)| (name.clone(), first / document.mean_latency_ms);
    profiles.iter().map(speedup).collect()
}
