//! The forward pass over windows, and the gradient of its outputs.
//!
//! Rows of a pass are in order of time: all samples of the first state, then all of the second.
//! Going back, with i, f, g, o the gates after their activation and a dash for a derivative of the loss:
//!
//! ```text
//! c' += h' o (1 - tanh(c)^2)      i_raw' = c' g i (1 - i)      f_raw' = c' c_before f (1 - f)
//! o_raw' = h' tanh(c) o (1 - o)   g_raw' = c' i (1 - g^2)      c_before' = c' f
//! ```

use super::generator::Generator;
use super::kernels::{Job, Panels};
use super::real::Real;
use super::shape::{Places, Shape};
use super::weights::Weights;
use crate::lstm::cell::NORM_EPS;
use crate::machine::isa::Isa;

/// What a pass leaves behind for the way back, with the weights of the network.
#[derive(Debug, Clone)]
pub struct Tape<R> {
    shape: Shape,
    places: Places,
    lag: usize,
    capacity: usize,
    isa: Isa,
    weights: Weights<R>,
    /// Samples of the last pass.
    samples: usize,
    layers: Vec<Layer<R>>,
    /// The last hidden state less its mean over its deviation, and one over the deviation.
    centred: Vec<R>,
    inverse: Vec<R>,
    /// What the head takes, and the outputs (samples, d).
    z: Vec<R>,
    y: Vec<R>,
    /// Derivatives: of hidden states of all times, of the head's input, of one step.
    back: Vec<R>,
    dz: Vec<R>,
    dh: Vec<R>,
    dc: Vec<R>,
    bias: Vec<R>,
    panels: Panels<R>,
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

/// Adds the sums of the columns of `rows`.
fn add_columns<R: Real>(rows: &[R], to: &mut [R]) {
    for row in rows.chunks_exact(to.len()) {
        to.iter_mut().zip(row).for_each(|(to, x)| *to += *x);
    }
}

impl<R: Real> Tape<R> {
    /// Room for passes over at most `capacity` windows of `lag` states, by the best instruction
    /// set.
    ///
    /// # Panics
    ///
    /// If one of them, or a size of the network, is 0.
    pub fn new(shape: Shape, lag: usize, capacity: usize) -> Self {
        Self::with_isa(shape, lag, capacity, Isa::best())
    }

    /// The same by a given instruction set, which this processor must have.
    ///
    /// # Panics
    ///
    /// As [`Tape::new`].
    pub fn with_isa(shape: Shape, lag: usize, capacity: usize, isa: Isa) -> Self {
        let (rows, h) = (lag * capacity, shape.units);
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
            capacity,
            isa,
            weights: Weights::default(),
            samples: 0,
            layers: (0..shape.layers).map(layer).collect(),
            centred: zeros(capacity * h),
            inverse: zeros(capacity),
            z: zeros(capacity * h),
            y: zeros(capacity * shape.d),
            back: zeros(rows * h),
            dz: zeros(capacity * h),
            dh: zeros(capacity * h),
            dc: zeros(capacity * h),
            bias: zeros(4 * h),
            panels: Panels::default(),
        }
    }

    /// Room for as many windows as keep what a pass leaves behind within the second cache.
    pub fn cached(shape: Shape, lag: usize, isa: Isa) -> Self {
        const NUMBERS: usize = 3 << 17;
        let each = 8 * lag * shape.layers * shape.units;
        Self::with_isa(shape, lag, (NUMBERS / each).clamp(16, 64), isa)
    }

    /// Components of a state.
    pub(super) fn d(&self) -> usize {
        self.shape.d
    }

    /// States of a window.
    pub(super) fn lag(&self) -> usize {
        self.lag
    }

    /// How many windows a pass has room for.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The instruction set.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// Takes over the parameters of the passes to come.
    ///
    /// # Panics
    ///
    /// If they are fewer than the shape has.
    pub fn load(&mut self, parameters: &[R]) {
        self.weights.load(self.isa, &self.shape, parameters);
    }

