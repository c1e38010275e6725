//! Where samples lie: the estimate of Hodges and Lehmann, and its intervals, by bootstrap over
//! blocks and by signed ranks.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::wilcoxon::signed_rank_tail;
use super::{Method, Samples};

/// The median of the means of all pairs of values, each value paired with itself too.
///
/// Source: J. L. Hodges, E. L. Lehmann, "Estimates of location based on rank tests", Annals of
/// Mathematical Statistics 34 (1963) 598-611. Selection: J. F. Monahan, "Algorithm 616: fast
/// computation of the Hodges-Lehmann location estimator", ACM Transactions on Mathematical
/// Software 10 (1984) 265-270, by halving a bracket instead of random pivots.
///
/// # Panics
///
/// If there is no value, or twice a value is not finite.
pub fn hodges_lehmann(x: &[f64]) -> f64 {
    assert!(!x.is_empty(), "no samples");
    assert!(x.iter().all(|x| (2.0 * x).is_finite()), "twice a value is not finite");
    let samples = Samples::new(x.iter().copied());
    let pairs = x.len() * (x.len() + 1) / 2;
    let (first, second) = sums(samples.sorted(), (pairs - 1) / 2, pairs / 2);
    (first / 2.0 + second / 2.0) / 2.0
}

/// The interval that holds the centre of `x` at least as often as `level` says.
///
/// It lies between two means of pairs of values, as many from either end as Wilcoxon's signed-rank
/// test leaves out. There is none where `x` has too few values: less than 6 at a level of .95.
///
/// This holds where each value is as likely above the centre as below it, by the same amount,
/// whatever the others are: values need not have one distribution.
///
/// Source: J. W. Tukey, "The simplest signed-rank tests", Memorandum Report 17, Statistical
/// Research Group, Princeton (1949); M. Hollander, D. A. Wolfe, E. Chicken, "Nonparametric
/// Statistical Methods" (2013), 3.3.
///
/// # Panics
///
/// If there is no value, or twice a value is not finite.
pub fn signed_rank_interval(x: &[f64], level: f64) -> Option<(f64, f64)> {
    assert!(!x.is_empty(), "no samples");
    assert!(x.iter().all(|x| (2.0 * x).is_finite()), "twice a value is not finite");
    let outside = signed_rank_tail(x.len(), (1.0 - level) / 2.0)?;
    let samples = Samples::new(x.iter().copied());
    let pairs = x.len() * (x.len() + 1) / 2;
    let end = |nth| sums(samples.sorted(), nth, nth).0 / 2.0;
    Some((end(outside), end(pairs - 1 - outside)))
}

/// The sums of pairs of number `lower` and `upper`, from 0, of ascending `x`; the two are equal or
/// next to each other.
fn sums(x: &[f64], lower: usize, upper: usize) -> (f64, f64) {
    // Both sums lie in `(low, high]`, with `within` sums; `below` sums are at most `low`.
    // Any such bracket gives the result: halving only leaves fewer sums to select from. Equal
    // sums cannot be parted, hence the limit.
    let (mut low, mut high) = ((2.0 * x[0]).next_down(), 2.0 * x[x.len() - 1]);
    let (mut below, mut within) = (0, x.len() * (x.len() + 1) / 2);
    for _ in 0..HALVINGS {
        if within <= CHEAP * x.len() {
            break;
        }
        let middle = low / 2.0 + high / 2.0;
        let count = sums_up_to(x, middle);
        if count <= lower {
            within -= count - below;
            (low, below) = (middle, count);
        } else if count > upper {
            within = count - below;
            high = middle;
        } else {
            break;
        }
    }
    let mut sums = Vec::with_capacity(within);
    for (i, a) in x.iter().enumerate() {
        let partners = &x[i..];
        let from = partners.partition_point(|b| a + b <= low);
        let to = partners.partition_point(|b| a + b <= high);
        sums.extend(partners[from..to].iter().map(|b| a + b));
    }
    let (_, &mut first, above) = sums.select_nth_unstable_by(lower - below, f64::total_cmp);
    let second =
        if upper == lower { first } else { above.iter().copied().fold(f64::INFINITY, f64::min) };
    (first, second)
}

/// Halvings of the bracket at most.
const HALVINGS: usize = 64;

/// Sums per value that are cheaper to select from than to bracket further.
const CHEAP: usize = 4;

/// How many pairs `i <= j` have `x[i] + x[j] <= bound`, for ascending `x`.
fn sums_up_to(x: &[f64], bound: f64) -> usize {
    let (mut count, mut end) = (0, x.len());
    for (i, a) in x.iter().enumerate() {
        while end > i && a + x[end - 1] > bound {
            end -= 1;
        }
        if end <= i {
            break;
        }
        count += end - i;
    }
    count
}

/// The interval that holds the share `level` of [`hodges_lehmann`] over resamples: each takes as
/// many blocks as there are, with replacement, and pools their values.
///
/// Blocks, not values, are drawn, since the values of one block share what moved it. The same
/// seed gives the same interval everywhere.
///
/// Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
/// (1979) 1-26; percentile interval, quantiles by [`Method::Linear`].
///
/// # Panics
///
/// If there is no block, a block is empty, twice a value is not finite, `level` is outside
/// `[0, 1]` or `resamples` is zero.
pub fn bootstrap_interval(
    blocks: &[Vec<f64>],
    level: f64,
    resamples: usize,
    seed: u64,
) -> (f64, f64) {
    assert!(!blocks.is_empty() && blocks.iter().all(|b| !b.is_empty()), "an empty block");
    assert!((0.0..=1.0).contains(&level), "{level} is not a probability");
    assert!(resamples > 0, "no resamples");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut pooled = Vec::new();
    let estimates = Samples::new((0..resamples).map(|_| {
        pooled.clear();
        for _ in blocks {
            pooled.extend_from_slice(&blocks[below(&mut rng, blocks.len())]);
        }
        hodges_lehmann(&pooled)
    }));
    let tail = (1.0 - level) / 2.0;
    let at = |p| estimates.quantile(p, Method::Linear);
    (at(tail), at(1.0 - tail))
}

