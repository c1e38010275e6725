//! Shifts that bring frames of a periodic field onto a reference: the largest cross-correlation.
//!
//! A frame moves by the rows dy and columns dx, -n/2 < dy, dx <= n/2, for which the sum over all cells of
//! reference\[y, x\] frame\[y - dy, x - dx\] is the largest. The correlation is the inverse Fourier
//! transform of F(reference) conj(F(frame)). Correlations that differ by no more than rounding are equal,
//! and of these the first, row after row, is taken.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::waves::{Side, fold, product, unfold};

/// The field that frames are shifted onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The mean of all frames.
    Mean,
    /// The first frame of the first run.
    First,
    /// The median of each cell over all frames.
    Median,
}

impl Reference {
    /// The reference of a name of wsindy-manifold.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Mean, Self::First, Self::Median].into_iter().find(|known| known.name() == name)
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::Median => "median",
        }
    }
}

/// Correlates frames with one field.
#[derive(Debug)]
pub struct Correlator {
    down: Side,
    across: Side,
    /// The transform of the field, times the number of frequencies that a number stands for.
    field: Array2<f64>,
    /// The root of the sum of the squares of the field.
    norm: f64,
    /// Room for steps of a transform.
    room: [Array2<f64>; 2],
}

impl Correlator {
    /// Prepares correlations with a field, whose transform is kept.
    ///
    /// # Panics
    ///
    /// If it has no cell.
    pub fn to(field: ArrayView2<'_, f64>) -> Self {
        let (ny, nx) = field.dim();
        assert!(ny > 0 && nx > 0, "a field without a cell");
        let [down, across] = [ny, nx].map(Side::of);
        let room = [(); 2].map(|()| Array2::zeros((ny, nx)));
        let mut correlator =
            Self { down, across, field: Array2::zeros((ny, nx)), norm: norm(field), room };
        correlator.transform(field);
        let weights = [correlator.down.weights(), correlator.across.weights()];
        correlator.field = Array2::from_shape_fn((ny, nx), |(l, k)| {
            weights[0][l] * weights[1][k] * correlator.room[0][[l, k]]
        });
        correlator
    }

