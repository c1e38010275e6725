//! Each path against the reference: instruction sets, lists as they age, and odd boxes.

use proptest::prelude::*;

use super::water::Molecule;
use super::*;
use crate::md::{Cell, Field, System, boxes};

/// Requires every path to be within the bound, at the atoms given and at some moved a little.
fn assert_within<P: Paths + Copy>(name: &str, potential: P, system: &System, skin: f64) {
    for isa in Isa::available() {
        let mut system = system.clone();
        let path = On { potential, isa };
        let mut field = Field::new(path, &system, skin).unwrap();
        for moved in 0..3 {
            let atoms = system.atoms();
            let (want, bound) = (path.reference(atoms), path.bound(atoms));
            let got = field.forces();
            let name = format!("{name} on {}, {} atoms", isa.name(), system.len());
            let off = (got.energy - want.energy).abs();
            assert!(off <= bound.energy, "{name}: energy off by {off:e}, bound {:e}", bound.energy);
            let all = |of: &Forces| [&of.forces[..], &of.virial].concat();
            for (k, ((g, w), b)) in all(got).iter().zip(all(&want)).zip(all(&bound)).enumerate() {
                for a in 0..3 {
                    let off = (g[a] - w[a]).abs();
                    assert!(off <= b[a], "{name}: row {k} is off by {off:e}, bound {:e}", b[a]);
                }
            }
            // Less than half the skin, or the next build were dangerous.
            boxes::rattle(&mut system, moved, 0.08 * skin);
            field.update(system.atoms());
        }
    }
}

fn rattled(mut system: System, seed: u64, sigma: f64) -> System {
    boxes::rattle(&mut system, seed, sigma);
    system
}

/// The system in a cell that is sheared.
fn tilted(mut system: System) -> System {
    let edge = system.cell.heights()[0];
    let rows = [[edge, 0.3, -0.2], [0.2 * edge, edge, 0.1], [-1.0, 0.3 * edge, edge]];
    let cell = Cell::new(rows).unwrap();
    for x in &mut system.positions {
        *x = cell.cartesian(system.cell.fractional(*x));
    }
    system.cell = cell;
    system
}

/// The first atoms alone, so that a cluster has empty places.
fn some(mut system: System, atoms: usize) -> System {
    let atoms = atoms.min(system.len());
    system.positions.truncate(atoms);
    System::new(system.cell, &vec!["X"; atoms], vec![1.0; atoms], system.positions)
}

fn assert_all<P: Paths + Copy>(
    name: &str,
    potential: P,
    crystal: impl Fn(usize, f64) -> System,
    lattice: f64,
) {
    let large = if potential.cutoff() < 2.0 * lattice { 2 } else { 3 };
    assert_within(name, potential, &rattled(crystal(1, lattice), 1, 0.05 * lattice), 0.6);
    assert_within(name, potential, &rattled(crystal(large, lattice), 2, 0.02 * lattice), 1.0);
    assert_within(name, potential, &rattled(crystal(2, 0.85 * lattice), 3, 0.01), 0.4);
    assert_within(name, potential, &rattled(tilted(crystal(2, lattice)), 4, 0.1), 1.5);
    for atoms in 1..=3 {
        assert_within(name, potential, &some(crystal(1, lattice), atoms), 0.3);
    }
    assert_within(name, potential, &some(rattled(crystal(2, lattice), 5, 0.1), 29), 0.3);
    assert_within(name, potential, &some(crystal(1, lattice), 0), 0.3);
}

#[test]
fn every_path_of_silicon_is_within_its_bound() {
    assert_all("silicon", StillingerWeber::SILICON, boxes::silicon_crystal, 5.431);
}

#[test]
fn every_path_of_argon_is_within_its_bound() {
    for truncation in [Truncation::Cut, Truncation::EnergyShifted, Truncation::ForceShifted] {
        let name = format!("argon, {truncation:?}");
        assert_all(&name, LennardJones::argon(truncation), boxes::argon_crystal, 5.3);
    }
}

#[test]
fn every_path_of_argon_in_mixed_precision_is_within_its_bound() {
    let argon = Mixed(LennardJones::argon(Truncation::ForceShifted));
    assert_all("argon, mixed", argon, boxes::argon_crystal, 5.3);
    let solid = crate::md::fixtures::argon_256();
    assert_within("solid argon, mixed", argon, &solid, 2.0);
    let bound = argon.bound(solid.atoms()).forces;
    let most = bound.as_flattened().iter().fold(0.0, |m: f64, b| m.max(*b));
    assert!(most < 3e-4, "the bound of forces, {most:e} eV/angstrom, is not tight");
}

