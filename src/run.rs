//! What a bench run leaves beside its samples, so that a record never mixes two runs.
//!
//! `target/stepmark/<instrument>/run.json` is written when the first case is about to be measured.
//! Samples that are older belong to another run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

use crate::machine::{self, Environment};

/// One run of one bench target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Start, in UTC, as RFC 3339 with milliseconds.
    pub started: String,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from that commit, apart from `baselines/`.
    pub dirty: bool,
    /// Digest of the sources that the bench was built from.
    pub source: String,
    /// Digest of the executable that ran.
    pub executable: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What its numbers depend on, as far as the bench itself can tell.
    pub environment: Environment,
    /// The cases it was built to measure, in its order.
    pub ids: Vec<String>,
}

impl Run {
    /// Describes the current process, starting now, which was built from the sources with the
    /// digest `source`.
    ///
    /// # Errors
    ///
    /// If the executable cannot be read.
    pub fn begin(source: String, environment: Environment, ids: Vec<String>) -> io::Result<Self> {
        let (commit, dirty) = machine::revision(Path::new("baselines")).unzip();
        Ok(Self {
            started: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            commit,
            dirty: dirty.unwrap_or(true),
            source,
            executable: digest(&fs::read(env::current_exe()?)?),
            arguments: env::args().skip(1).collect(),
            environment,
            ids,
        })
    }

    /// Writes `run.json` into the emptied folder `dir`.
    ///
    /// # Errors
    ///
    /// If the folder cannot be emptied or written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        match fs::remove_dir_all(dir) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => fs::create_dir_all(dir)?,
        }
        fs::write(dir.join("run.json"), serde_json::to_string_pretty(self)?)
    }

    /// Reads `run.json` of the folder `dir`.
    ///
    /// # Errors
    ///
    /// If there is none, or it is of another form.
    pub fn read(dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_str(&fs::read_to_string(dir.join("run.json"))?)?)
    }

    /// Whether a file was written since this run started.
    ///
    /// # Errors
    ///
    /// If the file has no modification time, or the start is not a time.
    pub fn wrote(&self, path: &Path) -> io::Result<bool> {
        let started = humantime::parse_rfc3339(&self.started).map_err(io::Error::other)?;
        Ok(fs::metadata(path)?.modified()? >= started)
    }
}

/// What one case did under Valgrind outside the counted region; see `benches/instructions.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warm {
    /// The case.
    pub id: String,
    /// The package of the bench.
    pub package: String,
    /// Which implementation ran.
    pub implementation: String,
    /// The dispatch level seen under Valgrind.
    pub dispatch: String,
    /// Heap blocks that one warmed step allocated.
    pub heap_blocks: u64,
    /// Heap bytes that one warmed step allocated.
    pub heap_bytes: u64,
    /// Blocks counted around exactly one allocation: 1, or the counter is broken.
    pub control_blocks: u64,
}

impl Warm {
    /// Writes `<position>.json` into the folder of the run.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub fn write(&self, dir: &Path, position: &str) -> io::Result<()> {
        fs::write(dir.join(format!("{position}.json")), serde_json::to_string(self)?)
    }
}

/// The digests of right outputs by case.
pub type Digests = BTreeMap<String, u64>;

const DIGESTS: &str = "digests.json";

/// Writes the digests into the folder of the run.
///
/// # Errors
///
/// If the folder cannot be written.
pub fn write_digests(digests: &Digests, dir: &Path) -> io::Result<()> {
    fs::write(dir.join(DIGESTS), serde_json::to_string(digests)?)
}

/// Reads them back.
///
/// # Errors
///
/// If there are none, or they are of another form.
pub fn read_digests(dir: &Path) -> io::Result<Digests> {
    Ok(serde_json::from_str(&fs::read_to_string(dir.join(DIGESTS))?)?)
}

/// The folder of an instrument's run under the target folder.
pub fn folder(target: &Path, instrument: &str) -> PathBuf {
    target.join("stepmark").join(instrument)
}

/// Digest of a file's content, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", crate::close::digest(bytes.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_forgets_the_files_of_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("wall");
        let source = machine::SOURCE.to_owned();
        let run = Run::begin(source, machine::wall(), vec!["a/b/c".to_owned()]).unwrap();
        run.write(&dir).unwrap();
        fs::write(dir.join("0.json"), "{}").unwrap();
        let digests = Digests::from([("a/b/c".to_owned(), u64::MAX)]);
        write_digests(&digests, &dir).unwrap();
        assert_eq!(read_digests(&dir).unwrap(), digests, "digests");
        assert!(run.wrote(&dir.join("0.json")).unwrap(), "written after the start");
        run.write(&dir).unwrap();
        assert!(!dir.join("0.json").exists(), "emptied");
        assert_eq!(Run::read(&dir).unwrap(), run, "round trip");
        let later = Run { started: "2999-01-01T00:00:00Z".to_owned(), ..run };
        assert!(!later.wrote(&dir.join("run.json")).unwrap(), "older than the start");
    }
}
