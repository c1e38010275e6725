//! Reduced-order models: from latent states to a model and its forecasts.
//!
//! A field is reduced to a few latent components; `mvar` and `lstm` forecast these. The files are those
//! of wsindy-manifold.
//!
//! | module     | holds                                                                |
//! |------------|----------------------------------------------------------------------|
//! | `dataset`  | `latent_dataset.npz`: windows of latent states, and the runs in them |
//! | `fit`      | a model from a dataset                                               |
//! | `forecast` | states from a model and a window                                     |
//! | `ready`    | a model with the room of its forecasts                               |

pub mod dataset;
pub mod fit;
pub mod forecast;
pub mod ready;