#[test]
fn every_path_of_silicon_in_mixed_precision_is_within_its_bound() {
    let silicon = Mixed(StillingerWeber::SILICON);
    assert_all("silicon, mixed", silicon, boxes::silicon_crystal, 5.431);
    let solid = crate::md::fixtures::silicon_512();
    assert_within("warm silicon, mixed", silicon, &solid, 1.0);
    let bound = silicon.bound(solid.atoms()).forces;
    let most = bound.as_flattened().iter().fold(0.0, |m: f64, b| m.max(*b));
    // All roundings at their worst; found is less than a hundredth.
    assert!(most < 6e-2, "the bound of forces is {most:e} eV/angstrom");
    let (got, want) = (Field::new(silicon, &solid, 1.0).unwrap(), silicon.reference(solid.atoms()));
    let pairs = got.forces().forces.iter().flatten().zip(want.forces.iter().flatten());
    let off = pairs.map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
    assert!((1e-7..6e-4).contains(&off), "forces are off by {off:e} eV/angstrom");
}

/// Each pair pulls both its atoms by the same number, and sums in `f64` add less than 1e-13 to it.
#[test]
fn forces_on_silicon_in_mixed_precision_cancel_as_in_f64() {
    let solid = crate::md::fixtures::silicon_512();
    for isa in Isa::available() {
        let silicon = On { potential: Mixed(StillingerWeber::SILICON), isa };
        let field = Field::new(silicon, &solid, 1.0).unwrap();
        for a in 0..3 {
            let net: f64 = field.forces().forces.iter().map(|f| f[a]).sum();
            assert!(net.abs() < 1e-11, "{net:e} eV/angstrom along {a} on {}", isa.name());
        }
    }
}

#[test]
fn every_path_of_aluminium_is_within_its_bound() {
    let aluminium = EmbeddedAtom(SuttonChen::ALUMINIUM);
    assert_all("aluminium", aluminium, boxes::aluminium_crystal, 4.05);
}

#[test]
fn every_path_of_iron_is_within_its_bound() {
    assert_all("iron", EmbeddedAtom(FinnisSinclair::IRON), boxes::iron_crystal, 2.87);
}

/// Atoms of which a neighbour is as good as out of reach: the root of a density that goes to zero is
/// steep, and a pair may count for one form only.
#[test]
fn every_path_of_metals_is_within_its_bound_where_a_density_vanishes() {
    fn check<L: eam::Law>(name: &str, law: L, near: f64) {
        let (potential, cutoff) = (EmbeddedAtom(law), law.cutoff());
        let cell = Cell::orthorhombic([40.0; 3]).unwrap();
        // Along a line whose distances round.
        let at = |r: f64| [3.1 + r * 2.0 / 7.0, 2.7 + r * 3.0 / 7.0, 1.3 + r * 6.0 / 7.0];
        let mut gaps: Vec<f64> = (-40..40).map(|k| 1e-16 * f64::from(k)).collect();
        gaps.extend((1..14).flat_map(|k| [1.0, -1.0].map(|sign| sign * 0.1_f64.powi(k))));
        for gap in gaps {
            let r = cutoff - gap;
            for places in [vec![0.0, r], vec![0.0, r, r + near], vec![0.0, r, 2.0 * r]] {
                let x: Vec<Vector> = places.iter().map(|&r| at(r)).collect();
                let n = x.len();
                let system = System::new(cell, &vec!["X"; n], vec![1.0; n], x);
                assert_within(&format!("{name}, {gap:e} within reach"), potential, &system, 0.0);
                let bound = potential.bound(system.atoms());
                let most = bound.forces.as_flattened().iter().fold(0.0, |m: f64, b| m.max(*b));
                assert!(most.is_finite(), "{name}: no bound at {gap:e}");
                let tight = if gap < 1e-3 { f64::INFINITY } else { 1e-8 };
                assert!(most < tight, "{name}: the bound {most:e} at {gap:e} is not tight");
            }
        }
    }
    check("aluminium", SuttonChen::ALUMINIUM, 2.8);
    check("iron", FinnisSinclair::IRON, 2.5);
}

/// Boxes of water: smaller than the cutoff, dense, hot, sheared, and of one molecule.
fn assert_all_of_water<P: Paths + Copy>(name: &str, water: P) {
    let dense = |mut system: System| {
        let cell = Cell::new(system.cell.rows().map(|row| row.map(|x| 0.9 * x))).unwrap();
        system.positions.iter_mut().flatten().for_each(|x| *x *= 0.9);
        system.cell = cell;
        system
    };
    assert_within(name, water, &rattled(boxes::water(1, 1), 1, 0.02), 0.6);
    assert_within(name, water, &rattled(boxes::water(11, 2), 2, 0.03), 1.0);
    assert_within(name, water, &dense(boxes::water(64, 3)), 0.4);
    assert_within(name, water, &rattled(boxes::water(27, 4), 4, 0.12), 0.5);
    assert_within(name, water, &tilted(rattled(boxes::water(54, 5), 5, 0.03)), 1.5);
}

