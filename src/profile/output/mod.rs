//! Profiles as JSON and as named columns.
//!
//! The keys and columns of coset's profilers come first, in their order, with their meaning;
//! `cuda_optimized` and the speedups against it are null where no GPU was measured, and their
//! columns empty. All else is in one more object, `extension`, or in more columns.

mod columns;
mod losses;

use serde::Serialize;

pub use losses::{matrix_columns, matrix_json, sweep_columns, sweep_json};

use super::Setup;
use super::codec::Measurement;
use super::cuda::{CLOCK, Cuda, ROOF};
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
    cuda_optimized: Option<&'a Timing>,
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
    cuda_optimized: Option<&'a Timing>,
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
    cuda: Option<OnGpu<'a>>,
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

/// The same on a GPU, whose memory has other roofs.
#[derive(Debug, Serialize)]
struct OnGpu<'a> {
    gpu: &'a str,
    clock: &'static str,
    median_time: f64,
    p5_time: f64,
    p95_time: f64,
    calls_per_iteration: u64,
    roof: Option<Roof>,
    roof_share: Option<f64>,
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
        timing.roof_share(self.bytes, self.operation.roof(roofs).1)
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

    /// The same of the memory of a GPU.
    fn gpu_roof_share(&self, cuda: &Cuda) -> Option<f64> {
        cuda.roof.map(|roof| cuda.timing.roof_share(self.bytes, roof))
    }

    fn on_gpu<'a>(&self, cuda: &'a Cuda) -> OnGpu<'a> {
        let Cuda { gpu, timing, roof } = cuda;
        OnGpu {
            gpu,
            clock: CLOCK,
            median_time: timing.quantile(0.5),
            p5_time: timing.quantile(0.05),
            p95_time: timing.quantile(0.95),
            calls_per_iteration: timing.calls,
            roof: roof.map(|bytes_per_second| Roof { name: ROOF, bytes_per_second }),
            roof_share: self.gpu_roof_share(cuda),
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
            cuda: self.cuda.as_ref().ok().map(|cuda| self.on_gpu(cuda)),
            cuda_reason: self.cuda.as_ref().err().map(String::as_str),
            rates: run.rates,
            quality: run.quality,
        }
    }
}

/// The measurements of one operation as the text of a JSON file.
pub fn json(run: &Run, all: &[Measurement]) -> Vec<u8> {
    let ratio = |from: &Timing, to: Option<&Timing>| to.map(|to| from.mean_time / to.mean_time);
    let combined: Vec<_> = all
        .iter()
        .filter_map(|m| {
            let two = m.scalar_two_calls.as_ref()?;
            Some(Combined {
                key: m.key(run),
                baseline_quantize: &m.scalar,
                baseline_encode_decode: two,
                cuda_optimized: m.cuda_timing(),
                speedup_vs_quantize: ratio(&m.scalar, m.cuda_timing()),
                speedup_vs_encode_decode: ratio(two, m.cuda_timing()),
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
        cuda_optimized: m.cuda_timing(),
        speedup: ratio(&m.scalar, m.cuda_timing()),
        extension: m.extension(run),
    };
    pretty(&all.iter().map(single).collect::<Vec<_>>())
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data are JSON");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::codec::Operation;
    use super::super::quality::quality;
    use super::*;
    use crate::lattice::Lattice;
    use crate::machine::isa::Isa;

    /// Of so many 1024ths of a second, whose means are exact.
    fn timing(parts: f64) -> Timing {
        Timing::new(1000, 10, vec![parts / 1024.0; ITERATIONS])
    }

    /// 1000 vectors of 20 bytes: 8 parts, at best 2 on the CPU, and 1 on a GPU.
    fn measured(operation: Operation, roof: Option<f64>) -> (Run, Measurement) {
        let (lattice, beta) = (Lattice::D4, 0.35);
        let setup = Setup { lattice, q: 4, levels: 2, beta, protected: false, sigma: 1.0, seed: 1 };
        let codec = setup.codec(Isa::Scalar).unwrap();
        let roofs = Roofs { read: 2e8, copy: 2e8, non_temporal_write: 2e8, buffer_bytes: 1 };
        let quality = quality(&codec, &setup.data(400)).unwrap();
        let run = Run { setup, rates: Rates::of(&codec), quality, roofs };
        let two_calls = operation == Operation::Combined;
        let measurement = Measurement {
            operation,
            batch: 1000,
            distinct: 65,
            bytes: 20_000,
            scalar: timing(8.0),
            scalar_two_calls: two_calls.then(|| timing(16.0)),
            isa: Isa::Avx2,
            best: timing(2.0),
            cuda: Ok(Cuda { gpu: "a GPU".to_owned(), timing: timing(1.0), roof }),
        };
        (run, measurement)
    }

    fn row(operation: Operation, roof: Option<f64>) -> (Value, Columns) {
        let (run, measurement) = measured(operation, roof);
        let rows: Value =
            serde_json::from_slice(&json(&run, std::slice::from_ref(&measurement))).unwrap();
        (rows[0].clone(), measurement.columns(&run))
    }

    fn field<'a>(columns: &'a Columns, name: &str) -> &'a str {
        &columns.iter().find(|(column, _)| column == name).unwrap().1
    }

    #[test]
    fn times_of_a_gpu_fill_their_keys_and_columns() {
        let (row, columns) = row(Operation::Encoding, Some(1.024e8));
        assert_eq!(row["device"], "cuda", "{row}");
        assert_eq!(
            (&row["cuda_optimized"]["mean_time"], &row["speedup"]),
            (&(1.0 / 1024.0).into(), &8.0.into())
        );
        let cuda = &row["extension"]["cuda"];
        assert_eq!((&cuda["gpu"], &cuda["roof_share"]), (&"a GPU".into(), &0.2.into()), "{cuda}");
        assert_eq!(cuda["roof"]["bytes_per_second"], 1.024e8, "{cuda}");
        assert!(row["extension"]["cuda_reason"].is_null(), "{row}");
        assert_eq!(row["extension"]["cpu_simd"]["roof_share"], 0.0512, "{row}");
        for (name, value) in [
            ("device", "cuda"),
            ("baseline_time_ms", "7.8125"),
            ("cuda_time_ms", "0.9765625"),
            ("cuda_median_ms", "0.9765625"),
            ("cuda_roof_share", "0.2"),
            ("cuda_gpu", "a GPU"),
            ("cuda_reason", ""),
            ("speedup", "8"),
            ("cpu_simd_speedup", "4"),
        ] {
            assert_eq!(field(&columns, name), value, "{name}");
        }
    }

    #[test]
    fn both_ways_to_quantize_have_their_speedup_and_a_gpu_may_lack_a_roof() {
        let (row, columns) = row(Operation::Combined, None);
        let speedups = (&row["speedup_vs_quantize"], &row["speedup_vs_encode_decode"]);
        assert_eq!(speedups, (&8.0.into(), &16.0.into()), "{row}");
        let cuda = &row["extension"]["cuda"];
        assert!(cuda["roof"].is_null() && cuda["roof_share"].is_null(), "{cuda}");
        assert_eq!(field(&columns, "cuda_roof_share"), "", "no roof");
        assert_eq!(field(&columns, "cuda_time_ms"), "0.9765625", "a time all the same");
    }
}
