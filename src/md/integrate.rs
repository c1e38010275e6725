//! Velocity Verlet: v += dt/2 a, x += dt v, forces at the new x, v += dt/2 a.
//!
//! Time-reversible and symplectic: the energy does not drift but oscillates, by an amount that
//! grows as dt^2. Here a = F / (m [`MVV2E`]).
//!
//! Source: W. C. Swope, H. C. Andersen, P. H. Berens, K. R. Wilson, J. Chem. Phys. 76 (1982)
//! 637-649.

use super::MVV2E;
use super::neighbours::NeighbourList;
use super::potentials::{Forces, Potential};
use super::system::{System, add_scaled};

/// Makes `steps` steps of `dt_ps`, rebuilding `list` when an atom has moved half its skin.
///
/// `forces` must belong to the positions of `system`, and does so again afterwards. Does not
/// allocate unless the list outgrows its buffers.
///
/// # Panics
///
/// If the parts differ in their number of atoms, or an atom flies off to infinity.
pub fn run<P: Potential + ?Sized>(
    system: &mut System,
    potential: &P,
    list: &mut NeighbourList,
    forces: &mut Forces,
    dt_ps: f64,
    steps: usize,
) {
    for _ in 0..steps {
        step(system, forces, dt_ps, |system, forces| {
            list.update(&system.positions);
            potential.compute(&system.positions, list, forces);
        });
    }
}

/// The reference: as [`run`], by the definition of the potential and without a list.
///
/// # Panics
///
/// Those of [`run`].
pub fn run_reference<P: Potential + ?Sized>(
    system: &mut System,
    potential: &P,
    forces: &mut Forces,
    dt_ps: f64,
    steps: usize,
) {
    for _ in 0..steps {
        step(system, forces, dt_ps, |system, forces| {
            *forces = potential.reference(&system.cell, &system.positions);
        });
    }
}

fn step(
    system: &mut System,
    forces: &mut Forces,
    dt_ps: f64,
    evaluate: impl FnOnce(&System, &mut Forces),
) {
    kick(system, forces, 0.5 * dt_ps);
    for (x, v) in system.positions.iter_mut().zip(&system.velocities) {
        add_scaled(x, dt_ps, *v);
    }
    evaluate(system, forces);
    kick(system, forces, 0.5 * dt_ps);
}

