//! `stepmark gate`: compares the fresh records with the baselines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::record::path;
use super::{Context, Exit, Selection, Stop, checked, current};
use crate::case::Case;
use crate::collect::{callgrind, criterion};
use crate::gate::{self, Findings, Ratio, Scope};
use crate::machine;
use crate::record::{self, Error, Instructions, Measure, Record, Wall};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder of baselines, or one baseline of instructions
    #[arg(long, value_name = "DIR|FILE", default_value = BASELINES)]
    baseline: PathBuf,
    /// Do without a tier that cannot run here; said in the first line and in the last
    #[arg(long, value_name = "TIER")]
    skip: Vec<Tier>,
}

const BASELINES: &str = "baselines";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// Instruction counts and heap use
    Instructions,
}

/// A baseline beside the record to compare it with.
struct Both<M> {
    old: Record<M>,
    new: Record<M>,
}

/// What kept a tier from comparing anything.
struct Missed {
    exit: Exit,
    why: String,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let cases = args.selection.of(context.cases)?;
    current()?;
    let environment = machine::toolchain();
    let would_select = |id: &str| args.selection.holds(id);
    let scope = |counted: bool| Scope {
        selected: ids(cases.iter().copied().filter(|case| !counted || !case.timed_only)),
        would_select: &would_select,
        known: ids(context.cases.iter().filter(|case| !counted || !case.timed_only)),
        source: machine::SOURCE,
        toolchain: &environment,
    };
    let (scope, counted) = (scope(false), scope(true));
    let skipped = args.skip.contains(&Tier::Instructions);
    let without = if skipped { ", without instructions (--skip instructions)" } else { "" };
    let against = args.baseline.display();
    writeln!(context.out, "gate: {} cases against {against}{without}", cases.len())?;

    let mut findings = Findings::default();
    check(&cases, &mut findings);
    let wrong: BTreeSet<_> = findings.iter().map(|finding| finding.about.clone()).collect();
    let compared =
        if skipped { 0 } else { instructions(args, &counted, &context.target, &mut findings) };
    let ratios = wall(args, &scope, &context.target);
    if compared == 0 && findings.exit() == Exit::Pass && (!skipped || ratios.is_err()) {
        let next = Some(gate::MEASURE.to_owned());
        findings.push(Exit::Incomparable, "gate", "nothing that decides was compared", next);
    }

    for finding in findings.iter() {
        writeln!(context.out, "{finding}")?;
    }
    match ratios {
        Ok(ratios) => print_ratios(&ratios, &wrong, context)?,
        Err(why) => writeln!(context.out, "wall times (inform only): not compared: {why}")?,
    }
    let exit = findings.exit();
    writeln!(
        context.out,
        "{exit}{} (exit {}): {compared} of {} cases compared{without}, {}",
        tier(exit),
        exit.code(),
        counted.selected.len(),
        counts(&findings)
    )?;
    Ok(exit)
}

fn ids<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    cases.map(|case| case.id.as_str()).collect()
}

/// Tier 1.
fn check(cases: &[&Case], findings: &mut Findings) {
    for case in cases {
        if let Err(why) = checked(case) {
            let next = format!("cargo run --release -- check --filter {}", case.id);
            findings.push(Exit::Wrong, &case.id, why, Some(next));
        }
    }
}

/// Tiers 0 and 2; returns how many cases were compared.
fn instructions(args: &Args, scope: &Scope<'_>, target: &Path, findings: &mut Findings) -> usize {
    let Both { old, new } = match both::<Instructions>(args, target) {
        Ok(both) => both,
        Err(Missed { exit, why }) => {
            findings.push(exit, Instructions::INSTRUMENT, why, Some(gate::MEASURE.to_owned()));
            return 0;
        }
    };
    let pairs = gate::comparable(&old, &new, scope, findings);
    for (old, new) in &pairs {
        let mut again = format!(
            "{} && cargo run --release -- record && cargo run --release -- gate --filter {}",
            callgrind::COMMAND,
            old.id
        );
        if args.baseline != Path::new(BASELINES) {
            again += &format!(" --baseline {}", args.baseline.display());
        }
        gate::instructions(old, new, &again, findings);
    }
    pairs.len()
}

