//! Records: the numbers of one instrument and chapter, with everything they belong to.
//!
//! The JSON under `baselines/` and `target/stepmark/`: what all rows share first, then the rows,
//! sorted by id, one per line, so that a line of a diff is a changed case. Reading validates.
//!
//! | | |
//! | --- | --- |
//! | [`metric`](mod@metric) | the table of metrics and instruments |
//! | [`Row`] | the numbers of a case, and the run that measured them |
//! | [`Record`] | the rows of a chapter |
//! | [`fresh`], [`baseline`], [`chapters`] | where records lie |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file;
use crate::machine::Environment;

mod error;
pub mod metric;
mod row;

pub use error::Error;
pub use metric::{GPU, INSTRUCTIONS, Instrument, Measures, Metric, PEERS, SCALING, WALL};
#[cfg(test)]
pub(crate) use row::tests::{counted, row, wall};
pub use row::{Origin, Row, Value};

/// The version of this format; a record of another one cannot be compared.
pub const SCHEMA: u32 = 2;

/// No record comes near this size; a larger file is something else.
const MAX_LEN_BYTES: u64 = 16 << 20;

/// The numbers of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// [`Instrument::name`].
    pub instrument: String,
    /// The version of this crate.
    pub harness: String,
    /// The environment that the numbers depend on.
    pub environment: Environment,
    /// Sorted by id, each id once; in a file, of one chapter.
    pub cases: Vec<Row>,
}

/// Where the fresh record of a chapter lies: `<target>/stepmark/<instrument>/<chapter>.json`.
pub fn fresh(target: &Path, instrument: &Instrument, chapter: &str) -> PathBuf {
    let folder = target.join("stepmark").join(instrument.name);
    folder.join(format!("{chapter}.json"))
}

/// Where the baseline of a chapter lies: `<baselines>/<folder>/<instrument>/<chapter>.json`.
pub fn baseline(
    baselines: &Path,
    instrument: &Instrument,
    environment: &Environment,
    chapter: &str,
) -> PathBuf {
    let folder = baselines.join((instrument.folder)(environment)).join(instrument.name);
    folder.join(format!("{chapter}.json"))
}

/// The chapter of a case: the first part of its id.
pub fn chapter(id: &str) -> &str {
    id.split_once('/').map_or(id, |(chapter, _)| chapter)
}