fn kick(system: &mut System, forces: &Forces, dt_ps: f64) {
    assert_eq!(forces.forces.len(), system.len(), "not one force per atom");
    let atoms = system.velocities.iter_mut().zip(&system.masses).zip(&forces.forces);
    for ((v, mass), f) in atoms {
        add_scaled(v, dt_ps / (mass * MVV2E), *f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::boxes;
    use crate::md::{LennardJones, StillingerWeber, potentials::Truncation};

    struct Moving {
        system: System,
        list: NeighbourList,
        forces: Forces,
    }

    fn start<P: Potential>(mut system: System, potential: &P, kelvin: f64) -> Moving {
        boxes::rattle(&mut system, 5, 0.02);
        boxes::thermalise(&mut system, 6, kelvin);
        let list =
            NeighbourList::new(&system.cell, &system.positions, potential.cutoff(), 0.6).unwrap();
        let mut forces = Forces::default();
        potential.compute(&system.positions, &list, &mut forces);
        Moving { system, list, forces }
    }

    /// Rms of the total energy per atom around a straight line, in eV.
    fn rms<P: Potential>(mut run: Moving, potential: &P, dt: f64, steps: usize) -> f64 {
        let mut energies = Vec::new();
        for _ in 0..steps {
            super::run(&mut run.system, potential, &mut run.list, &mut run.forces, dt, 1);
            energies.push(run.system.kinetic_energy() + run.forces.energy);
        }
        let n = energies.len() as f64;
        let mean = energies.iter().sum::<f64>() / n;
        let at = |k: usize| k as f64 - 0.5 * (n - 1.0);
        let xx: f64 = (0..energies.len()).map(|k| at(k).powi(2)).sum();
        let xy: f64 = energies.iter().enumerate().map(|(k, e)| at(k) * (e - mean)).sum();
        let off = energies.iter().enumerate().map(|(k, e)| (e - mean - xy / xx * at(k)).powi(2));
        (off.sum::<f64>() / n).sqrt() / run.system.len() as f64
    }

    #[test]
    fn a_free_atom_flies_straight() {
        let argon = LennardJones::argon(Truncation::ForceShifted);
        let mut run = start(boxes::argon_crystal(1, 40.0), &argon, 0.0);
        run.system.velocities[0] = [1.0, -2.0, 3.0];
        let from = run.system.positions[0];
        super::run(&mut run.system, &argon, &mut run.list, &mut run.forces, 0.01, 50);
        for (a, v) in [1.0, -2.0, 3.0].into_iter().enumerate() {
            let moved = run.system.positions[0][a] - from[a];
            assert!((moved - 0.5 * v).abs() < 1e-12, "moved {moved} along {a}");
        }
    }

    #[test]
    fn the_energy_error_scales_as_the_square_of_the_time_step() {
        let si = StillingerWeber::SILICON;
        let of = |dt: f64, steps| {
            rms(start(boxes::silicon_crystal(2, 5.43), &si, 600.0), &si, dt, steps)
        };
        let (fine, coarse) = (of(0.001, 1000), of(0.002, 500));
        assert!((3.2..4.8).contains(&(coarse / fine)), "silicon: {coarse:e} over {fine:e}");
        let argon = LennardJones::argon(Truncation::ForceShifted);
        let of = |dt: f64, steps| {
            rms(start(boxes::argon_crystal(2, 5.35), &argon, 60.0), &argon, dt, steps)
        };
        let (fine, coarse) = (of(0.005, 600), of(0.010, 300));
        assert!((3.0..5.0).contains(&(coarse / fine)), "argon: {coarse:e} over {fine:e}");
    }

    #[test]
    fn reversed_velocities_lead_back_to_the_start() {
        let si = StillingerWeber::SILICON;
        let mut run = start(boxes::silicon_crystal(2, 5.43), &si, 300.0);
        let from = run.system.clone();
        super::run(&mut run.system, &si, &mut run.list, &mut run.forces, 0.001, 100);
        run.system.velocities.iter_mut().flatten().for_each(|v| *v = -*v);
        super::run(&mut run.system, &si, &mut run.list, &mut run.forces, 0.001, 100);
        let back = run.system.positions.iter().flatten().zip(from.positions.iter().flatten());
        let off = back.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-10, "{off} angstrom off");
    }

    #[test]
    fn momentum_is_conserved() {
        let si = StillingerWeber::SILICON;
        let mut run = start(boxes::silicon_crystal(2, 5.43), &si, 1000.0);
        super::run(&mut run.system, &si, &mut run.list, &mut run.forces, 0.001, 100);
        for a in 0..3 {
            let p: f64 =
                run.system.velocities.iter().zip(&run.system.masses).map(|(v, m)| m * v[a]).sum();
            assert!(p.abs() < 1e-9, "momentum {p} amu angstrom/ps along {a}");
        }
    }

    #[test]
    fn a_rebuilt_list_changes_nothing() {
        let si = StillingerWeber::SILICON;
        let mut run = start(boxes::silicon_crystal(2, 5.43), &si, 2500.0);
        run.list =
            NeighbourList::new(&run.system.cell, &run.system.positions, si.cutoff(), 0.2).unwrap();
        let (mut want, mut forces) = (run.system.clone(), run.forces.clone());
        super::run(&mut run.system, &si, &mut run.list, &mut run.forces, 0.001, 60);
        run_reference(&mut want, &si, &mut forces, 0.001, 60);
        let off = run.system.positions.iter().flatten().zip(want.positions.iter().flatten());
        let off = off.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-9, "{off} angstrom off the reference");
        assert!(run.list.builds() > 3, "only {} builds", run.list.builds());
    }
}
