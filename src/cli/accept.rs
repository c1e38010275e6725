//! `stepmark accept`: the only command that writes baselines.

use std::path::{Path, PathBuf};

use super::record::path;
use super::{Context, Exit, Stop, checked, current};
use crate::machine;
use crate::record::{Error, Gpu, Instructions, Measure, Peer, Record, Wall};
use crate::registry;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of baselines to write to
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    baseline: PathBuf,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    current()?;
    let cases = context.cases.iter();
    let timed: Vec<String> = cases.clone().map(|case| case.id.clone()).collect();
    let counted = cases.filter(|case| !case.timed_only);
    let counted: Vec<String> = counted.map(|case| case.id.clone()).collect();
    let counts = fresh::<Instructions>(&counted, context)?;
    let walls = fresh::<Wall>(&timed, context)?;
    let gpu = fresh_gpu(context)?;
    let peers = fresh::<Peer>(&[], context)?;
    if counts.is_none() && walls.is_none() && gpu.is_none() && peers.is_none() {
        let what = "there is no record to accept; run a whole bench, then `stepmark record`";
        return Err(Stop::new(Exit::Incomparable, what));
    }
    for case in context.cases {
        if let Err(why) = checked(case) {
            let what = format!("{}: {why}; a wrong kernel has no baseline", case.id);
            return Err(Stop::new(Exit::Wrong, what));
        }
    }
    if let Some(record) = counts {
        write(&record, &args.baseline, context)?;
    }
    if let Some(record) = walls {
        write(&record, &args.baseline, context)?;
    }
    if let Some(record) = gpu {
        write(&record, &args.baseline, context)?;
    }
    if let Some(record) = peers {
        write(&record, &args.baseline, context)?;
    }
    Ok(Exit::Pass)
}

/// The fresh record of a GPU, where there is one; times of the tests' emulator are refused.
fn fresh_gpu(context: &mut Context<'_>) -> Result<Option<Record<Gpu>>, Stop> {
    let (path, ids) = (path::<Gpu>(&context.target), registry::gpu_ids());
    if ids.is_empty() || !path.exists() {
        return Ok(None);
    }
    let record = fresh::<Gpu>(&ids, context)?;
    if record.as_ref().is_some_and(|record| record.environment["emulated"] == "true") {
        let what = format!("{} is of an emulated device, whose times mean nothing", path.display());
        return Err(Stop::new(Exit::Incomparable, what));
    }
    Ok(record)
}

/// The fresh record, if it is of these sources and of all `ids`; else says why the baseline stays.
fn fresh<M: Measure>(ids: &[String], context: &mut Context<'_>) -> Result<Option<Record<M>>, Stop> {
    let path = path::<M>(&context.target);
    let why = match Record::<M>::read(&path) {
        Err(why @ Error::Missing { .. }) => why.to_string(),
        Ok(record) if record.source != machine::SOURCE => {
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

fn write<M: Measure>(
    record: &Record<M>,
    baselines: &Path,
    context: &mut Context<'_>,
) -> Result<(), Stop> {
    let path = record.baseline(baselines);
    record.write(&path)?;
    writeln!(context.out, "{}: {} cases -> {}", M::INSTRUMENT, record.cases.len(), path.display())?;
    if record.dirty {
        let what = "measured with uncommitted changes, so no commit reproduces it";
        writeln!(context.out, "{}: warning: {what}", M::INSTRUMENT)?;
    }
    Ok(())
}
