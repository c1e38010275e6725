//! `stepmark gate`: compares the fresh records with the baselines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::duet::Pairs;
use super::outputs::{self, Outputs};
use super::shell::quoted;
use super::{Context, Exit, Selection, Stop, checked, current, duet};
use crate::case::Case;
use crate::collect::{callgrind, criterion};
use crate::gate::duet::Lock;
use crate::gate::{self, Findings, Outcome, Pair, Scope, State};
use crate::machine;
use crate::record::{self, Error, INSTRUCTIONS, Instrument, Record, Row, WALL};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder of baselines, or the baseline of one chapter's instructions
    #[arg(long, value_name = "DIR|FILE", default_value = BASELINES)]
    baseline: PathBuf,
    /// Do without a tier that cannot run here; said in the first line and in the last
    #[arg(long, value_name = "TIER")]
    skip: Vec<Tier>,
    /// Also time against a build of where this branch parted from REV, in pairs
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    #[command(flatten)]
    pairs: Pairs,
    #[command(flatten)]
    outputs: Outputs,
}

impl Args {
    fn skips(&self, tier: Tier) -> bool {
        self.skip.contains(&tier)
    }
}

const BASELINES: &str = "baselines";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tier {
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

/// What kept a tier from comparing anything.
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
    let (scope, counted) = (scope(false), scope(true));
    let with = args.baseline.display();
    let and = args.against.as_ref().map_or_else(String::new, |rev| format!(" and {rev}"));
    let mut outcome = outputs::begin("gate", format!("{with}{and}"), args.pairs.strict);
    outcome.selected = scope.selected.iter().map(|&id| id.to_owned()).collect();
    outcome.comparable = counted.selected.len();

    check(&cases, &mut outcome);
    instructions(args, &counted, &context.target, &mut outcome);
    wall(args, &scope, &context.target, &mut outcome);
    let again = |id: Option<&str>| again(args, id);
    if let Some(revision) = &args.against {
        let builds = duet::of_revision(revision, true, &args.pairs, &context.target);
        let (pairs, selection) = (&args.pairs, &args.selection);
        if let Some(mut duet) = duet::paired(builds, pairs, selection, &again, &mut outcome)? {
            let on_gpu = duet.ids().filter(|id| !scope.selected.contains(id.as_str()));
            outcome.selected.extend(on_gpu.cloned());
            outcome.selected.sort();
            let not_timed = context.cases.iter().filter(|case| case.is_on_device());
            let not_timed = not_timed
                .filter(|case| selection.holds(&case.id) && !duet.ids().any(|id| *id == case.id))
                .count();
            if not_timed > 0 {
                let what = format!(
                    "{not_timed} cases on a GPU were not timed: there is none here, or the builds \
                     lack the feature `cuda`"
                );
                duet.notes.push(("paired".to_owned(), what));
            }
            outcome.pair(duet, pairs.allow_removed, &again);
        }
    }
    outcome.saved(|id| {
        let measure = format!("{} -- {}", criterion::COMMAND, quoted(id));
        format!("{measure} && cargo run --release -- record && {}", again(Some(id)))
    });
    something_decides(args, &mut outcome);
    args.outputs.finish(&outcome, context)
}

fn ids<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    cases.map(|case| case.id.as_str()).collect()
}

/// Tier 1.
fn check(cases: &[&Case], outcome: &mut Outcome) {
    let mut findings = Findings::of(gate::Tier::Check);
    for case in cases {
        if let Err(why) = checked(case) {
            let next = format!("cargo run --release -- check --filter {}", quoted(&case.id));
            findings.push(Exit::Wrong, &case.id, why.to_string(), Some(next));
        }
    }
    outcome.findings.append(findings);
    outcome.stage(gate::Tier::Check, State::Ran, None);
}

/// Tiers 0 and 2.
fn instructions(args: &Args, scope: &Scope<'_>, target: &Path, outcome: &mut Outcome) {
    let mut not_run = |tier, state, why: &str| outcome.stage(tier, state, Some(why.to_owned()));
    if args.skips(Tier::Instructions) {
        let why = "--skip instructions";
        not_run(gate::Tier::Comparable, State::Skipped, why);
        return not_run(gate::Tier::Instructions, State::Skipped, why);
    }
    if scope.selected.is_empty() {
        let why = "no selected case is counted";
        not_run(gate::Tier::Comparable, State::NotRun, why);
        return not_run(gate::Tier::Instructions, State::NotRun, why);
    }
    let both = match both(&INSTRUCTIONS, args, scope, target) {
        Ok(both) => both,
        Err(Missed { exit, why, next }) => {
            let tier = match exit {
                Exit::Incomparable => gate::Tier::Comparable,
                _ => gate::Tier::Instructions,
            };
            not_run(gate::Tier::Comparable, State::NotRun, &why);
            not_run(gate::Tier::Instructions, State::NotRun, &why);
            let mut findings = Findings::of(tier);
            findings.push(exit, INSTRUCTIONS.name, why, Some(next.to_owned()));
            return outcome.findings.append(findings);
        }
    };
    let mut findings = Findings::of(gate::Tier::Comparable);
    let pairs = both.comparable(&INSTRUCTIONS, scope, &mut findings);
    outcome.findings.append(findings);
    outcome.stage(gate::Tier::Comparable, State::Ran, None);
    let (state, why) = match pairs.is_empty() {
        true => (State::NotRun, Some("nothing is comparable".to_owned())),
        false => (State::Ran, None),
    };
    outcome.stage(gate::Tier::Instructions, state, why);
    let mut findings = Findings::of(gate::Tier::Instructions);
    for (old, new) in &pairs {
        let again = format!(
            "{} && cargo run --release -- record && cargo run --release -- gate --filter {}{}",
            callgrind::COMMAND,
            quoted(&old.id),
            baseline(args)
        );
        gate::instructions(old, new, &again, &mut findings);
    }
    outcome.findings.append(findings);
    outcome.counts = owned(&pairs);
}

