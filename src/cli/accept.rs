//! `stepmark accept`: the only command that writes baselines.

use std::env;
use std::path::{Path, PathBuf};

use super::duet::TOLERANCE;
use super::record::path;
use super::{Context, Exit, Stop, checked, current};
use crate::collect::criterion;
use crate::gate::duet::{self, Build, Lock};
use crate::gate::{self, Shift, Tolerance};
use crate::machine;
use crate::record::{Error, Gpu, Instructions, Measure, Peer, Record, Wall};
use crate::report::{self, Columns};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Why the baselines change; kept in the record
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// Take only cases that improved beyond the tolerance, or are new; all others keep their baseline
    #[arg(long)]
    ratchet: bool,
    /// The folder of baselines to write to
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    baseline: PathBuf,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a baseline without a reason".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Writes one baseline, and says so.
type Write = Box<dyn FnOnce(&mut Context<'_>) -> Result<(), Stop>>;

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let source = &current()?;
    let cases = context.cases.iter().filter(|case| !case.is_on_device());
    let timed: Vec<String> = cases.clone().map(|case| case.id.clone()).collect();
    let counted = cases.clone().filter(|case| case.is_counted());
    let counted: Vec<String> = counted.map(|case| case.id.clone()).collect();
    let tree = machine::revision(&args.baseline);
    let counts = reproducible(fresh::<Instructions>(&counted, source, context)?, &tree, context)?;
    let walls = reproducible(fresh::<Wall>(&timed, source, context)?, &tree, context)?;
    let gpu = reproducible(fresh_gpu(source, context)?, &tree, context)?;
    let peers = reproducible(fresh::<Peer>(&[], source, context)?, &tree, context)?;
    if counts.is_none() && walls.is_none() && gpu.is_none() && peers.is_none() {
        let what = "there is no record to accept; run a whole bench, then `stepmark record`";
        return Err(Stop::new(Exit::Incomparable, what));
    }
    if tree.is_some_and(|(_, dirty)| dirty) {
        let what = format!(
            "the tree has uncommitted changes outside {}; commit them first, so that the \
             baselines get a commit of their own",
            args.baseline.display()
        );
        return Err(Stop::new(Exit::Incomparable, what));
    }
    for case in cases {
        if let Err(why) = checked(case) {
            let what = format!("{}: {why}; a wrong kernel has no baseline", case.id);
            return Err(Stop::new(Exit::Wrong, what));
        }
    }
    if walls.is_some() {
        trusted(context)?;
    }
    let writes = [
        change(counts, args, context)?,
        change(walls, args, context)?,
        change(gpu, args, context)?,
        change(peers, args, context)?,
    ];
    // All were read and compared before the first is written.
    for write in writes.into_iter().flatten() {
        write(context)?;
    }
    Ok(Exit::Pass)
}

/// Requires that this machine times this executable as it times itself.
fn trusted(context: &Context<'_>) -> Result<(), Stop> {
    let _lock = Lock::take(&context.target)?;
    let tolerance = Tolerance::read(Path::new(TOLERANCE))?;
    match duet::self_test(&Build::new(env::current_exe()?), &tolerance)? {
        None => Ok(()),
        Some(why) => {
            let what = format!(
                "{why}: wall times of this machine mean little now; measure again when it is \
                 quiet, or remove {} to accept the rest",
                path::<Wall>(&context.target).display()
            );
            Err(Stop::new(Exit::Incomparable, what))
        }
    }
}

/// The fresh record of a GPU, where there is one; times of the tests' emulator are refused.
fn fresh_gpu(source: &str, context: &mut Context<'_>) -> Result<Option<Record<Gpu>>, Stop> {
    let path = path::<Gpu>(&context.target);
    if !path.exists() {
        return Ok(None);
    }
    let ids = criterion::gpu_ids(&context.target)?;
    let record = fresh::<Gpu>(&ids, source, context)?;
    if record.as_ref().is_some_and(|record| record.environment["emulated"] == "true") {
        let what = format!("{} is of an emulated device, whose times mean nothing", path.display());
        return Err(Stop::new(Exit::Incomparable, what));
    }
    Ok(record)
}

