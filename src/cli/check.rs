//! `stepmark check`: every case against its oracle.

use super::{Context, Exit, List, Selection, Stop, checked};
use crate::case::Trouble;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    list: List,
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let cases = args.selection.of(args.list.of(context))?;
    let (mut wrong, mut skipped) = (0, 0);
    for case in &cases {
        match checked(case) {
            Ok(true) => writeln!(context.out, "ok     {}", case.id)?,
            Ok(false) => {
                skipped += 1;
                writeln!(context.out, "skip   {}: no CUDA device", case.id)?;
            }
            Err(Trouble::Wrong(why)) => {
                wrong += 1;
                writeln!(context.out, "WRONG  {}: {why}", case.id)?;
            }
            Err(Trouble::Failed(why)) => {
                return Err(Stop::new(Exit::Failure, format!("{}: {why}", case.id)));
            }
        }
    }
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    writeln!(context.out, "{} cases, {wrong} wrong{skipped}", cases.len())?;
    Ok(if wrong == 0 { Exit::Pass } else { Exit::Wrong })
}

#[cfg(test)]
mod tests {
    use super::super::{Suite, run as command};
    use super::*;
    use crate::case::Case;
    use crate::case::tests::{on_device, right};

    /// The output and the exit of `stepmark check ARGS`.
    fn check(cases: Vec<Case>, args: &str) -> (Exit, String) {
        let scaling = vec![right("test/scaling/n1")];
        let suite = Suite { cases, scaling, ..Suite::default() };
        let line = ["stepmark", "check"].into_iter().chain(args.split_whitespace());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = command(&suite, line, &mut out, &mut err);
        (exit, String::from_utf8([out, err].concat()).unwrap())
    }

    #[test]
    fn a_case_whose_device_is_missing_is_skipped_and_counted() {
        let device = |found, right| on_device("test/launch/n1", found, right);
        let (exit, said) = check(vec![right("test/seven/n1"), device(Ok(false), true)], "");
        let want = "ok     test/seven/n1\nskip   test/launch/n1: no CUDA device\n";
        assert_eq!((exit, &*said), (Exit::Pass, &*format!("{want}2 cases, 0 wrong, 1 skipped\n")));
        let (exit, said) = check(vec![device(Ok(true), false)], "");
        assert_eq!(
            (exit, said.contains("WRONG  test/launch/n1: x[0]")),
            (Exit::Wrong, true),
            "{said}"
        );
        let (exit, said) = check(vec![device(Err("no driver"), true)], "");
        let failure = said.contains("tool failure: test/launch/n1: no driver");
        assert_eq!((exit, failure), (Exit::Failure, true), "{said}");
    }

    #[test]
    fn cases_that_only_scale_are_checked_where_they_are_asked_for() {
        let cases = || vec![right("test/seven/n1")];
        assert!(!check(cases(), "").1.contains("scaling"), "those that gate");
        let want = (Exit::Pass, "ok     test/scaling/n1\n1 cases, 0 wrong\n".to_owned());
        assert_eq!(check(cases(), "--scaling"), want, "the others");
        assert_eq!(check(cases(), "--scaling --filter seven").0, Exit::Usage, "not of this list");
    }
}
