//! The cases of this chapter: rollouts, and single steps from windows of their own.
//!
//! A step is 2 p d^2 operations: a product and a sum per coefficient. Bytes are the coefficients
//! once, and each state, which is also what a step keeps at hand.

use ndarray::{Array1, Array3, ArrayView2, s};

use super::step::{Packed, bound, step_scalar};
use super::{Model, fixtures};
use crate::case::{Case, Step, Work};
use crate::{close, input};

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    let n = 100;
    vec![
        Case::new("mvar/rollout-d20-p5/n100", PORTABLE, work(20, 5, n, 5 + n), move || {
            let (model, states) = (fixtures::lorenz96(), fixtures::states());
            let start = states.slice(s![..model.p(), ..]).iter().copied().collect();
            Rollout::new(model, start, n)
        }),
        rollout(100, 5, n),
        Case::new("mvar/step-d20-p5/n64", PORTABLE, work(20, 5, 64, 68 + 64), || {
            let model = fixtures::lorenz96();
            let states = fixtures::states();
            let used = states.slice(s![..model.p() + 63, ..]).iter().copied().collect();
            Steps::new(model, used)
        }),
    ]
}

/// Rollouts in other dimensions.
pub fn scaling() -> Vec<Case> {
    vec![rollout(5, 5, 100), rollout(50, 5, 100)]
}

/// Safe Rust that is compiled for whatever the build targets.
const PORTABLE: &str = "portable";

/// `n` steps that read and write `states` states.
fn work(d: usize, p: usize, n: usize, states: usize) -> Work {
    let flops = n * 2 * p * d * d;
    let bytes = 8 * (p * d * d + d + states * d);
    let (flops, bytes) = (flops as u64, bytes as u64);
    Work { units: n as u64, unit: "step", flops, bytes, resident_bytes: bytes }
}

/// A rollout of `n` steps of a synthetic model.
fn rollout(d: usize, p: usize, n: usize) -> Case {
    let id = format!("mvar/rollout-d{d}-p{p}/n{n}");
    Case::new(id, PORTABLE, work(d, p, n, p + n), move || {
        Rollout::new(synthetic(d, p), input::gaussian(1, p * d, 1.0), n)
    })
}

/// A stable model: the weights of each output sum to 0.9 in magnitude.
fn synthetic(d: usize, p: usize) -> Model {
    let weights = input::gaussian((d * p) as u64, p * d * d, 1.0);
    let mut a = Array3::from_shape_vec((p, d, d), weights).expect("as many as asked for");
    for i in 0..d {
        let mut row = a.slice_mut(s![.., i, ..]);
        let sum = row.fold(0.0, |sum, w| sum + w.abs());
        row *= 0.9 / sum;
    }
    let c = Array1::from(input::gaussian(2, d, 1.0));
    Model::new(a, c).expect("finite numbers of one shape")
}

/// Requires `y` within the bound of the reference's step from `window`.
fn judge(model: &Model, window: &[f64], y: &[f64]) -> Result<(), String> {
    let (a, c) = (model.coefficients(), model.intercept());
    let window = ArrayView2::from_shape((model.p(), model.d()), window).expect("a whole window");
    let mut want = Array1::zeros(model.d());
    step_scalar(a, c, window, want.view_mut());
    close::within("y", y, &want.to_vec(), &bound(a, c, window).to_vec())
}

/// A rollout; each row is judged by the rows before it.
struct Rollout {
    model: Model,
    packed: Packed,
    start: Vec<f64>,
    x: Vec<f64>,
}

impl Rollout {
    fn new(model: Model, start: Vec<f64>, n: usize) -> Self {
        let x = vec![0.0; start.len() + n * model.d()];
        Self { packed: model.pack(), model, start, x }
    }
}

impl Step for Rollout {
    fn run(&mut self) {
        self.x[..self.start.len()].copy_from_slice(&self.start);
        self.packed.rollout(&mut self.x);
    }

    fn spoil(&mut self) {
        self.x.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.x.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let (d, past) = (self.model.d(), self.start.len());
        close::bits("start", &self.x[..past], &self.start)?;
        for end in (past..self.x.len()).step_by(d) {
            let (before, after) = self.x.split_at(end);
            judge(&self.model, &before[end - past..], &after[..d])
                .map_err(|e| format!("step {}: {e}", (end - past) / d))?;
        }
        Ok(())
    }
}

/// One step from every window of a trajectory.
struct Steps {
    model: Model,
    packed: Packed,
    states: Vec<f64>,
    y: Vec<f64>,
}

impl Steps {
    fn new(model: Model, states: Vec<f64>) -> Self {
        let windows = states.len() / model.d() - model.p() + 1;
        Self { packed: model.pack(), y: vec![0.0; windows * model.d()], model, states }
    }

    fn windows(&self) -> impl Iterator<Item = &[f64]> {
        self.states.windows(self.model.p() * self.model.d()).step_by(self.model.d())
    }
}

impl Step for Steps {
    fn run(&mut self) {
        let (past, d) = (self.model.p() * self.model.d(), self.model.d());
        for (window, y) in self.states.windows(past).step_by(d).zip(self.y.chunks_exact_mut(d)) {
            self.packed.step(window, y);
        }
    }

    fn spoil(&mut self) {
        self.y.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        self.windows()
            .zip(self.y.chunks_exact(self.model.d()))
            .try_for_each(|(window, y)| judge(&self.model, window, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slightly_wrong_row_fails_the_check() {
        let mut step = Rollout::new(synthetic(7, 3), input::gaussian(1, 21, 1.0), 10);
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        step.x[21 + 7 * 9 + 6] *= 1.0 + 1e-12;
        let err = step.check().unwrap_err();
        assert!(err.starts_with("step 9: y[6]"), "{err}");
    }

    #[test]
    fn a_synthetic_rollout_stays_bounded_and_alive() {
        for (d, p) in [(5, 5), (50, 5)] {
            let mut step = Rollout::new(synthetic(d, p), input::gaussian(1, p * d, 1.0), 1000);
            step.run();
            let largest = step.x[step.x.len() - d..].iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            assert!((0.1..50.0).contains(&largest), "d {d}: {largest}");
        }
    }
}
