//! How far one f32 cell or head may be from its definition, given the same inputs.
//!
//! Errors made in one cell grow through the window and through layer normalisation, so a bound on
//! the whole forecast would say little. A forecast is therefore judged part by part: each cell
//! against the definition applied to the f32 states that the kernel itself had before it, and the
//! head likewise. No error is inherited, so these bounds are all there is between two correct
//! implementations.
//!
//! With u = 2^-24: a sum of n products in any order is within n u S, where S is the sum of the
//! magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3), and one more
//! u S where weights were rounded after they were scaled; sigmoid and tanh are off by the errors
//! stated in `activation` and pass the error of their argument on by at most 1/4 and 1; every product,
//! sum or quotient rounds by u. In the common fraction of the two terms of c' what both divide and
//! multiply by is one number: its error is that of the sigmoid alone. Products of two errors, and
//! the oracle's own rounding, are below u^2-terms and are covered by one more u in each sum.

use ndarray::{Array1, ArrayView1};

use super::activation::{SIGMOID_ERROR, TANH_ERROR, UNIT_ROUNDOFF as U};
use super::cell::{cell_scalar, gates_scalar, norm_scalar};
use super::net::{Layer, Net};

/// Bounds on the next hidden and cell state, both of shape (h); arguments as `cell_scalar`.
///
/// # Panics
///
/// If the shapes do not fit the layer.
pub fn cell(
    layer: &Layer,
    x: ArrayView1<'_, f64>,
    h: ArrayView1<'_, f64>,
    c: ArrayView1<'_, f64>,
) -> (Array1<f64>, Array1<f64>) {
    let gates = gates_scalar(layer, x, h);
    let (_, next_c) = cell_scalar(layer, x, h, c);
    let magnitudes =
        gates_scalar(&absolute(layer), x.mapv(f64::abs).view(), h.mapv(f64::abs).view());
    // The bias, the rounding of the weights, and one to spare.
    let terms = (x.len() + h.len() + 3) as f64;
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    let (mut bound_h, mut bound_c) = (Array1::zeros(h.len()), Array1::zeros(h.len()));
    for k in 0..h.len() {
        let slack = |gate: usize| terms * U * magnitudes[[gate, k]];
        let [i, f, o] = [0, 1, 3].map(|gate| sigmoid(gates[[gate, k]]));
        let [di, df, d_o] = [0, 1, 3].map(|gate| slack(gate) / 4.0 + SIGMOID_ERROR);
        let g = gates[[2, k]].tanh();
        let dg = slack(2) + TANH_ERROR * g.abs();
        let (kept, new) = ((f * c[k]).abs(), (i * g).abs());
        // A product, the sum, the denominator, the quotient, and one to spare; and three products.
        bound_c[k] = df * c[k].abs() + di * g.abs() + i * dg + 5.0 * U * kept + 8.0 * U * new;
        let t = next_c[k].tanh();
        // c' is scaled by a rounded factor: a relative error of the argument is at most one of tanh.
        let dt = bound_c[k] + (TANH_ERROR + 2.0 * U) * t.abs();
        bound_h[k] = d_o * t.abs() + o * dt + 3.0 * U * (o * t).abs();
    }
    (bound_h, bound_c)
}

/// Bounds on the output, shape (d); arguments as `head_scalar`.
///
/// The normalised hidden state is rounded to f32 once.
///
/// # Panics
///
/// If the shapes do not fit the network.
pub fn head(net: &Net, h: ArrayView1<'_, f64>, last: ArrayView1<'_, f64>) -> Array1<f64> {
    let parts = net.parts();
    let z = norm_scalar(net, h);
    // Bias, residual, the rounding of z, and one to spare.
    let terms = (h.len() + 4) as f64;
    Array1::from_shape_fn(net.d(), |i| {
        let row = parts.out_w.row(i);
        let sum = row.iter().zip(&z).fold(0.0, |sum, (w, z)| sum + (f64::from(*w) * z).abs());
        let residual = if parts.residual { last[i].abs() } else { 0.0 };
        terms * U * (sum + f64::from(parts.out_b[i]).abs() + residual)
    })
}

fn absolute(layer: &Layer) -> Layer {
    Layer {
        w_ih: layer.w_ih.mapv(f32::abs),
        w_hh: layer.w_hh.mapv(f32::abs),
        b_ih: layer.b_ih.mapv(f32::abs),
        b_hh: layer.b_hh.mapv(f32::abs),
    }
}
