//! The forward pass over a batch of windows, and the gradient of its outputs.
//!
//! Rows of a batch are in order of time: all samples of the first state, then all of the second.
//! The inputs of all times enter the gates by one product; the hidden states by one a step. Going
//! back, with i, f, g, o the gates after their activation and a dash for a derivative of the loss:
//!
//! ```text
//! c' += h' o (1 - tanh(c)^2)      i_raw' = c' g i (1 - i)      f_raw' = c' c_before f (1 - f)
//! o_raw' = h' tanh(c) o (1 - o)   g_raw' = c' i (1 - g^2)      c_before' = c' f
//! ```

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::generator::Generator;
use super::real::Real;
use super::shape::{Places, Shape};
use crate::lstm::cell::NORM_EPS;

/// What a pass leaves behind for the way back, for `batch` samples.
#[derive(Debug, Clone)]
pub struct Tape<R> {
    shape: Shape,
    places: Places,
    lag: usize,
    batch: usize,
    layers: Vec<Layer<R>>,
    /// The last hidden state less its mean over its deviation, and one over the deviation.
    centred: Vec<R>,
    inverse: Vec<R>,
    /// What the head takes, and the outputs (batch, d).
    z: Vec<R>,
    y: Vec<R>,
    /// Derivatives: of hidden states of all times, of the head's input, of one step.
    back: Vec<R>,
    dz: Vec<R>,
    dh: Vec<R>,
    dc: Vec<R>,
}

#[derive(Debug, Clone)]
struct Layer<R> {
    x: Vec<R>,
    gates: Vec<R>,
    c: Vec<R>,
    tanh_c: Vec<R>,
    h: Vec<R>,
    /// Factors of the hidden states on their way to the next layer; empty without dropout.
    mask: Vec<R>,
}

fn matrix<R>(values: &[R], rows: usize) -> ArrayView2<'_, R> {
    ArrayView2::from_shape((rows, values.len() / rows), values).expect("whole rows")
}

fn matrix_mut<R>(values: &mut [R], rows: usize) -> ArrayViewMut2<'_, R> {
    let columns = values.len() / rows;
    ArrayViewMut2::from_shape((rows, columns), values).expect("whole rows")
}

/// Adds the sums of the columns of `rows`.
fn add_columns<R: Real>(rows: &[R], to: &mut [R]) {
    for row in rows.chunks_exact(to.len()) {
        to.iter_mut().zip(row).for_each(|(to, x)| *to += *x);
    }
}

impl<R: Real> Tape<R> {
    /// Room for windows of `lag` states in batches of `batch` samples.
    ///
    /// # Panics
    ///
    /// If one of them, or a size of the network, is 0.
    pub fn new(shape: Shape, lag: usize, batch: usize) -> Self {
        let (rows, h) = (lag * batch, shape.units);
        assert!(rows * h * shape.d * shape.layers > 0, "a network, a window and a sample");
        let zeros = |n: usize| vec![R::default(); n];
        let layer = |l| Layer {
            x: zeros(rows * shape.inputs(l)),
            gates: zeros(rows * 4 * h),
            c: zeros(rows * h),
            tanh_c: zeros(rows * h),
            h: zeros(rows * h),
            mask: Vec::new(),
        };
        Self {
            shape,
            places: shape.places(),
            lag,
            batch,
            layers: (0..shape.layers).map(layer).collect(),
            centred: zeros(batch * h),
            inverse: zeros(batch),
            z: zeros(batch * h),
            y: zeros(batch * shape.d),
            back: zeros(rows * h),
            dz: zeros(batch * h),
            dh: zeros(batch * h),
            dc: zeros(batch * h),
        }
    }

    /// Components of a state.
    pub(super) fn d(&self) -> usize {
        self.shape.d
    }

