//! What potentials with angles have in common: the neighbours of one atom, and error bounds.
//!
//! A term depends on the lengths `r_j`, `r_k` of two bonds of an atom and on the cosine between them.
//! The cosine changes with the way to j by `(u_k - cos u_j) / r_j`, where u is a unit vector.
//! A product is off by what each factor is off, times the others.

use std::ops::{Add, Mul};

use super::Forces;
use super::errors::{Errors, Off, Size};
use crate::md::neighbours::NeighbourList;
use crate::md::system::{Vector, add_scaled, dot, sub};

/// A neighbour of an atom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    pub(super) atom: usize,
    pub(super) species: usize,
    /// The way to it, its length in angstrom, and its direction.
    pub(super) d: Vector,
    pub(super) r: f64,
    pub(super) u: Vector,
    /// Derivative of the energy by the way.
    pub(super) by: Vector,
}

/// Finds the images closer than `cutoff` to atom `i`; `images` are where the list places them.
pub(super) fn gather(
    i: usize,
    images: &[Vector],
    list: &NeighbourList,
    species: &[u32],
    cutoff: f64,
    into: &mut Vec<Near>,
) {
    into.clear();
    for &k in list.of(i) {
        let d = sub(images[k as usize], images[i]);
        let r2 = dot(d, d);
        if r2 < cutoff * cutoff {
            let (atom, r) = (list.atom(k), r2.sqrt());
            let (u, species) = (d.map(|d| d / r), species[atom] as usize);
            into.push(Near { atom, species, d, r, u, by: [0.0; 3] });
        }
    }
}

/// Adds the forces between atom `i` and its neighbours.
pub(super) fn scatter(i: usize, near: &[Near], out: &mut Forces) {
    for n in near {
        out.pull(i, n.atom, n.d, n.by.map(|by| -by));
    }
}

/// Derivatives of a term by the lengths of two bonds and by the cosine between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bend<T = f64> {
    pub(super) by_j: T,
    pub(super) by_k: T,
    pub(super) by_cos: T,
}

impl Bend {
    /// Derivatives by the two ways, whose directions are `u` and lengths `r`.
    #[inline]
    pub(super) fn by_ways(&self, cos: f64, u: [Vector; 2], r: [f64; 2]) -> [Vector; 2] {
        let along = |by: f64, own: usize| {
            let across = self.by_cos / r[own];
            let mut v = u[own].map(|u| (by - across * cos) * u);
            add_scaled(&mut v, across, u[1 - own]);
            v
        };
        [along(self.by_j, 0), along(self.by_k, 1)]
    }
}

/// Requires that each species is one of the first `count`.
pub(super) fn check_species(species: &[u32], count: usize) {
    let most = species.iter().max().map_or(0, |&s| s as usize);
    assert!(species.is_empty() || most < count, "species {most}, parameters for {count}");
}

impl Add for Off {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { size: self.size + other.size, off: self.off + other.off }
    }
}

impl Mul for Off {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let off = self.off * other.size + self.size * other.off;
        Self { size: self.size * other.size, off }
    }
}

impl Mul for Size {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            slope: self.slope * other.value + self.value * other.slope,
            curvature: self.curvature * other.value
                + 2.0 * self.slope * other.slope
                + self.value * other.curvature,
        }
    }
}

impl Size {
    /// Value and slope where the argument is off by `apart`.
    pub(super) fn off(&self, apart: f64) -> [Off; 2] {
        [
            Off { size: self.value, off: self.value_off(apart, f64::EPSILON) },
            Off { size: self.slope, off: self.slope_off(apart, f64::EPSILON) },
        ]
    }
}

impl Errors {
    /// How far the cosine between bonds of these lengths may be off: directions are off by
    /// 2 apart/r, and the product of two takes fewer than 10 roundings.
    pub(super) fn turn(&self, r: [f64; 2]) -> f64 {
        2.0 * self.apart * (1.0 / r[0] + 1.0 / r[1]) + 10.0 * f64::EPSILON
    }

    /// The forces of a term on atoms i, j and k, bonds of the lengths `r` leading from i.
    pub(super) fn bend(&mut self, [i, j, k]: [usize; 3], r: [f64; 2], bend: Bend<Off>) {
        let turn = self.turn(r);
        for (end, along, r) in [(j, bend.by_j, r[0]), (k, bend.by_k, r[1])] {
            let Off { size, off } = bend.by_cos;
            // The direction across a bond is off by what both directions and the cosine are.
            let across = Off { size: size / r, off: (off + size * 2.0 * turn) / r };
            self.pull([i, end], r, along + across);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::md::potentials::Potential;
    use crate::md::potentials::tests::difference;
    use crate::md::{Cell, Field, System, boxes};

    /// The energy of two atoms 2.2 angstrom apart, of the species and with the numbers given, among
    /// atoms of species 0 that are far away.
    pub(in crate::md::potentials) fn of_two(
        potential: &impl Potential,
        species: [usize; 2],
        at: [usize; 2],
    ) -> f64 {
        let place = |n: usize| 10.0 * n as f64;
        let mut x: Vec<_> = (0..5).map(|n| [place(n), 0.0, 0.0]).collect();
        let mut symbols = ["A"; 5];
        for (n, at) in at.into_iter().enumerate() {
            x[at] = [2.2 * n as f64, 15.0, 0.0];
            symbols[at] = ["A", "B"][species[n]];
        }
        let cell = Cell::orthorhombic([50.0, 30.0, 30.0]).unwrap();
        let mut five = System::new(cell, &symbols, vec![1.0; 5], x);
        five.species = symbols.iter().map(|symbol| u32::from(*symbol == "B")).collect();
        potential.reference(five.atoms()).energy
    }

    /// Requires of a potential with unlike halves of pairs that its forms agree, and that forces are
    /// derivatives.
    pub(in crate::md::potentials) fn assert_consistent(potential: &(impl Potential + Clone)) {
        let si = boxes::silicon_crystal(2, 4.6);
        let symbols: Vec<_> = (0..64).map(|n| if n * 7 % 3 == 1 { "B" } else { "A" }).collect();
        let mut mixed = System::new(si.cell, &symbols, si.masses, si.positions);
        boxes::rattle(&mut mixed, 5, 0.1);
        let (want, bound) = (potential.reference(mixed.atoms()), potential.bound(mixed.atoms()));
        let field = Field::new(potential.clone(), &mixed, 0.3).unwrap();
        let got = field.forces();
        assert!((got.energy - want.energy).abs() <= bound.energy, "{} eV", got.energy);
        for ((g, w), b) in got.forces.iter().zip(&want.forces).zip(&bound.forces) {
            assert!((0..3).all(|a| (g[a] - w[a]).abs() <= b[a]), "{g:?}, expected {w:?}");
        }
        for (atom, a) in [(0, 0), (13, 1), (40, 2)] {
            let slope = difference(1e-4, |h| {
                let mut moved = mixed.clone();
                moved.positions[atom][a] += h;
                potential.reference(moved.atoms()).energy
            });
            let force = want.forces[atom][a];
            assert!((force + slope).abs() < 1e-6, "{force} on atom {atom}, not {}", -slope);
        }
    }
}
