//! How far two samples lie apart: the shift of Hodges and Lehmann, and its interval by rank sums.

use super::wilcoxon::normal_above;

/// Up to so many values of each sample the distribution is enumerated.
const EXACT: usize = 50;

/// The median of all differences of a value of `y` less one of `x`, and the interval that holds the
/// shift from `x` to `y` at least as often as `level` says.
///
/// The interval lies between two of the differences, as many from either end as the rank-sum test of
/// Mann and Whitney leaves out. There is none where there are too few values: three of each at a level
/// of .95. It holds where `y` has the distribution of `x` save for the shift, and all values are
/// independent.
///
/// Source: J. L. Hodges, E. L. Lehmann, "Estimates of location based on rank tests", Annals of
/// Mathematical Statistics 34 (1963) 598-611; M. Hollander, D. A. Wolfe, E. Chicken, "Nonparametric
/// Statistical Methods" (2013), 4.2 and 4.3.
///
/// # Panics
///
/// If a sample is empty, or a difference is not finite.
pub fn shift(x: &[f64], y: &[f64], level: f64) -> (f64, Option<(f64, f64)>) {
    assert!(!x.is_empty() && !y.is_empty(), "no samples");
    let mut all: Vec<f64> = y.iter().flat_map(|y| x.iter().map(move |x| y - x)).collect();
    assert!(all.iter().all(|d| d.is_finite()), "a difference is not finite");
    all.sort_by(f64::total_cmp);
    let last = all.len() - 1;
    let median = all[last / 2] / 2.0 + all[all.len() / 2] / 2.0;
    let outside = rank_sum_tail(x.len(), y.len(), (1.0 - level) / 2.0);
    (median, outside.map(|outside| (all[outside], all[last - outside])))
}

/// The largest number of pairs out of order that is reached, or fewer, with a probability of up to
/// `tail`, among `m` and `n` values of one distribution; none where even 0 is more probable.
fn rank_sum_tail(m: usize, n: usize, tail: f64) -> Option<usize> {
    if m.max(n) > EXACT {
        let (m, n) = (m as f64, n as f64);
        let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
        // Half a pair for continuity.
        let below = |count: usize| normal_above((m * n / 2.0 - count as f64 - 0.5) / deviation);
        let count = (0..).take_while(|count| below(*count) <= tail).count();
        return count.checked_sub(1);
    }
    let mut total = 0.0;
    let shares = distribution(m, n).into_iter();
    let counts = shares.take_while(|share| {
        total += share;
        total <= tail
    });
    counts.count().checked_sub(1)
}

/// The probabilities that 0, 1, 2 .. of the `m n` pairs are out of order.
///
/// The largest of all values is one of the `m` with the probability m / (m + n); then it is out of
/// order with all `n` others, and else with none.
///
/// Source: H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is
/// stochastically larger than the other", Annals of Mathematical Statistics 18 (1947) 50-60.
fn distribution(m: usize, n: usize) -> Vec<f64> {
    // Those of `i` and `j` values, for all `j` up to `n`.
    let mut row: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        let mut next = vec![vec![1.0]];
        for j in 1..=n {
            let (of_m, of_n) = (i as f64 / (i + j) as f64, j as f64 / (i + j) as f64);
            let mut shares = vec![0.0; i * j + 1];
            for (count, share) in row[j].iter().enumerate() {
                shares[count + j] += of_m * share;
            }
            for (count, share) in next[j - 1].iter().enumerate() {
                shares[count] += of_n * share;
            }
            next.push(shares);
        }
        row = next;
    }
    row.swap_remove(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::gaussian;

    #[test]
    fn worked_by_hand() {
        // Differences 1, 2, 3, 4, 5, 6.
        let (median, interval) = shift(&[1.0, 3.0, 5.0], &[6.0, 7.0], 0.95);
        assert_eq!((median, interval), (3.5, None), "one order of ten is too probable");
        // Of 6 orders of two and two values one has no pair out of order.
        let want = [1.0, 1.0, 2.0, 1.0, 1.0].map(|count| count / 6.0);
        let got = distribution(2, 2);
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-15), "{got:?}");
        // All of 16 differences, for the least has a probability of 1 / 70.
        let x = [0.0, 1.0, 2.0, 3.0];
        let (median, interval) = shift(&x, &x.map(|x| x + 10.0), 0.95);
        assert_eq!((median, interval), (10.0, Some((7.0, 13.0))), "four and four");
        assert_eq!(shift(&[1.0; 9], &[3.0; 9], 0.95), (2.0, Some((2.0, 2.0))), "ties");
    }

    #[test]
    fn the_tails_are_those_of_tables() {
        // Critical values of U for two-sided tests at .05.
        for (m, n, want) in [
            (3, 3, None),
            (4, 4, Some(0)),
            (5, 5, Some(2)),
            (7, 10, Some(14)),
            (10, 10, Some(23)),
            (20, 20, Some(127)),
            (8, 20, Some(41)),
        ] {
            assert_eq!(rank_sum_tail(m, n, 0.025), want, "{m} and {n}");
            assert_eq!(rank_sum_tail(n, m, 0.025), want, "{n} and {m}");
        }
        // 60 and 60: 1800 - 0.5 - 1.959964 * sqrt(60 * 60 * 121 / 12) = 1426.1.
        assert_eq!(rank_sum_tail(60, 60, 0.025), Some(1426), "normal");
        let exact: f64 = distribution(30, 40).iter().sum();
        assert!((exact - 1.0).abs() < 1e-12, "{exact}");
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        for (m, n) in [(6, 9), (20, 20)] {
            let covers = |trial: u64| {
                let (x, mut y) = (gaussian(2 * trial, m, 1.0), gaussian(2 * trial + 1, n, 1.0));
                y.iter_mut().for_each(|y| *y += 0.5);
                let (low, high) = shift(&x, &y, 0.9).1.unwrap();
                low <= 0.5 && 0.5 <= high
            };
            let covered = (0..400).filter(|trial| covers(*trial)).count();
            assert!((342..=382).contains(&covered), "{covered} of 400, 360 are due");
        }
    }

    #[test]
    #[should_panic(expected = "no samples")]
    fn nothing_lies_nowhere() {
        shift(&[], &[1.0], 0.95);
    }
}
