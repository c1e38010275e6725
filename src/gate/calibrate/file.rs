//! The file of samples: a line of JSON per suite, appended as each is done, so that a run that is
//! killed goes on where it was.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Kind, Suite};

/// Why a file of samples is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another run writes to it.
    #[error("{}: another calibration writes to it; wait, or name another file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line is no suite.
    #[error("{}, line {line}: {found}; name a file that `stepmark calibrate` wrote", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        found: String,
    },
    /// The suites do not belong together.
    #[error(
        "{}, line {line}: {what} is another one than in the lines before, so the rates would be of \
         neither; name another file",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What differs.
        what: &'static str,
    },
}

/// The suites of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Suites {
    /// In the order in which they were run.
    pub suites: Vec<Suite>,
    /// How many bytes of a line without an end follow them: what a killed run left.
    pub partial_len_bytes: usize,
}

/// Reads the suites in `text`, the content of the file at `path`.
///
/// # Errors
///
/// If a line is no suite, or the suites are not of one machine, executable and list of cases.
pub fn read(path: &Path, text: &str) -> Result<Suites, Error> {
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut suites: Vec<Suite> = Vec::new();
    for (line, text) in (1..).zip(text[..whole].lines()) {
        let invalid = |found| Error::Invalid { path: path.to_owned(), line, found };
        let suite: Suite = serde_json::from_str(text).map_err(|err| invalid(err.to_string()))?;
        if let Some(flaw) = suite.flaw() {
            return Err(invalid(flaw));
        }
        belongs(path, line, &suite, &suites)?;
        suites.push(suite);
    }
    Ok(Suites { suites, partial_len_bytes: text.len() - whole })
}

/// Requires a suite, at a line or to become one, to be of the machine, executables and cases of
/// those before.
fn belongs(path: &Path, line: usize, suite: &Suite, before: &[Suite]) -> Result<(), Error> {
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
        Some((what, _)) => Err(Error::Foreign { path: path.to_owned(), line, what }),
        None => Ok(()),
    }
}

/// A file that suites are appended to, locked while it is open.
#[derive(Debug)]
pub struct SampleFile {
    path: PathBuf,
    file: File,
}

impl SampleFile {
    /// Opens or makes the file, reads its suites, and cuts off what a killed run left.
    ///
    /// # Errors
    ///
    /// If another process has it open, it cannot be read or written, or as [`read`].
    pub fn open(path: &Path) -> Result<(Self, Suites), Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Ok(()) => (),
        }
        let text = io::read_to_string(&file).map_err(failed)?;
        let suites = read(path, &text)?;
        file.set_len((text.len() - suites.partial_len_bytes) as u64).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file }, suites))
    }

    /// Appends a suite; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn append(&mut self, suite: &Suite) -> Result<(), Error> {
        let write = |file: &mut File| -> io::Result<()> {
            file.write_all((serde_json::to_string(suite)? + "\n").as_bytes())?;
            file.sync_data()
        };
        let path = &self.path;
        write(&mut self.file).map_err(|source| Error::Io { path: path.clone(), source })
    }

    /// Requires a suite that is to be appended to belong to those that are `held`.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn admits(&self, suite: &Suite, held: &[Suite]) -> Result<(), Error> {
        belongs(&self.path, held.len() + 1, suite, held)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::suite::tests::suite;
    use super::*;

    fn some(kind: Kind) -> Suite {
        suite(kind, &[("a/b/c", false, 1.0)])
    }

    #[test]
    fn a_killed_run_loses_only_the_suite_that_was_not_finished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.jsonl");
        let (mut file, none) = SampleFile::open(&path).unwrap();
        assert_eq!(none, Suites { suites: Vec::new(), partial_len_bytes: 0 }, "a new file");
        file.append(&some(Kind::None)).unwrap();
        let err = SampleFile::open(&path).unwrap_err().to_string();
        assert!(err.contains("another calibration writes to it"), "{err}");
        drop(file);

        let whole = fs::read(&path).unwrap();
        for cut in [1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            let (mut file, held) = SampleFile::open(&path).unwrap();
            assert_eq!((held.suites.len(), held.partial_len_bytes), (1, cut), "cut at {cut}");
            file.append(&some(Kind::Plant2)).unwrap();
            drop(file);
            let held = read(&path, &fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(held.partial_len_bytes, 0, "cut at {cut}");
            assert_eq!(held.suites, [some(Kind::None), some(Kind::Plant2)], "cut at {cut}");
        }
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
            let err = read(Path::new("f.jsonl"), &(first.clone() + &second)).unwrap_err();
            let err = err.to_string();
            assert!(err.starts_with("f.jsonl, line 2: ") && err.contains(why), "{why}: {err}");
        }
        let pad = |digest: &str| Suite {
            executables: ["1".to_owned(), digest.to_owned()],
            ..some(Kind::Pad)
        };
        let two = first + &line(&pad("2")) + &line(&pad("2"));
        assert_eq!(read(Path::new("f"), &two).unwrap().suites.len(), 3, "of one pad");
        let err = read(Path::new("f"), &(two + &line(&pad("3")))).unwrap_err().to_string();
        assert!(err.contains("line 4: the padded executable is another"), "{err}");
    }
}
