//! Change points of the mean: the cheapest partition of a series into segments.
//!
//! The cost of a segment is the sum of its squared deviations from its mean, and each change costs
//! a penalty. PELT finds the optimum: R. Killick, P. Fearnhead, I. A. Eckley, "Optimal detection of
//! changepoints with a linear computational cost", Journal of the American Statistical Association
//! 107 (2012) 1590-1598. Of equally cheap partitions, the one whose last segment is longest.

use super::Samples;

/// The positions at which a new segment of `values` starts, ascending, without the first.
///
/// Every segment has at least `shortest` values; fewer than twice as many have no change.
///
/// # Panics
///
/// If `shortest` is 0, the penalty is negative, or a value is not finite.
pub fn changes(values: &[f64], penalty: f64, shortest: usize) -> Vec<usize> {
    assert!(shortest > 0, "a segment has values");
    assert!(penalty >= 0.0, "a penalty of {penalty}");
    assert!(values.iter().all(|v| v.is_finite()), "a value is not finite");
    let len = values.len();
    if len < 2 * shortest {
        return Vec::new();
    }
    let cost = Cost::of(values);
    // The cheapest partition of the first `end` values, and where its last segment starts.
    let mut best = vec![(f64::INFINITY, 0); len + 1];
    best[0].0 = -penalty;
    let mut starts: Vec<Start> = Vec::new();
    for end in shortest..=len {
        let start = end - shortest;
        if best[start].0.is_finite() {
            starts.push(Start { at: start, until: usize::MAX });
        }
        starts.retain(|start| end < start.until);
        let total = |start: &Start| best[start.at].0 + cost.of_segment(start.at, end);
        let cheapest = starts
            .iter()
            .map(|start| (total(start) + penalty, start.at))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .expect("the segment that starts last is there");
        for start in &mut starts {
            // Whatever follows, a change here costs less, once the segment after it is long enough.
            if total(start) > cheapest.0 {
                start.until = start.until.min(end + shortest);
            }
        }
        best[end] = cheapest;
    }
    let mut found = Vec::new();
    let mut at = best[len].1;
    while at > 0 {
        found.push(at);
        at = best[at].1;
    }
    found.reverse();
    found
}

