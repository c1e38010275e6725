//! The fields of every file.
//!
//! The keys and columns of coset's profilers come first, in their order, with their meaning;
//! `cuda_optimized` and the speedups against it are null where no GPU was measured, and their
//! columns empty. All else is in one more object, `extension`, or in more columns.

use super::batches::{Operation, Setup};
use super::cuda::{CLOCK, ROOF};
use super::found::Conditions;
use super::quality::{Quality, Rates};
use super::sweep::{self, Point, Sweep};
use super::tiles::{STATISTICS, Tiles};
use super::times::Measurement;
use crate::profile::files::{Fields, Value};
use crate::profile::timing::{ITERATIONS, Timing, WARM_UPS};

const SCHEMA: u32 = 1;

/// The fields of one operation at one batch size.
pub(super) fn times(conditions: &Conditions, m: &Measurement) -> Fields {
    let mut f = Fields::default();
    let cuda = m.cuda.as_ref().ok();
    let reason = m.cuda.as_ref().err();
    f.both("batch_size", "batch_size", m.batch);
    code(&mut f, &conditions.setup);
    f.both("device", "device", if cuda.is_some() { "cuda" } else { "cpu" });
    let gpu = m.cuda_timing();
    let speedup = |from: &Timing| gpu.map(|to| from.mean() / to.mean());
    match &m.scalar_two_calls {
        None => {
            means(&mut f, "baseline", "baseline", Some(&m.scalar));
            means(&mut f, "cuda_optimized", "cuda", gpu);
            f.both("speedup", "speedup", speedup(&m.scalar));
        }
        Some(two) => {
            means(&mut f, "baseline_quantize", "baseline_quantize", Some(&m.scalar));
            means(&mut f, "baseline_encode_decode", "baseline_encode_decode", Some(two));
            means(&mut f, "cuda_optimized", "cuda", gpu);
            f.both("speedup_vs_quantize", "speedup_vs_quantize", speedup(&m.scalar));
            f.both("speedup_vs_encode_decode", "speedup_vs_encode_decode", speedup(two));
        }
    }
    head(&mut f, &conditions.setup);
    f.key("extension.sigma", conditions.setup.sigma);
    f.key("extension.floats", "f32[d][n]");
    f.key("extension.codes", "packed");
    f.key("extension.distinct_batches", m.distinct);
    f.key("extension.roofs.read", conditions.roofs.read);
    f.key("extension.roofs.copy", conditions.roofs.copy);
    f.key("extension.roofs.non_temporal_write", conditions.roofs.non_temporal_write);
    f.key("extension.roofs.buffer_bytes", conditions.roofs.buffer_bytes);
    let share = |timing| Some(m.roof_share(timing, &conditions.roofs));
    spread(&mut f, "extension.baseline", "baseline", Some(&m.scalar), share(&m.scalar));
    let simd = "extension.cpu_simd";
    f.both(&format!("{simd}.implementation"), "cpu_simd_implementation", m.isa.as_str());
    means(&mut f, simd, "cpu_simd", Some(&m.best));
    f.both(&format!("{simd}.speedup"), "cpu_simd_speedup", m.speedup(&m.best));
    spread(&mut f, simd, "cpu_simd", Some(&m.best), share(&m.best));
    f.key("extension.cuda.clock", cuda.map(|_| CLOCK));
    let gpu_roof = cuda.and_then(|cuda| cuda.roof);
    let share = gpu.zip(gpu_roof).map(|(timing, roof)| timing.roof_share(m.bytes, roof));
    spread(&mut f, "extension.cuda", "cuda", gpu, share);
    f.key("extension.cuda.roof.name", gpu_roof.map(|_| ROOF));
    f.key("extension.cuda.roof.bytes_per_second", gpu_roof);
    f.both("extension.cuda.gpu", "cuda_gpu", cuda.map(|cuda| cuda.gpu.as_str()));
    f.both("extension.cuda_reason", "cuda_reason", reason.map(String::as_str));
    traffic(&mut f, m.bytes, m.operation, conditions);
    losses(&mut f, conditions, "extension.quality", &conditions.quality);
    f.both("extension.quality.mse", "mse", conditions.quality.mse);
    f
}

