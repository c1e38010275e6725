//! `stepmark list`: the ids of all cases.

use super::{Context, Exit, Selection, Stop};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Only cases whose instructions are counted, as benches/cases.txt holds them
    #[arg(long)]
    cpu: bool,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    for case in args.selection.of(context.cases)? {
        if !args.cpu || !case.timed_only {
            writeln!(context.out, "{}", case.id)?;
        }
    }
    Ok(Exit::Pass)
}
