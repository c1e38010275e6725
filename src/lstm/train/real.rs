//! The floats that a network is trained in.

use std::fmt::Debug;
use std::ops::AddAssign;

use ndarray::LinalgScalar;

use super::kernels::Job;
use crate::machine::isa::Isa;

/// A float: `f32` to train with, `f64` to check gradients with.
pub trait Real: LinalgScalar + AddAssign + PartialOrd + Debug + Default + Into<f64> {
    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Does a job by an instruction set.
    fn run(isa: Isa, job: Job<'_, Self>);
}
