//! Householder reduction of a symmetric matrix to a tridiagonal one, in panels.
//!
//! Row i, from the last to the second, is reflected onto its element left of the diagonal: with
//! H = I - tau v v^T, the rows above become A - v w^T - w v^T. Within a panel only the row at hand is
//! brought up to date; the rest of the matrix follows at its end, as one product of matrices. The
//! vectors v stay in the rows.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, s};

use super::symmetric::product;
use crate::machine::isa::Isa;

/// Rows of a panel.
const PANEL: usize = 24;

/// Rows that the end of a panel brings up to date together.
const BLOCK: usize = 96;

/// A tridiagonal matrix T, and the reflections that lead to it: the matrix was Q T Q^T.
#[derive(Debug)]
pub(super) struct Reduced<'a> {
    /// Row i holds v of its reflection in its first i numbers.
    rows: ArrayViewMut2<'a, f64>,
    /// 0 where there is no reflection.
    tau: Vec<f64>,
    pub(super) diagonal: Vec<f64>,
    /// Element i stands between the rows i and i + 1.
    pub(super) beside: Vec<f64>,
}

impl<'a> Reduced<'a> {
    pub(super) fn of(mut rows: ArrayViewMut2<'a, f64>) -> Self {
        let n = rows.nrows();
        assert!(rows.is_square() && rows.is_standard_layout(), "a square matrix in rows");
        let (mut tau, mut diagonal) = (vec![0.0; n], vec![0.0; n]);
        let mut beside = vec![0.0; n.saturating_sub(1)];
        let isa = Isa::best();
        // Columns: v and w of the panel as left factor; rows: w and v as right factor.
        let mut left = Array2::<f64>::zeros((n, 2 * PANEL));
        let mut right = Array2::<f64>::zeros((2 * PANEL, n));
        let mut w = vec![0.0; n];
        let mut end = n;
        while end > 0 {
            let size = PANEL.min(end);
            for j in 0..size {
                let i = end - 1 - j;
                let all = rows.as_slice_mut().expect("in rows");
                let (above, row) = all.split_at_mut(i * n);
                let row = &mut row[..=i];
                for k in 0..2 * j {
                    add(row, -left[[i, k]], &right.row(k).as_slice().expect("in rows")[..=i]);
                }
                diagonal[i] = row[i];
                let Some((_, row)) = row.split_last_mut() else { continue };
                let Some(at) = i.checked_sub(1) else { continue };
                (beside[at], tau[i]) = reflection(row);
                let w = &mut w[..i];
                if tau[i] == 0.0 {
                    w.fill(0.0);
                    row.fill(0.0);
                } else {
                    product(isa, above, n, row, w);
                    for k in (0..2 * j).step_by(2) {
                        let [a, b] =
                            [k, k + 1].map(|k| &right.row(k).to_slice().expect("in rows")[..i]);
                        let (to_a, to_b) = (dot(a, row), dot(b, row));
                        add(w, -to_b, a);
                        add(w, -to_a, b);
                    }
                    w.iter_mut().for_each(|w| *w *= tau[i]);
                    let half = -0.5 * tau[i] * dot(w, row);
                    add(w, half, row);
                }
                let [v, w] = [&*row, &*w];
                for (k, x) in [(2 * j, w), (2 * j + 1, v)] {
                    right.slice_mut(s![k, ..i]).as_slice_mut().expect("in rows").copy_from_slice(x);
                }
                for r in 0..i {
                    left[[r, 2 * j]] = v[r];
                    left[[r, 2 * j + 1]] = w[r];
                }
            }
            end -= size;
            for first in (0..end).step_by(BLOCK) {
                let last = end.min(first + BLOCK);
                general_mat_mul(
                    -1.0,
                    &left.slice(s![first..last, ..2 * size]),
                    &right.slice(s![..2 * size, ..last]),
                    1.0,
                    &mut rows.slice_mut(s![first..last, ..last]),
                );
            }
        }
        Self { rows, tau, diagonal, beside }
    }

    /// Makes eigenvectors of T, as rows, those of the matrix: x = Q y.
    pub(super) fn back(&self, mut vectors: ArrayViewMut2<'_, f64>) {
        for (i, tau) in self.tau.iter().enumerate().filter(|(_, tau)| **tau != 0.0) {
            let v = &self.rows.row(i).to_slice().expect("in rows")[..i];
            for mut y in vectors.outer_iter_mut() {
                let y = &mut y.as_slice_mut().expect("in rows")[..i];
                add(y, -tau * dot(v, y), v);
            }
        }
    }
}

/// Reflects `x` onto its last component: returns what that becomes, and tau, with v in `x`, whose last
/// component is 1. With tau = 0 nothing is reflected.
fn reflection(x: &mut [f64]) -> (f64, f64) {
    let Some((last, rest)) = x.split_last_mut() else { return (0.0, 0.0) };
    let scale = rest.iter().fold(last.abs(), |most, x| most.max(x.abs()));
    let is_done = rest.iter().all(|x| *x == 0.0);
    if is_done || !scale.is_finite() {
        return (*last, 0.0);
    }
    // Scaled, so that no square is lost or beyond the range.
    let squares: f64 = rest.iter().map(|x| (x / scale).powi(2)).sum();
    let norm = scale * ((*last / scale).powi(2) + squares).sqrt();
    let beta = if *last > 0.0 { -norm } else { norm };
    let tau = (beta - *last) / beta;
    let divisor = *last - beta;
    rest.iter_mut().for_each(|x| *x /= divisor);
    *last = 1.0;
    (beta, tau)
}

pub(super) fn add(to: &mut [f64], factor: f64, x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += factor * x);
}

/// In eight sums, which the compiler keeps in vectors.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for l in 0..8 {
            sums[l] += a[l] * b[l];
        }
    }
    rest + sums.iter().sum::<f64>()
}
