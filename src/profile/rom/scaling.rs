//! Times over sizes, one at a time: fitted exponents, the cache that is left, the roof and the time.
//!
//! A step of a model of seeded weights is timed while one of its sizes grows and the others stay. The
//! exponent is the slope of log time over log size, by least squares, with its 95 % interval.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::{Array1, Array2, Array3, s};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::extended::{Interval, Roof};
use super::subject::Subject;
use crate::lstm::net::{Layer, LayerNorm, Net, Parts};
use crate::machine::isa::Isa;
use crate::profile::core::{self, Arithmetic};
use crate::stats::Samples;
use crate::{input, lstm, machine, mvar};

/// Steps of a trajectory.
const STEPS: usize = 50;
const TRIALS: usize = 10;
const TRIAL: Duration = Duration::from_millis(2);

/// The sizes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    d: usize,
    lag: usize,
    h: usize,
    layers: usize,
    batch: usize,
}

const MVAR: Sizes = Sizes { d: 20, lag: 5, h: 0, layers: 0, batch: 1 };
const LSTM: Sizes = Sizes { d: 20, lag: 5, h: 64, layers: 1, batch: 1 };

/// One size of a kind of model that grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    /// `MVAR` or `LSTM`.
    pub(super) model: &'static str,
    /// The name of the size.
    pub(super) size: &'static str,
    /// Its values.
    pub(super) values: &'static [usize],
    set: fn(&mut Sizes) -> &mut usize,
}

const DIMENSIONS: &[usize] = &[5, 10, 20, 50, 100];
const LAGS: &[usize] = &[2, 5, 10, 20, 50];
const BATCHES: &[usize] = &[1, 8, 64, 512];

/// All sweeps.
pub(super) const SWEEPS: [Sweep; 8] = [
    Sweep { model: "MVAR", size: "d", values: DIMENSIONS, set: |sizes| &mut sizes.d },
    Sweep { model: "MVAR", size: "p", values: LAGS, set: |sizes| &mut sizes.lag },
    Sweep { model: "MVAR", size: "B", values: BATCHES, set: |sizes| &mut sizes.batch },
    Sweep { model: "LSTM", size: "d", values: DIMENSIONS, set: |sizes| &mut sizes.d },
    Sweep { model: "LSTM", size: "h", values: &[16, 32, 64, 128, 256], set: |sizes| &mut sizes.h },
    Sweep { model: "LSTM", size: "L", values: &[1, 2, 3, 4], set: |sizes| &mut sizes.layers },
    Sweep { model: "LSTM", size: "lag", values: LAGS, set: |sizes| &mut sizes.lag },
    Sweep { model: "LSTM", size: "B", values: BATCHES, set: |sizes| &mut sizes.batch },
];

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
    /// The smallest cache that holds them: `L1d`, `L2`, `L3` or `memory`.
    pub cache: String,
    /// The time that a step must take.
    pub roof: Roof,
}

/// The times of one sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Axis {
    /// `MVAR` or `LSTM`.
    pub model: &'static str,
    /// The size that grows: `d`, `p`, `h`, `L`, `lag` or `B`.
    pub size: &'static str,
    /// The exponent of the time of a step.
    pub exponent: Interval,
    /// The first size whose parameters leave a cache, and which.
    pub crossing: Option<String>,
    /// The times.
    pub points: Vec<Point>,
}

impl Sweep {
    /// Times the model with its size at `value`.
    pub(super) fn measure(&self, value: usize, roofs: &Arithmetic) -> Point {
        let is_mvar = self.model == "MVAR";
        let mut sizes = if is_mvar { MVAR } else { LSTM };
        *(self.set)(&mut sizes) = value;
        let windows = input::gaussian(7, sizes.batch * sizes.lag * sizes.d, 1.0);
        let windows = Array3::from_shape_vec((sizes.batch, sizes.lag, sizes.d), windows)
            .expect("as many as asked for");
        let (subject, seconds, peak) = if is_mvar {
            let model = mvar_of(sizes);
            let subject = Subject::mvar(self.model, &model, STEPS);
            let packed = model.pack::<f64>();
            let (x, mut y) =
                (windows.as_slice().expect("in rows"), vec![0.0; sizes.batch * sizes.d]);
            let batch = || packed.batch(x, black_box(&mut y));
            timed(subject, sizes, &windows, batch, roofs.f64)
        } else {
            let model = lstm_of(sizes);
            let subject = Subject::lstm(self.model, &model, STEPS);
            let packed = model.pack();
            let mut x = vec![0.0; windows.len()];
            model.scale().apply(windows.as_slice().expect("in rows"), &mut x);
            let (mut buffers, mut y) =
                (packed.buffers(sizes.lag), vec![0.0; sizes.batch * sizes.d]);
            let batch = || packed.batch(&x, &mut buffers, black_box(&mut y));
            timed(subject, sizes, &windows, batch, roofs.f32)
        };
        let (flops, bytes) =
            (subject.flops_per_step.unwrap_or_default(), subject.parameter_bytes());
        let read = core::read(Isa::best(), bytes);
        // A batch reads the parameters once for all its forecasts.
        let is_batch = sizes.batch > 1;
        let each = if is_batch { bytes / sizes.batch } else { subject.bytes_per_step };
        let roof = Roof::new(flops, each, (peak, read), seconds);
        let cache = cache(bytes, &machine::wall());
        Point { value, seconds, flops, parameter_bytes: bytes, cache, roof }
    }
}

