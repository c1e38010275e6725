//! Distribution of the quantization error on the rows of a normalised matrix.
//!
//! Rows are Gaussian, divided by their Euclidean norm, multiplied by the number of tiles, padded
//! with zeros to a multiple of d, and cut into tiles of d. The distance of a tile is that of the
//! scaled tile to what its code stands for; the distance of a row is that of the whole row, scaled
//! back, without the padding.

use serde::{Deserialize, Serialize};

use super::batches::{Operation, same_floats};
use super::quality::{Quality, quality};
use super::{Error, Setup, cuda};
use crate::lattice::Layout;
use crate::machine::isa::Isa;
use crate::profile::roof::Roofs;
use crate::profile::timing::{self, Timing};
use crate::stats::{Method, Samples};

/// The errors of one matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiles {
    /// Rows B.
    pub rows: usize,
    /// Columns N.
    pub columns: usize,
    /// Tiles in each row, ceil(N / d); rows are scaled by it.
    pub tiles_per_row: usize,
    /// Bytes of all tiles, read and written.
    pub bytes: usize,
    /// Time of quantizing the whole matrix in one call.
    pub timing: Timing,
    /// The instruction set it was timed on.
    pub isa: String,
    /// Why it was not timed on a GPU.
    pub no_cuda: Option<String>,
    /// Distance of every tile.
    pub tile_distances: Samples,
    /// Distance of every row.
    pub row_distances: Samples,
    /// The loss of the codec on the tiles, the padding included.
    pub quality: Quality,
    /// Mean squared error of an element of the normalised matrix.
    pub mse: f64,
    /// Power of the matrix over that of the error, in decibels; none if there is no error.
    pub snr_db: Option<f64>,
    /// Share of the tiles that become zero: there the distance is the norm of the tile.
    pub zero_fraction: f64,
}

/// A number that sums up distances, and its name.
pub type Statistic = (&'static str, fn(&Samples) -> f64);

/// All that sum up distances; the deviation is of a population.
pub const STATISTICS: [Statistic; 10] = [
    ("mean", Samples::mean),
    ("std", |of| of.std(0)),
    ("min", Samples::min),
    ("max", Samples::max),
    ("median", Samples::median),
    ("q25", |of| of.quantile(0.25, Method::Linear)),
    ("q75", |of| of.quantile(0.75, Method::Linear)),
    ("q90", |of| of.quantile(0.9, Method::Linear)),
    ("q95", Samples::p95),
    ("q99", Samples::p99),
];

impl Tiles {
    /// The bytes that must be moved over the median time and the roof: the share of it reached.
    pub fn roof_share(&self, roofs: &Roofs) -> f64 {
        self.timing.roof_share(self.bytes, Operation::Combined.roof(roofs).1)
    }
}

/// Measures the errors of a matrix of `rows` by `columns`.
///
/// # Errors
///
/// If the codec cannot be built or refuses the data, or if implementations disagree.
///
/// # Panics
///
/// If there are no rows or no columns.
pub fn measure(setup: &Setup, rows: usize, columns: usize) -> Result<Tiles, Error> {
    assert!(rows > 0 && columns > 0, "an empty matrix has no errors");
    let (scalar, codec) = (setup.codec(Isa::Scalar)?, setup.codec(Isa::best())?);
    let d = setup.lattice.dim();
    let tiles_per_row = columns.div_ceil(d);
    let x = tiled(&setup.data(rows * columns), columns, tiles_per_row, d);
    let n = rows * tiles_per_row;
    let mut y = vec![0.0; x.len()];
    let mut want = y.clone();
    scalar.quantize(&x, &mut want, Layout::Rows)?;
    codec.quantize(&x, &mut y, Layout::Rows)?;
    same_floats(codec.isa().name(), "quantized values", n, &want, &y)?;
    let timing = timing::time(n, |_| {
        codec.quantize(&x, &mut y, Layout::Rows).expect("it was quantized before");
        std::hint::black_box(&y);
    });

    let squares = |x: &[f32], y: &[f32]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum()
    };
    let pairs = x.chunks_exact(d).zip(y.chunks_exact(d));
    let tile_distances = Samples::new(pairs.map(|(x, y)| squares(x, y).sqrt()));
    let padded = tiles_per_row * d;
    let scale = tiles_per_row as f64;
    let row_distances: Vec<f64> = x
        .chunks_exact(padded)
        .zip(y.chunks_exact(padded))
        .map(|(x, y)| squares(&x[..columns], &y[..columns]).sqrt() / scale)
        .collect();
    let noise: f64 = row_distances.iter().map(|r| r * r).sum();
    let power = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / (scale * scale);
    let zeros = y.chunks_exact(d).filter(|tile| tile.iter().all(|y| *y == 0.0)).count();
    let by_coordinate: Vec<f32> =
        (0..d).flat_map(|k| x.iter().skip(k).step_by(d).copied()).collect();
    Ok(Tiles {
        rows,
        columns,
        tiles_per_row,
        bytes: size_of_val(x.as_slice()) + size_of_val(y.as_slice()),
        timing,
        isa: codec.isa().name().to_owned(),
        no_cuda: cuda::available().err(),
        tile_distances,
        row_distances: Samples::new(row_distances),
        quality: quality(&codec, &by_coordinate)?,
        mse: noise / (rows * columns) as f64,
        snr_db: (noise > 0.0).then(|| 10.0 * (power / noise).log10()),
        zero_fraction: zeros as f64 / n as f64,
    })
}

