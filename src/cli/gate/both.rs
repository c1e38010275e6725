//! Fresh records and the baselines that belong to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Exit, Stop};
use crate::gate::{self, Findings, Matched, Scope};
use crate::machine;
use crate::record::{self, Error, Instrument, Record};

/// The records of an instrument and the baselines that belong to them, by chapter.
pub(super) struct Both {
    /// Of chapters that have cases here, or had.
    old: BTreeMap<String, Record>,
    /// Of selected chapters.
    new: BTreeMap<String, Record>,
    /// Of chapters that were not measured.
    none: Record,
    /// Why the baseline of a chapter is that of another environment only.
    elsewhere: BTreeMap<String, String>,
}

/// The reason why an instrument compared nothing.
pub(super) struct Missed {
    pub(super) exit: Exit,
    pub(super) why: String,
    pub(super) next: &'static str,
}

impl Both {
    /// The records of an instrument and the baselines that belong to them.
    pub(super) fn read(
        instrument: &Instrument,
        baseline: &Path,
        scope: &Scope<'_>,
        target: &Path,
    ) -> Result<Self, Missed> {
        let missed = |exit, why: String| Missed { exit, why, next: gate::MEASURE };
        let unusable = |err: Error| match err {
            Error::Schema { .. } => missed(Exit::Incomparable, err.to_string()),
            _ => missed(Exit::Failure, Stop::from(err).why),
        };
        let read = |path: &Path| match Record::read(instrument, path) {
            Err(Error::Missing { .. }) => Ok(None),
            record => record.map(Some).map_err(unusable),
        };
        let mut new = BTreeMap::new();
        for chapter in chapters(&scope.selected) {
            let record = read(&record::fresh(target, instrument, &chapter))?;
            new.extend(record.map(|record| (chapter, record)));
        }
        let Some((chapter, first)) = new.iter().next() else {
            let folder = target.join("stepmark").join(instrument.name);
            let held = match record::chapters(&folder)[..] {
                [] => "does not exist",
                _ => "holds no record of a selected chapter",
            };
            let none = none_of(instrument, baseline, &scope.selected);
            let measure = how_to_measure(instrument);
            let why = format!("{} {held}{none}; {measure}", folder.display());
            return Err(missed(Exit::Failure, why));
        };
        let mut old = BTreeMap::new();
        if baseline.is_file() {
            let found = record::instrument(baseline).map_err(unusable)?;
            if found != instrument.name {
                let why = format!("{} is a baseline of `{found}`", baseline.display());
                return Err(missed(Exit::Incomparable, why));
            }
            let record = read(baseline)?.unwrap_or_else(|| first.with(Vec::new()));
            old = record.by_chapter();
        } else {
            let of = |environment, chapter: &str| {
                record::baseline(baseline, instrument, environment, chapter)
            };
            let folder = of(&first.environment, "x");
            let folder = folder.parent().unwrap_or(baseline);
            // A chapter that is gone has no record that says in which environment it was.
            let known = chapters(&scope.known);
            let gone = record::chapters(folder).into_iter().filter(|name| !known.contains(name));
            let gone = gone.map(|name| (of(&first.environment, &name), name));
            let own = new.iter().map(|(name, new)| (of(&new.environment, name), name.clone()));
            for (path, name) in own.chain(gone).collect::<Vec<_>>() {
                old.extend(read(&path)?.map(|record| (name, record)));
            }
            if old.is_empty() {
                let why = no_baseline(&of(&first.environment, chapter), baseline);
                return Err(Missed { exit: Exit::Incomparable, why, next: gate::ACCEPT });
            }
        }
        let mut elsewhere = BTreeMap::new();
        // Saved times of another machine say nothing of this one.
        for name in new.keys().filter(|name| instrument.is_exact() && !old.contains_key(*name)) {
            let own = record::baseline(baseline, instrument, &first.environment, name);
            if let Some(path) = beside(&own, baseline) {
                let why = format!("no baseline {}, but {}", own.display(), path.display());
                elsewhere.insert(name.clone(), why);
            }
        }
        let none = Record::new(instrument, machine::Environment::new());
        Ok(Self { old, new, none, elsewhere })
    }

    /// The rows of all chapters that may be compared; what is about all rows of several chapters is
    /// found once.
    pub(super) fn comparable(
        &self,
        instrument: &Instrument,
        scope: &Scope<'_>,
        findings: &mut Findings,
    ) -> Vec<Matched> {
        let selected = chapters(&scope.selected);
        let mut rows = Vec::new();
        let mut said = BTreeSet::new();
        let chapters = self.old.keys().chain(&selected).collect::<BTreeSet<_>>();
        for name in chapters {
            let own = scope.selected.iter().copied().filter(|id| record::chapter(id) == name);
            let part = Scope { selected: own.collect(), known: scope.known.clone(), ..*scope };
            let mut found = Findings::of(findings.question());
            if let Some(why) = self.elsewhere.get(name) {
                let next = Some(gate::ACCEPT.to_owned());
                findings.push(Exit::Incomparable, instrument.name, why.clone(), next);
                continue;
            }
            let new = self.new.get(name).unwrap_or(&self.none);
            rows.extend(gate::comparable(self.old.get(name), new, &part, &mut found));
            findings.append(found.without(&mut said));
        }
        let is_said = findings.iter().any(|found| found.about == instrument.name);
        if rows.is_empty() && !scope.selected.is_empty() && !is_said {
            let what = "no selected case is in both the record and the baseline";
            let next = Some(gate::ACCEPT.to_owned());
            findings.push(Exit::Incomparable, instrument.name, what, next);
        }
        rows
    }
}

/// The chapters of cases.
fn chapters(ids: &BTreeSet<&str>) -> BTreeSet<String> {
    ids.iter().map(|id| record::chapter(id).to_owned()).collect()
}

/// A baseline of the same chapter and instrument, of another environment.
fn beside(path: &Path, baselines: &Path) -> Option<PathBuf> {
    let of = path.strip_prefix(baselines).ok()?.components().skip(1).collect::<PathBuf>();
    let others = fs::read_dir(baselines).into_iter().flatten().flatten();
    others.map(|folder| folder.path().join(&of)).find(|other| other.is_file())
}

/// Says so where the first selected chapter has no baseline of the instrument at all.
fn none_of(instrument: &Instrument, baselines: &Path, selected: &BTreeSet<&str>) -> String {
    let chapter = selected.first().map(|id| record::chapter(id));
    let Some(chapter) = chapter.filter(|_| !baselines.is_file()) else { return String::new() };
    let of = Path::new("x").join(instrument.name).join(format!("{chapter}.json"));
    match beside(&baselines.join(of), baselines) {
        Some(_) => String::new(),
        None => format!(", and there is no baseline of {chapter} in {}", baselines.display()),
    }
}

fn how_to_measure(instrument: &Instrument) -> String {
    let Instrument { name, command, .. } = instrument;
    let measure = format!("run `{command}` and `stepmark record`");
    match instrument.is_exact() {
        true => format!("{measure} (ci/install.sh installs what that needs), or say --skip {name}"),
        false => measure,
    }
}

/// Names the missing baseline, and where there is none of its environment, those of others.
fn no_baseline(missing: &Path, dir: &Path) -> String {
    let why = format!("no baseline {}", missing.display());
    if missing.parent().is_some_and(Path::is_dir) {
        return why;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let there = if folders.is_empty() { "nothing".to_owned() } else { folders.join(", ") };
    format!("{why}; {} holds {there}", dir.display())
}
