//! `stepmark accept`: the only command that writes baselines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::base::tolerance;
use super::check::{Checker, Limit};
use super::{Context, Exit, Selection, Stop, current};
use crate::case::{self, Case, Trouble};
use crate::gate::duet::{self, Build, Lock};
use crate::gate::{self, Shift};
use crate::machine;
use crate::record::metric::ACCEPTED;
use crate::record::{self, Error, Instrument, Measures, Record, Row, WALL};
use crate::report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Why the baselines change; kept in each line that changes
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    selection: Selection,
    /// Take only cases that improved beyond the tolerance, or are new; all others keep their baseline
    #[arg(long)]
    ratchet: bool,
    /// The folder of baselines to write to [default: `baselines` in the package]
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
}

impl Args {
    fn baselines(&self) -> PathBuf {
        super::baselines(self.baseline.as_ref())
    }
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a baseline without a reason".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// The selected rows of a chapter, fresh and complete.
struct Fresh {
    instrument: &'static Instrument,
    chapter: String,
    record: Record,
}

impl Fresh {
    /// `wall/CHAPTER`
    fn name(&self) -> String {
        format!("{}/{}", self.instrument.name, self.chapter)
    }
}

/// A baseline as it shall be.
enum Change {
    Write(String, PathBuf, Record),
    /// Its chapter has no cases any more.
    Remove(PathBuf),
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    args.selection.of(context.cases)?;
    let source = &current()?;
    let tree = machine::revision(&args.baselines());
    if let (None, Some(why)) = (&tree, machine::git::refusal(&args.baselines())) {
        return Err(why.into());
    }
    let mut all = Vec::new();
    for instrument in ACCEPTED {
        all.extend(fresh(instrument, source, args, context)?);
    }
    for fresh in &mut all {
        let path = record::fresh(&context.target, fresh.instrument, &fresh.chapter);
        reproducible(&mut fresh.record.cases, tree.as_ref(), &path)?;
    }
    if all.is_empty() {
        let what = "there is no record to accept; run a whole bench, then `stepmark record`";
        return Err(Stop::new(Exit::Incomparable, what));
    }
    if tree.is_some_and(|(_, dirty)| dirty) {
        let what = format!(
            "the tree has uncommitted changes outside {}; commit them first, so that the \
             baselines get a commit of their own",
            args.baselines().display()
        );
        return Err(Stop::new(Exit::Incomparable, what));
    }
    let mut checker = Checker::new(context, &args.limit)?;
    let here = |case: &&Case| !case.is_on_device() && args.selection.holds(&case.id);
    for case in context.cases.iter().filter(here) {
        let (exit, why) = match checker.check(case) {
            Ok(_) => continue,
            Err(Trouble::Wrong(why)) => (Exit::Wrong, why + "; a wrong kernel has no baseline"),
            Err(Trouble::Failed(why)) => (Exit::Failure, why),
        };
        return Err(Stop::new(exit, format!("{}: {why}", case.id)));
    }
    if all.iter().any(|fresh| fresh.instrument.measures == Measures::OnCpu) {
        trusted(context)?;
    }
    let mut changes = Vec::new();
    for fresh in &all {
        changes.extend(change(fresh, args, context)?);
    }
    changes.extend(removals(&all, args, context));
    // All were read and compared before the first is written.
    for change in changes {
        match change {
            Change::Write(name, path, record) => {
                record.write(&path)?;
                let cases = case::count(record.cases.len());
                writeln!(context.out, "{name}: {cases} -> {}", path.display())?;
            }
            Change::Remove(path) => {
                fs::remove_file(&path)?;
                writeln!(context.out, "{}: removed, its chapter has no cases", path.display())?;
            }
        }
    }
    Ok(Exit::Pass)
}

/// Requires that this machine times this executable as it times itself.
fn trusted(context: &Context<'_>) -> Result<(), Stop> {
    let _lock = Lock::take(&context.target)?;
    match duet::self_test(&Build::new(env::current_exe()?), &tolerance()?)? {
        None => Ok(()),
        Some(why) => {
            let what = format!(
                "{why}: wall times of this machine mean little now; measure again when it is \
                 quiet, or remove {} to accept the rest",
                context.target.join("stepmark").join(WALL.name).display()
            );
            Err(Stop::new(Exit::Incomparable, what))
        }
    }
}

/// The fresh records of an instrument that are of these sources and hold every selected case of their
/// chapter; of the others, says why their baseline stays.
fn fresh(
    instrument: &'static Instrument,
    source: &str,
    args: &Args,
    context: &mut Context<'_>,
) -> Result<Vec<Fresh>, Stop> {
    let folder = context.target.join("stepmark").join(instrument.name);
    let chapters = record::chapters(&folder);
    // Most machines have no device, and need no line that says so.
    if chapters.is_empty() && instrument.measures != Measures::OnDevice {
        let fate = fate(instrument, None, args, context);
        writeln!(context.out, "{}: {fate}: no record in {}", instrument.name, folder.display())?;
    }
    let expected = context.measured_by(instrument);
    let mut all = Vec::new();
    let concerned = chapters.into_iter().filter(|name| context.concerns(name, &args.selection));
    for chapter in concerned.collect::<Vec<_>>() {
        let path = record::fresh(&context.target, instrument, &chapter);
        let record = match Record::read(instrument, &path) {
            Err(why @ Error::Schema { .. }) => Err(why.to_string()),
            record => Ok(record?),
        };
        let stays = record.and_then(|record| {
            let mut rows = record.cases.clone();
            let is_case =
                |id: &String| instrument.measures == Measures::Some || expected.contains(id);
            rows.retain(|row| args.selection.holds(&row.id) && is_case(&row.id));
            let is_wanted =
                |id: &&String| record::chapter(id) == chapter && args.selection.holds(id);
            let lacks = |id: &&String| !rows.iter().any(|row| row.id == **id);
            if rows.iter().any(|row| row.origin.source != source) {
                return Err(format!("{} is of other sources", path.display()));
            }
            match expected.iter().filter(is_wanted).find(lacks) {
                Some(id) => Err(format!("{} lacks {id}", path.display())),
                None => Ok(record.with(rows)),
            }
        });
        match stays {
            Ok(record) if record.cases.is_empty() => {}
            Ok(record) if record.environment.get("emulated").is_some_and(|is| is == "true") => {
                let what = format!(
                    "{} is of an emulated device, whose times mean nothing",
                    path.display()
                );
                return Err(Stop::new(Exit::Incomparable, what));
            }
            Ok(record) => all.push(Fresh { instrument, chapter, record }),
            Err(why) => {
                let (name, fate) =
                    (instrument.name, fate(instrument, Some(&chapter), args, context));
                writeln!(context.out, "{name}/{chapter}: {fate}: {why}")?;
            }
        }
    }
    Ok(all)
}

/// The fate of the baseline of a chapter, or of any that is selected, where there is no record
/// to accept.
fn fate(
    instrument: &Instrument,
    chapter: Option<&str>,
    args: &Args,
    context: &Context<'_>,
) -> &'static str {
    let folders = fs::read_dir(args.baselines()).into_iter().flatten().flatten();
    let mut held = folders.flat_map(|f| record::chapters(&f.path().join(instrument.name)));
    let is_meant = |name: &String| match chapter {
        Some(chapter) => name == chapter,
        None => context.concerns(name, &args.selection),
    };
    if held.any(|name| is_meant(&name)) { "its baseline stays" } else { "it gets no baseline" }
}

