//! The way back through a pass.
//!
//! With i, f, g, o the gates after their activation and a dash for a derivative of the loss:
//!
//! ```text
//! c' += h' o (1 - tanh(c)^2)      i_raw' = c' g i (1 - i)      f_raw' = c' c_before f (1 - f)
//! o_raw' = h' tanh(c) o (1 - o)   g_raw' = c' i (1 - g^2)      c_before' = c' f
//! ```

use super::{Tape, count};
use crate::lstm::train::kernels::{Job, Panels, Real};

/// Adds the sums of the columns of `rows`.
fn add_columns<R: Real>(rows: &[R], to: &mut [R]) {
    for row in rows.chunks_exact(to.len()) {
        to.iter_mut().zip(row).for_each(|(to, x)| *to += *x);
    }
}

fn pack<'a, R: Real>(of: &'a [R], rows: usize, to: &'a mut Panels<R>) -> Job<'a, R> {
    Job::Pack { of, rows, turned: false, to }
}

impl<R: Real> Tape<R> {
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
