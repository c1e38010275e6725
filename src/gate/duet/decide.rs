//! From pairs of samples to verdicts: tests of block medians, corrected for looks and for cases.
//!
//! A block holds the pairs of one process of each build; pairs of one block share what the loader
//! and the allocator did, so the tests see one value per block: the median of its log ratios.
//!
//! The samples are looked at up to three times, and each [`Look`] spends its share of the error
//! budget: a p-value counts as `p / share` there. A case that is judged at any one of its looks
//! errs at most as often as at all of them together, which is the level (Bonferroni, weighted).

use crate::gate::Change;
use crate::stats::{self, Samples};

/// When the samples are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// How many blocks there are by then.
    pub blocks: usize,
    /// Which share of the error budget this look spends.
    pub share: f64,
}

/// Every look: .01, .015 and .025 of a budget of .05.
pub const LOOKS: [Look; 3] = [
    Look { blocks: 10, share: 0.2 },
    Look { blocks: 20, share: 0.3 },
    Look { blocks: 80, share: 0.5 },
];

/// The level of every verdict.
const LEVEL: f64 = 0.05;

/// The interval holds so much.
const INTERVAL: f64 = 0.95;

/// Resamples of the interval.
const RESAMPLES: usize = 999;

/// The samples of one case.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Logs of new over old, block by block.
    pub log_ratios: &'a [Vec<f64>],
    /// How much slower is too slow, as a share.
    pub margin: f64,
}

/// The judgement of one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// New over old.
    pub ratio: f64,
    /// The p-value of slower, corrected for looks.
    pub slower_p: f64,
    /// The same, corrected for cases too.
    pub slower_q: f64,
    /// The p-value of faster, corrected for looks.
    pub faster_p: f64,
    /// The same, corrected for cases too.
    pub faster_q: f64,
    /// The verdict.
    pub change: Change,
}

