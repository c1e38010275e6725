//! Times over sizes, one at a time: fitted exponents, the caches that are left, roofs and times.
//!
//! A step of a model of seeded weights is timed while one of its sizes grows and the others stay. The
//! exponent is the slope of log time over log size, by least squares, with its 95 % interval.
//!
//! The roof is the longest of three times that a step must take ([`Roof`]). It knows neither the
//! activations of a network, nor calls, nor that older lags of an autoregression are one chain of
//! additions, too, so that a short step takes twice as long.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::{Array3, s};
use serde::{Deserialize, Serialize};

use super::extended::{Interval, Rates, Roof, Work};
use super::forecaster::Forecaster;
use super::sweeps::{Sizes, Sweep, lstm_of, mvar_of};
use crate::machine::isa::Isa;
use crate::profile::core::{self, Arithmetic};
use crate::profile::line;
use crate::stats::Samples;
use crate::{input, machine};

/// Steps of a trajectory, and those for each state of its window: it is taken in before them.
const STEPS: usize = 50;
const STEPS_PER_LAG: usize = 10;
/// Many short trials, of which few are interrupted.
const TRIALS: usize = 40;
const TRIAL: Duration = Duration::from_micros(500);

/// The time of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The size.
    pub value: usize,
    /// Seconds of a step of one forecast, the median of trials.
    pub seconds: f64,
    /// Multiplications and additions of a step.
    pub flops: u64,
    /// Bytes of the parameters.
    pub parameter_bytes: usize,
    /// Bytes of the windows.
    pub window_bytes: usize,
    /// The smallest cache that holds both: `L1d`, `L2`, `L3` or `memory`.
    pub cache: String,
    /// The time that a step must take.
    pub roof: Roof,
}

/// The times of one sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// `MVAR` or `LSTM`.
    pub model: String,
    /// The size that grows: `d`, `p`, `h`, `L`, `lag` or `B`.
    pub size: String,
    /// The exponent of the time of a step.
    pub exponent: Interval,
    /// The sizes from which on parameters and windows do not fit a cache, and which.
    pub crossing: Option<String>,
    /// The times.
    pub points: Vec<Point>,
}

impl Sweep {
    /// Times the model with its size at `value`.
    pub(super) fn measure(&self, value: usize, roofs: &Arithmetic) -> Point {
        let sizes = self.sizes(value);
        let windows = input::gaussian(7, sizes.batch * sizes.lag * sizes.d, 1.0);
        let windows = Array3::from_shape_vec((sizes.batch, sizes.lag, sizes.d), windows)
            .expect("as many as asked for");
        let (forecaster, seconds) = if self.is_mvar() {
            let model = mvar_of(sizes);
            let forecaster = Forecaster::mvar(self.model, &model, steps(sizes));
            let packed = model.pack::<f64>();
            let (x, mut y) =
                (windows.as_slice().expect("in rows"), vec![0.0; sizes.batch * sizes.d]);
            let batch = || packed.batch(x, black_box(&mut y));
            timed(forecaster, sizes, &windows, batch)
        } else {
            let model = lstm_of(sizes);
            let forecaster = Forecaster::lstm(self.model, &model, steps(sizes));
            let packed = model.pack();
            let mut x = vec![0.0; windows.len()];
            model.scale().apply(windows.as_slice().expect("in rows"), &mut x);
            let (mut buffers, mut y) =
                (packed.buffers(sizes.lag), vec![0.0; sizes.batch * sizes.d]);
            let batch = || packed.batch(&x, &mut buffers, black_box(&mut y));
            timed(forecaster, sizes, &windows, batch)
        };
        let flops = forecaster.flops_per_step.unwrap_or_default();
        let parameter_bytes = forecaster.parameter_bytes();
        let window_bytes = windows.len() * forecaster.parameter_len_bytes;
        let read = core::read(Isa::best(), parameter_bytes + window_bytes);
        // A batch reads the parameters once for all its forecasts, and waits once.
        let batch = sizes.batch;
        let all =
            if batch > 1 { parameter_bytes + window_bytes } else { forecaster.bytes_per_step };
        let waits = forecaster.waits_per_step as f64 / batch as f64;
        let work = Work { flops, bytes: all / batch, waits };
        let roof = Roof::new(work, Rates::of(forecaster.parameter_len_bytes, roofs, read), seconds);
        let cache = cache(parameter_bytes + window_bytes, &machine::wall());
        Point { value, seconds, flops, parameter_bytes, window_bytes, cache, roof }
    }
}

fn steps(sizes: Sizes) -> usize {
    STEPS.max(STEPS_PER_LAG * sizes.lag)
}

/// Times steps of a trajectory, or of a batch where there is one; returns the forecaster, too.
fn timed<'a>(
    mut forecaster: Forecaster<'a>,
    sizes: Sizes,
    windows: &Array3<f64>,
    mut batch: impl FnMut(),
) -> (Forecaster<'a>, f64) {
    let seconds = if sizes.batch > 1 {
        median(sizes.batch, batch)
    } else {
        let (window, steps) = (windows.slice(s![0, .., ..]), steps(sizes));
        batch();
        median(steps, || {
            black_box(forecaster.forecast(black_box(window), steps));
        })
    };
    (forecaster, seconds)
}

