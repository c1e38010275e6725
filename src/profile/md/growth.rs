//! Whether memory grows with the steps: a rate with its interval, over the whole run.
//!
//! The samples are cut into blocks that are equally long. The growth of a block is its last sample
//! less the last one of the block before. The rate is the Hodges-Lehmann estimate over the blocks,
//! and its interval that of Wilcoxon's signed ranks at 95 %.
//!
//! A leak makes nearly all blocks grow. Memory that is taken once, pages that are touched late and
//! counters that the system brings up to date in heaps make a few of them grow, as much as they
//! will, and then the interval begins at zero: of 20 blocks, 11 must grow for it not to. Samples
//! inside of a block may depend on each other in any way.

use serde::{Deserialize, Serialize};

use crate::stats::{hodges_lehmann, signed_rank_interval};

/// Blocks of a run that has as many samples, and the fewest that tell anything.
pub const BLOCKS: usize = 20;
const FEWEST: usize = 6;
/// Samples of a block, at least.
const LONGEST: usize = 2;
const LEVEL: f64 = 0.95;

/// How fast memory grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Bytes per step.
    pub bytes_per_step: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Blocks that the samples were cut into.
    pub blocks: usize,
    /// Whether the whole interval is above zero.
    pub is_leak: bool,
}

/// The growth of memory, by samples in bytes of which one is taken every `every` steps.
///
/// # Errors
///
/// Says that there are too few samples.
///
/// # Panics
///
/// Never: six blocks have an interval.
pub fn growth(samples: &[u64], every: usize) -> Result<Growth, String> {
    // The first sample only starts the first block.
    let usable = samples.len().saturating_sub(1);
    let blocks = BLOCKS.min(usable / LONGEST);
    if blocks < FEWEST {
        let least = 1 + FEWEST * LONGEST;
        return Err(format!(
            "{} samples, one every {every} steps, tell no rate; {least} would",
            samples.len()
        ));
    }
    let ends: Vec<usize> = (0..=blocks).map(|k| k * usable / blocks).collect();
    let rate = |pair: &[usize]| {
        let grown = samples[pair[1]] as f64 - samples[pair[0]] as f64;
        grown / ((pair[1] - pair[0]) * every) as f64
    };
    let rates: Vec<f64> = ends.windows(2).map(rate).collect();
    let (low, high) = signed_rank_interval(&rates, LEVEL).expect("six blocks and more");
    let bytes_per_step = hodges_lehmann(&rates);
    Ok(Growth { bytes_per_step, low, high, blocks, is_leak: low > 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use rand::RngExt as _;

    const PAGE: u64 = 4096;

    /// Resident bytes at every tenth step of memory that is `held` bytes, as a system tells them that
    /// counts pages and brings its counter up to date every `batch` pages.
    fn told(held: impl Fn(u64) -> u64, steps: u64, batch: u64) -> Vec<u64> {
        let unit = PAGE * batch;
        (0..steps).step_by(10).map(|step| (50 << 20) + held(step) / unit * unit).collect()
    }

    #[test]
    fn a_kilobyte_each_step_is_found_in_two_thousand_whatever_the_pages() {
        for batch in [1, 16, 32] {
            let found = growth(&told(|step| 1024 * step, 2000, batch), 10).unwrap();
            assert!(found.is_leak && found.blocks == BLOCKS, "{batch}: {found:?}");
            let off = (found.bytes_per_step / 1024.0 - 1.0).abs();
            assert!(off < 0.05 * batch as f64, "{batch}: {found:?}");
            assert!(found.low <= 1024.0 && found.high >= 1024.0, "{batch}: {found:?}");
        }
        let exact: Vec<u64> = (0..200).map(|k| 10_240 * k).collect();
        let found = growth(&exact, 10).unwrap();
        assert_eq!([found.bytes_per_step, found.low, found.high], [1024.0; 3], "exact");
    }

    #[test]
    fn memory_that_is_taken_a_few_times_is_no_leak() {
        let steps = |at: &'static [u64]| {
            move |step: u64| at.iter().filter(|at| step >= **at).count() as u64 * (8 << 20)
        };
        for at in [&[][..], &[1000], &[700, 1400], &[0, 10, 20, 30, 40], &[300, 600, 900, 1200]] {
            let found = growth(&told(steps(at), 2000, 1), 10).unwrap();
            assert!(!found.is_leak && found.bytes_per_step == 0.0, "{at:?}: {found:?}");
        }
        // Memory that is given back is none, either.
        let found = growth(&told(|step| (2000 - step) * 1024, 2000, 1), 10).unwrap();
        assert!(!found.is_leak && found.high < 0.0, "{found:?}");
    }

    /// Noise around a level, and a walk that goes up as often as down.
    #[test]
    fn noise_is_no_leak() {
        let mut rng = input::rng(5);
        let mut alarms = [0; 2];
        for _ in 0..400 {
            let mut walk = 1_u64 << 30;
            let noise: Vec<u64> =
                (0..200).map(|_| (1 << 30) + PAGE * rng.random_range(0..64)).collect();
            let mut step = || {
                walk = walk - 32 * PAGE + PAGE * rng.random_range(0..65);
                walk
            };
            let walks: Vec<u64> = (0..200).map(|_| step()).collect();
            alarms[0] += usize::from(growth(&noise, 10).unwrap().is_leak);
            alarms[1] += usize::from(growth(&walks, 10).unwrap().is_leak);
        }
        // 10 of 400 are due for the walk, three deviations more are 19.
        assert!(alarms[0] == 0 && alarms[1] <= 19, "{alarms:?} of 400");
    }

    #[test]
    fn few_samples_tell_nothing() {
        let why = growth(&[7; 12], 10).unwrap_err();
        assert_eq!(why, "12 samples, one every 10 steps, tell no rate; 13 would");
        assert!(growth(&[7; 13], 10).is_ok_and(|found| found.blocks == 6), "six blocks");
    }
}
