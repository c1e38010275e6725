//! All eigenvalues of a symmetric matrix, and the eigenvectors of the largest of them.
//!
//! The matrix is reduced to a band by Householder reflections, in panels, which is nearly all the work and
//! consists of products of matrices; then to a tridiagonal matrix. QL gives the eigenvalues, and inverse
//! iteration as many vectors as are asked for, so that their number and not that of all decides what they
//! cost. Every vector is checked: its residual is at most [`Eigen::bound`]. The factorisation stands here,
//! since of the crates that have one faer takes more than a minute to build, and nalgebra is slower than
//! `NumPy`.
//!
//! | module    | holds                                                    |
//! |-----------|----------------------------------------------------------|
//! | `band`    | the reduction to a band, and the way back                |
//! | `chase`   | the reduction to a tridiagonal matrix, and the way back  |
//! | `values`  | eigenvalues of a tridiagonal matrix                      |
//! | `vectors` | its eigenvectors by inverse iteration                    |
//! | `vector`  | sums and reflections of vectors                          |
//!
//! Sources: G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed. (2013), ch. 8.3, 5.1.7 (panels) and
//! 7.6.1; C. H. Bischof, B. Lang, X. Sun, ACM Trans. Math. Softw. 26 (2000) 581-601 (by way of a band).

use ndarray::{Array2, ArrayViewMut2};
use thiserror::Error;

mod band;
mod chase;
#[cfg(test)]
mod tests;
mod values;
mod vector;
mod vectors;

use super::panels::Across;
use super::tile::COLUMNS;
use crate::machine::isa::Isa;
use band::Banded;
use chase::Chase;

/// Why there are no eigenvalues or vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// QL did not end.
    #[error("eigenvalue {at} did not converge; scale the data so that their squares are in range")]
    Value {
        /// The eigenvalue, from 0.
        at: usize,
    },
    /// Inverse iteration did not end.
    #[error("eigenvector {at} did not converge; ask for fewer modes")]
    Vector {
        /// The eigenvector, from 0, of the largest eigenvalue first.
        at: usize,
    },
}

/// The eigenvalues of a symmetric matrix, and what its vectors follow from.
#[derive(Debug)]
pub struct Eigen<'a> {
    isa: Isa,
    banded: Banded<'a>,
    chase: Chase,
    /// A power of two that the matrix was multiplied by, so that squares are in the range of `f64`.
    scale: f64,
    /// Descending.
    values: Vec<f64>,
}

impl<'a> Eigen<'a> {
    /// Decomposes a symmetric matrix, of which the lower triangle is read; the matrix is overwritten.
    ///
    /// # Errors
    ///
    /// If QL does not end, as with NaN or numbers beyond the range of `f64`.
    ///
    /// # Panics
    ///
    /// If the matrix is not square and in rows.
    pub fn of(matrix: ArrayViewMut2<'a, f64>) -> Result<Self, Error> {
        Self::by(Isa::best(), matrix)
    }

    /// By the kernels of an instruction set, which this processor must have.
    fn by(isa: Isa, mut matrix: ArrayViewMut2<'a, f64>) -> Result<Self, Error> {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        let scale = scale(matrix.view_mut());
        let (banded, band) = Banded::of(isa, matrix);
        let chase = Chase::of(isa, band);
        let mut values = values::descending(&chase.diagonal, &chase.beside)?;
        values.iter_mut().for_each(|value| *value /= scale);
        Ok(Self { isa, banded, chase, scale, values })
    }

    /// The eigenvalues, the largest first. Their error is about [`Eigen::bound`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The most that rounding makes of a residual: the number of rows times epsilon of the largest
    /// magnitude.
    pub fn bound(&self) -> f64 {
        let largest = self.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let n = self.values.len() as f64;
        n.max(8.0) * f64::EPSILON * largest
    }

    /// The eigenvectors of the `count` largest eigenvalues as rows (count, n), of norm 1 and
    /// orthogonal.
    ///
    /// # Errors
    ///
    /// If inverse iteration does not end.
    ///
    /// # Panics
    ///
    /// If there are fewer eigenvalues.
    pub fn vectors(&self, count: usize) -> Result<Array2<f64>, Error> {
        let values: Vec<f64> = self.values[..count].iter().map(|x| x * self.scale).collect();
        let bound = self.bound() * self.scale;
        let (diagonal, beside) = (&self.chase.diagonal, &self.chase.beside);
        let mut rows = vectors::of(self.isa, diagonal, beside, &values, bound)?;
        for first in (0..count).step_by(COLUMNS) {
            let mut vectors = Across::of(rows.view(), first);
            self.chase.back(&mut vectors);
            self.banded.back(&mut vectors);
            vectors.put(first, rows.view_mut());
        }
        Ok(rows)
    }
}

/// Scales the lower triangle of a matrix whose squares may be beyond the range of `f64` by a power of two;
/// returns that.
fn scale(mut matrix: ArrayViewMut2<'_, f64>) -> f64 {
    let mut largest: f64 = 0.0;
    for (i, row) in matrix.outer_iter().enumerate() {
        largest = row.iter().take(i + 1).fold(largest, |most, x| most.max(x.abs()));
    }
    if !largest.is_finite() || largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return 1.0;
    }
    let scale = (-largest.log2().floor()).clamp(-1000.0, 1000.0).exp2();
    for (i, mut row) in matrix.outer_iter_mut().enumerate() {
        row.iter_mut().take(i + 1).for_each(|x| *x *= scale);
    }
    scale
}
