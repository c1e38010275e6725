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

use ndarray::{Array1, Array2, ArrayView2, s};

use super::Error;
use crate::machine::isa::Isa;
use crate::mvar::packed::lanes::{Lanes, Real};

/// Rows that are summed before the next outputs, so that they stay in the first cache.
const ROWS: usize = 96;

/// Means and products of all windows and the states after them.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    p: usize,
    d: usize,
    windows: usize,
    /// Means of windows with their next state, shape ((p + 1) d).
    means: Array1<f64>,
    /// Products less those of the means, shape ((p + 1) d, (p + 1) d).
    products: Array2<f64>,
}

impl Moments {
    /// Those of the windows of `lag` states in runs (states, d).
    ///
    /// # Errors
    ///
    /// If there is no run, one is no longer than `lag` or of another dimension, the lag is 0,
    /// a number is not finite or a component constant.
    pub fn new(runs: &[ArrayView2<'_, f64>], lag: usize) -> Result<Self, Error> {
        Self::with_isa(runs, lag, Isa::best())
    }

    /// The same by the kernel of one instruction set.
    pub(super) fn with_isa(
        runs: &[ArrayView2<'_, f64>],
        lag: usize,
        isa: Isa,
    ) -> Result<Self, Error> {
        let shift = checked_mean(runs, lag)?;
        let (p, d) = (lag, shift.len());
        let size = (p + 1) * d;
        let mut sums = Sums::new(size, d, isa);
        let mut blocks = Array2::zeros((size, size));
        let mut totals = Array1::zeros(size);
        let (mut windows, mut rows) = (0, Vec::new());
        for run in runs {
            let n = run.nrows() - p;
            rows.clear();
            let run = run.as_standard_layout();
            for row in run.as_slice().expect("in standard layout").chunks_exact(d) {
                rows.extend(row.iter().zip(&shift).map(|(x, shift)| x - shift));
            }
            let len = rows.len();
            rows.resize(len + PAD, 0.0);
            sums.add(&rows, n);
            add_edges(&rows[..len], n, p, &mut blocks);
            add_totals(&rows[..len], n, p, &mut totals);
            windows += n;
        }
        sums.spread(&mut blocks);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let mut means = totals / windows as f64;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        for ((i, j), product) in blocks.indexed_iter_mut() {
            *product -= windows as f64 * means[i] * means[j];
        }
        for mut means in means.exact_chunks_mut(d) {
            means += &shift;
        }
        Ok(Self { p, d, windows, means, products: blocks })
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

    /// Mean of the states at place `k` of a window; those after the windows for k = p.
    pub(super) fn mean(&self, k: usize) -> Array1<f64> {
        self.means.slice(s![k * self.d..(k + 1) * self.d]).to_owned()
    }

    /// Products of the last `lag` states of all windows, about their means.
    pub(super) fn gram(&self, lag: usize) -> ArrayView2<'_, f64> {
        let (from, to) = ((self.p - lag) * self.d, self.p * self.d);
        self.products.slice(s![from..to, from..to])
    }

    /// Products of the last `lag` states with those after the windows.
    pub(super) fn cross(&self, lag: usize) -> ArrayView2<'_, f64> {
        let (from, to) = ((self.p - lag) * self.d, self.p * self.d);
        self.products.slice(s![from..to, to..])
    }

    /// Products of the states after the windows.
    pub(super) fn targets(&self) -> ArrayView2<'_, f64> {
        self.products.slice(s![self.p * self.d.., self.p * self.d..])
    }
}

