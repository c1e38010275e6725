//! A model from a dataset, saved beside what is said of it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::dataset::{self, Dataset};
use crate::file::npz;
use crate::mvar::train::{self as mvar_train, Config, Criterion};

/// Why no model is fitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no dataset.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// The autoregression cannot be fitted.
    #[error(transparent)]
    Mvar(#[from] mvar_train::Error),
    /// The model cannot be saved.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder, or the place that lines go to.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

/// How the lag of an autoregression is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// As many states.
    States(usize),
    /// The best of all up to the longest.
    By(Criterion),
}

/// Options of the fit of an autoregression.
#[derive(Debug, Clone, PartialEq)]
pub struct Mvar {
    /// How many past states a step reads; by default, as many as the windows of the dataset.
    pub lag: Option<Lag>,
    /// The longest lag that a criterion may choose; by default, that of the dataset.
    pub max_lag: Option<usize>,
    /// Weight of the squared coefficients.
    pub ridge_alpha: f64,
    /// The largest spectral radius allowed.
    pub eigenvalue_threshold: Option<f64>,
}

/// Fits an autoregression to the runs of a dataset, and saves `mvar_model.npz` into `folder`.
///
/// # Errors
///
/// If the dataset or the options are unfit, or a file cannot be read or written.
pub fn mvar(data: &Path, folder: &Path, options: &Mvar, out: &mut dyn Write) -> Result<(), Error> {
    let dataset = Dataset::load(data)?;
    let mut say = |line: String| {
        let path = || PathBuf::from("output");
        writeln!(out, "{line}").map_err(|source| Error::Io { path: path(), source })
    };
    let runs = dataset.runs();
    let states: usize = runs.iter().map(|run| run.nrows()).sum();
    let (count, d) = (runs.len(), dataset.d());
    say(format!("{}: {count} runs, {states} states of {d} components", data.display()))?;
    let lag = match options.lag {
        None => dataset.lag(),
        Some(Lag::States(lag)) => lag,
        Some(Lag::By(criterion)) => {
            let longest = options.max_lag.unwrap_or(dataset.lag());
            let (_, lag) = mvar_train::select(runs, longest, criterion)?;
            say(format!("lag {lag} is the best of 1 to {longest} by {}", criterion.name()))?;
            lag
        }
    };
    let (alpha, threshold) = (options.ridge_alpha, options.eigenvalue_threshold);
    let fit = mvar_train::fit(runs, &Config { lag, alpha, threshold })?;
    let (r2, rmse, rho) = (fit.train_r2, fit.train_rmse, fit.rho_after);
    say(format!("lag {lag}, {} windows: R2 {r2:.6}, RMSE {rmse:.6e}", fit.windows))?;
    say(match threshold {
        Some(_) if fit.rho_before > rho => {
            format!("spectral radius {:.6}, scaled down to {rho:.6}", fit.rho_before)
        }
        _ if rho >= 1.0 => format!(
            "spectral radius {rho:.6}: forecasts grow without bound; --eigenvalue_threshold scales \
             the model down"
        ),
        _ => format!("spectral radius {rho:.6}"),
    })?;
    fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    let path = folder.join("mvar_model.npz");
    fit.save(&path)?;
    say(format!("{}: fitted in {:.3} s", path.display(), fit.training_seconds))
}
