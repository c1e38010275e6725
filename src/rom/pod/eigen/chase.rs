//! Reduction of a symmetric band to a tridiagonal matrix.
//!
//! The first column is reflected onto the element below its diagonal. That fills a block beyond the band,
//! whose first column is reflected back into it, which fills the next block, and so on down to the end;
//! then the same is done for the next column. The blocks keep what is beyond the band but for their first
//! columns, until the next column comes to them.
//!
//! All blocks are of 24 rows and columns: behind the end are zeros, which reflections leave alone.

use super::vector::{LANES, dispatch, fused, reflection, sum};
use crate::machine::isa::Isa;
use crate::rom::pod::panels::Across;
use crate::rom::pod::tile::{COLUMNS, reflect};

/// Diagonals on each side of the band.
pub(super) const BAND: usize = COLUMNS;

/// Places of a column: 24 above the diagonal, those of the band, and as many below it.
const PLACES: usize = 3 * BAND;

type Row = [f64; BAND];

/// A symmetric band. A block around the diagonal has both of its triangles, others stand below it only.
#[derive(Debug)]
pub(super) struct Band {
    n: usize,
    numbers: Vec<f64>,
}

impl Band {
    pub(super) fn zeros(n: usize) -> Self {
        Self { n, numbers: vec![0.0; (n + 2 * BAND) * PLACES] }
    }

    /// Puts numbers in row i from a column on, left of its diagonal or on it.
    pub(super) fn put(&mut self, i: usize, first: usize, numbers: &[f64]) {
        for (j, x) in (first..).zip(numbers) {
            self.numbers[place(i, j)] = *x;
            if i - j < BAND {
                self.numbers[place(j, i)] = *x;
            }
        }
    }

    fn get(&self, i: usize, j: usize) -> f64 {
        self.numbers[place(i, j)]
    }
}

/// Where row i of column j stands: a column goes on where i grows.
fn place(i: usize, j: usize) -> usize {
    j * (PLACES - 1) + i + BAND
}

/// A tridiagonal matrix T, and the reflections that lead to it: the band was Q T Q^T.
#[derive(Debug)]
pub(super) struct Chase {
    pub(super) diagonal: Vec<f64>,
    /// Element i stands between the rows i and i + 1.
    pub(super) beside: Vec<f64>,
    isa: Isa,
    /// v of each, of which the first number, 1, made room for tau.
    reflections: Vec<Row>,
}

impl Chase {
    pub(super) fn of(isa: Isa, mut band: Band) -> Self {
        let n = band.n;
        let mut reflections = Vec::with_capacity((0..n).map(|column| steps(n, column)).sum());
        reduce(isa, &mut band.numbers, n, &mut reflections);
        let diagonal = (0..n).map(|i| band.get(i, i)).collect();
        let beside = (1..n).map(|i| band.get(i, i - 1)).collect();
        Self { diagonal, beside, isa, reflections }
    }

    /// Makes eigenvectors of T those of the band: x = Q y.
    pub(super) fn back(&self, vectors: &mut Across) {
        let (n, mut end) = (self.diagonal.len(), self.reflections.len());
        for column in (0..n.saturating_sub(2)).rev() {
            let steps = steps(n, column);
            end -= steps;
            for (step, v) in self.reflections[end..][..steps].iter().enumerate().rev() {
                let first = column + 1 + step * BAND;
                let mut v = *v;
                let tau = std::mem::replace(&mut v[0], 1.0);
                reflect(self.isa, &mut vectors.numbers[first * COLUMNS..], &v, tau);
            }
        }
    }
}

/// The reflections of a column: one for each block of rows below its diagonal.
fn steps(n: usize, column: usize) -> usize {
    if column + 2 < n { (n - column - 1).div_ceil(BAND) } else { 0 }
}

dispatch! {
    fn reduce = reduce_plain(band: &mut [f64], n: usize, reflections: &mut Vec<Row>)
}

