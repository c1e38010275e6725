//! Properties of every potential, in both forms.

mod anchors;
mod compounds;

use super::*;
use crate::md::potentials::water::Molecule;
use crate::md::system::{dot, times};
use crate::md::{Cell, Field, NeighbourList, System, Topology, boxes};

/// A potential of any type.
trait Any {
    /// The fast form, twice with the same buffers.
    fn fast(&self, system: &System) -> [Forces; 2];
    fn reference(&self, atoms: Atoms<'_>) -> Forces;
    fn bound(&self, atoms: Atoms<'_>) -> Forces;
}

impl<P: Potential + Clone> Any for P {
    fn fast(&self, system: &System) -> [Forces; 2] {
        let mut field = Field::new(self.clone(), system, 0.7).unwrap();
        let first = field.forces().clone();
        let room = field.forces().forces.as_ptr();
        field.compute(system.atoms());
        assert_eq!(field.forces().forces.as_ptr(), room, "the buffer moved");
        [first, field.forces().clone()]
    }

    fn reference(&self, atoms: Atoms<'_>) -> Forces {
        Potential::reference(self, atoms)
    }

    fn bound(&self, atoms: Atoms<'_>) -> Forces {
        Potential::bound(self, atoms)
    }
}

/// Potentials with a box: crystals with several images of each atom in reach, and larger ones.
fn worlds() -> Vec<(&'static str, Box<dyn Any>, System)> {
    let argon = LennardJones::argon(Truncation::ForceShifted);
    let shifted = LennardJones::argon(Truncation::EnergyShifted);
    let si = StillingerWeber::SILICON;
    let rattled = |mut system: System, seed, sigma| {
        boxes::rattle(&mut system, seed, sigma);
        system
    };
    let tilted = |mut system: System, rows| {
        let cell = Cell::new(rows).unwrap();
        for x in &mut system.positions {
            *x = cell.cartesian(system.cell.fractional(*x));
        }
        system.cell = cell;
        system
    };
    // Primitive cells of the two crystals.
    let one = |edge: f64, atoms: usize, full: System| {
        let rows = [[0.0, edge, edge], [edge, 0.0, edge], [edge, edge, 0.0]];
        let symbols = vec!["X"; atoms];
        let positions = full.positions[..atoms].to_vec();
        System::new(Cell::new(rows).unwrap(), &symbols, vec![1.0; atoms], positions)
    };
    let aluminium = EmbeddedAtom(SuttonChen::ALUMINIUM);
    let iron = EmbeddedAtom(FinnisSinclair::IRON);
    let damped = boxes::damped_water();
    let water =
        |electrostatics, cutoff| Box::new(Water::new(Molecule::SPC_FW, electrostatics, cutoff));
    let field = Electrostatics::ReactionField { dielectric: 78.3 };
    let ewald = Electrostatics::Ewald { alpha: 0.9, longest: 11.5 };
    let tilt = [[10.9, 0.3, -0.2], [2.1, 10.6, 0.1], [-1.0, 3.0, 11.1]];
    let plain: Vec<(&str, Box<dyn Any>, System)> = vec![
        ("argon 1 cell", Box::new(argon), rattled(boxes::argon_crystal(1, 5.3), 1, 0.1)),
        ("argon primitive", Box::new(argon), one(2.65, 1, boxes::argon_crystal(1, 5.3))),
        ("argon 3 cells", Box::new(argon), rattled(boxes::argon_crystal(3, 5.3), 2, 0.2)),
        (
            "argon tilted",
            Box::new(argon),
            rattled(tilted(boxes::argon_crystal(2, 5.4), tilt), 3, 0.2),
        ),
        ("argon shifted", Box::new(shifted), rattled(boxes::argon_crystal(2, 5.3), 4, 0.1)),
        ("silicon 1 cell", Box::new(si), rattled(boxes::silicon_crystal(1, 5.4), 5, 0.1)),
        (
            "silicon primitive",
            Box::new(si),
            one(2.7, 2, rattled(boxes::silicon_crystal(1, 5.4), 6, 0.1)),
        ),
        ("silicon 2 cells", Box::new(si), rattled(boxes::silicon_crystal(2, 5.4), 7, 0.2)),
        ("silicon dense", Box::new(si), rattled(boxes::silicon_crystal(2, 4.7), 8, 0.1)),
        (
            "silicon tilted",
            Box::new(si),
            rattled(tilted(boxes::silicon_crystal(2, 5.4), tilt), 9, 0.2),
        ),
        (
            "aluminium 1 cell",
            Box::new(aluminium),
            rattled(boxes::aluminium_crystal(1, 4.05), 10, 0.1),
        ),
        (
            "aluminium primitive",
            Box::new(aluminium),
            one(2.0, 1, boxes::aluminium_crystal(1, 4.05)),
        ),
        (
            "aluminium 3 cells",
            Box::new(aluminium),
            rattled(boxes::aluminium_crystal(3, 3.9), 11, 0.2),
        ),
        ("iron 1 cell", Box::new(iron), rattled(boxes::iron_crystal(1, 2.87), 12, 0.1)),
        ("iron 4 cells", Box::new(iron), rattled(boxes::iron_crystal(4, 2.8), 13, 0.15)),
        (
            "iron tilted",
            Box::new(iron),
            rattled(tilted(boxes::iron_crystal(4, 2.87), tilt), 14, 0.1),
        ),
        ("water 1 molecule", Box::new(damped), rattled(boxes::water(1, 15), 15, 0.03)),
        ("water 11 molecules", Box::new(damped), rattled(boxes::water(11, 16), 16, 0.03)),
        ("water tilted", Box::new(damped), rattled(tilted(boxes::water(27, 17), tilt), 17, 0.03)),
        ("water in a field", water(field, 5.0), rattled(boxes::water(20, 18), 18, 0.03)),
        ("water by Ewald", water(ewald, 5.5), rattled(boxes::water(8, 19), 19, 0.03)),
    ];
    plain.into_iter().chain(compounds::worlds()).collect()
}

fn fast(potential: &dyn Any, system: &System) -> Forces {
    let [_, second] = potential.fast(system);
    second
}

/// The system in another cell, or with its atoms elsewhere.
fn with(system: &System, cell: Cell, positions: Vec<Vector>) -> System {
    System { cell, positions, ..system.clone() }
}

/// The system under a linear map.
fn mapped(system: &System, map: Matrix) -> System {
    let cell = Cell::new(system.cell.rows().map(|row| times(row, map))).unwrap();
    with(system, cell, system.positions.iter().map(|&x| times(x, map)).collect())
}

fn largest_difference(a: &[Vector], b: &[Vector]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Fourth-order central difference of `f` at 0, over steps of `h`.
pub(super) fn difference(h: f64, f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

/// The step is short, for some potentials have kinks in their second derivatives.
fn derivative(f: impl Fn(f64) -> f64) -> f64 {
    difference(1e-5, f)
}

#[test]
fn both_forms_agree_within_a_tight_bound() {
    for (name, potential, system) in worlds() {
        let want = potential.reference(system.atoms());
        let got = fast(&*potential, &system);
        let bound = potential.bound(system.atoms());
        assert!((got.energy - want.energy).abs() <= bound.energy, "{name}: energy");
        assert!(bound.energy < 1e-8 * system.len() as f64, "{name}: bound {:e}", bound.energy);
        for i in 0..system.len() {
            let off = largest_difference(&[got.forces[i]], &[want.forces[i]]);
            assert!(off <= bound.forces[i][0], "{name}: force {i} is off by {off:e}");
            assert!(bound.forces[i][0] < 3e-9, "{name}: bound {:e}", bound.forces[i][0]);
        }
        let off = largest_difference(&got.virial, &want.virial);
        assert!(off <= bound.virial[0][0], "{name}: the virial is off by {off:e}");
        assert!(bound.virial[0][0] < 1e-7 * system.len() as f64, "{name}: {:?}", bound.virial);
    }
}

#[test]
fn forces_are_derivatives_of_the_energy() {
    for (name, potential, system) in worlds() {
        let forces = fast(&*potential, &system).forces;
        for (i, a) in [(0, 0), (system.len() - 1, 1), (system.len() / 2, 2)] {
            let moved = |h: f64| {
                let mut x = system.positions.clone();
                x[i][a] += h;
                potential.reference(Atoms { positions: &x, ..system.atoms() }).energy
            };
            let want = -derivative(moved);
            // The force of an energy-shifted potential jumps at the cutoff.
            let tolerance = if name == "argon shifted" { 1e-3 } else { 1e-6 };
            assert!((forces[i][a] - want).abs() < tolerance, "{name}: {}, {want}", forces[i][a]);
        }
    }
}

#[test]
fn the_virial_is_the_derivative_by_strain() {
    for (name, potential, system) in worlds() {
        let got = fast(&*potential, &system).virial;
        for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)] {
            let strained = |h: f64| {
                let mut strain = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
                strain[a][b] += h;
                potential.reference(mapped(&system, strain).atoms()).energy
            };
            let (got, want) = (got[a][b], -derivative(strained));
            let tolerance = match name {
                // Their forces jump at the cutoff.
                "argon shifted" | "water in a field" => 1e-3,
                _ => 1e-6_f64.max(1e-7 * want.abs()),
            };
            assert!((got - want).abs() < tolerance, "{name}: W[{a}][{b}] {got}, {want}");
        }
    }
}

#[test]
fn forces_cancel_and_the_virial_is_symmetric() {
    for (name, potential, system) in worlds() {
        for out in [fast(&*potential, &system), potential.reference(system.atoms())] {
            for a in 0..3 {
                let net: f64 = out.forces.iter().map(|f| f[a]).sum();
                assert!(net.abs() < 1e-11, "{name}: net force {net:e} along {a}");
                for b in 0..a {
                    let odd = (out.virial[a][b] - out.virial[b][a]).abs();
                    assert!(odd < 1e-10, "{name}: the virial is asymmetric by {odd:e}");
                }
            }
        }
    }
}

#[test]
fn a_rotated_box_has_rotated_forces() {
    // A turn by the Pythagorean triple (3, 4, 5), then one by (5, 12, 13) about another axis.
    let turn = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]].map(|row| {
        times(
            row,
            [[1.0, 0.0, 0.0], [0.0, 5.0 / 13.0, 12.0 / 13.0], [0.0, -12.0 / 13.0, 5.0 / 13.0]],
        )
    });
    for (name, potential, system) in worlds() {
        let want = fast(&*potential, &system);
        let got = fast(&*potential, &mapped(&system, turn));
        let turned: Vec<_> = want.forces.iter().map(|&f| times(f, turn)).collect();
        assert!((got.energy - want.energy).abs() < 1e-9, "{name}: energy");
        let off = largest_difference(&got.forces, &turned);
        assert!(off < 1e-10, "{name}: off by {off:e}");
    }
}