/// The fields of the errors of a matrix.
pub(super) fn matrix(conditions: &Conditions, tiles: &Tiles) -> Fields {
    let mut f = Fields::default();
    let Tiles { rows, columns, tiles_per_row, timing, .. } = tiles;
    let dim = conditions.setup.lattice.dim();
    code(&mut f, &conditions.setup);
    f.both("batch_size", "batch_size", *rows);
    f.both("matrix_size", "matrix_size", *columns);
    f.both("device", "device", "cpu");
    f.both("cuda_available", "cuda_available", tiles.no_cuda.is_none());
    f.time("quantization_time", "quantization_time_ms", Some(timing.mean()));
    f.both("throughput", "throughput_vectors_per_sec", timing.throughput());
    let tiling = |f: &mut Fields, at: &str| {
        f.both(&format!("{at}.num_tiles"), "num_tiles_per_row", *tiles_per_row);
        f.both(&format!("{at}.lattice_dim"), "lattice_dim", dim);
        f.key(&format!("{at}.original_shape"), [*rows, *columns]);
        f.key(&format!("{at}.tiled_shape"), [rows * tiles_per_row, dim]);
        f.key(&format!("{at}.padded_size"), tiles_per_row * dim);
        f.key(&format!("{at}.scaling_factor"), *tiles_per_row);
    };
    f.keys(|f| tiling(f, "tiling_info"));
    for (of, distances) in [("tile", &tiles.tile_distances), ("row", &tiles.row_distances)] {
        let at = format!("error_stats.{of}_distances");
        for (name, statistic) in STATISTICS {
            let column = format!("{of}_{name}_distance");
            f.both(&format!("{at}.{name}"), &column, statistic(distances));
        }
        f.both(&format!("{at}.num_samples"), &format!("{of}_num_samples"), distances.len());
    }
    tiling(&mut f, "error_stats.tiling_info");
    f.key("tile_distances", tiles.tile_distances.values());
    f.key("row_distances", tiles.row_distances.values());
    head(&mut f, &conditions.setup);
    f.both("extension.implementation", "implementation", tiles.isa.as_str());
    let same = "not timed: a GPU leaves the same bits; encoding and decoding are timed there";
    let reason = tiles.no_cuda.as_deref().unwrap_or(same);
    f.both("extension.cuda_reason", "cuda_reason", reason);
    f.keys(|f| means(f, "extension.timing", "", Some(timing)));
    quantiles(&mut f, "extension", "quantization", Some(timing));
    f.both("extension.roof_share", "quantization_roof_share", tiles.roof_share(&conditions.roofs));
    traffic(&mut f, tiles.bytes, Operation::Combined, conditions);
    losses(&mut f, conditions, "extension.tile_quality", &tiles.quality);
    f.key("extension.tile_quality.mse", tiles.quality.mse);
    f.both("extension.mse", "mse", tiles.mse);
    f.both("extension.snr_db", "snr_db", tiles.snr_db);
    f.both("extension.zero_fraction", "zero_fraction", tiles.zero_fraction);
    f
}

/// The fields of every point of a sweep, each below those of its code.
pub(super) fn points(setup: &Setup, sweep: &Sweep) -> Vec<Fields> {
    let row = |p: &Point| {
        let mut f = Fields::default();
        code(&mut f, setup);
        point(&mut f, p);
        f
    };
    sweep.points.iter().map(row).collect()
}

/// A sweep as the value of a JSON file.
pub(super) fn sweep(setup: &Setup, sweep: &Sweep) -> Value {
    let mut f = Fields::default();
    code(&mut f, setup);
    f.key("vectors", sweep::VECTORS);
    f.key("seed", setup.seed);
    f.key("best.beta", sweep.best.beta);
    f.key("best.gap_db", sweep.best.gap_db);
    f.key("best.is_inside", sweep.best.is_inside);
    let row = |p: &Point| {
        let mut f = Fields::default();
        point(&mut f, p);
        f.object()
    };
    f.key("points", Value::List(sweep.points.iter().map(row).collect()));
    f.object()
}

fn point(f: &mut Fields, point: &Point) {
    for (name, value) in [
        ("beta", Some(point.beta)),
        ("overload_probability", Some(point.overload_probability)),
        ("scaling_entropy_bits", Some(point.scaling_entropy_bits)),
        ("rate_bits", Some(point.rate_bits)),
        ("mse", Some(point.mse)),
        ("mse_not_overloaded", point.mse_not_overloaded),
        ("shannon_mse", Some(point.shannon_mse)),
        ("gap_db", Some(point.gap_db)),
    ] {
        f.both(name, name, value);
    }
}

fn code(f: &mut Fields, setup: &Setup) {
    f.both("lattice_type", "lattice_type", setup.lattice.name());
    f.both("q", "q", setup.q);
    f.both("M", "M", setup.levels);
}

/// The fields that the extensions of all files start with.
fn head(f: &mut Fields, setup: &Setup) {
    f.key("extension.schema", SCHEMA);
    f.key("extension.seed", setup.seed);
    f.key("extension.warm_ups", WARM_UPS);
    f.key("extension.iterations", ITERATIONS);
}

/// The traffic of a call, and the roof that it is compared with.
fn traffic(f: &mut Fields, bytes: usize, operation: Operation, conditions: &Conditions) {
    let (name, bytes_per_second) = operation.roof(&conditions.roofs);
    f.both("extension.bytes_moved", "bytes_moved", bytes);
    f.both("extension.roof.name", "roof", name);
    f.both("extension.roof.bytes_per_second", "roof_bytes_per_s", bytes_per_second);
}