#[inline(always)]
fn reduce_plain<const FUSED: bool>(band: &mut [f64], n: usize, reflections: &mut Vec<Row>) {
    for column in 0..n.saturating_sub(2) {
        let mut first = column + 1;
        let mut v = *row(band, first, column);
        let (beta, mut tau) = reflection::<FUSED>(&mut v, 0);
        let to = row_mut(band, first, column);
        *to = [0.0; BAND];
        to[0] = beta;
        loop {
            let mut kept = v;
            kept[0] = tau;
            reflections.push(kept);
            both_sides::<FUSED>(band, first, &v, tau);
            let below = first + BAND;
            if below >= n {
                break;
            }
            (v, tau) = next::<FUSED>(band, first, &v, tau);
            first = below;
        }
    }
}

/// The numbers of a column from row i on.
#[inline(always)]
fn row(band: &[f64], i: usize, j: usize) -> &Row {
    band[place(i, j)..].first_chunk().expect("room behind the last")
}

#[inline(always)]
fn row_mut(band: &mut [f64], i: usize, j: usize) -> &mut Row {
    band[place(i, j)..].first_chunk_mut().expect("room behind the last")
}

/// The sum of the columns of a block times the numbers of v.
#[inline(always)]
fn product<const FUSED: bool>(band: &[f64], i: usize, j: usize, v: &Row) -> Row {
    // Two sums, since one waits for itself.
    let mut sums = [[0.0; BAND]; 2];
    for k in (0..BAND).step_by(2) {
        for half in 0..2 {
            let column = row(band, i, j + k + half);
            for l in 0..BAND {
                sums[half][l] = fused::<FUSED>(v[k + half], column[l], sums[half][l]);
            }
        }
    }
    let [mut sum, other] = sums;
    for l in 0..BAND {
        sum[l] += other[l];
    }
    sum
}

/// The product of two columns.
#[inline(always)]
fn dot_row<const FUSED: bool>(a: &Row, b: &Row) -> f64 {
    let mut lanes = [0.0; LANES];
    for k in (0..BAND).step_by(LANES) {
        for l in 0..LANES {
            lanes[l] = fused::<FUSED>(a[k + l], b[k + l], lanes[l]);
        }
    }
    sum(&lanes)
}

/// Reflects a block around the diagonal: A - v w^T - w v^T.
#[inline(always)]
fn both_sides<const FUSED: bool>(band: &mut [f64], first: usize, v: &Row, tau: f64) {
    let mut w = product::<FUSED>(band, first, first, v);
    w.iter_mut().for_each(|w| *w *= tau);
    let half = -0.5 * tau * dot_row::<FUSED>(&w, v);
    for l in 0..BAND {
        w[l] = fused::<FUSED>(half, v[l], w[l]);
    }
    for k in 0..BAND {
        let (a, b) = (-w[k], -v[k]);
        let column = row_mut(band, first, first + k);
        let mut x = *column;
        for l in 0..BAND {
            x[l] = fused::<FUSED>(a, v[l], fused::<FUSED>(b, w[l], x[l]));
        }
        *column = x;
    }
}

/// Reflects the block below from the right, then its first column onto the first number of that, and the
/// other columns along with it. Returns that reflection.
#[inline(always)]
fn next<const FUSED: bool>(band: &mut [f64], first: usize, v: &Row, tau: f64) -> (Row, f64) {
    let below = first + BAND;
    let mut u = product::<FUSED>(band, below, first, v);
    u.iter_mut().for_each(|u| *u *= -tau);
    let column = row_mut(band, below, first);
    let mut next = *column;
    for l in 0..BAND {
        next[l] = fused::<FUSED>(v[0], u[l], next[l]);
    }
    let (beta, next_tau) = reflection::<FUSED>(&mut next, 0);
    *column = [0.0; BAND];
    column[0] = beta;
    for k in 1..BAND {
        let column = row_mut(band, below, first + k);
        let mut x = *column;
        for l in 0..BAND {
            x[l] = fused::<FUSED>(v[k], u[l], x[l]);
        }
        let part = -next_tau * dot_row::<FUSED>(&x, &next);
        for l in 0..BAND {
            x[l] = fused::<FUSED>(part, next[l], x[l]);
        }
        *column = x;
        // The next column finds this row in a block around the diagonal.
        band[place(first + k, below)] = x[0];
    }
    (next, next_tau)
}
