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
    #[error(
        "no run of `{}` in {}; run `{}` first", instrument.name, dir.display(), instrument.command
    )]
    NoRun {
        /// The instrument.
        instrument: &'static Instrument,
        /// Where the run should be.
        dir: PathBuf,
    },
    /// A file of the run is unusable.
    #[error("{}: run the bench again", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: io::Error,
    },
    /// A file contradicts the run.
    #[error("{}: {found}, expected {expected}; run the bench again", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// The value that it holds.
        found: String,
        /// The value that the run holds.
        expected: String,
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

/// The numbers from the runs of an instrument.
#[derive(Debug, Default, PartialEq)]
pub struct Collected {
    /// The record of each chapter that has rows.
    pub records: BTreeMap<String, Record>,
    /// The cases that were left out, each with the reason.
    pub dropped: Vec<(String, String)>,
}

impl Collected {
    /// Keeps the cases whose runs are of the sources `source`, or of the newest run's, and of the
    /// environment of the newest of these; names the others.
    fn current<T>(
        &mut self,
        cases: Vec<T>,
        about: fn(&T) -> (&str, &Run),
        source: Option<&str>,
    ) -> Vec<T> {
        let newest = |cases: &[T]| {
            let runs = cases.iter().map(|case| about(case).1);
            runs.max_by(|a, b| a.started.cmp(&b.started)).cloned()
        };
        let Some(run) = newest(&cases) else { return cases };
        let source = source.unwrap_or(&run.source);
        let is_same = |case: &T| about(case).1.source == source;
        let (cases, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(is_same);
        for (id, run) in others.iter().map(about) {
            let why = format!("it is of sources {}, and these are {source}", run.source);
            self.dropped.push((id.to_owned(), why));
        }
        let Some(run) = newest(&cases) else { return cases };
        let is_same = |case: &T| about(case).1.environment == run.environment;
        let (cases, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(is_same);
        for (id, _) in others.iter().map(about) {
            let why = "it is of another environment than the newest";
            self.dropped.push((id.to_owned(), why.to_owned()));
        }
        cases
    }

    /// Adds a chapter, if it has rows.
    fn add(&mut self, instrument: &Instrument, environment: Environment, rows: Vec<Row>) {
        if let Some(row) = rows.first() {
            let chapter = row.chapter().to_owned();
            self.records.insert(chapter, Record::new(instrument, environment).with(rows));
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
fn chapters(target: &Path, instrument: &'static Instrument) -> Result<Vec<String>, Error> {
    let chapters = run::chapters(target, instrument.name)?;
    if chapters.is_empty() {
        let dir = run::folder(target, instrument.name, "");
        return Err(Error::NoRun { instrument, dir });
    }
    Ok(chapters)
}

/// Reads what runs said of the cases of a chapter, by file, and requires that each case comes once.
fn said<T: DeserializeOwned>(
    target: &Path,
    instrument: &Instrument,
    chapter: &str,
    id: fn(&T) -> &str,
) -> Result<Vec<(PathBuf, T)>, Error> {
    let all = run::said::<T>(target, instrument.name, chapter)?;
    let mut files = BTreeMap::new();
    for (path, said) in &all {
        if let Some(first) = files.insert(id(said), path) {
            let found = format!("a note of {}, as in {}", id(said), first.display());
            return Err(contradiction(path, found, "one for each case"));
        }
    }
    Ok(all)
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
