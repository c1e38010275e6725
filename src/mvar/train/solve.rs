//! Systems of normal equations, and the spectral radius of a recursion.
//!
//! The factorisation stands here, since of the crates that have one nalgebra adds 20 s to a cold build and
//! is too slow for a fit in a fifth of `NumPy`'s time, and faer takes far longer to build.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayView3, Axis, s};

use super::Error;
use crate::machine::isa::Isa;

/// A symmetric matrix and right-hand sides next to it; the Cholesky factor and the solution, once
/// solved. The lower triangle is not read.
#[derive(Debug, Clone)]
pub(super) struct System {
    isa: Isa,
    n: usize,
    /// Length of a row.
    width: usize,
    rows: Vec<f64>,
    diagonal: Vec<f64>,
}

impl System {
    /// Room for a matrix (n, n) and right-hand sides (n, columns).
    pub(super) fn new(n: usize, columns: usize, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        let width = n + columns;
        Self { isa, n, width, rows: vec![0.0; n * width], diagonal: vec![0.0; n] }
    }

    /// Solves (gram + alpha I) w = cross.
    ///
    /// With alpha = 0 a pivot that lost all its digits counts as zero: elimination of n columns
    /// leaves an error of about n eps times the diagonal there.
    pub(super) fn solve(
        &mut self,
        gram: ArrayView2<'_, f64>,
        cross: ArrayView2<'_, f64>,
        alpha: f64,
        windows: usize,
    ) -> Result<(), Error> {
        self.fill(gram, cross, alpha);
        if !self.factor(if alpha == 0.0 { lost(self.n) } else { 0.0 }) {
            // By a hair the two may round apart.
            let rank = rank(gram).min(self.n - 1);
            return Err(Error::Singular { windows, rank, size: self.n });
        }
        // Back from the last row: U w = z.
        for i in (0..self.n).rev() {
            let (above, below) = self.rows.split_at_mut((i + 1) * self.width);
            let (factors, z) = above[i * self.width..].split_at_mut(self.n);
            for (row, factor) in below.chunks_exact(self.width).zip(&factors[i + 1..]) {
                for (z, w) in z.iter_mut().zip(&row[self.n..]) {
                    *z -= factor * w;
                }
            }
            z.iter_mut().for_each(|z| *z /= factors[i]);
        }
        Ok(())
    }

    /// The right-hand sides, or w once solved; shape (n, columns).
    pub(super) fn sides(&self) -> impl Iterator<Item = &[f64]> {
        self.rows.chunks_exact(self.width).map(|row| &row[self.n..])
    }

    fn fill(&mut self, matrix: ArrayView2<'_, f64>, sides: ArrayView2<'_, f64>, alpha: f64) {
        let rows = self.rows.chunks_exact_mut(self.width).enumerate();
        for ((i, row), (from, side)) in rows.zip(matrix.outer_iter().zip(sides.outer_iter())) {
            row.iter_mut().zip(from.iter().chain(&side)).for_each(|(to, x)| *to = *x);
            row[i] += alpha;
            self.diagonal[i] = row[i];
        }
    }

