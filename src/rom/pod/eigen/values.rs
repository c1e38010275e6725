//! Eigenvalues of a symmetric tridiagonal matrix by QL with implicit shifts.
//!
//! This is the form of Pal, Walker and Kahan, in which squares of the numbers beside the diagonal stand, so
//! that no root is taken: B. N. Parlett, The Symmetric Eigenvalue Problem (1998), ch. 8.14-8.15.

use super::Error;

/// Sweeps that an eigenvalue may take; two are usual.
const SWEEPS: usize = 60;

/// The eigenvalues of the matrix with these numbers on and beside its diagonal, the largest first. Squares of
/// the numbers must be in the range of `f64`.
pub(super) fn descending(diagonal: &[f64], beside: &[f64]) -> Result<Vec<f64>, Error> {
    let mut d = diagonal.to_vec();
    let mut squares: Vec<f64> = beside.iter().map(|x| x * x).collect();
    let n = d.len();
    squares.resize(n, 0.0);
    // The largest magnitude, but for a factor of two: what is lost below is far less than it rounds.
    let largest = d.iter().chain(beside).fold(0.0, |most: f64, x| most.max(x.abs()));
    let least = (f64::EPSILON / 64.0 * largest).powi(2);
    let (mut first, mut end, mut sweeps) = (0, 0, 0);
    while first < n {
        let is_small =
            |m: &usize| squares[*m] <= least.max(f64::EPSILON.powi(2) * (d[*m] * d[*m + 1]).abs());
        let last = (first..n - 1).find(is_small).unwrap_or(n - 1);
        if last == first {
            (first, sweeps) = (first + 1, 0);
            continue;
        }
        sweeps += 1;
        if sweeps > SWEEPS {
            return Err(Error::Value { at: first });
        }
        if last != end {
            end = last;
            // Sweeps converge faster where the smaller numbers come first.
            if d[last].abs() < d[first].abs() {
                d[first..=last].reverse();
                squares[first..last].reverse();
            }
        }
        sweep(&mut d[first..=last], &mut squares[first..=last]);
    }
    if let Some(at) = d.iter().position(|value| !value.is_finite()) {
        return Err(Error::Value { at });
    }
    d.sort_by(|a, b| b.total_cmp(a));
    Ok(d)
}

/// One sweep over a block that does not fall apart, from its last row to its first.
fn sweep(d: &mut [f64], squares: &mut [f64]) {
    let last = d.len() - 1;
    // Wilkinson's shift: the eigenvalue of the first two rows that is nearer to the first.
    let beside = squares[0].sqrt();
    let half = (d[1] - d[0]) / (2.0 * beside);
    let shift = d[0] - beside / (half + half.hypot(1.0).copysign(half));
    let (mut cos, mut sin, mut gamma) = (1.0, 0.0, d[last] - shift);
    let mut p = gamma * gamma;
    for i in (0..last).rev() {
        let square = squares[i];
        let r = p + square;
        squares[i + 1] = sin * r;
        let before = cos;
        // Of numbers that follow from each other, so that the quotients do not wait for one another.
        (cos, sin) = (p / r, square / r);
        let inverse = r / p;
        let (old, alpha) = (gamma, d[i]);
        gamma = cos * (alpha - shift) - sin * old;
        d[i + 1] = old + (alpha - gamma);
        // The limit where the inverse would be out of range.
        p = if cos < 1e-290 { before * square } else { gamma * gamma * inverse };
    }
    d[0] = shift + gamma;
    squares[0] = sin * p;
    squares[last] = 0.0;
}