/// A draw from `0..len`: the high word of 64 random bits times `len`, whose bias, `len` in 2^64,
/// shows nowhere, and which no release of a library changes.
#[expect(clippy::cast_possible_truncation, reason = "less than len")]
fn below(rng: &mut Xoshiro256PlusPlus, len: usize) -> usize {
    ((u128::from(rng.next_u64()) * len as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition.
    fn by_definition(x: &[f64]) -> f64 {
        let pairs = (0..x.len()).flat_map(|i| (i..x.len()).map(move |j| (i, j)));
        let means = Samples::new(pairs.map(|(i, j)| (x[i] + x[j]) / 2.0));
        let means = means.sorted();
        (means[(means.len() - 1) / 2] + means[means.len() / 2]) / 2.0
    }

    #[test]
    fn worked_by_hand() {
        assert_eq!(hodges_lehmann(&[7.0]), 7.0, "of one");
        assert_eq!(hodges_lehmann(&[1.0, 2.0]), 1.5, "of 1, 1.5, 2");
        // 1, 1.5, 2, 5.5, 6, 10: the middle two are 2 and 5.5.
        assert_eq!(hodges_lehmann(&[10.0, 1.0, 2.0]), 3.75, "of an even number of means");
    }

    proptest! {
        #[test]
        fn selection_finds_the_median_of_the_definition(
            coarse in proptest::collection::vec(-20i32..20, 1..120),
            fine in proptest::collection::vec(-1.0..1.0, 1..120),
        ) {
            let coarse: Vec<f64> = coarse.into_iter().map(f64::from).collect();
            for x in [coarse, fine] {
                prop_assert_eq!(hodges_lehmann(&x), by_definition(&x));
            }
        }
    }

    #[test]
    fn values_of_any_scale_are_selected() {
        let zeros = vec![0.0; 300];
        let wide: Vec<f64> =
            (0..300).map(|i| 10f64.powi(i - 150) * f64::from(1 - i % 2 * 2)).collect();
        let far: Vec<f64> = [0.0, 0.0, -0.0, 1e300].repeat(80);
        for x in [zeros, wide, far, vec![-8e307; 60]] {
            assert_eq!(hodges_lehmann(&x), by_definition(&x), "{:?}", &x[..4]);
        }
    }

    #[test]
    fn the_ends_of_an_interval_are_means_of_pairs() {
        assert_eq!(
            signed_rank_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95),
            None,
            "1 of 16 is outside"
        );
        let x = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        assert_eq!(signed_rank_interval(&x, 0.95), Some((1.0, 32.0)), "all of six");
        // Of ten values eight means are left out at either end, as tables say.
        for (seed, len, outside) in [(1, 7, 2), (2, 10, 8), (3, 25, 89), (4, 50, 434)] {
            let x = crate::input::gaussian(seed, len, 1.0);
            let pairs = (0..len).flat_map(|i| (i..len).map(move |j| (i, j)));
            let means = Samples::new(pairs.map(|(i, j)| (x[i] + x[j]) / 2.0));
            let (low, high) = signed_rank_interval(&x, 0.95).unwrap();
            let means = means.sorted();
            assert_eq!(low, means[outside], "{len} values");
            assert_eq!(high, means[means.len() - 1 - outside], "{len} values");
        }
    }

    #[test]
    fn the_interval_of_values_of_many_sizes_covers_as_often_as_it_says() {
        let mut covered = 0;
        for trial in 0..400 {
            let mut x = crate::input::gaussian(trial, 20, 1.0);
            (1..).zip(&mut x).for_each(|(size, x)| *x *= f64::from(size * size));
            let (low, high) = signed_rank_interval(&x, 0.9).unwrap();
            covered += u32::from(low <= 0.0 && 0.0 <= high);
        }
        assert!((342..=378).contains(&covered), "{covered} of 400, 360 are due");
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        // 20 blocks of 3 values about a level that is the block's own.
        let mut covered = 0;
        for trial in 0..200 {
            let levels = crate::input::gaussian(2 * trial, 20, 0.02);
            let noise = crate::input::gaussian(2 * trial + 1, 60, 0.01);
            let blocks: Vec<Vec<f64>> =
                (0..20).map(|b| (0..3).map(|i| levels[b] + noise[3 * b + i]).collect()).collect();
            let (low, high) = bootstrap_interval(&blocks, 0.9, 200, trial);
            covered += u32::from(low <= 0.0 && 0.0 <= high);
        }
        assert!((164..=193).contains(&covered), "{covered} of 200, 180 are due");
    }

    #[test]
    fn one_block_is_its_own_interval() {
        let block = vec![1.0, 2.0, 4.0];
        let own = hodges_lehmann(&block);
        assert_eq!(bootstrap_interval(&[block], 0.95, 10, 1), (own, own), "every resample");
    }

    #[test]
    #[should_panic(expected = "an empty block")]
    fn an_empty_block_is_refused() {
        bootstrap_interval(&[vec![1.0], vec![]], 0.95, 10, 1);
    }

    #[test]
    #[should_panic(expected = "no samples")]
    fn of_nothing_there_is_none() {
        hodges_lehmann(&[]);
    }
}