/// ` --baseline DIR`, unless it is the one by default.
fn baseline(args: &Args) -> String {
    if args.baseline == Path::new(BASELINES) {
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
fn wall(args: &Args, scope: &Scope<'_>, target: &Path, outcome: &mut Outcome) {
    let mut gone = Findings::of(gate::Tier::Wall);
    let mut walls = walls(args, scope, target, &mut gone);
    if !args.pairs.allow_removed {
        outcome.findings.append(gone);
    }
    if let Ok(walls) = &mut walls {
        // The time of a wrong answer is not worth having.
        walls.retain(|pair| !outcome.is_wrong(&pair.new.id));
    }
    outcome.walls = walls;
}

/// The pairs of wall times, or why there are none; cases that are gone are found.
fn walls(
    args: &Args,
    scope: &Scope<'_>,
    target: &Path,
    gone: &mut Findings,
) -> Result<Vec<Pair>, String> {
    let both = both(&WALL, args, scope, target).map_err(|missed| missed.why)?;
    let mut findings = Findings::of(gate::Tier::Wall);
    let pairs = both.comparable(&WALL, scope, &mut findings);
    if !findings.iter().any(|found| found.about == WALL.name) {
        for found in findings.iter().filter(|found| !scope.known.contains(found.about.as_str())) {
            gone.push(found.exit, &found.about, &found.what, found.next.clone());
        }
    }
    if pairs.is_empty() {
        let why = findings.iter().find(|finding| finding.exit != Exit::Pass);
        return Err(why.map_or_else(|| "nothing is comparable".to_owned(), |why| why.what.clone()));
    }
    Ok(owned(&pairs))
}

fn owned(pairs: &[(&Row, &Row)]) -> Vec<Pair> {
    pairs.iter().map(|&(old, new)| Pair { old: old.clone(), new: new.clone() }).collect()
}

impl Both {
    /// The pairs of all chapters that may be compared; what is about all rows of several chapters is
    /// found once.
    fn comparable(
        &self,
        instrument: &Instrument,
        scope: &Scope<'_>,
        findings: &mut Findings,
    ) -> Vec<(&Row, &Row)> {
        let selected = chapters(&scope.selected);
        let mut pairs = Vec::new();
        let mut said = BTreeSet::new();
        let chapters = self.old.keys().chain(&selected).collect::<BTreeSet<_>>();
        for name in chapters {
            let own = scope.selected.iter().copied().filter(|id| record::chapter(id) == name);
            let part = Scope { selected: own.collect(), known: scope.known.clone(), ..*scope };
            let mut found = Findings::of(findings.tier());
            if let Some(why) = self.elsewhere.get(name) {
                let next = Some(gate::ACCEPT.to_owned());
                findings.push(Exit::Incomparable, instrument.name, why.clone(), next);
                continue;
            }
            let new = self.new.get(name).unwrap_or(&self.none);
            pairs.extend(gate::comparable(self.old.get(name), new, &part, &mut found));
            findings.append(found.without(&mut said));
        }
        let is_said = findings.iter().any(|found| found.about == instrument.name);
        if pairs.is_empty() && !scope.selected.is_empty() && !is_said {
            let what = "no selected case is in both the record and the baseline";
            let next = Some(gate::ACCEPT.to_owned());
            findings.push(Exit::Incomparable, instrument.name, what, next);
        }
        pairs
    }
}

/// The chapters of cases.
fn chapters(ids: &BTreeSet<&str>) -> BTreeSet<String> {
    ids.iter().map(|id| record::chapter(id).to_owned()).collect()
}

/// Doing nothing is no pass.
fn something_decides(args: &Args, outcome: &mut Outcome) {
    let informed = args.skips(Tier::Instructions) && outcome.walls.is_ok();
    if outcome.exit() == Exit::Pass && outcome.compared().is_empty() && !informed {
        // Needs no instrument, so that every crate has it.
        let next = "cargo run --release -- gate --skip instructions --against REV";
        let what = "nothing that decides was compared";
        outcome.findings.push(Exit::Incomparable, "gate", what, Some(next.to_owned()));
    }
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
