//! Errors of a matrix and sweeps, as JSON and as named columns.

use serde::Serialize;

use super::super::Setup;
use super::super::codec::Operation;
use super::super::quality::{Quality, Rates};
use super::super::sweep::{Point, Sweep};
use super::super::tiles::{Distances, Tiles};
use super::super::timing::{ITERATIONS, Timing, WARM_UPS};
use super::columns::{codec_columns, column, maybe};
use super::{Columns, Roof, Run, SCHEMA, pretty};
use crate::stats::Samples;

#[derive(Debug, Serialize)]
struct Matrix<'a> {
    lattice_type: &'static str,
    q: u8,
    #[serde(rename = "M")]
    levels: usize,
    batch_size: usize,
    matrix_size: usize,
    device: &'static str,
    cuda_available: bool,
    quantization_time: f64,
    throughput: f64,
    tiling_info: Tiling,
    error_stats: Stats,
    tile_distances: &'a Samples,
    row_distances: &'a Samples,
    extension: MatrixExtension<'a>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Tiling {
    original_shape: [usize; 2],
    lattice_dim: usize,
    num_tiles: usize,
    tiled_shape: [usize; 2],
    padded_size: usize,
    scaling_factor: usize,
}

#[derive(Debug, Serialize)]
struct Stats {
    tile_distances: Distances,
    row_distances: Distances,
    tiling_info: Tiling,
}

#[derive(Debug, Serialize)]
struct MatrixExtension<'a> {
    schema: u32,
    beta: f32,
    protected: bool,
    seed: u64,
    implementation: &'static str,
    cuda_reason: &'a str,
    warm_ups: usize,
    iterations: usize,
    timing: &'a Timing,
    median_time: f64,
    p5_time: f64,
    p95_time: f64,
    bytes_moved: usize,
    roof: Roof,
    roof_share: f64,
    mse: f64,
    snr_db: Option<f64>,
    zero_fraction: f64,
    rates: Rates,
    tile_quality: Quality,
}

/// The errors of a matrix as the text of a JSON file.
pub fn matrix_json(run: &Run, tiles: &Tiles) -> Vec<u8> {
    let Setup { lattice, q, levels, beta, protected, seed, .. } = run.setup;
    let (roof, bytes_per_second) = Operation::Combined.roof(&run.roofs);
    let Tiles { rows, columns, tiles_per_row, timing, .. } = tiles;
    let tiling_info = Tiling {
        original_shape: [*rows, *columns],
        lattice_dim: lattice.dim(),
        num_tiles: *tiles_per_row,
        tiled_shape: [rows * tiles_per_row, lattice.dim()],
        padded_size: tiles_per_row * lattice.dim(),
        scaling_factor: *tiles_per_row,
    };
    pretty(&Matrix {
        lattice_type: lattice.name(),
        q,
        levels,
        batch_size: *rows,
        matrix_size: *columns,
        device: "cpu",
        cuda_available: tiles.no_cuda.is_none(),
        quantization_time: timing.mean_time,
        throughput: timing.throughput,
        tiling_info,
        error_stats: Stats {
            tile_distances: Distances::of(&tiles.tile_distances),
            row_distances: Distances::of(&tiles.row_distances),
            tiling_info,
        },
        tile_distances: &tiles.tile_distances,
        row_distances: &tiles.row_distances,
        extension: MatrixExtension {
            schema: SCHEMA,
            beta,
            protected,
            seed,
            implementation: tiles.isa.name(),
            cuda_reason: no_time(tiles),
            warm_ups: WARM_UPS,
            iterations: ITERATIONS,
            timing,
            median_time: timing.quantile(0.5),
            p5_time: timing.quantile(0.05),
            p95_time: timing.quantile(0.95),
            bytes_moved: tiles.bytes,
            roof: Roof { name: roof, bytes_per_second },
            roof_share: tiles.roof_share(&run.roofs),
            mse: tiles.mse,
            snr_db: tiles.snr_db,
            zero_fraction: tiles.zero_fraction,
            rates: run.rates,
            tile_quality: tiles.quality,
        },
    })
}

/// Why there is no time on a GPU.
fn no_time(tiles: &Tiles) -> &str {
    let same = "not timed: a GPU leaves the same bits; encoding and decoding are timed there";
    tiles.no_cuda.as_deref().unwrap_or(same)
}

/// The columns of the errors of a matrix.
pub fn matrix_columns(run: &Run, tiles: &Tiles) -> Columns {
    let setup = &run.setup;
    let mut row = vec![
        column("lattice_type", setup.lattice),
        column("q", setup.q),
        column("M", setup.levels),
        column("batch_size", tiles.rows),
        column("matrix_size", tiles.columns),
        column("device", "cpu"),
        column("cuda_available", tiles.no_cuda.is_none()),
        column("quantization_time_ms", 1e3 * tiles.timing.mean_time),
        column("throughput_vectors_per_sec", tiles.timing.throughput),
    ];
    for (of, distances) in [("tile", &tiles.tile_distances), ("row", &tiles.row_distances)] {
        let Distances { mean, std, min, max, median, q25, q75, q90, q95, q99, num_samples } =
            Distances::of(distances);
        for (name, value) in [
            ("mean", mean),
            ("std", std),
            ("min", min),
            ("max", max),
            ("median", median),
            ("q25", q25),
            ("q75", q75),
            ("q90", q90),
            ("q95", q95),
            ("q99", q99),
        ] {
            row.push(column(&format!("{of}_{name}_distance"), value));
        }
        row.push(column(&format!("{of}_num_samples"), num_samples));
    }
    row.push(column("num_tiles_per_row", tiles.tiles_per_row));
    row.push(column("lattice_dim", setup.lattice.dim()));
    row.push(column("implementation", tiles.isa.name()));
    row.push(column("cuda_reason", no_time(tiles)));
    for (name, p) in [("median", 0.5), ("p5", 0.05), ("p95", 0.95)] {
        row.push(column(&format!("quantization_{name}_ms"), 1e3 * tiles.timing.quantile(p)));
    }
    let (roof, bytes_per_second) = Operation::Combined.roof(&run.roofs);
    row.push(column("quantization_roof_share", tiles.roof_share(&run.roofs)));
    row.push(column("bytes_moved", tiles.bytes));
    row.push(column("roof", roof));
    row.push(column("roof_bytes_per_s", bytes_per_second));
    row.extend(codec_columns(setup, &run.rates, &tiles.quality));
    row.push(column("mse", tiles.mse));
    row.push(maybe("snr_db", tiles.snr_db));
    row.push(column("zero_fraction", tiles.zero_fraction));
    row
}

/// A sweep as the text of a JSON file.
pub fn sweep_json(sweep: &Sweep) -> Vec<u8> {
    pretty(sweep)
}

/// The columns of every point of a sweep.
pub fn sweep_columns(sweep: &Sweep) -> Vec<Columns> {
    let row = |point: &Point| {
        vec![
            column("lattice_type", sweep.lattice_type),
            column("q", sweep.q),
            column("M", sweep.levels),
            column("beta", point.beta),
            column("overload_probability", point.overload_probability),
            column("scaling_entropy_bits", point.scaling_entropy_bits),
            column("rate_bits", point.rate_bits),
            column("mse", point.mse),
            maybe("mse_not_overloaded", point.mse_not_overloaded),
            column("shannon_mse", point.shannon_mse),
            column("gap_db", point.gap_db),
        ]
    };
    sweep.points.iter().map(row).collect()
}
