//! Means and products of all windows of some runs, without the windows.
//!
//! A window with the state after it is w = (y\[t\], .., y\[t + p\]), t = 0..n, and the products
//! are the sums over t of w w^T. Block (a, b) is the sum over i = a..a + n of y\[i\] y\[i + b - a\]^T,
//! so that blocks of equal m = b - a differ by their ends only:
//!
//! ```text
//! block (0, m)         = sum over i = 0..n of y[i] y[i + m]^T        the only long sums
//! block (a + 1, b + 1) = block (a, b) + y[a + n] y[b + n]^T - y[a] y[b]^T
//! ```
//!
//! All rows are first shifted by their mean over all runs, so that taking the means of the
//! windows off the products at the end cancels no digits.

use ndarray::{ArrayBase, ArrayView2, Data, Ix2, s};

use super::Error;
use super::sums::Sums;
use crate::machine::isa::Isa;
use crate::stats::runs::{Unfit, check_finite, check_shapes};

/// The longest window with the state after it, in numbers: the products take half a gigabyte.
const MOST: usize = 8192;

/// Means and products of all windows and the states after them.
#[derive(Debug, Clone)]
pub struct Moments {
    p: usize,
    d: usize,
    windows: usize,
    /// Mean of all states, which is taken from each before it is summed.
    shift: Vec<f64>,
    /// Components that have had one value so far.
    constant: Vec<usize>,
    sums: Sums,
}

impl Moments {
    /// Those of the windows of `lag` states in runs (states, d).
    ///
    /// # Errors
    ///
    /// If there is no run, one is no longer than `lag` or of another dimension, the lag is 0 or
    /// the window too long, a number is not finite or a component constant, or the products overflow.
    pub fn new<S: Data<Elem = f64>>(runs: &[ArrayBase<S, Ix2>], lag: usize) -> Result<Self, Error> {
        Self::with_isa(runs, lag, Isa::best())
    }

    /// The same by the kernel of one instruction set.
    pub(super) fn with_isa<S: Data<Elem = f64>>(
        runs: &[ArrayBase<S, Ix2>],
        lag: usize,
        isa: Isa,
    ) -> Result<Self, Error> {
        let mut moments = Self::empty(runs, lag, isa)?;
        moments.take(runs)?;
        Ok(moments)
    }

    /// Room for those of such runs.
    pub(super) fn empty<S: Data<Elem = f64>>(
        runs: &[ArrayBase<S, Ix2>],
        lag: usize,
        isa: Isa,
    ) -> Result<Self, Error> {
        let d = runs.first().ok_or(Unfit::NoRuns)?.ncols();
        check_shapes(runs.iter().map(ArrayBase::dim), lag, d)?;
        if lag == 0 || d == 0 {
            let (option, expected) = (if d == 0 { "components" } else { "lag" }, "at least 1");
            return Err(Error::Option { option, found: 0.0, expected });
        }
        if (lag + 1).saturating_mul(d) > MOST {
            return Err(Error::Long { lag, d, most: MOST });
        }
        let (shift, constant) = (vec![0.0; d], Vec::with_capacity(d));
        Ok(Self { p: lag, d, windows: 0, shift, constant, sums: Sums::new(lag, d, isa) })
    }

    /// Replaces them by those of other runs.
    pub(super) fn take<S: Data<Elem = f64>>(
        &mut self,
        runs: &[ArrayBase<S, Ix2>],
    ) -> Result<(), Error> {
        check_shapes(runs.iter().map(ArrayBase::dim), self.p, self.d)?;
        self.find_mean(runs)?;
        self.sums.clear();
        for run in runs {
            let run = run.as_standard_layout();
            self.sums.add(run.as_slice().expect("in standard layout"), &self.shift);
        }
        self.windows = runs.iter().map(|run| run.nrows() - self.p).sum();
        self.sums.finish(self.windows);
        let is_finite = self.sums.products().iter().all(|product| product.is_finite());
        if is_finite { Ok(()) } else { Err(Error::Overflow) }
    }

