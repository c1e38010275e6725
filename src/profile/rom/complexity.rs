//! `complexity`: sizes of a model and counts that follow from them, by the formulas of wsindy-manifold.
//!
//! `inference_flops_per_step` of a network is that of one cell per layer, not of a window, and
//! `expected_parameters` leaves out the second bias, the inputs of later layers, the normalisation and
//! the head. The true values are in `extended` and `total_parameters`.

use serde::{Deserialize, Serialize};

/// The kind of a model, with the sizes that its complexity follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An autoregression of so many lags.
    Mvar {
        /// Past states that a step reads.
        lag: usize,
    },
    /// A network.
    Lstm {
        /// Units of a layer.
        hidden: usize,
        /// Layers.
        layers: usize,
    },
    /// Any other model.
    Other,
}

impl Kind {
    /// The kind that a name shows, in letters of either case; one whose sizes are missing is none.
    pub fn of_name(
        name: &str,
        lag: Option<usize>,
        hidden: Option<usize>,
        layers: Option<usize>,
    ) -> Self {
        let known = |size: Option<usize>| size.filter(|size| *size > 0);
        match (&*name.to_ascii_lowercase(), known(lag), known(hidden).zip(known(layers))) {
            ("mvar", Some(lag), _) => Self::Mvar { lag },
            ("lstm", _, Some((hidden, layers))) => Self::Lstm { hidden, layers },
            _ => Self::Other,
        }
    }
}

/// Sizes and counts that follow from them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Complexity {
    /// Parameters of the model.
    pub total_parameters: usize,
    /// Components of a state.
    pub latent_dimension: usize,
    /// Past states that a step of an autoregression reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_order: Option<usize>,
    /// Units of a layer of a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_dimension: Option<usize>,
    /// Layers of a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_layers: Option<usize>,
    /// Parameters by the formula of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_parameters: Option<usize>,
    /// Parameters of each lag of an autoregression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_per_lag: Option<usize>,
    /// Parameters of each layer of a network, by the formula of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_per_layer: Option<usize>,
    /// Multiplications and additions by the formula of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_flops_per_step: Option<usize>,
    /// Growth of the time of a training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_complexity: Option<String>,
    /// Growth of the time of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_complexity: Option<String>,
}

impl Complexity {
    /// The counts of a model of `parameters` parameters with states of `d` components.
    pub fn new(kind: Kind, parameters: usize, d: usize) -> Self {
        let plain = Self { total_parameters: parameters, latent_dimension: d, ..Self::default() };
        let growth = |text: &str| Some(text.to_owned());
        match kind {
            Kind::Mvar { lag: p } => Self {
                lag_order: Some(p),
                expected_parameters: Some(d + p * d * d),
                parameters_per_lag: Some(d * d),
                inference_flops_per_step: Some(2 * p * d * d),
                training_complexity: growth("O(N_samples * p * d\u{b2})"),
                inference_complexity: growth("O(p * d\u{b2})"),
                ..plain
            },
            Kind::Lstm { hidden: h, layers } => Self {
                hidden_dimension: Some(h),
                num_layers: Some(layers),
                expected_parameters: Some(4 * h * (h + d + 1) * layers),
                parameters_per_layer: Some(4 * h * (h + d + 1)),
                inference_flops_per_step: Some(8 * h * (h + d) * layers),
                training_complexity: growth("O(N_samples * N_steps * h * (h + d))"),
                inference_complexity: growth("O(h * (h + d))"),
                ..plain
            },
            Kind::Other => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_its_kind_only_with_all_sizes() {
        assert_eq!(Kind::of_name("mVar", Some(5), None, None), Kind::Mvar { lag: 5 }, "letters");
        let network = Kind::Lstm { hidden: 64, layers: 2 };
        assert_eq!(Kind::of_name("LSTM", Some(5), Some(64), Some(2)), network, "network");
        for (name, lag, hidden, layers) in [
            ("MVAR", None, None, None),
            ("MVAR", Some(0), None, None),
            ("LSTM", Some(5), Some(64), None),
            ("WSINDy", Some(5), Some(64), Some(2)),
        ] {
            assert_eq!(Kind::of_name(name, lag, hidden, layers), Kind::Other, "{name}");
        }
    }
}
