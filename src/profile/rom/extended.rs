//! The objects `extended`: what the original does not measure.
//!
//! A value that was not measured is null, and the field beside it, `*_reason`, says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::accuracy::Accuracy;
use crate::profile::core::Arithmetic;
use crate::profile::energy::Energy;
use crate::stats::{Method, Samples};

/// The object of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extended {
    /// Where the model is from.
    pub source: String,
    /// Where the window is from that forecasts start from.
    pub z0_source: String,
    /// States of a window.
    pub lag: usize,
    /// Steps of a full trajectory.
    pub n_steps: usize,
    /// Trajectories before the first trial.
    pub warmup: usize,
    /// The order of the trials.
    pub order: String,
    /// Forecasts of one step.
    pub single_step: Spread,
    /// Forecasts of all steps.
    pub full_trajectory: Spread,
    /// A step of the median trajectory, in microseconds.
    pub microseconds_per_step: f64,
    /// The most memory that was resident during forecasts, in bytes, of the whole process.
    pub peak_rss_bytes: u64,
    /// Bytes that a step asks the heap for.
    pub heap_bytes_per_step: Option<f64>,
    /// Why that is not known.
    pub heap_reason: Option<String>,
    /// Bytes of the parameters, in the type that forecasts read.
    pub parameter_bytes: usize,
    /// Multiplications and additions of a step, with all states of the window and the head.
    pub flops_per_step: Option<u64>,
    /// These by the time of a step, in 10^9 per second.
    pub gflops: Option<f64>,
    /// The time that a step must take, and the share reached.
    pub roof: Option<Roof>,
    /// Why operations and roof are not known.
    pub roof_reason: Option<String>,
    /// The instruction set of the forecasts.
    pub isa: Option<String>,
    /// Why that is not known.
    pub isa_reason: Option<String>,
    /// How good forecasts are.
    pub accuracy: Option<Accuracy>,
    /// Why that is not known.
    pub accuracy_reason: Option<String>,
    /// Energy of the forecasts.
    pub energy: Option<Energy>,
    /// Why that is not known.
    pub energy_reason: Option<String>,
    /// Times on a GPU: none, see the reason.
    pub cuda: Option<f64>,
    /// Why there are none.
    pub cuda_reason: Option<String>,
    /// Machine and toolchain.
    pub machine: BTreeMap<String, String>,
    /// Digest of the sources of this program.
    pub sources: String,
}

/// Quantiles of the time of one forecast, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The median.
    pub median_seconds: f64,
    /// The 5 % quantile.
    pub p5_seconds: f64,
    /// The 95 % quantile.
    pub p95_seconds: f64,
    /// Forecasts of one trial, whose time is divided by their number.
    pub calls_per_trial: u64,
    /// Each trial, in order.
    pub seconds: Samples,
}

impl Spread {
    /// Sums up trials of so many calls.
    pub fn of(seconds: &Samples, calls_per_trial: u64) -> Self {
        let at = |p| seconds.quantile(p, Method::Linear);
        Self {
            median_seconds: at(0.5),
            p5_seconds: at(0.05),
            p95_seconds: at(0.95),
            calls_per_trial,
            seconds: seconds.clone(),
        }
    }
}

/// The least time of a step on this core, and the share of it reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roof {
    /// Operations per second that the core can do, in the type of the model.
    pub flops_per_second: f64,
    /// Bytes per second that it reads from a block as large as the parameters.
    pub read_bytes_per_second: f64,
    /// Seconds until a sum can be added to.
    pub wait_seconds: f64,
    /// Bytes of the parameters that a step reads.
    pub bytes_per_step: usize,
    /// Additions of a step that wait for each other, and for the step before.
    pub waits_per_step: f64,
    /// `arithmetic`, `reading` or `waiting`: which takes longest.
    pub bound_by: String,
    /// The longest of the three times, in microseconds.
    pub bound_microseconds: f64,
    /// That over the median time of a step.
    pub share: f64,
}

/// What a step must do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Multiplications and additions.
    pub flops: u64,
    /// Bytes that it reads.
    pub bytes: usize,
    /// Additions that wait for each other.
    pub waits: f64,
}

/// What a core can do, in the type of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Operations per second.
    pub flops_per_second: f64,
    /// Bytes per second.
    pub read_bytes_per_second: f64,
    /// Seconds until a sum can be added to.
    pub wait_seconds: f64,
}

