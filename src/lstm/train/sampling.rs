//! Scheduled sampling: forecasts in the place of states of windows, more of them from epoch to epoch.

use super::generator::Generator;
use super::kernels::Real;
use super::loss::Batch;
use super::pass::{Tape, count};

/// The share of states that are replaced in each epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// `ss_warmup`: epochs at the start without any.
    pub warmup: usize,
    /// `ss_phase1_end`: the epoch in which the share has risen on a cosine to `phase1_ratio`.
    pub phase1_end: usize,
    /// `ss_phase1_ratio`: the share in that epoch, 0 to 1.
    pub phase1_ratio: f64,
    /// `ss_phase2_end`: the epoch from which on the share is `max_ratio`, to which it goes on a line.
    pub phase2_end: usize,
    /// `ss_max_ratio`: the last share, 0 to 1.
    pub max_ratio: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { warmup: 20, phase1_end: 200, phase1_ratio: 0.3, phase2_end: 400, max_ratio: 0.5 }
    }
}

impl Sampling {
    /// The share in an epoch, from 0.
    pub fn rate(&self, epoch: usize) -> f64 {
        let Self { warmup, phase1_end, phase1_ratio, phase2_end, max_ratio } = *self;
        let way = |from: usize, to: usize| count(epoch - from) / count(to - from);
        if epoch < warmup {
            0.0
        } else if epoch < phase1_end {
            phase1_ratio * (1.0 - (std::f64::consts::PI * way(warmup, phase1_end)).cos()) / 2.0
        } else if epoch < phase2_end {
            phase1_ratio + (max_ratio - phase1_ratio) * way(phase1_end, phase2_end)
        } else {
            max_ratio
        }
    }
}

/// Replaces states of windows, but the first of each, with probability `rate` by what the network
/// forecasts from the states before them.
///
/// Dropout is on, if `dropout` gives its rate. Before state j stand only j states: what fills the
/// window up are its own first lag - j states, in front of them, as in wsindy-manifold. Some of these
/// are states at j and after it.
pub fn sample<R: Real>(
    tape: &mut Tape<R>,
    parameters: &[R],
    batch: &mut Batch<R>,
    rate: f64,
    dropout: Option<f64>,
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
                batch.spare.extend_from_slice(&window[..(lag - j) * d]);
                batch.spare.extend_from_slice(&window[..j * d]);
            }
            let draws = dropout.map(|rate| (rate, &mut *generator));
            let found = tape.forward(&batch.spare, draws).chunks_exact(d);
            let windows = x.chunks_exact_mut(lag * d).zip(found).zip(drawn);
            for ((window, found), _) in windows.filter(|(_, is_drawn)| *is_drawn) {
                window[j * d..][..d].copy_from_slice(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use crate::lstm::train::Shape;

    #[test]
    fn the_rate_of_sampling_rises_as_the_options_say() {
        let default = Sampling::default();
        for (epoch, rate) in [
            (0, 0.0),
            (19, 0.0),
            (20, 0.0),
            (65, 0.15 * (1.0 - 0.5_f64.sqrt())),
            (110, 0.15),
            (200, 0.3),
            (300, 0.4),
            (400, 0.5),
            (900, 0.5),
        ] {
            assert!((default.rate(epoch) - rate).abs() < 1e-12, "epoch {epoch}");
        }
        let other =
            Sampling { warmup: 2, phase1_end: 6, phase1_ratio: 0.8, phase2_end: 8, max_ratio: 0.2 };
        for (epoch, rate) in [(1, 0.0), (4, 0.4), (6, 0.8), (7, 0.5), (8, 0.2)] {
            assert!((other.rate(epoch) - rate).abs() < 1e-12, "epoch {epoch}, of others");
        }
        let at_once = Sampling { warmup: 9, phase1_end: 3, phase2_end: 5, ..default };
        assert_eq!([8, 9].map(|epoch| at_once.rate(epoch)), [0.0, 0.5], "phases without epochs");
    }

    const LAG: usize = 5;

    /// A network of two components, two windows and room for them.
    fn start() -> (Tape<f64>, Vec<f64>, Vec<f64>) {
        let shape = Shape { d: 2, units: 3, layers: 2, norm: true, residual: false };
        let parameters = input::gaussian(3, shape.len(), 0.4);
        (Tape::new(shape, LAG, 2), parameters, input::gaussian(4, LAG * 2 * 2, 1.0))
    }

    /// What the first states of a window, and behind them those before state `j`, are forecast to go
    /// on with.
    fn padded(x: &[f64], j: usize) -> Vec<f64> {
        x.chunks(LAG * 2).flat_map(|x| [&x[..(LAG - j) * 2], &x[..j * 2]].concat()).collect()
    }

    #[test]
    fn sampling_replaces_all_states_but_the_first_by_forecasts_of_the_padded_states_before() {
        for dropout in [None, Some(0.5)] {
            let (mut tape, p, before) = start();
            let mut batch = Batch { x: before.clone(), ..Batch::default() };
            sample(&mut tape, &p, &mut batch, 1.0, dropout, &mut Generator::new(1));
            let (mut want, mut draws) = (before.clone(), Generator::new(1));
            for j in 1..LAG {
                // Of each window it is drawn whether the state is replaced.
                let _ = [draws.unit(), draws.unit()];
                let rate = dropout.map(|rate| (rate, &mut draws));
                let found = tape.forward(&padded(&want, j), rate).to_vec();
                for (x, found) in want.chunks_mut(LAG * 2).zip(found.chunks(2)) {
                    x[j * 2..][..2].copy_from_slice(found);
                }
            }
            assert_eq!(batch.x, want, "dropout {dropout:?}");
            for (x, before) in batch.x.chunks(LAG * 2).zip(before.chunks(LAG * 2)) {
                assert_eq!(x[..2], before[..2], "the first");
                assert!(x[2..].iter().zip(&before[2..]).all(|(x, before)| x != before), "others");
            }
        }
    }

    #[test]
    fn sampling_at_rate_0_leaves_windows_as_they_are() {
        let (mut tape, p, before) = start();
        let mut batch = Batch { x: before.clone(), ..Batch::default() };
        sample(&mut tape, &p, &mut batch, 0.0, Some(0.5), &mut Generator::new(1));
        assert_eq!(batch.x, before);
    }
}
