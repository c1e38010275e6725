//! The seam to the CUDA codec: times measured on a GPU, or the reason why there are none.

#[cfg(feature = "cuda")]
mod launches;

use serde::{Deserialize, Serialize};

use super::Error;
use super::batches::{Batches, Operation};
use crate::lattice::{Codec, Encoded};
use crate::profile::timing::Timing;

/// The clock of a GPU.
pub const CLOCK: &str = "CUDA events around a graph of launches; data stay in device memory";

/// The roof that traffic on a GPU is compared with.
pub const ROOF: &str =
    "a kernel that reads 4 bytes and writes 32 per element, and does nothing else";

/// Times on a GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cuda {
    /// The name that the driver gives the GPU.
    pub gpu: String,
    /// The times of one launch.
    pub timing: Timing,
    /// The roof of its memory, in bytes per second, if it could be measured: see [`ROOF`].
    pub roof: Option<f64>,
}

/// Times `operation` on a GPU, once its results are those of `codec`, bit for bit. `codes` are the
/// codes of all batches. The inner error says why nothing was measured; nothing else is ever timed
/// in its place.
///
/// # Errors
///
/// If the results differ.
pub(super) fn time(
    operation: Operation,
    codec: &Codec,
    batches: &Batches,
    codes: &[Encoded],
) -> Result<Result<Cuda, String>, Error> {
    launches::time(operation, codec, batches, codes)
}

/// Says why there is no GPU to measure on.
pub(super) fn available() -> Result<(), String> {
    launches::available()
}

#[cfg(not(feature = "cuda"))]
mod launches {
    use super::{Batches, Codec, Cuda, Encoded, Error, Operation};

    pub(super) fn time(
        _: Operation,
        _: &Codec,
        _: &Batches,
        _: &[Encoded],
    ) -> Result<Result<Cuda, String>, Error> {
        Ok(Err(available().expect_err("there is no such code")))
    }

    pub(super) fn available() -> Result<(), String> {
        Err("built without the feature `cuda`".to_owned())
    }
}
