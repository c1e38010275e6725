//! The cases of this chapter: rollouts, steps that carry partial sums, batches of windows, and fits.
//!
//! A forecast step is 2 p d^2 operations: a product and a sum per coefficient. Bytes are the coefficients
//! once, and each state, which is also what a step keeps at hand.

use ndarray::{Array1, Array3, ArrayView2, s};

use super::packed::{Packed, Real, Sums};
use super::step::{bound, step_scalar};
use super::{Model, fixtures};
use crate::case::{Case, Step, Work};
use crate::machine::isa::Isa;
use crate::{close, input};

mod ridge;

use ridge::ridge;

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    let n = 100;
    vec![
        Case::new(
            "mvar/rollout-d20-p5/n100",
            Isa::best().vectorised_name(),
            work::<f64>(20, 5, n, 5 + n),
            move || {
                let (model, states) = (fixtures::lorenz96(), fixtures::states());
                let start = states.slice(s![..model.p(), ..]).iter().copied().collect();
                Rollout::<f64>::new(model, start, n, Isa::best())
            },
        ),
        rollout::<f64>(5, 5, n, None),
        rollout::<f64>(100, 5, n, None),
        steps(None),
        batch::<f64>(20, 5, 64, None),
        ridge(20, 5, [1, 10_005], None),
    ]
}

/// Rollouts, batches and fits in other sizes, rollouts and batches in `f32`, and AVX2 and plain code by
/// themselves.
pub fn scaling() -> Vec<Case> {
    let mut cases = vec![
        rollout::<f64>(50, 5, 100, None),
        rollout::<f64>(20, 1, 100, None),
        rollout::<f64>(20, 10, 100, None),
        rollout::<f32>(20, 5, 100, None),
        rollout::<f32>(100, 5, 100, None),
        rollout::<f64>(20, 5, 100, Some(Isa::Scalar)),
        batch::<f64>(20, 5, 1, None),
        batch::<f64>(20, 5, 512, None),
        batch::<f64>(100, 5, 64, None),
        batch::<f32>(20, 5, 512, None),
        batch::<f64>(20, 5, 64, Some(Isa::Scalar)),
        steps(Some(Isa::Scalar)),
        ridge(19, 5, [340, 167], None),
    ];
    if Isa::Avx2.is_available() {
        let twin = Some(Isa::Avx2);
        cases.extend([5, 20, 50, 100].map(|d| rollout::<f64>(d, 5, 100, twin)));
        cases.extend([(20, 64), (20, 512), (100, 64)].map(|(d, n)| batch::<f64>(d, 5, n, twin)));
        cases.push(steps(twin));
        cases.push(ridge(20, 5, [1, 10_005], twin));
    }
    cases
}

/// `n` steps that read and write `states` states.
fn work<R>(d: usize, p: usize, n: usize, states: usize) -> Work {
    let flops = n * 2 * p * d * d;
    let bytes = size_of::<R>() * (p * d * d + d + states * d);
    let (flops, bytes) = (flops as u64, bytes as u64);
    Work { units: n as u64, unit: "step", flops, bytes, resident_bytes: bytes }
}

/// `f32` in an id, unless numbers are `f64`.
fn precision<R>() -> &'static str {
    if size_of::<R>() == 4 { "-f32" } else { "" }
}

/// An id of a kernel; one of a single instruction set says so.
fn id<R>(kernel: &str, d: usize, p: usize, n: usize, isa: Option<Isa>) -> String {
    let single = isa.map(|isa| format!("-{}", isa.name())).unwrap_or_default();
    format!("mvar/{kernel}{single}{}-d{d}-p{p}/n{n}", precision::<R>())
}

/// A rollout of `n` steps of a synthetic model.
fn rollout<R: Real>(d: usize, p: usize, n: usize, isa: Option<Isa>) -> Case {
    let (id, isa) = (id::<R>("rollout", d, p, n, isa), isa.unwrap_or_else(Isa::best));
    Case::new(id, isa.vectorised_name(), work::<R>(d, p, n, p + n), move || {
        Rollout::<R>::new(synthetic(d, p), input::gaussian(1, p * d, 1.0), n, isa)
    })
}