/// Requires that a commit reproduces the rows of a record.
///
/// A record that was made outside git, as on a machine that executables were copied to, is of the
/// commit of a clean `tree` here: its sources are the same.
fn reproducible(rows: &mut [Row], tree: Option<&(String, bool)>, path: &Path) -> Result<(), Stop> {
    for Row { id, origin, .. } in rows {
        let why = match (&origin.commit, tree) {
            (Some(_), _) if origin.dirty => {
                "with uncommitted changes, so no commit reproduces it; commit them, then measure \
                 again"
            }
            (Some(_), _) => continue,
            (None, Some((commit, false))) => {
                (origin.commit, origin.dirty) = (Some(commit.clone()), false);
                continue;
            }
            (None, Some((_, true))) => {
                "outside git, and the tree here has uncommitted changes; commit them first"
            }
            (None, None) => "outside git, so no commit reproduces it; measure in a checkout",
        };
        let what = format!("{}: {id} was measured {why}", path.display());
        return Err(Stop::new(Exit::Incomparable, what));
    }
    Ok(())
}

/// Prints what a record would change, and returns the new baseline; `None` if it stays.
fn change(fresh: &Fresh, args: &Args, context: &mut Context<'_>) -> Result<Option<Change>, Stop> {
    let Fresh { instrument, chapter, record } = fresh;
    let (name, mut new) = (fresh.name(), record.clone());
    let path = record::baseline(&args.baselines(), instrument, &record.environment, chapter);
    for row in &mut new.cases {
        row.origin.reason = Some(args.reason.clone());
    }
    let new = match Record::read(instrument, &path) {
        Ok(old) => compared(fresh, &old, &new, args, context)?,
        Err(Error::Missing { .. }) => {
            writeln!(context.out, "{name}: there was no baseline")?;
            Some(new)
        }
        Err(why @ Error::Schema { .. }) if args.ratchet => {
            return Err(Stop::new(Exit::Incomparable, format!("{why} without --ratchet")));
        }
        Err(why) if args.ratchet || args.selection.is_narrow() => return Err(why.into()),
        Err(why) => {
            writeln!(context.out, "{name}: replaces what cannot be read: {why}")?;
            Some(new)
        }
    };
    Ok(new.map(|record| Change::Write(name, path, record)))
}

