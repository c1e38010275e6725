//! `stepmark record`: what the last bench runs left, as records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{Context, Exit, Selection, Stop};
use crate::case;
use crate::collect::{Collected, Error, callgrind, criterion, peers};
use crate::machine::{package, workspace};
use crate::record::{
    self, GPU, INSTRUCTIONS, Instrument, Measures, PEERS, Record, Row, SCALING, WALL,
};
use crate::run;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Record the last run of ci/peers.sh instead
    #[arg(long, conflicts_with = "scaling")]
    peers: bool,
    /// Record the cases that only scale instead, which never become a baseline
    #[arg(long)]
    scaling: bool,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    // Where cargo did not start this, as on a machine without it, the newest run tells.
    let source = workspace::built_from().ok();
    let source = source.as_deref();
    let target = context.target.clone();
    // A bench runs in the folder of its package, and so does what it starts.
    let home =
        |variable: &str, default: PathBuf| env::var_os(variable).map_or(default, package::file);
    let relative = env::var_os("CARGO_TARGET_DIR").filter(|dir| Path::new(dir).is_relative());
    let runner = relative.map_or_else(|| target.clone(), package::file);
    let selects = |id: &str| args.selection.holds(id);
    let own = |instrument: &Instrument| run::samples(&target, instrument.name);
    let times = |of, folder: PathBuf| criterion::collect(of, &target, &folder, source, &selects);
    let found = if args.peers {
        vec![(&PEERS, peers::collect(&target, &|id| context.units(id), &selects))]
    } else if args.scaling {
        args.selection.of(context.scaling)?;
        vec![(&SCALING, times(&SCALING, own(&SCALING)))]
    } else {
        args.selection.of(context.cases)?;
        let iai = home("IAI_CALLGRIND_HOME", runner.join("iai"));
        vec![
            (&WALL, times(&WALL, home("CRITERION_HOME", target.join("criterion")))),
            (&INSTRUCTIONS, callgrind::collect(&target, &iai, source, &selects)),
            (&GPU, times(&GPU, own(&GPU))),
        ]
    };
    let (mut cases, command) = (0, found[0].0.command);
    for (instrument, collected) in found {
        cases += write(instrument, collected, &selects, source, context)?;
    }
    if cases == 0 {
        let what =
            format!("no selected case was measured, so nothing was recorded; run `{command}`");
        return Err(Stop::new(Exit::Incomparable, what));
    }
    Ok(Exit::Pass)
}

/// How many cases were recorded; an instrument that did not run, or only quickly, has none.
fn write(
    instrument: &Instrument,
    collected: Result<Collected, Error>,
    selects: &dyn Fn(&str) -> bool,
    source: Option<&str>,
    context: &mut Context<'_>,
) -> Result<usize, Stop> {
    let name = instrument.name;
    let Collected { records, mut dropped } = match collected {
        // Most machines have no GPU, and need no line that says so.
        Err(Error::NoRun { .. }) if instrument.measures == Measures::OnDevice => return Ok(0),
        Err(why @ Error::NoRun { .. }) => {
            writeln!(context.out, "{name}: not recorded: {why}")?;
            return Ok(0);
        }
        collected => collected?,
    };
    let path = |chapter: &str| record::fresh(&context.target, instrument, chapter);
    let folder = context.target.join("stepmark").join(name);
    let chapters: BTreeSet<String> =
        records.keys().cloned().chain(record::chapters(&folder)).collect();
    let mut cases = 0;
    for chapter in chapters {
        let (path, new) = (path(&chapter), records.get(&chapter));
        // A record that cannot be read is written anew.
        let old = Record::read(instrument, &path).ok();
        let mut rows: Vec<Row> = new.map_or_else(Vec::new, |new| new.cases.clone());
        let (count, head) = (rows.len(), new.or(old.as_ref()));
        for row in old.iter().flat_map(|old| &old.cases) {
            let is_known = dropped.iter().any(|(id, _)| *id == row.id);
            if is_known || rows.iter().any(|new| new.id == row.id) {
                continue;
            }
            let now = source.or(new.map(|new| new.cases[0].origin.source.as_str()));
            let is_same = old.as_ref().map(|old| &old.environment) == head.map(|h| &h.environment);
            if selects(&row.id) {
                dropped.push((row.id.clone(), "no run left samples of it".to_owned()));
            } else if now.is_some_and(|now| row.origin.source != now) || !is_same {
                let why = "it is of other sources or of another environment".to_owned();
                dropped.push((row.id.clone(), why));
            } else {
                rows.push(row.clone());
            }
        }
        match head {
            Some(head) if !rows.is_empty() => head.with(rows).write(&path)?,
            _ if path.exists() => fs::remove_file(&path)?,
            _ => {}
        }
        if count > 0 {
            writeln!(
                context.out,
                "{name}/{chapter}: {} -> {}",
                case::count(count),
                path.display()
            )?;
        }
        cases += count;
    }
    tell(instrument, dropped, context)?;
    if cases == 0 {
        writeln!(context.out, "{name}: not recorded: its runs measured no selected case")?;
    }
    Ok(cases)
}

/// Names what was left out, by chapter and reason, but no case that is gone.
fn tell(
    instrument: &Instrument,
    dropped: Vec<(String, String)>,
    context: &mut Context<'_>,
) -> Result<(), Stop> {
    let mut groups = BTreeMap::<(String, String), Vec<String>>::new();
    let is_case = |id: &str| context.units(id.split(' ').next().unwrap_or_default()).is_some();
    for (id, why) in dropped.into_iter().filter(|(id, _)| is_case(id)) {
        let chapter = record::chapter(&id).to_owned();
        groups.entry((chapter, why)).or_default().push(id);
    }
    for ((chapter, why), ids) in groups {
        let (count, ids) = (ids.len(), ids.join(", "));
        let Instrument { name, command, .. } = instrument;
        let what = format!("left out {count}: {why}; `{command}` measures again: {ids}");
        writeln!(context.out, "{name}/{chapter}: {what}")?;
    }
    Ok(())
}
