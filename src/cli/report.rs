//! `stepmark report`: the records as a Markdown table.

use std::path::PathBuf;

use super::record::path;
use super::{Context, Exit, Stop};
use crate::record::{Error, Instructions, Measure, Peer, Record, Wall};
use crate::report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The wall record to print [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    wall: Option<PathBuf>,
    /// The instruction record to print beside it [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// Print a record of peers instead [default: the one that `stepmark record --peers` wrote]
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["wall", "instructions"])]
    peers: Option<Option<PathBuf>>,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
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
    let unit = |id: &str| {
        let case = context.cases.iter().find(|case| case.id == id)?;
        Some(report::Unit { units: case.work.units, unit: case.work.unit })
    };
    write!(context.out, "{}", report::table(&wall, counts.as_ref(), unit))?;
    Ok(Exit::Pass)
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
