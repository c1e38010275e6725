//! Reduced-order models: from latent states to a model and its forecasts.
//!
//! A field is reduced to a few latent components; `mvar` and `lstm` forecast these. The files are those
//! of wsindy-manifold. What it starts from are swarms and the densities of their particles.
//!
//! | module     | holds                                                                |
//! |------------|----------------------------------------------------------------------|
//! | `swarm`    | particles that align, attract and repel: runs by seed                |
//! | `density`  | the density of particles on a grid                                   |
//! | `pod`      | modes of densities; latent states from densities and back            |
//! | `dataset`  | `latent_dataset.npz`: windows of latent states, and the runs in them |
//! | `fit`      | a model from a dataset                                               |
//! | `forecast` | states from a model and a window                                     |
//! | `ready`    | a model with the room of its forecasts                               |
//! | `cases`    | the cases of this chapter                                            |
//! | `evaluate` | how well a model forecasts the densities of a run                    |
//! | `files`    | files of a basis and of an evaluation                                |
//! | `config`   | configurations of the pipeline                                       |
//! | `pipeline` | all stages from one configuration, which survive a kill              |

mod cases;
pub mod config;
pub mod dataset;
pub mod density;
pub mod evaluate;
pub mod files;
pub mod fit;
pub mod forecast;
pub mod pipeline;
pub mod pod;
pub mod ready;
pub mod swarm;

pub use cases::{cases, scaling};
