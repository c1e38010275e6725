//! A record: the numbers of one run, with everything they belong to.
//!
//! The JSON under `baselines/` and `target/stepmark/`: header fields first, then the cases, sorted
//! by id, one per line, so that a line of a diff is a changed case. Reading validates.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file;
use crate::machine::Environment;

mod measure;

#[cfg(test)]
pub(crate) use measure::tests::wall;
pub use measure::{Gpu, Instructions, Measure, Peer, Wall};

/// The version of this format; a record of another one cannot be compared.
pub const SCHEMA: u32 = 1;

/// No record comes near this size; a larger file is something else.
const MAX_LEN_BYTES: u64 = 16 << 20;

/// The numbers of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<M> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// [`Measure::INSTRUMENT`].
    pub instrument: String,
    /// The version of this crate.
    pub harness: String,
    /// When the run started, in UTC.
    pub started: String,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it, apart from `baselines/`.
    pub dirty: bool,
    /// Digest of the sources that were measured.
    pub source: String,
    /// Digest of the executable that was measured.
    pub executable: String,
    /// Why it became a baseline; absent from a record that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the numbers depend on.
    pub environment: Environment,
    /// Sorted by id, each id once.
    pub cases: Vec<M>,
}

/// Why a file is not a record that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("{}: no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file has another schema.
    #[error(
        "{}: schema {found}, expected {SCHEMA}; measure again, then `stepmark accept`",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
    },
    /// The file is not a record.
    #[error("{}: {found}, expected {expected}; measure again, or restore it", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: String,
    },
}

impl<M: Measure> Record<M> {
    /// Reads and validates a record.
    ///
    /// # Errors
    ///
    /// If the file is missing, too large, of another schema or instrument, or holds anything that
    /// a record does not.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(path, &read_text(path)?)
    }

    /// Validates the text of a record; errors name `path`.
    ///
    /// # Errors
    ///
    /// If it is of another schema or instrument, or holds anything that a record does not.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let invalid = |found: String, expected: &str| Error::Invalid {
            path: path.to_owned(),
            found,
            expected: expected.to_owned(),
        };
        let head = head(path, text)?;
        if head.schema != u64::from(SCHEMA) {
            return Err(Error::Schema { path: path.to_owned(), found: head.schema });
        }
        if head.instrument != M::INSTRUMENT {
            let found = format!("a record of `{}`", head.instrument);
            return Err(invalid(found, &format!("one of `{}`", M::INSTRUMENT)));
        }
        let record: Self = serde_json::from_str(text)
            .map_err(|err| invalid(err.to_string(), "a stepmark record"))?;
        if !record.environment.keys().map(String::as_str).eq(M::FIELDS.iter().copied()) {
            let found = record.environment.into_keys().collect::<Vec<_>>().join(", ");
            return Err(invalid(format!("environment of {found}"), &M::FIELDS.join(", ")));
        }
        if let Some(case) = record.cases.iter().find(|case| !case.is_plausible()) {
            return Err(invalid(format!("{case:?}"), "positive, ordered numbers"));
        }
        if let Some(pair) = record.cases.windows(2).find(|pair| pair[0].id() >= pair[1].id()) {
            let found = format!("`{}` before `{}`", pair[0].id(), pair[1].id());
            return Err(invalid(found, "cases sorted by id, each once"));
        }
        Ok(record)
    }

    /// Writes the record; a killed run leaves the old one whole.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            file::replace(path, self.to_json()?.as_bytes())
        };
        write().map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// Where the baseline of such a record lies in the folder `baselines`.
    pub fn baseline(&self, baselines: &Path) -> PathBuf {
        baselines.join(M::folder(&self.environment)).join(file_name::<M>())
    }

    /// What another instrument found in the same run.
    pub fn beside<N: Measure>(&self, environment: Environment, cases: Vec<N>) -> Record<N> {
        Record {
            schema: SCHEMA,
            instrument: N::INSTRUMENT.to_owned(),
            harness: self.harness.clone(),
            started: self.started.clone(),
            commit: self.commit.clone(),
            dirty: self.dirty,
            source: self.source.clone(),
            executable: self.executable.clone(),
            reason: None,
            environment,
            cases,
        }
    }

    /// The cases by id.
    pub fn by_id(&self) -> BTreeMap<&str, &M> {
        self.cases.iter().map(|case| (case.id(), case)).collect()
    }

    fn to_json(&self) -> serde_json::Result<String> {
        let head = Self { cases: Vec::new(), ..self.clone() };
        let mut text = serde_json::to_string_pretty(&head)?;
        let tail = text.rfind("[]").expect("the empty list of cases comes last");
        text.truncate(tail);
        let lines = self.cases.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        write!(text, "[\n    {}\n  ]\n}}\n", lines.join(",\n    ")).expect("a String grows");
        Ok(text)
    }
}

/// `<instrument>.json`
pub fn file_name<M: Measure>() -> String {
    format!("{}.json", M::INSTRUMENT)
}

/// The instrument that the record in a file is of.
///
/// # Errors
///
/// If the file is missing or not JSON with an instrument.
pub fn instrument(path: &Path) -> Result<String, Error> {
    Ok(head(path, &read_text(path)?)?.instrument)
}

#[derive(Deserialize)]
struct Head {
    schema: u64,
    instrument: String,
}

