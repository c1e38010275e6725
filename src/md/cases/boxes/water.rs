//! Boxes of water molecules that do not overlap.

use crate::input::gaussian;
use crate::md::potentials::water::{Molecule, topology};
use crate::md::system::{Cell, System, Vector, add_scaled, dot, norm, sub};

use super::sized::{grid, shape};

/// Volume of a molecule at 300 K and the density of water, 0.997 g/cm^3, in angstrom^3.
const VOLUME: f64 = 30.0;

/// Standard atomic masses of oxygen and hydrogen, amu.
const MASSES: [f64; 3] = [15.999, 1.008, 1.008];

/// Orientations tried for each molecule: the first is taken whose atoms keep this far away, in
/// angstrom, from those of other molecules, else the one whose atoms keep furthest away.
const TRIES: usize = 50;
const APART: f64 = 1.7;

/// `molecules` molecules at rest, at the density of water, with the charges and the shape of SPC/Fw.
///
/// Oxygens stand on a grid of nearly cubic meshes, each molecule turned at random and away from
/// those before it.
///
/// # Panics
///
/// Without molecules.
pub fn water(molecules: usize, seed: u64) -> System {
    assert!(molecules > 0, "no molecules");
    let counts = (molecules..).find_map(shape).expect("a power of two has a shape");
    let sites = counts.iter().product::<usize>();
    let mesh = (VOLUME * molecules as f64 / sites as f64).cbrt();
    let cell = Cell::orthorhombic(counts.map(|n| n as f64 * mesh)).expect("a positive mesh");
    // As many sites as molecules, evenly spread.
    let corners: Vec<_> = grid(counts).collect();
    let site = |m: usize| corners[m * sites / molecules].map(|c| (c + 0.5) * mesh);
    let turns = gaussian(seed, 4 * TRIES * molecules, 1.0);
    let mut positions: Vec<Vector> = Vec::new();
    for (m, turns) in turns.chunks_exact(4 * TRIES).enumerate() {
        let oxygen = site(m);
        let turned = turns.chunks_exact(4).map(|turn| {
            let molecule = at_rest().map(|x| {
                let mut x = rotated([turn[0], turn[1], turn[2], turn[3]], x);
                add_scaled(&mut x, 1.0, oxygen);
                x
            });
            (nearest(&cell, &positions, &molecule), molecule)
        });
        let mut best = (0.0, at_rest());
        for (apart, molecule) in turned {
            if apart > best.0 {
                best = (apart, molecule);
            }
            // The furthest of all would make neighbours point the same way.
            if apart > APART {
                break;
            }
        }
        positions.extend(best.1);
    }
    let of = |each: [f64; 3]| each.repeat(molecules);
    let mut system = System::new(cell, &["O", "H", "H"].repeat(molecules), of(MASSES), positions);
    system.charges = of(Molecule::SPC_FW.charges());
    system.topology = topology(molecules);
    system
}

/// Oxygen at the origin and two hydrogens.
fn at_rest() -> [Vector; 3] {
    let Molecule { length, angle, .. } = Molecule::SPC_FW;
    let (sin, cos) = (0.5 * angle).sin_cos();
    [[0.0; 3], [length * sin, length * cos, 0.0], [-length * sin, length * cos, 0.0]]
}

/// A vector turned by the quaternion along `q`: x + 2 (w v x x + v x (v x x)) over |q|^2.
fn rotated([w, a, b, c]: [f64; 4], x: Vector) -> Vector {
    let (v, square) = ([a, b, c], w * w + a * a + b * b + c * c);
    let cross = |x: Vector| {
        [v[1] * x[2] - v[2] * x[1], v[2] * x[0] - v[0] * x[2], v[0] * x[1] - v[1] * x[0]]
    };
    let once = cross(x);
    let mut out = x;
    add_scaled(&mut out, 2.0 * w / square, once);
    add_scaled(&mut out, 2.0 / square, cross(once));
    out
}

/// The shortest distance between atoms of `molecule` and others.
fn nearest(cell: &Cell, others: &[Vector], molecule: &[Vector; 3]) -> f64 {
    let squares = molecule.iter().flat_map(|&x| {
        others.iter().map(move |&y| {
            let d = cell.nearest(x, y);
            dot(d, d)
        })
    });
    squares.fold(f64::INFINITY, f64::min).sqrt()
}

/// The shortest distance between atoms of different molecules of a box of water, or of a molecule
/// and its own image, in angstrom.
pub fn closest(system: &System) -> f64 {
    let own = |i: usize| 3 * (i / 3)..3 * (i / 3) + 3;
    let bonds = crate::md::neighbours::bonds(&system.cell, &system.positions, 4.0);
    let apart = bonds.iter().enumerate().flat_map(|(i, bonds)| {
        bonds.iter().filter_map(move |b| {
            let inner = system.cell.nearest(system.positions[i], system.positions[b.atom]);
            let same = own(i).contains(&b.atom) && norm(sub(inner, b.d)) < 1e-6;
            (!same).then_some(b.r)
        })
    });
    apart.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn molecules_keep_their_shape_and_do_not_overlap() {
        for molecules in [1, 2, 7, 11, 64] {
            let water = water(molecules, 3);
            assert_eq!(water.len(), 3 * molecules, "atoms");
            assert!(closest(&water) > 1.4, "{molecules}: {} angstrom", closest(&water));
            assert!((water.cell.volume() / molecules as f64 - 30.0).abs() < 1e-9, "density");
            for atoms in water.positions.chunks(3) {
                let [a, b] = [sub(atoms[1], atoms[0]), sub(atoms[2], atoms[0])];
                let angle = (dot(a, b) / (norm(a) * norm(b))).acos().to_degrees();
                assert!((norm(a) - 1.012).abs() < 1e-12 && (angle - 113.24).abs() < 1e-9, "shape");
            }
            assert!(water.charges.iter().sum::<f64>().abs() < 1e-12, "neutral");
        }
    }

    #[test]
    fn molecules_look_in_all_directions() {
        let water = water(216, 4);
        for a in 0..3 {
            let along = |m: &[Vector]| m[1][a] + m[2][a] - 2.0 * m[0][a];
            let mean = water.positions.chunks(3).map(along).sum::<f64>() / 216.0;
            assert!(mean.abs() < 0.25, "{mean} angstrom along {a}");
        }
    }
}
