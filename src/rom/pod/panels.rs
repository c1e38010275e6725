//! Rows of numbers in panels of 24, so that tiles read them one after the other.
//!
//! Number k of row r stands at `(r / 24 * depth + k) * 24 + r % 24`. The rows of the last panel that are
//! not there are zero.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use super::tile::{COLUMNS, Left, ROWS, add, add_part};
use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;

/// Numbers of each row that are taken together: 8 rows of them fit in the nearest cache.
const DEPTH: usize = 512;

/// Panels that are taken together: with that depth they fit in the next cache.
const PANELS: usize = 4;

/// Rows of numbers.
#[derive(Debug)]
pub(super) struct Panels {
    isa: Isa,
    numbers: Aligned<f64>,
    rows: usize,
    depth: usize,
}

impl Panels {
    /// Zeros, for kernels of an instruction set.
    ///
    /// # Panics
    ///
    /// If this processor does not have it.
    pub(super) fn zeros(isa: Isa, rows: usize, depth: usize) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        // A tile of a depth that is no multiple of 8 reads some numbers more.
        let more = if depth.is_multiple_of(ROWS) { 0 } else { ROWS * COLUMNS };
        let numbers = Aligned::zeros(rows.next_multiple_of(COLUMNS) * depth + more);
        Self { isa, numbers, rows, depth }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Puts up to 8 rows in the places from `first` on, a multiple of 8.
    pub(super) fn put(&mut self, first: usize, rows: ArrayView2<'_, f64>) {
        assert!(first.is_multiple_of(ROWS) && rows.nrows() <= ROWS, "rows of a tile");
        let at = first / COLUMNS * COLUMNS * self.depth + first % COLUMNS;
        let all = self.numbers[at..].chunks_mut(COLUMNS).take(self.depth);
        if let Some(rows) = rows.as_slice().filter(|_| rows.nrows() == ROWS) {
            let row: [&[f64]; ROWS] =
                std::array::from_fn(|r| &rows[r * self.depth..][..self.depth]);
            for (k, to) in all.enumerate() {
                for r in 0..ROWS {
                    to[r] = row[r][k];
                }
            }
            return;
        }
        for (to, column) in all.zip(rows.columns()) {
            to.iter_mut().zip(column).for_each(|(to, x)| *to = *x);
        }
    }

    /// Adds the products of all rows, of which the lower triangle is what counts.
    pub(super) fn add_products(&self, mut to: ArrayViewMut2<'_, f64>) {
        let n = self.rows;
        assert_eq!(to.dim(), (n, n), "room for the products");
        let to = to.as_slice_mut().expect("in rows");
        for from in (0..self.depth).step_by(DEPTH) {
            let depth = DEPTH.min(self.depth - from);
            let part = |panel: usize| &self.numbers[(panel * self.depth + from) * COLUMNS..];
            for group in (0..n.div_ceil(COLUMNS)).step_by(PANELS) {
                for i in (group * COLUMNS..n).step_by(ROWS) {
                    let left = Left::Beside(&part(i / COLUMNS)[i % COLUMNS..], COLUMNS);
                    for panel in
                        (group..group + PANELS).take_while(|panel| panel * COLUMNS < i + ROWS)
                    {
                        let j = panel * COLUMNS;
                        if j >= n {
                            break;
                        }
                        let right = (part(panel), COLUMNS);
                        let to = (&mut to[i * n + j..], n);
                        add_part(self.isa, depth, left, right, to, [n - i, n - j]);
                    }
                }
            }
        }
    }

    /// Puts number `k` of all rows in its places.
    pub(super) fn put_across(&mut self, k: usize, numbers: ArrayView1<'_, f64>) {
        assert!(k < self.depth && numbers.len() == self.rows, "a number of each row");
        let numbers = numbers.to_slice().expect("in a row");
        for (panel, numbers) in numbers.chunks(COLUMNS).enumerate() {
            let at = (panel * self.depth + k) * COLUMNS;
            self.numbers[at..][..numbers.len()].copy_from_slice(numbers);
        }
    }

    /// The sums of the rows times the numbers of vectors (vectors, rows): (vectors, depth).
    pub(super) fn sums(&self, vectors: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut sums = Array2::zeros((vectors.nrows(), self.depth));
        for first in (0..vectors.nrows()).step_by(COLUMNS) {
            let vectors = Across::of(vectors, first);
            let mut to = Across::zeros(self.depth);
            let panels = self.rows.div_ceil(COLUMNS);
            let vectors = vectors.numbers.chunks_exact(COLUMNS * COLUMNS).take(panels);
            for (panel, vectors) in vectors.enumerate() {
                let panel = &self.numbers[panel * self.depth * COLUMNS..];
                for k in (0..self.depth).step_by(ROWS) {
                    let left = Left::Below(&panel[k * COLUMNS..], COLUMNS);
                    let to = (&mut to.numbers[k * COLUMNS..], COLUMNS);
                    add(self.isa, COLUMNS, left, (vectors, COLUMNS), to);
                }
            }
            to.put(first, sums.view_mut());
        }
        sums
    }

