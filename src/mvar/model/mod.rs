//! A fitted model, and the kinds of file that hold one.
//!
//! | arrays                                                  | lags         | constant |
//! |---------------------------------------------------------|--------------|----------|
//! | `A_matrices` (p, d, d), `intercept` (d), `p`, `r`        | oldest first | yes      |
//! | `A_matrices`, `A_companion` (d, p d), `p`, `r`           | oldest first | no       |
//! | `A_coeffs` (p, d, d), `A0` (d), `order`, `latent_dim`    | newest first | yes      |
//! | `A` (p, d, d), `A0` (d), `order`, `latent_dim`           | newest first | yes      |
//! | `A` (p, d, d), `A0` (d), `w`                             | newest first | yes      |
//! | `A_j` (p, d, d), `A_0` (d), `order`, `latent_dim`        | newest first | yes      |
//!
//! The kind is told by the names. The first is what [`Model::save`] writes. The others are of
//! wsindy-manifold, whose writers also add what is not read, as `ridge`; the second leaves the
//! intercept of the fit out, which [`Model::load`] gets back from the windows of the fit if these are
//! where wsindy-manifold puts them; see `intercept`. Numbers in single precision are widened. Sizes
//! and the companion matrix must agree with the coefficients; other arrays are not looked at.

use std::fmt;
use std::path::Path;

use ndarray::{
    Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, Ix0, Ix2, arr0, s,
};
use thiserror::Error;

use super::packed::{Packed, Real};
use crate::file::npz;

mod intercept;
mod windows;

pub use windows::runs;

/// The array that says how long the fit took.
pub(super) const TRAINING_SECONDS: &str = "training_seconds";

/// Why a model cannot be made, loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The names of the arrays belong to no known kind of file.
    #[error(
        "{file}: found the arrays {}, expected `A_matrices`, or `A0` with `A_coeffs` or `A`, or `A_0` \
         with `A_j`",
        npz::first_ten(found)
    )]
    Unrecognised {
        /// The archive.
        file: String,
        /// The arrays it holds.
        found: Vec<String>,
    },
    /// The parts of the model contradict each other.
    #[error("{file}: {what}: found {found}, expected {expected}")]
    Inconsistent {
        /// The archive.
        file: String,
        /// The part that does not fit.
        what: &'static str,
        /// Its shape.
        found: String,
        /// The shape that fits the rest of the model.
        expected: String,
    },
}

/// A flaw of a model that could nevertheless be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The file does not hold the intercept of its fit; it was taken as zero.
    NoIntercept,
    /// The file does not hold the intercept of its fit; it was got back from the windows of the fit.
    InterceptOfWindows,
    /// The file does not hold the intercept of its fit, nor do the windows beside it give it; it was
    /// taken as zero.
    NoInterceptOfWindows {
        /// States of a window there.
        lag: usize,
        /// States that a step of the model reads.
        p: usize,
    },
    /// The file holds single precision.
    SinglePrecision,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIntercept => f.write_str(
                "the file holds no `intercept`, so forecasts differ from those of the fitted \
                 model; it was taken as zero",
            ),
            Self::InterceptOfWindows => write!(
                f,
                "the file holds no `intercept`; it was got back from the windows of the fit, \
                 {}",
                intercept::WINDOWS
            ),
            Self::NoInterceptOfWindows { lag, p } => write!(
                f,
                "the file holds no `intercept`, and {} has windows of {lag} states, which give none \
                 of {p}; it was taken as zero, so forecasts differ from those of the fitted model",
                intercept::WINDOWS
            ),
            Self::SinglePrecision => f.write_str(
                "the file holds numbers in single precision, which were widened: about seven \
                 digits of each are those of the fit",
            ),
        }
    }
}

/// A model with what its file should have said.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// Flaws that the caller should tell the user.
    pub warnings: Vec<Warning>,
    /// The seconds that the fit took, if the file says so.
    pub training_seconds: Option<f64>,
}

/// Coefficients and constant of y\[t\] = c + sum over k of A\[k\] y\[t - p + k\].
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    a: Array3<f64>,
    c: Array1<f64>,
}

