//! The fixtures of this chapter, embedded and parsed; `fixtures/README.md` says how each was made.

use ndarray::Array2;

use super::{Model, model};
use crate::file::npz;

/// Loads a network of 64 units that was fitted to a Lorenz-96 system of 20 components; its window has
/// 5 states.
///
/// # Panics
///
/// Never: a test parses it.
pub fn lorenz96() -> Model {
    let name = "lstm-lorenz96-d20-h64-l1.safetensors";
    let bytes = include_bytes!("../../fixtures/lstm-lorenz96-d20-h64-l1.safetensors");
    let model = Model::from_bytes(name, bytes, &model::Options::default());
    model.expect("the fixture is a network")
}

/// Loads states of that system that the fit has not seen, 0.1 time units apart, shape (105, 20).
///
/// # Panics
///
/// Never: a test parses it.
pub fn states() -> Array2<f64> {
    let bytes = include_bytes!("../../fixtures/lorenz96-states.npz").to_vec();
    let archive = npz::Archive::from_bytes("lorenz96-states.npz", bytes);
    let states = archive.and_then(|mut npz| npz.array("states"));
    states.expect("the fixture is an array")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, s};

    #[test]
    fn the_network_predicts_states_that_it_has_not_seen() {
        let (model, states) = (lorenz96(), states());
        let truth = states.slice(s![5.., ..]);
        let mut found = Array2::zeros((100, 20));
        for t in 0..100 {
            found.row_mut(t).assign(&model.forecast(states.slice(s![t..t + 5, ..]), 1).row(0));
        }
        // The share of the variance, about the mean of each component, that is predicted.
        let mean = truth.mean_axis(Axis(0)).unwrap();
        let square = |x: Array2<f64>| x.mapv(|v| v * v).sum();
        let skill = 1.0 - square(found - truth) / square(&truth - &mean);
        assert!(skill > 0.99, "one-step R2 {skill}");
        let rollout = model.forecast(states.slice(s![..5, ..]), 100);
        assert!(rollout.iter().all(|v| v.abs() < 20.0), "it stays on the attractor's scale");
    }
}
