//! `stepmark report`: the records as Markdown tables, printed or put into a text.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Context, Exit, Selection, Stop, baselines};
use crate::case;
use crate::file;
use crate::gate::calibrate::{RATES_FILE, RATES_SCHEMA, Rates};
use crate::record::{self, Error, INSTRUCTIONS, Instrument, PEERS, Record, SCALING, WALL};
use crate::report::{self, splice};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Print a record of peers instead [default: those that `stepmark record --peers` wrote]
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["splice", "scaling"])]
    peers: Option<Option<PathBuf>>,
    /// Print the cases that only scale instead, as `stepmark record --scaling` wrote them
    #[arg(long, conflicts_with = "splice")]
    scaling: bool,
    /// Put the table of each chapter of the baselines between `<!-- CHAPTER -->` and `<!-- /CHAPTER -->`
    /// of a text, and where it has `<!-- error rates -->` and `<!-- /error rates -->`, those of paired
    /// runs. Between `<!-- headline -->` and `<!-- /headline -->` stand the cases that the table there names.
    /// Without such a place, a chapter without a place gets a section at the end
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Write nothing: exit 5 where the text holds another table
    #[arg(long, requires = "splice")]
    check: bool,
    /// The folder of baselines to splice [default: `baselines` in the package]
    #[arg(long, value_name = "DIR", requires = "splice")]
    baseline: Option<PathBuf>,
    /// The folder of a machine in that of the baselines [default: the only one with wall times]
    #[arg(long, value_name = "NAME", requires = "splice")]
    machine: Option<String>,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    if let Some(text) = &args.splice {
        return put(text, args, context);
    }
    if let Some(Some(file)) = &args.peers {
        let mut record = read(&PEERS, file, "`ci/peers.sh`")?;
        record.cases.retain(|case| args.selection.holds(&case.id));
        write!(context.out, "{}", report::peers(&record))?;
        return Ok(Exit::Pass);
    }
    let (instrument, command) = match (&args.peers, args.scaling) {
        (Some(_), _) => (&PEERS, "`ci/peers.sh`"),
        (_, true) => (&SCALING, "`cargo bench --bench wall -- --scaling` and `record --scaling`"),
        _ => (&WALL, "`cargo bench` and `stepmark record`"),
    };
    let records = fresh(instrument, args, context)?;
    if records.is_empty() {
        let folder = context.target.join("stepmark").join(instrument.name);
        let what = format!("{} holds no selected case; run {command} first", folder.display());
        return Err(Stop::new(Exit::Incomparable, what));
    }
    for (chapter, record) in records {
        let counts = record::fresh(&context.target, &INSTRUCTIONS, &chapter);
        let text = if args.peers.is_some() {
            report::peers(&record)
        } else {
            table(&record, optional(&INSTRUCTIONS, &counts)?.as_ref(), context)
        };
        writeln!(context.out, "## {chapter}\n\n{text}")?;
    }
    Ok(Exit::Pass)
}

/// The selected rows of the fresh records of an instrument, by chapter.
fn fresh(
    instrument: &Instrument,
    args: &Args,
    context: &Context<'_>,
) -> Result<Vec<(String, Record)>, Stop> {
    let mut records = Vec::new();
    let chapters = record::chapters(&context.target.join("stepmark").join(instrument.name));
    for chapter in chapters.into_iter().filter(|name| context.concerns(name, &args.selection)) {
        let path = record::fresh(&context.target, instrument, &chapter);
        let mut record = Record::read(instrument, &path)?;
        record.cases.retain(|case| args.selection.holds(&case.id));
        if !record.cases.is_empty() {
            records.push((chapter, record));
        }
    }
    Ok(records)
}

/// Replaces the tables in a text by those of the baselines, or says that they are others.
fn put(text: &Path, args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let name = text.display();
    let failed = |why: &dyn std::fmt::Display| Stop::new(Exit::Failure, format!("{name}: {why}"));
    let baselines = baselines(args.baseline.as_ref());
    let folder = machine(args, &baselines)?;
    let old = fs::read_to_string(text).map_err(|why| failed(&why))?;
    let (mut new, mut cases) = (old.clone(), 0);
    let chapters = record::chapters(&folder.join(WALL.name));
    if splice::blocks(&old).is_empty() {
        let chapter = chapters.first().map_or("CHAPTER", String::as_str);
        let why = format!(
            "no place for results: put the lines `<!-- {chapter} -->` and `<!-- /{chapter} -->` \
             where the first table belongs"
        );
        return Err(failed(&why));
    }
    let mut all = Vec::new();
    for chapter in &chapters {
        let path = folder.join(WALL.name).join(format!("{chapter}.json"));
        let walls = read(&WALL, &path, "`stepmark accept`")?;
        // The toolchain of the times.
        let counts = record::baseline(&baselines, &INSTRUCTIONS, &walls.environment, chapter);
        all.push((walls, optional(&INSTRUCTIONS, &counts)?));
    }
    let headline = splice::headline(&old);
    for (chapter, (walls, counts)) in chapters.iter().zip(&all) {
        let has_place = headline.is_none() || splice::has_place(&new, chapter);
        let is_selected = walls.cases.iter().any(|case| args.selection.holds(&case.id));
        if !has_place || !is_selected {
            continue;
        }
        new = splice::with_section(&new, chapter);
        let block = table(walls, counts.as_ref(), context);
        new = splice::splice(&new, chapter, &block).map_err(|why| failed(&why))?;
        cases += walls.cases.len();
    }
    if let Some(ids) = headline {
        cases += ids.len();
        let block = some(&ids, &all, context)
            .map_err(|why| Stop::new(Exit::Incomparable, format!("{name}: {why}")))?;
        new = splice::splice(&new, splice::HEADLINE, &block).map_err(|why| failed(&why))?;
    }
    if splice::has_place(&new, splice::RATES) {
        let block = report::rates(&read_rates(&folder, &baselines)?);
        new = splice::splice(&new, splice::RATES, &block).map_err(|why| failed(&why))?;
    }
    let stale = |name: &String| {
        ![splice::RATES, splice::HEADLINE].contains(&name.as_str()) && !chapters.contains(name)
    };
    if let Some(chapter) = splice::blocks(&new).into_iter().find(stale) {
        let why = format!(
            "it has a section of `{chapter}`, of which {} has no wall times; remove the section",
            folder.display()
        );
        return Err(Stop::new(Exit::Incomparable, format!("{name}: {why}")));
    }
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
    writeln!(context.out, "{name}: results of {}", case::count(cases))?;
    Ok(Exit::Pass)
}