/// The ratios of wall times, or why there are none.
fn wall(args: &Args, scope: &Scope<'_>, target: &Path) -> Result<Vec<Ratio>, String> {
    let Both { old, new } = both::<Wall>(args, target).map_err(|missed| missed.why)?;
    let mut findings = Findings::default();
    let pairs = gate::comparable(&old, &new, scope, &mut findings);
    let why = findings.iter().find(|finding| finding.exit != Exit::Pass);
    match why {
        Some(why) if pairs.is_empty() => Err(why.what.clone()),
        _ => Ok(gate::ratios(&pairs)),
    }
}

/// The record of an instrument and the baseline that belongs to it.
fn both<M: Measure>(args: &Args, target: &Path) -> Result<Both<M>, Missed> {
    let missed = |exit, why: String| Missed { exit, why };
    let unusable = |err: Error| match err {
        Error::Schema { .. } => missed(Exit::Incomparable, err.to_string()),
        _ => missed(Exit::Failure, Stop::from(err).why),
    };
    let new = match Record::<M>::read(&path::<M>(target)) {
        Err(Error::Missing { path }) => {
            let why = format!("{} does not exist; {}", path.display(), how_to_measure::<M>());
            return Err(missed(Exit::Failure, why));
        }
        new => new.map_err(unusable)?,
    };
    let baseline = &args.baseline;
    let old = if baseline.is_file() {
        let instrument = record::instrument(baseline).map_err(unusable)?;
        if instrument != M::INSTRUMENT {
            let why = format!("{} is a baseline of `{instrument}`", baseline.display());
            return Err(missed(Exit::Incomparable, why));
        }
        baseline.clone()
    } else {
        new.baseline(baseline)
    };
    match Record::<M>::read(&old) {
        Err(Error::Missing { .. }) => Err(missed(Exit::Incomparable, no_baseline(&old, baseline))),
        old => Ok(Both { old: old.map_err(unusable)?, new }),
    }
}

fn how_to_measure<M: Measure>() -> String {
    if M::INSTRUMENT == Wall::INSTRUMENT {
        return format!("run `{}` and `stepmark record`", criterion::COMMAND);
    }
    format!(
        "run `{}` and `stepmark record` (ci/install.sh installs what that needs), \
         or say --skip instructions",
        callgrind::COMMAND
    )
}

/// Names the missing file and the baselines that do exist.
fn no_baseline(missing: &Path, dir: &Path) -> String {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let there = if folders.is_empty() { "nothing".to_owned() } else { folders.join(", ") };
    format!(
        "no baseline {}; {} holds {there}; `stepmark accept` makes the record one",
        missing.display(),
        dir.display()
    )
}

fn print_ratios(
    ratios: &[Ratio],
    wrong: &BTreeSet<String>,
    context: &mut Context<'_>,
) -> Result<(), Stop> {
    writeln!(context.out, "wall times (inform only): new median / baseline median")?;
    for Ratio { id, ratio, overlap } in ratios {
        let apart = if *overlap { "" } else { "  (5-95 % ranges apart)" };
        // The time of a wrong answer is not worth having.
        if !wrong.contains(id) {
            writeln!(context.out, "  {ratio:>6.3}x  {id}{apart}")?;
        }
    }
    Ok(())
}

/// Which tier decided.
fn tier(exit: Exit) -> &'static str {
    match exit {
        Exit::Pass | Exit::Failure | Exit::Usage => "",
        Exit::Incomparable => " by tier 0",
        Exit::Wrong => " by tier 1",
        Exit::Regression => " by tier 2",
        Exit::Unclear => " by tier 3",
    }
}

/// `1 regression, 2 notes`
fn counts(findings: &Findings) -> String {
    let kinds =
        [Exit::Failure, Exit::Wrong, Exit::Incomparable, Exit::Regression, Exit::Pass].into_iter();
    let count = |exit: Exit| {
        let name = if exit == Exit::Pass { "note".to_owned() } else { exit.to_string() };
        match findings.count(exit) {
            0 => None,
            1 => Some(format!("1 {name}")),
            n => Some(format!("{n} {name}s")),
        }
    };
    let counts: Vec<String> = kinds.filter_map(count).collect();
    if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") }
}
