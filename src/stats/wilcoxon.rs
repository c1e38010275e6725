//! Wilcoxon's signed-rank test against a margin, one-sided, and equivalence by two such tests.

use statrs::function::gamma::gamma_ur;

/// The probability of a signed-rank sum as large as that of `x - margin`, if `x` were symmetric
/// about `margin`: small where `x` lies above it.
///
/// Values equal to the margin are dropped, ties share their mean rank. The null distribution is
/// enumerated for up to 50 values without ties and zeros, and for up to 13 with them; else it is
/// normal, with the variance corrected for ties and without correction for continuity. That is
/// `scipy.stats.wilcoxon(x - margin, alternative="greater", zero_method="wilcox",
/// correction=False)`, save that where no value differs from the margin, or there is none, the
/// result is 1 and never NaN.
///
/// Source: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945)
/// 80-83.
///
/// # Panics
///
/// If a value less the margin is not finite.
pub fn wilcoxon_greater(x: &[f64], margin: f64) -> f64 {
    signed_rank(x.iter().map(|x| x - margin))
}

/// [`wilcoxon_greater`] mirrored: small where `x` lies below the margin.
///
/// # Panics
///
/// If the margin less a value is not finite.
pub fn wilcoxon_less(x: &[f64], margin: f64) -> f64 {
    signed_rank(x.iter().map(|x| margin - x))
}

/// The larger p-value of the two tests that `x` lies above `low` and below `high`: where it is
/// small, `x` lies between them.
///
/// Source: D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power
/// approach for assessing the equivalence of average bioavailability", Journal of Pharmacokinetics
/// and Biopharmaceutics 15 (1987) 657-680.
///
/// # Panics
///
/// If a value less a margin is not finite.
pub fn tost(x: &[f64], low: f64, high: f64) -> f64 {
    wilcoxon_greater(x, low).max(wilcoxon_less(x, high))
}

/// Up to so many values the null distribution is enumerated.
const EXACT: usize = 50;

/// The same where there are ties or zeros: up to here `SciPy` permutes signs, all of them.
const EXACT_TIED: usize = 13;

/// The upper p-value of the rank sum of the positive `differences`.
fn signed_rank(differences: impl ExactSizeIterator<Item = f64>) -> f64 {
    let len = differences.len();
    let mut d: Vec<f64> = differences.filter(|d| *d != 0.0).collect();
    assert!(d.iter().all(|d| d.is_finite()), "a value less the margin is not finite");
    if d.is_empty() {
        return 1.0;
    }
    d.sort_by(|a, b| a.abs().total_cmp(&b.abs()));

    // Twice the rank is an integer also where ties share a mean rank.
    let (mut ranks, mut positive, mut ties) = (Vec::with_capacity(d.len()), 0, Vec::new());
    for equal in d.chunk_by(|a, b| a.abs() == b.abs()) {
        let doubled = 2 * ranks.len() + equal.len() + 1;
        positive += doubled * equal.iter().filter(|d| **d > 0.0).count();
        ranks.extend(equal.iter().map(|_| doubled));
        ties.push(equal.len() as f64);
    }
    let irregular = d.len() < len || ties.len() < d.len();
    if len <= if irregular { EXACT_TIED } else { EXACT } {
        return enumerated(&ranks, positive);
    }
    let n = d.len() as f64;
    let tied: f64 = ties.iter().map(|t| t * t * t - t).sum();
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - tied / 2.0) / 24.0;
    let z = (positive as f64 / 2.0 - n * (n + 1.0) / 4.0) / variance.sqrt();
    normal_above(z)
}

/// The largest rank sum of `len` values that is reached, or less, with a probability of up to
/// `tail`; none where even the sum 0 is more probable. The distribution is that of
/// [`wilcoxon_greater`] without ties.
pub(super) fn signed_rank_tail(len: usize, tail: f64) -> Option<usize> {
    let n = len as f64;
    if len > EXACT {
        let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        let below = |sum: usize| normal_above((n * (n + 1.0) / 4.0 - sum as f64) / deviation);
        // The normal probability of the largest sum is near 1.
        let (mut low, mut high) = (0, len * (len + 1) / 2);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if below(middle) <= tail { low = middle } else { high = middle }
        }
        return (below(low) <= tail).then_some(low);
    }
    let mut total = 0.0;
    let shares = distribution(&(1..=len).collect::<Vec<_>>()).into_iter();
    let sums = shares.take_while(|share| {
        total += share;
        total <= tail
    });
    sums.count().checked_sub(1)
}

/// The probability that a standard normal value lies above `z`.
///
/// A value lies outside `-z..z` with the probability `Q(1/2, z^2 / 2)`, where `Q` is the regularised
/// upper incomplete gamma function. That of `statrs` is good to 1e-14, its `erfc` only to 1e-10.
///
/// Source: NIST Digital Library of Mathematical Functions, 8.4.6 and 7.2.2.
pub(super) fn normal_above(z: f64) -> f64 {
    let half_square = z * z / 2.0;
    if half_square == 0.0 {
        return 0.5;
    }
    let above = gamma_ur(0.5, half_square) / 2.0;
    if z > 0.0 { above } else { 1.0 - above }
}

