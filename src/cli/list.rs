//! `stepmark list`: the ids of all cases, and what they cost.

use std::collections::BTreeMap;

use super::{Context, Exit, List, Selection, Stop};
use crate::case::Case;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    list: List,
    /// Only cases whose instructions are counted, as benches/cases.txt holds them
    #[arg(long, conflicts_with = "scaling")]
    cpu: bool,
    /// Print the seconds that a bench times each case for, and each chapter
    #[arg(long)]
    cost: bool,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let mut cases = args.selection.of(args.list.of(context))?;
    cases.retain(|case| !args.cpu || case.is_counted());
    if args.cost {
        write!(context.out, "{}", costs(&cases))?;
        return Ok(Exit::Pass);
    }
    for case in cases {
        writeln!(context.out, "{}", case.id)?;
    }
    Ok(Exit::Pass)
}

/// A line of seconds for each case, then one for each bench of a chapter.
fn costs(cases: &[&Case]) -> String {
    let (mut text, mut chapters) = (String::new(), BTreeMap::new());
    for case in cases {
        let seconds = case.sampling().seconds();
        text += &format!("{seconds:7.1} s  {}\n", case.id);
        *chapters.entry((case.chapter(), case.is_on_device())).or_insert(0.0) += seconds;
    }
    for ((chapter, on_device), seconds) in chapters {
        let bench = if on_device { "gpu" } else { "wall" };
        text += &format!("{seconds:7.1} s  {chapter}, {bench}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::right;

    #[test]
    fn the_cost_of_a_chapter_is_the_sum_of_its_cases() {
        let cases = ["a/b/n1", "a/b/n2", "c/d/n1"].map(right);
        let text = costs(&cases.iter().collect::<Vec<_>>());
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let want =
            ["1.8 s  a/b/n1", "1.8 s  a/b/n2", "1.8 s  c/d/n1", "3.6 s  a, wall", "1.8 s  c, wall"];
        assert_eq!(lines, want);
    }
}
