//! Cohesive energies, lattice constants and elastic constants of the crystals.

use super::{Any, mapped};
use crate::md::potentials::{
    EmbeddedAtom, FinnisSinclair, LennardJones, StillingerWeber, SuttonChen, Truncation,
};
use crate::md::system::{Matrix, System};
use crate::md::{Atoms, boxes};

fn energy(potential: &dyn Any, system: &System) -> f64 {
    potential.reference(system.atoms()).energy
}

/// Energy per atom, and the lattice constant at which it is least.
fn equilibrium(potential: &dyn Any, crystal: impl Fn(f64) -> System, near: f64) -> [f64; 2] {
    let each = |a: f64| {
        let crystal = crystal(a);
        energy(potential, &crystal) / crystal.len() as f64
    };
    let (mut a, h) = (near, 2e-3);
    for _ in 0..6 {
        // Newton's method for the slope.
        let [low, at, high] = [a - h, a, a + h].map(each);
        a -= 0.5 * h * (high - low) / (high - 2.0 * at + low);
    }
    [each(a), a]
}

#[test]
fn crystals_have_their_known_energies_and_lattice_constants() {
    let iron = EmbeddedAtom(FinnisSinclair::IRON);
    let [energy, a] = equilibrium(&iron, |a| boxes::iron_crystal(2, a), 2.87);
    assert!((energy + 4.28).abs() < 5e-6, "iron: {energy} eV");
    assert!((a - 2.866_50).abs() < 1e-5, "iron: {a} angstrom");
    let aluminium = EmbeddedAtom(SuttonChen::ALUMINIUM);
    let [_, a] = equilibrium(&aluminium, |a| boxes::aluminium_crystal(1, a), 4.05);
    assert!((a - 4.051_33).abs() < 1e-4, "aluminium: {a} angstrom");
    let crystal = boxes::aluminium_crystal(1, 4.05);
    let energy = self::energy(&aluminium, &crystal) / 4.0;
    assert!((energy + 3.279_27).abs() < 1e-5, "aluminium: {energy} eV");
    let far = LennardJones::new(1.0, 3.405, 30.0, Truncation::Cut);
    let energy = self::energy(&far, &boxes::argon_crystal(1, 5.2503)) / 4.0;
    assert!((energy + 8.5967).abs() < 1e-4, "argon, cut at 30 angstrom: {energy} epsilon");
    let argon = LennardJones::argon(Truncation::EnergyShifted);
    let [_, a] = equilibrium(&argon, |a| boxes::argon_crystal(1, a), 5.27);
    assert!((a - 5.276_40).abs() < 1e-4, "argon: {a} angstrom");
}

/// The cutoff is ours: with the powers switched off far out, the sums are nearly the infinite ones.
#[test]
fn aluminium_with_a_long_cutoff_has_the_published_energy() {
    let far = SuttonChen { on: 20.0, cutoff: 24.0, ..SuttonChen::ALUMINIUM };
    let crystal = boxes::aluminium_crystal(1, 4.05);
    let energy = energy(&EmbeddedAtom(far), &crystal) / 4.0;
    assert!((energy + 3.340_21).abs() < 3e-3, "{energy} eV");
}

/// C11, C12 and C44, the last with the atoms held in the strained cell, in gigapascal.
fn elastic(potential: &dyn Any, crystal: &System) -> [f64; 3] {
    let second = |strain: &dyn Fn(f64) -> Matrix| {
        let energy = |h: f64| energy(potential, &mapped(crystal, strain(h)));
        let h = 1e-3;
        (energy(h) - 2.0 * energy(0.0) + energy(-h)) / (h * h * crystal.cell.volume()) * 160.217_663
    };
    let c11 = second(&|h| [[1.0 + h, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let both = second(&|h| [[1.0 + h, 0.0, 0.0], [0.0, 1.0 + h, 0.0], [0.0, 0.0, 1.0]]);
    let c44 = second(&|h| [[1.0, h / 2.0, 0.0], [h / 2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    [c11, both / 2.0 - c11, c44]
}

#[test]
fn crystals_have_their_known_elastic_constants() {
    let silicon = elastic(&StillingerWeber::SILICON, &boxes::silicon_crystal(1, 5.430_949_8));
    let iron = elastic(&EmbeddedAtom(FinnisSinclair::IRON), &boxes::iron_crystal(2, 2.866_5));
    // Not at the lattice constant of this cutoff but at the published one.
    let aluminium =
        elastic(&EmbeddedAtom(SuttonChen::ALUMINIUM), &boxes::aluminium_crystal(1, 4.05));
    for (found, known) in [
        (silicon, [151.42, 76.42, 109.76]),
        (iron, [243.1, 138.1, 121.9]),
        (aluminium, [81.6, 71.1, 14.9]),
    ] {
        for (found, known) in found.into_iter().zip(known) {
            assert!((found - known).abs() < 0.15, "{found} GPa, expected {known}");
        }
    }
}

/// In the sheared crystal the two atoms of a cell move against each other until no force is left.
#[test]
fn sheared_silicon_relaxes_to_its_known_stiffness() {
    let silicon = boxes::silicon_crystal(1, 5.430_949_8);
    let relaxed = |h: f64| {
        let mut sheared =
            mapped(&silicon, [[1.0, h / 2.0, 0.0], [h / 2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        let forces = |positions: &[_]| {
            Any::reference(&StillingerWeber::SILICON, Atoms { positions, ..sheared.atoms() }).forces
        };
        // Atoms of the second kind move along z; the force is linear in that.
        let moved = |z: f64| {
            let mut x = sheared.positions.clone();
            x.iter_mut().skip(1).step_by(2).for_each(|x| x[2] += z);
            x
        };
        let pull = |z: f64| forces(&moved(z))[1][2];
        let z = 1e-3 * pull(0.0) / (pull(0.0) - pull(1e-3));
        sheared.positions = moved(z);
        energy(&StillingerWeber::SILICON, &sheared)
    };
    let h = 1e-3;
    let c44 = (relaxed(h) - 2.0 * relaxed(0.0) + relaxed(-h)) / (h * h * silicon.cell.volume());
    assert!((c44 * 160.217_663 - 56.45).abs() < 0.1, "{} GPa", c44 * 160.217_663);
}
