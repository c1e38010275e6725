//! Eigenvectors of a symmetric tridiagonal matrix by inverse iteration.
//!
//! A vector is kept orthogonal to those before it whose eigenvalues are near, and iterated until its
//! residual is below a bound. Vectors of equal eigenvalues start from different numbers.

use ndarray::Array2;

use super::Error;
use super::vector::take_off;
use crate::machine::isa::Isa;

/// Solutions that a vector may take; two or three are usual.
const STEPS: usize = 12;

/// Vectors are orthogonal by themselves if their eigenvalues are further apart than this part of the
/// largest.
const NEAR: f64 = 1e-3;

/// The eigenvectors of these eigenvalues, which descend, as rows of norm 1.
pub(super) fn of(
    isa: Isa,
    diagonal: &[f64],
    beside: &[f64],
    values: &[f64],
    bound: f64,
) -> Result<Array2<f64>, Error> {
    let n = diagonal.len();
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let mut rows = Array2::zeros((values.len(), n));
    let mut factors = Factors::of(n);
    let (mut start, mut shift) = (0, f64::INFINITY);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for (at, &value) in values.iter().enumerate() {
        while values[start] - value > NEAR * largest {
            start += 1;
        }
        // Equal shifts would give equal vectors.
        shift = value.min(shift - bound / 4.0);
        factors.factor(diagonal, beside, shift, bound);
        let (before, mut after) = rows.view_mut().split_at(ndarray::Axis(0), at);
        let mut row = after.row_mut(0);
        let x = row.as_slice_mut().expect("in rows");
        let before: Vec<_> = (start..at).map(|near| before.row(near)).collect();
        x.iter_mut().for_each(|x| *x = noise(&mut state));
        let mut steps = 0;
        loop {
            factors.solve(x);
            // Twice is enough, whatever the first time cancels.
            for _ in 0..2 {
                scale(x);
                for near in &before {
                    let near = near.to_slice().expect("in rows");
                    take_off(isa, x, near);
                }
            }
            scale(x);
            steps += 1;
            if steps > 1 && residual(diagonal, beside, value, x) <= bound {
                break;
            }
            if steps == STEPS {
                return Err(Error::Vector { at });
            }
        }
    }
    Ok(rows)
}

/// Uniform in -1 to 1.
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    f64::from((*state >> 32) as u32) / f64::from(1_u32 << 31) - 1.0
}

/// Brings a vector to norm 1.
fn scale(x: &mut [f64]) {
    let largest = x.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let squares: f64 = x.iter().map(|x| (x / largest).powi(2)).sum();
    let norm = squares.sqrt();
    x.iter_mut().for_each(|x| *x = *x / largest / norm);
}

/// The norm of T x - value x.
fn residual(diagonal: &[f64], beside: &[f64], value: f64, x: &[f64]) -> f64 {
    let n = x.len();
    let square = |i: usize| {
        let left = if i > 0 { beside[i - 1] * x[i - 1] } else { 0.0 };
        let right = if i + 1 < n { beside[i] * x[i + 1] } else { 0.0 };
        (left + (diagonal[i] - value) * x[i] + right).powi(2)
    };
    (0..n).map(square).sum::<f64>().sqrt()
}

/// A tridiagonal matrix as product of permutations, a lower and an upper triangle.
struct Factors {
    /// Diagonal of the upper triangle, and the two beside it.
    upper: [Vec<f64>; 3],
    /// Multiples of a row that were taken from the one below.
    lower: Vec<f64>,
    is_swapped: Vec<bool>,
}

impl Factors {
    fn of(n: usize) -> Self {
        let upper = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
        Self { upper, lower: vec![0.0; n], is_swapped: vec![false; n] }
    }

    /// Factors T - shift I; a pivot below `least` becomes that.
    fn factor(&mut self, diagonal: &[f64], beside: &[f64], shift: f64, least: f64) {
        let n = diagonal.len();
        let beside = |i: usize| beside.get(i).copied().unwrap_or(0.0);
        let least = (least / 64.0).max(f64::MIN_POSITIVE);
        let pivot = |x: f64| if x.abs() < least { least.copysign(x) } else { x };
        let (mut a, mut b) = (diagonal[0] - shift, beside(0));
        for i in 0..n {
            let [first, second, third] = &mut self.upper;
            let Some(below) = (i + 1 < n).then(|| beside(i)) else {
                (first[i], second[i], third[i]) = (pivot(a), 0.0, 0.0);
                break;
            };
            let (next, right) = (diagonal[i + 1] - shift, beside(i + 1));
            self.is_swapped[i] = below.abs() > a.abs();
            if self.is_swapped[i] {
                let factor = a / below;
                (first[i], second[i], third[i]) = (below, next, right);
                self.lower[i] = factor;
                (a, b) = (b - factor * next, -factor * right);
            } else {
                let factor = below / pivot(a);
                (first[i], second[i], third[i]) = (pivot(a), b, 0.0);
                self.lower[i] = factor;
                (a, b) = (next - factor * b, right);
            }
        }
    }

    fn solve(&self, x: &mut [f64]) {
        let n = x.len();
        for i in 0..n.saturating_sub(1) {
            if self.is_swapped[i] {
                x.swap(i, i + 1);
            }
            x[i + 1] -= self.lower[i] * x[i];
        }
        let [first, second, third] = &self.upper;
        for i in (0..n).rev() {
            let mut sum = x[i];
            if i + 1 < n {
                sum -= second[i] * x[i + 1];
            }
            if i + 2 < n {
                sum -= third[i] * x[i + 2];
            }
            x[i] = sum / first[i];
        }
    }
}