/// Atoms in reverse, or molecules of three.
fn reversed(system: &System) -> Vec<usize> {
    let unit = if system.topology.bonds.is_empty() { 1 } else { 3 };
    (0..system.len() / unit).rev().flat_map(|m| m * unit..(m + 1) * unit).collect()
}

#[test]
fn renumbered_translated_and_wrapped_atoms_feel_the_same() {
    for (name, potential, system) in worlds() {
        let want = fast(&*potential, &system);
        let (n, order) = (system.len(), reversed(&system));
        let moved = |k: usize| {
            // Shifted, and by whole cells that differ from atom to atom.
            let mut x = system.positions[order[k]];
            add_scaled(&mut x, 1.0, [0.7, -1.3, 2.9]);
            let cells = [(k % 3) as f64 - 1.0, 0.0, 2.0 - (k % 5) as f64];
            add_scaled(&mut x, 1.0, system.cell.cartesian(cells));
            x
        };
        // Molecules are alike: charges and bonds stay.
        let mut moved = with(&system, system.cell, (0..n).map(moved).collect());
        moved.species = order.iter().map(|&k| system.species[k]).collect();
        for got in [fast(&*potential, &moved), potential.reference(moved.atoms())] {
            assert!((got.energy - want.energy).abs() < 1e-9, "{name}: energy");
            let want: Vec<_> = order.iter().map(|&k| want.forces[k]).collect();
            let off = largest_difference(&got.forces, &want);
            assert!(off < 1e-10, "{name}: off by {off:e}");
        }
    }
}