impl Model {
    /// A model from coefficients (p, d, d), oldest lag first, and a constant (d).
    ///
    /// # Errors
    ///
    /// If the shapes do not fit together, are empty, or a number is not finite.
    pub fn new(a: Array3<f64>, c: Array1<f64>) -> Result<Self, Error> {
        Self::named("model", ["coefficients", "intercept"], a, c)
    }

    /// Makes a model of coefficients with the newest lag first; see [`Model::new`].
    ///
    /// # Errors
    ///
    /// Those of [`Model::new`].
    pub fn from_newest_first(a: &Array3<f64>, c: Array1<f64>) -> Result<Self, Error> {
        Self::new(reversed(a), c)
    }

    /// Loads a file of any of these kinds, and what it lacks from the windows of its fit.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is of no known kind, or contradicts itself or the windows.
    pub fn load(path: &Path) -> Result<Loaded, Error> {
        let mut loaded = Self::read(npz::Archive::open(path)?)?;
        let missing = loaded.warnings.iter_mut().find(|flaw| **flaw == Warning::NoIntercept);
        let windows = path.parent().unwrap_or(path).join(intercept::WINDOWS);
        if let Some(flaw) = missing.filter(|_| windows.is_file()) {
            match intercept::of_windows(npz::Archive::open(&windows)?, loaded.model.a.view())? {
                Ok(c) => (*flaw, loaded.model.c) = (Warning::InterceptOfWindows, c),
                Err(why) => *flaw = why,
            }
        }
        Ok(loaded)
    }

    /// Loads a model from bytes; `file` is the name that errors give them. See [`Model::load`].
    ///
    /// # Errors
    ///
    /// Those of [`Model::load`].
    pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Loaded, Error> {
        Self::read(npz::Archive::from_bytes(file, bytes)?)
    }

