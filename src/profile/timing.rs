//! The clock: warm-ups, then timed iterations of several calls each.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::stats::{Method, Samples};

/// Iterations that are run and not counted.
pub const WARM_UPS: usize = 5;
/// Iterations that are counted.
pub const ITERATIONS: usize = 20;
/// The least time of an iteration: calls are repeated until it is reached, and its time divided by
/// their number, so that neither the clock's resolution nor its cost can be seen.
pub const ITERATION: Duration = Duration::from_millis(1);

/// Times of one call, in seconds, over the iterations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// Their mean.
    pub mean_time: f64,
    /// Their standard deviation, of a sample.
    pub std_time: f64,
    /// The least.
    pub min_time: f64,
    /// The largest.
    pub max_time: f64,
    /// Vectors per second at the mean time.
    pub throughput: f64,
    /// All of them, in order.
    pub all_times: Samples,
    /// Calls in each iteration.
    #[serde(skip)]
    pub calls: u64,
}

impl Timing {
    /// Summarises the times of `calls` calls in each iteration, each call on `vectors` vectors.
    ///
    /// # Panics
    ///
    /// If there are fewer than two times.
    pub fn new(vectors: usize, calls: u64, all_times: Vec<f64>) -> Self {
        assert!(all_times.len() > 1, "one time has no deviation");
        let all_times = Samples::new(all_times);
        Self {
            mean_time: all_times.mean(),
            std_time: all_times.std(1),
            min_time: all_times.min(),
            max_time: all_times.max(),
            throughput: vectors as f64 / all_times.mean(),
            all_times,
            calls,
        }
    }

    /// The rate at which `bytes` are moved in the median time, over that of a roof in bytes per second.
    pub fn roof_share(&self, bytes: usize, roof: f64) -> f64 {
        bytes as f64 / self.all_times.median() / roof
    }

    /// The quantile `p` of the times, by [`Method::Linear`].
    ///
    /// # Panics
    ///
    /// If `p` is outside `[0, 1]`.
    pub fn quantile(&self, p: f64) -> f64 {
        self.all_times.quantile(p, Method::Linear)
    }
}

/// Times `call` on batches of `vectors` vectors; it is told how many calls went before.
pub fn time(vectors: usize, mut call: impl FnMut(u64)) -> Timing {
    let mut done = 0_u64;
    let mut iteration = |calls: u64| {
        let start = Instant::now();
        for _ in 0..calls {
            call(black_box(done));
            done += 1;
        }
        start.elapsed()
    };
    let mut calls = 1;
    // The best of three: a call that was interrupted is no measure.
    while (0..3).map(|_| iteration(calls)).min() < Some(ITERATION) && calls < 1 << 30 {
        calls *= 2;
    }
    for _ in 0..WARM_UPS {
        iteration(calls);
    }
    let times = (0..ITERATIONS)
        // A clock that stands still would make rates infinite.
        .map(|_| iteration(calls).max(Duration::from_nanos(1)).as_secs_f64() / calls as f64)
        .collect();
    Timing::new(vectors, calls, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let timing = Timing::new(10, 3, vec![1.0, 2.0, 4.0, 5.0]);
        assert_eq!((timing.mean_time, timing.min_time, timing.max_time), (3.0, 1.0, 5.0), "times");
        assert!((timing.std_time - (10.0_f64 / 3.0).sqrt()).abs() < 1e-15, "{timing:?}");
        assert_eq!((timing.throughput, timing.quantile(0.5)), (10.0 / 3.0, 3.0), "rate, median");
    }

    #[test]
    fn a_short_call_is_repeated_and_a_long_one_is_not() {
        let mut seen = Vec::new();
        let short = time(1, |nth| seen.push(nth));
        assert!(short.calls > 100, "{} calls", short.calls);
        assert!(seen.iter().zip(0..).all(|(a, b)| *a == b), "calls are counted");
        let long = time(1, |_| std::thread::sleep(Duration::from_millis(2)));
        assert_eq!((long.calls, long.all_times.len()), (1, ITERATIONS), "calls, iterations");
        assert!(long.min_time >= 0.002, "{long:?}");
        assert!(short.mean_time < 1e-5, "{short:?}");
    }
}
