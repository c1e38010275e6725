//! The optimiser: clipping by the global norm, Adam with L2 weight decay, a falling rate.
//!
//! Source: D. P. Kingma, J. Ba, "Adam" (2015); constants and order of operations as in `PyTorch`.

use super::kernels::{Job, corrections, sum_of_squares};
use super::real::Real;
use crate::machine::isa::Isa;

/// Scales a gradient down to a norm of at most `most`; returns the norm before.
pub fn clip<R: Real>(gradient: &mut [R], most: f64) -> f64 {
    let norm = sum_of_squares(gradient).sqrt();
    let scale = most / (norm + 1e-6);
    if scale < 1.0 {
        let scale = R::from_f64(scale);
        gradient.iter_mut().for_each(|g| *g = *g * scale);
    }
    norm
}

/// Running means of gradients and of their squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam<R> {
    pub(super) mean: Vec<R>,
    pub(super) square: Vec<R>,
    pub(super) steps: i32,
}

impl<R: Real> Adam<R> {
    /// For `n` parameters.
    pub fn new(n: usize) -> Self {
        Self { mean: vec![R::default(); n], square: vec![R::default(); n], steps: 0 }
    }

    /// Moves the parameters one step against the gradient, to which `decay` times the parameters
    /// are added.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn step(&mut self, isa: Isa, parameters: &mut [R], gradient: &[R], rate: f64, decay: f64) {
        self.steps = self.steps.saturating_add(1);
        let [first, second] = corrections(self.steps);
        let factors = [rate / first, 1.0 / second.sqrt(), decay];
        let state = [parameters, &mut *self.mean, &mut *self.square];
        R::run(isa, Job::Adam { state, gradient, factors });
    }
}

/// Halves the learning rate when the loss has stood for longer than 20 epochs; not below 1e-6.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    pub(super) best: f64,
    pub(super) stood: usize,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { best: f64::INFINITY, stood: 0 }
    }
}

impl Plateau {
    const PATIENCE: usize = 20;
    const LEAST_RATE: f64 = 1e-6;

    /// The rate of the next epoch, after one with this loss.
    pub fn next(&mut self, loss: f64, rate: f64) -> f64 {
        if loss < self.best * (1.0 - 1e-4) {
            (self.best, self.stood) = (loss, 0);
        } else {
            self.stood += 1;
        }
        if self.stood <= Self::PATIENCE {
            return rate;
        }
        self.stood = 0;
        rate.min((rate * 0.5).max(Self::LEAST_RATE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_is_clipped_by_its_norm_only() {
        let mut gradient = [3.0_f64, 4.0];
        assert_eq!(clip(&mut gradient, 5.1), 5.0, "norm");
        assert_eq!(gradient, [3.0, 4.0], "within the limit");
        clip(&mut gradient, 1.0);
        assert!((gradient[0] - 0.6).abs() < 1e-6 && (gradient[1] - 0.8).abs() < 1e-6, "clipped");
    }

    #[test]
    fn the_first_step_of_adam_is_the_rate_in_each_direction() {
        let (mut adam, mut parameters) = (Adam::new(3), [1.0, 1.0, 1.0]);
        adam.step(Isa::best(), &mut parameters, &[5.0, -0.1, 0.0], 0.01, 0.0);
        let near = |found: f64, want: f64| (found - want).abs() < 1e-8;
        assert!(near(parameters[0], 0.99) && near(parameters[1], 1.01), "{parameters:?}");
        assert_eq!(parameters[2], 1.0, "no gradient");
        let mut parameters = [2.0];
        Adam::new(1).step(Isa::best(), &mut parameters, &[0.0], 0.01, 0.1);
        assert!(near(parameters[0], 1.99), "decay is part of the gradient: {parameters:?}");
    }

    #[test]
    fn the_rate_falls_after_a_plateau_and_never_rises() {
        let (mut plateau, mut rate) = (Plateau::default(), 1e-3);
        rate = plateau.next(1.0, rate);
        for _ in 0..20 {
            rate = plateau.next(1.0, rate);
        }
        assert_eq!(rate, 1e-3, "20 epochs are waited for");
        rate = plateau.next(0.99995, rate);
        assert_eq!(rate, 5e-4, "so small a gain is none");
        assert_eq!(Plateau { best: 0.0, stood: 20 }.next(1.0, 1.5e-6), 1e-6, "the least");
        assert_eq!(Plateau { best: 0.0, stood: 20 }.next(1.0, 1e-7), 1e-7, "never up");
    }
}