    /// Outputs (batch, d) of windows `x` (lag, batch, d); with dropout of hidden states between
    /// layers if `dropout` gives its rate.
    ///
    /// # Panics
    ///
    /// If the parameters or windows are more or fewer.
    pub fn forward(
        &mut self,
        parameters: &[R],
        x: &[R],
        mut dropout: Option<(f64, &mut Generator)>,
    ) -> &[R] {
        self.layers[0].x.copy_from_slice(x);
        let (h, step) = (self.shape.units, self.batch * self.shape.units);
        for l in 0..self.layers.len() {
            self.layer_forward(parameters, l);
            let (below, above) = self.layers.split_at_mut(l + 1);
            let (layer, Some(next)) = (&mut below[l], above.first_mut()) else { continue };
            layer.mask.clear();
            if let Some((rate, generator)) = &mut dropout {
                let kept = R::from_f64(1.0 / (1.0 - *rate));
                let draw = |_| if generator.unit() < *rate { R::zero() } else { kept };
                layer.mask.extend((0..layer.h.len()).map(draw));
            }
            next.x.copy_from_slice(&layer.h);
            next.x.iter_mut().zip(&layer.mask).for_each(|(x, mask)| *x = *x * *mask);
        }
        let last = &self.layers[self.layers.len() - 1].h[(self.lag - 1) * step..];
        self.z.copy_from_slice(last);
        if let Some([weight, bias]) = &self.places.norm {
            let (weight, bias) = (&parameters[weight.clone()], &parameters[bias.clone()]);
            let count = R::from_f64(1.0 / count(h));
            for b in 0..self.batch {
                let (z, centred) = (&mut self.z[b * h..][..h], &mut self.centred[b * h..][..h]);
                let mean = z.iter().fold(R::zero(), |sum, z| sum + *z) * count;
                let square = |sum, z: &R| sum + (*z - mean) * (*z - mean);
                let variance = z.iter().fold(R::zero(), square) * count;
                let inverse = R::one() / (variance + R::from_f64(NORM_EPS)).sqrt();
                self.inverse[b] = inverse;
                for k in 0..h {
                    centred[k] = (z[k] - mean) * inverse;
                    z[k] = centred[k] * weight[k] + bias[k];
                }
            }
        }
        let [weight, bias] = &self.places.out;
        for y in self.y.chunks_exact_mut(self.shape.d) {
            y.copy_from_slice(&parameters[bias.clone()]);
        }
        let weight = matrix(&parameters[weight.clone()], self.shape.d);
        let z = matrix(&self.z, self.batch);
        let mut y = matrix_mut(&mut self.y, self.batch);
        general_mat_mul(R::one(), &z, &weight.t(), R::one(), &mut y);
        if self.shape.residual {
            let last = &x[(self.lag - 1) * self.batch * self.shape.d..];
            self.y.iter_mut().zip(last).for_each(|(y, x)| *y += *x);
        }
        &self.y
    }

    fn layer_forward(&mut self, parameters: &[R], l: usize) {
        let (h, batch, step) = (self.shape.units, self.batch, self.batch * self.shape.units);
        let [w_ih, w_hh, b_ih, b_hh] =
            self.places.layers[l].each_ref().map(|range| &parameters[range.clone()]);
        let layer = &mut self.layers[l];
        for gates in layer.gates.chunks_exact_mut(4 * h) {
            for k in 0..4 * h {
                gates[k] = b_ih[k] + b_hh[k];
            }
        }
        let x = matrix(&layer.x, self.lag * batch);
        let mut all = matrix_mut(&mut layer.gates, self.lag * batch);
        general_mat_mul(R::one(), &x, &matrix(w_ih, 4 * h).t(), R::one(), &mut all);
        for t in 0..self.lag {
            let gates = &mut layer.gates[t * 4 * step..][..4 * step];
            if t > 0 {
                let before = matrix(&layer.h[(t - 1) * step..][..step], batch);
                let mut gates = matrix_mut(gates, batch);
                general_mat_mul(R::one(), &before, &matrix(w_hh, 4 * h).t(), R::one(), &mut gates);
            }
            let (c_before, c) = layer.c.split_at_mut(t * step);
            let c_before = &c_before[t.saturating_sub(1) * step..];
            for b in 0..batch {
                let gates = &mut gates[b * 4 * h..][..4 * h];
                let (sigmoids, rest) = gates.split_at_mut(2 * h);
                let (g, o) = rest.split_at_mut(h);
                sigmoids.iter_mut().for_each(|x| *x = x.sigmoid());
                g.iter_mut().for_each(|x| *x = x.tanh());
                o.iter_mut().for_each(|x| *x = x.sigmoid());
                let (i, f) = sigmoids.split_at(h);
                let c = &mut c[b * h..][..h];
                for k in 0..h {
                    c[k] = i[k] * g[k];
                }
                if t > 0 {
                    let c_before = &c_before[b * h..][..h];
                    for k in 0..h {
                        c[k] += f[k] * c_before[k];
                    }
                }
                let tanh_c = &mut layer.tanh_c[t * step + b * h..][..h];
                let to = &mut layer.h[t * step + b * h..][..h];
                for k in 0..h {
                    tanh_c[k] = c[k].tanh();
                    to[k] = o[k] * tanh_c[k];
                }
            }
        }
    }