    /// Saves the model, replacing `path` only once the new file is whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        // No array is so long that the conversion fails.
        let size = |n: usize| arr0(i64::try_from(n).unwrap_or(i64::MAX));
        let mut npz = npz::Writer::new(path);
        npz.add("A_matrices", self.a.view())?;
        npz.add("intercept", self.c.view())?;
        npz.add("p", size(self.p()).view())?;
        npz.add("r", size(self.d()).view())?;
        Ok(npz.finish()?)
    }

    /// How many past states a step reads.
    pub fn p(&self) -> usize {
        self.a.len_of(Axis(0))
    }

    /// How many components a state has.
    pub fn d(&self) -> usize {
        self.c.len()
    }

    /// Coefficients, shape (p, d, d), oldest lag first.
    pub fn coefficients(&self) -> ArrayView3<'_, f64> {
        self.a.view()
    }

    /// Constant, shape (d).
    pub fn intercept(&self) -> ArrayView1<'_, f64> {
        self.c.view()
    }

    /// The model as the kernels take it; in `f32`, its coefficients are rounded.
    pub fn pack<R: Real>(&self) -> Packed<R> {
        Packed::new(self.a.view(), self.c.view())
    }

    /// Forecasts `n` states (n, d) from a window (p, d), oldest first.
    ///
    /// # Panics
    ///
    /// If the window is of another shape.
    pub fn forecast(&self, window: ArrayView2<'_, f64>, n: usize) -> Array2<f64> {
        let (p, d) = (self.p(), self.d());
        assert_eq!(window.dim(), (p, d), "window is not of shape (p, d)");
        let mut x: Vec<_> = window.iter().copied().collect();
        x.resize((p + n) * d, 0.0);
        let packed = self.pack::<f64>();
        packed.rollout(&mut x, &mut packed.sums());
        Array2::from_shape_vec((n, d), x.split_off(p * d)).expect("n rows are left")
    }

    /// Makes a model of arrays that have these names in a file.
    fn named(
        file: &str,
        names: [&'static str; 2],
        a: Array3<f64>,
        c: Array1<f64>,
    ) -> Result<Self, Error> {
        let (p, d, columns) = a.dim();
        if p == 0 || d == 0 || d != columns {
            let found = format!("shape {:?}", a.dim());
            return Err(inconsistent(file, names[0], found, "(p, d, d), not empty"));
        }
        if c.len() != d {
            let found = format!("length {}", c.len());
            return Err(inconsistent(file, names[1], found, format!("{d}, as {}", names[0])));
        }
        for (name, is_finite) in
            names.iter().zip([a.iter().all(|v| v.is_finite()), c.iter().all(|v| v.is_finite())])
        {
            if !is_finite {
                return Err(inconsistent(file, name, "NaN or infinity", "finite numbers"));
            }
        }
        Ok(Self { a, c })
    }

    fn read(mut npz: npz::Archive) -> Result<Loaded, Error> {
        let file = npz.file().to_owned();
        let has = |name: &&&str| npz.contains(name);
        let oldest_first = npz.contains("A_matrices");
        let [name, intercept] = match ["A_coeffs", "A"].iter().find(has) {
            _ if oldest_first => ["A_matrices", "intercept"],
            Some(name) if npz.contains("A0") => [*name, "A0"],
            _ if npz.contains("A_j") && npz.contains("A_0") => ["A_j", "A_0"],
            _ => return Err(Error::Unrecognised { file, found: npz.names() }),
        };
        let sizes: &[_] = match () {
            () if oldest_first => &["p", "r"],
            () if npz.contains("w") && !npz.contains("order") => &["w"],
            () => &["order", "latent_dim"],
        };
        let mut warnings = Vec::new();
        let (a, mut is_single): (Array3<f64>, _) = npz.float(name)?;
        let a = if oldest_first { a } else { reversed(&a) };
        let c = if npz.contains(intercept) {
            let (c, single) = npz.float(intercept)?;
            is_single |= single;
            c
        } else {
            warnings.push(Warning::NoIntercept);
            Array1::zeros(a.len_of(Axis(1)))
        };
        if is_single {
            warnings.push(Warning::SinglePrecision);
        }
        let model = Self::named(&file, [name, intercept], a, c)?;
        model.check_sizes(&mut npz, sizes)?;
        if oldest_first && npz.contains("A_companion") {
            let (companion, single) = npz.float::<Ix2>("A_companion")?;
            model.check_companion(&file, &companion, single || is_single)?;
        }
        let training_seconds = if npz.contains(TRAINING_SECONDS) {
            Some(npz.widened::<Ix0>(TRAINING_SECONDS)?.into_scalar())
        } else {
            None
        };
        Ok(Loaded { model, warnings, training_seconds })
    }

    /// Requires that the arrays so named state this p and this d.
    fn check_sizes(&self, npz: &mut npz::Archive, names: &[&'static str]) -> Result<(), Error> {
        for (&what, size) in names.iter().zip([self.p(), self.d()]) {
            let stated = npz.count(what)?;
            if usize::try_from(stated) != Ok(size) {
                let (found, expected) = (stated.to_string(), size.to_string());
                return Err(inconsistent(npz.file(), what, found, expected));
            }
        }
        Ok(())
    }

    /// Requires that `companion` (d, p d) holds the matrices side by side, oldest first; where one
    /// of both is in single precision, once they are rounded to it.
    fn check_companion(
        &self,
        file: &str,
        companion: &Array2<f64>,
        is_single: bool,
    ) -> Result<(), Error> {
        let (p, d) = (self.p(), self.d());
        let what = "A_companion";
        if companion.dim() != (d, p * d) {
            let found = format!("shape {:?}", companion.dim());
            return Err(inconsistent(file, what, found, format!("({d}, {})", p * d)));
        }
        for (k, a) in self.a.outer_iter().enumerate() {
            let block = companion.slice(s![.., k * d..(k + 1) * d]);
            #[expect(clippy::cast_possible_truncation, reason = "rounding is the point")]
            let is_same = |x: &f64, y: &f64| x == y || is_single && *x as f32 == *y as f32;
            if !block.iter().zip(a).all(|(x, y)| is_same(x, y)) {
                let found = format!("other numbers in block {k}");
                return Err(inconsistent(file, what, found, "those of A_matrices"));
            }
        }
        Ok(())
    }
}

/// The same stack with the other end first.
fn reversed(a: &Array3<f64>) -> Array3<f64> {
    a.slice(s![..;-1, .., ..]).as_standard_layout().into_owned()
}

fn inconsistent(
    file: &str,
    what: &'static str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    let (found, expected) = (found.into(), expected.into());
    Error::Inconsistent { file: file.to_owned(), what, found, expected }
}

#[cfg(test)]
mod tests;