#[test]
fn every_path_of_water_is_within_its_bound() {
    for electrostatics in [
        Electrostatics::DampedShifted { alpha: 0.2 },
        Electrostatics::ReactionField { dielectric: 78.3 },
    ] {
        let water = Water::new(Molecule::SPC_FW, electrostatics, 9.0);
        let name = format!("water, {electrostatics:?}");
        assert_all_of_water(&name, water);
        assert_all_of_water(&format!("{name}, mixed"), Mixed(water));
    }
}

/// As many terms as there may be, and beyond: nothing is left of the charges before the cutoff.
#[test]
fn every_path_of_strongly_damped_water_is_within_its_bound() {
    for alpha in [0.3, 0.66, 1.5] {
        let damped = Electrostatics::DampedShifted { alpha };
        let (water, name) = (Water::new(Molecule::SPC_FW, damped, 8.0), format!("{damped:?}"));
        let system = rattled(boxes::water(20, 6), 6, 0.03);
        assert_within(&name, water, &system, 0.6);
        assert_within(&format!("{name}, mixed"), Mixed(water), &system, 0.6);
    }
}

#[test]
fn every_path_of_ewald_water_is_within_its_bound() {
    let ewald = Electrostatics::Ewald { alpha: 0.9, longest: 9.0 };
    let water = Water::new(Molecule::SPC_FW, ewald, 5.5);
    assert_within("water by Ewald", water, &rattled(boxes::water(8, 7), 7, 0.03), 0.6);
}

#[test]
fn forces_of_liquid_water_in_mixed_precision_are_close() {
    let water = Mixed(boxes::damped_water());
    let liquid = crate::md::fixtures::water_192();
    assert_within("liquid water, mixed", water, &liquid, 1.0);
    let largest = |of: Vec<Vector>| of.as_flattened().iter().fold(0.0, |m: f64, f| m.max(f.abs()));
    let most = largest(water.bound(liquid.atoms()).forces);
    assert!(most < 1e-2, "the bound of forces, {most:e} eV/angstrom, is not tight");
    let (want, got) = (water.reference(liquid.atoms()), Field::new(water, &liquid, 1.0).unwrap());
    let pairs = got.forces().forces.iter().zip(&want.forces);
    let off = largest(pairs.map(|(got, want)| std::array::from_fn(|a| got[a] - want[a])).collect());
    assert!(off < 5e-5, "forces are off by {off:e} eV/angstrom");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Atoms of a crystal, some of them left out, in a cell of any shape.
    #[test]
    fn every_path_is_within_its_bound_in_any_cell(
        seed in any::<u64>(),
        sigma in 0.0..0.15,
        left in 1_usize..=32,
        shear in prop::array::uniform3(-0.3..0.3),
        skin in 0.0..2.0,
    ) {
        let sheared = |mut system: System| {
            let [[a, ..], [_, b, _], [_, _, c]] = system.cell.rows();
            let rows = [[a, 0.0, 0.0], [shear[0] * b, b, 0.0], [shear[1] * c, shear[2] * c, c]];
            let cell = Cell::new(rows).unwrap();
            for x in &mut system.positions {
                *x = cell.cartesian(system.cell.fractional(*x));
            }
            system.cell = cell;
            system
        };
        let turned = |system: System| sheared(some(rattled(system, seed, sigma), left));
        let argon = LennardJones::argon(Truncation::ForceShifted);
        let solid = turned(boxes::argon_crystal(2, 5.6));
        assert_within("argon", argon, &solid, skin);
        assert_within("argon, mixed", Mixed(argon), &solid, skin);
        let silicon = StillingerWeber::SILICON;
        let solid = turned(boxes::silicon_crystal(2, 5.6));
        assert_within("silicon", silicon, &solid, skin);
        assert_within("silicon, mixed", Mixed(silicon), &solid, skin);
        let aluminium = EmbeddedAtom(SuttonChen::ALUMINIUM);
        assert_within("aluminium", aluminium, &turned(boxes::aluminium_crystal(2, 4.2)), skin);
        let iron = EmbeddedAtom(FinnisSinclair::IRON);
        assert_within("iron", iron, &turned(boxes::iron_crystal(3, 2.9)), skin);
        let water = sheared(rattled(boxes::water(1 + left / 4, seed), seed, sigma));
        assert_within("water", boxes::damped_water(), &water, skin);
        assert_within("water in a field, mixed", Mixed(boxes::water_in_a_field()), &water, skin);
    }
}
