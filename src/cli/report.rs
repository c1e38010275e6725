//! `stepmark report`: the records as a Markdown table, printed or put into a text.

use std::fs;
use std::path::{Path, PathBuf};

use super::record::path;
use super::{Context, Exit, Stop};
use crate::file;
use crate::gate::calibrate::{RATES_FILE, Rates, SCHEMA};
use crate::record::{self, Error, Instructions, Measure, Peer, Record, Wall};
use crate::report::{self, splice};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The wall record to print [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    wall: Option<PathBuf>,
    /// The instruction record to print beside it [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// Print a record of peers instead [default: the one that `stepmark record --peers` wrote]
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["wall", "instructions", "splice"])]
    peers: Option<Option<PathBuf>>,
    /// Put the table of the baselines between `<!-- results -->` and `<!-- /results -->` of a
    /// text, less the cases that are only timed, and where it has `<!-- error rates -->` and
    /// `<!-- /error rates -->`, those of paired runs
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Write nothing: exit 5 where the text holds another table
    #[arg(long, requires = "splice")]
    check: bool,
    /// The folder of baselines to splice
    #[arg(long, value_name = "DIR", default_value = "baselines", requires = "splice")]
    baseline: PathBuf,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    if let Some(text) = &args.splice {
        return put(text, args, context);
    }
    if let Some(file) = &args.peers {
        let record = read::<Peer>(file.clone(), "`ci/peers.sh`", context)?;
        write!(context.out, "{}", report::peers(&record))?;
        return Ok(Exit::Pass);
    }
    let wall = read::<Wall>(args.wall.clone(), "`cargo bench` and `stepmark record`", context)?;
    let counts = match &args.instructions {
        Some(file) => Some(Record::<Instructions>::read(file)?),
        None => match Record::read(&path::<Instructions>(&context.target)) {
            Err(Error::Missing { .. }) => None,
            record => Some(record?),
        },
    };
    write!(context.out, "{}", table(&wall, counts.as_ref(), context))?;
    Ok(Exit::Pass)
}

/// Replaces the table in a text by that of the baselines, or says that it is another.
fn put(text: &Path, args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let file = match &args.wall {
        Some(file) => file.clone(),
        None => only_wall(&args.baseline)?,
    };
    let rates = file.with_file_name(RATES_FILE);
    let mut wall = read::<Wall>(Some(file), "`stepmark accept`", context)?;
    // The toolchain of the times.
    let folder = args.baseline.join(Instructions::folder(&wall.environment));
    let file = folder.join(record::file_name::<Instructions>());
    let file = args.instructions.clone().unwrap_or(file);
    let counts = read::<Instructions>(Some(file), "`stepmark accept`", context)?;
    let counted = counts.by_id();
    wall.cases.retain(|case| counted.contains_key(case.id.as_str()));
    if wall.cases.is_empty() {
        let what = "no case has both a wall time and a count in the baselines".to_owned();
        return Err(Stop::new(Exit::Incomparable, what));
    }
    let failed = |why: &dyn std::fmt::Display| {
        Stop::new(Exit::Failure, format!("{}: {why}", text.display()))
    };
    let old = fs::read_to_string(text).map_err(|why| failed(&why))?;
    let fill = |text: &str, name, block: &str| {
        splice::splice(text, name, block).map_err(|why| failed(&why))
    };
    let mut new = fill(&old, splice::RESULTS, &table(&wall, Some(&counts), context))?;
    if splice::has_place(&new, splice::RATES) {
        new = fill(&new, splice::RATES, &report::rates(&read_rates(&rates)?))?;
    }
    let name = text.display();
    if old == new {
        writeln!(context.out, "{name}: its results are those of the baselines")?;
        return Ok(Exit::Pass);
    }
    if args.check {
        let what = format!(
            "{name}: its results are not those of the baselines; \
             cargo run --release -- report --splice {name}"
        );
        return Err(Stop::new(Exit::Incomparable, what));
    }
    file::replace(text, new.as_bytes()).map_err(|why| failed(&why))?;
    writeln!(context.out, "{name}: results of {} cases", wall.cases.len())?;
    Ok(Exit::Pass)
}

fn read_rates(path: &Path) -> Result<Rates, Stop> {
    let failed = |exit, why: &dyn std::fmt::Display| {
        Stop::new(
            exit,
            format!("{}: {why}; `ci/calibrate.sh --json FILE` writes one", path.display()),
        )
    };
    let text = fs::read_to_string(path).map_err(|why| failed(Exit::Incomparable, &why))?;
    let rates: Rates = serde_json::from_str(&text).map_err(|why| failed(Exit::Failure, &why))?;
    if rates.schema != SCHEMA {
        let why = format!("schema {}, expected {SCHEMA}", rates.schema);
        return Err(failed(Exit::Incomparable, &why));
    }
    Ok(rates)
}

/// The wall baseline, where there is one machine.
fn only_wall(baselines: &Path) -> Result<PathBuf, Stop> {
    let entries = fs::read_dir(baselines).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path().join(record::file_name::<Wall>()));
    let mut files: Vec<_> = files.filter(|file| file.is_file()).collect();
    files.sort();
    match <[_; 1]>::try_from(files) {
        Ok([only]) => Ok(only),
        Err(files) => {
            let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            let held = if names.is_empty() { "no wall times".to_owned() } else { names.join(", ") };
            let what = format!("{} holds {held}; name one with --wall FILE", baselines.display());
            Err(Stop::new(Exit::Incomparable, what))
        }
    }
}

fn table(
    wall: &Record<Wall>,
    counts: Option<&Record<Instructions>>,
    context: &Context<'_>,
) -> String {
    let unit = |id: &str| {
        let case = context.cases.iter().find(|case| case.id == id)?;
        Some(report::Unit { units: case.work.units, unit: case.work.unit })
    };
    report::table(wall, counts, unit)
}

/// The record in `file`, else the fresh one, which `command` makes.
fn read<M: Measure>(
    file: Option<PathBuf>,
    command: &str,
    context: &Context<'_>,
) -> Result<Record<M>, Stop> {
    match Record::read(&file.unwrap_or_else(|| path::<M>(&context.target))) {
        Err(why @ Error::Missing { .. }) => {
            Err(Stop::new(Exit::Incomparable, format!("{why}; run {command} first")))
        }
        Err(why @ Error::Schema { .. }) => Err(Stop::new(Exit::Incomparable, why.to_string())),
        record => Ok(record?),
    }
}
