//! Notes that a bench run leaves beside its samples, so that a record never mixes two runs unseen.
//!
//! Everything lies under `<target>/stepmark/runs/<instrument>/<chapter>/`. A bench of times writes a
//! [`Note`] for each case once it is timed, as `<kernel>/<size>.json`; samples that are older than the
//! run of the note belong to another one. The bench of instructions writes `run.json` and
//! `digests.json` before it counts, and a [`Warm`] for each case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::machine::{self, Environment, package};

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
    /// The environment that its numbers depend on, as far as the bench itself can tell.
    pub environment: Environment,
}

impl Run {
    /// Describes a run that starts now, of a bench that was built from the sources with the digest
    /// `source`.
    pub fn begin(source: String, environment: Environment) -> Self {
        let started = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let (commit, dirty) = machine::revision(&package::file("baselines")).unzip();
        Self { started, commit, dirty: dirty.unwrap_or(true), source, environment }
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

    /// Empties the folder of a chapter, and writes `run.json` and the digests of right outputs into
    /// it.
    ///
    /// # Errors
    ///
    /// If the folder cannot be emptied or written.
    pub fn open(
        &self,
        target: &Path,
        instrument: &str,
        chapter: &str,
        digests: &Digests,
    ) -> io::Result<()> {
        let dir = folder(target, instrument, chapter);
        match fs::remove_dir_all(&dir) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => fs::create_dir_all(&dir)?,
        }
        fs::write(dir.join(DIGESTS), serde_json::to_string(digests)?)?;
        fs::write(dir.join(RUN), serde_json::to_string_pretty(self)?)
    }

    /// Reads `run.json` of a chapter.
    ///
    /// # Errors
    ///
    /// If there is none, or it is of another form.
    pub fn read(target: &Path, instrument: &str, chapter: &str) -> io::Result<Self> {
        read(&folder(target, instrument, chapter).join(RUN))
    }
}

/// A case that was timed, and the run that did so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The case.
    pub id: String,
    /// Which implementation ran.
    pub implementation: String,
    /// The run.
    pub run: Run,
}

/// Numbers of one case under Valgrind from outside the counted region; see `benches/instructions.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warm {
    /// The case.
    pub id: String,
    /// The position of the case in the list of the bench, from 0.
    pub position: usize,
    /// The package of the bench.
    pub package: String,
    /// Which implementation ran.
    pub implementation: String,
    /// The dispatch level seen under Valgrind, and the bits that it follows from.
    pub dispatch: String,
    /// Heap blocks that one warmed step allocated.
    pub heap_blocks: u64,
    /// Heap bytes that one warmed step allocated.
    pub heap_bytes: u64,
    /// Blocks counted around exactly one allocation: 1, or the counter is broken.
    pub control_blocks: u64,
}

/// The digests of right outputs by case.
pub type Digests = BTreeMap<String, u64>;

const RUN: &str = "run.json";
const DIGESTS: &str = "digests.json";

/// A file or folder that cannot be used, and why.
pub type Unusable = (PathBuf, io::Error);

/// Reads the digests that a run wrote for a chapter.
///
/// # Errors
///
/// If there are none, or they are of another form.
pub fn read_digests(target: &Path, instrument: &str, chapter: &str) -> io::Result<Digests> {
    read(&folder(target, instrument, chapter).join(DIGESTS))
}

/// The folder of an instrument's runs of a chapter.
pub fn folder(target: &Path, instrument: &str, chapter: &str) -> PathBuf {
    target.join("stepmark/runs").join(instrument).join(chapter)
}

/// The folder that Criterion puts the samples of an instrument into which are no wall times of cases
/// that gate; those lie where a user of Criterion looks for them.
pub fn samples(target: &Path, instrument: &str) -> PathBuf {
    target.join("stepmark/criterion").join(instrument)
}

/// Writes what a run says of the case `id`: a [`Note`] or a [`Warm`].
///
/// # Errors
///
/// If the folder cannot be written.
pub fn write(target: &Path, instrument: &str, id: &str, of: &impl Serialize) -> io::Result<()> {
    let path = file(target, instrument, id);
    fs::create_dir_all(path.parent().unwrap_or(target))?;
    fs::write(path, serde_json::to_string(of)?)
}

