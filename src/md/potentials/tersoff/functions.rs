//! The functions of one entry.

use std::f64::consts::FRAC_PI_2;

use super::Bend;
use crate::md::potentials::eam::Radial;

/// The parameters of three species, in the notation of [the chapter](super).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Whether m is 3; otherwise it is 1.
    pub is_cubic: bool,
    /// Strength of g.
    pub gamma: f64,
    /// Decay with the difference of two lengths, 1/angstrom.
    pub lambda3: f64,
    /// Depth of the angular term.
    pub c: f64,
    /// Width of the angular term; not zero.
    pub d: f64,
    /// Cosine of the angle that is favoured.
    pub cos0: f64,
    /// Exponent of the bond order.
    pub n: f64,
    /// Weight of zeta.
    pub beta: f64,
    /// Decay of the attraction, 1/angstrom.
    pub lambda2: f64,
    /// Strength of the attraction, B, eV.
    pub attraction: f64,
    /// Middle of the cutoff, R, angstrom.
    pub middle: f64,
    /// Half of its width, D, angstrom.
    pub width: f64,
    /// Decay of the repulsion, 1/angstrom.
    pub lambda1: f64,
    /// Strength of the repulsion, A, eV.
    pub repulsion: f64,
}

/// The largest exponent. A term of zeta as large as that leaves no attraction.
const STEEPEST: f64 = 600.0;

impl Entry {
    /// Distance in angstrom from which on fc is zero.
    pub fn cutoff(&self) -> f64 {
        self.middle + self.width
    }

    /// fc.
    #[inline]
    pub(super) fn switch(&self, r: f64) -> Radial {
        if r < self.middle - self.width {
            return Radial { value: 1.0, slope: 0.0 };
        }
        if r >= self.cutoff() {
            return Radial { value: 0.0, slope: 0.0 };
        }
        let (sin, cos) = (FRAC_PI_2 * (r - self.middle) / self.width).sin_cos();
        Radial { value: 0.5 * (1.0 - sin), slope: -0.5 * FRAC_PI_2 / self.width * cos }
    }

    fn decaying(&self, r: f64, strength: f64, decay: f64) -> Radial {
        let (switch, e) = (self.switch(r), strength * (-decay * r).exp());
        Radial { value: switch.value * e, slope: (switch.slope - decay * switch.value) * e }
    }

    /// fc A exp(-lambda1 r)
    pub(super) fn repulsion(&self, r: f64) -> Radial {
        self.decaying(r, self.repulsion, self.lambda1)
    }

    /// fc B exp(-lambda2 r)
    pub(super) fn attraction(&self, r: f64) -> Radial {
        self.decaying(r, self.attraction, self.lambda2)
    }

    /// b, from (beta zeta)^n = e^x by ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), which overflows for
    /// no x.
    pub(super) fn order(&self, zeta: f64) -> Radial {
        let t = self.beta * zeta;
        if t <= 0.0 {
            return Radial { value: 1.0, slope: 0.0 };
        }
        let x = self.n * t.ln();
        let small = (-x.abs()).exp();
        let value = (-(x.max(0.0) + small.ln_1p()) / (2.0 * self.n)).exp();
        let share = if x > 0.0 { 1.0 } else { small } / (1.0 + small);
        Radial { value, slope: -0.5 * value * share / zeta }
    }

    /// g, by the cosine: 1 + c^2/d^2 - c^2/(d^2 + h^2) = 1 + c^2/d^2 h^2/(d^2 + h^2), so that nothing
    /// cancels.
    #[inline]
    pub(super) fn angle(&self, cos: f64) -> Radial {
        let (h, d2, ratio) = (cos - self.cos0, self.d * self.d, self.c / self.d);
        let wide = d2 + h * h;
        let q = self.gamma * ratio * ratio / wide;
        Radial { value: self.gamma + q * h * h, slope: 2.0 * q * h * d2 / wide }
    }

    /// exp((lambda3 s)^m) at the difference s of two lengths.
    #[inline]
    pub(super) fn lag(&self, s: f64) -> Radial {
        let x = self.lambda3 * s;
        if x == 0.0 {
            let slope = if self.is_cubic { 0.0 } else { self.lambda3 };
            return Radial { value: 1.0, slope };
        }
        let (power, slope) =
            if self.is_cubic { (x * x * x, 3.0 * x * x * self.lambda3) } else { (x, self.lambda3) };
        let value = power.min(STEEPEST).exp();
        Radial { value, slope: slope * value }
    }

    /// A term of zeta, and its derivatives.
    #[inline]
    pub(super) fn term(&self, r_j: f64, r_k: f64, cos: f64) -> (f64, Bend) {
        let switch = self.switch(r_k);
        if switch.value == 0.0 {
            return (0.0, Bend { by_j: 0.0, by_k: 0.0, by_cos: 0.0 });
        }
        let (angle, lag) = (self.angle(cos), self.lag(r_j - r_k));
        let by_j = switch.value * angle.value * lag.slope;
        let bend = Bend {
            by_j,
            by_k: switch.slope * angle.value * lag.value - by_j,
            by_cos: switch.value * angle.slope * lag.value,
        };
        (switch.value * angle.value * lag.value, bend)
    }
}
