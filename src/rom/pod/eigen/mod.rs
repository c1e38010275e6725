//! All eigenvalues of a symmetric matrix, and the eigenvectors of the largest of them.
//!
//! The matrix is reduced to a tridiagonal one by Householder reflections, in panels; QL gives the
//! eigenvalues, and inverse iteration as many vectors as are asked for, so that their number and not
//! that of all decides what they cost. Every vector is checked: its residual is at most
//! [`Eigen::bound`]. The factorisation stands here, since of the crates that have one faer takes more
//! than a minute to build, and nalgebra is slower than `NumPy`.
//!
//! | module        | holds                                    |
//! |---------------|------------------------------------------|
//! | `tridiagonal` | the reduction, and the way back          |
//! | `symmetric`   | product of a symmetric matrix, a vector  |
//! | `values`      | eigenvalues of a tridiagonal matrix      |
//! | `vectors`     | its eigenvectors by inverse iteration    |
//!
//! Source: G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed. (2013), ch. 8.3 and 7.6.1;
//! J. J. Dongarra, S. J. Hammarling, D. C. Sorensen, J. Comput. Appl. Math. 27 (1989) 215-227 (panels).

use ndarray::{Array2, ArrayViewMut2};
use thiserror::Error;

mod symmetric;
#[cfg(test)]
mod tests;
mod tridiagonal;
mod values;
mod vectors;

use tridiagonal::Reduced;

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
    reduced: Reduced<'a>,
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
        let reduced = Reduced::of(matrix);
        let values = values::descending(&reduced.diagonal, &reduced.beside)?;
        Ok(Self { reduced, values })
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
        let mut rows = vectors::of(
            &self.reduced.diagonal,
            &self.reduced.beside,
            &self.values[..count],
            self.bound(),
        )?;
        self.reduced.back(rows.view_mut());
        Ok(rows)
    }
}