    /// Replaces the matrix by U with U^T U = matrix, and the right-hand sides by z with U^T z = them.
    /// False if a pivot is not above `least` times its diagonal.
    fn factor(&mut self, least: f64) -> bool {
        let (rows, width, diagonal) = (&mut self.rows, self.width, &self.diagonal);
        match self.isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this processor has it, see `new`.
            Isa::Avx512 => unsafe { eliminate_avx512(rows, width, diagonal, least) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { eliminate_avx2(rows, width, diagonal, least) },
            _ => eliminate(rows, width, diagonal, least),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn eliminate_avx512(rows: &mut [f64], width: usize, diagonal: &[f64], least: f64) -> bool {
    eliminate(rows, width, diagonal, least)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn eliminate_avx2(rows: &mut [f64], width: usize, diagonal: &[f64], least: f64) -> bool {
    eliminate(rows, width, diagonal, least)
}

#[inline(always)]
fn eliminate(rows: &mut [f64], width: usize, diagonal: &[f64], least: f64) -> bool {
    for (k, all) in diagonal.iter().enumerate() {
        let (done, rest) = rows.split_at_mut((k + 1) * width);
        let pivots = &mut done[k * width + k..];
        // So that NaN is no pivot either.
        let is_fine = pivots[0] > least * all;
        if !is_fine {
            return false;
        }
        let root = pivots[0].sqrt();
        for j in 0..pivots.len() {
            pivots[j] /= root;
        }
        for (i, row) in rest.chunks_exact_mut(width).enumerate() {
            let (row, pivots) = (&mut row[k + 1 + i..], &pivots[1 + i..]);
            let (factor, pivots) = (pivots[0], &pivots[..row.len()]);
            for j in 0..row.len() {
                row[j] -= factor * pivots[j];
            }
        }
    }
    true
}

/// Logarithm of the determinant of the covariance of residuals; none if it is singular, or a
/// variance is no more than rounding leaves of that of the data, `spread`.
pub(super) fn log_det(covariance: ArrayView2<'_, f64>, spread: ArrayView1<'_, f64>) -> Option<f64> {
    let n = covariance.nrows();
    let is_left = |(left, all): (&f64, &f64)| *left > lost(n) * all;
    covariance.diag().iter().zip(spread).all(is_left).then_some(())?;
    let mut system = System::new(n, 0, Isa::best());
    system.fill(covariance, ArrayView2::from_shape((n, 0), &[]).expect("nothing"), 0.0);
    let pivots = |system: &System| (0..n).map(|i| 2.0 * system.rows[i * n + i].ln()).sum();
    system.factor(lost(n)).then(|| pivots(&system))
}

/// The share of a number that rounding may leave of nothing, in sums of `n` products.
fn lost(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let n = n as f64;
    8.0 * n * f64::EPSILON
}

/// The rank of a Gram matrix, scaled to a unit diagonal, but for rounding: how many times the
/// largest variance that is left can be eliminated.
fn rank(gram: ArrayView2<'_, f64>) -> usize {
    let n = gram.nrows();
    let mut left = Array2::from_shape_fn((n, n), |(i, j)| {
        let scale = (gram[[i, i]] * gram[[j, j]]).sqrt();
        if scale > 0.0 { gram[[i, j]] / scale } else { 0.0 }
    });
    for rank in 0..n {
        let variances = left.diag();
        let largest = variances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((at, &variance)) = largest.filter(|(_, variance)| **variance > lost(n)) else {
            return rank;
        };
        let column = left.column(at).to_owned();
        for (mut row, factor) in left.outer_iter_mut().zip(&column) {
            row.scaled_add(-factor / variance, &column);
        }
        left[[at, at]] = 0.0;
    }
    n
}

/// How often the companion matrix is squared: the norm of a power of 2^54 is that of the largest
/// eigenvalue to the last digit.
const SQUARINGS: i32 = 54;

/// How far entries of P M x and M P x may be from each other, where P has the norm 1 and |x| < 1:
/// sums of rows, each rounded a few times. M has a norm of up to p, so at many lags rounding alone may
/// exceed this, which costs time and no digits.
const APART: f64 = 32.0 * f64::EPSILON;

/// The largest magnitude of an eigenvalue of the companion matrix of coefficients (p, d, d),
/// oldest lag first.
///
/// The matrix M takes (y\[t - 1\], .., y\[t - p\]) to (y\[t\], .., y\[t - p + 1\]) without the
/// intercept: below 1 the recursion forgets where it started. The radius is the limit of
/// |M^n|^(1/n); M is squared over and over, and its norm taken off each time:
///
/// ```text
/// M = n[0] P[0],  P[k]^2 = n[k + 1] P[k + 1],  |P[k]| = 1:   log radius = sum of log n[k] / 2^k
/// ```
///
/// An error in P\[k\] counts 2^k times less, so that rounding does not add up. Of a square only the
/// last d rows are a product of that size. With E\[i\] the rows i d .. (i + 1) d of the unit matrix,
/// E\[i - 1\] = E\[i\] M, so that the block above is one step of the recursion further:
///
/// ```text
/// E[i - 1] P = E[i] P M,   M = [A[1] A[2] .. A[p]]   with unit matrices below the diagonal
/// ```
///
/// Where eigenvectors are nearly orthogonal to their left twins, rounding in such blocks grows with
/// each square, until P is no power of the matrix M and does not commute with it. From the first P
/// whose P M x and M P x differ, of one x without a pattern, squares are whole products, whose
/// rounding counts as that of the first power does.
///
/// First the unit of time is chosen so that no A\[j\] of j steps ago has a norm above 1: the blocks
/// of a power then stay of one magnitude.
///
/// Source: I. Gelfand, "Normierte Ringe", Mat. Sbornik 9 (1941) 3-24.
pub fn spectral_radius(a: ArrayView3<'_, f64>) -> f64 {
    let (p, d, _) = a.dim();
    let n = p * d;
    let lags = || (1..).zip(a.outer_iter().rev());
    let unit = lags().map(|(j, block)| norm(block).powf(1.0 / f64::from(j))).fold(0.0, f64::max);
    if unit == 0.0 {
        return 0.0;
    }
    let mut first = Array2::zeros((d, n));
    for ((j, block), mut to) in lags().zip(first.axis_chunks_iter_mut(Axis(1), d)) {
        // Where the divisor is too small for a number, the block is zero.
        let divisor = f64::powi(unit, j);
        to.zip_mut_with(&block, |to, x| *to = if *x == 0.0 { 0.0 } else { x / divisor });
    }
    let mut power = Array2::from_shape_fn((n, n), |(row, column)| match row.checked_sub(d) {
        None => first[[row, column]],
        Some(above) => f64::from(u8::from(above == column)),
    });
    // Multiples of the golden ratio fill an interval evenly.
    let x = Array1::from_shape_fn(n, |i| (i as f64 * 0.618_033_988_749_894_9).fract() - 0.5);
    let next = power.dot(&x);
    let (mut log, mut commutes) = (unit.ln(), true);
    for k in 0..=SQUARINGS {
        let norm = norm(power.view());
        if norm == 0.0 {
            return 0.0;
        }
        log += norm.ln() / f64::from(k).exp2();
        power /= norm;
        commutes = commutes && {
            let apart = first.dot(&power.dot(&x)) - power.slice(s![..d, ..]).dot(&next);
            apart.iter().all(|x| x.abs() < APART)
        };
        if !commutes {
            power = power.dot(&power);
            continue;
        }
        let last = power.slice(s![n - d.., ..]).dot(&power);
        power.slice_mut(s![n - d.., ..]).assign(&last);
        for i in (1..p).rev() {
            let (above, below) = power.view_mut().split_at(Axis(0), i * d);
            let (mut above, row) =
                (above.split_at(Axis(0), (i - 1) * d).1, below.slice_move(s![..d, ..]));
            general_mat_mul(1.0, &row.slice(s![.., ..d]), &first, 0.0, &mut above);
            above
                .slice_mut(s![.., ..n - d])
                .zip_mut_with(&row.slice(s![.., d..]), |to, x| *to += x);
        }
    }
    log.exp()
}

/// The largest sum of magnitudes in a row.
fn norm(matrix: ArrayView2<'_, f64>) -> f64 {
    let sums = matrix.outer_iter().map(|row| row.fold(0.0, |sum, x| sum + x.abs()));
    sums.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn a_singular_system_never_has_full_rank() {
        let (n, mut by_a_hair) = (4, 0);
        for seed in 0..400 {
            // The last column is the sum of the others, but for a part whose square rounding may hide.
            let mut x = Array2::from_shape_vec((9, n), input::gaussian(seed, 9 * n, 1.0)).unwrap();
            let part = (lost(n) * (1 + seed % 16) as f64 / 2.0).sqrt();
            let sum = x.slice(s![.., ..n - 1]).sum_axis(Axis(1)) + &x.column(n - 1) * part;
            x.column_mut(n - 1).assign(&sum);
            let gram = x.t().dot(&x);
            let mut system = System::new(n, 1, Isa::best());
            let sides = Array2::ones((n, 1));
            match system.solve(gram.view(), sides.view(), 0.0, 9) {
                Ok(()) => {}
                Err(Error::Singular { rank: found, size, .. }) => {
                    assert!(found < size, "seed {seed}: rank {found} of {size}");
                    by_a_hair += u32::from(rank(gram.view()) == n);
                }
                Err(why) => panic!("{why}"),
            }
        }
        assert!(by_a_hair > 0, "none of them is singular to one and not to the other");
    }
}
