//! The profile of reduced-order models: what training and forecasts cost, and which to deploy.
//!
//! | | |
//! | --- | --- |
//! | [`subject`] | a model of ours, or any function from a window to states |
//! | [`trials`] | the clock: trials in turn, forecasts that cannot be profiled, intervals of ratios |
//! | [`accuracy`] | R2 by horizon, on states that no model has seen |
//! | [`document`], [`comparison`] | the JSON of wsindy-manifold's analyzer, and its formulas |
//! | [`extended`] | the objects `extended` in it |
//!
//! What is timed is [`crate::rom::ready::Ready`], which also makes the forecasts of `stepmark rom`.

pub mod accuracy;
pub mod comparison;
pub mod document;
pub mod extended;
pub mod subject;
pub mod trials;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A forecast has another shape than was asked for.
    #[error("{model}: the forecast has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The model.
        model: String,
        /// The shape of the forecast.
        found: (usize, usize),
        /// Steps and components.
        expected: (usize, usize),
    },
    /// A forecast overflows.
    #[error(
        "{model}: the forecast is not finite from step {step} on (of {steps}): the model is unstable, or the window not of its data"
    )]
    Diverged {
        /// The model.
        model: String,
        /// The first such step, from 1.
        step: usize,
        /// Steps asked for.
        steps: usize,
    },
    /// A forecast does not depend on its window.
    #[error(
        "{model}: the forecast is the same from another window: one that is cached, or none at all, is not timed"
    )]
    Cached {
        /// The model.
        model: String,
    },
    /// A forecast is not the same twice.
    #[error(
        "{model}: the forecast depends on more than its window: the same one led to other states"
    )]
    Depends {
        /// The model.
        model: String,
    },
    /// A forecast of one step is not the first step of a longer one.
    #[error("{model}: a forecast of one step is not the first step of a longer one")]
    Prefix {
        /// The model.
        model: String,
    },
}
