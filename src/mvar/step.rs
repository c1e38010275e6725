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

/// Outputs that are summed side by side.
const LANES: usize = 8;

/// Coefficients laid out for [`Packed::step`].
///
/// Outputs are taken eight at a time, the last panel filled up with zeros. A panel is a matrix
/// (p d, 8): row k d + j holds the weights of component j, k rows into the window, on its outputs.
#[derive(Debug, Clone)]
pub struct Packed {
    p: usize,
    c: Vec<f64>,
    panels: Vec<f64>,
}

impl Packed {
    /// Packs coefficients `a` (p, d, d) and the constant `c` (d), as in [`step_scalar`].
    ///
    /// # Panics
    ///
    /// If the shapes do not fit together, or p or d is 0.
    pub fn new(a: ArrayView3<'_, f64>, c: ArrayView1<'_, f64>) -> Self {
        let (p, d) = (a.len_of(Axis(0)), c.len());
        assert_eq!(a.dim(), (p, d, d), "a is not of shape (p, d, d)");
        assert!(p > 0 && d > 0, "a model needs a lag and a component");
        let mut panels = vec![0.0; d.div_ceil(LANES) * p * d * LANES];
        for ((k, i, j), &weight) in a.indexed_iter() {
            let (panel, lane) = (i / LANES, i % LANES);
            panels[(panel * p * d + k * d + j) * LANES + lane] = weight;
        }
        Self { p, c: c.to_vec(), panels }
    }

    /// Writes the state that follows `window` into `y`, within [`bound`] of [`step_scalar`].
    ///
    /// `window` is (p, d) in rows, oldest first; `y` is (d).
    ///
    /// # Panics
    ///
    /// If the lengths do not fit the model.
    pub fn step(&self, window: &[f64], y: &mut [f64]) {
        let d = self.c.len();
        assert_eq!(window.len(), self.p * d, "window is not of shape (p, d)");
        assert_eq!(y.len(), d, "y is not of shape (d)");
        let panels = self.panels.chunks_exact(window.len() * LANES);
        let outputs = y.chunks_mut(LANES).zip(self.c.chunks(LANES));
        for (panel, (y, c)) in panels.zip(outputs) {
            let sums = weigh(panel, window);
            for ((y, c), sum) in y.iter_mut().zip(c).zip(sums) {
                *y = c + sum;
            }
        }
    }

    /// Fills a trajectory: each row after the first p is the step from the p rows before it.
    ///
    /// `x` is (p + n, d) in rows, in time order.
    ///
    /// # Panics
    ///
    /// If `x` is not whole rows, or has fewer than p of them.
    pub fn rollout(&self, x: &mut [f64]) {
        let d = self.c.len();
        let past = self.p * d;
        assert_eq!(x.len() % d, 0, "x is not of shape (p + n, d)");
        assert!(x.len() >= past, "x does not hold a window");
        for end in (past..x.len()).step_by(d) {
            let (before, after) = x.split_at_mut(end);
            self.step(&before[end - past..], &mut after[..d]);
        }
    }
}

/// The sums of eight outputs: rows of the panel times the window, even rows and odd rows apart.
///
/// Two sums per output, so that an addition need not wait for the one before it.
fn weigh(panel: &[f64], window: &[f64]) -> [f64; LANES] {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    let (pairs, rows) = (window.chunks_exact(2), panel.chunks_exact(2 * LANES));
    if let ([x], w) = (pairs.remainder(), rows.remainder()) {
        even.iter_mut().zip(w).for_each(|(sum, w)| *sum = w * x);
    }
    for (x, w) in pairs.zip(rows) {
        for lane in 0..LANES {
            even[lane] += w[lane] * x[0];
            odd[lane] += w[LANES + lane] * x[1];
        }
    }
    std::array::from_fn(|lane| even[lane] + odd[lane])
}

/// The reference of [`Packed::step`]: lags in order, then columns in order.
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