    /// Finds the mean of all states, once all numbers are known to be fit.
    fn find_mean<S: Data<Elem = f64>>(&mut self, runs: &[ArrayBase<S, Ix2>]) -> Result<(), Error> {
        let first = runs.first().ok_or(Unfit::NoRuns)?.row(0);
        let (d, sum, constant) = (self.d, &mut self.shift, &mut self.constant);
        sum.fill(0.0);
        constant.clear();
        constant.extend(0..d);
        for (run, states) in runs.iter().enumerate() {
            let states = states.as_standard_layout();
            for state in states.as_slice().expect("in standard layout").chunks_exact(d) {
                if !constant.is_empty() {
                    constant.retain(|&column| state[column] == first[column]);
                }
                sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
            }
            // A sum is finite only if all numbers are; it may overflow where they are.
            if !sum.iter().all(|sum| sum.is_finite()) {
                check_finite(run, &states, d)?;
            }
        }
        if !constant.is_empty() {
            return Err(Error::Constant { columns: constant.clone() });
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = runs.iter().map(|run| run.nrows()).sum::<usize>() as f64;
        sum.iter_mut().for_each(|sum| *sum /= count);
        Ok(())
    }

    /// How many states a window has.
    pub fn lag(&self) -> usize {
        self.p
    }

    /// How many components a state has.
    pub fn d(&self) -> usize {
        self.d
    }

    /// How many windows there are in all runs.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Mean of component `i` of the states at place `k` of a window; after the windows for k = p.
    pub(super) fn mean(&self, k: usize, i: usize) -> f64 {
        self.shift[i] + self.sums.means()[k * self.d + i]
    }

    /// Products of the last `lag` states of all windows, about their means.
    pub(super) fn gram(&self, lag: usize) -> ArrayView2<'_, f64> {
        let (from, to) = ((self.p - lag) * self.d, self.p * self.d);
        self.products().slice_move(s![from..to, from..to])
    }

    /// Products of the last `lag` states with those after the windows.
    pub(super) fn cross(&self, lag: usize) -> ArrayView2<'_, f64> {
        let (from, to) = ((self.p - lag) * self.d, self.p * self.d);
        self.products().slice_move(s![from..to, to..])
    }

    /// Products of the states after the windows.
    pub(super) fn targets(&self) -> ArrayView2<'_, f64> {
        self.products().slice_move(s![self.p * self.d.., self.p * self.d..])
    }

    fn products(&self) -> ArrayView2<'_, f64> {
        let size = (self.p + 1) * self.d;
        ArrayView2::from_shape((size, size), self.sums.products()).expect("a square matrix")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use ndarray::{Array1, Array2, Axis};
    use proptest::prelude::*;

    /// Means and products of windows that are written out.
    fn plain(runs: &[ArrayView2<'_, f64>], p: usize) -> (Array1<f64>, Array2<f64>) {
        let d = runs[0].ncols();
        let windows = runs.iter().flat_map(|run| {
            let windows = run.axis_windows(Axis(0), p + 1);
            windows.into_iter().flat_map(|w| w.iter().copied().collect::<Vec<_>>())
        });
        let windows: Vec<_> = windows.collect();
        let rows = windows.len() / ((p + 1) * d);
        let windows = Array2::from_shape_vec((rows, (p + 1) * d), windows).unwrap();
        let means = windows.mean_axis(Axis(0)).unwrap();
        let centred = &windows - &means;
        (means, centred.t().dot(&centred))
    }

    proptest! {
        #[test]
        fn moments_are_those_of_windows_written_out(
            seed in 0_u64..1000,
            p in 1_usize..7,
            d in 1_usize..34,
            more in proptest::collection::vec(1_usize..220, 1..4),
        ) {
            let runs: Vec<_> = more.iter().enumerate().map(|(i, more)| {
                let (n, seed) = (p + more, seed * 7 + i as u64);
                let states = Array2::from_shape_vec((n, d), input::gaussian(seed, n * d, 1.0));
                states.unwrap() + 50.0
            }).collect();
            let runs: Vec<_> = runs.iter().map(|run| run.view()).collect();
            let (means, products) = plain(&runs, p);
            for isa in Isa::available() {
                let found = Moments::with_isa(&runs, p, isa).unwrap();
                let places = (0..=p).flat_map(|k| (0..d).map(move |i| (k, i)));
                let found_means: Array1<_> = places.map(|(k, i)| found.mean(k, i)).collect();
                let far = (found_means - &means).fold(0.0, |m: f64, x| m.max(x.abs()));
                prop_assert!(far < 1e-12, "means are off by {far:e}, {}", isa.name());
                let far = (&found.products() - &products).fold(0.0, |m: f64, x| m.max(x.abs()));
                let largest = products.fold(1.0, |m: f64, x| m.max(x.abs()));
                prop_assert!(far < 1e-11 * largest, "products are off by {far:e}, {}", isa.name());
            }
        }
    }
}