/// Prints how a record differs from its baseline, and returns what replaces it: its rows, and of the
/// baseline those that were not selected.
fn compared(
    fresh: &Fresh,
    old: &Record,
    new: &Record,
    args: &Args,
    context: &mut Context<'_>,
) -> Result<Option<Record>, Stop> {
    let name = fresh.name();
    let known = context.measured_by(fresh.instrument);
    // A case that a peer no longer measures is gone, too.
    let is_gone = |id: &String| !known.contains(id);
    let measured = new.by_id();
    let kept: Vec<Row> = old
        .cases
        .iter()
        .filter(|row| !measured.contains_key(row.id.as_str()))
        .filter(|row| !(args.selection.holds(&row.id) && is_gone(&row.id)))
        .cloned()
        .collect();
    for (field, value) in &new.environment {
        let before = &old.environment[field];
        if value == before {
            continue;
        }
        let differs = format!("{name}: {field} is `{before}` in the baseline but `{value}` in");
        if args.ratchet {
            let what = format!(
                "{differs} the record, so no case can be tighter; `stepmark accept` without --ratchet"
            );
            return Err(Stop::new(Exit::Incomparable, what));
        }
        if let Some(row) = kept.first() {
            let what = format!(
                "{differs} the record, which lacks {}: another environment needs the whole chapter; \
                 measure all of it, then accept it without a narrower --filter",
                row.id
            );
            return Err(Stop::new(Exit::Incomparable, what));
        }
        writeln!(context.out, "{name}: {field} was `{before}`, is `{value}`")?;
    }
    let whole = new.with(new.cases.iter().cloned().chain(kept).collect());
    let shifts = gate::shifts(fresh.instrument, old, &whole);
    write!(context.out, "{}", report::diff(fresh.instrument, &shifts, args.ratchet))?;
    let count = |shift| shifts.iter().filter(|case| case.shift == shift).count();
    let [tighter, looser, added, gone] =
        [Shift::Tighter, Shift::Looser, Shift::Added, Shift::Gone].map(count);
    let all = case::count(shifts.len());
    writeln!(
        context.out,
        "{name}: {tighter} tighter, {looser} looser, {added} new, {gone} gone, of {all}"
    )?;
    if !args.ratchet {
        return Ok(Some(whole));
    }
    let tightened = gate::tightened(&shifts, &whole);
    if tightened.is_none() {
        writeln!(context.out, "{name}: its baseline stays: no case is tighter or new")?;
    }
    Ok(tightened)
}

/// The baselines of chapters without cases, beside those of chapters that were measured.
fn removals(all: &[Fresh], args: &Args, context: &Context<'_>) -> Vec<Change> {
    let mut paths = BTreeSet::new();
    if args.ratchet {
        return Vec::new();
    }
    let whole = all.iter().filter(|fresh| fresh.instrument.measures != Measures::Some);
    for Fresh { instrument, record, .. } in whole {
        let known = context.measured_by(instrument);
        let chapters: BTreeSet<_> = known.iter().map(|id| record::chapter(id)).collect();
        let of = |chapter: &str| {
            record::baseline(&args.baselines(), instrument, &record.environment, chapter)
        };
        for chapter in of("x").parent().map(record::chapters).unwrap_or_default() {
            if !chapters.contains(chapter.as_str()) && args.selection.holds(&format!("{chapter}/"))
            {
                paths.insert(of(&chapter));
            }
        }
    }
    paths.into_iter().map(Change::Remove).collect()
}
