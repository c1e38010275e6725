//! The forward pass over windows, and the gradient of its outputs.
//!
//! Rows of a pass are in order of time: all samples of the first state, then all of the second.

use super::generator::Generator;
use super::kernels::{Job, Panels, Real};
use super::shape::{Places, Shape};
use super::weights::Weights;
use crate::lstm::cell::NORM_EPS;
use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;

mod back;

/// What a pass leaves behind for the way back, with the weights of the network.
#[derive(Debug, Clone)]
pub struct Tape<R: Real> {
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
    centred: Aligned<R>,
    inverse: Aligned<R>,
    /// What the head takes, and the outputs (samples, d).
    z: Aligned<R>,
    y: Aligned<R>,
    /// Derivatives: of hidden states of all times, of the head's input, of one step.
    back: Aligned<R>,
    dz: Aligned<R>,
    dh: Aligned<R>,
    dc: Aligned<R>,
    bias: Aligned<R>,
    panels: Panels<R>,
}

#[derive(Debug, Clone)]
struct Layer<R: Real> {
    x: Aligned<R>,
    gates: Aligned<R>,
    c: Aligned<R>,
    tanh_c: Aligned<R>,
    h: Aligned<R>,
    /// Factors of the hidden states on their way to the next layer; empty without dropout.
    mask: Vec<R>,
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
        let zeros = Aligned::zeros;
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
        const NUMBERS: usize = 3 << 16;
        let each = 8 * lag * shape.layers * shape.units;
        let fit = (NUMBERS / each).clamp(16, 64);
        // A power of 2, since batches often are.
        Self::with_isa(shape, lag, 1 << fit.ilog2(), isa)
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
        self.weights.load(self.isa, &self.shape, &self.places, parameters);
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
}

/// A small count as a float.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}
