//! The density of particles on a grid: counts of cells, smoothed by a Gaussian.
//!
//! Row y and column x of the grid hold the particles of \[y dy, (y + 1) dy) x \[x dx, (x + 1) dx); the
//! last row and column include their ends. A periodic box takes positions modulo its sides; between
//! walls, what is outside is not counted. Counts over dx dy are then convolved along each axis with
//!
//! ```text
//! w[k] = exp(-k^2 / (2 b^2)) / sum over all |k| <= r,    r = floor(4 b + 1/2)
//! ```
//!
//! where b is the bandwidth in cells. A periodic grid repeats; between walls, the cells beyond the
//! edge hold what the cell at the edge holds, so that the mass is not quite the number of particles.
//! This is `numpy.histogram2d` followed by `scipy.ndimage.gaussian_filter` with the mode `wrap` or
//! `nearest`, by which wsindy-manifold defines its density.
//!
//! Convolution along an axis is a matrix: A\[i, j\] is what a particle in cell j adds to cell i. So one
//! particle adds a column of that of x to its row, whatever the boundary and the bandwidth; and rows of
//! the result are sums of those rows, by the few numbers of that of y which are not zero.
//!
//! Error: all terms are positive. A number of the result is off by at most (N + 2 r + 12) eps of it,
//! where N particles are counted: weights are within 4 eps, then come N additions, at most 2 r + 1
//! more, three products and the area.

mod kernel;

use std::ops::Range;

use ndarray::{Array1, Array3, ArrayView2, ArrayView3, Axis};
use thiserror::Error;

use super::swarm::domain::modulo;
use super::swarm::{Boundary, Domain, Vector};
use crate::machine::isa::Isa;

/// The most cells along a side.
pub const MOST_CELLS: usize = 2048;

/// Why there is no density.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The box has no area.
    #[error(transparent)]
    Domain(#[from] super::swarm::Error),
    /// The grid has no cells, or too many.
    #[error("{name}: found {found}, expected 1 to {MOST_CELLS} cells")]
    Grid {
        /// The side, nx or ny.
        name: &'static str,
        /// How many cells.
        found: usize,
    },
    /// The bandwidth is out of its range.
    #[error(
        "bandwidth: found {found}, expected 0 to {MOST_CELLS} cells; it is counted in cells, not in lengths"
    )]
    Bandwidth {
        /// In cells.
        found: f64,
    },
    /// Positions are no trajectory.
    #[error("traj: found the shape {found:?}, expected (frames, particles, 2)")]
    Shape {
        /// What there is.
        found: Vec<usize>,
    },
    /// A position is NaN or infinite.
    #[error("frame {frame}: particle {particle} is at {found:?}, expected finite numbers")]
    NotFinite {
        /// The frame, from 0.
        frame: usize,
        /// The particle, from 0.
        particle: usize,
        /// Where it is.
        found: Vector,
    },
}

/// A grid over a box and a bandwidth, with all the room that a frame takes.
#[derive(Debug, Clone)]
pub struct Density {
    domain: Domain,
    columns: Smoothing,
    rows: Smoothing,
    /// Rows of counts that are smoothed along x, each of whole registers.
    along_x: Vec<f64>,
    isa: Isa,
}

impl Density {
    /// A grid of `nx` columns and `ny` rows, and a bandwidth in cells, 0 for counts as they are.
    ///
    /// # Errors
    ///
    /// If the box, the grid or the bandwidth is out of its range.
    pub fn new(domain: &Domain, [nx, ny]: [usize; 2], bandwidth: f64) -> Result<Self, Error> {
        domain.check()?;
        for (name, found) in [("nx", nx), ("ny", ny)] {
            if !(1..=MOST_CELLS).contains(&found) {
                return Err(Error::Grid { name, found });
            }
        }
        if !(0.0..=MOST_CELLS as f64).contains(&bandwidth) {
            return Err(Error::Bandwidth { found: bandwidth });
        }
        let columns = Smoothing::new(domain.size[0], nx, bandwidth, domain.boundary);
        let rows = Smoothing::new(domain.size[1], ny, bandwidth, domain.boundary);
        let along_x = vec![0.0; ny * columns.stride];
        Ok(Self { domain: *domain, columns, rows, along_x, isa: Isa::best() })
    }

    /// The same by an instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks it.
    #[must_use]
    pub fn on(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        Self { isa, ..self }
    }

