//! Summaries of samples, and what samples say: tests, intervals, families of tests.

mod family;
mod location;
mod proportion;
#[cfg(test)]
mod scipy;
mod wilcoxon;

pub use family::benjamini_hochberg;
pub use location::{bootstrap_interval, hodges_lehmann};
pub use proportion::clopper_pearson;
pub use wilcoxon::{tost, wilcoxon_greater, wilcoxon_less};

pub mod pelt;

/// The quantile `p` in `[0, 1]` of `sorted`, linear between order statistics.
///
/// Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American
/// Statistician 50 (1996) 361-365, type 7.
///
/// # Panics
///
/// If `sorted` is empty or `p` is outside `[0, 1]`.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    assert!(!sorted.is_empty(), "no samples");
    assert!((0.0..=1.0).contains(&p), "{p} is not a probability");
    let last = sorted.len() - 1;
    let position = p * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..=last")]
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// The values in ascending order, as [`quantile`] takes them.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let x = sorted([3.0, 1.0, 10.0, 2.0, 4.0]);
        for (p, want) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.9, 7.6), (1.0, 10.0)] {
            assert!((quantile(&x, p) - want).abs() < 1e-12, "p = {p}");
        }
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5, "between two");
        assert_eq!(quantile(&[7.0], 0.3), 7.0, "of one");
    }

    #[test]
    #[should_panic(expected = "no samples")]
    fn of_nothing_there_is_none() {
        quantile(&[], 0.5);
    }
}
