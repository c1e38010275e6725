//! Householder reduction of a symmetric matrix to one with 24 diagonals on each side of its own.
//!
//! 24 rows at a time, from the last ones up, are reflected onto what is left of the band. With V the vectors
//! of their reflections as rows, these are together Q = I - V^T T V with a triangle T of 24 rows, and the
//! rows above become Q^T A Q = A - V^T W - W^T V, where W = Y - S V / 2, Y = T^T V A and S = Y V^T T. So
//! nearly all of the work is products of matrices. The vectors stay in the rows.

use ndarray::ArrayViewMut2;

use super::chase::{BAND, Band};
use super::vector::reflect_rows;
use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;
use crate::rom::pod::panels::Across;
use crate::rom::pod::tile::{COLUMNS, Left, ROWS, add, add_part};

/// Rows of V and of W.
const BOTH: usize = 2 * BAND;

/// Rows that V A is made from together: they fit in the second cache.
const BLOCK: usize = 48;

/// A square of as many rows as the band has diagonals.
type Square = [f64; BAND * BAND];

/// The reflections that lead to a band: the matrix was Q band Q^T.
#[derive(Debug)]
pub(super) struct Banded<'a> {
    isa: Isa,
    /// Rows and columns of the matrix.
    n: usize,
    /// Rows m to m + 24 hold V of a panel, which has m columns.
    rows: &'a mut [f64],
    /// The triangle T of each panel, the last rows first, and its m.
    panels: Vec<(usize, Square)>,
}

/// Space that a panel needs.
struct Space {
    /// V^T and W^T side by side: row k holds number k of all of their rows. Rows after the last are 0.
    both: Aligned<f64>,
    /// -W over -V, in panels of 24 columns.
    over: Aligned<f64>,
    /// (V A)^T.
    product: Aligned<f64>,
}

impl<'a> Banded<'a> {
    /// Reduces the matrix, of which the lower triangle is read.
    pub(super) fn of(isa: Isa, rows: ArrayViewMut2<'a, f64>) -> (Self, Band) {
        let n = rows.nrows();
        assert!(rows.is_square() && rows.is_standard_layout(), "a square matrix in rows");
        let mut band = Band::zeros(n);
        let rows = rows.into_slice().expect("in rows");
        let mut all = Self { isa, n, rows, panels: Vec::new() };
        let room = n + BAND;
        let mut space = Space {
            both: Aligned::zeros(room * BOTH),
            over: Aligned::zeros(room.next_multiple_of(COLUMNS) * BOTH),
            product: Aligned::zeros(room * BAND),
        };
        let mut end = n;
        while end > BAND + 1 {
            end -= BAND;
            let tau = all.reflect(end, &mut band);
            let factor = all.panel(end, tau, &mut space);
            all.update(end, &space);
            all.panels.push((end, factor));
        }
        for i in 0..end {
            band.put(i, 0, &all.rows[i * n..][..=i]);
        }
        (all, band)
    }

    /// Reflects the rows from `m` on, and puts what is left of them in the band.
    fn reflect(&mut self, m: usize, band: &mut Band) -> [f64; BAND] {
        let n = self.n;
        let (_, panel) = self.rows.split_at_mut(m * n);
        let mut tau = [0.0; BAND];
        for c in (0..BAND).rev() {
            let (before, row) = panel.split_at_mut(c * n);
            let (i, len) = (m + c, (m + c + 1).saturating_sub(BAND));
            // Where the band begins.
            let first = len.saturating_sub(1);
            let mut beta = row[first];
            if len > 1 {
                (beta, tau[c]) = reflect_rows(self.isa, before, n, &mut row[..len]);
            }
            let v = std::mem::replace(&mut row[first], beta);
            band.put(i, first, &row[first..=i]);
            row[first] = v;
            // V has zeros up to column m, and a row without a reflection has nothing else.
            let zeros = if tau[c] == 0.0 { 0 } else { len };
            row[zeros..m].fill(0.0);
        }
        tau
    }

    /// T, and V^T and W^T.
    fn panel(&self, m: usize, tau: [f64; BAND], space: &mut Space) -> Square {
        let (isa, n) = (self.isa, self.n);
        let rows = &*self.rows;
        let Space { both, over, product } = space;
        for (k, to) in both.chunks_exact_mut(BOTH).take(m).enumerate() {
            for (c, to) in to[..BAND].iter_mut().enumerate() {
                *to = rows[(m + c) * n + k];
            }
        }
        both[m * BOTH..][..BAND * BOTH].fill(0.0);
        let factor = triangle(tau, &products(isa, m, both, 0));

        self.product(m, both, product);
        for k in (0..m).step_by(ROWS) {
            both[k * BOTH..][..ROWS * BOTH]
                .chunks_exact_mut(BOTH)
                .for_each(|row| row[BAND..].fill(0.0));
            let (left, to) =
                (Left::Below(&product[k * BAND..], BAND), &mut both[k * BOTH + BAND..]);
            add(isa, BAND, left, (&factor, BAND), (to, BOTH));
        }
        let mut half = [0.0; BAND * BAND];
        let inner = products(isa, m, both, BAND);
        for c in (0..BAND).step_by(ROWS) {
            let left = Left::Beside(&factor[c..], BAND);
            add(isa, BAND, left, (&inner, BAND), (&mut half[c * BAND..], BAND));
        }
        half.iter_mut().for_each(|x| *x *= -0.5);
        for k in (0..m).step_by(ROWS) {
            let mut v = [0.0; ROWS * BAND];
            for (to, from) in v.chunks_exact_mut(BAND).zip(both[k * BOTH..].chunks_exact(BOTH)) {
                to.copy_from_slice(&from[..BAND]);
            }
            let to = (&mut both[k * BOTH + BAND..], BOTH);
            add(isa, BAND, Left::Below(&v, BAND), (&half, BAND), to);
        }
        for (panel, to) in over.chunks_exact_mut(COLUMNS * BOTH).enumerate() {
            let Some(from) = both.get(panel * COLUMNS * BOTH..).filter(|_| panel * COLUMNS < m)
            else {
                break;
            };
            for (k, to) in to.chunks_exact_mut(COLUMNS).enumerate() {
                let place = (k + BAND) % BOTH;
                for (j, to) in to.iter_mut().enumerate() {
                    *to = -from[j * BOTH + place];
                }
            }
        }
        factor
    }

