//! The three treatments of charges.
//!
//! ```text
//! damped, shifted   u = erfc(a r)/r - e - f r    f = -(erfc(a R)/R^2 + 2a/sqrt(pi) exp(-a^2 R^2)/R)
//!                                                e = erfc(a R)/R - f R
//!                   and of each charge -(e/2 + a/sqrt(pi)) q^2; less 1/r for a pair of one molecule
//! reaction field    u = 1/r + k r^2 - c          k = (D - 1)/(2D + 1)/R^3, c = 3D/(2D + 1)/R
//!                   and nothing for a pair of one molecule
//! Ewald             u = erfc(a r)/r; of each charge -a/sqrt(pi) q^2, and the waves of `ewald.rs`;
//!                   less 1/r for a pair of one molecule
//! ```
//!
//! with the cutoff R, in units of [`COULOMB`](crate::md::COULOMB) `q_i q_j`.
//!
//! Sources: C. J. Fennell, J. D. Gezelter, J. Chem. Phys. 124 (2006) 234104; I. G. Tironi, R. Sperb,
//! P. E. Smith, W. F. van Gunsteren, J. Chem. Phys. 102 (1995) 5451-5459; M. P. Allen,
//! D. J. Tildesley, "Computer Simulation of Liquids", 2nd ed. (2017), ch. 6.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::smooth::Smooth;
use crate::md::potentials::erfc::{erfc, erfc_reference};
use crate::md::potentials::errors::Size;

/// A treatment of charges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Electrostatics {
    /// Damped, and shifted so that energy and force vanish at the cutoff.
    DampedShifted {
        /// Inverse width of the damping, 1/angstrom.
        alpha: f64,
    },
    /// A dielectric beyond the cutoff.
    ReactionField {
        /// Its relative permittivity.
        dielectric: f64,
    },
    /// The exact sum over all images of a neutral cell, in two parts.
    Ewald {
        /// Inverse width of the screening charges, 1/angstrom.
        alpha: f64,
        /// The longest wave vector in the sum, 1/angstrom.
        longest: f64,
    },
}

impl Electrostatics {
    /// Its sum over pairs.
    pub(super) fn coulomb(self, cutoff: f64) -> Coulomb {
        match self {
            Self::DampedShifted { alpha } => {
                let bare = Coulomb::Damped { alpha, energy: 0.0, force: 0.0 };
                let [at, force] = bare.reference(cutoff);
                Coulomb::Damped { alpha, energy: at - force * cutoff, force }
            }
            Self::Ewald { alpha, .. } => Coulomb::Damped { alpha, energy: 0.0, force: 0.0 },
            Self::ReactionField { dielectric: d } => Coulomb::Field {
                k: (d - 1.0) / (2.0 * d + 1.0) / cutoff.powi(3),
                c: 3.0 * d / (2.0 * d + 1.0) / cutoff,
            },
        }
    }
}

/// u(r) with its constants: of the three above the first and third are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Coulomb {
    Damped { alpha: f64, energy: f64, force: f64 },
    Field { k: f64, c: f64 },
}

impl Coulomb {
    /// u and its derivative: the definition.
    pub(super) fn reference(&self, r: f64) -> [f64; 2] {
        let inverse = 1.0 / r;
        match *self {
            Self::Damped { alpha, energy, force } => {
                let x = alpha * r;
                let u = erfc_reference(x) * inverse;
                let slope = (u + FRAC_2_SQRT_PI * alpha * (-x * x).exp()) * -inverse;
                [u - energy - force * r, slope - force]
            }
            Self::Field { k, c } => [inverse + k * r * r - c, 2.0 * k * r - inverse * inverse],
        }
    }

    /// What is smooth in it, by polynomials of at least `least` terms, each within `tolerance` of its
    /// largest value. Nothing in a field.
    pub(super) fn smooth(&self, cutoff: f64, least: usize, tolerance: f64) -> Smooth {
        match *self {
            Self::Damped { alpha, energy, force } => {
                Smooth::damped([alpha, energy, force], cutoff, least, tolerance)
            }
            Self::Field { .. } => Smooth::NOTHING,
        }
    }