/// The table of some cases of all chapters, whose times and counts are given.
fn some(
    ids: &[&str],
    chapters: &[(Record, Option<Record>)],
    context: &Context<'_>,
) -> Result<String, String> {
    let find = |id: &&str| {
        let all = chapters.iter().flat_map(|(walls, _)| &walls.cases);
        let row = all.into_iter().find(|row| row.id == *id);
        row.cloned()
            .ok_or_else(|| format!("no baseline has a wall time of `{id}`; name another case"))
    };
    let rows = ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let (walls, _) = chapters.first().ok_or("there is no baseline of wall times")?;
    let counts: Vec<&Record> = chapters.iter().filter_map(|(_, counts)| counts.as_ref()).collect();
    let counts = counts
        .first()
        .map(|first| first.with(counts.iter().flat_map(|of| of.cases.clone()).collect()));
    Ok(table(&walls.with(rows), counts.as_ref(), context))
}

/// The error rates in the folder of the machine, or else in the first one that has any.
fn read_rates(machine: &Path, baselines: &Path) -> Result<Rates, Stop> {
    let entries = fs::read_dir(baselines).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path().join(RATES_FILE)).collect();
    files.sort();
    let own = machine.join(RATES_FILE);
    let all = [own.clone()].into_iter().chain(files);
    let path = all.into_iter().find(|file| file.is_file()).unwrap_or(own);
    let failed = |exit, why: &dyn std::fmt::Display| {
        Stop::new(
            exit,
            format!("{}: {why}; `ci/calibrate.sh --json FILE` writes one", path.display()),
        )
    };
    let text = fs::read(&path).map_err(|why| failed(Exit::Incomparable, &why))?;
    let rates: Rates = serde_json::from_slice(&text).map_err(|why| failed(Exit::Failure, &why))?;
    if rates.schema != RATES_SCHEMA {
        let why = format!("schema {}, expected {RATES_SCHEMA}", rates.schema);
        return Err(failed(Exit::Incomparable, &why));
    }
    Ok(rates)
}

/// The folder of the machine whose wall times are spliced.
fn machine(args: &Args, baselines: &Path) -> Result<PathBuf, Stop> {
    if let Some(name) = &args.machine {
        return Ok(baselines.join(name));
    }
    let entries = fs::read_dir(baselines).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path());
    let mut folders: Vec<_> =
        folders.filter(|dir| !record::chapters(&dir.join(WALL.name)).is_empty()).collect();
    folders.sort();
    match <[_; 1]>::try_from(folders) {
        Ok([only]) => Ok(only),
        Err(folders) => {
            let names: Vec<_> = folders.iter().filter_map(|dir| dir.file_name()).collect();
            let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
            let held = match names.is_empty() {
                true => "no wall times; `stepmark accept --reason TEXT` puts them there".to_owned(),
                false => format!("{}; name one with --machine NAME", names.join(", ")),
            };
            let what = format!("{} holds {held}", baselines.display());
            Err(Stop::new(Exit::Incomparable, what))
        }
    }
}

fn table(times: &Record, counts: Option<&Record>, context: &Context<'_>) -> String {
    let work = |id: &str| {
        let case = context.cases.iter().chain(context.scaling).find(|case| case.id == id)?;
        let work = case.work;
        Some(report::Work { units: work.units, unit: work.unit, flops: work.flops })
    };
    report::table(times, counts, work)
}

/// The record in a file, if there is one.
fn optional(instrument: &Instrument, file: &Path) -> Result<Option<Record>, Stop> {
    match Record::read(instrument, file) {
        Err(Error::Missing { .. }) => Ok(None),
        record => Ok(Some(record?)),
    }
}

/// The record in a file, which `command` makes.
fn read(instrument: &Instrument, file: &Path, command: &str) -> Result<Record, Stop> {
    match Record::read(instrument, file) {
        Err(why @ Error::Missing { .. }) => {
            Err(Stop::new(Exit::Incomparable, format!("{why}; run {command} first")))
        }
        Err(why @ Error::Schema { .. }) => Err(Stop::new(Exit::Incomparable, why.to_string())),
        record => Ok(record?),
    }
}
