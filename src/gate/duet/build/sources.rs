//! Where the sources of an executable lie: in the state that was built, or elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::file::is_lfs_pointer;
use crate::machine;
use crate::machine::source::BUILT;

/// Folders, as the system spells them.
pub(super) struct Places {
    /// The sources of the state.
    pub(super) state: PathBuf,
    /// Folders of built files and of those that cargo fetched.
    pub(super) fine: Vec<PathBuf>,
    /// All working trees of the repository.
    pub(super) repository: Vec<PathBuf>,
}

impl Places {
    /// Whether a file belongs to the state.
    pub(super) fn is_inside(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| path.starts_with(&self.state))
    }

    /// Whether a file belongs to neither the state nor its repository.
    ///
    /// # Errors
    ///
    /// If it is of another state of the repository.
    pub(super) fn is_outside(&self, path: &Path) -> Result<bool, Error> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_in = |places: &[PathBuf]| places.iter().any(|place| path.starts_with(place));
        if path.starts_with(&self.state) || is_in(&self.fine) {
            return Ok(false);
        }
        if is_in(&self.repository) {
            return Err(Error::Elsewhere { what: String::new(), path });
        }
        Ok(true)
    }
}

/// Sources outside the repository, by the folder of their package: the digest of all of them.
///
/// Both sides read the same ones, and no commit says which these were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outside(BTreeMap<PathBuf, Files>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Files {
    digest: String,
    files: Vec<PathBuf>,
}

impl Outside {
    /// Those among the sources of an executable.
    ///
    /// # Errors
    ///
    /// If one is of another state of the repository.
    pub(super) fn of(sources: &[PathBuf], places: &Places) -> Result<Self, Error> {
        let mut all = BTreeMap::<PathBuf, Files>::new();
        for path in sources {
            if places.is_outside(path)? {
                let mut around = path.ancestors();
                let package = around.find(|folder| folder.join("Cargo.toml").is_file());
                let folder = package.unwrap_or(path);
                all.entry(folder.to_owned()).or_default().files.push(path.clone());
            }
        }
        for of in all.values_mut() {
            of.digest = digest(&of.files);
        }
        Ok(Self(all))
    }

    /// Whether they are as they were.
    pub(super) fn is_current(&self) -> bool {
        self.0.values().all(|of| digest(&of.files) == of.digest)
    }

    /// A note on each folder.
    pub(super) fn notes(&self) -> Vec<String> {
        let note = |(folder, of): (&PathBuf, &Files)| {
            let (folder, digest) = (folder.display(), &of.digest);
            format!(
                "{folder} lies outside the repository: the same for both builds, digest {digest}"
            )
        };
        self.0.iter().map(note).collect()
    }
}

/// Digest of files and of what folders hold, by name.
fn digest(files: &[PathBuf]) -> String {
    machine::digest(files.iter().map(|path| content(path)).collect::<String>().as_bytes())
}

/// A line on each file of a folder, or on the one that it is; none on what cargo builds there.
fn content(path: &Path) -> String {
    let Ok(entries) = fs::read_dir(path) else {
        let content = fs::read(path).map(|bytes| machine::digest(&bytes));
        return format!("{} {}\n", path.display(), content.as_deref().unwrap_or("gone"));
    };
    if path.join(BUILT).exists() {
        return String::new();
    }
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| content(path)).collect()
}

/// Whether a file is what Git LFS leaves where it did not fetch the file itself.
pub(super) fn is_pointer(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(200).read_to_end(&mut start));
    read.is_ok() && is_lfs_pointer(&start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_or_a_name_that_moves_is_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let files = ["a", "b"].map(|name| dir.path().join(name));
        let of_both = |a: &str, b: &str| {
            put("a", a);
            put("b", b);
            (digest(&files), digest(&[dir.path().to_owned()]))
        };
        let first = of_both("1", "2");
        let other = of_both("12", "");
        assert!(first.0 != other.0 && first.1 != other.1, "from one file to the next");
        let before = of_both("1", "");
        fs::rename(&files[1], dir.path().join("c")).unwrap();
        assert_ne!(digest(&[dir.path().to_owned()]), before.1, "another name");
        assert_ne!(digest(&files), before.0, "an empty file is there");
        let built = dir.path().join("target");
        let before = digest(&[dir.path().to_owned()]);
        fs::create_dir(&built).unwrap();
        fs::write(built.join(BUILT), "").unwrap();
        assert_eq!(digest(&[dir.path().to_owned()]), before, "what is built there");
    }

    #[test]
    fn a_file_of_the_repository_outside_the_state_is_none_of_its_sources() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["tree/src", "repository/src", "other/src"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("lib.rs"), "x").unwrap();
        }
        fs::write(root.join("other/Cargo.toml"), "").unwrap();
        let (state, repository) = (root.join("tree"), vec![root.join("repository")]);
        let places = Places { state, fine: Vec::new(), repository };
        let of = |folder: &str| Outside::of(&[root.join(folder).join("src/lib.rs")], &places);
        assert!(of("tree").unwrap().notes().is_empty(), "in the state");
        assert!(matches!(of("repository"), Err(Error::Elsewhere { .. })), "in the repository");
        let outside = of("other").unwrap();
        assert!(outside.notes()[0].contains("other lies outside"), "{outside:?}");
        assert!(outside.is_current(), "unchanged");
        fs::write(root.join("other/src/lib.rs"), "y").unwrap();
        assert!(!outside.is_current(), "changed");
        #[cfg(unix)]
        {
            let link = root.join("tree/src/link.rs");
            std::os::unix::fs::symlink(root.join("repository/src/lib.rs"), &link).unwrap();
            assert!(matches!(Outside::of(&[link], &places), Err(Error::Elsewhere { .. })), "link");
        }
    }
}