    /// The shape of a frame, (ny, nx).
    pub fn shape(&self) -> [usize; 2] {
        [self.rows.cells, self.columns.cells]
    }

    /// The centres of the columns and of the rows: `xgrid` and `ygrid`.
    pub fn centres(&self) -> [Array1<f64>; 2] {
        let [lx, ly] = self.domain.size;
        [(lx, self.columns.cells), (ly, self.rows.cells)].map(|(side, cells)| {
            (0..cells).map(|cell| (cell as f64 + 0.5) * (side / cells as f64)).collect()
        })
    }

    /// The area of a cell, by which sums over cells become masses.
    pub fn cell_area(&self) -> f64 {
        let [lx, ly] = self.domain.size;
        (lx / self.columns.cells as f64) * (ly / self.rows.cells as f64)
    }

    /// The mass of a frame: the number of particles, but for those near walls or beyond them.
    pub fn mass(&self, frame: ArrayView2<'_, f64>) -> f64 {
        frame.sum() * self.cell_area()
    }

    /// The row and the column of a position; none outside the walls, or nowhere.
    #[inline]
    fn cell(&self, [x, y]: Vector) -> Option<[usize; 2]> {
        Some([self.rows.cell(y)?, self.columns.cell(x)?])
    }

    /// The density of particles by the definition, row by row; those outside the walls are left out.
    pub fn reference(&self, x: &[Vector]) -> Vec<f64> {
        let [ny, nx] = self.shape();
        let mut counts = vec![0.0; ny * nx];
        for [row, column] in x.iter().filter_map(|x| self.cell(*x)) {
            counts[row * nx + column] += 1.0 / self.cell_area();
        }
        let source = |at: isize, cells: usize| match self.domain.boundary {
            Boundary::Periodic => at.rem_euclid(cells.cast_signed()).unsigned_abs(),
            Boundary::Reflecting => at.clamp(0, cells.cast_signed() - 1).unsigned_abs(),
        };
        let weights = &self.columns.weights;
        let radius = (weights.len() / 2).cast_signed();
        let smooth = |from: &[f64], along_x: bool| -> Vec<f64> {
            let one = |i: usize| {
                let (row, column) = (i / nx, i % nx);
                let at = |(w, k): (&f64, isize)| {
                    let [row, column] = if along_x {
                        [row, source(column.cast_signed() + k, nx)]
                    } else {
                        [source(row.cast_signed() + k, ny), column]
                    };
                    w * from[row * nx + column]
                };
                weights.iter().zip(-radius..).map(at).sum()
            };
            (0..ny * nx).map(one).collect()
        };
        smooth(&smooth(&counts, false), true)
    }

    /// The most by which a number of a frame of `particles` may be off, relative: see the module.
    pub fn relative_error(&self, particles: usize) -> f64 {
        (particles + self.columns.weights.len() + 12) as f64 * f64::EPSILON
    }

    /// Leaves the density of particles in `into`, row by row; those outside the walls are left out.
    ///
    /// Within the error of the module of [`Density::reference`], with the same bits on every
    /// processor. Asks the heap for no memory.
    ///
    /// # Panics
    ///
    /// If `into` has other than ny nx numbers.
    pub fn frame(&mut self, x: &[Vector], into: &mut [f64]) {
        let [ny, nx] = self.shape();
        assert_eq!(into.len(), ny * nx, "not one number for each cell");
        self.along_x.fill(0.0);
        let stride = self.columns.stride;
        for x in x {
            let Some([row, column]) = self.cell(*x) else { continue };
            let to = &mut self.along_x[row * stride..][..stride];
            kernel::add(self.isa, to, self.columns.added(column));
        }
        let rows = kernel::Rows { numbers: &self.along_x, stride, scale: 1.0 / self.cell_area() };
        for (row, into) in into.chunks_exact_mut(nx).enumerate() {
            kernel::sum(self.isa, &rows, self.rows.sources(row), into);
        }
    }

