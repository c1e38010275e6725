//! Multivariate autoregression: the next state is a linear function of the last p states.
//!
//! y\[t\] = c + sum over k = 0..p of A\[k\] y\[t - p + k\], for vectors of dimension d.
//!
//! In this chapter every window of states and every stack of coefficients has its oldest lag
//! first, so that a trajectory in time order is its own sequence of windows: the step to row t
//! reads rows t - p to t - 1, which are contiguous. Files with the newest lag first are turned
//! around when they are loaded.
//!
//! | module   | holds                                                                |
//! |----------|----------------------------------------------------------------------|
//! | `step`   | one step and a rollout: reference, error bound                       |
//! | `packed` | steps, rollouts and batches by vector units, in `f64` and `f32`      |
//! | `model`  | coefficients with their intercept; loads three formats, saves one    |
//! | `train`  | fits a model to runs: ridge regression, stability, choice of the lag |
//! | `cases`  | the cases of this chapter                                            |
//!
//! Source: H. Luetkepohl, New Introduction to Multiple Time Series Analysis (2005), ch. 2.

mod cases;
pub mod fixtures;
pub mod model;
pub mod packed;
pub mod step;
pub mod train;

pub use cases::{cases, scaling};
pub use model::Model;
pub use packed::Packed;
