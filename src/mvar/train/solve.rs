//! Systems of normal equations, and the spectral radius of a recursion.

use nalgebra::{Cholesky, DMatrix, Dyn, Schur};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayView3};

use super::Error;

/// Solves (gram + alpha I) w = cross, by Cholesky.
///
/// With alpha = 0 a pivot that lost all its digits counts as zero: elimination of n columns leaves
/// an error of about n eps times the diagonal there.
pub(super) fn solve(
    gram: ArrayView2<'_, f64>,
    cross: ArrayView2<'_, f64>,
    alpha: f64,
    windows: usize,
) -> Result<Array2<f64>, Error> {
    let (n, columns) = cross.dim();
    let singular = || Error::Singular { windows, rank: rank(gram), size: n };
    let system = DMatrix::from_fn(n, n, |i, j| gram[[i, j]] + if i == j { alpha } else { 0.0 });
    let factor = factor(system, if alpha == 0.0 { lost(n) } else { 0.0 }).ok_or_else(singular)?;
    let mut w = DMatrix::from_fn(n, columns, |i, j| cross[[i, j]]);
    factor.solve_mut(&mut w);
    Ok(Array2::from_shape_fn((n, columns), |at| w[at]))
}

/// Logarithm of the determinant of the covariance of residuals; none if it is singular, or a
/// variance is no more than rounding leaves of that of the data, `spread`.
pub(super) fn log_det(covariance: ArrayView2<'_, f64>, spread: ArrayView1<'_, f64>) -> Option<f64> {
    let n = covariance.nrows();
    let is_left = |(left, all): (&f64, &f64)| *left > lost(n) * all;
    covariance.diag().iter().zip(spread).all(is_left).then_some(())?;
    let factor = factor(DMatrix::from_fn(n, n, |i, j| covariance[[i, j]]), lost(n))?;
    Some(factor.l_dirty().diagonal().iter().map(|pivot| 2.0 * pivot.ln()).sum())
}

/// The Cholesky factor; none if the square of a pivot is not above `least` times its diagonal.
fn factor(system: DMatrix<f64>, least: f64) -> Option<Cholesky<f64, Dyn>> {
    let diagonal = system.diagonal();
    let factor = Cholesky::new(system)?;
    let pivots = factor.l_dirty().diagonal();
    let is_fine = pivots.iter().zip(&diagonal).all(|(pivot, all)| pivot * pivot > least * all);
    is_fine.then_some(factor)
}

/// The share of a number that rounding may leave of nothing, in sums of `n` products.
fn lost(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let n = n as f64;
    8.0 * n * f64::EPSILON
}

/// How many eigenvalues of a Gram matrix, scaled to a unit diagonal, are not zero but for rounding.
fn rank(gram: ArrayView2<'_, f64>) -> usize {
    let n = gram.nrows();
    let scaled = DMatrix::from_fn(n, n, |i, j| {
        let scale = (gram[[i, i]] * gram[[j, j]]).sqrt();
        if scale > 0.0 { gram[[i, j]] / scale } else { 0.0 }
    });
    let values = scaled.symmetric_eigenvalues();
    let least = lost(n) * values.amax();
    values.iter().filter(|value| **value > least).count()
}

/// What the companion matrix is moved by, one after the other, until its eigenvalues are found.
const SHIFTS: [f64; 4] = [0.0, 0.618, -0.414, 1.732];

/// The largest magnitude of an eigenvalue of the companion matrix of coefficients (p, d, d),
/// oldest lag first.
///
/// The matrix takes (y\[t - 1\], .., y\[t - p\]) to (y\[t\], .., y\[t - p + 1\]) without the
/// intercept: below 1 the recursion forgets where it started.
///
/// # Errors
///
/// If the eigenvalues do not converge.
pub fn spectral_radius(a: ArrayView3<'_, f64>) -> Result<f64, Error> {
    let (p, d, _) = a.dim();
    let size = p * d;
    let companion = |shift: f64| {
        DMatrix::from_fn(size, size, |row, column| {
            let diagonal = if row == column { shift } else { 0.0 };
            diagonal
                + match row.checked_sub(d) {
                    None => a[[p - 1 - column / d, row, column % d]],
                    Some(above) => f64::from(u8::from(above == column)),
                }
        })
    };
    // The iteration has no exceptional shifts and may go round, as on a permutation: then the
    // matrix is moved along the diagonal, and the eigenvalues back.
    let found = SHIFTS.into_iter().find_map(|shift| {
        let schur = Schur::try_new(companion(shift), 4.0 * f64::EPSILON, 40 * (size + 1))?;
        let values = schur.complex_eigenvalues();
        Some(values.iter().map(|value| (value.re - shift).hypot(value.im)).fold(0.0, f64::max))
    });
    found.ok_or(Error::Eigenvalues { size })
}