    /// The densities of all frames of a trajectory, (frames, ny, nx).
    ///
    /// # Errors
    ///
    /// If it has another shape than (frames, particles, 2), or a position is not finite.
    pub fn movie(&mut self, traj: ArrayView3<'_, f32>) -> Result<Array3<f64>, Error> {
        let (frames, n, axes) = traj.dim();
        if axes != 2 {
            return Err(Error::Shape { found: vec![frames, n, axes] });
        }
        let [ny, nx] = self.shape();
        let mut movie = Array3::zeros((frames, ny, nx));
        let mut x = vec![[0.0; 2]; n];
        for (frame, from) in traj.outer_iter().enumerate() {
            for (particle, (x, from)) in x.iter_mut().zip(from.outer_iter()).enumerate() {
                *x = [f64::from(from[0]), f64::from(from[1])];
                if !x.iter().all(|x| x.is_finite()) {
                    return Err(Error::NotFinite { frame, particle, found: *x });
                }
            }
            let mut into = movie.index_axis_mut(Axis(0), frame);
            self.frame(&x, into.as_slice_mut().unwrap_or_default());
        }
        Ok(movie)
    }
}

/// The convolution along an axis.
#[derive(Debug, Clone)]
struct Smoothing {
    side: f64,
    boundary: Boundary,
    cells: usize,
    /// Of a cell, and one over it.
    width: f64,
    per_length: f64,
    /// Numbers from one column of the matrix to the next: whole registers.
    stride: usize,
    /// From -r to r.
    weights: Vec<f64>,
    /// Column j of the matrix: what a particle in cell j adds to all cells.
    matrix: Vec<f64>,
    /// The numbers of row i that are not zero, and where they stand.
    rows: Vec<Range<usize>>,
    sources: Vec<u32>,
    sparse: Vec<f64>,
}

impl Smoothing {
    #[expect(clippy::cast_possible_truncation, reason = "below 2^14")]
    fn new(side: f64, cells: usize, bandwidth: f64, boundary: Boundary) -> Self {
        let radius = (4.0 * bandwidth + 0.5) as isize;
        // Without a bandwidth a weight of one.
        let scale = if bandwidth > 0.0 { -0.5 / (bandwidth * bandwidth) } else { 0.0 };
        let weight = |k: isize| (scale * (k * k) as f64).exp();
        let sum: f64 = (-radius..=radius).map(weight).sum();
        let weights: Vec<f64> = (-radius..=radius).map(|k| weight(k) / sum).collect();
        let stride = cells.next_multiple_of(kernel::LANES);
        let mut matrix = vec![0.0; cells * stride];
        let last = cells.cast_signed() - 1;
        for to in 0..cells {
            for (k, w) in (-radius..).zip(&weights) {
                let at = to.cast_signed() + k;
                let from = match boundary {
                    Boundary::Periodic => at.rem_euclid(last + 1),
                    Boundary::Reflecting => at.clamp(0, last),
                };
                matrix[from.unsigned_abs() * stride + to] += w;
            }
        }
        let (mut rows, mut sources, mut sparse) = (Vec::new(), Vec::new(), Vec::new());
        for to in 0..cells {
            let start = sources.len();
            for from in 0..cells {
                let w = matrix[from * stride + to];
                if w != 0.0 {
                    sources.push(from as u32);
                    sparse.push(w);
                }
            }
            rows.push(start..sources.len());
        }
        let width = side / cells as f64;
        let per_length = 1.0 / width;
        Self {
            side,
            boundary,
            cells,
            width,
            per_length,
            stride,
            weights,
            matrix,
            rows,
            sources,
            sparse,
        }
    }

    /// The cell of a position, by the edges of cells, which are multiples of a rounded width.
    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..=2048")]
    fn cell(&self, x: f64) -> Option<usize> {
        let x = match self.boundary {
            Boundary::Periodic => modulo(x, self.side),
            Boundary::Reflecting => x,
        };
        if !(0.0..=self.side).contains(&x) {
            return None;
        }
        let last = self.cells - 1;
        let mut cell = ((x * self.per_length) as usize).min(last);
        // The product may have been rounded across an edge.
        while cell > 0 && x < cell as f64 * self.width {
            cell -= 1;
        }
        while cell < last && x >= (cell + 1) as f64 * self.width {
            cell += 1;
        }
        Some(cell)
    }

    fn added(&self, cell: usize) -> &[f64] {
        &self.matrix[cell * self.stride..][..self.stride]
    }

    fn sources(&self, cell: usize) -> (&[u32], &[f64]) {
        let range = self.rows[cell].clone();
        (&self.sources[range.clone()], &self.sparse[range])
    }
}

#[cfg(test)]
mod tests;
