//! `stepmark check`: every case against its oracle.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::{Context, Exit, List, Selection, Stop};
use crate::case::{self, Case, Trouble};
use crate::gate::duet::{self, Build};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    list: List,
    #[command(flatten)]
    limit: Limit,
}

/// How long the check of a case may take.
#[derive(Debug, clap::Args)]
pub(super) struct Limit {
    /// How long the check of one case may take
    #[arg(long, value_name = "SECONDS", default_value = LIMIT, value_parser = seconds)]
    check_timeout: Duration,
}

const LIMIT: &str = "60";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|limit| !limit.is_zero()).ok_or_else(|| "expected seconds, above 0".to_owned())
}

impl Limit {
    /// The argument that sets the same limit; nothing for the one by default.
    pub(super) fn again(&self) -> String {
        if seconds(LIMIT) == Ok(self.check_timeout) {
            return String::new();
        }
        format!(" --check-timeout {}", self.check_timeout.as_secs_f64())
    }
}

/// Where cases are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// In workers of this executable, whose list of cases it is.
    InWorkers,
    /// In this process, where the list is another one.
    Here,
}

/// Checks one case after another, in workers or else in this process.
pub(super) struct Checker(Option<duet::Checker>);

impl Checker {
    pub(super) fn new(context: &Context<'_>, limit: &Limit) -> Result<Self, Stop> {
        let workers = || -> Result<_, Stop> {
            let build = Build::new(env::current_exe()?);
            Ok(duet::Checker::new(build, limit.check_timeout))
        };
        let is_asked_for = context.checks == Checks::InWorkers;
        Ok(Self(is_asked_for.then(workers).transpose()?))
    }

    /// Checks a case; returns whether it ran, which it does not where its device is missing.
    pub(super) fn check(&mut self, case: &Case) -> Result<bool, Trouble> {
        self.0.as_mut().map_or_else(|| here(case), |workers| workers.check(&case.id))
    }
}

/// Checks a case in this process.
pub(super) fn here(case: &Case) -> Result<bool, Trouble> {
    caught(|| case.check())
}

/// Runs a check; a panic in it is a wrong result of its case, said in one line.
pub(super) fn caught<T>(check: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    panic::catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Trouble::Wrong(format!("panicked: {}", text.unwrap_or("no message"))))
    })
}

pub(super) fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Stop> {
    let cases = args.selection.of(args.list.of(context))?;
    let mut checker = Checker::new(context, &args.limit)?;
    let (mut wrong, mut skipped, mut failed) = (0, 0, 0);
    for case in &cases {
        match checker.check(case) {
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
                failed += 1;
                writeln!(context.out, "FAIL   {}: {why}", case.id)?;
            }
        }
    }
    let some = |n: usize, what| if n > 0 { format!(", {n} {what}") } else { String::new() };
    let (skipped, unknown) = (some(skipped, "skipped"), some(failed, "without a verdict"));
    writeln!(context.out, "{}, {wrong} wrong{skipped}{unknown}", case::count(cases.len()))?;
    Ok(match (failed, wrong) {
        (0, 0) => Exit::Pass,
        (0, _) => Exit::Wrong,
        _ => Exit::Failure,
    })
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
        assert_eq!(exit, Exit::Failure, "{said}");
        let want = "FAIL   test/launch/n1: no driver\n1 case, 0 wrong, 1 without a verdict\n";
        assert_eq!(said, want, "{said}");
    }

    #[test]
    fn a_failure_hides_neither_what_is_wrong_nor_what_is_right() {
        let device = |found, right| on_device("test/launch/n1", found, right);
        let wrong = on_device("test/launch/n2", Ok(true), false);
        let (exit, said) = check(vec![device(Err("no driver"), true), wrong, right("a/b/n1")], "");
        assert_eq!(exit, Exit::Failure, "{said}");
        assert!(said.contains("WRONG  test/launch/n2") && said.contains("ok     a/b/n1"), "{said}");
        assert!(said.ends_with("3 cases, 1 wrong, 1 without a verdict\n"), "{said}");
    }

    #[test]
    fn a_limit_is_seconds_above_zero() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)), "half a second");
        for bad in ["0", "-1", "inf", "nan", "1e30", "a minute", ""] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        let again = |text| Limit { check_timeout: seconds(text).unwrap() }.again();
        assert_eq!((&*again("60.0"), &*again("2.5")), ("", " --check-timeout 2.5"), "again");
    }

    #[test]
    fn cases_that_only_scale_are_checked_where_they_are_asked_for() {
        let cases = || vec![right("test/seven/n1")];
        assert!(!check(cases(), "").1.contains("scaling"), "those that gate");
        let want = (Exit::Pass, "ok     test/scaling/n1\n1 case, 0 wrong\n".to_owned());
        assert_eq!(check(cases(), "--scaling"), want, "the others");
        assert_eq!(check(cases(), "--scaling --filter seven").0, Exit::Usage, "not of this list");
    }
}
