//! The seam to the CUDA codec: a time measured on a GPU, or the reason why there is none.

use super::codec::{Batches, Operation};
use super::timing::Timing;
use crate::lattice::Codec;

/// Times `operation` on a GPU.
///
/// # Errors
///
/// Says why nothing was measured. Nothing else is ever timed in its place.
pub(super) fn time(
    _operation: Operation,
    _codec: &Codec,
    _batches: &Batches,
) -> Result<Timing, String> {
    available()?;
    Err("the CUDA codec is not profiled".to_owned())
}

/// Says why there is no GPU to measure on.
pub(super) fn available() -> Result<(), String> {
    Err("built without the feature `cuda`".to_owned())
}
