//! `stepmark gate`: compares the fresh records with the baselines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::duet::PairOptions;
use super::outputs::{self, Outputs};
use super::shell::quoted;
use super::{Context, Exit, Selection, Stop, checked, current, duet};
use crate::case::Case;
use crate::collect::{callgrind, criterion};
use crate::gate::duet::Lock;
use crate::gate::{
    self, Counts, Duet, Findings, Matched, Outcome, Parts, Question, Scope, Slower, Walls,
};
use crate::machine::{self, workspace};
use crate::record::{self, Error, INSTRUCTIONS, Instrument, Record, WALL};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder of baselines, or the baseline of one chapter's instructions
    #[arg(long, value_name = "DIR|FILE", default_value_os_t = workspace::at_package(BASELINES))]
    baseline: PathBuf,
    /// Do without an instrument that cannot run here; the first line and the last say so
    #[arg(long, value_name = "INSTRUMENT")]
    skip: Vec<Skip>,
    /// Also time against a build of where this branch parted from REV, in pairs
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    #[command(flatten)]
    pairs: PairOptions,
    #[command(flatten)]
    outputs: Outputs,
}

const BASELINES: &str = "baselines";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Skip {
    /// Instruction counts and heap use
    Instructions,
}

/// The records of an instrument and the baselines that belong to them, by chapter.
struct Both {
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
struct Missed {
    exit: Exit,
    why: String,
    next: &'static str,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    args.outputs.ready()?;
    args.pairs.ready()?;
    let mut cases = args.selection.of(context.cases)?;
    // Only pairs time the cases on a device.
    cases.retain(|case| !case.is_on_device());
    if cases.is_empty() && args.against.is_none() {
        let why = "only cases on a device are selected, which need --against REV";
        return Err(Stop::new(Exit::Usage, why));
    }
    if args.against.is_none() && args.pairs.are_asked_for() {
        let why = "--strict and what is under `Paired times` in --help go with --against REV";
        return Err(Stop::new(Exit::Usage, why));
    }
    let source = current()?;
    let lock = || Lock::take(&context.target);
    let _lock = args.against.is_some().then(lock).transpose()?;
    let environment = machine::toolchain();
    let would_select = |id: &str| args.selection.holds(id);
    let scope = |counted: bool| Scope {
        selected: ids(cases.iter().copied().filter(|case| !counted || case.is_counted())),
        would_select: &would_select,
        known: ids(context.cases.iter().filter(|case| !counted || case.is_counted())),
        source: &source,
        toolchain: &environment,
    };
    let (scope, counted_scope) = (scope(false), scope(true));
    let with = args.baseline.display();
    let and = args.against.as_ref().map_or_else(String::new, |rev| format!(" and {rev}"));
    let head = outputs::head("gate", format!("{with}{and}"), args.pairs.strict);
    let right = Some(right(&cases));
    let counts = counts(args, &counted_scope, &context.target);
    let walls = walls(args, &scope, &context.target);
    let again = |id: Option<&str>| again(args, id);
    let slower = match &args.against {
        None => Slower::NotAsked,
        Some(revision) => {
            let builds = duet::of_revision(revision, true, &args.pairs, &context.target);
            let note = |duet: &mut Duet| note_untimed(duet, context.cases, &args.selection);
            duet::slower(builds, &args.pairs, &args.selection, &again, note)?
        }
    };
    let selected = scope.selected.iter().map(|&id| id.to_owned()).collect();
    let counted = counted_scope.selected.len();
    let parts = Parts { selected, counted, right, counts, walls, slower };
    args.outputs.finish(&Outcome::new(head, parts), context)
}

/// Notes how many selected cases on a GPU were not timed.
fn note_untimed(duet: &mut Duet, cases: &[Case], selection: &Selection) {
    let on_gpu = cases.iter().filter(|case| case.is_on_device() && selection.holds(&case.id));
    let count = on_gpu.filter(|case| !duet.ids().any(|id| *id == case.id)).count();
    if count > 0 {
        let what = format!(
            "{count} cases on a GPU were not timed: there is none here, or the builds lack the \
             feature `cuda`"
        );
        duet.notes.push(("paired".to_owned(), what));
    }
}

fn ids<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    cases.map(|case| case.id.as_str()).collect()
}

/// The cases that fail their check.
fn right(cases: &[&Case]) -> Findings {
    let mut findings = Findings::of(Question::Right);
    for case in cases {
        if let Err(why) = checked(case) {
            let next = format!("cargo run --release -- check --filter {}", quoted(&case.id));
            findings.push(Exit::Wrong, &case.id, why.to_string(), Some(next));
        }
    }
    findings
}

