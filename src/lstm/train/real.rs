//! The floats that a network is trained in.

use std::fmt::Debug;
use std::ops::AddAssign;

use ndarray::LinalgScalar;

/// A float: `f32` to train with, `f64` to check gradients with.
pub trait Real: LinalgScalar + AddAssign + PartialOrd + Debug + Default + Into<f64> {
    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;
    /// 1 / (1 + e^-x).
    fn sigmoid(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
}

impl Real for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
    fn from_f64(x: f64) -> Self {
        x as Self
    }

    #[inline]
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }

    #[inline]
    fn tanh(self) -> Self {
        Self::tanh(self)
    }

    #[inline]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }

    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }

    fn tanh(self) -> Self {
        Self::tanh(self)
    }

    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
}
