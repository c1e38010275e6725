//! Metals whose energy is a sum over pairs and the roots of densities.
//!
//! ```text
//! E = 1/2 sum over i, j of V(r_ij) - A sum over i of sqrt(rho_i),    rho_i = sum over j of phi(r_ij)
//! ```
//!
//! where a density that is not positive has the root 0. A bond of atom i thus pulls with
//! V'/2 + F'(i) phi', F'(i) = -A / (2 sqrt(rho)), and again with the other end's F'.
//!
//! Bound: with the sizes of V and phi as `errors.rs` has them, a density is off by
//! R = sum of what phi is off, its root by R / (2 sqrt(rho)), and F' by A R / (4 rho^(3/2)), each up to
//! the factor rho / (rho - R). Where |rho| < 2 R nobody knows F'. But then all bonds of the atom are as
//! good as at the cutoff, where phi >= 0 ends, and for such a function
//! phi'^2 <= 2 max |phi''| phi. So |F' phi'| <= A sqrt(max |phi''| / 2), and two forms differ by twice
//! that at most.
//!
//! Domain of the bound: no density is within R of zero because negative phi and positive ones cancel, as
//! they do for two atoms of iron 1.587 angstrom apart. [`Potential::bound`] panics there.
//!
//! Sources: those of the two laws.

mod finnis_sinclair;
mod kernel;
mod sutton_chen;

pub use finnis_sinclair::FinnisSinclair;
pub use kernel::Scratch;
pub use sutton_chen::SuttonChen;

use super::errors::{Errors, Off, Size};
use super::{Forces, Paths, Potential};
use crate::machine::isa::Isa;
use crate::md::clusters::ClusterList;
use crate::md::lanes::Lanes;
use crate::md::neighbours::{bonds, place_error};
use crate::md::system::{Atoms, Cell, Error, Vector};

/// A function of the distance and its derivative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radial<T = f64> {
    /// The value.
    pub value: T,
    /// The derivative by the distance.
    pub slope: T,
}

/// The functions of one such potential.
pub trait Law: Copy {
    /// A, in eV.
    fn strength(&self) -> f64;

    /// Distance in angstrom from which on V and phi are zero.
    fn cutoff(&self) -> f64;

    /// V in eV and phi at a distance below the cutoff.
    fn at(&self, r: f64) -> [Radial; 2];

    /// V in eV and phi at distances of these squares and inverses, with their derivatives over the
    /// distance; zero beyond the cutoff.
    fn lanes<V: Lanes<Real = f64>>(&self, r2: V, inverse: V) -> [Radial<V>; 2];

    /// Magnitudes of value, slope and curvature of V and phi: their terms without cancellation.
    fn sizes(&self, r: f64) -> [[f64; 3]; 2];
}

/// The potential of a law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbeddedAtom<L>(pub L);

impl<L: Law> EmbeddedAtom<L> {
    /// Energy of an atom with this density, and its derivative.
    #[inline(always)]
    fn embed(&self, density: f64) -> Radial {
        // Without a branch, so that a loop of it becomes vector code.
        let root = density.max(0.0).sqrt();
        let slope = -0.5 * self.0.strength() / root;
        Radial { value: -self.0.strength() * root, slope: if root > 0.0 { slope } else { 0.0 } }
    }
}

impl<L: Law> Potential for EmbeddedAtom<L> {
    type List = ClusterList;
    type Scratch = Scratch;

    fn cutoff(&self) -> f64 {
        self.0.cutoff()
    }

    fn list(&self, cell: &Cell, positions: &[Vector], skin: f64) -> Result<ClusterList, Error> {
        self.list_on(Isa::best(), cell, positions, skin)
    }

    fn compute(
        &self,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch,
        out: &mut Forces,
    ) {
        self.compute_on(Isa::best(), atoms, list, scratch, out);
    }

    fn reference(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        let mut out = Forces::zeros(positions.len());
        for (i, bonds) in bonds(cell, positions, self.cutoff()).iter().enumerate() {
            let density = bonds.iter().map(|b| self.0.at(b.r)[1].value).sum();
            let embedded = self.embed(density);
            let mut energy = embedded.value;
            for b in bonds {
                // V is met from both ends.
                let [v, phi] = self.0.at(b.r);
                energy += 0.5 * v.value;
                let pull = 0.5 * v.slope + embedded.slope * phi.slope;
                out.pull(i, b.atom, b.d, b.d.map(|d| -pull * d / b.r));
            }
            out.energy += energy;
        }
        out
    }

