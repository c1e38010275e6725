//! The `stepmark` command; one file per subcommand.

mod accept;
mod base;
mod calibrate;
#[cfg(feature = "profiles")]
pub mod chapters;
mod check;
mod duet;
mod gate;
mod history;
mod list;
mod outputs;
mod record;
mod report;
mod selection;
mod shell;
mod suite;
mod worker;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::case::{self, Case};
pub use crate::gate::Exit;
use crate::machine::{self, package, workspace};
use crate::record::{Instrument, Measures};
use check::{Checks, caught};
use selection::{List, Selection};
pub use suite::{Command, Suite};

const EXIT_CODES: &str = "Exit codes:
  0  pass; or advisory: nothing failed, but what was compared only informs
  1  tool failure: input or output, a panic, a missing program, a check without a verdict
  2  usage: a wrong option, or a filter that matches no case
  3  regression: a kernel became slower or hungrier
  4  wrong result: a kernel fails its check, or ends its process
  5  incomparable: no baseline, another toolchain, an empty selection, stale results, nothing that
     has changed, or a record that no commit reproduces
  6  unclear: paired times do not tell, or only inform, and --strict asks that they do
Of several at once, the first of 1, 4, 5, 3, 6.";

/// Benchmarks of scientific step kernels, and a gate for changes of them
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, propagate_version = true)]
struct Args {
    /// The folder that cargo builds into [default: `CARGO_TARGET_DIR`, else the one that this program lies in]
    #[arg(long, global = true, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the ids of all cases
    List(list::Args),
    /// Check every case against its oracle
    Check(check::Args),
    /// Turn the samples of the last bench runs into records under target/stepmark
    Record(record::Args),
    /// Judge a change: are its answers right, does it take more instructions, memory or time?
    ///
    /// The records in target/stepmark are compared with the baselines. What cannot be compared
    /// never passes.
    #[command(after_help = EXIT_CODES)]
    Gate(gate::Args),
    /// Time two builds side by side, in pairs of samples
    #[command(after_help = EXIT_CODES)]
    Duet(duet::Args),
    /// Measure how often paired runs err on this machine
    Calibrate(calibrate::Args),
    /// Make the records the new baselines: the only command that writes them
    #[command(after_help = EXIT_CODES)]
    Accept(accept::Args),
    /// Print the records as a Markdown table, or put that of the baselines into a text
    Report(report::Args),
    /// Show how the committed baselines changed over time
    ///
    /// Counts change where they leave their level by 0.05 %. Times are noisy: their change points are
    /// those of PELT, and need two revisions on either side.
    History(history::Args),
    /// Run the steps of a case on request
    #[command(hide = true)]
    Worker(worker::Args),
}

/// The lists and folders that every subcommand works on.
struct Context<'a> {
    cases: &'a [Case],
    scaling: &'a [Case],
    checks: Checks,
    target: PathBuf,
    out: &'a mut dyn Write,
}

impl Context<'_> {
    /// The ids of the cases that an instrument measures whole chapters of.
    fn measured_by(&self, instrument: &Instrument) -> BTreeSet<String> {
        let cases = self.cases.iter().filter(|case| match instrument.measures {
            Measures::OnCpu => !case.is_on_device(),
            Measures::Counted => case.is_counted(),
            Measures::OnDevice => case.is_on_device(),
            Measures::Some => false,
        });
        cases.map(|case| case.id.clone()).collect()
    }

    /// Whether a case of the chapter is selected.
    fn concerns(&self, chapter: &str, selection: &Selection) -> bool {
        let mut all = self.cases.iter().chain(self.scaling);
        all.any(|case| case.chapter() == chapter && selection.holds(&case.id))
    }

    /// How many units of work a case does, if there is one of this id.
    fn units(&self, id: &str) -> Option<u64> {
        let mut all = self.cases.iter().chain(self.scaling);
        all.find(|case| case.id == id).map(|case| case.work.units)
    }
}

const BASELINES: &str = "baselines";

/// The folder of baselines that was named, or that of the package at hand.
fn baselines(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| package::file(BASELINES))
}

/// Why a subcommand ended early.
#[derive(Debug)]
pub struct Stop {
    exit: Exit,
    why: String,
}