/// The reference of [`Packed::rollout`]; `x` has shape (p + n, d).
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
) -> ndarray::Array1<f64> {
    let mut s = c.to_owned();
    let (a, c, past) = (a.mapv(f64::abs), c.mapv(f64::abs), window.mapv(f64::abs));
    step_scalar(a.view(), c.view(), past.view(), s.view_mut());
    s * (2.0 * (window.len() as f64 + 1.0) * f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{close, input};
    use ndarray::{Array1, Array2, Array3, Axis, array, s};

    #[test]
    fn worked_by_hand() {
        let a = array![[[0.5, 0.0], [0.0, 0.5]], [[1.0, 2.0], [0.0, -1.0]]];
        let (c, window) = (array![10.0, 20.0], array![[4.0, 8.0], [1.0, 3.0]]);
        // 10 + 2 + (1 + 6) and 20 + 4 - 3
        let mut y = Array1::zeros(2);
        step_scalar(a.view(), c.view(), window.view(), y.view_mut());
        assert_eq!(y, array![19.0, 21.0], "reference");
        assert!(bound(a.view(), c.view(), window.view())[0] < 1e-13, "the bound is not tight");
        let mut x = [4.0, 8.0, 1.0, 3.0, 0.0, 0.0, 0.0, 0.0];
        Packed::new(a.view(), c.view()).rollout(&mut x);
        // then 10 + 0.5 + (19 + 42) and 20 + 1.5 - 21
        assert_eq!(x[4..], [19.0, 21.0, 71.5, 0.5], "packed");
    }

    #[test]
    fn a_weight_acts_on_its_own_lag_and_component() {
        let (p, d) = (3, 5);
        for (k, i, j) in [(0, 0, 4), (1, 4, 2), (2, 3, 3)] {
            let mut a = Array3::zeros((p, d, d));
            a[[k, i, j]] = 2.0;
            let window = Array2::from_shape_fn((p, d), |(k, j)| (10 * k + j) as f64);
            let mut y = [0.0; 5];
            Packed::new(a.view(), Array1::zeros(d).view()).step(window.as_slice().unwrap(), &mut y);
            let mut want = [0.0; 5];
            want[i] = 2.0 * window[[k, j]];
            assert_eq!(y, want, "lag {k}, {j} on {i}");
        }
    }

    #[test]
    fn packed_equals_the_reference_at_every_size() {
        for (p, d) in (1..=33).flat_map(|d| [(1, d), (2, d), (5, d)]) {
            let seed = (100 * p + d) as u64;
            let values = input::gaussian(seed, p * d * d + d + p * d, 1.0);
            let (a, rest) = values.split_at(p * d * d);
            let (c, window) = rest.split_at(d);
            let a = ArrayView3::from_shape((p, d, d), a).unwrap();
            let (c, x) = (ArrayView1::from(c), ArrayView2::from_shape((p, d), window).unwrap());
            let (mut got, mut want) = (vec![9.0; d], Array1::zeros(d));
            Packed::new(a, c).step(window, &mut got);
            step_scalar(a, c, x, want.view_mut());
            let bound = bound(a, c, x).to_vec();
            let same = close::within("y", &got, want.as_slice().unwrap(), &bound);
            assert_eq!(same, Ok(()), "p = {p}, d = {d}");
        }
    }

    #[test]
    fn the_order_of_the_lags_and_the_constant_matter() {
        let a = Array3::from_shape_vec((2, 3, 3), input::gaussian(3, 18, 0.3)).unwrap();
        let (c, zero) = (array![1.0, -2.0, 0.5], Array1::zeros(3));
        let window = Array2::from_shape_vec((2, 3), input::gaussian(4, 6, 1.0)).unwrap();
        let next = |a: ArrayView3<'_, f64>, c: &Array1<f64>| {
            let mut y = vec![0.0; 3];
            Packed::new(a, c.view()).step(window.as_slice().unwrap(), &mut y);
            y
        };
        let bound = bound(a.view(), c.view(), window.view()).to_vec();
        let right = next(a.view(), &c);
        let swapped = next(a.slice(s![..;-1, .., ..]), &c);
        assert!(close::within("y", &swapped, &right, &bound).is_err(), "lags swapped");
        assert!(close::within("y", &next(a.view(), &zero), &right, &bound).is_err(), "no constant");
    }

    #[test]
    fn a_rollout_repeats_the_step() {
        let (p, d, n) = (3, 7, 20);
        let a = Array3::from_shape_vec((p, d, d), input::gaussian(5, p * d * d, 0.1)).unwrap();
        let c = Array1::from(input::gaussian(6, d, 1.0));
        let mut x = Array2::zeros((p + n, d));
        let start = Array2::from_shape_vec((p, d), input::gaussian(7, p * d, 1.0)).unwrap();
        x.slice_mut(s![..p, ..]).assign(&start);
        let packed = Packed::new(a.view(), c.view());
        let (mut want, mut y) = (x.clone(), vec![0.0; d]);
        packed.rollout(x.as_slice_mut().unwrap());
        rollout_scalar(a.view(), c.view(), want.view_mut());
        assert_eq!(x.slice(s![..p, ..]), start, "the start is kept");
        for t in p..p + n {
            packed.step(x.slice(s![t - p..t, ..]).as_slice().unwrap(), &mut y);
            assert_eq!(y, x.row(t).to_vec(), "row {t}");
            let far = (&x.row(t) - &want.row(t)).mapv(f64::abs).sum();
            assert!(far < 1e-12, "row {t} is {far} from the reference");
        }
        let mut none = start.clone();
        packed.rollout(none.as_slice_mut().unwrap());
        assert_eq!(none, start, "no steps");
        assert_eq!(want.len_of(Axis(0)), p + n, "rows");
    }
}
