//! The file of samples: a suite in each line, all of one machine, executable and list of cases.

use std::path::Path;

use super::{Kind, Suite};
use crate::file::lines::{self, Error, LineFile, Lines};

/// The check of a line: its suite, and those before.
type Check = fn(&Suite, &[Suite]) -> Result<(), String>;

/// A file that suites are appended to.
pub type SampleFile = LineFile<Check>;

/// Opens or makes the file at `path`, and reads its suites.
///
/// # Errors
///
/// Those of [`LineFile::open`] and of [`read`].
pub fn open(path: &Path) -> Result<(SampleFile, Lines<Suite>), Error> {
    LineFile::open(path, check as Check)
}

/// Reads the suites in `bytes`, the content of the file at `path`.
///
/// # Errors
///
/// If a line is no suite, or the suites are not of one machine, executable and list of cases.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Lines<Suite>, Error> {
    lines::read(path, bytes, check)
}

/// Requires a suite that is still to be sampled to belong to those that the file at `path` holds.
///
/// # Errors
///
/// If it does not.
pub fn admits(path: &Path, suite: &Suite, held: &[Suite]) -> Result<(), Error> {
    let foreign = |found| Error::Foreign { path: path.to_owned(), line: held.len() + 1, found };
    belongs(suite, held).map_err(foreign)
}

fn check(suite: &Suite, before: &[Suite]) -> Result<(), String> {
    suite.flaw().map_or(Ok(()), Err)?;
    belongs(suite, before)
}

/// Requires a suite to be of the machine, executables and cases of those before.
fn belongs(suite: &Suite, before: &[Suite]) -> Result<(), String> {
    let ids = |suite: &Suite| suite.cases.iter().map(|case| case.id.clone()).collect::<Vec<_>>();
    // Samples are asked for until they tell at some margin.
    let margins = |suite: &Suite| suite.cases.iter().map(|case| case.margin).collect::<Vec<_>>();
    let Some(first) = before.first() else { return Ok(()) };
    let pad = before.iter().find(|before| before.kind == Kind::Pad && suite.kind == Kind::Pad);
    let differs = [
        ("the executable", suite.executables[0] != first.executables[0]),
        ("the padded executable", pad.is_some_and(|pad| pad.executables != suite.executables)),
        ("the machine or the toolchain", suite.environment != first.environment),
        ("the list of cases", ids(suite) != ids(first)),
        ("a margin", margins(suite) != margins(first)),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => Err(format!(
            "{what} is another one than in the lines before, so the rates would be of neither"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::tests::suite;
    use super::*;

    fn some(kind: Kind) -> Suite {
        suite(kind, &[("a/b/c", false, 1.0)])
    }

    #[test]
    fn what_is_no_suite_or_of_another_run_is_refused_with_its_line() {
        let line = |suite: &Suite| serde_json::to_string(suite).unwrap() + "\n";
        let first = line(&some(Kind::None));
        let with = |change: &dyn Fn(&mut Suite)| {
            let mut suite = some(Kind::None);
            change(&mut suite);
            line(&suite)
        };
        for (second, why) in [
            ("{}\n".to_owned(), "missing field"),
            ("\n".to_owned(), "EOF"),
            (first.replace("\"seed\"", "\"sed\""), "unknown field `sed`"),
            (first.replace("\"none\"", "\"some\""), "unknown variant `some`"),
            (with(&|suite| suite.schema = 7), "schema 7, expected 1"),
            (with(&|suite| suite.cases[0].unit_ns = 0), "a/b/c: samples"),
            (with(&|suite| suite.executables[0] = "2".to_owned()), "the executable is another"),
            (with(&|suite| suite.cases[0].id = "d".to_owned()), "the list of cases is another"),
            (with(&|suite| suite.cases[0].margin = 0.04), "a margin is another"),
            (
                with(&|suite| drop(suite.environment.insert("x".to_owned(), "y".to_owned()))),
                "the machine or the toolchain is another",
            ),
        ] {
            let err = read(Path::new("f.jsonl"), (first.clone() + &second).as_bytes()).unwrap_err();
            let err = err.to_string();
            assert!(err.starts_with("f.jsonl, line 2: ") && err.contains(why), "{why}: {err}");
        }
        let pad = |digest: &str| Suite {
            executables: ["1".to_owned(), digest.to_owned()],
            ..some(Kind::Pad)
        };
        let two = first + &line(&pad("2")) + &line(&pad("2"));
        assert_eq!(read(Path::new("f"), two.as_bytes()).unwrap().values.len(), 3, "of one pad");
        let err =
            read(Path::new("f"), (two + &line(&pad("3"))).as_bytes()).unwrap_err().to_string();
        assert!(err.contains("line 4: the padded executable is another"), "{err}");
    }

    #[test]
    fn a_suite_is_admitted_before_its_samples_are_taken() {
        let held = [some(Kind::None)];
        let mut head = some(Kind::Plant2);
        head.cases[0].blocks.clear();
        admits(Path::new("f"), &head, &held).unwrap();
        head.executables[0] = "2".to_owned();
        let err = admits(Path::new("f"), &head, &held).unwrap_err().to_string();
        assert!(err.starts_with("f, line 2: the executable is another"), "{err}");
    }
}