    /// Adds to `gradient` that of the last [`Tape::forward`], for derivatives `dy` (batch, d) of
    /// the loss by the outputs. Uses up what the pass left behind.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit.
    pub fn backward(&mut self, parameters: &[R], dy: &[R], gradient: &mut [R]) {
        let (h, batch, step) = (self.shape.units, self.batch, self.batch * self.shape.units);
        let [weight, bias] = &self.places.out;
        let dy_rows = matrix(dy, batch);
        let mut to = matrix_mut(&mut gradient[weight.clone()], self.shape.d);
        general_mat_mul(R::one(), &dy_rows.t(), &matrix(&self.z, batch), R::one(), &mut to);
        add_columns(dy, &mut gradient[bias.clone()]);
        let weight = matrix(&parameters[weight.clone()], self.shape.d);
        general_mat_mul(
            R::one(),
            &dy_rows,
            &weight,
            R::zero(),
            &mut matrix_mut(&mut self.dz, batch),
        );
        if let Some([weight, bias]) = &self.places.norm {
            add_columns(&self.dz, &mut gradient[bias.clone()]);
            let to = &mut gradient[weight.clone()];
            let (weight, share) = (&parameters[weight.clone()], R::from_f64(1.0 / count(h)));
            for b in 0..batch {
                let (dz, centred) = (&mut self.dz[b * h..][..h], &self.centred[b * h..][..h]);
                let (mut mean, mut along) = (R::zero(), R::zero());
                for k in 0..h {
                    to[k] += dz[k] * centred[k];
                    dz[k] = dz[k] * weight[k];
                    mean += dz[k];
                    along += dz[k] * centred[k];
                }
                (mean, along) = (mean * share, along * share);
                for k in 0..h {
                    dz[k] = self.inverse[b] * (dz[k] - mean - centred[k] * along);
                }
            }
        }
        self.back.fill(R::zero());
        self.back[(self.lag - 1) * step..].copy_from_slice(&self.dz);
        for l in (0..self.layers.len()).rev() {
            self.layer_backward(parameters, l, gradient);
            if l > 0 {
                let w_ih = matrix(&parameters[self.places.layers[l][0].clone()], 4 * h);
                let gates = matrix(&self.layers[l].gates, self.lag * batch);
                let mut back = matrix_mut(&mut self.back, self.lag * batch);
                general_mat_mul(R::one(), &gates, &w_ih, R::zero(), &mut back);
                let mask = &self.layers[l - 1].mask;
                self.back.iter_mut().zip(mask).for_each(|(back, mask)| *back = *back * *mask);
            }
        }
    }

    /// Turns the gates of a layer into their derivatives, and adds those of its parameters.
    fn layer_backward(&mut self, parameters: &[R], l: usize, gradient: &mut [R]) {
        let (h, batch, step) = (self.shape.units, self.batch, self.batch * self.shape.units);
        let places = &self.places.layers[l];
        let layer = &mut self.layers[l];
        self.dh.fill(R::zero());
        self.dc.fill(R::zero());
        let one = R::one();
        for t in (0..self.lag).rev() {
            for b in 0..batch {
                let at = t * step + b * h;
                let gates = &mut layer.gates[4 * at..][..4 * h];
                let (i, rest) = gates.split_at_mut(h);
                let (f, rest) = rest.split_at_mut(h);
                let (g, o) = rest.split_at_mut(h);
                let (dh, dc) = (&self.dh[b * h..][..h], &mut self.dc[b * h..][..h]);
                let (back, tanh_c) = (&self.back[at..][..h], &layer.tanh_c[at..][..h]);
                let c_before = if t > 0 { &layer.c[at - step..][..h] } else { &[] };
                for k in 0..h {
                    let dh = back[k] + dh[k];
                    let d = dc[k] + dh * o[k] * (one - tanh_c[k] * tanh_c[k]);
                    o[k] = dh * tanh_c[k] * o[k] * (one - o[k]);
                    dc[k] = d * f[k];
                    f[k] = d * f[k] * (one - f[k]);
                    let input = i[k];
                    i[k] = d * g[k] * input * (one - input);
                    g[k] = d * input * (one - g[k] * g[k]);
                }
                if t > 0 {
                    for k in 0..h {
                        f[k] = f[k] * c_before[k];
                    }
                } else {
                    f.fill(R::zero());
                }
            }
            let gates = matrix(&layer.gates[4 * t * step..][..4 * step], batch);
            let w_hh = matrix(&parameters[places[1].clone()], 4 * h);
            general_mat_mul(one, &gates, &w_hh, R::zero(), &mut matrix_mut(&mut self.dh, batch));
        }
        let rows = self.lag * batch;
        let gates = matrix(&layer.gates, rows);
        let mut to = matrix_mut(&mut gradient[places[0].clone()], 4 * h);
        general_mat_mul(one, &gates.t(), &matrix(&layer.x, rows), one, &mut to);
        if self.lag > 1 {
            let later = matrix(&layer.gates[4 * step..], rows - batch);
            let before = matrix(&layer.h[..(self.lag - 1) * step], rows - batch);
            let mut to = matrix_mut(&mut gradient[places[1].clone()], 4 * h);
            general_mat_mul(one, &later.t(), &before, one, &mut to);
        }
        for bias in [&places[2], &places[3]] {
            add_columns(&layer.gates, &mut gradient[bias.clone()]);
        }
    }
}

/// A small count as a float.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}