    /// The rows and columns that a frame moves by.
    ///
    /// # Panics
    ///
    /// If it has another shape than the field.
    pub fn shift(&mut self, frame: ArrayView2<'_, f64>) -> [i64; 2] {
        let (ny, nx) = self.field.dim();
        assert_eq!(frame.dim(), (ny, nx), "a frame of another shape");
        self.transform(frame);
        self.multiply();
        let [correlation, other] = &mut self.room;
        self.down.left(correlation.view(), other);
        self.across.right(other.view(), correlation);
        self.down.unfold_rows(correlation.view(), other);
        let mut largest = f64::NEG_INFINITY;
        for (from, to) in other.rows().into_iter().zip(correlation.rows_mut()) {
            let (from, to) = (from.to_slice().expect("in rows"), to.into_slice().expect("in rows"));
            unfold(from, to);
            largest = to.iter().fold(largest, |most, c| if *c > most { *c } else { most });
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let cells = (ny * nx) as f64;
        // The transforms leave out the division by the number of cells.
        let rounding = 16.0 * f64::EPSILON * cells * self.norm * norm(frame);
        let found = correlation.iter().position(|c| *c >= largest - rounding).unwrap_or(0);
        [(found / nx, ny), (found % nx, nx)].map(|(shift, n)| signed(shift, n))
    }

    /// Puts the transform of a field into the first room.
    fn transform(&mut self, field: ArrayView2<'_, f64>) {
        let [a, b] = &mut self.room;
        for (from, to) in field.rows().into_iter().zip(a.rows_mut()) {
            let to = to.into_slice().expect("in rows");
            match from.to_slice() {
                Some(from) => fold(from, to),
                None => fold(&from.to_vec(), to),
            }
        }
        self.across.right(a.view(), b);
        self.down.fold_rows(b.view(), a);
        self.down.left(a.view(), b);
        self.room.swap(0, 1);
    }

    /// Multiplies the field by the complex conjugate of the transform in the first room, which becomes
    /// the product.
    fn multiply(&mut self) {
        let [even_rows, even] = [self.down.even(), self.across.even()];
        let (mut of_even, mut of_odd) = self.room[0].view_mut().split_at(Axis(0), even_rows);
        for l in 0..even_rows {
            let mut cos = of_even.row_mut(l);
            let cos = cos.as_slice_mut().expect("in rows").split_at_mut(even);
            let field = self.field.row(l).to_slice().expect("in rows").split_at(even);
            if (1..=of_odd.nrows()).contains(&l) {
                let mut sin = of_odd.row_mut(l - 1);
                let sin = sin.as_slice_mut().expect("in rows").split_at_mut(even);
                let odd = self.field.row(even_rows + l - 1);
                product([field, odd.to_slice().expect("in rows").split_at(even)], [cos, sin]);
            } else {
                // Here all sines along this axis are zero.
                let mut none = vec![0.0; cos.0.len() + cos.1.len()];
                let zeros = none.clone();
                product([field, zeros.split_at(even)], [cos, none.split_at_mut(even)]);
            }
        }
    }
}

/// Moves a frame by some rows and columns, around the box, into `to`, row after row.
///
/// # Panics
///
/// If there is not room for its cells.
pub fn roll(frame: ArrayView2<'_, f64>, shift: [i64; 2], to: &mut [f64]) {
    let (ny, nx) = frame.dim();
    assert_eq!(to.len(), ny * nx, "room for the frame");
    let [dy, dx] = [(shift[0], ny), (shift[1], nx)].map(|(shift, n)| around(shift, n));
    for (y, row) in frame.outer_iter().enumerate() {
        let to = &mut to[(y + dy) % ny * nx..][..nx];
        let (end, start) = (row.slice(s![..nx - dx]), row.slice(s![nx - dx..]));
        to[dx..].iter_mut().zip(end).for_each(|(to, x)| *to = *x);
        to[..dx].iter_mut().zip(start).for_each(|(to, x)| *to = *x);
    }
}

/// A shift as 0 to n - 1.
fn around(shift: i64, n: usize) -> usize {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    usize::try_from(shift.rem_euclid(n)).unwrap_or(0)
}

/// A shift of 0 to n - 1 as -n/2 < shift <= n/2.
fn signed(shift: usize, n: usize) -> i64 {
    let wide = |x: usize| i64::try_from(x).unwrap_or(i64::MAX);
    if shift <= n / 2 { wide(shift) } else { wide(shift) - wide(n) }
}

fn norm(field: ArrayView2<'_, f64>) -> f64 {
    field.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    fn field(seed: u64, ny: usize, nx: usize) -> Array2<f64> {
        Array2::from_shape_vec((ny, nx), input::gaussian(seed, ny * nx, 1.0)).unwrap()
    }

    #[test]
    fn the_shift_has_the_largest_correlation_of_all() {
        for (seed, (ny, nx)) in (0..).zip([(1, 1), (1, 6), (5, 1), (2, 2), (5, 4), (6, 7), (9, 9)])
        {
            let (a, b) = (field(seed, ny, nx), field(seed + 50, ny, nx));
            let correlation = |dy: usize, dx: usize| -> f64 {
                let cells = a.indexed_iter();
                cells.map(|((y, x), a)| a * b[[(y + ny - dy) % ny, (x + nx - dx) % nx]]).sum()
            };
            let all = (0..ny).flat_map(|dy| (0..nx).map(move |dx| [dy, dx]));
            let best =
                all.max_by(|p, q| correlation(p[0], p[1]).total_cmp(&correlation(q[0], q[1])));
            let found = Correlator::to(a.view()).shift(b.view());
            let [dy, dx] = best.unwrap();
            assert_eq!(found, [signed(dy, ny), signed(dx, nx)], "{ny} x {nx}");
            let mut moved = vec![0.0; ny * nx];
            roll(b.view(), found, &mut moved);
            let got: f64 = moved.iter().zip(&a).map(|(x, y)| x * y).sum();
            assert!((got - correlation(dy, dx)).abs() < 1e-12, "rolled by as much");
        }
    }

    #[test]
    fn a_frame_that_was_moved_comes_back() {
        let frame = field(3, 8, 5);
        let mut correlator = Correlator::to(frame.view());
        for shift in [[0, 0], [1, 0], [4, -2], [-3, 2], [17, -9]] {
            let (mut moved, mut back) = (vec![0.0; 40], vec![0.0; 40]);
            roll(frame.view(), shift, &mut moved);
            let moved = ArrayView2::from_shape((8, 5), &moved).unwrap();
            let found = correlator.shift(moved);
            roll(moved, found, &mut back);
            assert!(back.iter().eq(&frame), "{shift:?}, back by {found:?}");
        }
    }

    #[test]
    fn of_equal_correlations_the_first_is_taken() {
        let small = (1..14).flat_map(|ny| (1..14).map(move |nx| (ny, nx)));
        for (ny, nx) in small.chain([(64, 64), (48, 31), (1, 200)]) {
            let even = Array2::from_elem((ny, nx), 0.3);
            assert_eq!(Correlator::to(even.view()).shift(even.view()), [0, 0], "{ny} x {nx}");
        }
        // A pattern that comes back after some columns, so that correlations do, too.
        let small = (2..9).flat_map(|period| (2..6).map(move |times| (period, times)));
        for (period, times) in small.chain([(16, 4), (31, 3)]) {
            let (pattern, nx) = (field(1, 5, period), period * times);
            let stripes = Array2::from_shape_fn((5, nx), |(y, x)| pattern[[y, x % period]]);
            let mut moved = vec![0.0; 5 * nx];
            roll(stripes.view(), [1, 1], &mut moved);
            let moved = ArrayView2::from_shape((5, nx), &moved).unwrap();
            let found = Correlator::to(stripes.view()).shift(moved);
            assert_eq!(found, [-1, signed(period - 1, nx)], "{times} times {period} columns");
        }
    }
}