/// Removes what an earlier run said of the case `id`, if anything: it is measured again.
///
/// # Errors
///
/// If the file is there and cannot be removed.
pub fn forget(target: &Path, instrument: &str, id: &str) -> io::Result<()> {
    match fs::remove_file(file(target, instrument, id)) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

/// Reads what runs said of the cases of a chapter, by file, in order of name.
///
/// # Errors
///
/// Names the file that cannot be read or is of another form.
pub fn said<T: DeserializeOwned>(
    target: &Path,
    instrument: &str,
    chapter: &str,
) -> Result<Vec<(PathBuf, T)>, Unusable> {
    let mut all = Vec::new();
    for kernel in entries(&folder(target, instrument, chapter))? {
        // A chapter has files of its own, too.
        if kernel.is_dir() {
            for path in entries(&kernel)? {
                match read(&path) {
                    Ok(said) => all.push((path, said)),
                    Err(why) => return Err((path, why)),
                }
            }
        }
    }
    Ok(all)
}

/// The chapters that an instrument has runs of, sorted.
///
/// # Errors
///
/// Names the folder that cannot be read.
pub fn chapters(target: &Path, instrument: &str) -> Result<Vec<String>, Unusable> {
    let all = entries(&folder(target, instrument, ""))?;
    let folders = all.iter().filter(|path| path.is_dir());
    Ok(folders.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
}

/// Where the file of a case lies.
fn file(target: &Path, instrument: &str, id: &str) -> PathBuf {
    folder(target, instrument, &format!("{id}.json"))
}

/// The files of a folder, in order of name; nothing if there is no such folder.
///
/// # Errors
///
/// If it is there and cannot be read.
pub fn entries(dir: &Path) -> Result<Vec<PathBuf>, Unusable> {
    let all = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = match all() {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
        paths => paths.map_err(|err| (dir.to_owned(), err))?,
    };
    paths.sort();
    Ok(paths)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Digest of a file's content, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", crate::close::digest(bytes.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filtered_run_adds_to_its_chapter_and_forgets_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path();
        let run = Run::begin(machine::SOURCE.to_owned(), machine::wall());
        let note = |id: &str, started: &str| Note {
            id: id.to_owned(),
            implementation: "scalar".to_owned(),
            run: Run { started: started.to_owned(), ..run.clone() },
        };
        for id in ["a/b/n1", "a/b/n2", "c/d/n1"] {
            write(target, "wall", id, &note(id, "2026-01-02T03:04:05Z")).unwrap();
        }
        forget(target, "wall", "a/b/n2").unwrap();
        forget(target, "wall", "a/b/n3").unwrap();
        write(target, "wall", "a/e/n1", &note("a/e/n1", "2026-01-03T03:04:05Z")).unwrap();
        assert_eq!(chapters(target, "wall").unwrap(), ["a", "c"], "chapters");
        assert!(chapters(target, "gpu").unwrap().is_empty(), "another instrument");
        let file = folder(target, "wall", "a/b/n1.json");
        assert_eq!(entries(&file).unwrap_err().0, file, "no folder");
        let said = said::<Note>(target, "wall", "a").unwrap();
        let said: Vec<_> = said.iter().map(|(_, n)| (&*n.id, &n.run.started[..10])).collect();
        assert_eq!(said, [("a/b/n1", "2026-01-02"), ("a/e/n1", "2026-01-03")], "of two runs");
        fs::write(folder(target, "wall", "a/b/n1.json"), "{").unwrap();
        assert!(super::said::<Note>(target, "wall", "a").unwrap_err().0.ends_with("b/n1.json"));
    }

    #[test]
    fn a_run_of_counts_forgets_the_files_of_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path();
        let run = Run::begin(machine::SOURCE.to_owned(), machine::wall());
        write(target, "instructions", "a/b/n1", &1).unwrap();
        let digests = Digests::from([("a/b/n1".to_owned(), u64::MAX)]);
        run.open(target, "instructions", "a", &digests).unwrap();
        assert_eq!(read_digests(target, "instructions", "a").unwrap(), digests, "digests");
        assert_eq!(Run::read(target, "instructions", "a").unwrap(), run, "round trip");
        assert!(said::<u32>(target, "instructions", "a").unwrap().is_empty(), "emptied");
        let file = folder(target, "instructions", "a").join(RUN);
        let earlier = Run { started: "2026-01-02T03:04:05Z".to_owned(), ..run.clone() };
        assert!(earlier.wrote(&file).unwrap(), "written after the start");
        let later = Run { started: "2999-01-01T00:00:00Z".to_owned(), ..run };
        assert!(!later.wrote(&file).unwrap(), "older than the start");
    }
}
