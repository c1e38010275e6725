//! The reference of a neighbour list: all pairs of all images, in a double loop over the atoms.

use super::{product, whole};
use crate::md::system::{Cell, Vector, add_scaled, norm, sub};

/// An image of `atom` near another atom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bond {
    /// Whose image.
    pub atom: usize,
    /// How many cells away, along each lattice vector.
    pub offset: [i32; 3],
    /// From the atom to the image, in angstrom.
    pub d: Vector,
    /// Length of `d`.
    pub r: f64,
}

/// The reference: for each atom all images of all atoms closer than `cutoff`, but not itself.
///
/// Its cost is quadratic in the number of atoms.
pub fn bonds(cell: &Cell, positions: &[Vector], cutoff: f64) -> Vec<Vec<Bond>> {
    let reach = cell.heights().map(|h| cutoff / h + 1e-9);
    let of = |i: usize| {
        let mut bonds = Vec::new();
        for (atom, &x) in positions.iter().enumerate() {
            let apart = sub(x, positions[i]);
            let s = cell.fractional(apart);
            let range =
                |a: usize| whole((-reach[a] - s[a]).ceil())..=whole((reach[a] - s[a]).floor());
            for (x, y, z) in product(range(0), range(1), range(2)) {
                let offset = [x, y, z];
                let mut d = cell.cartesian(offset.map(f64::from));
                add_scaled(&mut d, 1.0, apart);
                let r = norm(d);
                if r < cutoff && (atom != i || offset != [0; 3]) {
                    bonds.push(Bond { atom, offset, d, r });
                }
            }
        }
        bonds
    };
    (0..positions.len()).map(of).collect()
}

/// How far the length of one pair may differ between [`bonds`] and a list, in angstrom.
///
/// Each component of a displacement takes 13 operations in a list (two lattice translations of
/// five, two positions moved, one difference) and 7 in [`bonds`], each off by at most eps/2 times
/// the largest coordinate in sight: 10 eps of it together, and sqrt(3) of that for the length.
pub fn displacement_error(cell: &Cell, positions: &[Vector], cutoff: f64) -> f64 {
    18.0 * place_error(cell, positions, cutoff)
}

/// The largest coordinate in sight times eps, in angstrom.
pub fn place_error(cell: &Cell, positions: &[Vector], cutoff: f64) -> f64 {
    let furthest = positions.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
    let rows = cell.rows();
    let widest = (0..3).map(|c| rows.iter().map(|a| a[c].abs()).sum()).fold(0.0, f64::max);
    let cells = cell.heights().iter().fold(0.0, |m: f64, h| m.max(cutoff / h));
    f64::EPSILON * (furthest + (cells + 2.0) * widest)
}
