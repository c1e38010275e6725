//! Which steps are slow, and why.
//!
//! A step is slow if it takes more than twice the median. It is laid to the list if that was built
//! or pruned in it; to the machine if the thread did not have its processor for most of what the step
//! took too long; to the sampling of memory if that came just before, and mostly makes steps slow.
//!
//! What is left is the program's or that of a machine that was busy elsewhere and does not say so. The
//! machine is slow at any time, a program at the same step again: there is a tail where one step in `n`
//! is slow, through the whole run and but for a fifth of them. So often by chance, of all `n` and all
//! steps to begin with, is once in a thousand runs if slow steps fall anywhere, as often as the others
//! do. Slow steps that are surely more than one in 200 and have no period are not told from the machine's.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::measure::SAMPLED_EVERY;
use super::record::{Kind, Record, SLOW};
use crate::stats::{Samples, clopper_pearson};

/// The share of steps from which on slow ones that nothing explains are worth a word.
pub const LEAST_SHARE: f64 = 0.005;
/// Slow steps that are no further apart belong to one burst.
const NEAR: usize = 5;
/// The longest period of a tail, and the fewest steps that have one.
const LONGEST: usize = 200;
const FEWEST: usize = 5;
/// The share of the steps of a period that are slow.
const LEAST_FILLED: f64 = 0.8;
/// The probability that slow steps seem to have a period.
const MOST_CHANCE: f64 = 1e-3;

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
    /// Those right after a sample of memory, where most of these are slow.
    pub sampled: usize,
    /// All others.
    pub unexplained: usize,
    /// Bursts that begin with one of these.
    pub bursts: usize,
    /// The least share of all steps that bursts are, at 97.5 % confidence.
    pub bursts_share_low: f64,
    /// The longest period that so many steps tell.
    pub longest_period_steps: usize,
    /// One step in so many of these is slow, if there is a tail.
    pub period_steps: Option<usize>,
    /// The mean time of these steps, in medians.
    pub period_medians: Option<f64>,
    /// Whether there is a tail; null where slow steps are many and have no period, or
    /// steps are too few.
    pub is_found: Option<bool>,
}

/// Finds the slow steps of all repeats; `is_sampled` says whether memory was.
///
/// # Panics
///
/// If there is no step.
pub fn tail(repeats: &[Record], is_sampled: bool) -> Tail {
    let all: Vec<u64> = repeats.iter().flat_map(|record| record.latency_ns.clone()).collect();
    let median = Samples::new(all.iter().map(|ns| *ns as f64)).median();
    let is_slow = |ns: u64| ns as f64 > SLOW * median;
    let follows = |step: usize| step > 0 && (step - 1).is_multiple_of(SAMPLED_EVERY);
    let after = repeats.iter().flat_map(|record| {
        let quiet = move |step: &usize| follows(*step) && record.kinds[*step] == Kind::Quiet;
        (0..record.kinds.len()).filter(quiet).map(|step| is_slow(record.latency_ns[step]))
    });
    let after: Vec<bool> = after.collect();
    let is_cold = is_sampled && 2 * after.iter().filter(|slow| **slow).count() > after.len();
    let (mut counts, mut slow, mut known) = ([0; 5], Vec::new(), Vec::new());
    let (mut bursts, mut before) = (0, None);
    let steps = repeats.iter().flat_map(|record| (0..record.kinds.len()).map(move |k| (record, k)));
    for (nth, (record, step)) in steps.enumerate().filter(|(nth, _)| is_slow(all[*nth])) {
        let over = all[nth] as f64 - median;
        let cause = match record.kinds[step] {
            Kind::Rebuilt => 0,
            Kind::Pruned => 1,
            Kind::Quiet if record.waited_ns[step] as f64 > 0.5 * over => 2,
            Kind::Quiet if is_cold && follows(step) => 3,
            Kind::Quiet => 4,
        };
        counts[cause] += 1;
        let is_near = before.replace(nth).is_some_and(|before| nth - before <= NEAR);
        bursts += usize::from(cause == 4 && !is_near);
        if cause == 4 { slow.push(nth) } else { known.push(nth) }
    }
    let [rebuilt, pruned, waited, sampled, unexplained] = counts;
    let bursts_share_low = clopper_pearson(bursts as u64, all.len() as u64, 0.95).0;
    let longest = LONGEST.min(all.len() / FEWEST);
    let found = (2..=longest).filter_map(|period| again(period, &slow, &known, all.len()));
    let found = found.min_by(|a, b| a.chance.total_cmp(&b.chance));
    let tries: usize = (2..=longest).sum();
    let found = found.filter(|again| again.chance * (tries as f64) < MOST_CHANCE);
    let medians = found.as_ref().map(|again| {
        let own = slow.iter().filter(|nth| *nth % again.period == again.first);
        let own = Samples::new(own.map(|nth| all[*nth] as f64 / median));
        own.mean()
    });
    // Slow steps after samples of memory may be the program's, too.
    let is_clear = bursts_share_low <= LEAST_SHARE && longest >= 2 && !is_cold;
    Tail {
        limit_ms: SLOW * median / 1e6,
        slow_steps: counts.iter().sum(),
        rebuilt,
        pruned,
        waited,
        sampled,
        unexplained,
        bursts,
        bursts_share_low,
        longest_period_steps: longest,
        is_found: if found.is_some() { Some(true) } else { is_clear.then_some(false) },
        period_steps: found.map(|again| again.period),
        period_medians: medians,
    }
}

/// Steps of one period that are slow.
struct Again {
    period: usize,
    first: usize,
    /// The probability that so many of them are.
    chance: f64,
}