    /// (V A)^T, of the first m rows and columns of A: each block of rows is taken as it is and turned
    /// around, while it is at hand.
    fn product(&self, m: usize, both: &[f64], to: &mut [f64]) {
        let (isa, n) = (self.isa, self.n);
        let rows = &*self.rows;
        to[..(m + ROWS) * BAND].fill(0.0);
        for first in (0..m).step_by(BLOCK) {
            let size = BLOCK.min(m - first);
            for i in (first..first + size).step_by(ROWS) {
                let to = (&mut to[i * BAND..], BAND);
                add(isa, first, Left::Below(&rows[i * n..], n), (both, BOTH), to);
            }
            let right = (&both[first * BOTH..], BOTH);
            for j in (0..first).step_by(ROWS) {
                let left = Left::Beside(&rows[first * n + j..], n);
                add(isa, size, left, right, (&mut to[j * BAND..], BAND));
            }
            let mut diagonal = [0.0; BLOCK * BLOCK];
            for i in 0..size {
                for j in 0..=i {
                    let x = rows[(first + i) * n + first + j];
                    (diagonal[i * BLOCK + j], diagonal[j * BLOCK + i]) = (x, x);
                }
            }
            for i in (0..size).step_by(ROWS) {
                let left = Left::Below(&diagonal[i * BLOCK..], BLOCK);
                add(isa, size, left, right, (&mut to[(first + i) * BAND..], BAND));
            }
        }
        // Of rows that are not among the first m.
        to[m * BAND..][..ROWS * BAND].fill(0.0);
    }

    /// A - V^T W - W^T V, of the lower triangle of the first m rows; some numbers above it are filled, too.
    fn update(&mut self, m: usize, space: &Space) {
        let n = self.n;
        let rows = &mut *self.rows;
        for i in (0..m).step_by(ROWS) {
            let left = Left::Below(&space.both[i * BOTH..], BOTH);
            for j in (0..m.min(i + ROWS)).step_by(COLUMNS) {
                let right = (&space.over[j * BOTH..], COLUMNS);
                add(self.isa, BOTH, left, right, (&mut rows[i * n + j..], n));
            }
        }
    }

    /// Makes eigenvectors of the band those of the matrix: x = Q y.
    pub(super) fn back(&self, vectors: &mut Across) {
        let (isa, n) = (self.isa, self.n);
        let vectors: &mut [f64] = &mut vectors.numbers;
        let rows = &*self.rows;
        for (m, factor) in self.panels.iter().rev() {
            let (mut parts, mut turned) = ([0.0; BAND * BAND], [0.0; BAND * BAND]);
            for c in (0..BAND).step_by(ROWS) {
                let (left, to) = (Left::Below(&rows[(m + c) * n..], n), &mut parts[c * BAND..]);
                add(isa, *m, left, (vectors, COLUMNS), (to, COLUMNS));
            }
            for c in (0..BAND).step_by(ROWS) {
                let (left, to) = (Left::Below(&factor[c * BAND..], BAND), &mut turned[c * BAND..]);
                add(isa, BAND, left, (&parts, COLUMNS), (to, COLUMNS));
            }
            turned.iter_mut().for_each(|x| *x = -*x);
            for k in (0..*m).step_by(ROWS) {
                let (left, to) = (Left::Beside(&rows[m * n + k..], n), &mut vectors[k * COLUMNS..]);
                add_part(isa, BAND, left, (&turned, COLUMNS), (to, COLUMNS), [m - k, COLUMNS]);
            }
        }
    }
}

/// V V^T, or V W^T where `at` is that of W^T.
fn products(isa: Isa, m: usize, both: &[f64], at: usize) -> Square {
    let mut products = [0.0; BAND * BAND];
    for c in (0..BAND).step_by(ROWS) {
        let (left, to) = (Left::Beside(&both[c..], BOTH), &mut products[c * BAND..]);
        add(isa, m, left, (&both[at..], BOTH), (to, BAND));
    }
    products
}

/// T: with row c, the reflection I - tau v v^T follows those of the rows below.
fn triangle(tau: [f64; BAND], products: &Square) -> Square {
    let mut factor = [0.0; BAND * BAND];
    for c in (0..BAND).rev() {
        factor[c * BAND + c] = tau[c];
        for i in c + 1..BAND {
            let term = |k: usize| factor[i * BAND + k] * products[k * BAND + c];
            factor[i * BAND + c] = -tau[c] * (c + 1..=i).map(term).sum::<f64>();
        }
    }
    factor
}
