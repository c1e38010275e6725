//! A fitted model, and the three kinds of file that hold one.
//!
//! | arrays                                                  | lags         | constant |
//! |---------------------------------------------------------|--------------|----------|
//! | `A_matrices` (p, d, d), `intercept` (d), `p`, `r`        | oldest first | yes      |
//! | `A_matrices`, `A_companion` (d, p d), `p`, `r`           | oldest first | no       |
//! | `A_coeffs` (p, d, d), `A0` (d), `order`, `latent_dim`    | newest first | yes      |
//!
//! The kind is told by the names. The first is what [`Model::save`] writes. The second is the
//! `mvar_model.npz` and the third the `mvar_params.npz` of wsindy-manifold; the second leaves the
//! intercept of the fit out, so that what is loaded is not the model that was fitted. What a file
//! states twice must agree.

use std::fmt;
use std::path::Path;

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, Ix2, arr0, s};
use thiserror::Error;

use super::packed::{Packed, Real};
use crate::file::npz;

/// Why a model cannot be made, loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The names of the arrays belong to no known kind of file.
    #[error("{file}: found the arrays {found:?}, expected `A_matrices`, or `A0` and `A_coeffs`")]
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
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIntercept => f.write_str(
                "the file holds no `intercept`, so forecasts differ from those of the fitted \
                 model; it was taken as zero",
            ),
        }
    }
}

