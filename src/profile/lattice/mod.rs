//! The profile of the lattice codec: what it costs and what it loses.
//!
//! | | |
//! | --- | --- |
//! | [`times`] | times of encoding, decoding and both, over batch sizes, by every implementation |
//! | [`cuda`] | the same on a GPU, or why not |
//! | [`quality`] | overload, distortion and rate of a codec on Gaussian data |
//! | [`tiles`] | distribution of the error on the rows of a normalised matrix |
//! | [`sweep`] | distortion against rate over the step, and the best step |
//! | [`batches`] | the data, the operations, and when two results are the same |
//! | [`run`] | measures all points, and makes the files of them |
//!
//! An implementation is timed after its results were found equal to those of the scalar one, bit
//! for bit. A number that was not measured is null, with a reason.

mod advice;
pub mod batches;
pub mod cuda;
#[cfg(feature = "figures")]
mod figures;
mod files;
mod found;
pub mod quality;
pub mod run;
mod summary;
pub mod sweep;
pub mod tiles;
pub mod times;

use std::io;
use std::path::PathBuf;

use super::points;
use crate::lattice;
pub use batches::{Operation, Setup};

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The codec cannot be built, or refuses the data.
    #[error(transparent)]
    Codec(#[from] lattice::Error),
    /// Two implementations disagree.
    #[error("{implementation} and scalar differ in {what} at batch size {batch}")]
    Differs {
        /// The implementation that was to be timed.
        implementation: &'static str,
        /// The part of the results that differs.
        what: &'static str,
        /// The number of vectors of the batch.
        batch: usize,
    },
    /// A line cannot be written, or is of another run.
    #[error(transparent)]
    Points(#[from] points::Error),
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file, or its folder.
        path: PathBuf,
        /// The complaint of the system.
        source: io::Error,
    },
    /// The results cannot be printed.
    #[error("cannot print the results")]
    Print(#[from] io::Error),
}