/// The rows of `matrix`, normalised, scaled and padded, tile behind tile.
fn tiled(matrix: &[f32], columns: usize, tiles_per_row: usize, d: usize) -> Vec<f32> {
    let mut x = Vec::with_capacity(matrix.len() / columns * tiles_per_row * d);
    for row in matrix.chunks_exact(columns) {
        let norm = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        // A row of zeros stays one.
        let factor = tiles_per_row as f64 / norm.max(1e-30);
        #[expect(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
        x.extend(row.iter().map(|v| (f64::from(*v) * factor) as f32));
        x.resize(x.len() + tiles_per_row * d - columns, 0.0);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::Lattice;

    fn setup(lattice: Lattice, q: u8, beta: f32) -> Setup {
        Setup { lattice, q, levels: 2, beta, protected: false, sigma: 1.0, seed: 2 }
    }

    #[test]
    fn rows_are_normalised_scaled_and_padded() {
        let x = tiled(&[3.0, 4.0, 0.0, 0.0, 0.0, 2.0], 3, 2, 2);
        assert_eq!(x, [1.2, 1.6, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0], "2 tiles of 2");
        assert_eq!(tiled(&[0.0, 0.0], 2, 1, 2), [0.0, 0.0], "a row of zeros");
    }

    /// Without overload no tile is farther from its point than the covering radius, 1 for E8.
    #[test]
    fn errors_of_tiles_add_up_to_those_of_rows() {
        let got = measure(&setup(Lattice::E8, 8, 1.0), 30, 503).unwrap();
        assert_eq!((got.tiles_per_row, got.tile_distances.len()), (63, 30 * 63), "tiles");
        assert_eq!(got.quality.overload_probability, 0.0, "{:?}", got.quality);
        assert!(got.tile_distances.values().iter().all(|r| *r <= 1.0 + 1e-6), "covering radius");
        let tiles: f64 = got.tile_distances.values().iter().map(|r| r * r).sum();
        let rows: f64 = got.row_distances.values().iter().map(|r| (63.0 * r).powi(2)).sum();
        // The padding, one zero, is 1/2 off in half of the rows: 1/8 of 63 * 8 * 0.07168.
        let padding = 1.0 - rows / tiles;
        assert!((padding - 0.125 / (504.0 * 0.071_68)).abs() < 0.002, "but for it: {padding}");
        // Power 1 in every row; error 0.07168 for each of 503 elements, over 63^2.
        let snr = got.snr_db.unwrap();
        assert!((snr - 10.0 * (63.0 * 63.0 / (503.0 * 0.071_68_f64)).log10()).abs() < 0.1, "{snr}");
        assert_eq!(got.zero_fraction, 0.0, "large tiles");
    }

    #[test]
    fn a_coarse_step_makes_all_zero_and_says_so() {
        let got = measure(&setup(Lattice::D4, 4, 1000.0), 5, 7).unwrap();
        assert_eq!(got.zero_fraction, 1.0, "all zero");
        assert!(got.snr_db.unwrap().abs() < 1e-9, "no signal is left: {:?}", got.snr_db);
        assert!(got.row_distances.values().iter().all(|r| (r - 1.0).abs() < 1e-6), "norms of rows");
    }
}
