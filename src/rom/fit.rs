//! A model from a dataset, saved beside what is said of it.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::dataset::{self, Dataset};
use crate::file::npz;
use crate::lstm::train::{self as lstm_train, Checkpoint, Ending, Progress, Session, Windows};
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
/// Progress is shown on a terminal.
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
    let mut line = Line { shown: None, is_seen: io::stderr().is_terminal() };
    let trained = session.train(Some(&checkpoint), |now| {
        line.show(&now);
        ControlFlow::Continue(())
    });
    line.end();
    let trained = trained?;
    trained.save(folder)?;
    fs::remove_file(&checkpoint.file)
        .map_err(|source| Error::Io { path: checkpoint.file.clone(), source })?;
    let (epochs, loss) = (trained.log.len(), trained.val_loss);
    let why = match trained.ending {
        Ending::Epochs => "all of them",
        Ending::Patience => "then the loss stood still",
        Ending::Diverged => "then the loss was not finite: the best weights before are kept",
    };
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

/// A line of a terminal that shows where a training stands, ten times a second at most.
struct Line {
    shown: Option<Instant>,
    is_seen: bool,
}

impl Line {
    fn show(&mut self, now: &Progress) {
        let is_fresh = |at: Instant| at.elapsed() < Duration::from_millis(100);
        if self.is_seen && !self.shown.is_some_and(is_fresh) {
            // Back to the start of the line, which is cleared, and cut off where the terminal ends. A
            // terminal that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K\x1b[?7l{}\x1b[?7h", text(now));
            self.shown = Some(Instant::now());
        }
    }

    /// Wipes it.
    fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Where a training stands; epochs and batches count from 1.
fn text(now: &Progress) -> String {
    let (epoch, batch) = (now.epoch + 1, now.batch + 1);
    let losses = now.losses.map_or(String::new(), |last| {
        format!(", val_loss {:.6}, best {:.6}", last.validation, now.best)
    });
    format!("epoch {epoch} of {}, batch {batch} of {}{losses}", now.epochs, now.batches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lstm::train::Losses;

    #[test]
    fn the_line_of_a_terminal_counts_from_one_and_has_the_losses_once_they_are_known() {
        let losses = Losses { train: 0.5, validation: 0.25 };
        let start =
            Progress { epoch: 0, epochs: 300, batch: 9, batches: 25, losses: None, best: 0.125 };
        assert_eq!(
            text(&start),
            "epoch 1 of 300, batch 10 of 25",
            "before the first epoch is over"
        );
        let next = Progress { epoch: 1, batch: 0, losses: Some(losses), ..start };
        let want = "epoch 2 of 300, batch 1 of 25, val_loss 0.250000, best 0.125000";
        assert_eq!(text(&next), want, "after it");
    }
}