/// The exact counts beside their baselines.
fn counts(args: &Args, scope: &Scope<'_>, target: &Path) -> Counts {
    if args.skip.contains(&Skip::Instructions) {
        return Counts::Skipped("--skip instructions");
    }
    if scope.selected.is_empty() {
        let why = "no selected case is counted".to_owned();
        return Counts::Missing { why, findings: Findings::default() };
    }
    let both = match both(&INSTRUCTIONS, args, scope, target) {
        Ok(both) => both,
        Err(Missed { exit, why, next }) => {
            let mut findings = Findings::of(match exit {
                Exit::Incomparable => Question::Comparable,
                _ => Question::Hungrier,
            });
            findings.push(exit, INSTRUCTIONS.name, why.clone(), Some(next.to_owned()));
            return Counts::Missing { why, findings };
        }
    };
    let mut findings = Findings::of(Question::Comparable);
    let rows = both.comparable(&INSTRUCTIONS, scope, &mut findings);
    let mut hungrier = Findings::of(Question::Hungrier);
    for Matched { old, new } in &rows {
        let again = format!(
            "{} && cargo run --release -- record && cargo run --release -- gate --filter {}{}",
            callgrind::COMMAND,
            quoted(&old.id),
            baseline(args)
        );
        gate::instructions(old, new, &again, &mut hungrier);
    }
    findings.append(hungrier);
    Counts::Compared { rows, findings }
}

/// ` --baseline DIR`, unless it is the one by default.
fn baseline(args: &Args) -> String {
    if args.baseline == workspace::at_package(BASELINES) {
        return String::new();
    }
    format!(" --baseline {}", quoted(&args.baseline.display().to_string()))
}

/// The shell line that pairs again, with wall times beside: of one case or of all that were selected.
fn again(args: &Args, id: Option<&str>) -> String {
    let against = args.against.iter().map(|revision| format!(" --against {}", quoted(revision)));
    let (against, baseline) = (against.collect::<String>(), baseline(args));
    let more = args.pairs.again(id, &args.selection);
    format!("cargo run --release -- gate --skip instructions{against}{baseline}{more}")
}

/// Wall times beside the saved ones.
fn walls(args: &Args, scope: &Scope<'_>, target: &Path) -> Walls {
    let mut gone = Findings::of(Question::Comparable);
    let both = match both(&WALL, args, scope, target) {
        Ok(both) => both,
        Err(missed) => return Walls { rows: Err(missed.why), gone },
    };
    let mut findings = Findings::of(Question::Comparable);
    let rows = both.comparable(&WALL, scope, &mut findings);
    let is_of_all = findings.iter().any(|found| found.about == WALL.name);
    if !is_of_all && !args.pairs.allow_removed {
        for found in findings.iter().filter(|found| !scope.known.contains(found.about.as_str())) {
            gone.push(found.exit, &found.about, &found.what, found.next.clone());
        }
    }
    if rows.is_empty() {
        let why = findings.iter().find(|finding| finding.exit != Exit::Pass);
        let why = why.map_or_else(|| "nothing is comparable".to_owned(), |why| why.what.clone());
        return Walls { rows: Err(why), gone };
    }
    Walls { rows: Ok(rows), gone }
}

impl Both {
    /// The rows of all chapters that may be compared; what is about all rows of several chapters is
    /// found once.
    fn comparable(
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

/// The records of an instrument and the baselines that belong to them.
fn both(
    instrument: &Instrument,
    args: &Args,
    scope: &Scope<'_>,
    target: &Path,
) -> Result<Both, Missed> {
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
    let Some(first) = new.values().next() else {
        let folder = target.join("stepmark").join(instrument.name);
        let held = match record::chapters(&folder)[..] {
            [] => "does not exist",
            _ => "holds no record of a selected chapter",
        };
        let why = format!("{} {held}; {}", folder.display(), how_to_measure(instrument));
        return Err(missed(Exit::Failure, why));
    };
    let baseline = &args.baseline;
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
            let why = no_baseline(folder, baseline);
            return Err(Missed { exit: Exit::Incomparable, why, next: gate::ACCEPT });
        }
    }
    let mut elsewhere = BTreeMap::new();
    // Saved times of another machine say nothing of this one.
    let is_exact = instrument.name == INSTRUCTIONS.name;
    for name in new.keys().filter(|name| is_exact && !old.contains_key(*name)) {
        let own = record::baseline(baseline, instrument, &first.environment, name);
        if let Some(path) = beside(&own, baseline) {
            let why = format!("no baseline {}, but {}", own.display(), path.display());
            elsewhere.insert(name.clone(), why);
        }
    }
    let none = Record::new(instrument, machine::Environment::new());
    Ok(Both { old, new, none, elsewhere })
}

/// A baseline of the same chapter and instrument, of another environment.
fn beside(path: &Path, baselines: &Path) -> Option<PathBuf> {
    let of = path.strip_prefix(baselines).ok()?.components().skip(1).collect::<PathBuf>();
    let others = std::fs::read_dir(baselines).into_iter().flatten().flatten();
    others.map(|folder| folder.path().join(&of)).find(|other| other.is_file())
}

fn how_to_measure(instrument: &Instrument) -> String {
    if instrument.name == WALL.name {
        return format!("run `{}` and `stepmark record`", criterion::COMMAND);
    }
    format!(
        "run `{}` and `stepmark record` (ci/install.sh installs what that needs), \
         or say --skip instructions",
        callgrind::COMMAND
    )
}

/// Names the missing folder and the baselines that do exist.
fn no_baseline(missing: &Path, dir: &Path) -> String {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let there = if folders.is_empty() { "nothing".to_owned() } else { folders.join(", ") };
    format!("no baseline {}; {} holds {there}", missing.display(), dir.display())
}
