//! The time of a run, by what it was spent on.

use std::time::{Duration, Instant};

use super::clock::{Clock, thread};
use crate::md::field::{Source, Upkeep};
use crate::md::neighbours::{List as _, NeighbourList};
use crate::md::system::System;

/// One part of all steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Its name.
    pub name: String,
    /// How often it came.
    pub calls: u64,
    /// The shortest time; the longest there is where it never came.
    pub min: Duration,
    /// The longest time.
    pub max: Duration,
    /// All times.
    pub total: Duration,
}

impl Spent {
    fn new(name: String) -> Self {
        Self { name, calls: 0, min: Duration::MAX, max: Duration::ZERO, total: Duration::ZERO }
    }

    fn add(&mut self, time: Duration) {
        self.calls += 1;
        self.min = self.min.min(time);
        self.max = self.max.max(time);
        self.total += time;
    }
}

/// The time of the steps of a run that this command made.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Atoms.
    pub atoms: usize,
    /// Steps.
    pub steps: u64,
    /// A step in ps.
    pub dt_ps: f64,
    /// Time on the clock.
    pub wall: Duration,
    /// Time that the thread had of its processor, where that is known.
    pub cpu: Option<Duration>,
    /// The parts that came. The evaluation that a frame begins from belongs to its output.
    pub parts: Vec<Spent>,
    /// How often the list was made anew.
    pub upkeep: Upkeep,
    /// Neighbours of an atom within the cutoff at the end; none if there is no room for their list.
    pub neighbours_per_atom: Option<f64>,
}

/// A timing that goes on.
pub(super) struct Running {
    began: Instant,
    used: Option<Duration>,
    parts: Vec<Spent>,
    before: Upkeep,
}

impl Running {
    pub(super) fn new(source: &dyn Source) -> Self {
        let names = Clock::names(source).into_iter().chain(["output".to_owned()]);
        let (began, used, before) = (Instant::now(), thread(), source.upkeep());
        Self { began, used, parts: names.map(Spent::new).collect(), before }
    }

    /// Counts the parts of a step.
    pub(super) fn step(&mut self, clock: &Clock) {
        for (part, spent) in self.parts.iter_mut().zip(clock.spent()) {
            if !spent.is_zero() {
                part.add(*spent);
            }
        }
    }

    /// Counts the output of a frame.
    pub(super) fn output(&mut self, time: Duration) {
        self.parts.last_mut().expect("it is the last").add(time);
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(super) fn finish(
        self,
        steps: u64,
        dt_ps: f64,
        system: &System,
        cutoff: f64,
        source: &dyn Source,
    ) -> Timing {
        let (wall, now, after) = (self.began.elapsed(), thread(), source.upkeep());
        let atoms = system.len();
        let list = NeighbourList::new(&system.cell, &system.positions, cutoff, 0.0).ok();
        // The table has a line of its own for the rest.
        let came = |part: &Spent| part.calls > 0 && part.name != "other";
        Timing {
            atoms,
            steps,
            dt_ps,
            wall,
            cpu: now.zip(self.used).map(|(now, before)| now.saturating_sub(before)),
            parts: self.parts.into_iter().filter(came).collect(),
            upkeep: Upkeep {
                builds: after.builds - self.before.builds,
                dangerous_builds: after.dangerous_builds - self.before.dangerous_builds,
                prunings: after.prunings - self.before.prunings,
            },
            neighbours_per_atom: list.map(|list| list.pairs() as f64 / atoms as f64),
        }
    }
}
