//! `stepmark gate`: compares the fresh records with the baselines.

mod both;
mod counts;
mod gone;
mod walls;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ValueEnum;

use super::base::Base;
use super::check::{Checker, Limit};
use super::duet::{self, Ask, PairOptions};
use super::outputs::{self, Outputs};
use super::shell::quoted;
use super::{Context, Exit, Selection, Stop, current};
use crate::case::{self, Case, Trouble};
use crate::gate::duet::Lock;
use crate::gate::{Duet, Findings, NOT_ASKED, Outcome, Parts, Question, Scope, Slower};
use crate::machine;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The folder of baselines, or the baseline of one chapter's instructions [default: `baselines` in
    /// the package]
    #[arg(long, value_name = "DIR|FILE")]
    baseline: Option<PathBuf>,
    /// Do without an instrument that cannot run here; the first line and the last say so
    #[arg(long, value_name = "INSTRUMENT")]
    skip: Vec<Skip>,
    #[command(flatten)]
    limit: Limit,
    /// Also time against a build of where this branch parted from REV, in pairs
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    #[command(flatten)]
    pairs: PairOptions,
    #[command(flatten)]
    outputs: Outputs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Skip {
    /// Instruction counts and heap use
    Instructions,
}

impl Args {
    fn baselines(&self) -> PathBuf {
        super::baselines(self.baseline.as_ref())
    }

    /// ` --baseline DIR`, unless it is the one by default.
    fn baseline_again(&self) -> String {
        let named = self.baseline.iter();
        named.map(|path| format!(" --baseline {}", quoted(&path.display().to_string()))).collect()
    }

    /// The shell line that pairs again, with wall times beside: of one case or of all that were
    /// selected.
    fn again(&self, id: Option<&str>) -> String {
        let against = self.against.iter();
        let against: String =
            against.map(|revision| format!(" --against {}", quoted(revision))).collect();
        let (baseline, more) = (self.baseline_again(), self.pairs.again(id, &self.selection));
        format!("cargo run --release -- gate --skip instructions{against}{baseline}{more}")
    }
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    args.outputs.ready()?;
    args.pairs.ready()?;
    let gone = gone::gone(args, context.cases);
    let mut cases = match args.selection.of(context.cases) {
        // The baselines may have the case, or the old build.
        Err(stop) if stop.exit == Exit::Usage && (gone.is_some() || args.against.is_some()) => {
            Vec::new()
        }
        cases => cases?,
    };
    let is_known = !cases.is_empty();
    // Only pairs time the cases on a device.
    cases.retain(|case| !case.is_on_device());
    if is_known && cases.is_empty() && args.against.is_none() {
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
    let and = args.against.as_ref().map_or_else(String::new, |rev| format!(" and {rev}"));
    let against = format!("{}{and}", args.baselines().display());
    let head = outputs::head("gate", against, args.pairs.strict);
    let again = |id: Option<&str>| args.again(id);
    let base = args.against.as_ref().map(|revision| {
        let base = duet::base(revision, true, &args.pairs, &context.target)?;
        base.differs().map(|()| base)
    });
    let base = match base.transpose() {
        Ok(base) => base,
        Err(stop) => {
            let slower = duet::unanswered(stop, &again)?;
            let outcome = Outcome::new(head, Parts { slower, ..Parts::default() });
            return args.outputs.finish(&outcome, context);
        }
    };
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
    let right = right(&cases, args, context)?;
    let counts = counts::counts(args, &counted_scope, gone, &context.target);
    let walls = walls::walls(args, &scope, &context.target);
    let loosened = base.as_ref().map(|base| base.loosened(&args.baselines(), &args.selection));
    let loosened = loosened.transpose()?.unwrap_or_default();
    let slower = base.as_ref().map(|base| slower(args, base, &right, is_known, context));
    let slower = slower.transpose()?.unwrap_or(Slower::NotAsked(NOT_ASKED));
    let selected = scope.selected.iter().map(|&id| id.to_owned()).collect();
    let counted = counted_scope.selected.len();
    let parts = Parts { selected, counted, right: Some(right), counts, walls, slower, loosened };
    args.outputs.finish(&Outcome::new(head, parts), context)
}

/// The paired times of the selected cases, but of none that fails its check: another process would
/// only find again that it is wrong, or hang.
fn slower(
    args: &Args,
    base: &Base,
    right: &Findings,
    is_known: bool,
    context: &Context<'_>,
) -> Result<Slower, Stop> {
    let failed: BTreeSet<&str> = right.iter().map(|found| found.about.as_str()).collect();
    let is_taken = |id: &str| args.selection.holds(id) && !failed.contains(id);
    if is_known && !context.cases.iter().any(|case| is_taken(&case.id)) {
        return Ok(Slower::NotAsked("every selected case fails its check"));
    }
    let selection = (!is_known).then_some(&args.selection);
    let ask = Ask { pairs: &args.pairs, selection, is_taken: &is_taken };
    let note = |duet: &mut Duet| note_untimed(duet, context.cases, &args.selection);
    ask.since(base, &|id| args.again(id), note)
}

/// Notes how many selected cases on a GPU were not timed.
fn note_untimed(duet: &mut Duet, cases: &[Case], selection: &Selection) {
    let on_gpu = cases.iter().filter(|case| case.is_on_device() && selection.holds(&case.id));
    let count = on_gpu.filter(|case| !duet.ids().any(|id| *id == case.id)).count();
    if count > 0 {
        let what = format!(
            "{} on a GPU not timed: there is none here, or the builds lack the feature `cuda`",
            case::count(count)
        );
        duet.notes.push(("paired".to_owned(), what));
    }
}

fn ids<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<&'a str> {
    cases.map(|case| case.id.as_str()).collect()
}

/// The cases that fail their check, or give no verdict.
fn right(cases: &[&Case], args: &Args, context: &Context<'_>) -> Result<Findings, Stop> {
    let mut findings = Findings::of(Question::Right);
    let mut checker = Checker::new(context, &args.limit)?;
    for case in cases {
        let (exit, why) = match checker.check(case) {
            Ok(_) => continue,
            Err(Trouble::Wrong(why)) => (Exit::Wrong, why),
            Err(Trouble::Failed(why)) => (Exit::Failure, why),
        };
        let (id, limit) = (quoted(&case.id), args.limit.again());
        let next = format!("cargo run --release -- check --exact {id}{limit}");
        findings.push(exit, &case.id, why, Some(next));
    }
    Ok(findings)
}
