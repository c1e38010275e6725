//! Langevin dynamics, dv = (F/m - g v) dt + noise, in the splitting BAOAB.
//!
//! ```text
//! B  v += dt/2 F/m            A  x += dt/2 v
//! O  v = c v + sqrt((1 - c^2) k T / m) n,    c = exp(-g dt), n normal
//! A, and with new forces B
//! ```
//!
//! Of the splittings into these parts it has the smallest error in the distribution of positions.
//! The n are keyed by seed, step and atom (`noise.rs`), so a run can stop at any step and go on.
//!
//! Source: B. Leimkuhler, C. Matthews, "Rational construction of stochastic numerical methods for
//! molecular sampling", Appl. Math. Res. Express 2013, 34-56.

use std::ops::Range;

use super::noise::normal;
use super::{ForceSource, drift, kick};
use crate::md::system::{System, add_scaled};
use crate::md::{BOLTZMANN, MVV2E};

/// A bath that holds a temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Langevin {
    /// Temperature in K.
    pub kelvin: f64,
    /// Rate g at which a velocity is forgotten, 1/ps.
    pub friction_per_ps: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Langevin {
    /// Makes the steps with the given numbers, of `dt_ps` each.
    ///
    /// As [`run`](super::run) otherwise. Two runs, the second of which takes up the
    /// numbers where the first ends, have the bits of one.
    ///
    /// # Panics
    ///
    /// As [`run`](super::run).
    pub fn run(
        &self,
        system: &mut System,
        source: &mut impl ForceSource,
        dt_ps: f64,
        steps: Range<u64>,
    ) {
        let kept = (-self.friction_per_ps * dt_ps).exp();
        let drawn = (1.0 - kept * kept) * BOLTZMANN * self.kelvin / MVV2E;
        for step in steps {
            kick(system, source.forces(), 0.5 * dt_ps);
            drift(system, 0.5 * dt_ps);
            let velocities = system.velocities.iter_mut().zip(&system.masses);
            for (atom, (v, mass)) in (0..).zip(velocities) {
                let noise = normal(self.seed, step, atom);
                v.iter_mut().for_each(|v| *v *= kept);
                add_scaled(v, (drawn / mass).sqrt(), noise);
            }
            drift(system, 0.5 * dt_ps);
            source.update(system.atoms());
            kick(system, source.forces(), 0.5 * dt_ps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::{Field, StillingerWeber, boxes};

    const BATH: Langevin = Langevin { kelvin: 400.0, friction_per_ps: 40.0, seed: 5 };

    fn start() -> (System, Field<StillingerWeber>) {
        let mut si = boxes::silicon_crystal(2, 5.431);
        // Two species of mass.
        si.masses.iter_mut().step_by(2).for_each(|m| *m = 10.0);
        boxes::thermalise(&mut si, 1, 400.0);
        let field = Field::new(StillingerWeber::SILICON, &si, 1.0).unwrap();
        (si, field)
    }

    /// All three degrees of freedom of the centre are heated, too.
    #[test]
    fn both_kinds_of_mass_have_the_temperature_of_the_bath() {
        let (mut si, mut field) = start();
        BATH.run(&mut si, &mut field, 0.001, 0..500);
        let (mut squares, samples) = ([0.0; 2], 300);
        for sample in 0..samples {
            let from = 500 + 10 * sample;
            BATH.run(&mut si, &mut field, 0.001, from..from + 10);
            for (i, (v, m)) in si.velocities.iter().zip(&si.masses).enumerate() {
                squares[i % 2] += m * v.iter().map(|v| v * v).sum::<f64>();
            }
        }
        for square in squares {
            let kelvin = MVV2E * square / (96.0 * samples as f64 * BOLTZMANN);
            assert!((kelvin - 400.0).abs() < 12.0, "{kelvin} K");
        }
    }

    #[test]
    fn a_run_in_two_parts_has_the_bits_of_one() {
        let (mut whole, mut field) = start();
        let (mut parts, mut other) = (whole.clone(), field.clone());
        BATH.run(&mut whole, &mut field, 0.002, 0..50);
        BATH.run(&mut parts, &mut other, 0.002, 0..20);
        BATH.run(&mut parts, &mut other, 0.002, 20..50);
        assert_eq!(parts, whole, "20 and 30 steps");
        // From positions and velocities alone, if the list is renewed at that step.
        let mut resumed = Field::new(StillingerWeber::SILICON, &whole, 1.0).unwrap();
        field.renew(&whole).unwrap();
        let mut again = whole.clone();
        BATH.run(&mut whole, &mut field, 0.002, 50..80);
        BATH.run(&mut again, &mut resumed, 0.002, 50..80);
        assert_eq!(again, whole, "from a state that was saved");
        let seed = Langevin { seed: 6, ..BATH };
        seed.run(&mut again, &mut resumed, 0.002, 80..81);
        BATH.run(&mut whole, &mut field, 0.002, 80..81);
        assert_ne!(again, whole, "another seed");
    }

    #[test]
    fn without_friction_it_is_velocity_verlet() {
        let (mut si, mut field) = start();
        let (mut free, mut other) = (si.clone(), field.clone());
        Langevin { friction_per_ps: 0.0, ..BATH }.run(&mut si, &mut field, 0.001, 0..20);
        super::super::run(&mut free, &mut other, 0.001, 20);
        for (x, y) in si.positions.iter().flatten().zip(free.positions.iter().flatten()) {
            assert!((x - y).abs() < 1e-12, "{x}, {y}");
        }
    }
}