/// A model with what its file should have said.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// A flaw that the caller should tell the user.
    pub warning: Option<Warning>,
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
        Self::named("model", a, c)
    }

    /// Makes a model of coefficients with the newest lag first; see [`Model::new`].
    ///
    /// # Errors
    ///
    /// Those of [`Model::new`].
    pub fn from_newest_first(a: &Array3<f64>, c: Array1<f64>) -> Result<Self, Error> {
        Self::new(reversed(a), c)
    }

    /// Loads a file of any of the three kinds.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is of no known kind, or contradicts itself.
    pub fn load(path: &Path) -> Result<Loaded, Error> {
        Self::read(npz::Archive::open(path)?)
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

    fn named(file: &str, a: Array3<f64>, c: Array1<f64>) -> Result<Self, Error> {
        let d = c.len();
        let (p, rows, columns) = a.dim();
        if p == 0 || d == 0 || (rows, columns) != (d, d) {
            let (found, expected) = (format!("{:?}", a.dim()), format!("(p, {d}, {d}), not empty"));
            return Err(inconsistent(file, "shape of the coefficients", found, expected));
        }
        if !a.iter().chain(&c).all(|v| v.is_finite()) {
            return Err(inconsistent(file, "coefficients", "NaN or infinity", "finite numbers"));
        }
        Ok(Self { a, c })
    }

    fn read(mut npz: npz::Archive) -> Result<Loaded, Error> {
        let file = npz.file().to_owned();
        if npz.contains("A_matrices") {
            let a: Array3<f64> = npz.array("A_matrices")?;
            let warning = (!npz.contains("intercept")).then_some(Warning::NoIntercept);
            let c = match warning {
                None => npz.array("intercept")?,
                Some(_) => Array1::zeros(a.len_of(Axis(1))),
            };
            let model = Self::named(&file, a, c)?;
            model.check_sizes(&mut npz, ["p", "r"])?;
            if npz.contains("A_companion") {
                model.check_companion(&file, &npz.array::<f64, Ix2>("A_companion")?)?;
            }
            Ok(Loaded { model, warning })
        } else if npz.contains("A_coeffs") && npz.contains("A0") {
            let a = reversed(&npz.array("A_coeffs")?);
            let model = Self::named(&file, a, npz.array("A0")?)?;
            model.check_sizes(&mut npz, ["order", "latent_dim"])?;
            Ok(Loaded { model, warning: None })
        } else {
            Err(Error::Unrecognised { file, found: npz.names() })
        }
    }

    /// Requires that the arrays so named state this p and this d.
    fn check_sizes(&self, npz: &mut npz::Archive, names: [&'static str; 2]) -> Result<(), Error> {
        for (what, size) in names.into_iter().zip([self.p(), self.d()]) {
            let stated: i64 = npz.scalar(what)?;
            if usize::try_from(stated) != Ok(size) {
                let (found, expected) = (stated.to_string(), size.to_string());
                return Err(inconsistent(npz.file(), what, found, expected));
            }
        }
        Ok(())
    }

    /// Requires that `companion` (d, p d) holds the matrices side by side, oldest first.
    fn check_companion(&self, file: &str, companion: &Array2<f64>) -> Result<(), Error> {
        let (p, d) = (self.p(), self.d());
        let what = "A_companion";
        if companion.dim() != (d, p * d) {
            let found = format!("shape {:?}", companion.dim());
            return Err(inconsistent(file, what, found, format!("({d}, {})", p * d)));
        }
        for (k, a) in self.a.outer_iter().enumerate() {
            if companion.slice(s![.., k * d..(k + 1) * d]) != a {
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
mod tests {
    use super::*;
    use crate::input;
    use ndarray::{ArrayView, Dimension, array};
    use proptest::prelude::*;
    use std::fs;

    fn model(p: usize, d: usize) -> Model {
        let a = Array3::from_shape_vec((p, d, d), input::gaussian(1, p * d * d, 0.2)).unwrap();
        Model::new(a, Array1::from(input::gaussian(2, d, 1.0))).unwrap()
    }

    /// The bytes of an archive that `fill` writes.
    fn archive(fill: impl FnOnce(&mut npz::Writer)) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.npz");
        let mut npz = npz::Writer::new(&path);
        fill(&mut npz);
        npz.finish().unwrap();
        fs::read(path).unwrap()
    }

    fn add<A: npz::Element, D: Dimension>(
        npz: &mut npz::Writer,
        name: &str,
        values: ArrayView<'_, A, D>,
    ) {
        npz.add(name, values).unwrap();
    }

    /// A file of the second kind, with these sizes and this companion stated.
    fn second_kind(m: &Model, [p, r]: [i64; 2], companion: &Array2<f64>) -> Vec<u8> {
        archive(|npz| {
            add(npz, "A_matrices", m.coefficients());
            add(npz, "A_companion", companion.view());
            add(npz, "p", arr0(p).view());
            add(npz, "r", arr0(r).view());
        })
    }

    fn companion(m: &Model) -> Array2<f64> {
        let d = m.d();
        Array2::from_shape_fn((d, m.p() * d), |(i, kj)| m.coefficients()[[kj / d, i, kj % d]])
    }

    #[test]
    fn a_saved_model_is_loaded_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.npz");
        let m = model(3, 4);
        m.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        let bits = |m: &Model| m.a.iter().chain(&m.c).map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&loaded.model), bits(&m), "bits");
        assert_eq!(loaded.warning, None, "warning");
        let first = fs::read(&path).unwrap();
        m.save(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first, "the same model gives the same file");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_file_without_intercept_loads_with_a_warning() {
        let m = model(2, 3);
        let bytes = second_kind(&m, [2, 3], &companion(&m));
        let loaded = Model::from_bytes("m.npz", bytes).unwrap();
        assert_eq!(loaded.model.coefficients(), m.coefficients(), "coefficients");
        assert_eq!(loaded.model.intercept(), array![0.0, 0.0, 0.0], "intercept");
        let warning = loaded.warning.expect("a warning").to_string();
        assert!(warning.contains("no `intercept`"), "{warning}");
    }

    #[test]
    fn the_legacy_file_is_turned_around() {
        let m = model(3, 2);
        let bytes = archive(|npz| {
            add(npz, "A_coeffs", m.coefficients().slice(s![..;-1, .., ..]));
            add(npz, "A0", m.intercept());
            add(npz, "order", arr0(3_i64).view());
            add(npz, "latent_dim", arr0(2_i64).view());
        });
        let loaded = Model::from_bytes("m.npz", bytes).unwrap();
        assert_eq!(loaded, Loaded { model: m.clone(), warning: None }, "loaded");
        let newest_first = reversed(&m.a);
        assert_ne!(newest_first, m.a, "the order shows");
        assert_eq!(Model::from_newest_first(&newest_first, m.c.clone()).unwrap(), m, "in memory");
    }

    #[test]
    fn what_contradicts_itself_is_an_error_that_says_so() {
        let m = model(2, 3);
        let good = companion(&m);
        let mut other = good.clone();
        other[[1, 4]] += 1e-9;
        let swapped =
            ndarray::concatenate![Axis(1), good.slice(s![.., 3..]), good.slice(s![.., ..3])];
        for (bytes, words) in [
            (second_kind(&m, [3, 3], &good), "p: found 3, expected 2"),
            (second_kind(&m, [2, -3], &good), "r: found -3, expected 3"),
            (second_kind(&m, [2, 3], &other), "A_companion: found other numbers in block 1"),
            (second_kind(&m, [2, 3], &swapped), "A_companion: found other numbers in block 0"),
            (second_kind(&m, [2, 3], &good.t().to_owned()), "A_companion: found shape (6, 3)"),
            (archive(|npz| add(npz, "coef", good.view())), "found the arrays [\"coef\"]"),
        ] {
            let err = Model::from_bytes("m.npz", bytes).unwrap_err().to_string();
            assert!(err.starts_with("m.npz: ") && err.contains(words), "{err}");
        }
    }

    #[test]
    fn shapes_and_numbers_that_make_no_model_are_refused() {
        let c = Array1::zeros(2);
        for shape in [(0, 2, 2), (1, 2, 3), (1, 3, 2), (1, 3, 3)] {
            assert!(Model::new(Array3::zeros(shape), c.clone()).is_err(), "{shape:?}");
        }
        assert!(Model::new(Array3::zeros((1, 0, 0)), Array1::zeros(0)).is_err(), "d = 0");
        assert!(Model::new(Array3::zeros((1, 2, 2)), array![0.0, f64::NAN]).is_err(), "NaN");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            cut in 1_usize..2500,
            flips in prop::collection::vec((0_usize..2500, any::<u8>()), 0..5),
        ) {
            let m = model(2, 3);
            let mut bytes = second_kind(&m, [2, 3], &companion(&m));
            for (at, value) in flips {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            bytes.truncate(cut);
            let _ = Model::from_bytes("m.npz", bytes);
        }
    }
}