/// The steps of one period, if nearly all of them are `slow`; those of `known`, which
/// something else explains, count neither way. Both count from 0 to `steps`.
fn again(period: usize, slow: &[usize], known: &[usize], steps: usize) -> Option<Again> {
    let counts = |of: &[usize]| {
        let mut counts = vec![0; period];
        of.iter().for_each(|nth| counts[nth % period] += 1);
        counts
    };
    let (slow_of, known_of) = (counts(slow), counts(known));
    let of = |first: usize| {
        let (found, held) = (slow_of[first], (steps - first).div_ceil(period) - known_of[first]);
        let is_full = found >= FEWEST && found as f64 >= LEAST_FILLED * held as f64;
        // The share of slow steps beside these, taken as one more than there are.
        let others = (slow.len() - found + 1) as f64 / (steps - held + 1) as f64;
        let by_chance = || Binomial::new(others.min(1.0), held as u64).ok();
        let chance = is_full.then(by_chance).flatten()?.sf(found as u64 - 1);
        Some(Again { period, first, chance })
    };
    (0..period).filter_map(of).min_by(|a, b| a.chance.total_cmp(&b.chance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use rand::RngExt as _;

    fn record(latency_ns: Vec<u64>) -> Record {
        let steps = latency_ns.len();
        let mut record = Record::touched(steps, 0, 0, false);
        record.waited_ns.fill(0);
        record.kinds.fill(Kind::Quiet);
        Record { latency_ns, ..record }
    }

    #[test]
    fn one_step_in_fifty_is_a_tail_and_has_its_period() {
        for phase in 0..50 {
            let all = (0..300).map(|k| if k % 50 == phase { 5000 } else { 1000 + k % 7 });
            let found = tail(&[record(all.collect())], true);
            assert_eq!((found.is_found, found.period_steps), (Some(true), Some(50)), "{found:?}");
            assert_eq!((found.slow_steps, found.unexplained), (6, 6), "{found:?}");
            assert!((found.period_medians.unwrap() - 5.0).abs() < 0.03, "{found:?}");
        }
        let few = (1..=300).map(|k| if k % 150 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(few.collect())], true);
        assert_eq!((found.is_found, found.unexplained), (Some(false), 2), "{found:?}");
        assert_eq!(found.longest_period_steps, 60, "of 300 steps");
        let dense = (1..=300).map(|k| if k % 4 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(dense.collect())], false);
        assert_eq!((found.is_found, found.period_steps), (Some(true), Some(4)), "one in four");
    }

    #[test]
    fn a_machine_that_is_slow_for_some_steps_is_no_tail_and_hides_no_period() {
        let mut slow = record(vec![1000; 300]);
        slow.latency_ns[100..108].fill(5000);
        slow.waited_ns[100] = 4000;
        slow.latency_ns[200..203].fill(5000);
        let found = tail(&[slow], false);
        assert_eq!((found.unexplained, found.bursts), (10, 1), "{found:?}");
        assert_eq!(found.is_found, Some(false), "{found:?}");
        let episode = (1..=600).map(|k| if k < 300 && k % 20 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(episode.collect())], false);
        assert_eq!((found.bursts, found.is_found), (14, None), "half of the run: {found:?}");
        let noisy = (1..=600).map(|k| if k % 50 == 0 || k % 83 == 0 { 5000 } else { 1000 });
        let found = tail(&[record(noisy.collect())], false);
        assert_eq!((found.unexplained, found.period_steps), (19, Some(50)), "{found:?}");
    }

    /// Machines that take up to a tenth of all steps away without a word, alone or in threes.
    #[test]
    fn no_busy_machine_has_a_period_and_none_hides_one() {
        let mut rng = input::rng(7);
        for run in 0..400 {
            let share = 0.1 * f64::from(run) / 400.0;
            for planted in [false, true] {
                let mut all = vec![1000_u64; 600];
                for step in 0..all.len() {
                    if rng.random_bool(share) {
                        let len = if run % 2 == 0 { 1 } else { rng.random_range(1..4) };
                        let end = all.len().min(step + len);
                        all[step..end].fill(rng.random_range(2100..9000));
                    }
                    if planted && step % 50 == 17 {
                        all[step] = 5000;
                    }
                }
                let found = tail(&[record(all)], true);
                assert_eq!(found.is_found == Some(true), planted, "{share} of steps: {found:?}");
                assert!(!planted || found.period_steps == Some(50), "{found:?}");
            }
        }
    }

    #[test]
    fn a_slow_step_is_laid_to_its_cause() {
        let mut slow = record(vec![1000; 60]);
        for step in [1, 4, 11, 15, 21, 26, 31, 40, 55] {
            slow.latency_ns[step] = 2001;
        }
        slow.latency_ns[53] = 2000;
        slow.kinds[4] = Kind::Rebuilt;
        slow.kinds[15] = Kind::Pruned;
        slow.waited_ns[26] = 501;
        slow.waited_ns[40] = 500;
        let found = tail(&[slow.clone()], true);
        let Tail { slow_steps, rebuilt, pruned, waited, sampled, unexplained, .. } = found;
        assert_eq!([slow_steps, rebuilt, pruned, waited, sampled, unexplained], [9, 1, 1, 1, 4, 2]);
        let found = tail(&[slow.clone()], false);
        assert_eq!((found.sampled, found.unexplained), (0, 6), "memory was not sampled");
        slow.latency_ns[31] = 1000;
        let found = tail(&[slow], true);
        assert_eq!((found.sampled, found.unexplained), (0, 5), "half are not slow");
        assert_eq!(tail(&[record(vec![7])], true).slow_steps, 0, "one step");
    }
}
