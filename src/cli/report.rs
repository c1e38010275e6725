//! `stepmark report`: the records as a Markdown table.

use std::path::PathBuf;

use super::record::path;
use super::{Context, Exit, Stop};
use crate::record::{Error, Instructions, Record, Wall};
use crate::report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The wall record to print [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    wall: Option<PathBuf>,
    /// The instruction record to print beside it [default: the one that `stepmark record` wrote]
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let file = args.wall.clone().unwrap_or_else(|| path::<Wall>(&context.target));
    let wall = match Record::<Wall>::read(&file) {
        Err(why @ Error::Missing { .. }) => {
            let what = format!("{why}; run `cargo bench` and `stepmark record` first");
            return Err(Stop::new(Exit::Incomparable, what));
        }
        Err(why @ Error::Schema { .. }) => {
            return Err(Stop::new(Exit::Incomparable, why.to_string()));
        }
        wall => wall?,
    };
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
