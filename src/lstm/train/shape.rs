//! The parameters of a network as one list, in the order of their tensors.

use std::ops::Range;

use ndarray::{Array1, Array2};

use crate::lstm::net::{Layer, LayerNorm, Misfit, Net, Parts};

/// The sizes of a network, from which the place of each tensor follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Components of a state.
    pub d: usize,
    /// Units of a layer.
    pub units: usize,
    /// How many layers there are.
    pub layers: usize,
    /// Whether the last hidden state is normalised.
    pub norm: bool,
    /// Whether the last state of the window is added to the output.
    pub residual: bool,
}

/// A tensor within the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in `PyTorch`.
    pub name: String,
    /// Its rows, and its columns; 1 column for a vector.
    pub dim: (usize, usize),
    /// Its place.
    pub range: Range<usize>,
}

/// The places of the four tensors of a layer, of the normalisation and of the head.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) layers: Vec<[Range<usize>; 4]>,
    pub(super) norm: Option<[Range<usize>; 2]>,
    pub(super) out: [Range<usize>; 2],
}

impl Shape {
    /// Inputs of layer `l`.
    pub(super) fn inputs(&self, l: usize) -> usize {
        if l == 0 { self.d } else { self.units }
    }

    /// All tensors, in their order: layer by layer, the normalisation, the head.
    pub fn tensors(&self) -> Vec<Tensor> {
        let h = self.units;
        let mut tensors = Vec::new();
        let mut add = |name: String, rows: usize, columns: usize| {
            let start = tensors.last().map_or(0, |tensor: &Tensor| tensor.range.end);
            tensors.push(Tensor {
                name,
                dim: (rows, columns),
                range: start..start + rows * columns,
            });
        };
        for l in 0..self.layers {
            add(format!("lstm.weight_ih_l{l}"), 4 * h, self.inputs(l));
            add(format!("lstm.weight_hh_l{l}"), 4 * h, h);
            add(format!("lstm.bias_ih_l{l}"), 4 * h, 1);
            add(format!("lstm.bias_hh_l{l}"), 4 * h, 1);
        }
        if self.norm {
            add("layer_norm.weight".to_owned(), h, 1);
            add("layer_norm.bias".to_owned(), h, 1);
        }
        add("out.weight".to_owned(), self.d, h);
        add("out.bias".to_owned(), self.d, 1);
        tensors
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.tensors().last().map_or(0, |tensor| tensor.range.end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn places(&self) -> Places {
        let mut ranges = self.tensors().into_iter().map(|tensor| tensor.range);
        let mut next = || ranges.next().expect("as many tensors as `tensors` lists");
        let layers = (0..self.layers).map(|_| [next(), next(), next(), next()]).collect();
        let norm = self.norm.then(|| [next(), next()]);
        Places { layers, norm, out: [next(), next()] }
    }

    /// The network of these parameters.
    ///
    /// # Errors
    ///
    /// If there is no layer, component or unit, or a parameter is not finite.
    ///
    /// # Panics
    ///
    /// If there are more or fewer parameters than [`Shape::len`].
    pub fn net(&self, parameters: &[f32]) -> Result<Net, Misfit> {
        assert_eq!(parameters.len(), self.len(), "as many parameters as the shape has");
        let places = self.places();
        let vector = |range: &Range<usize>| Array1::from(parameters[range.clone()].to_vec());
        let matrix = |range: &Range<usize>, rows: usize| {
            let columns = range.len() / rows.max(1);
            Array2::from_shape_vec((rows, columns), parameters[range.clone()].to_vec())
                .expect("whole rows")
        };
        let layer = |[w_ih, w_hh, b_ih, b_hh]: &[Range<usize>; 4]| Layer {
            w_ih: matrix(w_ih, 4 * self.units),
            w_hh: matrix(w_hh, 4 * self.units),
            b_ih: vector(b_ih),
            b_hh: vector(b_hh),
        };
        Net::new(Parts {
            layers: places.layers.iter().map(layer).collect(),
            norm: places
                .norm
                .as_ref()
                .map(|[weight, bias]| LayerNorm { weight: vector(weight), bias: vector(bias) }),
            out_w: matrix(&places.out[0], self.d),
            out_b: vector(&places.out[1]),
            residual: self.residual,
        })
    }
}
