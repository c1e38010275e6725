//! Tests of how well velocity Verlet conserves energy.

use super::run;
use crate::md::boxes::{self, Substance};
use crate::md::potentials::{Mixed, Potential, Truncation};
use crate::md::system::System;
use crate::md::{
    BOLTZMANN, EmbeddedAtom, Field, FinnisSinclair, Langevin, LennardJones, StillingerWeber,
    SuttonChen,
};

/// The total energy after each of `steps` steps, in eV.
fn energies<P: Potential>(start: &System, potential: P, dt_ps: f64, steps: usize) -> Vec<f64> {
    let mut system = start.clone();
    let mut field = Field::new(potential, &system, 1.0).unwrap();
    let step = |_| {
        run(&mut system, &mut field, dt_ps, 1);
        system.kinetic_energy() + field.forces().energy
    };
    (0..steps).map(step).collect()
}

/// Slope of the straight line through the energies, per step, and their rms around it.
fn line(energies: &[f64]) -> [f64; 2] {
    let n = energies.len() as f64;
    let mean = energies.iter().sum::<f64>() / n;
    let at = |k: usize| k as f64 - 0.5 * (n - 1.0);
    let sum = |f: &dyn Fn(usize, f64) -> f64| -> f64 {
        energies.iter().enumerate().map(|(k, e)| f(k, e - mean)).sum()
    };
    let slope = sum(&|k, e| at(k) * e) / sum(&|k, _| at(k).powi(2));
    [slope, (sum(&|k, e| (e - slope * at(k)).powi(2)) / n).sqrt()]
}

/// Rms of the energy at twice the time step over that at one, after as much time.
fn ratio<P: Potential + Copy>(start: &System, potential: P, dt_ps: f64, steps: usize) -> f64 {
    let fine = line(&energies(start, potential, dt_ps, 2 * steps))[1];
    line(&energies(start, potential, 2.0 * dt_ps, steps))[1] / fine
}

#[test]
fn the_energy_error_scales_as_the_square_of_the_time_step() {
    let si = Substance::Silicon.prepare(64, 3, 300);
    let found = ratio(&si, StillingerWeber::SILICON, 0.001, 500);
    assert!((3.5..4.5).contains(&found), "silicon: {found}");
    let fe = Substance::Iron.prepare(54, 3, 300);
    let found = ratio(&fe, EmbeddedAtom(FinnisSinclair::IRON), 0.001, 500);
    assert!((3.5..4.5).contains(&found), "iron: {found}");
    let al = Substance::Aluminium.prepare(32, 3, 300);
    let found = ratio(&al, EmbeddedAtom(SuttonChen::ALUMINIUM), 0.001, 300);
    assert!((3.0..4.5).contains(&found), "aluminium: {found}");
    let water = Substance::Water.prepare(32, 3, 600);
    let found = ratio(&water, boxes::damped_water(), 0.000_25, 400);
    assert!((3.5..4.5).contains(&found), "water: {found}");
}

/// Its third derivative jumps at the cutoff, where many atoms are: the law is not so clean.
#[test]
fn force_shifted_argon_keeps_its_energy() {
    let argon = LennardJones::argon(Truncation::ForceShifted);
    let start = Substance::Argon.prepare(108, 3, 200);
    let [_, rms] = line(&energies(&start, argon, 0.005, 400));
    assert!(rms / 108.0 < 2e-6, "{rms:e} eV");
}

/// What the rounding of pairs to `f32` adds is less than the error of the time step.
#[test]
fn mixed_precision_keeps_the_energy_as_well() {
    fn rms<P: Potential>(start: &System, potential: P, dt_ps: f64) -> f64 {
        line(&energies(start, potential, dt_ps, 300))[1]
    }
    let si = Substance::Silicon.prepare(64, 3, 300);
    let [wide, mixed] = [
        rms(&si, StillingerWeber::SILICON, 0.001),
        rms(&si, Mixed(StillingerWeber::SILICON), 0.001),
    ];
    assert!(mixed < 1.2 * wide, "silicon: {mixed:e} eV, {wide:e} in f64");
    let ar = Substance::Argon.prepare(108, 3, 200);
    let argon = LennardJones::argon(Truncation::ForceShifted);
    let [wide, mixed] = [rms(&ar, argon, 0.005), rms(&ar, Mixed(argon), 0.005)];
    assert!(mixed < 1.2 * wide, "argon: {mixed:e} eV, {wide:e} in f64");
}

/// Drift of the energy of `atoms` atoms at `kelvin`, in kT per atom and ns.
fn drift(energies: &[f64], dt_ps: f64, atoms: usize, kelvin: f64) -> f64 {
    let [slope, _] = line(energies);
    slope / dt_ps * 1000.0 / (atoms as f64 * BOLTZMANN * kelvin)
}

/// 50 ps leave an error of 2e-3 in the slope, since the energy oscillates by 2e-5 eV per atom.
#[test]
fn the_energy_does_not_drift_but_where_friction_takes_it() {
    let si = Substance::Silicon.prepare(64, 4, 500);
    let found = drift(&energies(&si, StillingerWeber::SILICON, 0.002, 25_000), 0.002, 64, 300.0);
    assert!(found.abs() < 0.01, "{found} kT/atom/ns");
    // A friction g takes 3 g kT: 0.06 kT per atom and ns.
    let bath = Langevin { kelvin: 0.0, friction_per_ps: 2e-5, seed: 1 };
    let (mut slowed, mut field) =
        (si.clone(), Field::new(StillingerWeber::SILICON, &si, 1.0).unwrap());
    let step = |k| {
        bath.run(&mut slowed, &mut field, 0.002, k..k + 1);
        slowed.kinetic_energy() + field.forces().energy
    };
    let found = drift(&(0..10_000).map(step).collect::<Vec<_>>(), 0.002, 64, 300.0);
    assert!((-0.1..-0.02).contains(&found), "{found} kT/atom/ns");
}

/// `cargo test --release -- --ignored --nocapture silicon_does_not_drift` takes a minute.
#[test]
#[ignore = "50,000 steps"]
fn silicon_does_not_drift() {
    let si = crate::md::fixtures::silicon_512();
    let energies = energies(&si, StillingerWeber::SILICON, 0.001, 50_000);
    let found = drift(&energies, 0.001, si.len(), si.temperature());
    println!("512 atoms of silicon over 50 ps at 1 fs: {found:.5} kT/atom/ns");
    assert!(found.abs() < 0.01, "{found} kT/atom/ns");
}
