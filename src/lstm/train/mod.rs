//! Trains a network on windows and the states after them.
//!
//! | module      | holds                                                                   |
//! |-------------|-------------------------------------------------------------------------|
//! | `shape`     | the parameters as one list, and the network they make                   |
//! | `pass`      | forward pass over a batch, and its gradient                             |
//! | `loss`      | squared error of one state and of rollouts; scheduled sampling          |
//! | `adam`      | clipping, Adam, the falling learning rate                               |
//! | `generator` | the Mersenne twister of `NumPy`'s `RandomState`                         |
//! | `real`      | the floats: `f32` to train, `f64` to check gradients                    |
//!
//! Source: P. J. Werbos, "Backpropagation through time", Proceedings of the IEEE 78 (1990)
//! 1550-1560; S. Bengio et al., "Scheduled sampling for sequence prediction" (2015).

mod adam;
mod generator;
mod loss;
mod pass;
mod real;
mod shape;
#[cfg(test)]
mod tests;

pub use adam::{Adam, Plateau, clip};
pub use generator::Generator;
pub use loss::{Batch, Multistep, loss, sample, sampling_rate};
pub use pass::Tape;
pub use real::Real;
pub use shape::{Shape, Tensor};
