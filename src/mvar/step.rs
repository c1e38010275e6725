//! y\[t\] = c + sum over k = 0..p of A\[k\] y\[t - p + k\], for vectors of dimension d.
//!
//! Sums of floats depend on their order, so implementations agree only to
//! rounding. With m = p d + 1 terms, any order of summation is within
//! m eps S of the exact value, where S is the sum of the terms' magnitudes
//! (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3-4).
//! [`bound`] returns twice that: the most that two implementations may differ.
//!
//! Two correct rollouts drift apart at the system's own rate of growth, for which
//! there is no useful bound. A rollout is therefore judged row by row: each row
//! must be within [`bound`] of the reference's step from the p rows before it.

use ndarray::{ArrayView1, ArrayView2, ArrayView3, ArrayViewMut1, ArrayViewMut2, Axis, azip};

/// The reference of [`Packed::step`](super::Packed::step): lags in order, a product of a row and a state each.
///
/// * `a`: coefficients, shape (p, d, d); `a[[k, i, j]]` is the weight of
///   component `j`, `p - k` steps ago, on component `i` now.
/// * `c`: constant, shape (d).
/// * `window`: shape (p, d), oldest first.
/// * `y`: the result, shape (d).
///
/// # Panics
///
/// If the shapes do not fit together.
pub fn step_scalar(
    a: ArrayView3<'_, f64>,
    c: ArrayView1<'_, f64>,
    window: ArrayView2<'_, f64>,
    mut y: ArrayViewMut1<'_, f64>,
) {
    assert_eq!(a.dim(), (window.nrows(), y.len(), window.ncols()), "a is not of shape (p, d, d)");
    y.assign(&c);
    azip!((a in a.outer_iter(), window in window.outer_iter()) {
        azip!((y in &mut y, row in a.outer_iter()) *y += row.dot(&window));
    });
}

/// The reference of [`Packed::rollout`](super::Packed::rollout); `x` has shape (p + n, d).
///
/// # Panics
///
/// If the shapes do not fit together.
pub fn rollout_scalar(
    a: ArrayView3<'_, f64>,
    c: ArrayView1<'_, f64>,
    mut x: ArrayViewMut2<'_, f64>,
) {
    let p = a.len_of(Axis(0));
    for t in p..x.nrows() {
        let (before, mut after) = x.view_mut().split_at(Axis(0), t);
        step_scalar(a, c, before.slice_move(ndarray::s![t - p.., ..]).view(), after.row_mut(0));
    }
}

/// How far two correct implementations may be apart, per component, shape (d).
///
/// # Panics
///
/// Those of [`step_scalar`].
pub fn bound(
    a: ArrayView3<'_, f64>,
    c: ArrayView1<'_, f64>,
    window: ArrayView2<'_, f64>,
    epsilon: f64,
) -> ndarray::Array1<f64> {
    let mut s = c.to_owned();
    let (a, c, past) = (a.mapv(f64::abs), c.mapv(f64::abs), window.mapv(f64::abs));
    step_scalar(a.view(), c.view(), past.view(), s.view_mut());
    s * (2.0 * (window.len() as f64 + 1.0) * epsilon)
}
