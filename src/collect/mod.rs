//! From what a bench run left in the target folder to a [`Record`].
//!
//! Only cases that are asked for count, and only samples written since the run started.

pub mod callgrind;
pub mod criterion;
pub mod peers;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;

use crate::machine::Environment;
use crate::record::{self, Measure, Record, SCHEMA};
use crate::run::{self, Run};

/// Why the samples of a run cannot be used. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The target folder holds no run of this instrument.
    #[error("no run of `{instrument}` in {}; run `{command}` first", dir.display())]
    NoRun {
        /// The instrument.
        instrument: &'static str,
        /// Where the run should be.
        dir: PathBuf,
        /// The command that makes one.
        command: &'static str,
    },
    /// A file of the run is unusable.
    #[error("{}: run the bench again", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A file contradicts the run.
    #[error("{}: {found}, expected {expected}; run the bench again", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What the run says.
        expected: String,
    },
    /// Too few samples for quantiles.
    #[error(
        "{id}: {samples} samples, expected at least {}; run `cargo bench` without --quick",
        criterion::MIN_SAMPLES
    )]
    TooFew {
        /// The case.
        id: String,
        /// How many there are.
        samples: usize,
    },
    /// A record that the run left is unusable.
    #[error(transparent)]
    Record(#[from] record::Error),
}

/// The last run of the instrument of `M`, and its folder.
fn last_run<M: Measure>(target: &Path, command: &'static str) -> Result<(Run, PathBuf), Error> {
    let dir = run::folder(target, M::INSTRUMENT);
    match Run::read(&dir) {
        Ok(run) => Ok((run, dir)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            Err(Error::NoRun { instrument: M::INSTRUMENT, dir, command })
        }
        Err(source) => Err(Error::File { path: dir.join("run.json"), source }),
    }
}

/// Whether the run wrote a file.
fn is_fresh(run: &Run, path: &Path) -> Result<bool, Error> {
    run.wrote(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let read = || -> io::Result<T> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().map_err(|source| Error::File { path: path.to_owned(), source })
}

/// A record of the run, with its cases sorted.
fn record<M: Measure>(run: &Run, environment: Environment, mut cases: Vec<M>) -> Record<M> {
    cases.sort_by(|a, b| a.id().cmp(b.id()));
    Record {
        schema: SCHEMA,
        instrument: M::INSTRUMENT.to_owned(),
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        started: run.started.clone(),
        commit: run.commit.clone(),
        dirty: run.dirty,
        source: run.source.clone(),
        executable: run.executable.clone(),
        reason: None,
        environment,
        cases,
    }
}
