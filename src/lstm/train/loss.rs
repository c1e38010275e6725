//! The loss of a batch: the error of the next state, and of further states of a rollout.
//!
//! With MSE(j) the mean squared error of the j-th state, L = MSE(1), or with a rollout of k states
//!
//! ```text
//! L = (1 - alpha) MSE(1) + alpha / (k - 1) (MSE(2) + .. + MSE(k))
//! ```
//!
//! Each state comes from the window with the states before it appended. These are data: no
//! derivative goes through them. So are the states that `sampling` puts into a window.

use super::generator::Generator;
use super::kernels::Real;
use super::pass::{Tape, count};

/// A rollout of `k_steps` states, of which the further ones weigh `alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multistep {
    /// States of a rollout, at least 2.
    pub k_steps: usize,
    /// Weight of all states but the first, 0 to 1.
    pub alpha: f64,
}

impl Default for Multistep {
    fn default() -> Self {
        Self { k_steps: 5, alpha: 0.3 }
    }
}

/// States that the loss looks at.
pub(super) fn states(multistep: Option<Multistep>) -> usize {
    multistep.map_or(1, |multistep| multistep.k_steps)
}

/// The weight of state `j` of them, from 0.
pub(super) fn weight(multistep: Option<Multistep>, j: usize) -> f64 {
    match multistep {
        None => 1.0,
        Some(Multistep { alpha, .. }) if j == 0 => 1.0 - alpha,
        Some(Multistep { k_steps, alpha }) => alpha / count(k_steps - 1),
    }
}

/// A batch: windows and the states after them.
#[derive(Debug, Clone, Default)]
pub struct Batch<R> {
    /// Windows (samples, lag, d).
    pub x: Vec<R>,
    /// The states after them, each (samples, d), the next one first.
    pub y: Vec<Vec<R>>,
    /// Room for derivatives, and for windows of scheduled sampling.
    pub spare: Vec<R>,
}

/// Loss of a batch and its first part, MSE(1); adds the derivatives to `gradient`, if given.
///
/// # Panics
///
/// If the batch has fewer states than the rollout, or other windows than the tape.
pub fn loss<R: Real>(
    tape: &mut Tape<R>,
    parameters: &[R],
    batch: &mut Batch<R>,
    multistep: Option<Multistep>,
    mut dropout: Option<(f64, &mut Generator)>,
    mut gradient: Option<&mut [R]>,
) -> [f64; 2] {
    tape.load(parameters);
    let (states, d) = (states(multistep), tape.d());
    let (window, most) = (tape.lag() * d, tape.capacity());
    let len = count(batch.x.len() / window * d);
    let (mut total, mut first) = (0.0, 0.0);
    for (chunk, x) in batch.x.chunks_mut(most * window).enumerate() {
        for j in 0..states {
            let weight = weight(multistep, j);
            let draws = dropout.as_mut().map(|(rate, generator)| (*rate, &mut **generator));
            let found = tape.forward(x, draws);
            let y = &batch.y[j][chunk * most * d..][..found.len()];
            let slope = R::from_f64(2.0 * weight / len);
            let mut squares = 0.0;
            batch.spare.clear();
            batch.spare.extend(found.iter().zip(y).map(|(found, y)| {
                let error = *found - *y;
                let wide: f64 = error.into();
                squares += wide * wide;
                slope * error
            }));
            total += weight * squares / len;
            if j == 0 {
                first += squares / len;
            }
            if j + 1 < states {
                for (window, next) in x.chunks_exact_mut(window).zip(found.chunks_exact(d)) {
                    window.copy_within(d.., 0);
                    let last = window.len() - d;
                    window[last..].copy_from_slice(next);
                }
            }
            if let Some(gradient) = gradient.as_deref_mut() {
                tape.backward(&batch.spare, gradient);
            }
        }
    }
    [total, first]
}
