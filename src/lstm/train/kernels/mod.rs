//! The inner loops of training: matrix products, cells there and back, and Adam.
//!
//! In f32 they are compiled for each instruction set, see `vector` and `product`; in f64, the
//! reference, products are those of `ndarray` and the rest is plain code. A product reads its right
//! factor from [`Panels`], in which it was put beforehand: the columns in groups that fill the
//! registers, row by row, padded with zeros. So weights are arranged once for all products of a step.

use std::fmt::Debug;
use std::ops::AddAssign;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar};

use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;

mod plain;
mod product;
mod vector;

pub(super) use plain::{corrections, sum_of_squares};

/// A float: `f32` to train with, `f64` to check gradients with.
pub trait Real: LinalgScalar + AddAssign + PartialOrd + Debug + Default + Into<f64> {
    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Does a job by an instruction set.
    fn run(isa: Isa, job: Job<'_, Self>);
}

/// The right factor (k, n) of products.
#[derive(Debug, Clone, Default)]
pub struct Panels<R: Real> {
    values: Aligned<R>,
    k: usize,
    n: usize,
}

/// Something to compute. Matrices are in rows; n is the number of samples, h that of units.
#[derive(Debug)]
pub enum Job<'a, R: Real> {
    /// Puts a matrix of `rows` rows, or its transpose if it is `turned`, into panels.
    Pack {
        /// The matrix.
        of: &'a [R],
        /// Its rows.
        rows: usize,
        /// Whether its columns become the rows.
        turned: bool,
        /// The panels.
        to: &'a mut Panels<R>,
    },
    /// Makes `c` (m, n) the product of `a` (m, k) and the panels (k, n), or adds it.
    Product {
        /// The left factor; its transpose (k, m) if it is `turned`.
        a: &'a [R],
        /// See `a`.
        turned: bool,
        /// The right factor.
        b: &'a Panels<R>,
        /// The product.
        c: &'a mut [R],
        /// Whether it is added to what `c` holds.
        add: bool,
    },
    /// Cells of one time.
    Cells {
        /// h.
        units: usize,
        /// Gates (n, 4 h); sums before, and activated afterwards.
        gates: &'a mut [R],
        /// Cell states (n, h) before, if they are not zero.
        before: Option<&'a [R]>,
        /// Cell states after, their tanh, and hidden states, all (n, h).
        after: [&'a mut [R]; 3],
    },
    /// Derivatives of cells of one time.
    CellsBack {
        /// Activated gates (n, 4 h); derivatives of the sums afterwards.
        gates: &'a mut [R],
        /// Cell states before, if they are not zero, and the tanh of those after.
        states: (Option<&'a [R]>, &'a [R]),
        /// Derivatives by the hidden states, from above and from later, which are added.
        dh: [&'a [R]; 2],
        /// Derivatives by the cell states: of those after, and then of those before.
        dc: &'a mut [R],
        /// To these (4 h) the derivatives of all samples are added.
        bias: &'a mut [R],
    },
    /// One step of Adam, see `adam`.
    Adam {
        /// The parameters, the means of their gradients, and of the squares.
        state: [&'a mut [R]; 3],
        /// The gradient.
        gradient: &'a [R],
        /// Rate over the first correction, one over the root of the second, and the decay.
        factors: [f64; 3],
    },
}

impl Real for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
    fn from_f64(x: f64) -> Self {
        x as Self
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }

    fn run(isa: Isa, job: Job<'_, Self>) {
        vector::run(isa, job);
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }

    fn run(_: Isa, job: Job<'_, Self>) {
        match job {
            Job::Pack { of, rows, turned, to } => {
                let matrix = matrix(of, rows);
                let matrix = if turned { matrix.reversed_axes() } else { matrix };
                (to.k, to.n) = matrix.dim();
                if to.values.len() != of.len() {
                    to.values = Aligned::zeros(of.len());
                }
                to.values.iter_mut().zip(matrix).for_each(|(to, x)| *to = *x);
            }
            Job::Product { a, turned, b, c, add } => {
                let a = matrix(a, if turned { b.k } else { a.len() / b.k });
                let a = if turned { a.reversed_axes() } else { a };
                let mut c = ArrayViewMut2::from_shape((a.nrows(), b.n), c).expect("whole rows");
                let beta = if add { 1.0 } else { 0.0 };
                general_mat_mul(1.0, &a, &matrix(&b.values, b.k), beta, &mut c);
            }
            Job::Cells { units, gates, before, after } => {
                plain::cells(units, gates, before, after);
            }
            Job::CellsBack { gates, states, dh, dc, bias } => {
                plain::cells_back(gates, states, dh, dc, bias);
            }
            Job::Adam { state, gradient, factors } => plain::adam(state, gradient, factors),
        }
    }
}

fn matrix(values: &[f64], rows: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((rows, values.len() / rows), values).expect("whole rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    fn narrow(values: &[f64]) -> Vec<f32> {
        values.iter().map(|x| f32::from_f64(*x)).collect()
    }

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|x| f64::from(*x)).collect()
    }

