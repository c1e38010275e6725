//! A trained network with its window length and its normalisation, in a file.
//!
//! Tensors have the names of `PyTorch`: `lstm.weight_ih_l{k}`, `lstm.weight_hh_l{k}`,
//! `lstm.bias_ih_l{k}`, `lstm.bias_hh_l{k}`, `layer_norm.{weight,bias}` (optional) and
//! `out.{weight,bias}`, all f32; files written here add `input_mean` and `input_std` (f64) if
//! inputs are normalised. All may have a common prefix, as `module.`. The metadata strings `lag`
//! and `residual` say what no tensor shows; `d`, `hidden_units`, `num_layers` and `use_layer_norm`
//! repeat what the tensors show and must agree with them; `training_seconds` and `dropout` tell of
//! the training. What the metadata lacks, the caller must state in [`Options`]; a statement that
//! contradicts the file is an error.
//!
//! Files of `torch.save` are read, too, and written where the name ends with `.pt`; see `torch`.
//!
//! wsindy-manifold keeps the normalisation in a file of its own, `lstm_normalization.npz`; see
//! [`load_scale`].

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use ndarray::{Array2, ArrayView2};
use thiserror::Error;
use zip::result::ZipError;

use super::net::{Misfit, Net, Scale};
use super::packed::Packed;
use crate::file::{self, npz};

mod format;
mod header;
#[cfg(test)]
mod tests;
mod torch;

pub use torch::Refused;

/// The longest window accepted.
pub const MAX_LAG: usize = 4096;

/// Why a network cannot be loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Error of the system.
        source: io::Error,
    },
    /// The bytes are no safetensors file, or a damaged one.
    #[error("{file}: found no whole safetensors file ({why}), expected one")]
    Safetensors {
        /// The file.
        file: String,
        /// What the parser missed.
        why: String,
    },
    /// The file was never fetched.
    #[error("{file}: found a Git LFS pointer, expected the file itself; run `git lfs pull`")]
    Pointer {
        /// The file.
        file: String,
    },
    /// The bytes start as an archive of torch does, and are a damaged one.
    #[error("{file}: found no whole zip archive ({source}), expected one written by torch.save")]
    Zip {
        /// The file.
        file: String,
        /// Error of the zip reader.
        source: ZipError,
    },
    /// A file of torch holds something else than the data of a model.
    #[error("{file}: {source}")]
    Pickle {
        /// The file.
        file: String,
        /// Where and why.
        source: Refused,
    },
    /// The normalisation cannot be read.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// A tensor, a metadata string or an option is missing or does not fit the others.
    #[error("{file}: `{what}`: found {found}, expected {expected}")]
    Unfit {
        /// The file.
        file: String,
        /// The name of the part.
        what: String,
        /// Its shape or value.
        found: String,
        /// The shape or value that fits.
        expected: String,
    },
    /// Neither the file nor the caller says it.
    #[error("{file}: found no metadata `{what}`, expected it there or stated by the caller")]
    Unstated {
        /// The file.
        file: String,
        /// The missing fact.
        what: &'static str,
    },
}

/// Facts about a file that it may not say itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// How many states a window has.
    pub lag: Option<usize>,
    /// Whether the last state of the window is added to the output.
    pub residual: Option<bool>,
    /// Normalisation of the inputs.
    pub scale: Option<Scale>,
}

impl Options {
    /// The name of the first fact that is stated.
    pub fn first_stated(&self) -> Option<&'static str> {
        let Self { lag, residual, scale } = self;
        let lag = lag.map(|_| "lag");
        lag.or(residual.map(|_| "residual")).or(scale.as_ref().map(|_| "normalization"))
    }
}

/// A network, the length of its window and the normalisation of its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    net: Net,
    lag: usize,
    scale: Option<Scale>,
    training: Option<Training>,
}

/// How a network was trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Wall-clock time that it took.
    pub time: Duration,
    /// Share of the hidden states between layers that were left out.
    pub dropout: f64,
}

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// That of the library safetensors.
    Safetensors,
    /// That of `torch.save`, loaded with `weights_only=True` and by wsindy-manifold.
    Torch,
}

/// Reads `input_mean` and `input_std` from a `NumPy` archive.
///
/// # Errors
///
/// If the archive cannot be read, or the two make no normalisation.
pub fn load_scale(path: &Path) -> Result<Scale, Error> {
    let mut npz = npz::Archive::open(path)?;
    let (mean, std) = (npz.widened("input_mean")?, npz.widened("input_std")?);
    Scale::new(mean, std).map_err(|misfit| unfit(npz.file(), misfit))
}

impl Model {
    /// A model of a network whose windows have `lag` states.
    ///
    /// # Errors
    ///
    /// If the lag is 0 or above [`MAX_LAG`], or the normalisation is of another dimension.
    pub fn new(net: Net, lag: usize, scale: Option<Scale>) -> Result<Self, Error> {
        Self::named("model", net, lag, scale)
    }

