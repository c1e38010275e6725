//! Fits to synthetic runs, which are judged by the gradient of what they minimise.
//!
//! Counted are the lagged products, 2 (p + 1) d^2 operations a window, and the elimination of p d
//! unknowns with d right-hand sides; the spectral radius is not part of a step.

use ndarray::{Array1, Array2, s};

use super::{id, synthetic};
use crate::case::{Case, Step, Work};
use crate::machine::isa::Isa;
use crate::mvar::Model;
use crate::mvar::step::step_scalar;
use crate::mvar::train::Ridge;
use crate::{close, input};

/// Weight of the squared coefficients.
const ALPHA: f64 = 1e-4;

/// A fit to `runs` runs of `rows` states.
pub(super) fn ridge(d: usize, p: usize, [runs, rows]: [usize; 2], isa: Option<Isa>) -> Case {
    let n = runs * (rows - p);
    let (id, isa) = (id::<f64>("ridge", d, p, n, isa), isa.unwrap_or_else(Isa::best));
    let size = p * d;
    let flops = 2 * n * (size + d) * d + size.pow(3) / 3 + 2 * size.pow(2) * d;
    let bytes = size_of::<f64>() * (runs * rows * d + (size + 1) * d);
    let resident = bytes + size_of::<f64>() * ((size + d).pow(2) + size * (size + d));
    let (units, flops) = (n as u64, flops as u64);
    let (bytes, resident_bytes) = (bytes as u64, resident as u64);
    let work = Work { units, unit: "window", flops, bytes, resident_bytes };
    Case::new(id, isa.vectorised_name(), work, move || {
        Fit::new((0..runs).map(|seed| run(d, p, rows, seed as u64)).collect(), p, isa)
    })
}

/// A run of a stable system, driven by noise.
fn run(d: usize, p: usize, rows: usize, seed: u64) -> Array2<f64> {
    let noise = input::gaussian(seed, rows * d, 1.0);
    let mut x = Array2::from_shape_vec((rows, d), noise).expect("as many as asked for");
    let (model, mut y) = (synthetic(d, p), Array1::zeros(d));
    for t in p..rows {
        let window = x.slice(s![t - p..t, ..]);
        step_scalar(model.coefficients(), model.intercept(), window, y.view_mut());
        let mut row = x.row_mut(t);
        row += &y;
    }
    x
}

/// A fit in room that is used again.
struct Fit {
    runs: Vec<Array2<f64>>,
    ridge: Ridge,
    c: Array1<f64>,
}

impl Fit {
    fn new(runs: Vec<Array2<f64>>, p: usize, isa: Isa) -> Self {
        let ridge = Ridge::with_isa(&runs, p, isa).expect("runs longer than the lag");
        Self { c: Array1::zeros(runs[0].ncols()), runs, ridge }
    }
}

impl Step for Fit {
    fn run(&mut self) {
        self.ridge.fit(&self.runs, ALPHA).expect("noise determines the coefficients");
        self.ridge.intercept_of(self.ridge.coefficients(), self.c.view_mut());
    }

    fn spoil(&mut self) {
        self.ridge.spoil();
        self.c.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.ridge.coefficients().iter().chain(&self.c).copied())
    }

    fn check(&self) -> Result<(), String> {
        let model = Model::new(self.ridge.coefficients().to_owned(), self.c.clone());
        let model = model.map_err(|e| e.to_string())?;
        judge(&self.runs, &model)
    }
}

/// Requires the gradient of |y - A x - c|^2 + alpha |A|^2 over all windows to be zero, but for
/// rounding.
///
/// A gradient is a sum over n windows of products of a state and a residual, and what solves the
/// system solves one that differs by as much as n sums and p d eliminations round: n + p d times
/// epsilon of the sum of the magnitudes, which is at most the product of the norms of what is summed.
/// Four times that is allowed, since both sides round.
fn judge(runs: &[Array2<f64>], model: &Model) -> Result<(), String> {
    let (a, (p, d)) = (model.coefficients(), (model.p(), model.d()));
    let mut gradient = Array2::<f64>::zeros((p * d + 1, d));
    let (mut n, mut squares) = (0.0, Array1::<f64>::zeros((p + 1) * d));
    let mut e = Array1::zeros(d);
    for run in runs {
        for t in p..run.nrows() {
            let window = run.slice(s![t - p..t, ..]);
            step_scalar(a, model.intercept(), window, e.view_mut());
            e -= &run.row(t);
            for (k, x) in window.iter().enumerate() {
                gradient.row_mut(k).scaled_add(*x, &e);
            }
            let mut last = gradient.row_mut(p * d);
            last += &e;
            n += 1.0;
            let all = run.slice(s![t - p..=t, ..]);
            squares.iter_mut().zip(all).for_each(|(sum, x)| *sum += x * x);
        }
    }
    let norms = squares.mapv(f64::sqrt);
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let rounding = 4.0 * (n + (p * d) as f64) * f64::EPSILON;
    for i in 0..d {
        let weight = |k: usize| a[[k / d, i, k % d]];
        let size = (0..p * d).map(|k| norms[k] * weight(k).abs()).sum::<f64>()
            + norms[p * d + i]
            + n.sqrt() * model.intercept()[i].abs();
        let found: Vec<_> = gradient.column(i).to_vec();
        let penalty = |k: usize| if k < p * d { -ALPHA * weight(k) } else { 0.0 };
        let want: Vec<_> = (0..=p * d).map(penalty).collect();
        let norm = |k: usize| if k < p * d { norms[k] } else { n.sqrt() };
        let bound: Vec<_> = (0..=p * d).map(|k| rounding * norm(k) * size).collect();
        close::within(&format!("gradient of output {i}"), &found, &want, &bound)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slightly_wrong_coefficient_or_constant_fails_the_check() {
        let runs: Vec<_> = [90, 70].iter().map(|&rows| run(4, 2, rows, rows as u64)).collect();
        let mut fit = Fit::new(runs.clone(), 2, Isa::best());
        fit.run();
        assert_eq!(fit.check(), Ok(()), "right");
        let (a, c) = (fit.ridge.coefficients().to_owned(), fit.c.clone());
        for at in [[0, 0, 0], [1, 3, 2]] {
            let mut wrong = a.clone();
            wrong[at] += 1e-11;
            let why = judge(&runs, &Model::new(wrong, c.clone()).unwrap()).unwrap_err();
            assert!(why.contains(&format!("output {}", at[1])), "{why}");
        }
        let mut wrong = c;
        wrong[1] += 1e-11;
        assert!(judge(&runs, &Model::new(a, wrong).unwrap()).is_err(), "the constant");
    }
}
