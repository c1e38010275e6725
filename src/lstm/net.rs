//! The weights of a network, in the shapes of `PyTorch`, and the normalisation of its inputs.

use ndarray::{Array1, Array2};

/// Weights of one layer of h units; rows in the order of the gates i, f, g, o.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Weights of the input, shape (4 h, inputs).
    pub w_ih: Array2<f32>,
    /// Weights of the previous hidden state, shape (4 h, h).
    pub w_hh: Array2<f32>,
    /// First bias, shape (4 h).
    pub b_ih: Array1<f32>,
    /// Second bias, shape (4 h).
    pub b_hh: Array1<f32>,
}

/// Scale and shift after the normalisation of the last hidden state.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// Scale, shape (h).
    pub weight: Array1<f32>,
    /// Shift, shape (h).
    pub bias: Array1<f32>,
}

/// The parts of a network, not yet known to fit together.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// At least one layer; the first has d inputs, the others h.
    pub layers: Vec<Layer>,
    /// Layer normalisation of the last hidden state, if any.
    pub norm: Option<LayerNorm>,
    /// Weights of the head, shape (d, h).
    pub out_w: Array2<f32>,
    /// Bias of the head, shape (d).
    pub out_b: Array1<f32>,
    /// Whether the last state of the window is added to the output.
    pub residual: bool,
}

/// A network whose parts fit together: d components, h units in each layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Net(Parts);

/// A part whose shape contradicts the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The tensor, by the name that `PyTorch` gives it.
    pub tensor: String,
    /// Its shape.
    pub found: String,
    /// The shape that fits the other parts.
    pub expected: String,
}

/// The largest magnitude of a weight. Kernels add the two biases of a gate and scale them for its
/// activation, by less than 3, in f32.
pub(super) const LARGEST: f32 = 5e37;

impl Net {
    /// Checks that the parts fit together and are finite numbers up to 5e37.
    ///
    /// # Errors
    ///
    /// Names the first part that does not fit; `out.weight` states d and h.
    pub fn new(parts: Parts) -> Result<Self, Misfit> {
        let (d, h) = parts.out_w.dim();
        if d == 0 || h == 0 || parts.layers.is_empty() {
            let found = format!("shape ({d}, {h}) and {} layers", parts.layers.len());
            let expected = "a component, a unit and a layer".to_owned();
            return Err(Misfit { tensor: "out.weight".to_owned(), found, expected });
        }
        let mut shapes = Vec::new();
        for (l, layer) in parts.layers.iter().enumerate() {
            let inputs = if l == 0 { d } else { h };
            shapes.extend([
                (format!("lstm.weight_ih_l{l}"), layer.w_ih.view().into_dyn(), vec![4 * h, inputs]),
                (format!("lstm.weight_hh_l{l}"), layer.w_hh.view().into_dyn(), vec![4 * h, h]),
                (format!("lstm.bias_ih_l{l}"), layer.b_ih.view().into_dyn(), vec![4 * h]),
                (format!("lstm.bias_hh_l{l}"), layer.b_hh.view().into_dyn(), vec![4 * h]),
            ]);
        }
        if let Some(norm) = &parts.norm {
            shapes.push(("layer_norm.weight".to_owned(), norm.weight.view().into_dyn(), vec![h]));
            shapes.push(("layer_norm.bias".to_owned(), norm.bias.view().into_dyn(), vec![h]));
        }
        shapes.push(("out.weight".to_owned(), parts.out_w.view().into_dyn(), vec![d, h]));
        shapes.push(("out.bias".to_owned(), parts.out_b.view().into_dyn(), vec![d]));
        for (tensor, values, shape) in shapes {
            let misfit = |found, expected| Misfit { tensor: tensor.clone(), found, expected };
            if values.shape() != shape {
                let found = format!("shape {:?}", values.shape());
                return Err(misfit(found, format!("{shape:?} for d = {d}, h = {h}")));
            }
            if let Some(bad) = values.iter().find(|v| v.is_nan() || v.abs() > LARGEST) {
                return Err(misfit(bad.to_string(), format!("finite numbers up to {LARGEST:e}")));
            }
        }
        Ok(Self(parts))
    }

    /// The parts.
    pub fn parts(&self) -> &Parts {
        &self.0
    }

    /// How many components a state has.
    pub fn d(&self) -> usize {
        self.0.out_w.nrows()
    }

    /// How many units a layer has.
    pub fn units(&self) -> usize {
        self.0.out_w.ncols()
    }
}

/// Normalisation of a state, (x - mean) / std per component.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    mean: Array1<f64>,
    std: Array1<f64>,
}

