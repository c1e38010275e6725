//! The trajectory that is timed: integrated step by step, or the frames of somebody else.
//!
//! An integrated one goes on from step to step, repeats included. Frames are evaluated in their
//! order, as a program would that moves the atoms by them: by the list as it is where no atom has
//! moved further than half the skin, and by a new one otherwise. Each repeat moves all atoms of all
//! frames by the same vector, which changes no force and all positions.

use super::Error;
use crate::md::field::Source;
use crate::md::run::{Clock, Timed};
use crate::md::system::{System, Vector};
use crate::md::{integrate, run};

/// The move of a repeat, in angstrom: no multiple of a lattice vector that anybody has.
const MOVE: Vector = [0.370_241, 0.231_877, 0.113_513];

/// A trajectory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Walk<'a> {
    /// Constant energy, by steps of this many ps.
    Dynamics {
        /// A step in ps.
        dt_ps: f64,
    },
    /// The frames of a file.
    Frames {
        /// The frames, all of the same atoms.
        frames: &'a [System],
        /// Skin of the list, angstrom.
        skin: f64,
        /// The repeat.
        repeat: usize,
    },
}

impl Walk<'_> {
    /// Whether atoms move by their velocities.
    pub(super) fn moves(&self) -> bool {
        matches!(self, Self::Dynamics { .. })
    }

    /// Starts a repeat, of which warm-ups are number 0.
    pub(super) fn start(&mut self, number: usize) {
        if let Self::Frames { repeat, .. } = self {
            *repeat = number;
        }
    }

    /// Makes a step, under the clock.
    pub(super) fn step(
        &self,
        step: usize,
        system: &mut System,
        source: &mut dyn Source,
        clock: &mut Clock,
    ) -> Result<(), Error> {
        match *self {
            Self::Dynamics { dt_ps } => {
                integrate::run(system, &mut Timed { source, clock }, dt_ps, 1);
                clock.moved();
                Ok(())
            }
            Self::Frames { frames, skin, repeat } => {
                let next = &frames[step % frames.len()];
                let shift = MOVE.map(|x| repeat as f64 * x);
                let is_near = place(next, shift, skin, system);
                clock.checked();
                let mut done = |part| clock.done(part);
                if is_near {
                    source.update_in_parts(system.atoms(), &mut done);
                    return Ok(());
                }
                let renewed = source.renew_in_parts(system, &mut done);
                renewed.map_err(|why| Error::Stopped { step: step + 1, why: why.to_string() })
            }
        }
    }
}

/// Moves the atoms to where those of a frame are; says whether the list can follow.
fn place(next: &System, shift: Vector, skin: f64, system: &mut System) -> bool {
    let limit = 0.25 * skin * skin;
    let mut furthest = 0.0_f64;
    for (to, x) in system.positions.iter_mut().zip(&next.positions) {
        let mut moved = 0.0;
        for a in 0..3 {
            let at = x[a] + shift[a];
            moved += (at - to[a]).powi(2);
            to[a] = at;
        }
        furthest = furthest.max(moved);
    }
    let is_same_cell = system.cell == next.cell;
    system.cell = next.cell;
    is_same_cell && furthest <= limit
}

/// Forces on the start of a trajectory, which end an integrated one before they end the program.
pub(super) fn guarded(
    walk: &Walk<'_>,
    source: Box<dyn Source>,
    system: &System,
    skin: f64,
) -> Box<dyn Source> {
    match walk {
        Walk::Dynamics { .. } => Box::new(run::Watched::new(source, system, skin)),
        Walk::Frames { .. } => source,
    }
}