/// The fresh record, if it is of these sources and of all `ids`; else says why the baseline stays.
fn fresh<M: Measure>(
    ids: &[String],
    source: &str,
    context: &mut Context<'_>,
) -> Result<Option<Record<M>>, Stop> {
    let path = path::<M>(&context.target);
    let why = match Record::<M>::read(&path) {
        Err(why @ Error::Missing { .. }) => why.to_string(),
        Ok(record) if record.source != source => {
            format!("{} is of other sources", path.display())
        }
        Ok(record) => {
            let measured = record.by_id();
            match ids.iter().find(|id| !measured.contains_key(id.as_str())) {
                Some(id) => format!("{} lacks {id}", path.display()),
                None => return Ok(Some(record)),
            }
        }
        Err(why @ Error::Schema { .. }) => why.to_string(),
        Err(why) => return Err(why.into()),
    };
    writeln!(context.out, "{}: its baseline stays: {why}", M::INSTRUMENT)?;
    Ok(None)
}

/// The record, if a commit reproduces it.
///
/// What was measured outside git, as on a machine that executables were copied to, is of the
/// commit of a clean `tree` here: its sources are the same.
fn reproducible<M: Measure>(
    record: Option<Record<M>>,
    tree: &Option<(String, bool)>,
    context: &Context<'_>,
) -> Result<Option<Record<M>>, Stop> {
    let why = match record {
        Some(Record { commit: Some(_), dirty: true, .. }) => {
            "with uncommitted changes, so no commit reproduces it; commit them, then measure again"
        }
        Some(record @ Record { commit: None, .. }) => match tree {
            Some((commit, false)) => {
                return Ok(Some(Record { commit: Some(commit.clone()), dirty: false, ..record }));
            }
            Some((_, true)) => {
                "outside git, and the tree here has uncommitted changes; commit them first"
            }
            None => "outside git, so no commit reproduces it; measure in a checkout",
        },
        record => return Ok(record),
    };
    let what = format!("{} was measured {why}", path::<M>(&context.target).display());
    Err(Stop::new(Exit::Incomparable, what))
}

/// Prints what a record would change, and returns what writes it; `None` if the baseline stays.
fn change<M: Columns + 'static>(
    record: Option<Record<M>>,
    args: &Args,
    context: &mut Context<'_>,
) -> Result<Option<Write>, Stop> {
    let Some(record) = record else { return Ok(None) };
    let (name, path) = (M::INSTRUMENT, record.baseline(&args.baseline));
    let record = match Record::<M>::read(&path) {
        Ok(old) => compared(&old, record, args, context)?,
        Err(Error::Missing { .. }) => {
            writeln!(context.out, "{name}: there was no baseline")?;
            Some(record)
        }
        Err(why @ Error::Schema { .. }) if args.ratchet => {
            return Err(Stop::new(Exit::Incomparable, format!("{why} without --ratchet")));
        }
        Err(why) if args.ratchet => return Err(why.into()),
        Err(why) => {
            writeln!(context.out, "{name}: replaces what cannot be read: {why}")?;
            Some(record)
        }
    };
    let Some(record) = record else { return Ok(None) };
    let record = Record { reason: Some(args.reason.clone()), ..record };
    Ok(Some(Box::new(move |context| {
        record.write(&path)?;
        writeln!(context.out, "{name}: {} cases -> {}", record.cases.len(), path.display())?;
        Ok(())
    })))
}

/// Prints how a record differs from its baseline, and returns what replaces it.
fn compared<M: Columns>(
    old: &Record<M>,
    new: Record<M>,
    args: &Args,
    context: &mut Context<'_>,
) -> Result<Option<Record<M>>, Stop> {
    let name = M::INSTRUMENT;
    for (field, value) in &new.environment {
        let before = &old.environment[field];
        if value != before && args.ratchet {
            let what = format!(
                "{name}: {field} is `{before}` in the baseline but `{value}` in the record, so no \
                 case can be tighter; `stepmark accept` without --ratchet"
            );
            return Err(Stop::new(Exit::Incomparable, what));
        }
        if value != before {
            writeln!(context.out, "{name}: {field} was `{before}`, is `{value}`")?;
        }
    }
    let shifts = gate::shifts(old, &new);
    write!(context.out, "{}", report::diff(&shifts, args.ratchet))?;
    let count = |shift| shifts.iter().filter(|case| case.shift == shift).count();
    let [tighter, looser, added, gone] =
        [Shift::Tighter, Shift::Looser, Shift::Added, Shift::Gone].map(count);
    let all = shifts.len();
    writeln!(
        context.out,
        "{name}: {tighter} tighter, {looser} looser, {added} new, {gone} gone, of {all} cases"
    )?;
    if !args.ratchet {
        return Ok(Some(new));
    }
    let tightened = gate::tightened(old, &new);
    if tightened.is_none() {
        writeln!(context.out, "{name}: its baseline stays: no case is tighter or new")?;
    }
    Ok(tightened)
}
