//! The parameters as products want them.

use super::kernels::{Job, Panels, Real};
use super::shape::{Places, Shape};
use crate::machine::isa::Isa;

/// A matrix on both sides of the chain rule: W^T for the way there, W for the way back.
#[derive(Debug, Clone, Default)]
pub(super) struct Matrix<R: Real> {
    pub(super) there: Panels<R>,
    pub(super) back: Panels<R>,
}

impl<R: Real> Matrix<R> {
    fn load(&mut self, isa: Isa, of: &[R], rows: usize) {
        R::run(isa, Job::Pack { of, rows, turned: true, to: &mut self.there });
        R::run(isa, Job::Pack { of, rows, turned: false, to: &mut self.back });
    }
}

/// Weights of one layer, and the sum of its two biases.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer<R: Real> {
    pub(super) ih: Matrix<R>,
    pub(super) hh: Matrix<R>,
    pub(super) bias: Vec<R>,
}

/// All parameters; those of the layer norm are empty if there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Weights<R: Real> {
    pub(super) layers: Vec<Layer<R>>,
    pub(super) norm: [Vec<R>; 2],
    pub(super) out: Matrix<R>,
    pub(super) out_bias: Vec<R>,
}

impl<R: Real> Weights<R> {
    /// Takes over all parameters, which lie at these places of that shape, into the same memory.
    pub(super) fn load(&mut self, isa: Isa, shape: &Shape, places: &Places, parameters: &[R]) {
        self.layers.resize_with(shape.layers, Layer::default);
        let [ih, hh, b_ih, b_hh] = [0, 1, 2, 3];
        for (layer, places) in self.layers.iter_mut().zip(&places.layers) {
            let of = |which: usize| &parameters[places[which].clone()];
            layer.ih.load(isa, of(ih), 4 * shape.units);
            layer.hh.load(isa, of(hh), 4 * shape.units);
            layer.bias.clear();
            layer.bias.extend(of(b_ih).iter().zip(of(b_hh)).map(|(a, b)| *a + *b));
        }
        for (to, place) in self.norm.iter_mut().zip(places.norm.iter().flatten()) {
            to.clear();
            to.extend_from_slice(&parameters[place.clone()]);
        }
        self.out.load(isa, &parameters[places.out[0].clone()], shape.d);
        self.out_bias.clear();
        self.out_bias.extend_from_slice(&parameters[places.out[1].clone()]);
    }
}