/// 64 steps along the recorded trajectory.
fn steps(isa: Option<Isa>) -> Case {
    let (id, isa) = (id::<f64>("step", 20, 5, 64, isa), isa.unwrap_or_else(Isa::best));
    Case::new(id, isa.vectorised_name(), work::<f64>(20, 5, 64, 68 + 64), move || {
        let (model, states) = (fixtures::lorenz96(), fixtures::states());
        let used = states.slice(s![..model.p() + 63, ..]).iter().copied().collect();
        Steps::<f64>::new(model, used, isa)
    })
}

/// Steps from `n` windows of their own.
fn batch<R: Real>(d: usize, p: usize, n: usize, isa: Option<Isa>) -> Case {
    let (id, isa) = (id::<R>("batch", d, p, n, isa), isa.unwrap_or_else(Isa::best));
    Case::new(id, isa.vectorised_name(), work::<R>(d, p, n, p * n + n), move || {
        Batch::<R>::new(synthetic(d, p), &input::gaussian(1, n * p * d, 1.0), isa)
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

/// The numbers of a kernel.
fn reals<R: Real>(values: &[f64]) -> Vec<R> {
    values.iter().map(|x| R::from_f64(*x)).collect()
}

fn floats<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

/// Overwrites outputs with NaN.
fn spoil<R: Real>(outputs: &mut [R]) {
    outputs.fill(R::from_f64(f64::NAN));
}

/// Hashes outputs.
fn digest<R: Real>(outputs: &[R]) -> u64 {
    close::digest(outputs.iter().map(|&x| x.into()))
}

/// A model, as kernels take it, and as they see it: with numbers rounded to theirs.
struct Judge<R> {
    model: Model,
    packed: Packed<R>,
}

impl<R: Real> Judge<R> {
    fn new(model: Model, isa: Isa) -> Self {
        let rounded = |x: f64| R::from_f64(x).into();
        let (a, c) = (model.coefficients().mapv(rounded), model.intercept().mapv(rounded));
        let packed = Packed::with_isa(model.coefficients(), model.intercept(), isa);
        Self { packed, model: Model::new(a, c).expect("of the same shape") }
    }

    /// Requires `y` within the bound of the reference's step from `window`.
    fn judge(&self, window: &[R], y: &[R]) -> Result<(), String> {
        let (a, c, window) = (self.model.coefficients(), self.model.intercept(), floats(window));
        let window = (self.model.p(), self.model.d(), window);
        let window = ArrayView2::from_shape((window.0, window.1), &window.2).expect("a window");
        let mut want = Array1::zeros(self.model.d());
        step_scalar(a, c, window, want.view_mut());
        let bound = bound(a, c, window, R::EPSILON);
        close::within("y", &floats(y), &want.to_vec(), &bound.to_vec())
    }

    /// Requires each row of `y` to follow from its window.
    fn judge_all<'a>(&self, windows: impl Iterator<Item = &'a [R]>, y: &[R]) -> Result<(), String> {
        let rows = y.chunks_exact(self.model.d());
        windows.zip(rows).try_for_each(|(window, y)| self.judge(window, y))
    }
}

/// A rollout; each row is judged by the rows before it.
struct Rollout<R: Real> {
    model: Judge<R>,
    start: Vec<R>,
    x: Vec<R>,
    sums: Sums<R>,
}

impl<R: Real> Rollout<R> {
    fn new(model: Model, start: Vec<f64>, n: usize, isa: Isa) -> Self {
        let x = vec![R::default(); start.len() + n * model.d()];
        let model = Judge::new(model, isa);
        Self { sums: model.packed.sums(), model, start: reals(&start), x }
    }
}

impl<R: Real> Step for Rollout<R> {
    fn run(&mut self) {
        self.x[..self.start.len()].copy_from_slice(&self.start);
        self.model.packed.rollout(&mut self.x, &mut self.sums);
    }

    fn spoil(&mut self) {
        spoil(&mut self.x);
    }

    fn digest(&self) -> u64 {
        digest(&self.x)
    }

    fn check(&self) -> Result<(), String> {
        let (d, past) = (self.model.model.d(), self.start.len());
        close::bits("start", &floats(&self.x[..past]), &floats(&self.start))?;
        for end in (past..self.x.len()).step_by(d) {
            let (before, after) = self.x.split_at(end);
            self.model
                .judge(&before[end - past..], &after[..d])
                .map_err(|e| format!("step {}: {e}", (end - past) / d))?;
        }
        Ok(())
    }
}

/// One step after the other along a trajectory that is known.
struct Steps<R: Real> {
    model: Judge<R>,
    states: Vec<R>,
    y: Vec<R>,
    sums: Sums<R>,
}

impl<R: Real> Steps<R> {
    fn new(model: Model, states: Vec<f64>, isa: Isa) -> Self {
        let windows = states.len() / model.d() - model.p() + 1;
        let y = vec![R::default(); windows * model.d()];
        let model = Judge::new(model, isa);
        Self { sums: model.packed.sums(), model, states: reals(&states), y }
    }
}

impl<R: Real> Step for Steps<R> {
    fn run(&mut self) {
        let (p, d) = (self.model.model.p(), self.model.model.d());
        let (past, states) = self.states.split_at((p - 1) * d);
        self.model.packed.start(past, &mut self.sums);
        for (x, y) in states.chunks_exact(d).zip(self.y.chunks_exact_mut(d)) {
            self.model.packed.advance(x, y, &mut self.sums);
        }
    }

    fn spoil(&mut self) {
        spoil(&mut self.y);
    }

    fn digest(&self) -> u64 {
        digest(&self.y)
    }

    fn check(&self) -> Result<(), String> {
        let (p, d) = (self.model.model.p(), self.model.model.d());
        self.model.judge_all(self.states.windows(p * d).step_by(d), &self.y)
    }
}

/// One step from each of some windows.
struct Batch<R> {
    model: Judge<R>,
    windows: Vec<R>,
    y: Vec<R>,
}

impl<R: Real> Batch<R> {
    fn new(model: Model, windows: &[f64], isa: Isa) -> Self {
        let y = vec![R::default(); windows.len() / model.p()];
        Self { model: Judge::new(model, isa), windows: reals(windows), y }
    }
}

impl<R: Real> Step for Batch<R> {
    fn run(&mut self) {
        self.model.packed.batch(&self.windows, &mut self.y);
    }

    fn spoil(&mut self) {
        spoil(&mut self.y);
    }

    fn digest(&self) -> u64 {
        digest(&self.y)
    }

    fn check(&self) -> Result<(), String> {
        let (p, d) = (self.model.model.p(), self.model.model.d());
        self.model.judge_all(self.windows.chunks_exact(p * d), &self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slightly_wrong_row_fails_the_check() {
        let mut step =
            Rollout::<f64>::new(synthetic(7, 3), input::gaussian(1, 21, 1.0), 10, Isa::best());
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        step.x[21 + 7 * 9 + 6] *= 1.0 + 1e-12;
        let err = step.check().unwrap_err();
        assert!(err.starts_with("step 9: y[6]"), "{err}");
    }

    #[test]
    fn a_synthetic_rollout_stays_bounded_and_alive() {
        for (d, p) in [(5, 5), (50, 5)] {
            let mut step = Rollout::<f64>::new(
                synthetic(d, p),
                input::gaussian(1, p * d, 1.0),
                1000,
                Isa::best(),
            );
            step.run();
            let largest = step.x[step.x.len() - d..].iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            assert!((0.1..50.0).contains(&largest), "d {d}: {largest}");
        }
    }
}
