//! Profiles as JSON and as named columns.
//!
//! The keys and columns of coset's profilers come first, in their order, with their meaning;
//! `cuda_optimized` and the speedups against it are null where no GPU was measured, and their
//! columns empty. All else is in one more object, `extension`, or in more columns.

mod losses;

use serde::Serialize;

pub use losses::{matrix_columns, matrix_json, sweep_columns, sweep_json};

use super::Setup;
use super::codec::Measurement;
use super::quality::{Quality, Rates};
use super::roof::Roofs;
use super::timing::{ITERATIONS, Timing, WARM_UPS};

/// The fields of one row of a CSV file: a column's name and its value, in order.
pub type Columns = Vec<(String, String)>;

const SCHEMA: u32 = 1;

/// What all measurements of a run have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// The codec and its data.
    pub setup: Setup,
    /// The rates of the codec.
    pub rates: Rates,
    /// What the codec loses on the data.
    pub quality: Quality,
    /// The roofs of the machine.
    pub roofs: Roofs,
}

/// One row of `{encoding,decoding}_results_*.json`.
#[derive(Debug, Serialize)]
struct Single<'a> {
    #[serde(flatten)]
    key: Key,
    baseline: &'a Timing,
    cuda_optimized: Option<Timing>,
    speedup: Option<f64>,
    extension: Extension<'a>,
}

/// One row of `combined_results_*.json`.
#[derive(Debug, Serialize)]
struct Combined<'a> {
    #[serde(flatten)]
    key: Key,
    baseline_quantize: &'a Timing,
    baseline_encode_decode: &'a Timing,
    cuda_optimized: Option<Timing>,
    speedup_vs_quantize: Option<f64>,
    speedup_vs_encode_decode: Option<f64>,
    extension: Extension<'a>,
}

#[derive(Debug, Serialize)]
struct Key {
    batch_size: usize,
    lattice_type: &'static str,
    q: u8,
    #[serde(rename = "M")]
    levels: usize,
    device: &'static str,
}

#[derive(Debug, Serialize)]
struct Extension<'a> {
    schema: u32,
    beta: f32,
    protected: bool,
    sigma: f64,
    seed: u64,
    floats: &'static str,
    codes: &'static str,
    warm_ups: usize,
    iterations: usize,
    distinct_batches: usize,
    bytes_moved: usize,
    roof: Roof,
    roofs: Roofs,
    baseline: Spread,
    cpu_simd: Simd<'a>,
    cuda: Option<Spread>,
    cuda_reason: Option<&'a str>,
    rates: Rates,
    quality: Quality,
}

/// The roof that traffic is compared with.
#[derive(Debug, Serialize)]
struct Roof {
    name: &'static str,
    bytes_per_second: f64,
}

/// What the mean of a timing does not tell.
#[derive(Debug, Serialize)]
struct Spread {
    median_time: f64,
    p5_time: f64,
    p95_time: f64,
    calls_per_iteration: u64,
    roof_share: f64,
}

#[derive(Debug, Serialize)]
struct Simd<'a> {
    implementation: &'static str,
    #[serde(flatten)]
    timing: &'a Timing,
    #[serde(flatten)]
    spread: Spread,
    speedup: f64,
}

impl Measurement {
    /// How many times faster than the scalar implementation `timing` is, by their means.
    pub fn speedup(&self, timing: &Timing) -> f64 {
        self.scalar.mean_time / timing.mean_time
    }

    /// The bytes that must be moved over the median time and the roof: the share of it reached.
    pub fn roof_share(&self, timing: &Timing, roofs: &Roofs) -> f64 {
        self.bytes as f64 / timing.quantile(0.5) / self.operation.roof(roofs).1
    }

    fn spread(&self, timing: &Timing, roofs: &Roofs) -> Spread {
        Spread {
            median_time: timing.quantile(0.5),
            p5_time: timing.quantile(0.05),
            p95_time: timing.quantile(0.95),
            calls_per_iteration: timing.calls,
            roof_share: self.roof_share(timing, roofs),
        }
    }

    fn key(&self, run: &Run) -> Key {
        let Setup { lattice, q, levels, .. } = run.setup;
        let device = if self.cuda.is_ok() { "cuda" } else { "cpu" };
        Key { batch_size: self.batch, lattice_type: lattice.name(), q, levels, device }
    }

