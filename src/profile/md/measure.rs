//! The clock: every step of a trajectory, and in which of its parts the time is spent.
//!
//! Atoms are moved and checked, the list is looked after, and the potential is evaluated pass by pass,
//! under the clock of [`crate::md::run::Clock`], whose parts add up to the step.
//!
//! No two evaluations of a run are of the same positions, those of warm-ups and repeats included:
//! hashes of the positions are compared, and a run in which one comes twice is refused. So nothing
//! that was found before can be what is timed. All that a step leaves behind is written into room
//! that was touched before the first one, so that memory which grows is the potential's.

use std::hint::black_box;
use std::time::Instant;

use super::Error;
use super::record::{Kind, Measured, Record};
use super::walk::Walk;
use crate::md::System;
use crate::md::field::Source;
use crate::md::run::{Clock, thread};
use crate::profile::memory::{self, Sampler};

/// Steps from one sample of memory to the next.
pub const SAMPLED_EVERY: usize = 10;
/// Steps that are compared with the definition of the potential, at most.
const COMPARED: usize = 3;

/// How much is timed.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Steps of one repeat.
    pub steps: usize,
    /// Steps before the first that is timed.
    pub warmup: usize,
    /// Repeats, each of the steps that follow.
    pub repeat: usize,
    /// Whether memory is sampled.
    pub memory: bool,
    /// Whether the stress is made of the virial in each step.
    pub stress: bool,
}

impl Default for Plan {
    /// Three repeats of 100 steps after 10.
    fn default() -> Self {
        Self { steps: 100, warmup: 10, repeat: 3, memory: true, stress: false }
    }
}

/// Runs and times the steps of `plan`.
///
/// # Errors
///
/// If a step leads nowhere, or the same positions come twice.
pub(super) fn measure(
    walk: &mut Walk<'_>,
    system: &mut System,
    source: &mut dyn Source,
    plan: &Plan,
) -> Result<Measured, Error> {
    let mut clock = Clock::new(source.passes().len());
    let mut parts = Clock::names(source);
    // The last one comes where it is asked for.
    parts.truncate(parts.len() - usize::from(!plan.stress));
    let (all, moves) = (plan.steps * plan.repeat, walk.moves());
    let mut hashes = touched(plan.warmup + all);
    let mut compared = Compared::new(system, all);
    for step in 0..plan.warmup {
        clock.start();
        walk.step(step, system, source, &mut clock)?;
        stress(plan, system, source, &mut clock);
        clock.stop();
        hashes[step] = hash(system);
    }
    let sampled = if plan.memory { plan.steps.div_ceil(SAMPLED_EVERY) } else { 0 };
    let mut repeats: Vec<Record> = (0..plan.repeat)
        .map(|_| Record::touched(plan.steps, parts.len(), sampled, moves))
        .collect();
    let mut sampler = if plan.memory { Sampler::new().map_err(Some) } else { Err(None) };
    let heap = if plan.memory { memory::held_bytes() } else { Err("not asked for".to_owned()) };
    let upkeep = source.upkeep();
    if plan.memory {
        memory::forget_peak();
    }
    for (repeat, record) in repeats.iter_mut().enumerate() {
        walk.start(repeat + 1);
        record.initial_bytes = resident(&mut sampler)[0];
        let began = Instant::now();
        for step in 0..plan.steps {
            let (before, used) = (source.upkeep(), thread());
            clock.start();
            walk.step(step, system, source, &mut clock)?;
            stress(plan, system, source, &mut clock);
            let took = clock.stop();
            let used = thread().map(|now| now.saturating_sub(used.unwrap_or_default()));
            record.put(step, [clock.began() - began, took, clock.first()], clock.spent(), used);
            record.kinds[step] = Kind::of(before, source.upkeep());
            if let Some(why) = source.fault() {
                return Err(Error::Stopped { step: repeat * plan.steps + step + 1, why });
            }
            record.potential_ev[step] = source.forces().energy;
            if moves {
                record.kinetic_ev[step] = system.kinetic_energy();
            }
            let nth = repeat * plan.steps + step;
            hashes[plan.warmup + nth] = hash(system);
            compared.take(nth, system, source);
            if plan.memory && step.is_multiple_of(SAMPLED_EVERY) {
                record.resident_bytes[step / SAMPLED_EVERY] = resident(&mut sampler)[0];
                if heap.is_ok() {
                    record.heap_bytes[step / SAMPLED_EVERY] =
                        memory::held_bytes().unwrap_or_default();
                }
            }
        }
        record.total_s = began.elapsed().as_secs_f64();
        [record.final_bytes, record.peak_bytes] = resident(&mut sampler);
    }
    differ(&hashes, plan.warmup)?;
    let after = source.upkeep();
    Ok(Measured {
        parts,
        passes: source.passes().len(),
        repeats,
        builds: after.builds - upkeep.builds,
        dangerous_builds: after.dangerous_builds - upkeep.dangerous_builds,
        prunings: after.prunings - upkeep.prunings,
        memory_reason: sampler.err().flatten(),
        heap_reason: heap.err(),
        first_positions: format!("{:016x}", hashes[0]),
        last_positions: format!("{:016x}", hashes[hashes.len() - 1]),
        compared: compared.frames,
    })
}

