//! Configurations of the pipeline: the YAML files of wsindy-manifold.
//!
//! A key with an effect is checked against its kind and its range, and all problems of a file are said
//! at once, with their lines. Known keys on which nothing here depends are listed in one note. A key
//! that nobody knows is a problem, which names the nearest one that is known.
//!
//! | module   | holds                                                                     |
//! |----------|---------------------------------------------------------------------------|
//! | `yaml`   | text as a tree with lines                                                 |
//! | `keys`   | the table: name, kind, range and effect of each key                       |
//! | `kind`   | kinds of values, and the check of a value                                 |
//! | `given`  | the values of a file by the table                                         |
//! | `starts` | the training and test runs that initial conditions give                   |
//! | `build`  | the configuration from the values                                         |
//!
//! Three choices differ from wsindy-manifold. The time of a frame counts `save_every`. Of
//! `ensemble.ic_types` each run takes the next, without drawing. Densities need not be square.

mod build;
mod given;
mod keys;
mod kind;
mod starts;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::evaluate::{Clamp, Mass};
use super::fit::Lag;
use super::{pod, swarm};
use crate::lstm;

/// The most bytes of a file.
const MOST_BYTES: u64 = 1 << 22;

/// A flaw of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; none for what is missing.
    pub line: Option<usize>,
    /// The key, what was found, and what was expected.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.text),
            None => write!(f, "{}", self.text),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// The file is too large, or no text.
    #[error("{}: found {found}, expected a text of at most 4 MiB", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file has problems.
    #[error("{}: {}", path.display(), listed(problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All of them, in the order of their lines.
        problems: Vec<Problem>,
    },
}

fn listed(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        all => {
            let lines: Vec<_> = all.iter().map(|problem| format!("\n  {problem}")).collect();
            format!("{} problems{}", all.len(), lines.concat())
        }
    }
}

/// What a file says without an effect here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Keys on which nothing depends.
    pub ignored: Vec<String>,
    /// Keys of another analysis, which is not run.
    pub said: Vec<String>,
    /// Keys that nobody knows, if they are allowed.
    pub unknown: Vec<String>,
    /// Keys that do not count beside another name of the same key.
    pub overruled: Vec<String>,
}

impl Notes {
    /// A line for each kind of note.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut note = |keys: &[String], said: &str| {
            if !keys.is_empty() {
                lines.push(format!("{said}: {}", keys.join(", ")));
            }
        };
        note(&self.ignored, "without effect here");
        note(&self.said, "sparse identification of equations is not run");
        note(&self.unknown, "unknown, and not read");
        note(&self.overruled, "overruled");
        lines
    }
}

/// A run by its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Where its particles start and how they are told apart from others, in words.
    pub label: String,
    /// Where its particles start.
    pub start: swarm::Start,
    /// The seed of its random numbers.
    pub seed: u64,
}

/// Runs of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// The swarm; each run has a start of its own.
    pub swarm: swarm::Config,
    /// The runs, by number.
    pub runs: Vec<Run>,
}

/// How an autoregression is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mvar {
    /// How many past states a step reads, or what chooses it.
    pub lag: Lag,
    /// Weight of the squared coefficients.
    pub ridge_alpha: f64,
    /// The largest spectral radius allowed.
    pub eigenvalue_threshold: Option<f64>,
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm {
    /// States of a window.
    pub lag: usize,
    /// The options of the training.
    pub training: lstm::train::Config,
}

/// How forecasts are scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scoring {
    /// When forecasts start.
    pub forecast_start: f64,
    /// When they end, if before the run does.
    pub forecast_end: Option<f64>,
    /// What is done to densities below zero.
    pub clamp: Clamp,
    /// What is done to the mass after that.
    pub mass: Mass,
    /// After how many steps the scores of k steps go on from the truth.
    pub kstep_reset: Option<usize>,
    /// Whether scores over growing times are written.
    pub is_time_resolved: bool,
}

/// The stages of the pipeline, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Trajectories and densities.
    Simulate,
    /// Modes and latent states.
    Pod,
    /// Models.
    Fit,
    /// Scores.
    Evaluate,
}

impl Stage {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Simulate, Self::Pod, Self::Fit, Self::Evaluate];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Pod => "pod",
            Self::Fit => "fit",
            Self::Evaluate => "evaluate",
        }
    }
}

/// A configuration of the pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `experiment_name`.
    pub name: Option<String>,
    /// The runs that models are fitted to.
    pub train: Runs,
    /// The runs that they are scored on.
    pub test: Runs,
    /// Columns and rows of a density.
    pub grid: [usize; 2],
    /// Width of the smoothing, in cells.
    pub bandwidth: f64,
    /// The decomposition.
    pub pod: pod::Config,
    /// The autoregression, if there is one.
    pub mvar: Option<Mvar>,
    /// The network, if there is one.
    pub lstm: Option<Lstm>,
    /// The evaluation.
    pub scoring: Scoring,
    /// Whether trajectories and densities of training runs are removed once there are latent states.
    pub cleans_up: bool,
    /// What each stage depends on: the values that are given, by key.
    pub settings: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What has no effect.
    pub notes: Notes,
    /// The text of the file.
    pub text: String,
}

impl Config {
    /// Loads a file; keys that nobody knows are problems unless they are allowed.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; names all its problems at once.
    pub fn load(path: &Path, allows_unknown: bool) -> Result<Loaded, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let refused = |found| Error::NoText { path: path.to_owned(), found };
        if std::fs::metadata(path).map_err(io)?.len() > MOST_BYTES {
            return Err(refused("more"));
        }
        let bytes = std::fs::read(path).map_err(io)?;
        let text = String::from_utf8(bytes).map_err(|_| refused("bytes that are no UTF-8"))?;
        match Self::read(&text, allows_unknown) {
            Ok((config, notes)) => Ok(Loaded { config, notes, text }),
            Err(problems) => Err(Error::Problems { path: path.to_owned(), problems }),
        }
    }

    /// Reads a text, as [`Config::load`] does.
    ///
    /// # Errors
    ///
    /// All problems at once, in the order of their lines.
    pub fn read(text: &str, allows_unknown: bool) -> Result<(Self, Notes), Vec<Problem>> {
        let root = yaml::read(text).map_err(|yaml::Flaw { line, reason }| {
            vec![Problem { line: Some(line), text: reason }]
        })?;
        let mut values = given::Values::of(&root, allows_unknown);
        let config = build::config(&mut values);
        let mut problems = values.problems;
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        match config {
            Some(config) if problems.is_empty() => Ok((config, values.notes)),
            _ => Err(problems),
        }
    }

    /// Seconds from one frame of the decomposition to the next, of the units of time of the swarm.
    pub fn frame_seconds(&self) -> f64 {
        let swarm = &self.train.swarm;
        #[expect(clippy::cast_precision_loss, reason = "counts of steps are far below 2^53")]
        let steps = swarm.save_every as f64 * self.pod.subsample as f64;
        swarm.dt * steps
    }
}
