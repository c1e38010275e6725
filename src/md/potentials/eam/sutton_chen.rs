//! Sutton-Chen: V and phi are powers of a/r.
//!
//! ```text
//! V = eps (a/r)^7 S    phi = (a/r)^6 S    A = eps c
//! S = 1 - 10 x^3 + 15 x^4 - 6 x^5,    x = (r - on) / (cutoff - on) moved to between 0 and 1
//! ```
//!
//! S takes both powers to zero with two continuous derivatives; with y = 1 - x it is
//! y^3 (1 + 3x + 6x^2), where nothing cancels. The paper sums to infinity and names no cutoff.
//!
//! Source: A. P. Sutton, J. Chen, "Long-range Finnis-Sinclair potentials", Philos. Mag. Lett. 61
//! (1990) 139-146.

use super::{Law, Radial};
use crate::md::lanes::Lanes;

/// The parameters, with the exponents n = 7 and m = 6.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuttonChen {
    /// Unit of energy, eV.
    pub epsilon: f64,
    /// Unit of length, angstrom.
    pub a: f64,
    /// Strength of the roots over epsilon.
    pub c: f64,
    /// Distance from which on the powers are switched off, angstrom.
    pub on: f64,
    /// Distance at which they are zero, angstrom.
    pub cutoff: f64,
}

impl SuttonChen {
    /// Aluminium, as published, switched off between 6.5 and 7.5 angstrom.
    pub const ALUMINIUM: Self =
        Self { epsilon: 0.033_147, a: 4.05, c: 16.399, on: 6.5, cutoff: 7.5 };

    fn switch(&self, r: f64) -> f64 {
        ((r - self.on) / (self.cutoff - self.on)).clamp(0.0, 1.0)
    }
}

impl Law for SuttonChen {
    fn strength(&self) -> f64 {
        self.epsilon * self.c
    }

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    #[inline]
    fn at(&self, r: f64) -> [Radial; 2] {
        let x = self.switch(r);
        let y = 1.0 - x;
        let switch = y * y * y * (1.0 + 3.0 * x + 6.0 * x * x);
        let slope = -30.0 * (x * y) * (x * y) / (self.cutoff - self.on);
        let inverse = 1.0 / r;
        let ratio = self.a * inverse;
        let sixth = ratio * ratio * ratio * (ratio * ratio * ratio);
        let switched = |power: f64, n: f64| Radial {
            value: power * switch,
            slope: power * (slope - n * switch * inverse),
        };
        [switched(self.epsilon * (sixth * ratio), 7.0), switched(sixth, 6.0)]
    }

    #[inline(always)]
    fn lanes<V: Lanes<Real = f64>>(&self, r2: V, inverse: V) -> [Radial<V>; 2] {
        let (zero, one, width) = (V::splat(0.0), V::splat(1.0), self.cutoff - self.on);
        let from_on = r2.mul_add(inverse, V::splat(-self.on));
        let x = from_on.times(V::splat(1.0 / width)).max(zero).min(one);
        let y = one.minus(x);
        let xy = x.times(y);
        let quadratic = V::splat(6.0).mul_add(x, V::splat(3.0)).mul_add(x, one);
        let switch = y.times(y).times(y.times(quadratic));
        let slope = xy.times(xy).times(inverse.times(V::splat(-30.0 / width)));
        let inverse2 = inverse.times(inverse);
        let ratio2 = inverse2.times(V::splat(self.a * self.a));
        let sixth = ratio2.times(ratio2).times(ratio2);
        let seventh = sixth.times(inverse.times(V::splat(self.epsilon * self.a)));
        let switched = |power: V, n: f64| Radial {
            value: power.times(switch),
            slope: power.times(switch.times(inverse2).mul_add(V::splat(-n), slope)),
        };
        [switched(seventh, 7.0), switched(sixth, 6.0)]
    }

    fn sizes(&self, r: f64) -> [[f64; 3]; 2] {
        let (x, width) = (self.switch(r), self.cutoff - self.on);
        let y = 1.0 - x;
        let s = [
            y.powi(3) * (1.0 + 3.0 * x + 6.0 * x * x),
            30.0 * (x * y).powi(2) / width,
            60.0 * x * y * (x + y) / width.powi(2),
        ];
        let of = |unit: f64, n: i32| {
            let (power, n) = (unit * (self.a / r).powi(n), f64::from(n));
            [
                power * s[0],
                power * (s[1] + n * s[0] / r),
                power * (s[2] + 2.0 * n * s[1] / r + n * (n + 1.0) * s[0] / (r * r)),
            ]
        };
        [of(self.epsilon, 7), of(1.0, 6)]
    }
}