/// Seconds of a unit, of which a call handles `units`: the median of trials.
fn median(units: usize, mut call: impl FnMut()) -> f64 {
    call();
    let trial = |_| {
        let (start, mut calls) = (Instant::now(), 0.0);
        loop {
            call();
            calls += 1.0;
            let elapsed = start.elapsed();
            if elapsed >= TRIAL {
                break elapsed.as_secs_f64() / calls / units as f64;
            }
        }
    };
    Samples::new((0..TRIALS).map(trial).collect::<Vec<_>>()).median()
}

/// The smallest cache that holds so many bytes, by the fact `caches` of the machine.
fn cache(bytes: usize, machine: &machine::Environment) -> String {
    let caches = machine.get("caches").map_or("", String::as_str);
    let sizes = caches.split(", ").filter_map(|cache| cache.split_once(' '));
    let holds = |size: &str| {
        let (number, unit) = size.split_at(size.len().saturating_sub(1));
        let unit = match unit {
            "K" => 1 << 10,
            "M" => 1 << 20,
            _ => return false,
        };
        number.parse::<usize>().is_ok_and(|number| bytes <= number * unit)
    };
    let mut data = sizes.filter(|(name, _)| !name.ends_with('i'));
    data.find(|(_, size)| holds(size)).map_or("memory", |(name, _)| name).to_owned()
}

impl Axis {
    /// Sums up the times of a sweep.
    pub(super) fn new(sweep: &Sweep, points: Vec<Point>) -> Self {
        let exponent = exponent(&points);
        let left = points.windows(2).filter(|pair| pair[0].cache != pair[1].cache);
        let left = left.map(|pair| {
            format!("beyond {} from {} {} on", pair[0].cache, sweep.size, pair[1].value)
        });
        let left: Vec<_> = left.collect();
        let crossing = (!left.is_empty()).then(|| left.join(", "));
        let (model, size) = (sweep.model.to_owned(), sweep.size.to_owned());
        Self { model, size, exponent, crossing, points }
    }
}

/// The slope of log seconds over log value, with its 95 % interval.
fn exponent(points: &[Point]) -> Interval {
    let logs = points.iter().map(|point| ((point.value as f64).ln(), point.seconds.ln()));
    let found = line::slope(&logs.collect::<Vec<_>>()).expect("three sizes and more");
    Interval { ratio: found.value, low: found.low, high: found.high }
}

#[cfg(test)]
mod tests {
    use super::super::sweeps::{DIMENSIONS, SWEEPS};
    use super::*;

    fn point(value: usize, seconds: f64, cache: &str) -> Point {
        let rates = Rates { flops_per_second: 1.0, read_bytes_per_second: 1.0, wait_seconds: 1.0 };
        let roof = Roof::new(Work { flops: 1, bytes: 1, waits: 1.0 }, rates, 1.0);
        let (flops, parameter_bytes, window_bytes) = (1, 1, 1);
        Point { value, seconds, flops, parameter_bytes, window_bytes, cache: cache.into(), roof }
    }

    #[test]
    fn a_power_law_has_its_exponent_and_every_cache_that_is_left_is_named() {
        let points = |noise: f64| {
            let of = |(nth, value): (usize, &usize)| {
                let seconds = 3.0 * (*value as f64).powf(1.5);
                let wobble = if nth % 2 == 0 { noise } else { -noise };
                let cache = ["L1d", "L1d", "L2", "L2", "memory"][nth];
                point(*value, seconds * (1.0 + wobble), cache)
            };
            DIMENSIONS.iter().enumerate().map(of).collect::<Vec<_>>()
        };
        let axis = Axis::new(&SWEEPS[0], points(0.0));
        assert!((axis.exponent.ratio - 1.5).abs() < 1e-9, "{:?}", axis.exponent);
        let crossing = "beyond L1d from d 20 on, beyond L2 from d 100 on";
        assert_eq!(axis.crossing.as_deref(), Some(crossing), "crossing");
        let Interval { ratio, low, high } = exponent(&points(0.1));
        assert!(low < 1.5 && 1.5 < high && high - low > 0.1, "{ratio} from {low} to {high}");
    }

    #[test]
    fn the_smallest_cache_that_holds_the_bytes_is_named() {
        let machine = [("caches".to_owned(), "L1d 48K, L1i 32K, L2 2M, L3 300M".to_owned())].into();
        let of = |bytes| cache(bytes, &machine);
        assert_eq!(
            [16_000, 49_152, 49_153, 1 << 21, 1 << 30].map(of),
            ["L1d", "L1d", "L2", "L2", "memory"]
        );
        assert_eq!(cache(1, &[].into()), "memory", "unknown");
    }

    #[test]
    fn every_sweep_sets_its_own_size() {
        let roofs = Arithmetic { f64: 1e10, f32: 1e10, wait_seconds: 1e-9 };
        for (nth, sweep) in SWEEPS.iter().enumerate() {
            let [small, large] =
                [sweep.values[0], sweep.values[1]].map(|v| sweep.measure(v, &roofs));
            let grows =
                (large.flops, large.parameter_bytes) != (small.flops, small.parameter_bytes);
            assert_eq!(grows, sweep.size != "B", "sweep {nth}: {small:?} {large:?}");
            let grows = large.window_bytes > small.window_bytes;
            assert_eq!(grows, !["h", "L"].contains(&sweep.size), "sweep {nth}: windows");
            assert!(small.seconds > 0.0 && large.roof.share > 0.0, "{small:?} {large:?}");
        }
    }
}
