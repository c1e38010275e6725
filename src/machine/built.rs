//! The sources that executables were built from: a note of their contents, made when they are
//! first started.
//!
//! Cargo takes a file for unchanged where its modification time is not newer than the last build,
//! which is not so of a file that was copied with its time, or of another checkout. So an
//! executable that stays the same while a source of it changes was not built from that source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

/// An executable as it was first seen.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    len_bytes: u64,
    modified: SystemTime,
    /// The digest of each source.
    sources: BTreeMap<PathBuf, String>,
}

/// Notes the sources of an executable under `target`, where it is a new one; of one that was noted,
/// returns a source that has changed since.
///
/// # Errors
///
/// Names the file that cannot be read or written.
pub(super) fn note(
    exe: &Path,
    target: &Path,
    sources: &[PathBuf],
) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |why| (path, why)
    };
    let found = fs::metadata(exe).and_then(|of| Ok((of.len(), of.modified()?)));
    let (len_bytes, modified) = found.map_err(at(exe))?;
    let folder = target.join("stepmark/built");
    let path = folder.join(super::digest(exe.as_os_str().as_encoded_bytes()) + ".json");
    let noted = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
    match noted {
        Some(noted) if (noted.len_bytes, noted.modified) == (len_bytes, modified) => {
            let of_another = !sources.iter().any(|path| noted.sources.contains_key(path));
            if let (true, false, Some(path)) =
                (of_another, noted.sources.is_empty(), sources.iter().find(|path| path.is_file()))
            {
                // Cargo took the executable of another checkout for one of this.
                return Ok(Some(path.clone()));
            }
            let mut noted = noted.sources.into_iter();
            Ok(noted.find(|(path, was)| content(path) != *was).map(|(path, _)| path))
        }
        _ => {
            let sources = sources.iter().filter(|path| path.is_file());
            let sources = sources.map(|path| (path.clone(), content(path))).collect();
            let text = serde_json::to_vec(&Note { len_bytes, modified, sources });
            let text = text.map_err(io::Error::other).map_err(at(&path))?;
            fs::create_dir_all(&folder).map_err(at(&folder))?;
            // Two processes of one executable write the same note.
            let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(at(&folder))?;
            io::Write::write_all(&mut file, &text).map_err(at(&path))?;
            file.persist(&path).map_err(|why| why.error).map_err(at(&path))?;
            Ok(None)
        }
    }
}

fn content(path: &Path) -> String {
    super::digest(&fs::read(path).unwrap_or_default())
}

/// The sources that are listed beside an executable: by cargo, of a program; by the compiler, of a
/// bench and of each of these libraries.
pub(super) fn sources(exe: &Path, libraries: &[String]) -> Vec<PathBuf> {
    let list = exe.with_extension("d");
    let own = listed(&fs::read_to_string(list).unwrap_or_default(), |_| true);
    let folder = exe.parent().unwrap_or(Path::new(""));
    let all = libraries.iter().flat_map(|name| read(folder, name));
    let mut all: Vec<PathBuf> = own.into_iter().chain(all).collect();
    all.sort();
    all.dedup();
    all
}

/// The files that the compiler read for a library, for whatever executables are in `folder`.
pub(super) fn read(folder: &Path, library: &str) -> Vec<PathBuf> {
    let deps = match (folder.ends_with("deps"), env::var_os("CARGO_BUILD_BUILD_DIR")) {
        (true, _) => folder.to_owned(),
        // Cargo keeps there what programs are made of, by profile.
        (false, Some(build)) => {
            Path::new(&build).join(folder.file_name().unwrap_or_default()).join("deps")
        }
        (false, None) => folder.join("deps"),
    };
    let head = format!("{library}-");
    let is_list = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&head) && name.ends_with(".d")
    };
    let is_library = |made: &str| {
        // A target that is only checked, tests included, has metadata alone.
        let ends = [".rlib", ".so", ".dylib"].iter().any(|end| made.ends_with(end));
        ends && made.rsplit('/').next().is_some_and(|name| name.starts_with("lib"))
    };
    let entries = fs::read_dir(deps).into_iter().flatten().flatten();
    let lists = entries.map(|entry| entry.path()).filter(|path| is_list(path));
    let texts = lists.map(|list| fs::read_to_string(list).unwrap_or_default());
    texts.flat_map(|text| listed(&text, is_library)).collect()
}

/// The files that something is made of, in the words of a makefile, if `takes` takes what is made.
pub(crate) fn listed(text: &str, takes: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for line in text.lines() {
        let Some((made, files)) = line.split_once(": ") else { continue };
        if !takes(made) {
            continue;
        }
        let mut name = String::new();
        let mut letters = files.trim().chars().chain([' ']);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next()),
                ' ' if name.is_empty() => {}
                ' ' => all.push(PathBuf::from(std::mem::take(&mut name))),
                letter => name.push(letter),
            }
        }
    }
    all
}

/// The option of `cargo clean` for the profile of an executable: its folder has that name.
pub(super) fn profile(exe: &Path) -> String {
    let mut folders = exe.ancestors().skip(1).filter_map(|folder| folder.file_name());
    let name = folders.find(|name| !["deps", "examples"].iter().any(|other| name == other));
    match name.unwrap_or_default().to_string_lossy() {
        name if name == "debug" => String::new(),
        name => format!(" --profile {name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_executable_that_stays_while_its_source_changes_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let (exe, source) = (dir.path().join("exe"), dir.path().join("main.rs"));
        let put = |path: &Path, text: &str, age: u64| {
            fs::write(path, text).unwrap();
            let old = SystemTime::now() - Duration::from_secs(age);
            fs::File::options().append(true).open(path).unwrap().set_modified(old).unwrap();
        };
        let note = || note(&exe, dir.path(), std::slice::from_ref(&source)).unwrap();
        put(&exe, "code", 50);
        put(&source, "one", 100);
        assert_eq!(note(), None, "first seen");
        put(&source, "two", 200);
        assert_eq!(note(), Some(source.clone()), "changed with an old time");
        assert_eq!(note(), Some(source.clone()), "and so it stays");
        put(&source, "one", 200);
        assert_eq!(note(), None, "changed back");
        put(&source, "two", 200);
        put(&exe, "code", 10);
        assert_eq!(note(), None, "built again, with the same code");
        let other = dir.path().join("other.rs");
        put(&other, "two", 200);
        let of_another = super::note(&exe, dir.path(), std::slice::from_ref(&other)).unwrap();
        assert_eq!(of_another, Some(other), "cargo starts it for another checkout");
    }

    #[test]
    fn names_of_files_may_hold_blanks() {
        let text = "/t/libx.rlib: /a/b\\ c.rs /a/d.rs\n/t/x.d: /a/e.rs\n\n/a/d.rs:\n";
        let libraries = listed(text, |made| made.ends_with(".rlib"));
        assert_eq!(libraries, ["/a/b c.rs", "/a/d.rs"].map(PathBuf::from), "two files");
        assert_eq!(listed(text, |_| true).len(), 3, "of all");
    }

    #[test]
    fn the_profile_is_that_of_the_folder() {
        for (exe, option) in [
            ("/t/debug/deps/wall-1", ""),
            ("/t/release/stepmark", " --profile release"),
            ("/t/x86_64/fast/deps/wall-1", " --profile fast"),
        ] {
            assert_eq!(profile(Path::new(exe)), option, "{exe}");
        }
    }
}