/// Judges all cases of a run together: each kind of alarm is one family of Benjamini and Hochberg.
///
/// # Panics
///
/// If no look is at the number of blocks of a case, a block is empty, or a ratio is not finite and
/// positive.
pub fn judge(cases: &[Evidence<'_>]) -> Vec<Judged> {
    let median = |block: &Vec<f64>| Samples::new(block.iter().copied()).median();
    let medians: Vec<Vec<f64>> =
        cases.iter().map(|case| case.log_ratios.iter().map(median).collect()).collect();
    let p = |test: &dyn Fn(&[f64], f64) -> f64| -> Vec<f64> {
        let each = cases.iter().zip(&medians);
        each.map(|(case, x)| (test(x, case.margin.ln_1p()) / share(x.len())).min(1.0)).collect()
    };
    let slower_p = p(&|x, margin| stats::wilcoxon_greater(x, margin));
    let faster_p = p(&|x, margin| stats::wilcoxon_less(x, -margin));
    let same_p = p(&|x, margin| stats::tost(x, -margin, margin));
    let slower_q = stats::benjamini_hochberg(&slower_p);
    let faster_q = stats::benjamini_hochberg(&faster_p);
    let judge = |i: usize| {
        let all: Vec<f64> = cases[i].log_ratios.iter().flatten().copied().collect();
        let log_ratio = stats::hodges_lehmann(&all);
        let margin = cases[i].margin.ln_1p();
        let change = match () {
            () if slower_q[i] <= LEVEL && log_ratio > margin => Change::Slower,
            () if faster_q[i] <= LEVEL && log_ratio < -margin => Change::Faster,
            () if same_p[i] <= LEVEL => Change::Same,
            () => Change::Unclear,
        };
        Judged {
            ratio: log_ratio.exp(),
            slower_p: slower_p[i],
            slower_q: slower_q[i],
            faster_p: faster_p[i],
            faster_q: faster_q[i],
            change,
        }
    };
    (0..cases.len()).map(judge).collect()
}

/// The share of the budget that is spent at the look at so many blocks.
fn share(blocks: usize) -> f64 {
    let look = LOOKS.iter().find(|look| look.blocks == blocks);
    look.unwrap_or_else(|| panic!("no look is at {blocks} blocks")).share
}

/// The interval of the ratio of new over old, by bootstrap over blocks.
///
/// # Panics
///
/// If there is no block, a block is empty, or a ratio is not finite and positive.
pub fn interval(log_ratios: &[Vec<f64>], seed: u64) -> (f64, f64) {
    let (low, high) = stats::bootstrap_interval(log_ratios, INTERVAL, RESAMPLES, seed);
    (low.exp(), high.exp())
}

/// The larger share of log ratios with one sign.
pub fn one_sided(log_ratios: &[Vec<f64>]) -> f64 {
    let count = |sign: f64| log_ratios.iter().flatten().filter(|&&x| x * sign > 0.0).count();
    let all: usize = log_ratios.iter().map(Vec::len).sum();
    count(1.0).max(count(-1.0)) as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::input;

    /// Blocks of five log ratios about `shift`: each block has an offset of its own, and noise.
    fn blocks(seed: u64, blocks: usize, shift: f64, offset: f64, noise: f64) -> Vec<Vec<f64>> {
        let offsets = input::gaussian(seed, blocks, offset);
        let noise = input::gaussian(seed + 1000, 5 * blocks, noise);
        let block = |(noise, offset): (&[f64], &f64)| {
            noise.iter().map(|noise| shift + offset + noise).collect()
        };
        noise.chunks(5).zip(&offsets).map(block).collect()
    }

    fn judged(cases: &[Vec<Vec<f64>>]) -> Vec<Judged> {
        let evidence = |blocks| Evidence { log_ratios: blocks, margin: 0.03 };
        judge(&cases.iter().map(|blocks| evidence(blocks)).collect::<Vec<_>>())
    }

    fn changes(cases: &[Vec<Vec<f64>>]) -> Vec<Change> {
        judged(cases).iter().map(|judged| judged.change).collect()
    }

    #[test]
    fn no_change_is_never_slower_and_at_last_the_same() {
        for look in LOOKS {
            let cases: Vec<_> =
                (0..40).map(|seed| blocks(seed, look.blocks, 0.0, 0.01, 0.02)).collect();
            let changes = changes(&cases);
            assert!(!changes.contains(&Change::Slower), "{look:?}: {changes:?}");
            assert!(!changes.contains(&Change::Faster), "{look:?}: {changes:?}");
            let same = changes.iter().filter(|&&change| change == Change::Same).count();
            assert!(same > 20 && (look.blocks < 80 || same == 40), "{look:?}: {same} the same");
        }
    }

    #[test]
    fn offsets_of_processes_are_no_change() {
        // Pairs of one block agree, so pair by pair the noise of ten processes looks like fifty.
        let cases: Vec<_> =
            (0..200).map(|seed| vec![blocks(seed, 10, 0.03, 0.02, 0.001)]).collect();
        let alarms = cases.iter().filter(|case| changes(case) == [Change::Slower]).count();
        assert!(alarms <= 6, "{alarms} of 200 at the margin, where .01 is meant");
        let pairs = |case: &[Vec<Vec<f64>>]| {
            let all: Vec<f64> = case[0].iter().flatten().copied().collect();
            stats::wilcoxon_greater(&all, 0.03_f64.ln_1p()) <= 0.01
        };
        let alarms = cases.iter().filter(|case| pairs(case)).count();
        assert!(alarms > 20, "{alarms} of 200 by a test of pairs");
    }

    #[test]
    fn five_percent_are_found_and_mirrored_they_are_a_gain() {
        let slow = blocks(1, 80, 0.05, 0.01, 0.02);
        let fast: Vec<Vec<f64>> =
            slow.iter().map(|block| block.iter().map(|x| -x).collect()).collect();
        let mut cases: Vec<_> = (2..40).map(|seed| blocks(seed, 10, 0.0, 0.01, 0.02)).collect();
        cases.extend([slow.clone(), fast]);
        let judged = judged(&cases);
        let [slower, faster] = judged[38..] else { panic!("forty cases") };
        assert_eq!((slower.change, faster.change), (Change::Slower, Change::Faster), "{slower:?}");
        assert_eq!(slower.slower_p, faster.faster_p, "mirrored");
        assert!((slower.ratio - 1.051).abs() < 0.006, "{slower:?}");
        assert!((slower.ratio * faster.ratio - 1.0).abs() < 1e-12, "{faster:?}");
        let (low, high) = interval(&slow, 1);
        assert!(low < slower.ratio && slower.ratio < high && high - low < 0.01, "{low} {high}");
        assert!(low > 1.03, "{low}");
    }

    #[test]
    fn ties_are_the_same_and_no_side_of_anything() {
        let tied = vec![vec![0.0; 5]; 10];
        let [judged] = judged(slice::from_ref(&tied))[..] else { panic!("one case") };
        assert_eq!((judged.change, judged.ratio), (Change::Same, 1.0), "{judged:?}");
        assert_eq!((judged.slower_p, judged.faster_p), (1.0, 1.0), "{judged:?}");
        assert_eq!(one_sided(&tied), 0.0, "of neither sign");
        let at_the_margin = vec![vec![0.03_f64.ln_1p(); 5]; 10];
        assert_eq!(changes(&[at_the_margin]), [Change::Unclear], "not above the margin");
    }

    #[test]
    fn one_sided_is_seen_though_it_is_within_the_margin() {
        let shifted = blocks(3, 10, 0.01, 0.0, 0.003);
        assert_eq!(changes(slice::from_ref(&shifted)), [Change::Same], "within 3 %");
        assert!(one_sided(&shifted) > 0.9, "{}", one_sided(&shifted));
        let down: Vec<Vec<f64>> =
            shifted.iter().map(|block| block.iter().map(|x| -x).collect()).collect();
        assert_eq!(one_sided(&down), one_sided(&shifted), "either side");
    }

    #[test]
    fn a_p_value_counts_by_the_share_of_its_look_and_the_number_of_cases() {
        // All ten medians above the margin: p = 2^-10, at a fifth of the budget.
        let slow = vec![vec![0.05; 5]; 10];
        let slow: Vec<Vec<f64>> = (0..10)
            .map(|i| {
                slow[i].iter().map(|x| x + f64::from(u8::try_from(i).unwrap()) * 1e-4).collect()
            })
            .collect();
        let alone = judged(slice::from_ref(&slow))[0];
        assert!((alone.slower_p - 5.0 / 1024.0).abs() < 1e-15, "{alone:?}");
        assert_eq!((alone.slower_q, alone.change), (alone.slower_p, Change::Slower), "{alone:?}");
        let mut cases = vec![slow];
        cases.extend((0..29).map(|seed| blocks(seed, 10, 0.0, 0.01, 0.01)));
        let crowd = judged(&cases)[0];
        assert!((crowd.slower_q - 30.0 * alone.slower_p).abs() < 1e-12, "{crowd:?}");
        assert_eq!(crowd.change, Change::Unclear, "one alarm of thirty may be chance");
    }

    #[test]
    fn the_looks_and_what_they_spend_are_those_that_error_rates_were_measured_with() {
        let looks = LOOKS.map(|look| (look.blocks, look.share));
        assert_eq!((looks, LEVEL), ([(10, 0.2), (20, 0.3), (80, 0.5)], 0.05), "looks");
    }

    #[test]
    #[should_panic(expected = "no look is at 11 blocks")]
    fn between_looks_nothing_is_judged() {
        judged(&[vec![vec![0.0; 5]; 11]]);
    }
}
