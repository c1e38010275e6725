//! `stepmark record`: what the last bench runs left, as records.

use std::env;
use std::path::{Path, PathBuf};

use super::{Context, Exit, Selection, Stop};
use crate::collect::{Error, callgrind, criterion, peers};
use crate::record::{self, Measure, Record};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Record the last run of ci/peers.sh instead
    #[arg(long, conflicts_with = "filter")]
    peers: bool,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    if args.peers {
        return match write(peers::collect(&context.target, context.cases), context)? {
            0 => Err(Stop::new(Exit::Incomparable, "nothing was recorded")),
            _ => Ok(Exit::Pass),
        };
    }
    let cases = args.selection.of(context.cases)?;
    let home = |variable: &str, default: &str| {
        env::var_os(variable).map_or_else(|| context.target.join(default), PathBuf::from)
    };
    let (criterion_home, iai_home) =
        (home("CRITERION_HOME", "criterion"), home("IAI_CALLGRIND_HOME", "iai"));
    let walls = criterion::collect(&context.target, &criterion_home, &cases);
    let counts = callgrind::collect(&context.target, &iai_home, &cases);
    let gpu = match criterion::collect_gpu(&context.target, &|id| args.selection.holds(id)) {
        // Most machines have no GPU, and need no line that says so.
        Err(Error::NoRun { .. }) => Ok(0),
        times => write(times, context),
    };
    let written = [write(walls, context), write(counts, context), gpu];
    let mut cases = 0;
    for written in written {
        cases += written?;
    }
    if cases == 0 {
        let what = format!(
            "no selected case was measured, so nothing was recorded; run `{}` or `{}` first",
            criterion::COMMAND,
            callgrind::COMMAND
        );
        return Err(Stop::new(Exit::Incomparable, what));
    }
    Ok(Exit::Pass)
}

/// How many cases were recorded; an instrument that did not run, or only quickly, has none.
fn write<M: Measure>(
    record: Result<Record<M>, Error>,
    context: &mut Context<'_>,
) -> Result<usize, Stop> {
    let why = match record {
        Ok(record) if record.cases.is_empty() => {
            "its last run measured no selected case".to_owned()
        }
        Ok(record) => {
            let (path, cases) = (path::<M>(&context.target), record.cases.len());
            record.write(&path)?;
            writeln!(context.out, "{}: {cases} cases -> {}", M::INSTRUMENT, path.display())?;
            return Ok(cases);
        }
        Err(why @ (Error::NoRun { .. } | Error::TooFew { .. })) => why.to_string(),
        Err(why) => return Err(why.into()),
    };
    writeln!(context.out, "{}: not recorded: {why}", M::INSTRUMENT)?;
    Ok(0)
}

/// Where the fresh record of an instrument lies.
pub(super) fn path<M: Measure>(target: &Path) -> PathBuf {
    target.join("stepmark").join(record::file_name::<M>())
}
