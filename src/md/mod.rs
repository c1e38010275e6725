//! Molecular dynamics: atoms in a periodic box, moved by classical forces.
//!
//! A step of length dt is velocity Verlet: v += dt/2 a, x += dt v, forces at the new x,
//! v += dt/2 a, with a = F / (m [`MVV2E`]). A potential gives the energy E, the forces F = -dE/dx
//! and the virial, the sum over atoms of `x[a] F[b] = -dE/d(strain[a, b])`; the stress is the
//! virial over minus the volume.
//!
//! Units: angstrom, eV, picosecond, atomic mass unit; velocities in angstrom/ps.
//!
//! Layout: one `[f64; 3]` per atom. The rows of a cell are its lattice vectors. Positions are not
//! wrapped; a neighbour list places the periodic images of the atoms around the cell and refers
//! to those, so a kernel needs no minimum image and a box may be smaller than the cutoff.
//!
//! | module | holds |
//! |---|---|
//! | [`system`] | [`Cell`], [`System`], and [`Atoms`]: the part that a potential sees |
//! | [`neighbours`] | the list with a skin, and its reference: all pairs of all images |
//! | [`clusters`] | pairs of clusters of four atoms: the list of the vector kernels, pruned between builds |
//! | [`field`] | a potential at work: with its list, its scratch space and the forces |
//! | [`potentials`] | Lennard-Jones, Stillinger-Weber, Tersoff, Sutton-Chen, Finnis-Sinclair, tabulated metals, water: definition, fast form, error bound |
//! | [`integrate`] | velocity Verlet; Langevin dynamics |
//! | [`extxyz`] | the extended XYZ file format |
//! | [`lammps`] | potentials from files of LAMMPS |
//! | [`run`] | trajectories that go on after a kill, and labelled frames: the commands `md run` and `md label` |
//! | [`fixtures`] | boxes of atoms near equilibrium |
//! | [`boxes`] | crystals, thermal velocities, and how the fixtures are made |
//!
//! Words: a neighbour list reaches further than the cutoff by its *skin*, so that it lasts for some steps.
//! A *cluster* is four atoms near each other. A *half list* names each pair from one of its ends only. A list of
//! clusters is *pruned* between two builds: entries whose atoms are all out of reach for now stay out of a
//! shorter list.
//!
//! The fast forms of argon, the metals and water are written once over registers (`lanes`) and compiled
//! for AVX-512, AVX2 and plain code; that of silicon has a form of its own for plain code.
//!
//! Sources: M. P. Allen, D. J. Tildesley, "Computer Simulation of Liquids", 2nd ed. (2017),
//! chapters 1, 3 and 5, and those that each potential names.

mod cases;
pub mod clusters;
pub mod field;
mod files;
pub mod fixtures;
pub mod integrate;
mod lanes;
pub mod neighbours;
pub mod potentials;
pub mod run;
pub mod system;

pub use cases::{boxes, cases, scaling};
pub use field::{Field, PlainField};
pub use files::{extxyz, lammps};
pub use integrate::Langevin;
pub use neighbours::NeighbourList;
pub use potentials::{
    EmbeddedAtom, FinnisSinclair, Forces, LennardJones, Potential, StillingerWeber,
    StillingerWeberCompound, SuttonChen, TabulatedEam, Tersoff, Water,
};
pub use system::{Atoms, Cell, System, Topology};

/// One amu angstrom^2/ps^2 in eV, from the CODATA 2018 values of the amu and the electronvolt.
pub const MVV2E: f64 = 1.660_539_066_60e-23 / 1.602_176_634e-19;

/// One elementary charge squared over 4 pi and the permittivity of the vacuum, in eV angstrom
/// (CODATA 2018, twelve digits).
pub const COULOMB: f64 = 14.399_645_478_5;

/// Boltzmann's constant in eV/K (CODATA 2018, rounded to ten digits).
pub const BOLTZMANN: f64 = 8.617_333_262e-5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A free argon atom at 100 m/s, in joules by the definition of m v^2 / 2, then in eV.
    #[test]
    fn kinetic_energies_are_in_ev() {
        assert!((MVV2E / 1.036_426_965_268_050_6e-4 - 1.0).abs() < 1e-12, "{MVV2E:e}");
        let cell = Cell::orthorhombic([9.0; 3]).unwrap();
        let mut atom = System::new(cell, &["Ar"], vec![39.948], vec![[0.0; 3]]);
        atom.velocities = vec![[0.6, 0.0, 0.8]];
        let joules = 0.5 * (39.948 * 1.660_539_066_60e-27) * 100.0 * 100.0;
        let want = joules / 1.602_176_634e-19;
        assert!((atom.kinetic_energy() / want - 1.0).abs() < 1e-12, "{}", atom.kinetic_energy());
    }
}