#[test]
fn a_repeated_box_has_as_much_energy_per_atom() {
    for (name, potential, system) in worlds() {
        let want = fast(&*potential, &system);
        let [a, b, c] = system.cell.rows();
        let cell = Cell::new([a.map(|x| 2.0 * x), b, c.map(|x| 3.0 * x)]).unwrap();
        let mut all = System { cell, ..system.clone() };
        for k in 1..6_u8 {
            let cells = [f64::from(k % 2), 0.0, f64::from(k / 2)];
            all.positions.extend(system.positions.iter().map(|&p| {
                let mut p = p;
                add_scaled(&mut p, 1.0, system.cell.cartesian(cells));
                p
            }));
            all.species.extend(&system.species);
            all.charges.extend(&system.charges);
            let first = u32::try_from(usize::from(k) * system.len()).unwrap();
            let Topology { bonds, angles } = &system.topology;
            all.topology.bonds.extend(bonds.iter().map(|atoms| atoms.map(|i| first + i)));
            all.topology.angles.extend(angles.iter().map(|atoms| atoms.map(|i| first + i)));
        }
        let got = fast(&*potential, &all);
        assert!((got.energy - 6.0 * want.energy).abs() < 1e-9, "{name}: energy");
        for copy in got.forces.chunks(system.len()) {
            let off = largest_difference(copy, &want.forces);
            assert!(off < 1e-10, "{name}: off by {off:e}");
        }
    }
}

#[test]
fn the_same_buffers_serve_again() {
    for (name, potential, system) in worlds() {
        let [first, second] = potential.fast(&system);
        assert_eq!((first.energy, first.virial), (second.energy, second.virial), "{name}");
        assert_eq!(first.forces, second.forces, "{name}");
    }
}

#[test]
fn stress_is_minus_virial_over_volume() {
    let out = Forces {
        virial: [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, -6.0]],
        ..Forces::default()
    };
    let stress = out.stress(2.0);
    assert_eq!([stress[0][0], stress[1][1], stress[2][2]], [-1.0, -2.0, 3.0], "stress");
    assert_eq!(dot(stress[0], stress[1]), 0.0, "off the diagonal");
}

#[test]
#[should_panic(expected = "list cutoff 3 under 3.77")]
fn a_list_with_too_short_a_cutoff_is_refused() {
    let si = boxes::silicon_crystal(1, 5.4);
    let list = NeighbourList::new(&si.cell, &si.positions, 3.0, 0.0).unwrap();
    let (mut scratch, mut out) = Default::default();
    StillingerWeber::SILICON.compute(si.atoms(), &list, &mut scratch, &mut out);
}
