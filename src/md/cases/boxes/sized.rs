//! Boxes of a substance near a size that is asked for.

use super::shape::shape;
use super::{aluminium, argon, iron, silicon, stop, thermalise, water};
use crate::md::potentials::water::Molecule;
use crate::md::potentials::{
    Electrostatics, EmbeddedAtom, FinnisSinclair, LennardJones, Potential, StillingerWeber,
    SuttonChen, Truncation, Water,
};
use crate::md::system::System;
use crate::md::{Field, Langevin};

/// What a box is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substance {
    /// Stillinger-Weber silicon at 300 K.
    Silicon,
    /// Sutton-Chen aluminium at 300 K.
    Aluminium,
    /// Finnis-Sinclair iron at 300 K.
    Iron,
    /// Solid Lennard-Jones argon at 82 K.
    Argon,
    /// Liquid SPC/Fw water at 300 K.
    Water,
}

impl Substance {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Silicon, Self::Aluminium, Self::Iron, Self::Argon, Self::Water];

    /// Its name in file names and case names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silicon => "silicon",
            Self::Aluminium => "aluminium",
            Self::Iron => "iron",
            Self::Argon => "argon",
            Self::Water => "water",
        }
    }

    /// Atoms that come together: of a unit cell, or of a molecule.
    fn unit(self) -> usize {
        match self {
            Self::Silicon => 8,
            Self::Aluminium | Self::Argon => 4,
            Self::Iron => 2,
            Self::Water => 3,
        }
    }

    /// Its temperature in K.
    pub fn kelvin(self) -> f64 {
        if self == Self::Argon { 82.0 } else { 300.0 }
    }

    /// A time step that conserves its energy, in ps.
    pub fn dt_ps(self) -> f64 {
        match self {
            Self::Argon => 0.005,
            Self::Water => 0.000_5,
            _ => 0.001,
        }
    }

    /// The box whose number of atoms is nearest to `atoms`, at rest: a crystal of whole unit cells
    /// no more than twice as long as wide, or whole molecules in any number. The smaller of two. How many
    /// atoms that is, its length says.
    ///
    /// # Panics
    ///
    /// If no atoms are asked for.
    pub fn at_rest(self, atoms: usize, seed: u64) -> System {
        assert!(atoms > 0, "no atoms");
        // The nearest whole number; a half is rounded down.
        let units = ((2 * atoms + self.unit() - 1) / (2 * self.unit())).max(1);
        let cells = || nearest_shape(atoms, self.unit());
        match self {
            Self::Silicon => silicon(cells(), 5.431),
            Self::Aluminium => aluminium(cells(), 4.05),
            Self::Iron => iron(cells(), 2.8665),
            Self::Argon => argon(cells(), 5.40),
            Self::Water => water(units, seed),
        }
    }

    /// That box after `steps` steps of Langevin dynamics at its temperature, with friction 10/ps. Its centre
    /// is at rest.
    ///
    /// # Panics
    ///
    /// As [`Substance::at_rest`].
    pub fn prepare(self, atoms: usize, seed: u64, steps: u64) -> System {
        let mut system = self.at_rest(atoms, seed);
        match self {
            Self::Silicon => self.settle(&mut system, StillingerWeber::SILICON, seed, steps),
            Self::Aluminium => {
                self.settle(&mut system, EmbeddedAtom(SuttonChen::ALUMINIUM), seed, steps);
            }
            Self::Iron => self.settle(&mut system, EmbeddedAtom(FinnisSinclair::IRON), seed, steps),
            Self::Argon => {
                let argon = LennardJones::argon(Truncation::ForceShifted);
                self.settle(&mut system, argon, seed, steps);
            }
            Self::Water => self.settle(&mut system, damped_water(), seed, steps),
        }
        system
    }

    fn settle(self, system: &mut System, potential: impl Potential, seed: u64, steps: u64) {
        thermalise(system, seed, self.kelvin());
        let mut field = Field::new(potential, system, 1.0).expect("a cell of some size");
        let bath = Langevin { kelvin: self.kelvin(), friction_per_ps: 10.0, seed };
        bath.run(system, &mut field, self.dt_ps(), 0..steps);
        // A bath moves it.
        stop(system);
    }
}