/// The standard deviation of the noise in a series whose mean seldom changes.
///
/// From the median of the absolute differences of neighbours, as of a normal distribution: a few
/// changes and outliers hardly move it.
///
/// # Panics
///
/// If there are fewer than two values.
pub fn noise(values: &[f64]) -> f64 {
    /// The upper quartile of the standard normal distribution.
    const QUARTILE: f64 = 0.674_489_750_196_081_7;
    let steps = Samples::new(values.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
    steps.median() / (QUARTILE * 2f64.sqrt())
}

/// A place where the last segment may start.
struct Start {
    at: usize,
    /// From this end on it cannot be the best any more.
    until: usize,
}

/// Sums from which the cost of any segment follows.
struct Cost {
    /// Of the values before each position: their sum, and that of their squares.
    sums: Vec<(f64, f64)>,
}

impl Cost {
    fn of(values: &[f64]) -> Self {
        // Differences of large sums would lose what is small.
        let centre = values.iter().sum::<f64>() / values.len() as f64;
        let mut sums = vec![(0.0, 0.0)];
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in values {
            let value = value - centre;
            sum += value;
            squares += value * value;
            sums.push((sum, squares));
        }
        Self { sums }
    }

    fn of_segment(&self, start: usize, end: usize) -> f64 {
        let ((s0, q0), (s1, q1)) = (self.sums[start], self.sums[end]);
        let sum = s1 - s0;
        (q1 - q0 - sum * sum / (end - start) as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand_distr::{Distribution as _, Normal};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use serde::Deserialize;

    /// The cost of a partition by its definition.
    fn cost(values: &[f64], changes: &[usize], penalty: f64) -> f64 {
        let ends = changes.iter().copied().chain([values.len()]);
        let starts = [0].into_iter().chain(changes.iter().copied());
        let segment = |(start, end): (usize, usize)| {
            let mean = values[start..end].iter().sum::<f64>() / (end - start) as f64;
            values[start..end].iter().map(|v| (v - mean).powi(2)).sum::<f64>()
        };
        starts.zip(ends).map(segment).sum::<f64>() + penalty * changes.len() as f64
    }

    /// Optimal partitioning without pruning, every cost by its definition.
    fn oracle(values: &[f64], penalty: f64, shortest: usize) -> Vec<usize> {
        let mut best: Vec<Option<(f64, Vec<usize>)>> = vec![Some((-penalty, Vec::new()))];
        for end in 1..=values.len() {
            let mut cheapest: Option<(f64, Vec<usize>)> = None;
            for start in 0..(end + 1).saturating_sub(shortest) {
                let Some((before, changes)) = &best[start] else { continue };
                let total = before + penalty + cost(&values[start..end], &[], 0.0);
                if cheapest.as_ref().is_none_or(|(found, _)| total < *found) {
                    let mut changes = changes.clone();
                    changes.extend((start > 0).then_some(start));
                    cheapest = Some((total, changes));
                }
            }
            best.push(cheapest);
        }
        best.pop().flatten().map(|(_, changes)| changes).unwrap_or_default()
    }

    fn series(seed: u64, noise: f64, levels: &[(usize, f64)]) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let normal = Normal::new(0.0, noise).unwrap();
        let steps = levels.iter().flat_map(|(len, level)| std::iter::repeat_n(*level, *len));
        steps.map(|level| level + normal.sample(&mut rng)).collect()
    }

    #[test]
    fn worked_by_hand() {
        let x = [1.0, 1.0, 1.0, 5.0, 5.0];
        // One segment costs 12.8 + 6.4 = 19.2, two cost the penalty.
        assert_eq!(changes(&x, 19.1, 1), [3], "cheaper in two");
        assert!(changes(&x, 19.3, 1).is_empty(), "cheaper in one");
        assert_eq!(changes(&x, 1.0, 2), [3], "two are enough");
        assert!(changes(&x, 0.1, 3).is_empty(), "too short for two of three");
        assert_eq!(changes(&[0.0, 9.0, 0.0], 1.0, 1), [1, 2], "a single value");
        assert!(changes(&[], 1.0, 1).is_empty(), "of nothing");
    }

    #[test]
    fn the_noise_is_that_of_the_series_between_its_steps() {
        let x = series(1, 0.25, &[(400, 0.0), (300, 7.0), (300, -3.0)]);
        assert!((noise(&x) - 0.25).abs() < 0.02, "{}", noise(&x));
        assert_eq!(noise(&[2.0, 2.0, 2.0, 3.0]), 0.0, "mostly the same");
    }

    #[derive(Deserialize)]
    struct Golden {
        values: Vec<f64>,
        penalty: f64,
        shortest: usize,
        changes: Vec<usize>,
    }

    #[test]
    fn the_partitions_are_those_of_ruptures() {
        let text = include_str!("../../fixtures/stats/pelt.json");
        let golden: Vec<Golden> = serde_json::from_str(text).unwrap();
        assert!(golden.iter().any(|case| case.changes.len() > 2), "some have several changes");
        for (nth, case) in golden.iter().enumerate() {
            let found = changes(&case.values, case.penalty, case.shortest);
            assert_eq!(found, case.changes, "series {nth}");
        }
    }

    proptest! {
        #[test]
        fn no_partition_is_cheaper(
            values in prop::collection::vec(-3.0..3.0_f64, 0..40),
            steps in prop::collection::vec(-9.0..9.0_f64, 40),
            every in 1..12_usize,
            penalty in 0.0..20.0_f64,
            shortest in 1..5_usize,
        ) {
            let values: Vec<f64> =
                values.iter().enumerate().map(|(k, v)| v + steps[k / every]).collect();
            let (found, best) =
                (changes(&values, penalty, shortest), oracle(&values, penalty, shortest));
            let (got, want) = (cost(&values, &found, penalty), cost(&values, &best, penalty));
            prop_assert!((got - want).abs() <= 1e-9 * (1.0 + want), "{found:?} {best:?}");
            prop_assert_eq!(found, best);
        }
    }
}
