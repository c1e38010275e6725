//! Which steps are slow, and why.
//!
//! A step is slow if it takes more than twice the median. It is laid to the list if that was built
//! or pruned in it; to the machine if the thread did not have its processor for most of what the step
//! took too long; to the sampling of memory if that came just before, and left caches cold. What is
//! left is the potential's own, and is a tail where it is surely more than one step in 200.

use serde::{Deserialize, Serialize};

use super::measure::SAMPLED_EVERY;
use super::record::{Kind, Record};
use crate::stats::{Samples, clopper_pearson};

/// The share of steps from which on slow ones that nothing explains are a tail.
pub const LEAST_SHARE: f64 = 0.005;
/// Slow is more than so many medians.
pub const SLOW: f64 = 2.0;

/// The slow steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The limit in milliseconds: twice the median.
    pub limit_ms: f64,
    /// Steps beyond it.
    pub slow_steps: usize,
    /// Those in which the list was built.
    pub rebuilt: usize,
    /// Those in which it was pruned.
    pub pruned: usize,
    /// Those for most of whose excess the thread did not have its processor.
    pub waited: usize,
    /// Those right after a sample of memory.
    pub sampled: usize,
    /// All others.
    pub unexplained: usize,
    /// The least share of all steps that these are, at 97.5 % confidence.
    pub unexplained_share_low: f64,
    /// The mean excess of these over the median, in medians.
    pub unexplained_excess: Option<f64>,
    /// Steps from one of these to the next, where that is mostly the same.
    pub period_steps: Option<usize>,
    /// Whether there is a tail.
    pub is_found: bool,
}

/// Finds the slow steps of all repeats; `is_sampled` says whether memory was.
///
/// # Panics
///
/// If there is no step.
pub fn tail(repeats: &[Record], is_sampled: bool) -> Tail {
    let all = || repeats.iter().flat_map(|record| record.latency_ns.iter());
    let median = Samples::new(all().map(|ns| *ns as f64)).median();
    let (mut counts, mut at, mut excess) = ([0; 5], Vec::new(), 0.0);
    let mut nth = 0;
    for record in repeats {
        for (step, &ns) in record.latency_ns.iter().enumerate() {
            nth += 1;
            let over = ns as f64 - median;
            if ns as f64 <= SLOW * median {
                continue;
            }
            let follows = step == 0 || (step - 1).is_multiple_of(SAMPLED_EVERY);
            let cause = match record.kinds[step] {
                Kind::Rebuilt => 0,
                Kind::Pruned => 1,
                Kind::Quiet if record.waited_ns[step] as f64 > 0.5 * over => 2,
                Kind::Quiet if is_sampled && follows => 3,
                Kind::Quiet => 4,
            };
            counts[cause] += 1;
            if cause == 4 {
                at.push(nth);
                excess += over / median;
            }
        }
    }
    let [rebuilt, pruned, waited, sampled, unexplained] = counts;
    let (low, _) = clopper_pearson(unexplained as u64, all().count() as u64, 0.95);
    Tail {
        limit_ms: SLOW * median / 1e6,
        slow_steps: counts.iter().sum(),
        rebuilt,
        pruned,
        waited,
        sampled,
        unexplained,
        unexplained_share_low: low,
        unexplained_excess: (unexplained > 0).then(|| excess / unexplained as f64),
        period_steps: period(&at),
        is_found: low > LEAST_SHARE,
    }
}

/// The distance from one step to the next that most of four or more have.
fn period(at: &[usize]) -> Option<usize> {
    let mut gaps: Vec<usize> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let middle = *gaps.get(gaps.len() / 2)?;
    let same = gaps.iter().filter(|gap| **gap == middle).count();
    (gaps.len() >= 3 && 2 * same > gaps.len()).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(latency_ns: Vec<u64>) -> Record {
        let steps = latency_ns.len();
        let mut record = Record::touched(steps, 0, 0, false);
        record.waited_ns.fill(0);
        record.kinds.fill(Kind::Quiet);
        Record { latency_ns, ..record }
    }

    #[test]
    fn one_step_in_fifty_is_a_tail_and_has_its_period() {
        let all = (1..=300).map(|k| if k % 50 == 0 { 5000 } else { 1000 + k % 7 });
        let found = tail(&[record(all.collect())], true);
        assert!(found.is_found, "{found:?}");
        assert_eq!((found.slow_steps, found.unexplained, found.period_steps), (6, 6, Some(50)));
        assert!((found.unexplained_excess.unwrap() - 4.0).abs() < 0.03, "{found:?}");
        let few = (1..=300).map(|k| if k % 150 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(few.collect())], true);
        assert!(!found.is_found && found.unexplained == 2, "two of 300: {found:?}");
    }

    #[test]
    fn a_slow_step_is_laid_to_its_cause() {
        let mut slow = record(vec![1000; 300]);
        for step in [4, 15, 26, 40, 61] {
            slow.latency_ns[step] = 2001;
        }
        slow.latency_ns[70] = 2000;
        slow.kinds[4] = Kind::Rebuilt;
        slow.kinds[15] = Kind::Pruned;
        slow.waited_ns[26] = 501;
        slow.waited_ns[40] = 500;
        let found = tail(&[slow.clone()], true);
        let Tail { slow_steps, rebuilt, pruned, waited, sampled, unexplained, .. } = found;
        assert_eq!([slow_steps, rebuilt, pruned, waited, sampled, unexplained], [5, 1, 1, 1, 1, 1]);
        let found = tail(&[slow], false);
        assert_eq!((found.sampled, found.unexplained), (0, 2), "memory was not sampled");
        assert_eq!(tail(&[record(vec![7])], true).slow_steps, 0, "one step");
    }
}