/// The mean of all states, once all runs are known to be fit.
fn checked_mean(runs: &[ArrayView2<'_, f64>], lag: usize) -> Result<Array1<f64>, Error> {
    let first = runs.first().ok_or(Error::NoRuns)?;
    let d = first.ncols();
    if lag == 0 || d == 0 {
        let (option, expected) = (if d == 0 { "components" } else { "lag" }, "at least 1");
        return Err(Error::Option { option, found: 0.0, expected });
    }
    let (mut sum, mut count) = (Array1::<f64>::zeros(d), 0);
    let mut columns: Vec<_> = (0..d).collect();
    for (run, states) in runs.iter().enumerate() {
        let (rows, found) = states.dim();
        if found != d {
            return Err(Error::Components { run, found, expected: d });
        }
        if rows <= lag {
            return Err(Error::Short { run, rows, lag });
        }
        let states = states.as_standard_layout();
        let sum = sum.as_slice_mut().expect("one dimension");
        for state in states.as_slice().expect("in standard layout").chunks_exact(d) {
            columns.retain(|&column| state[column] == first[[0, column]]);
            sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
        }
        // A sum is finite only if all numbers are; it may overflow where they are.
        if !sum.iter().all(|sum| sum.is_finite()) {
            not_finite(run, &states.view())?;
        }
        count += rows;
    }
    if !columns.is_empty() {
        return Err(Error::Constant { columns });
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let mean = sum / count as f64;
    Ok(mean)
}

/// Names the first number of a run that is not finite.
fn not_finite(run: usize, states: &ArrayView2<'_, f64>) -> Result<(), Error> {
    match states.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(Error::NotFinite { run, row, column, value }),
        None => Ok(()),
    }
}

/// Adds to each block (a, b), 0 < a <= b, what it has more than block (a - 1, b - 1).
fn add_edges(rows: &[f64], n: usize, p: usize, blocks: &mut Array2<f64>) {
    let d = rows.len() / (n + p);
    for a in 1..=p {
        for b in a..=p {
            let [last, last_b, first, first_b] =
                [a - 1 + n, b - 1 + n, a - 1, b - 1].map(|at| &rows[at * d..][..d]);
            for i in 0..d {
                let mut row = blocks.slice_mut(s![a * d + i, b * d..(b + 1) * d]);
                let row = row.as_slice_mut().expect("part of a row");
                for j in 0..d {
                    row[j] += last[i] * last_b[j] - first[i] * first_b[j];
                }
            }
        }
    }
}

/// Adds the sums over all windows of the states at each place.
fn add_totals(rows: &[f64], n: usize, p: usize, totals: &mut Array1<f64>) {
    let d = rows.len() / (n + p);
    let mut sum = vec![0.0; d];
    for row in rows[..n * d].chunks_exact(d) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    for a in 0..=p {
        for i in 0..d {
            totals[a * d + i] += sum[i];
            if a < p {
                sum[i] += rows[(a + n) * d + i] - rows[a * d + i];
            }
        }
    }
}

/// The long sums: row m d + r, column c is the sum over i of y\[i + m\]\[r\] y\[i\]\[c\].
struct Sums {
    size: usize,
    d: usize,
    isa: Isa,
    /// Length of a padded row of `sums`.
    width: usize,
    sums: Vec<f64>,
}

/// The longest over-read of a kernel, in numbers.
const PAD: usize = 32;

impl Sums {
    fn new(size: usize, d: usize, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        let width = d.next_multiple_of(8);
        Self { size, d, isa, width, sums: vec![0.0; size.next_multiple_of(8) * width] }
    }

    /// Adds the first `n` rows of a run, which is followed by [`PAD`] numbers.
    fn add(&mut self, padded: &[f64], n: usize) {
        for first in (0..n).step_by(ROWS) {
            let chunk = (&padded[first * self.d..], ROWS.min(n - first));
            match self.isa {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this processor has it, see `new`.
                Isa::Avx512 => unsafe { add_avx512(self, chunk) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Isa::Avx2 => unsafe { add_avx2(self, chunk) },
                _ => add::<<f64 as Real>::Portable, 4>(self, chunk),
            }
        }
    }

    /// Puts them into the blocks (0, m), adds up along the diagonals, and mirrors.
    fn spread(&self, blocks: &mut Array2<f64>) {
        let (d, size) = (self.d, self.size);
        for i in 0..size {
            for j in i / d * d..size {
                blocks[[i, j]] += match i.checked_sub(d) {
                    None => self.sums[j * self.width + i],
                    Some(before) => blocks[[before, j - d]],
                };
            }
        }
        for i in 0..size {
            for j in 0..i / d * d {
                blocks[[i, j]] = blocks[[j, i]];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn add_avx512(sums: &mut Sums, chunk: (&[f64], usize)) {
    add::<<f64 as Real>::Avx512, 8>(sums, chunk);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_avx2(sums: &mut Sums, chunk: (&[f64], usize)) {
    add::<<f64 as Real>::Avx2, 4>(sums, chunk);
}

/// Adds a chunk of rows, R rows of sums at a time, in registers of three, two or one columns.
#[inline(always)]
fn add<V: Lanes<Real = f64>, const R: usize>(sums: &mut Sums, chunk: (&[f64], usize)) {
    let all = sums.d.div_ceil(V::LEN);
    for first in (0..sums.size).step_by(R) {
        let mut column = 0;
        while column < all {
            let at = (first, column * V::LEN);
            column += match all - column {
                1 => tile::<V, R, 1>(sums, chunk, at),
                2 => tile::<V, R, 2>(sums, chunk, at),
                _ => tile::<V, R, 3>(sums, chunk, at),
            };
        }
    }
}

/// Adds a chunk to R rows and G registers of columns of the sums, from `at` on; returns G.
#[inline(always)]
fn tile<V: Lanes<Real = f64>, const R: usize, const G: usize>(
    sums: &mut Sums,
    (rows, n): (&[f64], usize),
    at: (usize, usize),
) -> usize {
    let mut tile = [[V::splat(0.0); G]; R];
    for r in 0..R {
        let row = &sums.sums[(at.0 + r) * sums.width + at.1..][..G * V::LEN];
        for g in 0..G {
            tile[r][g] = V::load(&V::arrays(row)[g]);
        }
    }
    for i in 0..n {
        let state = V::arrays(&rows[i * sums.d + at.1..][..G * V::LEN]);
        let mut lanes = [V::splat(0.0); G];
        for g in 0..G {
            lanes[g] = V::load(&state[g]);
        }
        let later = &rows[i * sums.d + at.0..][..R];
        for r in 0..R {
            let later = V::splat(later[r]);
            for g in 0..G {
                tile[r][g] = lanes[g].mul_add(later, tile[r][g]);
            }
        }
    }
    for r in 0..R {
        let row = &mut sums.sums[(at.0 + r) * sums.width + at.1..][..G * V::LEN];
        for g in 0..G {
            tile[r][g].store(&mut V::arrays_mut(row)[g]);
        }
    }
    G
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use ndarray::Axis;
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
                let far = (&found.means - &means).fold(0.0, |m: f64, x| m.max(x.abs()));
                prop_assert!(far < 1e-12, "means are off by {far:e}, {}", isa.name());
                let far = (&found.products - &products).fold(0.0, |m: f64, x| m.max(x.abs()));
                let largest = products.fold(1.0, |m: f64, x| m.max(x.abs()));
                prop_assert!(far < 1e-11 * largest, "products are off by {far:e}, {}", isa.name());
            }
        }
    }
}
