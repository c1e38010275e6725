//! The lists that the command of a crate works on.

use std::io::Write;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use super::{Exit, Stop};
use crate::case::Case;

/// The cases of a crate, and what its command has besides the verbs of the harness.
#[derive(Debug, Default)]
pub struct Suite {
    /// The cases that gate.
    pub cases: Vec<Case>,
    /// Cases that show how times grow with sizes, or what an instruction set gains; no gate reads them.
    pub scaling: Vec<Case>,
    /// Subcommands of its own.
    pub commands: Vec<Command>,
}

impl Suite {
    /// The own command that `matches` asks for, and its options.
    pub(super) fn command<'a>(
        &self,
        matches: &'a ArgMatches,
    ) -> Option<(&Command, &'a ArgMatches)> {
        let (name, options) = matches.subcommand()?;
        let own = self.commands.iter().find(|own| own.command.get_name() == name)?;
        Some((own, options))
    }
}

/// A subcommand that the harness knows nothing of.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its name, which no verb of the harness has, its options and its help.
    pub command: clap::Command,
    /// Runs it: results go to the output, and the rest is said by what it returns.
    pub run: fn(&ArgMatches, &mut dyn Write) -> Result<Exit, Stop>,
}

/// The option of all verbs of the harness that says where records are, as clap and as people know it.
const TARGET: [&str; 2] = ["target_dir", "target-dir"];

impl Command {
    /// Whether it has an option of that name itself.
    fn has_target(&self) -> bool {
        self.command.get_arguments().any(|arg| arg.get_long() == Some(TARGET[1]))
    }

    /// The command, the help of which does not show an option that it has no use for.
    pub(super) fn without_target(&self) -> clap::Command {
        let command = self.command.clone();
        if self.has_target() {
            return command;
        }
        let [id, long] = TARGET;
        command.arg(Arg::new(id).long(long).value_name("DIR").global(true).hide(true))
    }

    /// Refuses that option; `matches` are those of the whole line.
    pub(super) fn refuse_target(&self, matches: &ArgMatches) -> Result<(), Stop> {
        let is_given = matches.value_source(TARGET[0]) == Some(ValueSource::CommandLine);
        if self.has_target() || !is_given {
            return Ok(());
        }
        let name = self.command.get_name();
        let why = format!(
            "--{}: `stepmark {name}` has no use for the folder of records; leave it out",
            TARGET[1]
        );
        Err(Stop::new(Exit::Usage, why))
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;

    fn suite() -> Suite {
        let count = Command {
            command: clap::Command::new("count").about("Count to three"),
            run: |_, out| {
                write!(out, "1 2 3")?;
                Err(Stop::new(Exit::Wrong, "not at four"))
            },
        };
        Suite { commands: vec![count], ..Suite::default() }
    }

    /// The exit code, and what is said.
    fn said(suite: &Suite, line: &[&str]) -> (Exit, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = run(suite, line, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (exit, text(out), text(err))
    }

    #[test]
    fn a_suite_brings_commands_of_its_own() {
        let (exit, out, err) = said(&suite(), &["stepmark", "count"]);
        assert_eq!((exit, out.as_str()), (Exit::Wrong, "1 2 3"), "{err}");
        assert_eq!(err, "stepmark: wrong result: not at four\n", "how it ended");
        let (exit, out, _) = said(&suite(), &["stepmark", "--help"]);
        assert_eq!(exit, Exit::Pass, "help");
        assert!(out.contains("  count      Count to three\n"), "{out}");
    }

    #[test]
    fn a_command_of_its_own_neither_shows_nor_takes_the_folder_of_records() {
        let mut suite = suite();
        let nested = clap::Command::new("up").about("Count up");
        suite.commands[0].command = suite.commands[0].command.clone().subcommand(nested);
        for line in [&["count", "--help"][..], &["count", "up", "--help"]] {
            let (exit, out, _) = said(&suite, &[&["stepmark"], line].concat());
            assert_eq!((exit, out.contains("target-dir")), (Exit::Pass, false), "{out}");
        }
        let (_, out, _) = said(&suite, &["stepmark", "list", "--help"]);
        assert!(out.contains("--target-dir <DIR>"), "a verb of the harness: {out}");
        for line in [
            &["--target-dir", "x", "count"][..],
            &["count", "--target-dir", "x"],
            &["count", "up", "--target-dir", "x"],
        ] {
            let (exit, out, err) = said(&suite, &[&["stepmark"], line].concat());
            assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{line:?}: {err}");
            assert!(err.contains("--target-dir: `stepmark count` has no use for"), "{err}");
        }
    }

    #[test]
    fn a_command_may_have_such_an_option_itself() {
        let option = Arg::new("target_dir").long("target-dir").help("A mountain");
        let mut suite = suite();
        suite.commands[0].command = suite.commands[0].command.clone().arg(option);
        let (_, out, _) = said(&suite, &["stepmark", "count", "--help"]);
        assert!(out.contains("A mountain"), "{out}");
        let (exit, out, _) = said(&suite, &["stepmark", "count", "--target-dir", "x"]);
        assert_eq!((exit, out.as_str()), (Exit::Wrong, "1 2 3"), "it runs");
    }

    #[test]
    fn without_them_there_are_the_verbs_of_the_harness_alone() {
        let none = Suite::default();
        for name in ["count", "profile"] {
            let (exit, out, err) = said(&none, &["stepmark", name]);
            assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{name}");
            assert!(err.contains("unrecognized subcommand"), "{err}");
        }
        let (_, out, _) = said(&none, &["stepmark", "--help"]);
        assert!(out.contains("  history ") && !out.contains("  profile "), "{out}");
    }
}
