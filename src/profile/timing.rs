//! The clock: warm-ups, then timed iterations of several calls each.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::stats::{Method, Samples};

/// Iterations that are run and not counted.
pub const WARM_UPS: usize = 5;
/// Iterations that are counted.
pub const ITERATIONS: usize = 20;
/// The least time of an iteration: calls are repeated until it is reached, and its time divided by
/// their number, so that neither the clock's resolution nor its cost can be seen.
pub const ITERATION: Duration = Duration::from_millis(1);

/// Times of one call over the iterations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Units that one call handles.
    pub units: usize,
    /// Calls in each iteration.
    pub calls: u64,
    /// Seconds of a call, an iteration each, in order.
    pub seconds: Samples,
}

impl Timing {
    /// The mean time of a call, in seconds.
    pub fn mean(&self) -> f64 {
        self.seconds.mean()
    }

    /// Units per second at the mean time.
    pub fn throughput(&self) -> f64 {
        self.units as f64 / self.mean()
    }

    /// The quantile `p` of the times, in seconds, by [`Method::Linear`].
    ///
    /// # Panics
    ///
    /// If `p` is outside `[0, 1]`.
    pub fn quantile(&self, p: f64) -> f64 {
        self.seconds.quantile(p, Method::Linear)
    }

    /// The rate at which `bytes` are moved in the median time, over that of a roof in bytes per
    /// second.
    pub fn roof_share(&self, bytes: usize, roof: f64) -> f64 {
        bytes as f64 / self.seconds.median() / roof
    }
}

/// Times `call`, which handles `units`; it is told how many calls went before.
pub fn time(units: usize, mut call: impl FnMut(u64)) -> Timing {
    let mut done = 0_u64;
    let timing = sample(units, 1, |calls| {
        let start = Instant::now();
        for _ in 0..calls {
            call(black_box(done));
            done += 1;
        }
        Ok::<_, Infallible>(start.elapsed())
    });
    match timing {
        Ok(timing) => timing,
    }
}

/// Times a call by any clock: `run` makes so many calls and returns how long they took. There are
/// `least` calls in an iteration, or as many times 2, 4, 8.. as make it long enough.
///
/// # Errors
///
/// Those of `run`.
pub fn sample<E>(
    units: usize,
    least: u64,
    mut run: impl FnMut(u64) -> Result<Duration, E>,
) -> Result<Timing, E> {
    let mut calls = least;
    loop {
        let mut best = Duration::MAX;
        // The best of three: a call that was interrupted is no measure.
        for _ in 0..3 {
            best = best.min(run(calls)?);
        }
        if best >= ITERATION || calls >= 1 << 30 {
            break;
        }
        calls *= 2;
    }
    for _ in 0..WARM_UPS {
        run(calls)?;
    }
    // A clock that stands still would make rates infinite.
    let mut second = || Ok(run(calls)?.max(Duration::from_nanos(1)).as_secs_f64() / calls as f64);
    let seconds = (0..ITERATIONS).map(|_| second()).collect::<Result<Vec<_>, E>>()?;
    Ok(Timing { units, calls, seconds: Samples::new(seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let timing = Timing { units: 10, calls: 3, seconds: Samples::new([1.0, 2.0, 4.0, 5.0]) };
        assert_eq!((timing.mean(), timing.throughput()), (3.0, 10.0 / 3.0), "mean, rate");
        assert_eq!((timing.quantile(0.5), timing.roof_share(6, 4.0)), (3.0, 0.5), "median, share");
        let text = serde_json::to_string(&timing).unwrap();
        assert_eq!(serde_json::from_str::<Timing>(&text).unwrap(), timing, "{text}");
    }

    #[test]
    fn a_short_call_is_repeated_and_a_long_one_is_not() {
        let mut seen = Vec::new();
        let short = time(1, |nth| seen.push(nth));
        assert!(short.calls > 100, "{} calls", short.calls);
        assert!(seen.iter().zip(0..).all(|(a, b)| *a == b), "calls are counted");
        let long = time(1, |_| std::thread::sleep(Duration::from_millis(2)));
        assert_eq!((long.calls, long.seconds.len()), (1, ITERATIONS), "calls, iterations");
        assert!(long.seconds.min() >= 0.002, "{long:?}");
        assert!(short.mean() < 1e-5, "{short:?}");
    }

    #[test]
    fn a_clock_that_fails_ends_it() {
        let mut runs = 0;
        let failed = sample(1, 7, |calls| {
            runs += 1;
            if runs > 4 { Err(calls) } else { Ok(Duration::from_secs(1)) }
        });
        assert_eq!(failed, Err(7), "what the clock says");
    }
}
