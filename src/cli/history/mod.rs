//! `stepmark history`: the committed baselines over time, as lines and, with the feature `figures`, as
//! one picture per chapter.

#[cfg(feature = "figures")]
mod pictures;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Context, Exit, Selection, Stop, baselines};
use crate::machine::git::log::{Blob, Blobs, Repository, Version};
use crate::record::{Error, GPU, INSTRUCTIONS, Record, SCHEMA, WALL};
use crate::report::history::History;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder of baselines whose history to read, along the first parents of HEAD [default:
    /// `baselines` in the package]
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// Only the records of this instrument
    #[arg(long)]
    instrument: Option<Instrument>,
    #[cfg(feature = "figures")]
    #[command(flatten)]
    pictures: pictures::Pictures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Instrument {
    /// Counts of instructions
    Instructions,
    /// Wall times
    Wall,
    /// Times on a GPU
    Gpu,
}

impl Instrument {
    /// The instrument of the record in such a file: `<folder>/<instrument>/<chapter>.json`.
    fn of(path: &str) -> Option<Self> {
        let [_, instrument, file] = path.split('/').collect::<Vec<_>>()[..] else { return None };
        file.strip_suffix(".json")?;
        let all = [Self::Instructions, Self::Wall, Self::Gpu];
        all.into_iter().find(|one| one.table().name == instrument)
    }

    fn table(self) -> &'static crate::record::Instrument {
        match self {
            Self::Instructions => &INSTRUCTIONS,
            Self::Wall => &WALL,
            Self::Gpu => &GPU,
        }
    }
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let dir = &baselines(args.baseline.as_ref());
    if !dir.is_dir() {
        let what = format!("{}: no such folder; `stepmark accept` makes it", dir.display());
        return Err(Stop::new(Exit::Incomparable, what));
    }
    let nothing = || {
        let what = format!("no commit holds a record in {} that can be followed", dir.display());
        Stop::new(Exit::Incomparable, what)
    };
    let repository = Repository::open(dir)?;
    let mut files = BTreeMap::<String, Vec<Version>>::new();
    for version in repository.versions()? {
        files.entry(version.path.clone()).or_default().push(version);
    }
    let mut blobs = repository.blobs()?;
    let mut histories = Vec::new();
    for (path, versions) in &files {
        let Some(instrument) = Instrument::of(path) else { continue };
        if args.instrument.is_some_and(|only| only != instrument) {
            continue;
        }
        histories.extend(history(instrument.table(), path, versions, &mut blobs, context)?);
    }
    if histories.iter().all(|history| history.tracks.is_empty()) {
        return Err(nothing());
    }
    for history in &mut histories {
        history.tracks.retain(|track| args.selection.holds(&track.id));
    }
    histories.retain(|history| !history.tracks.is_empty());
    if histories.is_empty() {
        let of = format!("case id in the history of {}", dir.display());
        return Err(Stop::new(Exit::Usage, args.selection.none(&of).unwrap_or_default()));
    }
    for history in &histories {
        writeln!(context.out, "{}", history.text())?;
    }
    #[cfg(feature = "figures")]
    args.pictures.draw(&histories, context)?;
    Ok(Exit::Pass)
}

/// The history of one record; a version that cannot be used is named and skipped.
fn history(
    instrument: &crate::record::Instrument,
    path: &str,
    versions: &[Version],
    blobs: &mut Blobs,
    context: &mut Context<'_>,
) -> Result<Option<History>, Stop> {
    let mut records = Vec::new();
    for Version { revision, blob, .. } in versions {
        let Some(blob) = blob else { continue };
        match record(instrument, path, blobs.read(blob)?) {
            Ok(record) => records.push((revision.clone(), record)),
            Err(why) => {
                let short = revision.short();
                writeln!(context.out, "note: {path} at {short} is skipped: {why}")?;
            }
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    let folder = path.replace(&format!("/{}/", instrument.name), "/");
    let folder = folder.strip_suffix(".json").unwrap_or(&folder);
    let mut history = History::new(instrument, folder, &records);
    let removed = versions.last().filter(|version| version.blob.is_none());
    history.removed = removed.map(|version| version.revision.clone());
    Ok(Some(history))
}

/// The record in a blob, or why there is none.
fn record(
    instrument: &crate::record::Instrument,
    path: &str,
    blob: Blob,
) -> Result<Record, String> {
    let text = match blob {
        Blob::Text(text) => text,
        Blob::Other(what) => return Err(what),
    };
    // The remedy is another matter in an old commit.
    Record::parse(instrument, Path::new(path), &text).map_err(|why| match why {
        Error::Schema { found, .. } => format!("schema {found}, expected {SCHEMA}"),
        Error::Invalid { found, expected, .. } => format!("{found}, expected {expected}"),
        Error::Missing { .. } | Error::Io { .. } => why.to_string(),
    })
}