    /// Standard normal numbers that a float holds.
    fn numbers(seed: usize, n: usize) -> (Vec<f32>, Vec<f64>) {
        let values = narrow(&input::gaussian(seed as u64, n, 1.0));
        let same = wide(&values);
        (values, same)
    }

    fn near(what: &str, found: &[f32], want: &[f64], within: f64) {
        let far = found.iter().zip(want).map(|(f, w)| (f64::from(*f) - w).abs());
        let far = far.fold(0.0, f64::max);
        assert!(found.len() == want.len() && far < within, "{what} is off by {far:e}");
    }

    fn product<R: Real>(
        isa: Isa,
        [m, k, n]: [usize; 3],
        [a, b, c]: [&[R]; 3],
        [turn_a, turn_b, add]: [bool; 3],
    ) -> Vec<R> {
        let (mut panels, mut c) = (Panels::default(), c.to_vec());
        let rows = if turn_b { n } else { k };
        R::run(isa, Job::Pack { of: b, rows, turned: turn_b, to: &mut panels });
        R::run(isa, Job::Product { a, turned: turn_a, b: &panels, c: &mut c, add });
        assert_eq!(a.len(), m * k, "as many numbers as the shape says");
        c
    }

    #[test]
    fn products_of_every_size_are_those_of_the_reference() {
        for isa in Isa::available() {
            for at in 0..120 {
                let [m, k, n] = [at * 7 % 29 + 1, at * 5 % 131 + 1, at * 11 % 83 + 1];
                let how = [at % 2 == 0, at % 3 == 0, at % 5 < 2];
                let (a, wide_a) = numbers(at, m * k);
                let (b, wide_b) = numbers(at + 1, k * n);
                let (c, wide_c) = numbers(at + 2, m * n);
                let found = product(isa, [m, k, n], [&a, &b, &c], how);
                let want = product(isa, [m, k, n], [&wide_a, &wide_b, &wide_c], how);
                // A sum of k products of normal numbers.
                let bound = 1e-6 * (k as f64 + 4.0);
                near(&format!("({m}, {k}, {n}) by {}", isa.name()), &found, &want, bound);
            }
        }
    }

    /// A cell of each time, there and back.
    fn cells<R: Real>(isa: Isa, n: usize, all: [&[R]; 4], is_first: bool) -> Vec<R> {
        let [gates, before, above, later] = all;
        let len = before.len();
        let (mut gates, mut dc) = (gates.to_vec(), later.to_vec());
        let [mut c, mut tanh_c, mut h] = [(); 3].map(|()| vec![R::default(); len]);
        let before = (!is_first).then_some(before);
        let after = [&mut *c, &mut *tanh_c, &mut *h];
        R::run(isa, Job::Cells { units: len / n, gates: &mut gates, before, after });
        let mut all = [&*gates, &*c, &*tanh_c, &*h].concat();
        let mut bias = vec![R::default(); 4 * len / n];
        let states = (before, &*tanh_c);
        let (dh, gates) = ([above, later], &mut *gates);
        R::run(isa, Job::CellsBack { gates, states, dh, dc: &mut dc, bias: &mut bias });
        all.extend([&*gates, &*dc, &*bias].concat());
        all
    }

    #[test]
    fn cells_of_every_size_are_those_of_the_reference() {
        for isa in Isa::available() {
            for h in 1..40 {
                let n = h % 5 + 1;
                let sets = [4, 1, 1, 1].map(|times| numbers(h * 4 + times, times * n * h));
                for is_first in [false, true] {
                    let found = cells(isa, n, sets.each_ref().map(|(x, _)| &**x), is_first);
                    let want = cells(isa, n, sets.each_ref().map(|(_, x)| &**x), is_first);
                    near(&format!("{h} units by {}", isa.name()), &found, &want, 1e-5);
                }
            }
        }
    }

    #[test]
    fn a_step_of_adam_is_that_of_the_reference() {
        let sets = [1, 2, 3, 4].map(|seed| numbers(seed, 77));
        for isa in Isa::available() {
            fn step<R: Real>(isa: Isa, sets: [&[R]; 4]) -> Vec<R> {
                let [mut w, mut mean, mut square] = [0, 1, 2].map(|at| sets[at].to_vec());
                square.iter_mut().for_each(|x| *x = *x * *x);
                let (state, factors) = ([&mut *w, &mut *mean, &mut *square], [0.01, 3.0, 0.1]);
                R::run(isa, Job::Adam { state, gradient: sets[3], factors });
                [w, mean, square].concat()
            }
            let found = step(isa, sets.each_ref().map(|(x, _)| &**x));
            near(isa.name(), &found, &step(isa, sets.each_ref().map(|(_, x)| &**x)), 1e-6);
        }
    }
}