    /// Outputs (samples, d) for windows `x` (samples, lag, d); with dropout of hidden states
    /// between layers if `dropout` gives its rate.
    ///
    /// # Panics
    ///
    /// If no parameters were loaded, or the windows are not whole or too many.
    pub fn forward(&mut self, x: &[R], mut dropout: Option<(f64, &mut Generator)>) -> &[R] {
        let (h, d, window) = (self.shape.units, self.shape.d, self.lag * self.shape.d);
        let n = x.len() / window;
        assert!(x.len() == n * window && n <= self.capacity, "whole windows, not too many");
        assert!(!self.weights.layers.is_empty(), "parameters are loaded first");
        self.samples = n;
        for (s, window) in x.chunks_exact(window).enumerate() {
            for (t, state) in window.chunks_exact(d).enumerate() {
                self.layers[0].x[(t * n + s) * d..][..d].copy_from_slice(state);
            }
        }
        for l in 0..self.layers.len() {
            self.layer_forward(l);
            let (below, above) = self.layers.split_at_mut(l + 1);
            let (layer, Some(next)) = (&mut below[l], above.first_mut()) else { continue };
            let len = self.lag * n * h;
            layer.mask.clear();
            if let Some((rate, generator)) = &mut dropout {
                let kept = R::from_f64(1.0 / (1.0 - *rate));
                let draw = |_| if generator.unit() < *rate { R::zero() } else { kept };
                layer.mask.extend((0..len).map(draw));
            }
            next.x[..len].copy_from_slice(&layer.h[..len]);
            next.x.iter_mut().zip(&layer.mask).for_each(|(x, mask)| *x = *x * *mask);
        }
        let last = &self.layers[self.layers.len() - 1].h[(self.lag - 1) * n * h..][..n * h];
        self.z[..n * h].copy_from_slice(last);
        if self.shape.norm {
            self.norm_forward();
        }
        for y in self.y[..n * d].chunks_exact_mut(d) {
            y.copy_from_slice(&self.weights.out_bias);
        }
        let (a, c) = (&self.z[..n * h], &mut self.y[..n * d]);
        let b = &self.weights.out.there;
        R::run(self.isa, Job::Product { a, turned: false, b, c, add: true });
        if self.shape.residual {
            let last = &self.layers[0].x[(self.lag - 1) * n * d..][..n * d];
            self.y.iter_mut().zip(last).for_each(|(y, x)| *y += *x);
        }
        &self.y[..n * d]
    }

    fn layer_forward(&mut self, l: usize) {
        let (n, h, inputs) = (self.samples, self.shape.units, self.shape.inputs(l));
        let (step, isa) = (n * h, self.isa);
        let (layer, weights) = (&mut self.layers[l], &self.weights.layers[l]);
        for t in 0..self.lag {
            let gates = &mut layer.gates[t * 4 * step..][..4 * step];
            for gates in gates.chunks_exact_mut(4 * h) {
                gates.copy_from_slice(&weights.bias);
            }
            let (a, b) = (&layer.x[t * n * inputs..][..n * inputs], &weights.ih.there);
            R::run(isa, Job::Product { a, turned: false, b, c: &mut *gates, add: true });
            let (c_before, c) = layer.c.split_at_mut(t * step);
            let (h_before, h_after) = layer.h.split_at_mut(t * step);
            let before = t.checked_sub(1).map(|t| t * step);
            if let Some(at) = before {
                let (a, b) = (&h_before[at..], &weights.hh.there);
                R::run(isa, Job::Product { a, turned: false, b, c: &mut *gates, add: true });
            }
            let tanh_c = &mut layer.tanh_c[t * step..][..step];
            let after = [&mut c[..step], tanh_c, &mut h_after[..step]];
            R::run(
                isa,
                Job::Cells { units: h, gates, before: before.map(|at| &c_before[at..]), after },
            );
        }
    }

    fn norm_forward(&mut self) {
        let h = self.shape.units;
        let share = R::from_f64(1.0 / count(h));
        let [weight, bias] = self.weights.norm.each_ref().map(|of| &of[..h]);
        for b in 0..self.samples {
            let (z, centred) = (&mut self.z[b * h..][..h], &mut self.centred[b * h..][..h]);
            let mean = z.iter().fold(R::zero(), |sum, z| sum + *z) * share;
            let square = |sum, z: &R| sum + (*z - mean) * (*z - mean);
            let variance = z.iter().fold(R::zero(), square) * share;
            let inverse = R::one() / (variance + R::from_f64(NORM_EPS)).sqrt();
            self.inverse[b] = inverse;
            for k in 0..h {
                centred[k] = (z[k] - mean) * inverse;
                z[k] = centred[k] * weight[k] + bias[k];
            }
        }
    }

