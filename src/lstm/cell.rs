//! The definition of a forecast step, in f64; the oracle of every other implementation.
//!
//! One cell, for input x, hidden state h and cell state c:
//!
//! ```text
//! (i, f, g, o) = W_ih x + b_ih + W_hh h + b_hh    four gates per unit
//! c' = sigmoid(f) c + sigmoid(i) tanh(g)
//! h' = sigmoid(o) tanh(c')
//! ```
//!
//! A layer takes the rows of the window in order, starting from h = c = 0; each further layer
//! takes the hidden states of the one below. The head maps the last hidden state of the last
//! layer to the next state; var is the biased variance, and z = h without layer normalisation:
//!
//! ```text
//! z = weight (h - mean(h)) / sqrt(var(h) + 1e-5) + bias
//! y = W_out z + b_out    + the last row of the window, if the network is residual
//! ```
//!
//! Weights are those of the network, widened; nothing is rounded to f32. Layout and constants are
//! those of `PyTorch`'s `nn.LSTM` and `nn.LayerNorm`.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, s};

use super::net::{Layer, Net};

/// Added to the variance by layer normalisation.
pub const NORM_EPS: f64 = 1e-5;

/// All that a forecast step computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Hidden states, shape (layers, rows of the window, h).
    pub h: Array3<f64>,
    /// Cell states, shape (layers, rows of the window, h).
    pub c: Array3<f64>,
    /// The next state, shape (d).
    pub y: Array1<f64>,
}

/// One forecast step from a normalised `window` of shape (n, d), oldest state first.
///
/// # Panics
///
/// If the window is empty, or its states are not of the network's size.
pub fn forecast_scalar(net: &Net, window: ArrayView2<'_, f64>) -> Forecast {
    let (layers, n) = (net.parts().layers.len(), window.nrows());
    assert!(n > 0, "the window is empty");
    assert_eq!(window.ncols(), net.d(), "window is not of shape (n, d)");
    let mut h = Array3::zeros((layers, n, net.units()));
    let mut c = Array3::zeros((layers, n, net.units()));
    for (l, layer) in net.parts().layers.iter().enumerate() {
        let mut state = (Array1::zeros(net.units()), Array1::zeros(net.units()));
        for t in 0..n {
            let x = if l == 0 { window.row(t) } else { h.slice(s![l - 1, t, ..]) };
            state = cell_scalar(layer, x, state.0.view(), state.1.view());
            h.slice_mut(s![l, t, ..]).assign(&state.0);
            c.slice_mut(s![l, t, ..]).assign(&state.1);
        }
    }
    let y = head_scalar(net, h.slice(s![layers - 1, n - 1, ..]), window.row(n - 1));
    Forecast { h, c, y }
}

/// Fills a normalised trajectory `x` (lag + n, d) of which the first `lag` rows are given.
///
/// # Panics
///
/// Those of [`forecast_scalar`].
pub fn rollout_scalar(net: &Net, lag: usize, x: &mut Array2<f64>) {
    for t in lag..x.nrows() {
        let y = forecast_scalar(net, x.slice(s![t - lag..t, ..])).y;
        x.row_mut(t).assign(&y);
    }
}

/// The next hidden and cell state of one layer, both of shape (h).
///
/// # Panics
///
/// If the shapes do not fit the layer.
pub fn cell_scalar(
    layer: &Layer,
    x: ArrayView1<'_, f64>,
    h: ArrayView1<'_, f64>,
    c: ArrayView1<'_, f64>,
) -> (Array1<f64>, Array1<f64>) {
    let gates = gates_scalar(layer, x, h);
    let next_c = Array1::from_shape_fn(c.len(), |k| {
        sigmoid(gates[[1, k]]) * c[k] + sigmoid(gates[[0, k]]) * gates[[2, k]].tanh()
    });
    let next_h = Array1::from_shape_fn(c.len(), |k| sigmoid(gates[[3, k]]) * next_c[k].tanh());
    (next_h, next_c)
}

/// The gates before their activation, shape (4, h) in the order i, f, g, o.
///
/// # Panics
///
/// If the shapes do not fit the layer.
pub fn gates_scalar(layer: &Layer, x: ArrayView1<'_, f64>, h: ArrayView1<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((4, h.len()), |(gate, unit)| {
        let row = gate * h.len() + unit;
        dot(layer.w_ih.row(row), x)
            + f64::from(layer.b_ih[row])
            + dot(layer.w_hh.row(row), h)
            + f64::from(layer.b_hh[row])
    })
}

/// The output for the last hidden state `h` (h) and the last state of the window (d).
///
/// # Panics
///
/// If the shapes do not fit the network.
pub fn head_scalar(net: &Net, h: ArrayView1<'_, f64>, last: ArrayView1<'_, f64>) -> Array1<f64> {
    let parts = net.parts();
    let z = norm_scalar(net, h);
    Array1::from_shape_fn(net.d(), |i| {
        let residual = if parts.residual { last[i] } else { 0.0 };
        dot(parts.out_w.row(i), z.view()) + f64::from(parts.out_b[i]) + residual
    })
}