    /// Loads a file of safetensors or of `torch.save`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, contradicts itself or the options, or lacks something that
    /// the options do not state.
    pub fn load(path: &Path, options: &Options) -> Result<Self, Error> {
        let file = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(&file, &bytes, options),
            Err(source) => Err(Error::Io { file, source }),
        }
    }

    /// Loads a model from bytes; `file` is the name that errors give them. See [`Model::load`].
    ///
    /// # Errors
    ///
    /// Those of [`Model::load`].
    pub fn from_bytes(file: &str, bytes: &[u8], options: &Options) -> Result<Self, Error> {
        let converted;
        let bytes = if bytes.starts_with(torch::MAGIC) {
            converted = torch::to_safetensors(file, bytes)?;
            &converted
        } else {
            bytes
        };
        let reader = format::Reader::new(file, bytes)?;
        let parts = reader.parts(options)?;
        let net = Net::new(parts).map_err(|misfit| unfit(file, misfit))?;
        reader.check_metadata(&net)?;
        let lag = reader.stated("lag", options.lag, "a whole number of states")?;
        let lag = lag.ok_or_else(|| reader.unstated("lag"))?;
        let model = Self::named(file, net, lag, reader.scale(options)?)?;
        Ok(Self { training: reader.training()?, ..model })
    }

    /// Saves the model, replacing `path` only once the new file is whole: as `torch.save` does where
    /// the name ends with `.pt`, else as safetensors.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let is_torch = path.extension().is_some_and(|extension| extension == "pt");
        let kind = if is_torch { Kind::Torch } else { Kind::Safetensors };
        let file = path.display().to_string();
        let bytes = self.to_bytes(&file, kind)?;
        file::replace(path, &bytes).map_err(|source| Error::Io { file, source })
    }

    /// The bytes of a file of the model; `file` is the name that errors give them.
    ///
    /// # Errors
    ///
    /// If the format cannot hold it.
    pub fn to_bytes(&self, file: &str, kind: Kind) -> Result<Vec<u8>, Error> {
        let bytes = match kind {
            Kind::Torch => torch::to_bytes(self).map_err(io::Error::other),
            Kind::Safetensors => format::to_bytes(self).map_err(io::Error::other),
        };
        bytes.map_err(|source| Error::Io { file: file.to_owned(), source })
    }

    /// The model with a note on its training, which its files keep.
    #[must_use]
    pub fn trained(self, training: Training) -> Self {
        Self { training: Some(training), ..self }
    }

    /// How it was trained, if that is known.
    pub fn training(&self) -> Option<Training> {
        self.training
    }

    /// The network.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// How many states a window has.
    pub fn lag(&self) -> usize {
        self.lag
    }

    /// The normalisation of the inputs; one that changes nothing if there is none.
    pub fn scale(&self) -> Scale {
        self.scale.clone().unwrap_or_else(|| Scale::identity(self.net.d()))
    }

    /// The network as the kernel wants it.
    pub fn pack(&self) -> Packed {
        Packed::new(&self.net)
    }

    /// Forecasts `n` states (n, d) from a window (lag, d), oldest first, in the units of the data.
    ///
    /// # Panics
    ///
    /// If the window is of another shape.
    pub fn forecast(&self, window: ArrayView2<'_, f64>, n: usize) -> Array2<f64> {
        let (d, packed) = (self.net.d(), self.pack());
        assert_eq!(window.dim(), (self.lag, d), "window is not of shape (lag, d)");
        let window: Vec<_> = window.iter().copied().collect();
        let (mut x, mut y) = (vec![0.0; (self.lag + n) * d], vec![0.0; n * d]);
        let mut flight = packed.flight(self.lag);
        packed.forecast_scaled(&self.scale(), &window, &mut x, &mut flight, &mut y);
        Array2::from_shape_vec((n, d), y).expect("y has n d values")
    }

    fn named(file: &str, net: Net, lag: usize, scale: Option<Scale>) -> Result<Self, Error> {
        if !(1..=MAX_LAG).contains(&lag) {
            return Err(wrong(file, "lag", lag.to_string(), format!("1 to {MAX_LAG}")));
        }
        if let Some(scale) = scale.as_ref().filter(|s| s.mean().len() != net.d()) {
            let found = format!("length {}", scale.mean().len());
            return Err(wrong(file, "input_mean", found, net.d().to_string()));
        }
        Ok(Self { net, lag, scale, training: None })
    }
}

fn wrong(file: &str, what: &str, found: String, expected: String) -> Error {
    Error::Unfit { file: file.to_owned(), what: what.to_owned(), found, expected }
}

fn unfit(file: &str, misfit: Misfit) -> Error {
    wrong(file, &misfit.tensor, misfit.found, misfit.expected)
}
