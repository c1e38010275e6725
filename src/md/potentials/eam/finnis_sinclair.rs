//! Finnis-Sinclair: V and phi are polynomials that end at c and d.
//!
//! ```text
//! V = (r - c)^2 (c0 + c1 r + c2 r^2)        for r < c
//! phi = (r - d)^2 + beta (r - d)^3 / d      for r < d = cutoff
//! ```
//!
//! Near d the energy of a lone pair is -2 A (d - r): the root of the density has a kink there.
//! Below d (1 - 1/beta) phi is negative.
//!
//! Sources: M. W. Finnis, J. E. Sinclair, "A simple empirical N-body potential for transition
//! metals", Philos. Mag. A 50 (1984) 45-55; its erratum, Philos. Mag. A 53 (1986) 161, has the
//! parameters of iron used here.

use super::{Law, Radial};
use crate::md::lanes::Lanes;

/// The parameters, in the notation of the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FinnisSinclair {
    /// Strength A of the roots, eV.
    pub strength: f64,
    /// Where phi ends, angstrom; not less than `c`.
    pub d: f64,
    /// Weight of the cubic term of phi.
    pub beta: f64,
    /// Where V ends, angstrom.
    pub c: f64,
    /// Coefficients c0, c1, c2 of V: eV over angstrom to the power 2, 3 and 4.
    pub coefficients: [f64; 3],
}

impl FinnisSinclair {
    /// Iron, by the erratum of 1986.
    pub const IRON: Self = Self {
        strength: 1.828_905,
        d: 3.569_745,
        beta: 1.8,
        c: 3.40,
        coefficients: [1.237_114_7, -0.359_218_5, -0.038_560_7],
    };
}

impl Law for FinnisSinclair {
    fn strength(&self) -> f64 {
        self.strength
    }

    fn cutoff(&self) -> f64 {
        self.d
    }

    #[inline]
    fn at(&self, r: f64) -> [Radial; 2] {
        let [c0, c1, c2] = self.coefficients;
        // Negative, or zero beyond the end.
        let (gap, far) = ((r - self.c).min(0.0), r - self.d);
        let p = c0 + r * (c1 + r * c2);
        let v = Radial { value: gap * gap * p, slope: gap * (2.0 * p + gap * (c1 + 2.0 * c2 * r)) };
        let cubic = self.beta / self.d * far;
        let phi = Radial { value: far * far * (1.0 + cubic), slope: far * (2.0 + 3.0 * cubic) };
        [v, phi]
    }

    #[inline(always)]
    fn lanes<V: Lanes<Real = f64>>(&self, r2: V, inverse: V) -> [Radial<V>; 2] {
        let [c0, c1, c2] = self.coefficients.map(V::splat);
        let (zero, two) = (V::splat(0.0), V::splat(2.0));
        // So far that nothing overflows.
        let r = r2.times(inverse).min(V::splat(2.0 * self.d));
        let (gap, far) = (r.minus(V::splat(self.c)).min(zero), r.minus(V::splat(self.d)).min(zero));
        let p = c2.mul_add(r, c1).mul_add(r, c0);
        let bend = two.mul_add(c2.times(r), c1);
        let v_slope = gap.times(gap.mul_add(bend, two.times(p)));
        let cubic = far.times(V::splat(self.beta / self.d));
        let phi_slope = far.times(V::splat(3.0).mul_add(cubic, two));
        let far2 = far.times(far);
        [
            Radial { value: gap.times(gap).times(p), slope: v_slope.times(inverse) },
            Radial { value: far2.mul_add(cubic, far2), slope: phi_slope.times(inverse) },
        ]
    }

    fn sizes(&self, r: f64) -> [[f64; 3]; 2] {
        let [c0, c1, c2] = self.coefficients.map(f64::abs);
        let (gap, far) = ((self.c - r).max(0.0), (self.d - r).abs());
        let (p, slope) = (c0 + r * (c1 + r * c2), c1 + 2.0 * c2 * r);
        let beta = self.beta / self.d;
        [
            [
                gap * gap * p,
                gap * (2.0 * p + gap * slope),
                2.0 * p + 4.0 * gap * slope + 2.0 * c2 * gap * gap,
            ],
            [
                far * far * (1.0 + beta * far),
                far * (2.0 + 3.0 * beta * far),
                2.0 + 6.0 * beta * far,
            ],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_worked_by_hand() {
        let [v, phi] = FinnisSinclair::IRON.at(2.4);
        // One angstrom below c, and 1.169745 below d.
        let p = 1.237_114_7 - 0.359_218_5 * 2.4 - 0.038_560_7 * 5.76;
        assert!((v.value - p).abs() < 1e-14, "V {}", v.value);
        let want = 1.169_745_f64.powi(2) * (1.0 - 1.8 * 1.169_745 / 3.569_745);
        assert!((phi.value - want).abs() < 1e-14, "phi {}", phi.value);
        assert_eq!(FinnisSinclair::IRON.at(3.45)[0].value, 0.0, "V beyond c");
    }
}