    /// By how much less a pair of one molecule counts, and its derivative.
    pub(super) fn correction(&self, r: f64) -> [f64; 2] {
        match self {
            Self::Damped { .. } => [1.0 / r, -1.0 / (r * r)],
            Self::Field { .. } => self.reference(r),
        }
    }

    /// The energy of a charge by itself.
    pub(super) fn own(&self) -> f64 {
        match *self {
            Self::Damped { alpha, energy, .. } => -0.5 * (energy + FRAC_2_SQRT_PI * alpha),
            Self::Field { .. } => 0.0,
        }
    }

    pub(super) fn size(&self, r: f64) -> Size {
        match *self {
            Self::Damped { alpha, energy, force } => {
                let (screened, gauss) = erfc(alpha * r);
                let gauss = FRAC_2_SQRT_PI * alpha * gauss;
                // Of erf(a r)/r and of its derivative by r^2, twice.
                let largest = FRAC_2_SQRT_PI * alpha;
                let steepest = 2.0 / 3.0 * alpha * alpha * largest;
                Size {
                    value: 1.0 / r + largest + energy.abs() + force.abs() * r,
                    slope: 1.0 / (r * r) + steepest * r + force.abs(),
                    curvature: 2.0 * screened / r.powi(3)
                        + 2.0 * gauss / (r * r)
                        + 2.0 * alpha * alpha * gauss,
                }
            }
            Self::Field { k, c } => Size {
                value: 1.0 / r + k * r * r + c,
                slope: 1.0 / (r * r) + 2.0 * k * r,
                curvature: 2.0 / r.powi(3) + 2.0 * k,
            },
        }
    }

    pub(super) fn correction_size(&self, r: f64) -> Size {
        match self {
            Self::Damped { .. } => {
                Size { value: 1.0 / r, slope: 1.0 / (r * r), curvature: 2.0 / r.powi(3) }
            }
            Self::Field { .. } => self.size(r),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::potentials::tests::difference;

    #[test]
    fn both_that_end_at_the_cutoff_end_there_as_they_should() {
        let damped = Electrostatics::DampedShifted { alpha: 0.2 }.coulomb(9.0);
        let [u, slope] = damped.reference(9.0);
        assert!(u.abs() < 1e-17 && slope.abs() < 1e-17, "damped: {u:e}, {slope:e}");
        let field = Electrostatics::ReactionField { dielectric: 78.3 }.coulomb(9.0);
        let [u, slope] = field.reference(9.0);
        // A conductor beyond the cutoff would leave no force there: the rest is 3/(2D + 1)/R^2.
        assert!(u.abs() < 1e-15, "field: {u:e}");
        assert!((slope + 3.0 / 157.6 / 81.0).abs() < 1e-15, "field: {slope:e}");
    }

    #[test]
    fn slopes_are_derivatives_and_sizes_are_not_exceeded() {
        for kind in [
            Electrostatics::DampedShifted { alpha: 0.2 },
            Electrostatics::ReactionField { dielectric: 78.3 },
            Electrostatics::Ewald { alpha: 0.75, longest: 1.0 },
        ] {
            let u = kind.coulomb(6.0);
            for r in [0.9, 1.63, 3.0, 5.9] {
                let by = |f: &dyn Fn(f64) -> f64| difference(1e-4, f);
                let slope = by(&|x| u.reference(r + x)[0]);
                assert!((slope - u.reference(r)[1]).abs() < 1e-10, "{kind:?} at {r}");
                let slope = by(&|x| u.correction(r + x)[0]);
                assert!((slope - u.correction(r)[1]).abs() < 1e-10, "{kind:?}: less, at {r}");
                let size = u.size(r);
                let curvature = by(&|x| u.reference(r + x)[1]);
                let found = [u.reference(r)[0], u.reference(r)[1], curvature];
                for (found, size) in found.iter().zip([size.value, size.slope, size.curvature]) {
                    assert!(found.abs() <= size * (1.0 + 1e-9) + 1e-9, "{kind:?} at {r}: {found}");
                }
            }
        }
    }
}