/// Times steps of a trajectory, or of a batch where there is one; returns the subject and its peak, too.
fn timed<'a>(
    mut subject: Subject<'a>,
    sizes: Sizes,
    windows: &Array3<f64>,
    mut batch: impl FnMut(),
    peak: f64,
) -> (Subject<'a>, f64, f64) {
    let seconds = if sizes.batch > 1 {
        median(sizes.batch, batch)
    } else {
        let window = windows.slice(s![0, .., ..]);
        batch();
        median(STEPS, || {
            black_box(subject.forecast(black_box(window), STEPS));
        })
    };
    (subject, seconds, peak)
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

/// A stable autoregression of seeded coefficients.
fn mvar_of(Sizes { d, lag, .. }: Sizes) -> mvar::Model {
    let sigma = 0.5 / (lag * d) as f64;
    let a = Array3::from_shape_vec((lag, d, d), input::gaussian(1, lag * d * d, sigma));
    let model = mvar::Model::new(a.expect("as many as asked for"), Array1::from_elem(d, 0.1));
    model.expect("finite numbers of fitting shapes")
}

/// A network of seeded weights.
fn lstm_of(Sizes { d, lag, h, layers, .. }: Sizes) -> lstm::Model {
    let limit = (h as f32).sqrt().recip();
    let mut seeds = 1..;
    let mut matrix = |rows: usize, columns: usize| {
        let seed = seeds.next().expect("seeds do not run out");
        let values = input::uniform(seed, rows * columns, -limit, limit);
        Array2::from_shape_vec((rows, columns), values).expect("as many as asked for")
    };
    let mut layer = |nth: usize| Layer {
        w_ih: matrix(4 * h, if nth == 0 { d } else { h }),
        w_hh: matrix(4 * h, h),
        b_ih: matrix(1, 4 * h).row(0).to_owned(),
        b_hh: matrix(1, 4 * h).row(0).to_owned(),
    };
    let layers = (0..layers).map(&mut layer).collect();
    let norm = LayerNorm { weight: Array1::ones(h), bias: Array1::zeros(h) };
    let (out_w, out_b) = (matrix(d, h), matrix(1, d).row(0).to_owned());
    let parts = Parts { layers, norm: Some(norm), out_w, out_b, residual: false };
    let net = Net::new(parts).expect("parts of fitting shapes");
    lstm::Model::new(net, lag, None).expect("a lag in its range")
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
        let left = points.windows(2).find(|pair| pair[0].cache != pair[1].cache);
        let crossing = left.map(|pair| {
            format!("beyond {} from {} {} on", pair[0].cache, sweep.size, pair[1].value)
        });
        Self { model: sweep.model, size: sweep.size, exponent, crossing, points }
    }
}

/// The slope of log seconds over log value, with its 95 % interval.
fn exponent(points: &[Point]) -> Interval {
    let logs: Vec<(f64, f64)> =
        points.iter().map(|point| ((point.value as f64).ln(), point.seconds.ln())).collect();
    let n = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = logs.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / sxx;
    let residual: f64 = logs.iter().map(|p| (p.1 - y - slope * (p.0 - x)).powi(2)).sum();
    let freedom = n - 2.0;
    let quantile = StudentsT::new(0.0, 1.0, freedom).map_or(f64::MAX, |t| t.inverse_cdf(0.975));
    let half = quantile * (residual / freedom / sxx).sqrt();
    Interval { ratio: slope, low: slope - half, high: slope + half }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: usize, seconds: f64, cache: &str) -> Point {
        let roof = Roof::new(1, 1, (1.0, 1.0), 1.0);
        Point { value, seconds, flops: 1, parameter_bytes: 1, cache: cache.into(), roof }
    }

    #[test]
    fn a_power_law_has_its_exponent_and_a_cache_is_left_once() {
        let points = |noise: f64| {
            let of = |(nth, value): (usize, &usize)| {
                let seconds = 3.0 * (*value as f64).powf(1.5);
                let wobble = if nth % 2 == 0 { noise } else { -noise };
                point(*value, seconds * (1.0 + wobble), if *value < 20 { "L1d" } else { "L2" })
            };
            DIMENSIONS.iter().enumerate().map(of).collect::<Vec<_>>()
        };
        let axis = Axis::new(&SWEEPS[0], points(0.0));
        assert!((axis.exponent.ratio - 1.5).abs() < 1e-9, "{:?}", axis.exponent);
        assert_eq!(axis.crossing.as_deref(), Some("beyond L1d from d 20 on"), "crossing");
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
        let roofs = Arithmetic { f64: 1e10, f32: 1e10 };
        for (nth, sweep) in SWEEPS.iter().enumerate() {
            let [small, large] =
                [sweep.values[0], sweep.values[1]].map(|v| sweep.measure(v, &roofs));
            let grows =
                (large.flops, large.parameter_bytes) != (small.flops, small.parameter_bytes);
            assert_eq!(grows, sweep.size != "B", "sweep {nth}: {small:?} {large:?}");
            assert!(small.seconds > 0.0 && large.roof.share > 0.0, "{small:?} {large:?}");
        }
    }
}
