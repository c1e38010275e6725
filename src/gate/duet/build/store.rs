//! Executables by all that they were made of: a state that was built once needs no checkout and no
//! cargo again.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::cargo::Built;
use super::compiler::Compiler;
use super::sources::Outside;
use super::{Error, at};
use crate::machine;

/// How many executables are kept.
const KEPT: usize = 8;

/// How long one is kept that nobody uses.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The name of an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    parts: Vec<String>,
    /// Whether the same parts give the same executable on another day.
    is_fixed: bool,
}

impl Key {
    /// The name of what is made of these parts.
    pub(super) fn new(parts: Vec<String>, is_fixed: bool) -> Self {
        Self { parts, is_fixed }
    }

    fn name(&self) -> String {
        machine::digest(self.parts.join("\n").as_bytes())
    }
}

/// The note beside an executable.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    parts: Vec<String>,
    outside: Outside,
    compiler: Compiler,
    /// Digest of the executable: one that was cut short is none.
    digest: String,
}

/// A folder of executables.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    /// Makes the folder.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        Ok(Self(folder.to_owned()))
    }

    fn note(exe: &Path) -> PathBuf {
        exe.with_extension("json")
    }

    /// The executable of a name, and its sources outside the repository; none where these changed, or
    /// the compiler did.
    pub(super) fn find(&self, key: &Key) -> Option<(PathBuf, Outside)> {
        let exe = self.0.join(key.name());
        let note: Note = serde_json::from_slice(&fs::read(Self::note(&exe)).ok()?).ok()?;
        let is_whole = || fs::read(&exe).is_ok_and(|bytes| machine::digest(&bytes) == note.digest);
        let is_it = key.is_fixed && note.parts == key.parts && note.outside.is_current();
        if !is_it || !is_whole() || !note.compiler.is_current() {
            return None;
        }
        // The time of the note is that of the last use.
        let used = fs::File::options().append(true).open(Self::note(&exe));
        let _ = used.and_then(|note| note.set_modified(SystemTime::now()));
        Some((exe, note.outside))
    }

    /// Keeps a copy of an executable.
    pub(super) fn put(
        &self,
        key: &Key,
        built: &Built,
        outside: &Outside,
    ) -> Result<PathBuf, Error> {
        let exe = self.0.join(key.name());
        let new = exe.with_extension("new");
        fs::copy(&built.exe, &new).map_err(at(&new))?;
        let digest = machine::digest(&fs::read(&new).map_err(at(&new))?);
        let (parts, compiler) = (key.parts.clone(), built.compiler.clone());
        let note = Note { parts, outside: outside.clone(), compiler, digest };
        let text = serde_json::to_string(&note).map_err(|err| at(&new)(io::Error::other(err)))?;
        fs::rename(&new, &exe).map_err(at(&exe))?;
        fs::write(Self::note(&exe), text).map_err(at(&exe))?;
        Ok(exe)
    }

    /// Drops what was unused for long, and the oldest beyond so many; never those in use.
    pub(super) fn tidy(&self, used: &[&Key]) -> Result<(), Error> {
        let used: Vec<String> = used.iter().map(|key| key.name()).collect();
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(at(&self.0))? {
            let path = entry.map_err(at(&self.0))?.path();
            let modified = fs::metadata(&path).and_then(|of| of.modified());
            let is_used =
                used.iter().any(|name| path.file_stem().is_some_and(|stem| stem == &**name));
            if path.extension().is_some_and(|end| end == "json") && !is_used {
                all.push((modified.unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
        }
        all.sort();
        let now = SystemTime::now();
        let beyond = (all.len() + used.len()).saturating_sub(KEPT);
        for (k, (modified, note)) in all.into_iter().enumerate() {
            if k < beyond || now.duration_since(modified).is_ok_and(|age| age > UNUSED) {
                let _ = fs::remove_file(note.with_extension(""));
                fs::remove_file(&note).map_err(at(&note))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(vec![name.to_owned()], true)
    }

    /// An empty store, and an executable to put there.
    fn store(dir: &tempfile::TempDir) -> (Store, Built) {
        let exe = dir.path().join("built");
        fs::write(&exe, "code").unwrap();
        let built = Built { exe, sources: Vec::new(), compiler: Compiler::default() };
        (Store::open(&dir.path().join("exe")).unwrap(), built)
    }

    #[test]
    fn an_executable_is_found_by_all_that_it_was_made_of() {
        let dir = tempfile::tempdir().unwrap();
        let (store, from) = store(&dir);
        assert!(store.find(&key("a")).is_none(), "nothing is there");
        let exe = store.put(&key("a"), &from, &Outside::default()).unwrap();
        assert_eq!(store.find(&key("a")).unwrap().0, exe, "the same");
        assert!(store.find(&key("b")).is_none(), "another one");
        let unlocked = Key::new(vec!["a".to_owned()], false);
        assert!(store.find(&unlocked).is_none(), "another day may have other dependencies");
        fs::write(&exe, "cod").unwrap();
        assert!(store.find(&key("a")).is_none(), "cut short");
    }

    #[test]
    fn the_oldest_go_and_those_in_use_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (store, from) = store(&dir);
        let names: Vec<String> = (0..10).map(|k| k.to_string()).collect();
        for (k, name) in names.iter().enumerate() {
            let exe = store.put(&key(name), &from, &Outside::default()).unwrap();
            let note = fs::File::options().append(true).open(Store::note(&exe)).unwrap();
            let days = if k == 9 { 31 } else { 10 - k as u64 };
            note.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 3600)).unwrap();
        }
        store.tidy(&[&key("0"), &key("9")]).unwrap();
        let there = |name: &&String| store.0.join(key(name).name()).exists();
        let left: Vec<&String> = names.iter().filter(there).collect();
        assert_eq!(left, ["0", "3", "4", "5", "6", "7", "8", "9"], "two are older than the rest");
        store.tidy(&[]).unwrap();
        assert!(!there(&&names[9]), "unused for 31 days");
        assert!(there(&&names[0]), "for 10");
    }
}
