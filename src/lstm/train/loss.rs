//! The loss of a batch: the error of the next state, and of further states of a rollout.
//!
//! With MSE(j) the mean squared error of the j-th state, L = MSE(1), or with a rollout of k states
//!
//! ```text
//! L = (1 - alpha) MSE(1) + alpha / (k - 1) (MSE(2) + .. + MSE(k))
//! ```
//!
//! Each state comes from the window with the states before it appended. These are data: no
//! derivative goes through them. So are the states that scheduled sampling puts into a window.

use super::generator::Generator;
use super::pass::{Tape, count};
use super::real::Real;

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

/// The weight of each state of a rollout.
pub(super) fn weights(multistep: Option<Multistep>) -> Vec<f64> {
    let Some(Multistep { k_steps, alpha }) = multistep else { return vec![1.0] };
    let further = alpha / count(k_steps - 1);
    (0..k_steps).map(|j| if j == 0 { 1.0 - alpha } else { further }).collect()
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
    let (weights, d) = (weights(multistep), tape.d());
    let (window, most) = (tape.lag() * d, tape.capacity());
    let len = count(batch.x.len() / window * d);
    let (mut total, mut first) = (0.0, 0.0);
    for (chunk, x) in batch.x.chunks_mut(most * window).enumerate() {
        for (j, &weight) in weights.iter().enumerate() {
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
            if j + 1 < weights.len() {
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

/// Replaces states of windows, but the first of each, with probability `rate` by what the network
/// forecasts from the states before them, the first repeated to fill the window.
pub fn sample<R: Real>(
    tape: &mut Tape<R>,
    parameters: &[R],
    batch: &mut Batch<R>,
    rate: f64,
    generator: &mut Generator,
) {
    tape.load(parameters);
    let (lag, d, most) = (tape.lag(), tape.d(), tape.capacity());
    for x in batch.x.chunks_mut(most * lag * d) {
        for j in 1..lag {
            let drawn: Vec<_> = (0..x.len() / (lag * d)).map(|_| generator.unit() < rate).collect();
            if !drawn.contains(&true) {
                continue;
            }
            batch.spare.clear();
            for window in x.chunks_exact(lag * d) {
                (j..lag).for_each(|_| batch.spare.extend_from_slice(&window[..d]));
                batch.spare.extend_from_slice(&window[..j * d]);
            }
            let found = tape.forward(&batch.spare, None).chunks_exact(d);
            let windows = x.chunks_exact_mut(lag * d).zip(found).zip(drawn);
            for ((window, found), _) in windows.filter(|(_, is_drawn)| *is_drawn) {
                window[j * d..][..d].copy_from_slice(found);
            }
        }
    }
}

/// The rate of [`sample`] in an epoch, from 0: none in the first 20, on a cosine to 0.3 at 200,
/// on a line to 0.5 at 400.
pub fn sampling_rate(epoch: usize) -> f64 {
    let between = |from: f64, to: f64| ((count(epoch) - from) / (to - from)).clamp(0.0, 1.0);
    let rise = (1.0 - (std::f64::consts::PI * between(20.0, 200.0)).cos()) / 2.0;
    0.3 * rise + 0.2 * between(200.0, 400.0)
}
