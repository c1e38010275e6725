//! Particles sorted by cells of a grid, so that the neighbours of one stand in a few runs.
//!
//! Cells are about half the reach wide. A particle within reach of another is at most m cells away
//! along each side, m = ceil(reach / width); the cells of a row that are so near lie side by side, and
//! so do their particles, but for a seam. Where 2 m + 1 cells are as many as the side has, or more,
//! all of them are taken once: so every pair is met once, however small the box is.

use super::lanes::LANES;
use super::{Boundary, Domain, Vector};

/// The cells of one side.
#[derive(Debug, Clone, Copy)]
struct Side {
    cells: usize,
    /// Cells per length.
    per_length: f64,
    /// How many cells away a neighbour may be.
    away: usize,
    periodic: bool,
}

impl Side {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to a few thousand"
    )]
    fn new(length: f64, reach: f64, most: usize, periodic: bool) -> Self {
        let cells = (2.0 * length / reach).floor().clamp(1.0, most as f64);
        let per_length = cells / length;
        // A little more, for numbers that were rounded.
        let away = (reach * per_length * (1.0 + 1e-9)).ceil().min(cells);
        Self { cells: cells as usize, per_length, away: away as usize, periodic }
    }

    /// The cell of a position in the box.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    fn cell(&self, x: f64) -> usize {
        ((x * self.per_length) as usize).min(self.cells - 1)
    }

    /// The cells within reach of one, as at most two ranges in ascending order.
    fn near(&self, cell: usize) -> [(usize, usize); 2] {
        let Self { cells, away, .. } = *self;
        if self.periodic && 2 * away + 1 >= cells {
            return [(0, cells), (cells, cells)];
        }
        let (low, high) = (cell.cast_signed() - away.cast_signed(), cell + away + 1);
        let low_end = usize::try_from(low).unwrap_or(0);
        if !self.periodic || (low >= 0 && high <= cells) {
            return [(low_end, high.min(cells)), (cells, cells)];
        }
        if low < 0 {
            [(0, high), (cells - low.unsigned_abs(), cells)]
        } else {
            [(0, high - cells), (low_end, cells)]
        }
    }
}

/// Particles in the order of their cells, row by row.
#[derive(Debug, Clone)]
pub(super) struct Sorted {
    sides: [Side; 2],
    /// Where each particle of the order came from.
    pub(super) order: Vec<u32>,
    /// Positions and headings in that order, x and y apart, with [`LANES`] more numbers.
    pub(super) x: [Vec<f64>; 2],
    pub(super) headings: [Vec<f64>; 2],
    /// Cell c holds those from `first[c]` to `first[c + 1]`.
    first: Vec<u32>,
    of_particle: Vec<u32>,
}

impl Sorted {
    /// Cells for `n` particles that see each other up to the distance `reach`.
    pub(super) fn new(domain: &Domain, reach: f64, n: usize) -> Self {
        // No more cells than about four for each particle.
        let most = 2 * n.isqrt() + 1;
        let periodic = domain.boundary == Boundary::Periodic;
        let sides = domain.size.map(|length| Side::new(length, reach, most, periodic));
        let numbers = || [vec![0.0; n + LANES], vec![0.0; n + LANES]];
        Self {
            sides,
            order: vec![0; n],
            x: numbers(),
            headings: numbers(),
            first: vec![0; sides[0].cells * sides[1].cells + 1],
            of_particle: vec![0; n],
        }
    }

    /// Sorts particles anew.
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^24 particles and cells")]
    pub(super) fn sort(&mut self, x: &[Vector], headings: &[Vector]) {
        self.first.fill(0);
        for (cell, x) in self.of_particle.iter_mut().zip(x) {
            let [column, row] = [self.sides[0].cell(x[0]), self.sides[1].cell(x[1])];
            *cell = (row * self.sides[0].cells + column) as u32;
            self.first[*cell as usize] += 1;
        }
        // Ends of the cells, from which the particles are put in place backwards.
        let mut end = 0;
        for first in &mut self.first {
            end += *first;
            *first = end;
        }
        for i in (0..x.len()).rev() {
            let first = &mut self.first[self.of_particle[i] as usize];
            *first -= 1;
            let at = *first as usize;
            self.order[at] = i as u32;
            for a in 0..2 {
                self.x[a][at] = x[i][a];
                self.headings[a][at] = headings[i][a];
            }
        }
    }

    /// How many cells there are.
    pub(super) fn cells(&self) -> usize {
        self.first.len() - 1
    }

    /// The range of particles in a cell.
    pub(super) fn of(&self, cell: usize) -> (usize, usize) {
        (self.first[cell] as usize, self.first[cell + 1] as usize)
    }

    /// Ranges of particles, in ascending order, among which are all neighbours of those in a cell
    /// that stand behind the first of them; returns how many ranges.
    pub(super) fn near(&self, cell: usize, ranges: &mut [(usize, usize); MOST_RANGES]) -> usize {
        let columns = self.sides[0].cells;
        let (row, column) = (cell / columns, cell % columns);
        let (own, mut count) = (self.of(cell), 0);
        for (low, high) in self.sides[1].near(row) {
            for other in low.max(row)..high {
                for (left, right) in self.sides[0].near(column) {
                    let [from, to] =
                        [left, right].map(|column| self.first[other * columns + column] as usize);
                    if to <= own.0 || from == to {
                        continue;
                    }
                    if count > 0 && (ranges[count - 1].1 == from || count == MOST_RANGES) {
                        ranges[count - 1].1 = to;
                    } else {
                        ranges[count] = (from, to);
                        count += 1;
                    }
                }
            }
        }
        count
    }
}

/// Beyond so many, ranges are joined, with what is between.
pub(super) const MOST_RANGES: usize = 16;