impl Scale {
    /// A normalisation by `mean` and `std`, both of shape (d).
    ///
    /// # Errors
    ///
    /// If the shapes differ, or a number is not finite, or a std not positive.
    pub fn new(mean: Array1<f64>, std: Array1<f64>) -> Result<Self, Misfit> {
        let misfit = |tensor: &str, found: String, expected: &str| {
            Err(Misfit { tensor: tensor.to_owned(), found, expected: expected.to_owned() })
        };
        if std.len() != mean.len() {
            let found = format!("length {}", std.len());
            return misfit("input_std", found, &format!("{}, as input_mean", mean.len()));
        }
        if let Some(bad) = mean.iter().find(|v| !v.is_finite()) {
            return misfit("input_mean", bad.to_string(), "finite numbers");
        }
        match std.iter().find(|v| !(v.is_finite() && **v > 0.0)) {
            Some(bad) => misfit("input_std", bad.to_string(), "finite numbers above 0"),
            None => Ok(Self { mean, std }),
        }
    }

    /// The normalisation of states of `d` components that changes nothing.
    pub fn identity(d: usize) -> Self {
        Self { mean: Array1::zeros(d), std: Array1::ones(d) }
    }

    /// The mean, shape (d).
    pub fn mean(&self) -> &Array1<f64> {
        &self.mean
    }

    /// The standard deviation, shape (d).
    pub fn std(&self) -> &Array1<f64> {
        &self.std
    }

    /// Normalises states `x` (n, d) into `to`; rounded to f32 once.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or are not whole states.
    pub fn apply(&self, x: &[f64], to: &mut [f32]) {
        self.check(x.len(), to.len());
        for (x, to) in x.chunks_exact(self.mean.len()).zip(to.chunks_exact_mut(self.mean.len())) {
            for (((x, to), mean), std) in x.iter().zip(to).zip(&self.mean).zip(&self.std) {
                #[expect(clippy::cast_possible_truncation, reason = "the network works in f32")]
                let normalised = ((x - mean) / std) as f32;
                *to = normalised;
            }
        }
    }

    /// Takes normalised states `y` (n, d) back to the units of the data, in f64.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or are not whole states.
    pub fn undo(&self, y: &[f32], to: &mut [f64]) {
        self.check(y.len(), to.len());
        for (y, to) in y.chunks_exact(self.mean.len()).zip(to.chunks_exact_mut(self.mean.len())) {
            for (((y, to), mean), std) in y.iter().zip(to).zip(&self.mean).zip(&self.std) {
                *to = f64::from(*y) * std + mean;
            }
        }
    }

    fn check(&self, from: usize, to: usize) {
        assert_eq!(from, to, "the two differ in length");
        assert_eq!(from % self.mean.len(), 0, "the length is not a multiple of d");
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Size, synthetic};
    use super::*;
    use ndarray::array;

    #[test]
    fn a_part_of_another_shape_is_named() {
        let good = synthetic(1, Size { d: 3, h: 4, layers: 2 }, true, true).parts().clone();
        let mut parts = good.clone();
        parts.layers[1].w_ih = Array2::zeros((16, 3));
        let misfit = Net::new(parts).unwrap_err();
        assert_eq!(misfit.tensor, "lstm.weight_ih_l1", "{misfit:?}");
        assert!(misfit.found.contains("[16, 3]"), "{misfit:?}");
        assert!(misfit.expected.contains("[16, 4]"), "{misfit:?}");
        let mut parts = good.clone();
        parts.layers[0].b_hh[5] = f32::NAN;
        assert_eq!(Net::new(parts).unwrap_err().found, "NaN", "NaN");
        let mut parts = good.clone();
        parts.layers[1].w_hh[[3, 2]] = -6e37;
        let misfit = Net::new(parts).unwrap_err();
        assert_eq!(misfit.expected, "finite numbers up to 5e37", "{misfit:?}");
        let parts = Parts { layers: Vec::new(), ..good };
        assert!(Net::new(parts).is_err(), "no layers");
    }

    #[test]
    fn a_scale_is_undone() {
        let scale = Scale::new(array![1.0, -2.0], array![2.0, 0.5]).unwrap();
        let (mut to, mut back) = ([0.0; 4], [0.0; 4]);
        scale.apply(&[5.0, -2.0, 1.0, -1.5], &mut to);
        assert_eq!(to, [2.0, 0.0, 0.0, 1.0], "normalised");
        scale.undo(&to, &mut back);
        assert_eq!(back, [5.0, -2.0, 1.0, -1.5], "and back");
    }

    #[test]
    fn a_scale_must_be_finite_and_positive() {
        let bad = [([0.0, f64::NAN], [1.0, 1.0]), ([0.0; 2], [1.0, 0.0]), ([0.0; 2], [1.0, -1.0])];
        for (mean, std) in bad.map(|(mean, std)| (Array1::from_iter(mean), Array1::from_iter(std)))
        {
            assert!(Scale::new(mean.clone(), std.clone()).is_err(), "{mean} and {std}");
        }
        assert!(Scale::new(array![0.0], array![1.0, 1.0]).is_err(), "lengths");
    }
}
