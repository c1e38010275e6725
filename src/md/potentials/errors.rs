//! Error bounds of sums over bonds, to first order in eps.
//!
//! A function of the distance r is known by its size: the sum of the magnitudes of its terms,
//! without cancellation, and those of its first two derivatives. A distance off by d changes the
//! function by d times its slope. Computing it takes fewer than 100 roundings in all, so two forms
//! differ by 100 eps of its size beside, where eps is that of the numbers it is computed in. A sum of
//! n terms is off by n eps/2 of the sum of their magnitudes (N. J. Higham, "Accuracy and Stability of
//! Numerical Algorithms", 2nd ed., ch. 4).

use std::ops::{Add, Mul};

use super::Forces;

/// Roundings of one function of the distance, in two forms.
const ROUNDINGS: f64 = 100.0;

/// Magnitudes of a function of the distance and of its derivatives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) value: f64,
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

impl Size {
    /// How far the value may be off where the distance is off by `apart`.
    pub(super) fn value_off(&self, apart: f64, eps: f64) -> f64 {
        self.slope * apart + ROUNDINGS * eps * self.value
    }

    /// How far the derivative may be off.
    pub(super) fn slope_off(&self, apart: f64, eps: f64) -> f64 {
        self.curvature * apart + ROUNDINGS * eps * self.slope
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            slope: self.slope + other.slope,
            curvature: self.curvature + other.curvature,
        }
    }
}

impl Mul<Size> for f64 {
    type Output = Size;

    fn mul(self, size: Size) -> Size {
        Size {
            value: self * size.value,
            slope: self * size.slope,
            curvature: self * size.curvature,
        }
    }
}

/// Two numbers that are known apart: a magnitude, and how far it may be off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Off {
    pub(super) size: f64,
    pub(super) off: f64,
}

/// The bound of energy, forces and virial, as it adds up.
#[derive(Debug)]
pub(super) struct Errors {
    pub(super) bound: Forces,
    /// eps of the numbers that pairs are computed in.
    pub(super) eps: f64,
    /// How far a distance may be off, in angstrom.
    pub(super) apart: f64,
    /// The largest coordinate in sight times eps, in angstrom; 0 where the virial is summed by pairs.
    pub(super) places: f64,
    /// Terms in the longest sum over all atoms, and in the longest over the bonds of one.
    pub(super) all: f64,
    pub(super) own: f64,
}

impl Errors {
    /// A term of the energy.
    pub(super) fn energy(&mut self, term: Off) {
        self.bound.energy += term.off + self.all * self.eps * term.size;
    }

    /// A force `pull` along a bond of length `r` between two atoms.
    pub(super) fn pull(&mut self, atoms: [usize; 2], r: f64, pull: Off) {
        let (eps, apart, places) = (self.eps, self.apart, self.places);
        let (all, own) = (self.all, self.own);
        // Each component is the pull times a direction, which is off by 2 apart/r and 4 roundings.
        let direction = 2.0 * apart / r + 4.0 * eps;
        let off = pull.off + pull.size * (direction + own * eps);
        for i in atoms {
            self.bound.forces[i].iter_mut().for_each(|f| *f += off);
        }
        // The virial is summed by pairs, or by forces at places.
        let w = r * off + pull.size * (apart + all * eps * r + places * (own + all));
        self.bound.virial.iter_mut().flatten().for_each(|v| *v += w);
    }
}
