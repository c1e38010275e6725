//! Shifts that bring frames of a periodic field onto a reference: the largest cross-correlation.
//!
//! A frame moves by the rows dy and columns dx, -n/2 < dy, dx <= n/2, for which the sum over all cells of
//! reference\[y, x\] frame\[y - dy, x - dx\] is the largest. The correlation is the inverse Fourier
//! transform of F(reference) conj(F(frame)); transforms are products with the matrices of their cosines
//! and sines, which are of any length and as fast as an FFT at the sizes of densities. Correlations that
//! differ by no more than rounding are equal, and of these the first, row after row, is taken.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};

/// The field that frames are shifted onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The mean of all frames.
    Mean,
    /// The first frame of the first run.
    First,
    /// The median of each cell over all frames.
    Median,
}

impl Reference {
    /// The reference of a name of wsindy-manifold.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Mean, Self::First, Self::Median].into_iter().find(|known| known.name() == name)
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::Median => "median",
        }
    }
}

/// Cosines and sines of a transform.
type Wave = [Array2<f64>; 2];

/// Correlates frames with one field.
#[derive(Debug)]
pub struct Correlator {
    /// (columns, half of the frequencies), and back with the weights of the other half.
    across: Wave,
    back: Wave,
    /// (rows, rows).
    down: Wave,
    /// Real and imaginary part of the transform of the field.
    field: Wave,
    /// The root of the sum of the squares of the field.
    norm: f64,
    /// Room for a frame, parts of transforms, and the correlation.
    frame: Array2<f64>,
    rows: Wave,
    product: Wave,
    correlation: Array2<f64>,
}

impl Correlator {
    /// Prepares correlations with a field.
    ///
    /// # Panics
    ///
    /// If it has no cell.
    pub fn to(field: ArrayView2<'_, f64>) -> Self {
        let (ny, nx) = field.dim();
        assert!(ny > 0 && nx > 0, "a field without a cell");
        let half = nx / 2 + 1;
        let across = wave(nx, nx, half);
        // Every frequency but 0 and half of all stands for the one that mirrors it, too.
        let weight = |k: usize| if k == 0 || 2 * k == nx { 1.0 } else { 2.0 };
        let mut back = across.clone().map(Array2::reversed_axes);
        for part in &mut back {
            part.outer_iter_mut().enumerate().for_each(|(k, mut row)| row *= weight(k));
            *part = part.as_standard_layout().into_owned();
        }
        let down = wave(ny, ny, ny);
        let room = || [(); 2].map(|()| Array2::zeros((ny, half)));
        let mut correlator = Self {
            across,
            back,
            down,
            field: room(),
            norm: norm(field),
            frame: Array2::zeros((ny, nx)),
            rows: room(),
            product: room(),
            correlation: Array2::zeros((ny, nx)),
        };
        correlator.transform(field);
        std::mem::swap(&mut correlator.field, &mut correlator.product);
        correlator
    }

    /// The rows and columns that a frame moves by.
    ///
    /// # Panics
    ///
    /// If it has another shape than the field.
    pub fn shift(&mut self, frame: ArrayView2<'_, f64>) -> [i64; 2] {
        let (ny, nx) = self.frame.dim();
        assert_eq!(frame.dim(), (ny, nx), "a frame of another shape");
        self.transform(frame);
        let [re, im] = &mut self.product;
        let parts = re.iter_mut().zip(im).zip(self.field[0].iter().zip(&self.field[1]));
        for ((re, im), (p, q)) in parts {
            (*re, *im) = (p * *re + q * *im, q * *re - p * *im);
        }
        let ([cos, sin], [re, im], [a, b]) = (&self.down, &self.product, &mut self.rows);
        general_mat_mul(1.0, cos, re, 0.0, a);
        general_mat_mul(-1.0, sin, im, 1.0, a);
        general_mat_mul(1.0, cos, im, 0.0, b);
        general_mat_mul(1.0, sin, re, 1.0, b);
        general_mat_mul(1.0, a, &self.back[0], 0.0, &mut self.correlation);
        general_mat_mul(-1.0, b, &self.back[1], 1.0, &mut self.correlation);
        let largest = self.correlation.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let cells = (ny * nx) as f64;
        // The transforms leave out the division by the number of cells.
        let rounding = 16.0 * f64::EPSILON * cells * self.norm * norm(frame);
        let found = self.correlation.indexed_iter().find(|(_, c)| **c >= largest - rounding);
        let (dy, dx) = found.map_or((0, 0), |(at, _)| at);
        [(dy, ny), (dx, nx)].map(|(shift, n)| signed(shift, n))
    }

    /// Puts the transform of a field into `product`.
    fn transform(&mut self, field: ArrayView2<'_, f64>) {
        self.frame.assign(&field);
        let ([cos, sin], [a, b], [re, im]) = (&self.down, &mut self.rows, &mut self.product);
        general_mat_mul(1.0, &self.frame, &self.across[0], 0.0, a);
        general_mat_mul(-1.0, &self.frame, &self.across[1], 0.0, b);
        general_mat_mul(1.0, cos, a, 0.0, re);
        general_mat_mul(1.0, sin, b, 1.0, re);
        general_mat_mul(1.0, cos, b, 0.0, im);
        general_mat_mul(-1.0, sin, a, 1.0, im);
    }
}