    /// Takes the parts along orthonormal modes (modes, depth) off all rows.
    pub(super) fn take_off(&mut self, modes: ArrayView2<'_, f64>) {
        for first in (0..modes.nrows()).step_by(COLUMNS) {
            let modes = Across::of(modes, first);
            let size = self.depth * COLUMNS;
            for panel in 0..self.rows.div_ceil(COLUMNS) {
                let panel = &mut self.numbers[panel * size..];
                let mut parts = [0.0; COLUMNS * COLUMNS];
                for i in (0..COLUMNS).step_by(ROWS) {
                    let (left, to) =
                        (Left::Beside(&panel[i..], COLUMNS), &mut parts[i * COLUMNS..]);
                    add(self.isa, self.depth, left, (&modes.numbers, COLUMNS), (to, COLUMNS));
                }
                let mut turned = [0.0; COLUMNS * COLUMNS];
                for (at, x) in turned.iter_mut().enumerate() {
                    *x = -parts[at % COLUMNS * COLUMNS + at / COLUMNS];
                }
                for k in (0..self.depth).step_by(ROWS) {
                    let left = Left::Below(&modes.numbers[k * COLUMNS..], COLUMNS);
                    let to = (&mut panel[k * COLUMNS..], COLUMNS);
                    let size = [self.depth - k, COLUMNS];
                    add_part(self.isa, COLUMNS, left, (&turned, COLUMNS), to, size);
                }
            }
        }
    }
}

/// Up to 24 vectors side by side: number i of all of them, then zeros, in 24 places. After the last
/// number come 24 to 47 of zero.
#[derive(Debug)]
pub(super) struct Across {
    pub(super) numbers: Aligned<f64>,
}

impl Across {
    pub(super) fn zeros(len: usize) -> Self {
        Self { numbers: Aligned::zeros((len.next_multiple_of(COLUMNS) + COLUMNS) * COLUMNS) }
    }

    /// The rows from `first` on.
    pub(super) fn of(vectors: ArrayView2<'_, f64>, first: usize) -> Self {
        let mut all = Self::zeros(vectors.ncols());
        for (v, row) in vectors.outer_iter().skip(first).take(COLUMNS).enumerate() {
            let to = all.numbers[v..].iter_mut().step_by(COLUMNS);
            to.zip(row).for_each(|(to, x)| *to = *x);
        }
        all
    }

    /// Puts the vectors in the rows from `first` on.
    pub(super) fn put(&self, first: usize, mut rows: ArrayViewMut2<'_, f64>) {
        for (v, mut row) in rows.outer_iter_mut().skip(first).take(COLUMNS).enumerate() {
            let from = self.numbers[v..].iter().step_by(COLUMNS);
            row.iter_mut().zip(from).for_each(|(to, x)| *to = *x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use ndarray::{Axis, s};

    fn random(seed: u64, rows: usize, columns: usize) -> Array2<f64> {
        let numbers = input::gaussian(seed, rows * columns, 1.0);
        Array2::from_shape_vec((rows, columns), numbers).unwrap()
    }

    fn near(what: &str, found: &Array2<f64>, want: &Array2<f64>) {
        assert_eq!(found.dim(), want.dim(), "{what}");
        for ((at, x), want) in found.indexed_iter().zip(want) {
            assert!((x - want).abs() < 1e-12, "{what} at {at:?}: {x} {want}");
        }
    }

    #[test]
    fn products_sums_and_what_is_taken_off_are_as_defined() {
        let sizes = [(1, 1), (7, 30), (24, 8), (25, 13), (40, 50), (123, 70), (30, DEPTH + 9)];
        for ((rows, depth), isa) in
            sizes.into_iter().flat_map(|size| Isa::available().map(move |isa| (size, isa)))
        {
            let what = format!("{rows} rows of {depth} by {}", isa.name());
            let x = random(1, rows, depth);
            let (mut panels, mut others) =
                (Panels::zeros(isa, rows, depth), Panels::zeros(isa, rows, depth));
            for (at, x) in x.axis_chunks_iter(Axis(0), ROWS).enumerate() {
                panels.put(at * ROWS, x);
            }
            for (k, x) in x.t().as_standard_layout().outer_iter().enumerate() {
                others.put_across(k, x);
            }
            assert_eq!(*panels.numbers, *others.numbers, "{what}");
            let start = random(2, rows, rows);
            let mut products = start.clone();
            panels.add_products(products.view_mut());
            let mut want = x.dot(&x.t()) + &start;
            for i in 0..rows {
                // Above the diagonal is whatever is easy.
                want.slice_mut(s![i, i + 1..]).assign(&products.slice(s![i, i + 1..]));
            }
            near(&what, &products, &want);
            let vectors = random(3, 27, rows);
            near(&what, &panels.sums(vectors.view()), &vectors.dot(&x));
            let modes = random(4, 26, depth) / 16.0;
            panels.take_off(modes.view());
            let (first, second) = (modes.slice(s![..COLUMNS, ..]), modes.slice(s![COLUMNS.., ..]));
            let mut left = &x - &x.dot(&first.t()).dot(&first);
            left = &left - &left.dot(&second.t()).dot(&second);
            near(&what, &panels.sums(vectors.view()), &vectors.dot(&left));
        }
    }
}
