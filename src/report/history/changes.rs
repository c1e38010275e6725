//! Where the level of a series of counts or times changed.

use crate::stats::{Samples, pelt};

/// Counts within this share of their level are at that level: the gate does not mention them.
const TOLERANCE: f64 = 0.000_5;
/// The least noise of log times: another code layout alone moves a time by as much.
const LEAST_NOISE: f64 = 0.007;
/// The price of a change, times `ln n` and the variance of the noise.
///
/// The Bayesian information criterion has 2 for a noise that is known. Here it is estimated from few
/// values: with 5, noise alone shows a change in 1 to 3 of 100 series of 15 or more values.
const PENALTY: f64 = 5.0;
/// A time this many times the noise away from both its neighbours is an outlier.
const OUTLIER: f64 = 3.0;
/// A level of times has at least as many: one alone may be an outlier.
const SHORTEST: usize = 2;

/// A stretch of values about the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// The position of its first value.
    pub(super) start: usize,
    /// Its first count, or its median time.
    pub(super) value: f64,
}

/// The levels of one or more positive `values`, which are `exact` counts or noisy times.
pub(super) fn levels(values: &[f64], exact: bool) -> Vec<Level> {
    if exact {
        return steps(values);
    }
    let starts: Vec<usize> = [0].into_iter().chain(breaks(values)).collect();
    let ends = starts.iter().skip(1).copied().chain([values.len()]);
    let level = |(&start, end): (&usize, usize)| {
        let value = Samples::new(values[start..end].iter().copied()).median();
        Level { start, value }
    };
    starts.iter().zip(ends).map(level).collect()
}

/// A new level wherever a count has left the last one, be it in small steps.
fn steps(values: &[f64]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for (start, &value) in values.iter().enumerate() {
        let stays = |level: &Level| (value - level.value).abs() <= TOLERANCE * level.value;
        if !levels.last().is_some_and(stays) {
            levels.push(Level { start, value });
        }
    }
    levels
}

/// The changes of log times.
fn breaks(values: &[f64]) -> Vec<usize> {
    if values.len() < 2 * SHORTEST {
        return Vec::new();
    }
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let noise = pelt::noise(&logs).max(LEAST_NOISE);
    let penalty = PENALTY * noise * noise * (logs.len() as f64).ln();
    pelt::changes(&without_outliers(&logs, OUTLIER * noise), penalty, SHORTEST)
}

/// Each value further than `far` from the median of itself and its neighbours becomes that median.
///
/// A step is no outlier, since it has a neighbour on its own level; at either end, where there is
/// one neighbour only, the next but one takes part.
fn without_outliers(values: &[f64], far: f64) -> Vec<f64> {
    let last = values.len() - 1;
    let clean = |(at, &value): (usize, &f64)| {
        let from = at.saturating_sub(1).min(last - 2);
        let median = Samples::new(values[from..from + 3].iter().copied()).median();
        if (value - median).abs() > far { median } else { value }
    };
    values.iter().enumerate().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand_distr::{Distribution as _, Normal};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Times about `levels`, with log-normal noise.
    fn times(seed: u64, noise: f64, levels: &[f64]) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let normal = Normal::new(0.0, noise).unwrap();
        levels.iter().map(|level| level * f64::exp(normal.sample(&mut rng))).collect()
    }

    fn starts(values: &[f64], exact: bool) -> Vec<usize> {
        levels(values, exact).iter().map(|level| level.start).skip(1).collect()
    }

    #[test]
    fn every_change_of_a_count_beyond_the_tolerance_is_a_step() {
        let counts = [100_000.0, 100_050.0, 100_051.0, 100_051.0, 100_000.0, 90_000.0];
        assert_eq!(starts(&counts, true), [2, 4, 5], "above 0.05 %, back, and down");
        let creeping: Vec<f64> = (0..10).map(|k| 100_000.0 + 20.0 * f64::from(k)).collect();
        assert_eq!(starts(&creeping, true), [3, 6, 9], "small steps add up");
        assert_eq!(levels(&[7.0], true), [Level { start: 0, value: 7.0 }], "a single one");
    }

    #[test]
    fn a_planted_step_of_noisy_times_is_found_where_it_is() {
        let mut exact = 0;
        for seed in 0..200 {
            let level = |k: usize| if k < 18 { 1e4 } else { 1.08e4 };
            let found = starts(&times(seed, 0.01, &(0..30).map(level).collect::<Vec<_>>()), false);
            assert!(found.iter().any(|at| at.abs_diff(18) <= 1), "{seed}: {found:?}");
            exact += usize::from(found == [18]);
        }
        assert!(exact >= 190, "{exact} of 200");
    }

    #[test]
    fn noise_is_seldom_a_change() {
        let mut false_alarms = 0;
        for seed in 0..2000 {
            let noise = [0.001, 0.01, 0.03][usize::try_from(seed % 3).unwrap()];
            let found = starts(&times(seed, noise, &[5e3; 30]), false);
            false_alarms += usize::from(!found.is_empty());
        }
        assert!(false_alarms <= 40, "{false_alarms} of 2000");
    }

    #[test]
    fn one_bad_run_is_no_change_wherever_it_is() {
        for at in 0..12 {
            let mut values = times(3, 0.01, &[1e4; 12]);
            values[at] *= 1.5;
            assert!(starts(&values, false).is_empty(), "at {at}");
        }
    }

    #[test]
    fn a_step_of_times_counts_once_it_was_seen_twice() {
        let values = times(5, 0.01, &[1e4; 10]);
        let with = |slow: usize| {
            let mut values = values.clone();
            values.iter_mut().skip(10 - slow).for_each(|value| *value *= 1.3);
            starts(&values, false)
        };
        assert!(with(1).is_empty(), "once");
        assert_eq!(with(2), [8], "twice");
        for few in 1..4 {
            assert!(starts(&[1.0, 2.0, 4.0][..few], false).is_empty(), "of {few}");
        }
        assert_eq!(levels(&[1.0, 3.0, 2.0], false)[0].value, 2.0, "the level is the median");
    }
}
