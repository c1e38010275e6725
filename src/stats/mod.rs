//! Summaries of samples, and what samples say: tests, intervals, families of tests.

mod family;
mod location;
mod proportion;
mod ranksum;
mod samples;
#[cfg(test)]
mod scipy;
mod wilcoxon;

pub use family::benjamini_hochberg;
pub use location::{bootstrap_interval, hodges_lehmann, signed_rank_interval};
pub use proportion::clopper_pearson;
pub use ranksum::shift;
pub use samples::{Method, Samples};
pub use wilcoxon::{tost, wilcoxon_greater, wilcoxon_less};

pub mod pelt;
pub mod runs;