/// Layer normalisation of the hidden state `h`; `h` itself if the network has none.
///
/// # Panics
///
/// If the shape does not fit the network.
pub fn norm_scalar(net: &Net, h: ArrayView1<'_, f64>) -> Array1<f64> {
    let Some(norm) = &net.parts().norm else { return h.to_owned() };
    let mean = h.sum() / h.len() as f64;
    let var = h.fold(0.0, |sum, v| sum + (v - mean) * (v - mean)) / h.len() as f64;
    let std = (var + NORM_EPS).sqrt();
    Array1::from_shape_fn(h.len(), |k| {
        (h[k] - mean) / std * f64::from(norm.weight[k]) + f64::from(norm.bias[k])
    })
}

fn dot(w: ArrayView1<'_, f32>, x: ArrayView1<'_, f64>) -> f64 {
    assert_eq!(w.len(), x.len_of(Axis(0)), "the input does not fit the weights");
    w.iter().zip(x).fold(0.0, |sum, (w, x)| sum + f64::from(*w) * x)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::super::net::{LayerNorm, Parts};
    use super::*;
    use ndarray::array;

    /// One unit, one component; gates that are easy by hand.
    fn tiny(norm: bool) -> Net {
        let layer = Layer {
            w_ih: array![[1.0], [0.0], [2.0], [0.0]],
            w_hh: array![[0.0], [0.0], [0.0], [4.0]],
            b_ih: array![0.5, 0.25, 0.0, 0.0],
            b_hh: array![-0.5, -0.25, 0.0, 0.0],
        };
        let norm = norm.then(|| LayerNorm { weight: array![3.0], bias: array![7.0] });
        let (out_w, out_b) = (array![[10.0]], array![1.0]);
        Net::new(Parts { layers: vec![layer], norm, out_w, out_b, residual: true }).unwrap()
    }

    #[test]
    fn worked_by_hand() {
        // x = 0 first: g = 0, so c = h = 0. Then x = 1: i = 1, f = 0, g = 2, o = 0.
        let found = forecast_scalar(&tiny(false), array![[0.0], [1.0]].view());
        let near = |found: f64, want: f64| (found - want).abs() < 1e-14;
        let c = 2_f64.tanh() / (1.0 + (-1_f64).exp());
        let h = 0.5 * c.tanh();
        assert_eq!((found.h[[0, 0, 0]], found.c[[0, 0, 0]]), (0.0, 0.0), "first row");
        assert!(near(found.h[[0, 1, 0]], h) && near(found.c[[0, 1, 0]], c), "second row");
        assert!(near(found.y[0], 10.0 * h + 1.0 + 1.0), "10 h + bias + residual");
        // A third row x = 0: i = f = 0, g = 0, o = 4 h.
        let found = forecast_scalar(&tiny(false), array![[0.0], [1.0], [0.0]].view());
        let (h, c) = ((0.5 * c).tanh() / (1.0 + (-4.0 * h).exp()), 0.5 * c);
        assert!(near(found.h[[0, 2, 0]], h) && near(found.c[[0, 2, 0]], c), "state is carried on");
    }

    #[test]
    fn layer_norm_uses_the_biased_variance_and_eps() {
        let mut parts = tiny(true).parts().clone();
        // A single unit is its own mean: only the bias is left.
        let y = forecast_scalar(&tiny(true), array![[1.0]].view()).y;
        assert_eq!(y, array![10.0 * 7.0 + 1.0 + 1.0], "one unit");
        parts.layers[0] = Layer {
            w_ih: Array2::zeros((8, 1)),
            w_hh: Array2::zeros((8, 2)),
            b_ih: Array1::zeros(8),
            b_hh: Array1::zeros(8),
        };
        parts.norm = Some(LayerNorm { weight: array![2.0, 1.0], bias: array![0.0, 0.5] });
        (parts.out_w, parts.residual) = (array![[1.0, 1.0]], false);
        // Mean 0.25, variance 0.0625 over two, not one.
        let z = norm_scalar(&Net::new(parts).unwrap(), array![0.0, 0.5].view());
        let s = 0.25 / (0.0625_f64 + 1e-5).sqrt();
        assert_eq!(z, array![-2.0 * s, s + 0.5], "two units");
    }

    #[test]
    fn a_rollout_drops_the_oldest_state() {
        let (net, mut x) = (tiny(false), array![[0.3], [-0.2], [0.0], [0.0]]);
        rollout_scalar(&net, 2, &mut x);
        let first = forecast_scalar(&net, array![[0.3], [-0.2]].view()).y[0];
        let second = forecast_scalar(&net, array![[-0.2], [first]].view()).y[0];
        assert_eq!(x, array![[0.3], [-0.2], [first], [second]], "trajectory");
    }
}