    fn bound(&self, Atoms { cell, positions, .. }: Atoms<'_>) -> Forces {
        let (n, cutoff) = (positions.len(), self.cutoff());
        // The gap to a cutoff is off by this much, and so far beyond it a pair may still count.
        let eps = f64::EPSILON;
        let places = place_error(cell, positions, cutoff);
        let apart = 18.0 * places + 2.0 * eps * cutoff;
        let bonds = bonds(cell, positions, cutoff + apart);
        let most = bonds.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let bound = Forces::zeros(n);
        let all = bonds.iter().map(Vec::len).sum::<usize>() as f64;
        let mut errors = Errors { bound, eps, apart, places, all, own: 2.0 * most };
        for (i, bonds) in bonds.iter().enumerate() {
            // They grow inwards, and a form may see the bond there.
            let sizes = |r: f64| {
                self.0.sizes(r - apart).map(|[value, slope, curvature]| Size {
                    value,
                    slope,
                    curvature,
                })
            };
            let density: f64 = bonds.iter().map(|b| self.0.at(b.r)[1].value).sum();
            let off = |phi: Size| {
                // To second order, for the slope vanishes at the cutoff.
                phi.value_off(apart, eps) + phi.curvature * apart * apart + most * eps * phi.value
            };
            let off: f64 = bonds.iter().map(|b| off(sizes(b.r)[1])).sum();
            let Radial { value, slope } = self.embed(density);
            let known = density.abs() > 2.0 * off;
            // (1 - x)^(-1/2) - 1 <= x / (2 (1 - x)).
            let relative = if density > 0.0 { 0.5 * off / (density - off) } else { 0.0 };
            let energy = if known {
                Off { size: value.abs(), off: relative * value.abs() }
            } else {
                let most = self.0.strength() * (3.0 * off).sqrt();
                Off { size: most, off: most }
            };
            errors.energy(energy);
            for b in bonds {
                let [v, phi] = sizes(b.r);
                errors.energy(Off { size: 0.5 * v.value, off: 0.5 * v.value_off(apart, eps) });
                let embedded = if known {
                    let off = slope.abs() * (phi.slope_off(apart, eps) + relative * phi.slope);
                    Off { size: slope.abs() * phi.slope, off }
                } else {
                    let curvature = phi.curvature;
                    let root = (2.0 * curvature * self.0.at(b.r)[1].value.abs()).sqrt();
                    assert!(
                        phi.slope <= 1.1 * root + 2.0 * curvature * apart,
                        "atom {i} has a density of {density:e}, within rounding of zero, and a bond \
                         of {} angstrom, far from the cutoff: its energy has no slope to compare",
                        b.r
                    );
                    let most = 0.5 * self.0.strength() * (2.0 * curvature).sqrt();
                    Off { size: most, off: 2.0 * most }
                };
                let size = 0.5 * v.slope + embedded.size;
                let off = 0.5 * v.slope_off(apart, eps) + embedded.off;
                errors.pull([i, b.atom], b.r, Off { size, off });
            }
        }
        errors.bound
    }
}

impl<L: Law> Paths for EmbeddedAtom<L> {
    fn list_on(
        &self,
        isa: Isa,
        cell: &Cell,
        positions: &[Vector],
        skin: f64,
    ) -> Result<ClusterList, Error> {
        ClusterList::of_parts(isa, kernel::ROWS, cell, positions, [self.cutoff(), skin])
    }

    fn compute_on(
        &self,
        isa: Isa,
        atoms: Atoms<'_>,
        list: &ClusterList,
        scratch: &mut Scratch,
        out: &mut Forces,
    ) {
        kernel::compute(isa, self, atoms.positions, list, scratch, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::potentials::tests::difference;
    use crate::md::{Field, System};

    /// Below 1.587 angstrom phi of iron is negative, and two atoms have no positive density.
    #[test]
    fn a_density_that_is_not_positive_has_no_root_and_no_slope() {
        let iron = EmbeddedAtom(FinnisSinclair::IRON);
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        for r in [1.2, 1.58, 1.6] {
            let pair = System::new(cell, &["Fe"; 2], vec![1.0; 2], vec![[0.0; 3], [r, 0.0, 0.0]]);
            let [v, phi] = iron.0.at(r);
            assert_eq!(phi.value > 0.0, r > 1.59, "phi({r}) = {}", phi.value);
            let root = phi.value.max(0.0).sqrt();
            let want = v.value - 2.0 * 1.828905 * root;
            let pull = v.slope - if root > 0.0 { 1.828905 * phi.slope / root } else { 0.0 };
            for out in [
                iron.reference(pair.atoms()),
                Field::new(iron, &pair, 0.0).unwrap().forces().clone(),
            ] {
                assert!((out.energy - want).abs() < 1e-12, "{} at {r}", out.energy);
                assert!((out.forces[0][0] - pull).abs() < 1e-11, "{:?} at {r}", out.forces);
            }
        }
    }

    /// The density of two atoms where phi crosses zero.
    #[test]
    #[should_panic(expected = "within rounding of zero, and a bond of 1.5")]
    fn a_density_that_cancels_has_no_bound() {
        let FinnisSinclair { d, beta, .. } = FinnisSinclair::IRON;
        let cell = Cell::orthorhombic([20.0; 3]).unwrap();
        let x = vec![[0.0; 3], [d * (1.0 - 1.0 / beta), 0.0, 0.0]];
        let pair = System::new(cell, &["Fe"; 2], vec![1.0; 2], x);
        let _ = EmbeddedAtom(FinnisSinclair::IRON).bound(pair.atoms());
    }

    #[test]
    fn slopes_are_derivatives_and_sizes_are_not_exceeded() {
        fn check<L: Law>(law: L, distances: &[f64]) {
            for &r in distances {
                for k in 0..2 {
                    let at = |x: f64| law.at(r + x)[k];
                    let by = |f: &dyn Fn(f64) -> f64| difference(1e-4, f);
                    let slope = by(&|x| at(x).value);
                    assert!((slope - at(0.0).slope).abs() < 1e-9 * (1.0 + slope.abs()), "{r}, {k}");
                    let found = [at(0.0).value, slope, by(&|x| at(x).slope)];
                    for (found, size) in found.into_iter().zip(law.sizes(r)[k]) {
                        assert!(
                            found.abs() <= size * (1.0 + 1e-6) + 1e-9,
                            "{found}, {size} at {r}"
                        );
                    }
                }
            }
        }
        check(SuttonChen::ALUMINIUM, &[2.0, 2.8, 4.05, 6.3, 6.6, 7.0, 7.4, 7.499]);
        check(FinnisSinclair::IRON, &[1.3, 2.0, 2.48, 2.87, 3.3, 3.45, 3.56]);
    }
}