impl Stop {
    /// An end with the code of `exit`; `why` says what to do about it.
    pub fn new(exit: Exit, why: impl Into<String>) -> Self {
        Self { exit, why: why.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(why: E) -> Self {
        Self::new(Exit::Failure, told(&why.into()))
    }
}

/// An error and its causes, but those that an error before has told.
fn told(why: &anyhow::Error) -> String {
    let mut all = String::new();
    for cause in why.chain().map(ToString::to_string) {
        if all.is_empty() {
            all = cause;
        } else if !all.contains(&cause) {
            all = format!("{all}: {cause}");
        }
    }
    all
}

/// Runs the command line of this process over `suite`.
///
/// Cases are checked in workers: this executable, started again. A kernel that ends its process, or
/// never returns, is named, and the others go on.
pub fn main(suite: &Suite) -> ExitCode {
    let all = suite.cases.iter().chain(&suite.scaling);
    if let Some(flaw) = case::flaw(all.map(|case| case.id.as_str())) {
        eprintln!("stepmark: {}: {flaw}", Exit::Usage);
        return ExitCode::from(Exit::Usage.code());
    }
    let (mut out, mut err) = (Lenient(io::stdout()), io::stderr());
    let run = || run_checking(Checks::InWorkers, suite, env::args_os(), &mut out, &mut err);
    ExitCode::from(guarded(run).code())
}

/// How `run` ends; a panic is a tool failure, never a verdict.
fn guarded(run: impl FnOnce() -> Exit) -> Exit {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Failure)
}

/// Output whose reader may leave early, as `head` does: the exit code is still the verdict.
struct Lenient<W>(W);

impl<W: Write> Write for Lenient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Runs one command line, program name first, over `suite`.
///
/// Results go to `out`, what went wrong to `err`. Cases are checked in this process: the list need
/// not be that of this executable.
pub fn run(
    suite: &Suite,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    run_checking(Checks::Here, suite, args, out, err)
}

fn run_checking(
    checks: Checks,
    suite: &Suite,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let own = suite.commands.iter().map(Command::without_target);
    let parsed = Args::command().subcommands(own).try_get_matches_from(args);
    let parsed = parsed.and_then(|matches| match suite.command(&matches) {
        Some((own, options)) => {
            Ok(own.refuse_target(&matches).and_then(|()| (own.run)(options, out)))
        }
        None => Args::from_arg_matches(&matches).map(|args| verb(args, checks, suite, out)),
    });
    let done = match parsed {
        Ok(done) => done,
        Err(said) => {
            let exit = if said.use_stderr() { Exit::Usage } else { Exit::Pass };
            let to: &mut dyn Write = if said.use_stderr() { err } else { out };
            return write!(to, "{said}").map_or(Exit::Failure, |()| exit);
        }
    };
    done.unwrap_or_else(|stop| {
        // The exit code still tells when the error stream is gone.
        let _ = writeln!(err, "stepmark: {}: {}", stop.exit, stop.why);
        stop.exit
    })
}

/// Runs one of the harness's own subcommands.
fn verb(args: Args, checks: Checks, suite: &Suite, out: &mut dyn Write) -> Result<Exit, Stop> {
    let target = args.target_dir.unwrap_or_else(workspace::target);
    let mut context = Context { cases: &suite.cases, scaling: &suite.scaling, checks, target, out };
    match &args.verb {
        Verb::List(args) => list::run(args, &mut context),
        Verb::Check(args) => check::run(args, &mut context),
        Verb::Record(args) => record::run(args, &mut context),
        Verb::Gate(args) => gate::run(args, &mut context),
        Verb::Duet(args) => duet::run(args, &mut context),
        Verb::Calibrate(args) => calibrate::run(args, &mut context),
        Verb::Accept(args) => accept::run(args, &mut context),
        Verb::Report(args) => report::run(args, &mut context),
        Verb::History(args) => history::run(args, &mut context),
        Verb::Worker(args) => worker::run(args, &mut context),
    }
}

/// Requires this executable to be built from the sources at hand, and returns their digest.
fn current() -> Result<String, Stop> {
    if machine::is_outdated() {
        let why = "this executable was built from other sources; use `cargo run --release --`";
        return Err(Stop::new(Exit::Incomparable, why));
    }
    match workspace::built_from() {
        Err(why @ (workspace::Error::NotBuilt | workspace::Error::Stale { .. })) => {
            Err(Stop::new(Exit::Incomparable, why.to_string()))
        }
        source => Ok(source?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        let cause = anyhow::anyhow!("no space");
        assert_eq!(told(&cause), "no space", "alone");
        assert_eq!(told(&cause.context("a.txt: no space")), "a.txt: no space", "told by the first");
        let untold = anyhow::anyhow!("no space").context("a.txt").context("a record");
        assert_eq!(told(&untold), "a record: a.txt: no space", "told by none");
    }

    #[test]
    fn a_panic_is_a_tool_failure() {
        assert_eq!(guarded(|| panic!("planted")), Exit::Failure, "a panic");
        assert_eq!(guarded(|| Exit::Regression), Exit::Regression, "a verdict stays");
    }
}
