//! The fixtures of this crate, embedded and parsed.
//!
//! `fixtures/README.md` says how each was made.

use ndarray::Array2;

use crate::md::extxyz::Frame;
use crate::md::system::System;
use crate::{lstm, mvar, npz};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name))
    };
}

/// An autoregression of order 5 fitted to a Lorenz-96 system of 20 components.
///
/// # Panics
///
/// Never: a test parses it.
pub fn mvar() -> mvar::Model {
    let bytes = fixture!("mvar-lorenz96-d20-p5.npz").to_vec();
    let loaded = mvar::Model::from_bytes("mvar-lorenz96-d20-p5.npz", bytes);
    loaded.expect("the fixture is a model").model
}

/// A network of 64 units fitted to the same system; its window has 5 states.
///
/// # Panics
///
/// Never: a test parses it.
pub fn lstm() -> lstm::Model {
    let (name, bytes) =
        ("lstm-lorenz96-d20-h64-l1.safetensors", fixture!("lstm-lorenz96-d20-h64-l1.safetensors"));
    let model = lstm::Model::from_bytes(name, bytes, &lstm::model::Options::default());
    model.expect("the fixture is a network")
}

/// States of that system that neither fit has seen, 0.1 time units apart, shape (105, 20).
///
/// # Panics
///
/// Never: a test parses it.
pub fn states() -> Array2<f64> {
    let bytes = fixture!("lorenz96-states.npz").to_vec();
    let archive = npz::Archive::from_bytes("lorenz96-states.npz", bytes);
    let states = archive.and_then(|mut npz| npz.array("states"));
    states.expect("the fixture is an array")
}

/// 512 atoms of silicon at about 300 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn silicon_512() -> System {
    atoms("silicon-512.extxyz", fixture!("silicon-512.extxyz"))
}

/// 256 atoms of solid argon at about 82 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn argon_256() -> System {
    atoms("argon-256.extxyz", fixture!("argon-256.extxyz"))
}

fn atoms(file: &str, bytes: &[u8]) -> System {
    let frame = Frame::parse(file, bytes).and_then(|frame| frame.into_system(file));
    frame.expect("the fixture is a frame")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    /// The share of the variance, about the mean of each component, that is predicted.
    fn r2(found: &Array2<f64>, truth: ndarray::ArrayView2<'_, f64>) -> f64 {
        let mean = truth.mean_axis(ndarray::Axis(0)).unwrap();
        let square = |x: Array2<f64>| x.mapv(|v| v * v).sum();
        1.0 - square(found - &truth) / square(&truth - &mean)
    }

    /// One step from each window of five states.
    fn steps(next: impl Fn(ndarray::ArrayView2<'_, f64>) -> Array2<f64>) -> f64 {
        let states = states();
        let mut found = Array2::zeros((100, 20));
        for t in 0..100 {
            found.row_mut(t).assign(&next(states.slice(s![t..t + 5, ..])).row(0));
        }
        r2(&found, states.slice(s![5.., ..]))
    }

    #[test]
    fn the_mvar_predicts_states_that_it_has_not_seen() {
        let model = mvar();
        assert_eq!((model.p(), model.d()), (5, 20), "p and d");
        let skill = steps(|window| model.forecast(window, 1));
        assert!(skill > 0.9, "one-step R2 {skill}");
        let rollout = model.forecast(states().slice(s![..5, ..]), 100);
        assert!(
            rollout.iter().all(|v| v.abs() < 20.0),
            "the rollout stays on the attractor's scale"
        );
    }

    #[test]
    fn the_lstm_predicts_better() {
        let model = lstm();
        let skill = steps(|window| model.forecast(window, 1));
        assert!(skill > 0.99, "one-step R2 {skill}");
        let rollout = model.forecast(states().slice(s![..5, ..]), 100);
        assert!(
            rollout.iter().all(|v| v.abs() < 20.0),
            "the rollout stays on the attractor's scale"
        );
    }
}