/// SPC/Fw water with a damped, shifted force: alpha = 0.2/angstrom, cut at 9 angstrom.
pub fn damped_water() -> Water {
    Water::new(Molecule::SPC_FW, Electrostatics::DampedShifted { alpha: 0.2 }, 9.0)
}

/// The same water in a reaction field of permittivity 78.3.
pub fn water_in_a_field() -> Water {
    Water::new(Molecule::SPC_FW, Electrostatics::ReactionField { dielectric: 78.3 }, 9.0)
}

/// The same water with all images of its charges, to about 1e-5 of the force.
pub fn ewald_water() -> Water {
    Water::new(Molecule::SPC_FW, Electrostatics::Ewald { alpha: 0.4, longest: 3.2 }, 9.0)
}

/// The shape of the number of cells that come nearest to `atoms`.
fn nearest_shape(atoms: usize, unit: usize) -> [usize; 3] {
    let away = |cells: usize| (cells * unit).abs_diff(atoms);
    let reached = |cells: usize| shape(cells).map(|shape| (away(cells), shape));
    // A power of two has a shape, so one is found at twice the size at most.
    let all = (1..=2 * (atoms / unit + 1)).filter_map(reached);
    all.min_by_key(|(away, _)| *away).expect("one cell is a cube").1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes::closest;

    #[test]
    fn the_nearest_possible_number_of_atoms_is_taken() {
        for (substance, sizes) in [
            (Substance::Silicon, [(1, 8), (32, 32), (64, 64), (100, 96), (512, 512), (1000, 1000)]),
            (Substance::Aluminium, [(1, 4), (32, 32), (64, 64), (100, 96), (256, 256), (500, 500)]),
            (Substance::Argon, [(1, 4), (32, 32), (64, 64), (100, 96), (256, 256), (864, 864)]),
            (Substance::Iron, [(1, 2), (16, 16), (54, 54), (100, 96), (128, 128), (1024, 1024)]),
            (Substance::Water, [(1, 3), (32, 33), (64, 63), (100, 99), (256, 255), (1024, 1023)]),
        ] {
            for (asked, found) in sizes {
                let system = substance.at_rest(asked, 1);
                assert_eq!(system.len(), found, "{substance:?}: {asked} asked");
                let heights = system.cell.heights();
                let longest = heights.iter().fold(0.0_f64, |m, h| m.max(*h));
                assert!(heights.iter().all(|h| longest < 2.001 * h), "{substance:?}: {heights:?}");
            }
        }
    }

    #[test]
    fn prepared_boxes_are_near_their_temperature_and_repeatable() {
        for substance in Substance::ALL {
            let steps = if substance == Substance::Water { 400 } else { 200 };
            let system = substance.prepare(32, 7, steps);
            let (found, want) = (system.temperature(), substance.kelvin());
            // 31 atoms or so: the standard deviation is a tenth.
            assert!((found / want - 1.0).abs() < 0.45, "{substance:?}: {found} K");
            for a in 0..3 {
                let momenta = system.velocities.iter().zip(&system.masses).map(|(v, m)| m * v[a]);
                let p: f64 = momenta.sum();
                assert!(p.abs() < 1e-9, "{substance:?}: momentum {p} amu angstrom/ps along {a}");
            }
            assert_eq!(substance.prepare(32, 7, steps), system, "{substance:?}: the same seed");
            if substance == Substance::Water {
                assert!(closest(&system) > 1.4, "{} angstrom", closest(&system));
            } else {
                let rest = substance.at_rest(32, 7);
                let moved = system.positions.iter().flatten().zip(rest.positions.iter().flatten());
                let moved = moved.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                assert!((0.05..1.2).contains(&moved), "{substance:?} moved by {moved}");
            }
        }
    }
}