/// Makes the stress of the virial, where the plan says so.
fn stress(plan: &Plan, system: &System, source: &dyn Source, clock: &mut Clock) {
    if plan.stress {
        black_box(source.forces().stress(system.cell.volume()));
        clock.stressed();
    }
}

/// Room for so many numbers, of which every page is there.
fn touched(len: usize) -> Vec<u64> {
    black_box(vec![u64::MAX; len])
}

/// Bytes that are resident, and the most that were; zero where nobody tells.
fn resident(sampler: &mut Result<Sampler, Option<String>>) -> [u64; 2] {
    let found = sampler.as_mut().ok().and_then(|sampler| sampler.resident().ok());
    found.map_or([0; 2], |found| [found.current_bytes, found.peak_bytes])
}

/// 64 bits over the positions.
fn hash(system: &System) -> u64 {
    // The odd number next to 2^64 over the golden ratio.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bits = system.positions.iter().flatten().map(|x| x.to_bits());
    bits.fold(ODD, |hash, bits| (hash ^ bits).wrapping_mul(ODD).rotate_left(29))
}

/// Requires that no two evaluations were of the same positions.
fn differ(hashes: &[u64], warmup: usize) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    order.sort_by_key(|k| (hashes[*k], *k));
    let pairs = order.windows(2).filter(|pair| hashes[pair[0]] == hashes[pair[1]]);
    let twice = pairs.min_by_key(|pair| pair[1]);
    let name = |k: usize| match k.checked_sub(warmup) {
        Some(step) => format!("step {}", step + 1),
        None => format!("warm-up {}", k + 1),
    };
    match twice {
        None => Ok(()),
        Some(pair) => Err(Error::Repeated { first: name(pair[0]), again: name(pair[1]) }),
    }
}

/// Steps that are kept for a comparison with the definition.
struct Compared {
    at: Vec<usize>,
    frames: Vec<(System, crate::md::Forces)>,
}

impl Compared {
    /// Room for the first, the middle and the last of `all` steps.
    fn new(system: &System, all: usize) -> Self {
        let last = all.saturating_sub(1);
        let mut at: Vec<usize> = (0..COMPARED).map(|k| k * last / (COMPARED - 1)).collect();
        at.dedup();
        let room = (system.clone(), crate::md::Forces::zeros(system.len()));
        let frames = vec![room; at.len()];
        Self { at, frames }
    }

    fn take(&mut self, step: usize, system: &System, source: &dyn Source) {
        if let Some(k) = self.at.iter().position(|at| *at == step) {
            let (to, forces) = &mut self.frames[k];
            to.cell = system.cell;
            to.positions.copy_from_slice(&system.positions);
            to.velocities.copy_from_slice(&system.velocities);
            forces.copy_from(source.forces());
        }
    }
}
