//! `stepmark check`: every case against its oracle.

use super::{Context, Exit, Selection, Stop, checked};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let cases = args.selection.of(context.cases)?;
    let mut wrong = 0;
    for case in &cases {
        match checked(case) {
            Ok(()) => writeln!(context.out, "ok     {}", case.id)?,
            Err(why) => {
                wrong += 1;
                writeln!(context.out, "WRONG  {}: {why}", case.id)?;
            }
        }
    }
    writeln!(context.out, "{} cases, {wrong} wrong", cases.len())?;
    Ok(if wrong == 0 { Exit::Pass } else { Exit::Wrong })
}
