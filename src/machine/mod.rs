//! What a number belongs to: machine, toolchain, sources and revision.
//!
//! | | |
//! | --- | --- |
//! | [`Environment`] | facts of machine and toolchain; two records with equal ones may be compared |
//! | [`isa`] | instruction sets, detected and chosen |
//! | [`package`] | the folder of the package that a command is about |
//! | [`workspace`] | the digest of the sources at hand, and the folder that cargo builds into |
//! | [`git`] | revisions: the only place that runs git |

mod environment;
pub mod git;
pub mod isa;
pub mod package;
pub(crate) mod source;
pub mod workspace;

pub use environment::{
    ENCODED_RUSTFLAGS, Environment, RUSTC, SOURCE, TARGET, dispatch, dispatch_bits, folder,
    hides_processor, instructions, is_outdated, plain, toolchain, wall,
};
pub use git::revision;