/// Moves a frame by some rows and columns, around the box, into `to`, row after row.
///
/// # Panics
///
/// If there is not room for its cells.
pub fn roll(frame: ArrayView2<'_, f64>, shift: [i64; 2], to: &mut [f64]) {
    let (ny, nx) = frame.dim();
    assert_eq!(to.len(), ny * nx, "room for the frame");
    let [dy, dx] = [(shift[0], ny), (shift[1], nx)].map(|(shift, n)| around(shift, n));
    for (y, row) in frame.outer_iter().enumerate() {
        let to = &mut to[(y + dy) % ny * nx..][..nx];
        let (end, start) = (row.slice(s![..nx - dx]), row.slice(s![nx - dx..]));
        to[dx..].iter_mut().zip(end).for_each(|(to, x)| *to = *x);
        to[..dx].iter_mut().zip(start).for_each(|(to, x)| *to = *x);
    }
}

/// A shift as 0 to n - 1.
fn around(shift: i64, n: usize) -> usize {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    usize::try_from(shift.rem_euclid(n)).unwrap_or(0)
}

/// A shift of 0 to n - 1 as -n/2 < shift <= n/2.
fn signed(shift: usize, n: usize) -> i64 {
    let wide = |x: usize| i64::try_from(x).unwrap_or(i64::MAX);
    if shift <= n / 2 { wide(shift) } else { wide(shift) - wide(n) }
}

fn norm(field: ArrayView2<'_, f64>) -> f64 {
    field.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// cos and sin of 2 pi i j / n, (rows, columns).
fn wave(n: usize, rows: usize, columns: usize) -> Wave {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let angle = |i: usize, j: usize| std::f64::consts::TAU * (i * j % n) as f64 / n as f64;
    let matrix =
        |of: fn(f64) -> f64| Array2::from_shape_fn((rows, columns), |(i, j)| of(angle(i, j)));
    [matrix(f64::cos), matrix(f64::sin)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    fn field(seed: u64, ny: usize, nx: usize) -> Array2<f64> {
        Array2::from_shape_vec((ny, nx), input::gaussian(seed, ny * nx, 1.0)).unwrap()
    }

    #[test]
    fn the_shift_has_the_largest_correlation_of_all() {
        for (seed, (ny, nx)) in (0..).zip([(1, 1), (1, 6), (5, 1), (2, 2), (5, 4), (6, 7), (9, 9)])
        {
            let (a, b) = (field(seed, ny, nx), field(seed + 50, ny, nx));
            let correlation = |dy: usize, dx: usize| -> f64 {
                let cells = a.indexed_iter();
                cells.map(|((y, x), a)| a * b[[(y + ny - dy) % ny, (x + nx - dx) % nx]]).sum()
            };
            let all = (0..ny).flat_map(|dy| (0..nx).map(move |dx| [dy, dx]));
            let best =
                all.max_by(|p, q| correlation(p[0], p[1]).total_cmp(&correlation(q[0], q[1])));
            let found = Correlator::to(a.view()).shift(b.view());
            let [dy, dx] = best.unwrap();
            assert_eq!(found, [signed(dy, ny), signed(dx, nx)], "{ny} x {nx}");
            let mut moved = vec![0.0; ny * nx];
            roll(b.view(), found, &mut moved);
            let got: f64 = moved.iter().zip(&a).map(|(x, y)| x * y).sum();
            assert!((got - correlation(dy, dx)).abs() < 1e-12, "rolled by as much");
        }
    }

    #[test]
    fn a_frame_that_was_moved_comes_back() {
        let frame = field(3, 8, 5);
        let mut correlator = Correlator::to(frame.view());
        for shift in [[0, 0], [1, 0], [4, -2], [-3, 2], [17, -9]] {
            let (mut moved, mut back) = (vec![0.0; 40], vec![0.0; 40]);
            roll(frame.view(), shift, &mut moved);
            let moved = ArrayView2::from_shape((8, 5), &moved).unwrap();
            let found = correlator.shift(moved);
            roll(moved, found, &mut back);
            assert!(back.iter().eq(&frame), "{shift:?}, back by {found:?}");
        }
    }

    #[test]
    fn of_equal_correlations_the_first_is_taken() {
        for (ny, nx) in (1..14).flat_map(|ny| (1..14).map(move |nx| (ny, nx))) {
            let even = Array2::from_elem((ny, nx), 0.3);
            assert_eq!(Correlator::to(even.view()).shift(even.view()), [0, 0], "{ny} x {nx}");
        }
        // A pattern that comes back after some columns, so that correlations do, too.
        for (period, times) in (2..9).flat_map(|period| (2..6).map(move |times| (period, times))) {
            let (pattern, nx) = (field(1, 5, period), period * times);
            let stripes = Array2::from_shape_fn((5, nx), |(y, x)| pattern[[y, x % period]]);
            let mut moved = vec![0.0; 5 * nx];
            roll(stripes.view(), [1, 1], &mut moved);
            let moved = ArrayView2::from_shape((5, nx), &moved).unwrap();
            let found = Correlator::to(stripes.view()).shift(moved);
            assert_eq!(found, [-1, signed(period - 1, nx)], "{times} times {period} columns");
        }
    }
}