/// The chapters that have a record in `folder`, sorted; none if there is no such folder.
pub fn chapters(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let json = files.filter(|path| path.extension().is_some_and(|ext| ext == "json"));
    let mut names: Vec<_> =
        json.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

impl Record {
    /// A record without rows.
    pub fn new(instrument: &Instrument, environment: Environment) -> Self {
        Self {
            schema: SCHEMA,
            instrument: instrument.name.to_owned(),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            environment,
            cases: Vec::new(),
        }
    }

    /// Reads and validates a record of the instrument.
    ///
    /// # Errors
    ///
    /// If the file is missing, too large, of another schema or instrument, or holds anything that
    /// a record does not.
    pub fn read(instrument: &Instrument, path: &Path) -> Result<Self, Error> {
        Self::parse(instrument, path, &read_text(path)?)
    }

    /// Validates the text of a record; errors name `path`.
    ///
    /// # Errors
    ///
    /// If it is of another schema or instrument, or holds anything that a record does not.
    pub fn parse(instrument: &Instrument, path: &Path, text: &str) -> Result<Self, Error> {
        let invalid = |found: String, expected: &str| Error::Invalid {
            path: path.to_owned(),
            found,
            expected: expected.to_owned(),
        };
        let head = head(path, text)?;
        if head.schema != u64::from(SCHEMA) {
            return Err(Error::Schema { path: path.to_owned(), found: head.schema });
        }
        if head.instrument != instrument.name {
            let found = format!("a record of `{}`", head.instrument);
            return Err(invalid(found, &format!("one of `{}`", instrument.name)));
        }
        let mut record: Self = serde_json::from_slice(text.as_bytes())
            .map_err(|err| invalid(err.to_string(), "a stepmark record"))?;
        if !record.environment.keys().map(String::as_str).eq(instrument.fields.iter().copied()) {
            let found = record.environment.into_keys().collect::<Vec<_>>().join(", ");
            return Err(invalid(format!("environment of {found}"), &instrument.fields.join(", ")));
        }
        record.cases.iter_mut().for_each(Row::restore);
        if let Some(flaw) = record.cases.iter().find_map(|case| case.flaw(instrument)) {
            return Err(invalid(flaw, "the metrics of the instrument, with values that can be"));
        }
        if let Some(found) = record.disorder() {
            return Err(invalid(found, "cases sorted by id, each once"));
        }
        if let Some(pair) = record.cases.windows(2).find(|p| p[0].chapter() != p[1].chapter()) {
            let found = format!("`{}` beside `{}`", pair[0].id, pair[1].id);
            return Err(invalid(found, "cases of one chapter"));
        }
        Ok(record)
    }

    /// Writes the record; a killed run leaves the old one whole.
    ///
    /// # Errors
    ///
    /// If a case comes twice, or the folder cannot be made or written; the old record stays.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        if let Some(found) = self.disorder() {
            let expected = "cases sorted by id, each once".to_owned();
            return Err(Error::Invalid { path: path.to_owned(), found, expected });
        }
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            file::replace(path, self.to_json()?.as_bytes())
        };
        write().map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// The same record with other rows, which this sorts by id.
    #[must_use]
    pub fn with(&self, mut cases: Vec<Row>) -> Self {
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            schema: self.schema,
            instrument: self.instrument.clone(),
            harness: self.harness.clone(),
            environment: self.environment.clone(),
            cases,
        }
    }

    /// The records of each chapter, of which this holds the rows.
    pub fn by_chapter(&self) -> BTreeMap<String, Self> {
        let mut rows = BTreeMap::<String, Vec<Row>>::new();
        for row in &self.cases {
            rows.entry(row.chapter().to_owned()).or_default().push(row.clone());
        }
        rows.into_iter().map(|(chapter, rows)| (chapter, self.with(rows))).collect()
    }

    /// Two cases that do not follow each other by id, if there are such.
    fn disorder(&self) -> Option<String> {
        let pair = self.cases.windows(2).find(|pair| pair[0].id >= pair[1].id)?;
        let [first, second] = [&pair[0].id, &pair[1].id];
        let said = if first == second { " twice" } else { &format!(" before `{second}`") };
        Some(format!("`{first}`{said}"))
    }

    /// The cases by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Row> {
        self.cases.iter().map(|case| (case.id.as_str(), case)).collect()
    }

    fn to_json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string_pretty(&self.with(Vec::new()))?;
        let tail = text.rfind("[]").expect("the empty list of cases comes last");
        text.truncate(tail);
        let lines = self.cases.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        write!(text, "[\n    {}\n  ]\n}}\n", lines.join(",\n    ")).expect("a String grows");
        Ok(text)
    }
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
    serde_json::from_slice(text.as_bytes()).map_err(|err| Error::Invalid {
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

    fn record() -> Record {
        let fields = INSTRUCTIONS.fields.iter().map(|f| ((*f).to_owned(), "x".to_owned()));
        let record = Record::new(&INSTRUCTIONS, fields.collect());
        record.with(vec![counted("a/b/n2", 1000, 1), counted("a/b/n1", 1000, 1)])
    }

    fn read_back(text: &[u8]) -> Result<Record, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::write(&path, text).unwrap();
        Record::read(&INSTRUCTIONS, &path)
    }

    #[test]
    fn one_case_per_line_and_back() {
        let text = record().to_json().unwrap();
        assert_eq!(text.lines().filter(|l| l.contains("\"id\"")).count(), 2, "{text}");
        assert_eq!(read_back(text.as_bytes()).unwrap(), record(), "round trip");
        assert!(!text.contains("reason"), "no baseline: {text}");
        let mut accepted = record();
        accepted.cases[0].origin.reason = Some("a \"new\"\ncodec".to_owned());
        let text = accepted.to_json().unwrap();
        assert_eq!(read_back(text.as_bytes()).unwrap(), accepted, "with a reason");
        let none = record().with(Vec::new());
        assert!(read_back(none.to_json().unwrap().as_bytes()).unwrap().cases.is_empty(), "none");
    }

    #[test]
    fn whole_numbers_of_times_come_back_as_times_and_large_counts_exactly() {
        let fields = WALL.fields.iter().map(|f| ((*f).to_owned(), "x".to_owned()));
        let walls = Record::new(&WALL, fields.collect()).with(vec![wall("a/b/n1", 1000.0)]);
        let text = walls.to_json().unwrap().replace("1000.0", "1000");
        assert!(text.contains("\"median_ns\":1000,"), "{text}");
        assert_eq!(Record::parse(&WALL, Path::new("w"), &text).unwrap(), walls, "times");
        let counts = record().with(vec![counted("a/b/n1", u64::MAX, 0)]);
        assert_eq!(read_back(counts.to_json().unwrap().as_bytes()).unwrap(), counts, "counts");
    }

    #[test]
    fn what_is_no_record_is_refused_with_what_was_found_and_expected() {
        let good = record().to_json().unwrap();
        for (bad, message) in [
            (String::new(), "expected a stepmark record"),
            ("[1, 2]".to_owned(), "expected a stepmark record"),
            ("\u{7f}ELF".to_owned(), "expected a stepmark record"),
            (good.replace("\"schema\": 2", "\"schema\": 1"), "schema 1, expected 2"),
            (
                good.replace("\"instrument\": \"instructions\"", "\"instrument\": \"wall\""),
                "a record of `wall`",
            ),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":NaN"), "expected a stepmark record"),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":1,\"x\":1"), "unknown metric `x`"),
            (good.replace("\"origin\"", "\"x\":1,\"origin\""), "unknown field `x`"),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":-1"), "d1_misses is -1"),
            (good.replace("\"d1_misses\":1", "\"d1_misses\":1.5"), "d1_misses is 1.5"),
            (good.replace(":1000", ":0"), "instructions is 0"),
            (good.replace("a/b/n2", "a/b/n1"), "cases sorted by id, each once"),
            (good.replace("a/b/n2", "c/b/n2"), "cases of one chapter"),
            (good.replace("\"valgrind\": \"x\"", "\"grind\": \"x\""), "expected dispatch, iai"),
        ] {
            let err = read_back(bad.as_bytes()).unwrap_err().to_string();
            assert!(err.contains(message) && err.contains("a.json"), "{message}: {err}");
        }
        let missing = Record::read(&WALL, Path::new("/no/such/file")).unwrap_err();
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
        let path = fresh(dir.path(), &INSTRUCTIONS, "a");
        record().write(&path).unwrap();
        let blocked = path.join("below-a-file.json");
        assert!(record().write(&blocked).is_err(), "a file is no folder");
        assert_eq!(Record::read(&INSTRUCTIONS, &path).unwrap(), record(), "intact");
        assert_eq!(chapters(path.parent().unwrap()), ["a"], "nothing left behind");
    }

    #[test]
    fn a_record_with_a_case_twice_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        record().write(&path).unwrap();
        let twice = record().with(vec![counted("a/b/n1", 1, 0), counted("a/b/n1", 2, 0)]);
        let err = twice.write(&path).unwrap_err().to_string();
        assert!(err.contains("a.json: `a/b/n1` twice, expected cases sorted"), "{err}");
        assert_eq!(Record::read(&INSTRUCTIONS, &path).unwrap(), record(), "the old one stays");
    }

    #[test]
    fn rows_of_several_chapters_are_parted() {
        let both = record().with(vec![counted("c/d/n1", 1, 0), counted("a/b/n1", 2, 0)]);
        let parts = both.by_chapter();
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["a", "c"], "chapters");
        assert_eq!(parts["c"], record().with(vec![counted("c/d/n1", 1, 0)]), "its rows");
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
