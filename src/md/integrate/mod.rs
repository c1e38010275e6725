//! Dynamics at constant energy here, at constant temperature in [`Langevin`].
//!
//! Velocity Verlet: v += dt/2 a, x += dt v, forces at the new x, v += dt/2 a.
//!
//! Time-reversible and symplectic: the energy does not drift but oscillates, by an amount that
//! grows as dt^2. Here a = F / (m [`MVV2E`]).
//!
//! Source: W. C. Swope, H. C. Andersen, P. H. Berens, K. R. Wilson, J. Chem. Phys. 76 (1982)
//! 637-649.

#[cfg(test)]
mod energy;
mod langevin;
mod noise;

pub use langevin::Langevin;

use super::MVV2E;
use super::field::ForceSource;
use super::potentials::Forces;
use super::system::{System, add_scaled};

/// Makes `steps` steps of `dt_ps`.
///
/// `source` must belong to the positions of `system`, and does so again afterwards. A [`Field`] does
/// not allocate unless its list outgrows its buffers.
///
/// # Panics
///
/// If the parts differ in their number of atoms, or as [`Field::update`].
///
/// [`Field`]: super::Field
/// [`Field::update`]: super::Field::update
pub fn run(system: &mut System, source: &mut impl ForceSource, dt_ps: f64, steps: usize) {
    for _ in 0..steps {
        kick(system, source.forces(), 0.5 * dt_ps);
        drift(system, dt_ps);
        source.update(system.atoms());
        kick(system, source.forces(), 0.5 * dt_ps);
    }
}

fn drift(system: &mut System, dt_ps: f64) {
    for (x, v) in system.positions.iter_mut().zip(&system.velocities) {
        add_scaled(x, dt_ps, *v);
    }
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
    use crate::md::neighbours::List as _;
    use crate::md::{
        Field, LennardJones, PlainField, Potential, StillingerWeber, boxes, potentials::Truncation,
    };

    type Moving<P> = (System, Field<P>);

    fn start<P: Potential>(mut system: System, potential: P, kelvin: f64, skin: f64) -> Moving<P> {
        boxes::rattle(&mut system, 5, 0.02);
        boxes::thermalise(&mut system, 6, kelvin);
        let field = Field::new(potential, &system, skin).unwrap();
        (system, field)
    }

    fn largest_difference(a: &System, b: &System) -> f64 {
        let pairs = a.positions.iter().flatten().zip(b.positions.iter().flatten());
        pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_free_atom_flies_straight() {
        let argon = LennardJones::argon(Truncation::ForceShifted);
        let (mut system, mut field) = start(boxes::argon_crystal(1, 40.0), argon, 0.0, 0.6);
        system.velocities[0] = [1.0, -2.0, 3.0];
        let from = system.positions[0];
        run(&mut system, &mut field, 0.01, 50);
        for (a, v) in [1.0, -2.0, 3.0].into_iter().enumerate() {
            let moved = system.positions[0][a] - from[a];
            assert!((moved - 0.5 * v).abs() < 1e-12, "moved {moved} along {a}");
        }
    }

    #[test]
    fn reversed_velocities_lead_back_to_the_start() {
        let si = StillingerWeber::SILICON;
        let (mut system, mut field) = start(boxes::silicon_crystal(2, 5.43), si, 300.0, 0.6);
        let from = system.clone();
        run(&mut system, &mut field, 0.001, 100);
        system.velocities.iter_mut().flatten().for_each(|v| *v = -*v);
        run(&mut system, &mut field, 0.001, 100);
        let off = largest_difference(&system, &from);
        assert!(off < 1e-10, "{off} angstrom off");
    }

    #[test]
    fn momentum_is_conserved() {
        let si = StillingerWeber::SILICON;
        let (mut system, mut field) = start(boxes::silicon_crystal(2, 5.43), si, 1000.0, 0.6);
        run(&mut system, &mut field, 0.001, 100);
        for a in 0..3 {
            let p: f64 = system.velocities.iter().zip(&system.masses).map(|(v, m)| m * v[a]).sum();
            assert!(p.abs() < 1e-9, "momentum {p} amu angstrom/ps along {a}");
        }
    }

    #[test]
    fn a_rebuilt_list_changes_nothing() {
        let si = StillingerWeber::SILICON;
        let (mut system, mut field) = start(boxes::silicon_crystal(2, 5.43), si, 2500.0, 0.2);
        let (mut want, mut plain) = (system.clone(), PlainField::new(si, system.atoms()));
        run(&mut system, &mut field, 0.001, 60);
        run(&mut want, &mut plain, 0.001, 60);
        let off = largest_difference(&system, &want);
        assert!(off < 1e-9, "{off} angstrom off the reference");
        let builds = field.list().builds();
        assert!(builds > 3, "only {builds} builds");
    }
}