impl Rates {
    /// What a core can do on parameters of so many bytes each, which it reads at such a rate.
    pub fn of(parameter_len_bytes: usize, roofs: &Arithmetic, read_bytes_per_second: f64) -> Self {
        let is_double = parameter_len_bytes == size_of::<f64>();
        Self {
            flops_per_second: if is_double { roofs.f64 } else { roofs.f32 },
            read_bytes_per_second,
            wait_seconds: roofs.wait_seconds,
        }
    }
}

impl Roof {
    /// The roof over steps that take `seconds`.
    pub fn new(work: Work, rates: Rates, seconds: f64) -> Self {
        let times = [
            ("arithmetic", work.flops as f64 / rates.flops_per_second),
            ("reading", work.bytes as f64 / rates.read_bytes_per_second),
            ("waiting", work.waits * rates.wait_seconds),
        ];
        let longest =
            |a: (&'static str, f64), b: (&'static str, f64)| if b.1 > a.1 { b } else { a };
        let (bound_by, bound) = times.into_iter().fold(("arithmetic", 0.0), longest);
        Self {
            flops_per_second: rates.flops_per_second,
            read_bytes_per_second: rates.read_bytes_per_second,
            wait_seconds: rates.wait_seconds,
            bytes_per_step: work.bytes,
            waits_per_step: work.waits,
            bound_by: bound_by.to_owned(),
            bound_microseconds: 1e6 * bound,
            share: bound / seconds,
        }
    }
}

/// The object of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendedComparison {
    /// The estimate that the intervals are of.
    pub estimate: String,
    /// Speedup of one step, by the name of the pair.
    pub single_step_speedup: Option<BTreeMap<String, Interval>>,
    /// Speedup of a full trajectory.
    pub full_trajectory_speedup: Option<BTreeMap<String, Interval>>,
    /// Pairs of which neither is faster: the interval of a full trajectory holds 1.
    pub ties: Option<Vec<String>>,
    /// Why these three are not known.
    pub speedup_reason: Option<String>,
    /// Difference of valid steps, by the name of the pair, of any two models; null where accuracy is
    /// not measured, or from too few starts.
    pub valid_steps_difference: Option<BTreeMap<String, Difference>>,
    /// Intervals of the ratio of training times: none.
    pub training_time_ratio: Option<BTreeMap<String, Interval>>,
    /// Why there are none.
    pub training_time_ratio_reason: Option<String>,
    /// Ratio of the bytes of the parameters in their own types.
    pub parameter_bytes_ratio: BTreeMap<String, f64>,
}

/// A ratio and the interval that holds it with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The ratio.
    pub ratio: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A difference of valid steps and the interval that holds it with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The difference.
    pub steps: isize,
    /// The lower end.
    pub low: isize,
    /// The upper end.
    pub high: isize,
}

impl Difference {
    /// Whether it does not tell whose forecasts stay valid longer.
    pub fn holds_zero(&self) -> bool {
        self.low <= 0 && 0 <= self.high
    }
}

impl Interval {
    /// Whether it does not tell which of both is larger.
    pub fn holds_one(&self) -> bool {
        self.low <= 1.0 && 1.0 <= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_arithmetic_reading_and_waiting_is_the_roof() {
        let work = Work { flops: 100, bytes: 1000, waits: 10.0 };
        for (flops_per_second, read_bytes_per_second, wait_seconds, by, seconds) in [
            (10.0, 1000.0, 0.5, "arithmetic", 10.0),
            (1000.0, 10.0, 0.5, "reading", 100.0),
            (1000.0, 1000.0, 0.5, "waiting", 5.0),
        ] {
            let rates = Rates { flops_per_second, read_bytes_per_second, wait_seconds };
            let roof = Roof::new(work, rates, 4.0 * seconds);
            let got = (&*roof.bound_by, roof.bound_microseconds, roof.share);
            assert_eq!(got, (by, 1e6 * seconds, 0.25), "{roof:?}");
        }
    }

    #[test]
    fn an_interval_that_touches_one_tells_nothing() {
        let of = |low, high| Interval { ratio: 1.0, low, high }.holds_one();
        assert!(of(0.9, 1.0) && of(1.0, 1.1) && !of(1.01, 1.1) && !of(0.9, 0.99), "ends");
        let spread = Spread::of(&Samples::new((0..101).map(f64::from)), 3);
        let got = (spread.p5_seconds, spread.median_seconds, spread.p95_seconds);
        assert_eq!(got, (5.0, 50.0, 95.0), "quantiles");
    }
}
