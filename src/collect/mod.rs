//! From what bench runs left in the target folder to the [`Record`]s of each chapter.
//!
//! Only samples written since their run started count. What cannot stand in a record of the sources at
//! hand, since it is of other ones or of another environment, is left out and named.

pub mod callgrind;
pub mod criterion;
pub mod peers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;

use crate::machine::Environment;
use crate::record::{self, Instrument, Origin, Record, Row};
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

impl From<run::Unusable> for Error {
    fn from((path, source): run::Unusable) -> Self {
        Self::File { path, source }
    }
}

/// What the runs of an instrument came to.
#[derive(Debug, Default, PartialEq)]
pub struct Collected {
    /// The record of each chapter that has rows.
    pub records: BTreeMap<String, Record>,
    /// The cases that were left out, each with the reason.
    pub dropped: Vec<(String, String)>,
}

impl Collected {
    /// Keeps the rows of a chapter that are of the sources `source` and of the environment of the
    /// newest of them; names the others.
    fn add(
        &mut self,
        instrument: &Instrument,
        rows: Vec<(Row, Environment)>,
        source: Option<&str>,
    ) {
        let newest = rows.iter().max_by(|a, b| a.0.origin.started.cmp(&b.0.origin.started));
        let Some((newest, environment)) = newest else { return };
        let source = source.unwrap_or(&newest.origin.source).to_owned();
        let (chapter, environment) = (newest.chapter().to_owned(), environment.clone());
        let mut kept = Vec::new();
        for (row, of) in rows {
            let why = if row.origin.source != source {
                format!("it is of sources {}, and these are {source}", row.origin.source)
            } else if of != environment {
                "it is of another environment than the newest".to_owned()
            } else {
                kept.push(row);
                continue;
            };
            self.dropped.push((row.id, why));
        }
        if !kept.is_empty() {
            let record = Record::new(instrument, environment).with(kept);
            self.records.insert(chapter, record);
        }
    }
}

/// The row of a case of a run.
fn row<const N: usize>(
    id: String,
    implementation: String,
    run: &Run,
    metrics: [(&str, record::Value); N],
) -> Row {
    let Run { commit, dirty, source, started, environment: _ } = run.clone();
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    let origin = Origin { commit, dirty, source, started, reason: None };
    Row { id, implementation, metrics, origin }
}

/// Requires that an instrument left runs of some chapter, and returns these.
fn chapters(
    target: &Path,
    instrument: &'static str,
    command: &'static str,
) -> Result<Vec<String>, Error> {
    let chapters = run::chapters(target, instrument)?;
    if chapters.is_empty() {
        let dir = run::folder(target, instrument, "");
        return Err(Error::NoRun { instrument, dir, command });
    }
    Ok(chapters)
}

/// Whether the run wrote a file.
fn is_fresh(run: &Run, path: &Path) -> Result<bool, Error> {
    run.wrote(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let read = || -> io::Result<T> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().map_err(|source| Error::File { path: path.to_owned(), source })
}

fn contradiction(path: &Path, found: String, expected: &str) -> Error {
    Error::Contradiction { path: path.to_owned(), found, expected: expected.to_owned() }
}
