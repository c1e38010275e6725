//! A model from a dataset, saved beside what is said of it.

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::dataset::{self, Dataset};
use crate::file::npz;
use crate::lstm::train::{self as lstm_train, Checkpoint, Progress, Session, Windows};
use crate::mvar::train::{self as mvar_train, Criterion};

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
    /// The network cannot be trained or saved.
    #[error(transparent)]
    Lstm(#[from] lstm_train::Error),
    /// The autoregression cannot be saved.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// A folder cannot be made, or the checkpoint not be removed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Nothing can be said.
    #[error("output: {0}")]
    Output(io::Error),
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
    let mut say = |line: String| say(out, &line);
    let dataset = Dataset::load(data)?;
    say(of(data, &dataset))?;
    let runs = dataset.runs();
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
    let fit = mvar_train::fit(runs, &mvar_train::Config { lag, alpha, threshold })?;
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
    make(folder)?;
    let path = folder.join("mvar_model.npz");
    fit.save(&path)?;
    say(format!("{}: fitted in {:.3} s", path.display(), fit.training_seconds))
}

/// The state of a training that is not over.
const CHECKPOINT: &str = "checkpoint.npz";

/// Trains a network on the windows of `lag` states of a dataset, by default as long as its own; saves
/// `lstm_state_dict.pt`, `lstm.safetensors` and `training_log.csv` into `folder`.
///
/// A training that was killed goes on from `checkpoint.npz` there, which is removed when it is over.
/// `watch` sees where it stands before each batch, and then nothing before more is said.
///
/// # Errors
///
/// If the dataset or the options are unfit, a file cannot be read or written, or the first epoch
/// diverges.
pub fn lstm(
    data: &Path,
    folder: &Path,
    lag: Option<usize>,
    config: &lstm_train::Config,
    watch: &mut dyn FnMut(Option<&Progress>),
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut say = |line: String| say(out, &line);
    let dataset = Dataset::load(data)?;
    say(of(data, &dataset))?;
    let runs: Vec<_> = dataset.runs().iter().map(|run| run.view()).collect();
    let (lag, after) = (lag.unwrap_or(dataset.lag()), config.states_after());
    let windows = Windows::from_runs(&runs, lag, after)?;
    let short = runs.iter().filter(|run| run.nrows() < lag + after).count();
    if short > 0 {
        let s = if short == 1 { "" } else { "s" };
        say(format!("{short} run{s} left out: fewer than {lag} states and {after} after them"))?;
    }
    let session = Session::new(config, &windows)?;
    make(folder)?;
    let checkpoint = Checkpoint::new(&folder.join(CHECKPOINT));
    if checkpoint.file.exists() {
        say(format!("{}: goes on from there", checkpoint.file.display()))?;
    }
    let trained = session.train(Some(&checkpoint), |now| {
        watch(Some(&now));
        ControlFlow::Continue(())
    })?;
    watch(None);
    trained.save(folder)?;
    fs::remove_file(&checkpoint.file)
        .map_err(|source| Error::Io { path: checkpoint.file.clone(), source })?;
    let (epochs, loss) = (trained.log.len(), trained.val_loss);
    let why = trained.ending;
    say(format!("lag {lag}, {} windows: {epochs} epochs, {why}", windows.x().dim().0))?;
    let seconds = trained.model.training().map_or(0.0, |training| training.time.as_secs_f64());
    let path = folder.join("lstm_state_dict.pt");
    say(format!("{}: val_loss {loss:.8}, trained in {seconds:.3} s", path.display()))
}

/// Says how large a dataset is.
fn of(data: &Path, dataset: &Dataset) -> String {
    let runs = dataset.runs();
    let states: usize = runs.iter().map(|run| run.nrows()).sum();
    let (count, d) = (runs.len(), dataset.d());
    let s = if count == 1 { "" } else { "s" };
    format!("{}: {count} run{s}, {states} states of {d} components", data.display())
}

fn say(out: &mut dyn Write, line: &str) -> Result<(), Error> {
    writeln!(out, "{line}").map_err(Error::Output)
}

fn make(folder: &Path) -> Result<(), Error> {
    let made = fs::create_dir_all(folder).map_err(|source| match source.kind() {
        kind @ io::ErrorKind::AlreadyExists => {
            io::Error::new(kind, "found a file, expected a folder")
        }
        _ => source,
    });
    made.map_err(|source| Error::Io { path: folder.to_owned(), source })
}