/// The parameters of the codec, what it loses on some data, and its rates.
fn losses(f: &mut Fields, conditions: &Conditions, at: &str, quality: &Quality) {
    let Rates { information_bits, stored_bits, stored_bits_with_scaling, compression } =
        conditions.rates;
    f.both("extension.beta", "beta", conditions.setup.beta);
    f.both("extension.protected", "protected", conditions.setup.protected);
    let overload = "overload_probability";
    f.both(&format!("{at}.{overload}"), overload, quality.overload_probability);
    for (name, value) in [
        ("information_bits", information_bits),
        ("stored_bits", stored_bits),
        ("stored_bits_with_scaling", stored_bits_with_scaling),
        ("compression", compression),
    ] {
        f.both(&format!("extension.rates.{name}"), name, value);
    }
    f.both(&format!("{at}.nsm"), "nsm", quality.nsm);
    f.key(&format!("{at}.vectors"), quality.vectors);
    f.key(&format!("{at}.mse_not_overloaded"), quality.mse_not_overloaded);
    f.key(&format!("{at}.scaling_entropy_bits"), quality.scaling_entropy_bits);
}

/// Moments and rate of a timing that may be none, and all of its times.
fn means(f: &mut Fields, at: &str, column: &str, timing: Option<&Timing>) {
    let key = |name: &str| format!("{at}.{name}");
    let of = |what: fn(&Timing) -> f64| timing.map(what);
    f.time(&key("mean_time"), &format!("{column}_time_ms"), of(Timing::mean));
    f.time(&key("std_time"), &format!("{column}_std_ms"), of(|t| t.seconds.std(1)));
    f.key(&key("min_time"), of(|t| t.seconds.min()));
    f.key(&key("max_time"), of(|t| t.seconds.max()));
    f.both(&key("throughput"), &format!("{column}_throughput"), of(Timing::throughput));
    f.key(&key("all_times"), timing.map(|t| t.seconds.values()));
}

fn quantiles(f: &mut Fields, at: &str, column: &str, timing: Option<&Timing>) {
    for (name, p) in [("median", 0.5), ("p5", 0.05), ("p95", 0.95)] {
        let seconds = timing.map(|timing| timing.quantile(p));
        f.time(&format!("{at}.{name}_time"), &format!("{column}_{name}_ms"), seconds);
    }
}

/// The fields of a timing beside its mean.
fn spread(f: &mut Fields, at: &str, column: &str, timing: Option<&Timing>, share: Option<f64>) {
    quantiles(f, at, column, timing);
    f.key(&format!("{at}.calls_per_iteration"), timing.map(|timing| timing.calls));
    f.both(&format!("{at}.roof_share"), &format!("{column}_roof_share"), share);
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::super::cuda::Cuda;
    use super::super::quality::quality;
    use super::*;
    use crate::lattice::Lattice;
    use crate::machine::isa::Isa;
    use crate::profile::roof::Roofs;
    use crate::stats::Samples;

    /// Of so many 1024ths of a second, whose means are exact.
    fn timing(parts: f64) -> Timing {
        let seconds = Samples::new(vec![parts / 1024.0; ITERATIONS]);
        Timing { units: 1000, calls: 10, seconds }
    }

    /// 1000 vectors of 20 bytes: 8 parts, at best 2 on the CPU, and 1 on a GPU.
    fn measured(operation: Operation, roof: Option<f64>) -> (Conditions, Measurement) {
        let (lattice, beta) = (Lattice::D4, 0.35);
        let setup = Setup { lattice, q: 4, levels: 2, beta, protected: false, sigma: 1.0, seed: 1 };
        let codec = setup.codec(Isa::Scalar).unwrap();
        let roofs = Roofs { read: 2e8, copy: 2e8, non_temporal_write: 2e8, buffer_bytes: 1 };
        let quality = quality(&codec, &setup.data(400)).unwrap();
        let conditions = Conditions { setup, rates: Rates::of(&codec), quality, roofs };
        let two_calls = operation == Operation::Combined;
        let measurement = Measurement {
            operation,
            batch: 1000,
            distinct: 65,
            bytes: 20_000,
            scalar: timing(8.0),
            scalar_two_calls: two_calls.then(|| timing(16.0)),
            isa: "avx2".to_owned(),
            best: timing(2.0),
            cuda: Ok(Cuda { gpu: "a GPU".to_owned(), timing: timing(1.0), roof }),
        };
        (conditions, measurement)
    }

    fn row(operation: Operation, roof: Option<f64>) -> (Json, Vec<(String, String)>) {
        let (conditions, measurement) = measured(operation, roof);
        let fields = times(&conditions, &measurement);
        (serde_json::to_value(fields.object()).unwrap(), fields.columns())
    }

    fn field<'a>(columns: &'a [(String, String)], name: &str) -> &'a str {
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
