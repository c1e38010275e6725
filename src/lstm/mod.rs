//! Long short-term memory network: the next state from a window of the last ones.
//!
//! A forecast step runs the whole window, oldest state first, through the layers from zero
//! states, normalises the last hidden state, and maps it to a state by a linear head; a residual
//! network adds the last state of the window. A rollout appends each output to the window and
//! drops the oldest state. No state is carried from one forecast step to the next.
//!
//! Networks work on normalised states, (x - mean) / std per component, in f32; the outputs are
//! taken back to the units of the data in f64.
//!
//! | module       | holds                                                              |
//! |--------------|--------------------------------------------------------------------|
//! | `net`        | weights with their shapes, normalisation of the inputs             |
//! | `cell`       | the definition, in f64: cell, head, forecast step; the oracle      |
//! | `packed`     | the kernels: packed weights; forecast, rollout and batch in f32    |
//! | `activation` | from gates to states in f32, with error bounds                     |
//! | `lanes`      | registers of AVX-512, of AVX2 and of plain code                    |
//! | `lines`      | numbers that start where a cache line does                         |
//! | `bound`      | how far one f32 cell or head may be from the definition            |
//! | `model`      | loads and saves safetensors files                                  |
//! | `train`      | trains a network: gradients, optimiser, epochs                     |
//! | `cases`      | what is timed                                                      |
//!
//! Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997)
//! 1735-1780; F. A. Gers, J. Schmidhuber, F. Cummins, Neural Computation 12 (2000) 2451-2471 for
//! the forget gate; J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization" (2016).

pub mod activation;
pub mod bound;
mod cases;
pub mod cell;
pub mod fixtures;
mod lanes;
pub mod model;
pub mod net;
pub mod packed;
pub mod train;

pub use cases::{cases, scaling};
pub use model::Model;
