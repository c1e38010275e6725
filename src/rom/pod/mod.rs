//! Proper orthogonal decomposition: a field as a mean and a few orthogonal modes.
//!
//! With x the frames of all runs after a pointwise transform, less their mean, the modes are the left
//! singular vectors of the matrix whose columns are the x, in the order of the singular values S; the
//! energy of a mode is its S^2. A frame becomes the latent state a = U^T x, and a state the frame
//! U a + mean.
//!
//! | module      | holds                                                                  |
//! |-------------|------------------------------------------------------------------------|
//! | `transform` | what is done to each frame before the decomposition, and its inverse   |
//! | `align`     | shifts that bring frames of a periodic field onto a reference          |
//! | `waves`     | their Fourier transforms                                               |
//! | `frames`    | the frames of runs as they enter the decomposition, in blocks          |
//! | `snapshots` | modes and singular values from the products of frames or of cells      |
//! | `eigen`     | eigenvalues of a symmetric matrix and the vectors of the largest       |
//! | `standard`  | latent states of mean 0 and standard deviation 1                       |
//! | `basis`     | the modes, projection and lifting                                      |
//! | `kernel`    | products of frames and modes                                           |
//! | `panels`    | rows of numbers in the order of tiles, and their products              |
//! | `tile`      | products of matrices by vector units, a tile at a time                 |
//!
//! Sources: L. Sirovich, Q. Appl. Math. 45 (1987) 561-571 (snapshots); the conventions are those of
//! wsindy-manifold.

use ndarray::{Array2, ArrayView3};
use thiserror::Error;

pub mod align;
mod basis;
pub mod eigen;
mod frames;
mod kernel;
mod panels;
mod snapshots;
mod standard;
#[cfg(test)]
mod tests;
mod tile;
mod transform;
mod waves;

pub use align::Reference;
pub use basis::{Basis, Spectrum};
pub use standard::Standard;
pub use transform::Transform;

use frames::Frames;

/// Why there is no decomposition.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no run.
    #[error("found no run, expected at least one")]
    NoRuns,
    /// A run has no frame or no cell, or other cells than the first.
    #[error("run {run}: found frames of shape {found:?}, expected {expected}")]
    Shape {
        /// The run, from 0.
        run: usize,
        /// Frames, rows and columns.
        found: [usize; 3],
        /// What fits.
        expected: String,
    },
    /// A number is not finite, or the transform has no value there.
    #[error("run {run}, frame {frame}, cell {cell}: found {value}, expected {expected}")]
    Value {
        /// The run, from 0.
        run: usize,
        /// The frame, from 0.
        frame: usize,
        /// The cell, row after row, from 0.
        cell: usize,
        /// The number.
        value: f64,
        /// Its domain.
        expected: &'static str,
    },
    /// An option is out of its domain.
    #[error("{option}: found {found}, expected {expected}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        found: String,
        /// Its domain.
        expected: String,
    },
    /// All frames are equal, so that there is no mode.
    #[error("all {frames} frames are equal, so there is no mode; give frames that differ")]
    Constant {
        /// How many frames there are.
        frames: usize,
    },
    /// There are fewer modes than asked for.
    #[error(
        "fixed_modes: found {modes}, expected at most {rank}, the rank of {frames} frames of {cells} \
         cells less their mean"
    )]
    Rank {
        /// The modes asked for.
        modes: usize,
        /// The modes there are.
        rank: usize,
        /// How many frames there are.
        frames: usize,
        /// The cells of each.
        cells: usize,
    },
    /// The products have no eigenvectors.
    #[error("the products of the frames: {0}")]
    Eigen(#[from] eigen::Error),
}

/// How many modes are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Modes {
    /// This many.
    Fixed(usize),
    /// As few as have this part of the energy, above 0 and at most 1.
    Energy(f64),
}

/// Options of a decomposition; the defaults are those of wsindy-manifold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Every how many frames of a run one is taken, from the first on.
    pub subsample: usize,
    /// What is done to each frame.
    pub transform: Transform,
    /// The field that frames are shifted onto, of a periodic box; `None` leaves them where they are.
    pub align: Option<Reference>,
    /// How many modes are kept.
    pub modes: Modes,
    /// `latent_standardize`: whether latent states get mean 0 and standard deviation 1.
    pub standardize: bool,
}

impl Default for Config {
    fn default() -> Self {
        let (transform, modes) = (Transform::Raw, Modes::Energy(0.995));
        Self { subsample: 1, transform, align: None, modes, standardize: false }
    }
}

/// The decomposition of the frames of some runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// The modes, and what leads to latent states and back.
    pub basis: Basis,
    /// The latent states of each run, (frames, modes), standardised if that was asked for.
    pub latent: Vec<Array2<f64>>,
    /// The rows and columns that each frame of all runs was shifted by, (frames, 2), if they were.
    pub shifts: Option<Array2<i64>>,
}

impl Pod {
    /// Decomposes runs of frames (frames, rows, columns).
    ///
    /// # Errors
    ///
    /// If runs or options are unfit, a transform has no value somewhere, or there are fewer modes than
    /// asked for.
    ///
    /// # Panics
    ///
    /// Never: the reference is of the shape of the frames.
    pub fn of(runs: &[ArrayView3<'_, f64>], config: &Config) -> Result<Self, Error> {
        config.check()?;
        let mut frames = Frames::of(runs, config)?;
        let reference = config.align.map(|reference| {
            let field = frames.reference(reference);
            frames.align(field.view());
            field
        });
        let mean = frames.mean()?;
        let found = snapshots::decompose(&frames, mean.view(), config.modes)?;
        let (modes, spectrum) = (found.modes, found.spectrum);
        let mut basis = Basis::of(frames.shape(), modes, mean, spectrum, config.transform);
        if let Some(field) = reference {
            basis = basis.with_reference(field).expect("a field of such frames");
        }
        let mut latent = frames.latent(&basis);
        if config.standardize {
            let standard = Standard::of(&latent);
            latent.iter_mut().for_each(|states| standard.apply(states.view_mut()));
            basis = basis.standardised(standard);
        }
        Ok(Self { basis, latent, shifts: frames.into_shifts() })
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let wrong = |option, found: String, expected: &str| {
            Err(Error::Option { option, found, expected: expected.to_owned() })
        };
        if self.subsample == 0 {
            return wrong("subsample", "0".to_owned(), "1 or more");
        }
        match self.modes {
            Modes::Fixed(0) => return wrong("fixed_modes", "0".to_owned(), "1 or more"),
            Modes::Energy(part) if !(part > 0.0 && part <= 1.0) => {
                return wrong("pod_energy", part.to_string(), "a part above 0 and at most 1");
            }
            _ => {}
        }
        match self.transform.eps() {
            Some(eps) if !(eps >= 0.0 && eps.is_finite()) => {
                wrong("density_transform_eps", eps.to_string(), "a finite number, 0 or more")
            }
            _ => Ok(()),
        }
    }
}
