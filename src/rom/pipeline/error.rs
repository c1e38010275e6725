//! Why a pipeline does not end.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::file::{lines, npz};
use crate::lstm;
use crate::rom::{dataset, density, evaluate, files, fit, forecast, pod, swarm};

/// Why a pipeline does not end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds the results of another configuration.
    #[error(
        "{}: it was made from another configuration: {}; name another folder{}",
        folder.display(), keys.join(", "), taken_up(stage)
    )]
    Other {
        /// The folder.
        folder: PathBuf,
        /// The keys that differ, with both values.
        keys: Vec<String>,
        /// The first stage that they decide.
        stage: &'static str,
    },
    /// The folder holds files that no pipeline of ours has made.
    #[error(
        "{}: found {found}, but no pipeline.jsonl: its runs are of another program; name another \
         folder, or take up its densities with --from pod",
        folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        found: &'static str,
    },
    /// A stage lacks the files of the one before.
    #[error("{}: found no {expected}; run the stages before this one first", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The files.
        expected: &'static str,
    },
    /// The configuration gives no run of a kind.
    #[error("{section}: found no run, expected at least one kind of starts that is enabled")]
    NoRuns {
        /// The section of the configuration.
        section: &'static str,
    },
    /// Forecasts start behind the end of a run.
    #[error(
        "eval.forecast_start: forecasts start at frame {start}, but {} has {frames} frames of \
         {seconds} each; choose an earlier start or a longer test_sim.T",
        path.display()
    )]
    Late {
        /// The densities of the run.
        path: PathBuf,
        /// The first frame that is forecast.
        start: usize,
        /// The frames there are.
        frames: usize,
        /// Time from one frame to the next.
        seconds: f64,
    },
    /// Forecasts start or end at no time.
    #[error("eval: {source}")]
    NoStart {
        /// What is wrong with it.
        source: evaluate::Error,
    },
    /// A run does not fit.
    #[error("{}: {source}", path.display())]
    Score {
        /// Its densities.
        path: PathBuf,
        /// What does not fit.
        source: evaluate::Error,
    },
    /// A run has other frames than its densities.
    #[error("{}: found {found} frames, expected {expected}, as its densities have", path.display())]
    Frames {
        /// The trajectory.
        path: PathBuf,
        /// Its frames.
        found: usize,
        /// Those of the densities.
        expected: usize,
    },
    /// A run of the swarm fails.
    #[error("{run}: {source}")]
    Swarm {
        /// The name of the run.
        run: String,
        /// Why it fails.
        source: swarm::Error,
    },
    /// The densities of a run cannot be computed.
    #[error("{run}: {source}")]
    Density {
        /// The name of the run.
        run: String,
        /// Why it fails.
        source: density::Error,
    },
    /// There are no threads.
    #[error("--jobs: {jobs} threads cannot be started: {reason}")]
    Threads {
        /// How many were asked for.
        jobs: usize,
        /// What the system says.
        reason: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Nothing can be said.
    #[error("output: {0}")]
    Output(io::Error),
    /// The journal is of no use.
    #[error(transparent)]
    Journal(#[from] lines::Error),
    /// An archive cannot be read or written.
    #[error(transparent)]
    Npz(#[from] npz::Error),
    /// There is no decomposition.
    #[error("rom: {0}")]
    Pod(#[from] pod::Error),
    /// The files of a basis are of no use.
    #[error(transparent)]
    Basis(#[from] files::basis::Error),
    /// A file of scores cannot be written.
    #[error(transparent)]
    Evaluation(#[from] files::evaluation::Error),
    /// There are no windows.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// An autoregression cannot be fitted.
    #[error("rom.models.mvar: {0}")]
    Mvar(#[from] fit::Error),
    /// A network cannot be trained.
    #[error("rom.models.lstm: {0}")]
    Lstm(#[from] lstm::train::Error),
    /// A model cannot be loaded.
    #[error(transparent)]
    Model(#[from] forecast::Error),
}

/// How the stages before one are kept.
fn taken_up(stage: &str) -> String {
    match stage {
        "simulate" => String::new(),
        stage => format!(", or keep what these keys do not decide with --from {stage}"),
    }
}

impl Error {
    /// Whether the caller asked for something that cannot be.
    pub fn is_usage(&self) -> bool {
        use Error::{Foreign, Late, Missing, NoRuns, NoStart, Other, Threads};
        matches!(
            self,
            Other { .. }
                | Foreign { .. }
                | Missing { .. }
                | NoRuns { .. }
                | Late { .. }
                | NoStart { .. }
                | Threads { .. }
        )
    }
}
