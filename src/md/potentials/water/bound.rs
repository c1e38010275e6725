//! How far the two forms of [`Water`] may be apart.
//!
//! The bound is that of `errors.rs`, with the sizes of V and of the terms of u that the fast form adds
//! up, which cancel more than those of the definition, and with what its polynomials are off. A pair of
//! one molecule is added and taken off again: both count. V, and in a field the slope of u, jump at the
//! cutoff, where a pair may count for one form only. Bonds and angles are computed by the same code
//! in both forms.

use super::smooth::Smooth;
use super::{Water, excluded, leads_to};
use crate::md::COULOMB;
use crate::md::lanes::Real;
use crate::md::neighbours::{bonds, place_error};
use crate::md::potentials::Forces;
use crate::md::potentials::errors::{Errors, Off, Size};
use crate::md::system::{Atoms, norm};

impl Water {
    fn oxygens_size(&self, r: f64) -> Size {
        let [c12, c6, shift] = self.dispersion;
        let (r12, r6) = (c12 / r.powi(12), c6 / r.powi(6));
        Size {
            value: r12 + r6 + shift.abs(),
            slope: (12.0 * r12 + 6.0 * r6) / r,
            curvature: (156.0 * r12 + 42.0 * r6) / (r * r),
        }
    }

    /// The size of a pair of two oxygens or not, which may be of one molecule, with charges of this
    /// product.
    fn pair_size(&self, r: f64, q: f64, oxygens: bool, excluded: bool) -> Size {
        let mut size = q.abs() * self.coulomb.size(r);
        if excluded {
            size = size + q.abs() * self.coulomb.correction_size(r);
        }
        if oxygens { size + self.oxygens_size(r) } else { size }
    }

    /// The bound of pairs that are computed in numbers of this type, by these polynomials.
    pub(super) fn bound_in<R: Real>(&self, atoms: Atoms<'_>, smooth: &Smooth) -> Forces {
        let Atoms { cell, species, positions, charges, .. } = atoms;
        let (n, eps) = (positions.len(), R::EPSILON);
        let narrow = eps > f64::EPSILON;
        // As in `lj/mod.rs`: in `f32` places are images in the cell, rounded.
        let placed = if narrow { &[] } else { positions };
        let places = place_error(cell, placed, self.cutoff) * (eps / f64::EPSILON);
        let apart = places * if narrow { 4.5 } else { 18.0 };
        let excluded = excluded(&atoms);
        let bonds = bonds(cell, positions, self.cutoff + apart);
        // A sum of n terms in `f64` is off by n eps/2 in either form, and the reference has twice the
        // terms. In `f32` only one form is off; it sums those of four rows before it goes on in `f64`.
        // Springs and waves are terms of the same sums.
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64 + 16.0;
        let total = bonds.iter().map(Vec::len).sum::<usize>() as f64 + 16.0;
        let (own, all) = if narrow { (0.5 * most, 2.0 * most) } else { (2.0 * most, total) };
        let mut errors = Errors { bound: Forces::zeros(n), eps, apart, places, all, own };
        for (i, bonds) in bonds.iter().enumerate() {
            for b in bonds {
                let q = COULOMB * charges[i] * charges[b.atom];
                let oxygens = (species[i], species[b.atom]) == (0, 0);
                let size = self.pair_size(b.r, q, oxygens, leads_to(b, &excluded[i]));
                let mut off = [size.value_off(apart, eps), size.slope_off(apart, eps)];
                off[0] += q.abs() * smooth.off[0];
                off[1] += q.abs() * smooth.off[1] * b.r;
                if (b.r - self.cutoff).abs() <= apart {
                    // It may count for one form only.
                    let (u, v) = (self.coulomb.reference(b.r), self.oxygens(b.r));
                    (0..2).for_each(|k| off[k] += q.abs() * u[k].abs() + v[k].abs());
                }
                errors.energy(Off { size: 0.5 * size.value, off: 0.5 * off[0] });
                let pull = Off { size: 0.5 * size.slope, off: 0.5 * off[1] };
                errors.pull([i, b.atom], b.r, pull);
            }
        }
        let mut bound = errors.bound;
        self.add_rest_off(atoms, 2.0 * most, total, &mut bound);
        bound
    }

    /// Adds how far what [`Water::add_rest`] adds may be off, to sums of `own` terms for an atom and
    /// `total` in all.
    fn add_rest_off(&self, atoms: Atoms<'_>, own: f64, total: f64, bound: &mut Forces) {
        let eps = f64::EPSILON;
        let mut rest = Forces::zeros(atoms.positions.len());
        self.add_rest(atoms, &mut Vec::new(), &mut rest);
        let square: f64 = atoms.charges.iter().map(|q| q * q).sum();
        bound.energy +=
            16.0 * eps * (rest.energy.abs() + COULOMB * self.coulomb.own().abs() * square);
        for (bound, rest) in bound.forces.iter_mut().zip(&rest.forces) {
            let size = norm(*rest);
            bound.iter_mut().for_each(|f| *f += own * eps * size);
        }
        let size = rest.virial.iter().flatten().fold(0.0, |m: f64, w| m.max(w.abs()));
        bound.virial.iter_mut().flatten().for_each(|w| *w += total * eps * size);
    }
}
