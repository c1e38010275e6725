//! Which steps are slow, and why.
//!
//! A step is slow if it takes more than twice the median. It is laid to the list if that was built
//! or pruned in it; to the machine if the thread did not have its processor for most of what the step
//! took too long; to the sampling of memory if that came just before, and left caches cold. What is
//! left comes in bursts: slow steps that are near one before, whatever that was laid to, belong to it,
//! for a machine that was busy elsewhere stays slow for some steps. Bursts are a tail where they
//! are surely more than one step in 200, and so are the steps where they are more than one in 20;
//! and if nearly all of six parts of the run have some, for a busy machine is so for a while.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measure::SAMPLED_EVERY;
use super::record::{Kind, Record, SLOW};
use crate::stats::{Samples, clopper_pearson};

/// The share of steps from which on slow ones that nothing explains are a tail.
pub const LEAST_SHARE: f64 = 0.005;
/// The same of steps that may stand close together.
pub const LEAST_DENSE_SHARE: f64 = 0.05;
/// Slow steps that are no further apart belong to one burst.
const NEAR: usize = 5;
/// Parts of a run, and how many of them have slow steps if there is a tail.
const PARTS: usize = 6;
const LEAST_PARTS: usize = 5;

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
    /// Bursts that begin with one of these.
    pub bursts: usize,
    /// The least share of all steps that bursts are, at 97.5 % confidence.
    pub bursts_share_low: f64,
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
    let (mut bursts, mut before) = (0, None);
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
            let is_near = before.replace(nth).is_some_and(|before| nth - before <= NEAR);
            bursts += usize::from(cause == 4 && !is_near);
            if cause == 4 {
                at.push(nth);
                excess += over / median;
            }
        }
    }
    let [rebuilt, pruned, waited, sampled, unexplained] = counts;
    let low = |count: usize| clopper_pearson(count as u64, all().count() as u64, 0.95).0;
    Tail {
        limit_ms: SLOW * median / 1e6,
        slow_steps: counts.iter().sum(),
        rebuilt,
        pruned,
        waited,
        sampled,
        unexplained,
        bursts,
        bursts_share_low: low(bursts),
        unexplained_excess: (unexplained > 0).then(|| excess / unexplained as f64),
        period_steps: period(&at),
        is_found: (low(bursts) > LEAST_SHARE || low(unexplained) > LEAST_DENSE_SHARE)
            && parts(&at, all().count()) >= LEAST_PARTS,
    }
}

/// Parts of so many steps that have some of these, which are counted from 1.
fn parts(at: &[usize], steps: usize) -> usize {
    let mut parts: Vec<usize> = at.iter().map(|nth| (nth - 1) * PARTS / steps).collect();
    parts.dedup();
    parts.len()
}

/// The distance at which most of the steps have another one of them, and three have.
fn period(at: &[usize]) -> Option<usize> {
    let gaps =
        at.iter().enumerate().flat_map(|(k, from)| at[k + 1..].iter().map(move |to| to - from));
    let mut counts = BTreeMap::new();
    gaps.for_each(|gap| *counts.entry(gap).or_insert(0_usize) += 1);
    // Of multiples of the period fewer pairs are there; of two that have as many, the smaller.
    let (gap, pairs) = counts.into_iter().rev().max_by_key(|(_, pairs)| *pairs)?;
    (pairs >= 3 && 2 * pairs >= at.len()).then_some(gap)
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
        let dense = (1..=300).map(|k| if k % 4 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(dense.collect())], false);
        assert!(found.is_found && found.period_steps == Some(4), "one in four: {found:?}");
    }

    #[test]
    fn a_machine_that_is_slow_for_some_steps_is_no_tail_and_hides_no_period() {
        let mut slow = record(vec![1000; 300]);
        slow.latency_ns[100..108].fill(5000);
        slow.waited_ns[100] = 4000;
        slow.latency_ns[200..203].fill(5000);
        let found = tail(&[slow], false);
        assert_eq!((found.unexplained, found.bursts, found.is_found), (10, 1, false), "{found:?}");
        let episode = (1..=600).map(|k| if k < 300 && k % 20 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(episode.collect())], false);
        assert_eq!((found.bursts, found.is_found), (14, false), "half of the run: {found:?}");
        let noisy = (1..=600).map(|k| if k % 50 == 0 || k % 83 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(noisy.collect())], false);
        assert_eq!((found.unexplained, found.period_steps), (19, Some(50)), "{found:?}");
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
