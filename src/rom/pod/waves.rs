//! Fourier transforms of real fields as products with matrices of cosines and sines, of any length.
//!
//! Along an axis of n cells, a sequence x is first folded at 0: its even part e\[j\] = x\[j\] + x\[n - j\],
//! of n/2 + 1 numbers, has cosines only, and its odd part d\[j\] = x\[j\] - x\[n - j\] sines only. So a field
//! becomes one of as many numbers in four blocks, by whether they are even or odd along rows and columns:
//!
//! ```text
//! F[l, k] = (ee - oo) - i (eo + oe),      ee[l, k] = sum of e[y, x] cos(2 pi l y / ny) cos(2 pi k x / nx), ..
//! ```
//!
//! Both matrices are symmetric, and the same products lead back. That takes a third of the arithmetic of
//! products with complex exponentials, and is faster than an FFT at the sizes of densities.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Zip, s};

/// The even and the odd numbers of a row, along columns.
pub(super) type Parts<'a> = (&'a [f64], &'a [f64]);
pub(super) type PartsMut<'a> = (&'a mut [f64], &'a mut [f64]);

/// The products of one frequency along rows and all along columns: with rows that are even and odd in
/// the rows, of the field and of the frame, which become those of the product.
pub(super) fn product([e, o]: [Parts<'_>; 2], [to_e, to_o]: [PartsMut<'_>; 2]) {
    let one = |[ee, eo, oe, oo]: [f64; 4], frame: [&mut f64; 4]| {
        let [a, b, c, d] = [&frame[0], &frame[1], &frame[2], &frame[3]].map(|x| **x);
        *frame[0] = ee * a + eo * b + oe * c + oo * d;
        *frame[1] = eo * a - ee * b + oo * c - oe * d;
        *frame[2] = oe * a + oo * b - ee * c - eo * d;
        *frame[3] = oo * a - oe * b - eo * c + ee * d;
    };
    let n = e.1.len();
    for k in (0..e.0.len()).filter(|k| !(1..=n).contains(k)) {
        // All sines along columns are zero.
        let [mut none, mut of_none] = [0.0; 2];
        one([e.0[k], 0.0, o.0[k], 0.0], [&mut to_e.0[k], &mut none, &mut to_o.0[k], &mut of_none]);
    }
    let (ee, eo, oe, oo) = (&e.0[1..][..n], &e.1[..n], &o.0[1..][..n], &o.1[..n]);
    let (a, b) = (&mut to_e.0[1..][..n], &mut to_e.1[..n]);
    let (c, d) = (&mut to_o.0[1..][..n], &mut to_o.1[..n]);
    for k in 0..n {
        one([ee[k], eo[k], oe[k], oo[k]], [&mut a[k], &mut b[k], &mut c[k], &mut d[k]]);
    }
}

/// An axis, with the cosines of its even and the sines of its odd numbers, which stand behind them.
#[derive(Debug)]
pub(super) struct Side {
    cos: Array2<f64>,
    sin: Array2<f64>,
}

impl Side {
    pub(super) fn of(n: usize) -> Self {
        let (even, odd) = (n / 2 + 1, (n - 1) / 2);
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let angle = |i: usize, j: usize| std::f64::consts::TAU * (i * j % n) as f64 / n as f64;
        Self {
            cos: Array2::from_shape_fn((even, even), |(i, j)| angle(i, j).cos()),
            sin: Array2::from_shape_fn((odd, odd), |(i, j)| angle(i + 1, j + 1).sin()),
        }
    }

    /// How many numbers are even.
    pub(super) fn even(&self) -> usize {
        self.cos.nrows()
    }

    /// How many frequencies each number stands for: all but 0 and half of all also for their mirror.
    pub(super) fn weights(&self) -> Vec<f64> {
        let odd = self.sin.nrows();
        let even = (0..self.even()).map(|k| if (1..=odd).contains(&k) { 2.0 } else { 1.0 });
        even.chain((0..odd).map(|_| 2.0)).collect()
    }

    /// Transforms columns, from folded rows to frequencies or back.
    pub(super) fn left(&self, from: ArrayView2<'_, f64>, to: &mut Array2<f64>) {
        let even = self.even();
        let (cos, sin) = (from.slice(s![..even, ..]), from.slice(s![even.., ..]));
        general_mat_mul(1.0, &self.cos, &cos, 0.0, &mut to.slice_mut(s![..even, ..]));
        general_mat_mul(1.0, &self.sin, &sin, 0.0, &mut to.slice_mut(s![even.., ..]));
    }

    /// Transforms rows, from folded columns to frequencies or back.
    pub(super) fn right(&self, from: ArrayView2<'_, f64>, to: &mut Array2<f64>) {
        let even = self.even();
        let (cos, sin) = (from.slice(s![.., ..even]), from.slice(s![.., even..]));
        general_mat_mul(1.0, &cos, &self.cos, 0.0, &mut to.slice_mut(s![.., ..even]));
        general_mat_mul(1.0, &sin, &self.sin, 0.0, &mut to.slice_mut(s![.., even..]));
    }

    /// Puts the even parts of all columns first, then the odd ones.
    pub(super) fn fold_rows(&self, from: ArrayView2<'_, f64>, to: &mut Array2<f64>) {
        let (n, even) = (from.nrows(), self.even());
        for y in 0..even {
            if (1..=n - even).contains(&y) {
                let (up, down) = (from.row(y), from.row(n - y));
                Zip::from(to.row_mut(y)).and(up).and(down).for_each(|to, a, b| *to = a + b);
                let odd = to.row_mut(even + y - 1);
                Zip::from(odd).and(up).and(down).for_each(|to, a, b| *to = a - b);
            } else {
                to.row_mut(y).assign(&from.row(y));
            }
        }
    }

    /// Undoes [`Side::fold_rows`], but for a factor of two.
    pub(super) fn unfold_rows(&self, from: ArrayView2<'_, f64>, to: &mut Array2<f64>) {
        let (n, even) = (from.nrows(), self.even());
        for y in 0..even {
            if (1..=n - even).contains(&y) {
                let (cos, sin) = (from.row(y), from.row(even + y - 1));
                Zip::from(to.row_mut(y)).and(cos).and(sin).for_each(|to, a, b| *to = a + b);
                Zip::from(to.row_mut(n - y)).and(cos).and(sin).for_each(|to, a, b| *to = a - b);
            } else {
                to.row_mut(y).assign(&from.row(y));
            }
        }
    }
}

/// Puts the even part of a row first, then the odd one.
pub(super) fn fold(row: &[f64], to: &mut [f64]) {
    let (even, odd) = to.split_at_mut(row.len() / 2 + 1);
    even.copy_from_slice(&row[..even.len()]);
    let mirrored = row.iter().rev();
    for ((even, odd), (a, b)) in even[1..].iter_mut().zip(odd).zip(row[1..].iter().zip(mirrored)) {
        (*even, *odd) = (a + b, a - b);
    }
}

/// Undoes [`fold`], but for a factor of two.
pub(super) fn unfold(row: &[f64], to: &mut [f64]) {
    let (cos, sin) = row.split_at(row.len() / 2 + 1);
    to[..cos.len()].copy_from_slice(cos);
    for (i, sin) in sin.iter().enumerate() {
        to[i + 1] += sin;
    }
    let behind = to.len() - sin.len();
    let mirrored = to[behind..].iter_mut().rev();
    mirrored.zip(&cos[1..]).zip(sin).for_each(|((to, cos), sin)| *to = cos - sin);
}
