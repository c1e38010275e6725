//! Long-run profiles of a chapter: what it costs and what it loses, over sizes and parameters.
//!
//! | | |
//! | --- | --- |
//! | [`codec`] | time of encoding, decoding and both, over batch sizes, by every implementation |
//! | [`cuda`] | the same on a GPU, or why not |
//! | [`quality`] | overload, distortion and rate of a codec on Gaussian data |
//! | [`tiles`] | distribution of the error on the rows of a normalised matrix |
//! | [`sweep`] | distortion against rate over the step, and the best step |
//! | [`roof`] | what the memory of this machine can do |
//! | [`timing`] | the clock |
//! | [`output`] | all of these as JSON and as columns |
//!
//! An implementation is timed after its results were found equal to those of the scalar one, bit
//! for bit. What was not measured is null, with a reason.

pub mod codec;
pub mod cuda;
pub mod output;
pub mod quality;
pub mod roof;
pub mod sweep;
pub mod tiles;
pub mod timing;

use crate::input;
use crate::lattice::{self, Codec, Lattice};
use crate::machine::isa::Isa;

/// What is profiled: a codec, and the data it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// The lattice.
    pub lattice: Lattice,
    /// Values of a digit's coordinate.
    pub q: u8,
    /// Number of levels.
    pub levels: usize,
    /// The step.
    pub beta: f32,
    /// Whether overloaded vectors are scaled down.
    pub protected: bool,
    /// Standard deviation of every component of the data, which are Gaussian.
    pub sigma: f64,
    /// Seed of the data.
    pub seed: u64,
}

impl Setup {
    /// The codec on one instruction set.
    ///
    /// # Errors
    ///
    /// If a parameter is out of range.
    pub fn codec(&self, isa: Isa) -> Result<Codec, Error> {
        let Self { lattice, q, levels, beta, protected, .. } = *self;
        Ok(Codec::new(lattice, q, levels, beta, protected)?.with_isa(isa))
    }

    /// `len` components of the data.
    pub fn data(&self, len: usize) -> Vec<f32> {
        floats(&input::gaussian(self.seed, len, self.sigma))
    }

    /// M log2 q, the bits of information of a code per dimension.
    pub fn information_bits(&self) -> f64 {
        self.levels as f64 * f64::from(self.q).log2()
    }
}

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The codec cannot be built, or refuses the data.
    #[error(transparent)]
    Codec(#[from] lattice::Error),
    /// Two implementations disagree.
    #[error("{implementation} and scalar differ in {what} at batch size {batch}")]
    Differs {
        /// The implementation that was to be timed.
        implementation: &'static str,
        /// What of the results differs.
        what: &'static str,
        /// The number of vectors of the batch.
        batch: usize,
    },
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
fn floats(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}