    /// Adds to `gradient` that of the last [`Tape::forward`], for derivatives `dy` (samples, d)
    /// of the loss by the outputs. Uses up what the pass left behind.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit.
    pub fn backward(&mut self, dy: &[R], gradient: &mut [R]) {
        let (n, h, isa) = (self.samples, self.shape.units, self.isa);
        let step = n * h;
        let [weight, bias] = &self.places.out;
        R::run(isa, pack(&self.z[..step], n, &mut self.panels));
        let (b, c) = (&self.panels, &mut gradient[weight.clone()]);
        R::run(isa, Job::Product { a: dy, turned: true, b, c, add: true });
        add_columns(dy, &mut gradient[bias.clone()]);
        let (b, c) = (&self.weights.out.back, &mut self.dz[..step]);
        R::run(isa, Job::Product { a: dy, turned: false, b, c, add: false });
        if let Some([weight, bias]) = &self.places.norm {
            add_columns(&self.dz[..step], &mut gradient[bias.clone()]);
            let (to, share) = (&mut gradient[weight.clone()], R::from_f64(1.0 / count(h)));
            let weight = &self.weights.norm[0][..h];
            for b in 0..n {
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
        let rows = self.lag * n;
        self.back[..(self.lag - 1) * step].fill(R::zero());
        self.back[(self.lag - 1) * step..][..step].copy_from_slice(&self.dz[..step]);
        for l in (0..self.layers.len()).rev() {
            self.layer_backward(l, gradient);
            if l > 0 {
                let (a, b) = (&self.layers[l].gates[..4 * rows * h], &self.weights.layers[l].ih);
                let c = &mut self.back[..rows * h];
                R::run(isa, Job::Product { a, turned: false, b: &b.back, c, add: false });
                let mask = &self.layers[l - 1].mask;
                self.back.iter_mut().zip(mask).for_each(|(back, mask)| *back = *back * *mask);
            }
        }
    }

    /// Turns the gates of a layer into their derivatives, and adds those of its parameters.
    fn layer_backward(&mut self, l: usize, gradient: &mut [R]) {
        let (n, h, inputs) = (self.samples, self.shape.units, self.shape.inputs(l));
        let (step, rows, isa) = (n * h, self.lag * n, self.isa);
        let (layer, weights) = (&mut self.layers[l], &self.weights.layers[l]);
        self.dh[..step].fill(R::zero());
        self.dc[..step].fill(R::zero());
        self.bias.fill(R::zero());
        for t in (0..self.lag).rev() {
            let before = t.checked_sub(1).map(|t| &layer.c[t * step..][..step]);
            let states = (before, &layer.tanh_c[t * step..][..step]);
            let gates = &mut layer.gates[4 * t * step..][..4 * step];
            let dh = [&self.back[t * step..][..step], &self.dh[..step]];
            let (dc, bias) = (&mut self.dc[..step], &mut *self.bias);
            R::run(isa, Job::CellsBack { gates: &mut *gates, states, dh, dc, bias });
            if t > 0 {
                let (b, c) = (&weights.hh.back, &mut self.dh[..step]);
                R::run(isa, Job::Product { a: gates, turned: false, b, c, add: false });
            }
        }
        let [ih, hh, b_ih, b_hh] = &self.places.layers[l];
        let panels = &mut self.panels;
        R::run(isa, pack(&layer.x[..rows * inputs], rows, panels));
        let (a, c) = (&layer.gates[..4 * rows * h], &mut gradient[ih.clone()]);
        R::run(isa, Job::Product { a, turned: true, b: panels, c, add: true });
        if self.lag > 1 {
            let later = rows - n;
            R::run(isa, pack(&layer.h[..later * h], later, panels));
            let a = &layer.gates[4 * step..4 * rows * h];
            let c = &mut gradient[hh.clone()];
            R::run(isa, Job::Product { a, turned: true, b: panels, c, add: true });
        }
        for bias in [b_ih, b_hh] {
            add_columns(&self.bias, &mut gradient[bias.clone()]);
        }
    }
}

fn pack<'a, R>(of: &'a [R], rows: usize, to: &'a mut Panels<R>) -> Job<'a, R> {
    Job::Pack { of, rows, turned: false, to }
}

/// A small count as a float.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}