/// The share of all choices of signs in which the positive ranks add up to `least` or more.
fn enumerated(ranks: &[usize], least: usize) -> f64 {
    distribution(ranks)[least..].iter().sum()
}

/// The shares of all choices of signs in which the positive ranks add up to 0, 1, 2..
///
/// Adds one rank after the other to the distribution of the sum, which is exact in f64 up to 53
/// ranks: every share is a multiple of a power of two.
///
/// Source: B. Streitberg, J. Roehmel, "Exact distributions for permutation and rank tests: an
/// introduction to some recently published algorithms", Statistical Software Newsletter 12 (1986)
/// 10-17.
fn distribution(ranks: &[usize]) -> Vec<f64> {
    let mut share = vec![0.0; ranks.iter().sum::<usize>() + 1];
    share[0] = 1.0;
    for &rank in ranks {
        for sum in (0..share.len()).rev() {
            let without = sum.checked_sub(rank).map_or(0.0, |rest| share[rest]);
            share[sum] = (share[sum] + without) / 2.0;
        }
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Of the 8 choices of signs of the ranks 1, 2, 3 one gives 6, two give 5 or more.
        assert_eq!(wilcoxon_greater(&[1.5, 2.5, 3.5], 0.5), 1.0 / 8.0, "all above");
        assert_eq!(wilcoxon_greater(&[-1.0, 2.0, 3.0], 0.0), 2.0 / 8.0, "the smallest below");
        assert_eq!(wilcoxon_less(&[-1.0, 2.0, 3.0], 0.0), 7.0 / 8.0, "mirrored");
        // Ranks 1.5, 1.5, 3: 4.5 or more in three of eight.
        assert_eq!(wilcoxon_greater(&[-1.0, 1.0, 2.0], 0.0), 3.0 / 8.0, "tied");
        assert_eq!(wilcoxon_greater(&[0.0, 0.0, 1.0], 0.0), 0.5, "zeros are dropped");
    }

    #[test]
    fn the_tails_are_those_of_tables() {
        let table =
            [(5, None), (6, Some(0)), (7, Some(2)), (8, Some(3)), (9, Some(5)), (15, Some(25))];
        for (len, sum) in
            table.into_iter().chain([(20, Some(52)), (30, Some(137)), (50, Some(434))])
        {
            assert_eq!(signed_rank_tail(len, 0.025), sum, "{len} values");
        }
        // 100 values: 2525 - 1.959964 * 290.84 = 1954.96.
        assert_eq!(signed_rank_tail(100, 0.025), Some(1954), "normal");
    }

    #[test]
    fn without_a_difference_nothing_is_shown() {
        for x in [&[][..], &[0.25], &[0.25; 60]] {
            assert_eq!(wilcoxon_greater(x, 0.25), 1.0, "greater, {} values", x.len());
            assert_eq!(wilcoxon_less(x, 0.25), 1.0, "less, {} values", x.len());
        }
        assert_eq!(tost(&[], -1.0, 1.0), 1.0, "equivalence");
    }

    #[test]
    fn enumeration_counts_every_choice_of_signs() {
        let ranks = [2, 5, 5, 5, 10, 10, 14, 17, 17];
        for least in 0..=ranks.iter().sum::<usize>() {
            let of = |signs: usize| -> usize {
                (0..ranks.len()).filter(|i| signs >> i & 1 == 1).map(|i| ranks[i]).sum()
            };
            let count = (0..1 << ranks.len()).filter(|&signs| of(signs) >= least).count();
            assert_eq!(enumerated(&ranks, least), count as f64 / 512.0, "{least} or more");
        }
    }

    #[test]
    fn a_normal_tail_is_that_of_the_tables() {
        // Quantiles of the normal distribution to 16 digits.
        for (z, above) in [
            (0.0, 0.5),
            (1.959_963_984_540_054, 0.025),
            (-1.959_963_984_540_054, 0.975),
            (3.090_232_306_167_813_5, 0.001),
            (0.253_347_103_135_799_8, 0.4),
        ] {
            let got = normal_above(z);
            assert!((got / above - 1.0).abs() < 1e-13, "{got} above {z}");
        }
        assert!(normal_above(1e-200) == 0.5 && normal_above(60.0) == 0.0, "the ends");
    }

    #[test]
    fn equivalence_needs_both_sides() {
        let x: Vec<f64> = (0..10).map(|i| 0.001 * f64::from(i)).collect();
        assert!(tost(&x, -0.03, 0.03) < 0.001, "inside");
        assert!(tost(&x, 0.001, 0.03) > 0.001, "on the lower margin");
        assert_eq!(tost(&x, 0.02, 0.03), 1.0, "below");
        assert_eq!(tost(&x, -0.03, -0.02), 1.0, "above");
    }

    #[test]
    #[should_panic(expected = "not finite")]
    fn a_value_that_is_no_number_is_refused() {
        wilcoxon_greater(&[1.0, f64::NAN], 0.0);
    }
}
