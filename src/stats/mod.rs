//! Summaries of samples, and what samples say: tests, intervals, families of tests.

mod family;
mod location;
mod proportion;
mod samples;
#[cfg(test)]
mod scipy;
mod wilcoxon;

pub use family::benjamini_hochberg;
pub use location::{bootstrap_interval, hodges_lehmann};
pub use proportion::clopper_pearson;
pub use samples::{Method, Samples};
pub use wilcoxon::{tost, wilcoxon_greater, wilcoxon_less};

pub mod pelt;

/// The quantile `p` in `[0, 1]` of values in ascending order, by [`Method::Linear`].
///
/// # Panics
///
/// If `sorted` is empty or `p` is outside `[0, 1]`.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    Method::Linear.of(sorted, p)
}

/// The values in ascending order, as [`quantile`] takes them.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    Samples::new(values).sorted().to_vec()
}
