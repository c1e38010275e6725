//! Trains a network on windows and the states after them.
//!
//! | module       | holds                                                           |
//! |--------------|-----------------------------------------------------------------|
//! | `config`     | the options, by the names of wsindy-manifold                    |
//! | `windows`    | windows from runs, their split and normalisation                |
//! | `fit`        | epochs, until they are enough or nothing gains                  |
//! | `session`    | a training in memory, epoch by epoch                            |
//! | `state`      | what changes from epoch to epoch, and one epoch                 |
//! | `checkpoint` | that state in a file                                            |
//! | `trained`    | the trained model and its log, and their files                  |
//! | `shape`      | the parameters as one list, and the network they make           |
//! | `pass`       | forward pass over a batch, and its gradient                     |
//! | `weights`    | the parameters as products want them                            |
//! | `kernels`    | the floats; products, cells and Adam for each instruction set   |
//! | `loss`       | squared error of one state and of rollouts                      |
//! | `sampling`   | scheduled sampling                                              |
//! | `adam`       | clipping, Adam, the falling learning rate                       |
//! | `generator`  | the Mersenne twister of `NumPy`'s `RandomState`                 |
//!
//! Source: P. J. Werbos, "Backpropagation through time", Proceedings of the IEEE 78 (1990)
//! 1550-1560; S. Bengio et al., "Scheduled sampling for sequence prediction" (2015).

mod adam;
mod checkpoint;
mod config;
mod error;
mod fit;
mod generator;
mod kernels;
mod loss;
mod pass;
mod sampling;
mod session;
mod shape;
mod state;
#[cfg(test)]
mod tests;
mod trained;
mod weights;
mod windows;

pub use adam::{Adam, Plateau, clip};
pub use checkpoint::Checkpoint;
pub use config::{ALIASES, Config};
pub use error::Error;
pub use fit::{Progress, fit};
pub use generator::Generator;
pub use kernels::{Job, Panels, Real};
pub use loss::{Batch, Multistep, loss};
pub use pass::Tape;
pub use sampling::{Sampling, sample};
pub use session::Session;
pub use shape::{Shape, Tensor};
pub use state::Epoch;
pub use trained::{Ending, Losses, Trained};
pub use windows::{Windows, split};