    fn extension(&self, run: &Run) -> Extension<'_> {
        let Setup { beta, protected, sigma, seed, .. } = run.setup;
        let (name, bytes_per_second) = self.operation.roof(&run.roofs);
        Extension {
            schema: SCHEMA,
            beta,
            protected,
            sigma,
            seed,
            floats: "f32[d][n]",
            codes: "packed",
            warm_ups: WARM_UPS,
            iterations: ITERATIONS,
            distinct_batches: self.distinct,
            bytes_moved: self.bytes,
            roof: Roof { name, bytes_per_second },
            roofs: run.roofs,
            baseline: self.spread(&self.scalar, &run.roofs),
            cpu_simd: Simd {
                implementation: self.isa.name(),
                timing: &self.best,
                spread: self.spread(&self.best, &run.roofs),
                speedup: self.speedup(&self.best),
            },
            cuda: self.cuda.as_ref().ok().map(|timing| self.spread(timing, &run.roofs)),
            cuda_reason: self.cuda.as_ref().err().map(String::as_str),
            rates: run.rates,
            quality: run.quality,
        }
    }

    /// The columns of this measurement.
    pub fn columns(&self, run: &Run) -> Columns {
        let Key { batch_size, lattice_type, q, levels, device } = self.key(run);
        let mut row = vec![
            column("batch_size", batch_size),
            column("lattice_type", lattice_type),
            column("q", q),
            column("M", levels),
            column("device", device),
        ];
        let cuda = self.cuda.as_ref().ok();
        let speedup = |from: &Timing| cuda.map(|to| from.mean_time / to.mean_time);
        match &self.scalar_two_calls {
            None => {
                row.extend(means("baseline", Some(&self.scalar)));
                row.extend(means("cuda", cuda));
                row.push(maybe("speedup", speedup(&self.scalar)));
            }
            Some(two) => {
                row.extend(means("baseline_quantize", Some(&self.scalar)));
                row.extend(means("baseline_encode_decode", Some(two)));
                row.extend(means("cuda", cuda));
                row.push(maybe("speedup_vs_quantize", speedup(&self.scalar)));
                row.push(maybe("speedup_vs_encode_decode", speedup(two)));
            }
        }
        row.extend(self.spread_columns("baseline", Some(&self.scalar), run));
        row.push(column("cpu_simd_implementation", self.isa.name()));
        row.extend(means("cpu_simd", Some(&self.best)));
        row.push(column("cpu_simd_speedup", self.speedup(&self.best)));
        row.extend(self.spread_columns("cpu_simd", Some(&self.best), run));
        row.extend(self.spread_columns("cuda", cuda, run));
        row.push(column("cuda_reason", self.cuda.as_ref().err().map_or("", String::as_str)));
        let (name, bytes_per_second) = self.operation.roof(&run.roofs);
        row.push(column("bytes_moved", self.bytes));
        row.push(column("roof", name));
        row.push(column("roof_bytes_per_s", bytes_per_second));
        row.extend(codec_columns(&run.setup, &run.rates, &run.quality));
        row.push(column("mse", run.quality.mse));
        row
    }

    fn spread_columns(&self, of: &str, timing: Option<&Timing>, run: &Run) -> Columns {
        let spread = timing.map(|timing| self.spread(timing, &run.roofs));
        let ms = |get: fn(&Spread) -> f64| spread.as_ref().map(|s| 1e3 * get(s));
        vec![
            maybe(&format!("{of}_median_ms"), ms(|s| s.median_time)),
            maybe(&format!("{of}_p5_ms"), ms(|s| s.p5_time)),
            maybe(&format!("{of}_p95_ms"), ms(|s| s.p95_time)),
            maybe(&format!("{of}_roof_share"), spread.as_ref().map(|s| s.roof_share)),
        ]
    }
}

/// The measurements of one operation as the text of a JSON file.
pub fn json(run: &Run, all: &[Measurement]) -> Vec<u8> {
    let cuda = |m: &'_ Measurement| m.cuda.as_ref().ok().cloned();
    let ratio = |from: &Timing, to: Option<Timing>| to.map(|to| from.mean_time / to.mean_time);
    let combined: Vec<_> = all
        .iter()
        .filter_map(|m| {
            let two = m.scalar_two_calls.as_ref()?;
            Some(Combined {
                key: m.key(run),
                baseline_quantize: &m.scalar,
                baseline_encode_decode: two,
                cuda_optimized: cuda(m),
                speedup_vs_quantize: ratio(&m.scalar, cuda(m)),
                speedup_vs_encode_decode: ratio(two, cuda(m)),
                extension: m.extension(run),
            })
        })
        .collect();
    if !combined.is_empty() {
        return pretty(&combined);
    }
    let single = |m| Single {
        key: Measurement::key(m, run),
        baseline: &m.scalar,
        cuda_optimized: cuda(m),
        speedup: ratio(&m.scalar, cuda(m)),
        extension: m.extension(run),
    };
    pretty(&all.iter().map(single).collect::<Vec<_>>())
}

fn codec_columns(setup: &Setup, rates: &Rates, quality: &Quality) -> Columns {
    vec![
        column("beta", setup.beta),
        column("protected", setup.protected),
        column("overload_probability", quality.overload_probability),
        column("information_bits", rates.information_bits),
        column("stored_bits", rates.stored_bits),
        column("stored_bits_with_scaling", rates.stored_bits_with_scaling),
        column("compression", rates.compression),
        maybe("nsm", quality.nsm),
    ]
}

fn means(of: &str, timing: Option<&Timing>) -> Columns {
    vec![
        maybe(&format!("{of}_time_ms"), timing.map(|t| 1e3 * t.mean_time)),
        maybe(&format!("{of}_std_ms"), timing.map(|t| 1e3 * t.std_time)),
        maybe(&format!("{of}_throughput"), timing.map(|t| t.throughput)),
    ]
}

fn column(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// An empty field where there is no value.
fn maybe(name: &str, value: Option<f64>) -> (String, String) {
    (name.to_owned(), value.map(|v| v.to_string()).unwrap_or_default())
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data are JSON");
    text.push(b'\n');
    text
}
