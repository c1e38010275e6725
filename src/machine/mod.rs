//! The circumstances of a number: machine, toolchain, sources and revision.
//!
//! | | |
//! | --- | --- |
//! | [`Environment`] | facts of machine and toolchain; two records with equal ones may be compared |
//! | `aligned` | numbers that start where a cache line does |
//! | [`isa`] | instruction sets, detected and chosen |
//! | [`package`] | the folder of the package that a command is about |
//! | [`workspace`] | the digest of the sources at hand, and the folder that cargo builds into |
//! | `built` | what executables were built from, when they were first started |
//! | [`git`] | revisions: the only place that runs git |

#[cfg(feature = "chapters")]
pub(crate) mod aligned;
pub(crate) mod built;
mod environment;
pub mod git;
pub mod isa;
pub(crate) mod metadata;
pub mod package;
pub(crate) mod source;
pub mod workspace;

pub use environment::{
    Environment, RUSTC, SOURCE, TARGET, dispatch, dispatch_bits, folder, hides_processor,
    instructions, is_outdated, plain, toolchain, wall,
};
pub use git::revision;

/// Digest of bytes, as 16 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    source::digest_of(bytes.iter().copied())
}