fn head(path: &Path, text: &str) -> Result<Head, Error> {
    serde_json::from_str(text).map_err(|err| Error::Invalid {
        path: path.to_owned(),
        found: err.to_string(),
        expected: "a stepmark record, with `schema` and `instrument`".to_owned(),
    })
}

fn read_text(path: &Path) -> Result<String, Error> {
    let io = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
        _ => Error::Io { path: path.to_owned(), source },
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(io)?;
    let len = match file.take(MAX_LEN_BYTES + 1).read_to_string(&mut text) {
        Err(err) if err.kind() == io::ErrorKind::InvalidData => {
            return Err(Error::Invalid {
                path: path.to_owned(),
                found: "bytes that are no text".to_owned(),
                expected: "a stepmark record, with `schema` and `instrument`".to_owned(),
            });
        }
        len => len.map_err(io)?,
    };
    if len as u64 > MAX_LEN_BYTES {
        return Err(Error::Invalid {
            path: path.to_owned(),
            found: "a larger file".to_owned(),
            expected: format!("at most {MAX_LEN_BYTES} bytes"),
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> Record<Instructions> {
        let case = |id: &str| Instructions {
            id: id.to_owned(),
            implementation: "scalar".to_owned(),
            instructions: 1000,
            d1_misses: 1,
            ll_misses: 0,
            heap_blocks: 0,
            heap_bytes: 0,
        };
        Record {
            schema: SCHEMA,
            instrument: "instructions".to_owned(),
            harness: "0.1.0".to_owned(),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            commit: None,
            dirty: true,
            source: "0".to_owned(),
            executable: "1".to_owned(),
            reason: None,
            environment: Instructions::FIELDS
                .iter()
                .map(|f| ((*f).to_owned(), "x".to_owned()))
                .collect(),
            cases: vec![case("a/b/n1"), case("a/b/n2")],
        }
    }

    fn read_back(text: &[u8]) -> Result<Record<Instructions>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("instructions.json");
        fs::write(&path, text).unwrap();
        Record::read(&path)
    }

    #[test]
    fn one_case_per_line_and_back() {
        let text = record().to_json().unwrap();
        assert_eq!(text.lines().filter(|l| l.contains("\"id\"")).count(), 2, "{text}");
        assert_eq!(read_back(text.as_bytes()).unwrap(), record(), "round trip");
        assert!(!text.contains("reason"), "no baseline: {text}");
        let accepted = Record { reason: Some("a \"new\"\ncodec".to_owned()), ..record() };
        let text = accepted.to_json().unwrap();
        assert_eq!(read_back(text.as_bytes()).unwrap(), accepted, "with a reason");
        let none = Record { cases: Vec::new(), ..record() };
        assert!(read_back(none.to_json().unwrap().as_bytes()).unwrap().cases.is_empty(), "none");
    }

    #[test]
    fn what_is_no_record_is_refused_with_what_was_found_and_expected() {
        let good = record().to_json().unwrap();
        for (bad, message) in [
            (String::new(), "expected a stepmark record"),
            ("[1, 2]".to_owned(), "expected a stepmark record"),
            ("\u{7f}ELF".to_owned(), "expected a stepmark record"),
            (good.replace("\"schema\": 1", "\"schema\": 2"), "schema 2, expected 1"),
            (
                good.replace("\"instrument\": \"instructions\"", "\"instrument\": \"wall\""),
                "a record of `wall`",
            ),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":NaN"), "expected a stepmark record"),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":1,\"x\":1"), "unknown field `x`"),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":-1"), "invalid value: integer `-1`"),
            (good.replace(":1000", ":0"), "expected positive, ordered numbers"),
            (good.replace("a/b/n2", "a/b/n1"), "cases sorted by id, each once"),
            (good.replace("\"valgrind\": \"x\"", "\"grind\": \"x\""), "expected dispatch, iai"),
        ] {
            let err = read_back(bad.as_bytes()).unwrap_err().to_string();
            assert!(err.contains(message) && err.contains("instructions.json"), "{err}");
        }
        let missing = Record::<Wall>::read(Path::new("/no/such/file")).unwrap_err();
        assert!(matches!(missing, Error::Missing { .. }), "{missing}");
        assert!(read_back(&[0xff, 0xfe]).is_err(), "not UTF-8");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_parsed() {
        let len = usize::try_from(MAX_LEN_BYTES).unwrap() + 1;
        let err = read_back(&vec![b' '; len]).unwrap_err().to_string();
        assert!(err.contains("a larger file, expected at most"), "{err}");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("instructions.json");
        record().write(&path).unwrap();
        let blocked = path.join("below-a-file.json");
        assert!(record().write(&blocked).is_err(), "a file is no folder");
        assert_eq!(Record::read(&path).unwrap(), record(), "intact");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing left behind");
    }

    proptest! {
        #[test]
        fn a_damaged_record_is_an_error_or_another_record_but_never_a_panic(
            at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let text = record().to_json().unwrap().into_bytes();
            prop_assert!(read_back(&text[..at.index(text.len() - 1)]).is_err(), "truncated");
            let mut changed = text;
            let at = at.index(changed.len());
            changed[at] = byte;
            let _ = read_back(&changed);
        }
    }
}
