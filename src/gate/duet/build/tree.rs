//! The folder in which both sides are laid out in turn: outside every package, a worktree of the
//! repository.
//!
//! One path for both gives equal bytes for equal sources, and nothing of the checkout around it has a
//! say in either build.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{Error, Lock, at, wait};
use crate::machine;
use crate::machine::git::snapshot::Snapshot;
use crate::machine::git::worktree::Repository;
use crate::machine::source::plain;

/// The folder, and the checkout that it belongs to.
#[derive(Debug)]
pub(super) struct Tree {
    repository: Repository,
    home: PathBuf,
}

impl Tree {
    /// Makes the folder of a checkout under `STEPMARK_CACHE`, or else under the user's cache.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or something above it would have a say in builds.
    pub(super) fn open(repository: &Repository) -> Result<Self, Error> {
        let top = repository.top();
        let name = machine::digest(top.as_os_str().as_encoded_bytes());
        let home = cache().join(name);
        let made = private(&home).and_then(|()| home.canonicalize());
        let home = made.map_err(|source| Error::NoCache { folder: home, source })?;
        if let Some(path) = above(&home, top) {
            return Err(Error::Above { path, folder: home });
        }
        let note = home.join(CHECKOUT);
        fs::write(&note, top.as_os_str().as_encoded_bytes()).map_err(at(&note))?;
        forget_gone(home.parent().unwrap_or(&home));
        Ok(Self { repository: repository.clone(), home })
    }

    /// The folder of all that belongs to the checkout.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Where cargo looks for settings and rustup for the name of a toolchain, from the root.
    pub(super) fn settings(&self) -> Vec<PathBuf> {
        let folders = self.repository.prefix().ancestors();
        folders.flat_map(|folder| SETTINGS.map(|name| folder.join(name))).collect()
    }

    /// Whether a file of a state names a toolchain.
    pub(super) fn names_toolchain(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        for path in self.settings().iter().filter(|path| !is_of_cargo(path)) {
            if snapshot.has(path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes on settings of cargo that the checkout has and neither state: git ignores them.
    pub(super) fn ignored(&self, states: [&Snapshot; 2]) -> Result<Vec<String>, Error> {
        let mut notes = Vec::new();
        for path in self.settings().into_iter().filter(|path| is_of_cargo(path)) {
            let is_here = self.repository.top().join(&path).is_file();
            if is_here && !states[0].has(&path)? && !states[1].has(&path)? {
                let path = path.display();
                notes.push(format!("{path} is ignored by git, so neither build reads it"));
            }
        }
        Ok(notes)
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> PathBuf {
        self.home.join("tree")
    }

    /// The package in it.
    pub(super) fn package(&self) -> PathBuf {
        self.folder().join(self.repository.prefix())
    }

    /// The package in the checkout.
    pub(super) fn checkout(&self) -> PathBuf {
        self.repository.top().join(self.repository.prefix())
    }

    /// A folder for what git writes.
    pub(super) fn scratch(&self) -> PathBuf {
        self.home.join("scratch")
    }

    /// A folder for a package that only shows which flags are in force.
    pub(super) fn probe(&self) -> PathBuf {
        self.home.join("probe")
    }

    /// Waits until no other run builds from this folder.
    pub(super) fn lock(&self, watch: &mut dyn FnMut(&str)) -> Result<Lock, Error> {
        wait(&self.home.join("lock"), watch)
    }

    /// Lays a state out, with the lock files that it is lent.
    pub(super) fn put(&self, snapshot: &Snapshot, lent: &[PathBuf]) -> Result<(), Error> {
        let folder = self.folder();
        self.repository.link(&folder, &snapshot.commit)?;
        snapshot.lay_out(&folder, &self.scratch())?;
        for path in lent {
            let to = folder.join(path);
            if to.parent().is_some_and(Path::is_dir) {
                fs::copy(self.repository.top().join(path), &to).map_err(at(&to))?;
            }
        }
        Ok(())
    }

    /// The lock files of the checkout that a state lacks, from the root: those that are not
    /// committed. Both builds are to have the same dependencies.
    pub(super) fn lent(&self, snapshot: &Snapshot) -> Result<Vec<PathBuf>, Error> {
        let mut lent = Vec::new();
        for path in self.locks() {
            if self.repository.top().join(&path).is_file() && !snapshot.has(&path)? {
                lent.push(path);
            }
        }
        Ok(lent)
    }

    /// Whether a state has a lock file of its own.
    pub(super) fn has_lock(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        for path in self.locks() {
            if snapshot.has(&path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the lock file of the package may lie: beside it, or in a folder around it.
    fn locks(&self) -> impl Iterator<Item = PathBuf> {
        self.repository.prefix().ancestors().map(|folder| folder.join("Cargo.lock"))
    }

    /// A file of the tree, from its root.
    pub(super) fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.folder()).unwrap_or(path).to_owned()
    }

    /// Lines on the files that a compiler complains of, which the checkout has and no state does;
    /// and on submodules that are not here.
    pub(super) fn missing(&self, said: &str, snapshot: &Snapshot) -> String {
        let mut lines = String::new();
        let mut seen = Vec::new();
        for word in said.split(['`', '"', '\'']) {
            for around in self.package().ancestors().take_while(|at| at.starts_with(&self.home)) {
                let path = plain(&around.join(word));
                let Ok(inside) = path.strip_prefix(self.folder()) else { continue };
                let is_here = self.repository.top().join(inside).is_file();
                if !is_here || path.exists() || seen.contains(&path) {
                    continue;
                }
                lines += &match snapshot.nested.iter().find(|nested| inside.starts_with(nested)) {
                    Some(nested) => left_out(nested) + "\n",
                    None => format!(
                        "{} is ignored by git, so neither side has it; commit it, or let a build \
                         script make it\n",
                        inside.display()
                    ),
                };
                seen.push(path);
            }
        }
        for path in &snapshot.absent {
            let path = path.display();
            lines += &format!(
                "the submodule {path} is not here; run `git submodule update --init {path}`\n"
            );
        }
        lines
    }
}

/// Says that a repository is in neither build.
pub(super) fn left_out(nested: &Path) -> String {
    let path = nested.display();
    format!(
        "{path} is a repository of its own and no submodule, so neither side has it; \
         `git submodule add` makes it one"
    )
}

/// Settings of cargo, and files by which rustup chooses a toolchain.
const SETTINGS: [&str; 4] =
    [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];

fn is_of_cargo(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(".cargo"))
}

/// Where the folder of a checkout says whose it is.
const CHECKOUT: &str = "checkout";

/// Removes the folders of checkouts that are gone, unless one is in use; a folder is known by its name,
/// the digest of what is noted in it.
fn forget_gone(cache: &Path) {
    for home in fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(noted) = fs::read_to_string(home.join(CHECKOUT)) else { continue };
        let is_ours = home.file_name().is_some_and(|of| *of == *machine::digest(noted.as_bytes()));
        if !is_ours || Path::new(&noted).exists() {
            continue;
        }
        if let Some(_lock) = Lock::free(&home.join("lock")) {
            // What cannot be removed now may be so later.
            let _ = fs::remove_dir_all(&home);
        }
    }
}

/// The folder of all checkouts' sources.
fn cache() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || Some(set("XDG_CACHE_HOME")?.join("stepmark"));
    let home = || set("HOME").unwrap_or_else(|| "/".into()).join(".cache/stepmark");
    let folder = set("STEPMARK_CACHE").or_else(own).unwrap_or_else(home);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The folder of cargo's own files, whose settings are those of the user.
pub(super) fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Makes a folder that only this user can look into, also where it was there.
fn private(folder: &Path) -> std::io::Result<()> {
    let mut make = fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder)?;
    #[cfg(unix)]
    {
        let own = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(folder, own)?;
    }
    // One that was there may be read-only.
    tempfile::tempfile_in(folder).map(drop)
}

/// What lies above the folder of the sources and would have a say in builds.
fn above(home: &Path, top: &Path) -> Option<PathBuf> {
    let top = top.canonicalize().ok()?;
    if home.starts_with(&top) {
        return Some(top);
    }
    home.ancestors().find_map(|folder| {
        let manifest = Some(folder.join("Cargo.toml")).filter(|path| path.is_file());
        manifest.into_iter().chain(settings(folder)).next()
    })
}

/// The settings in a folder, unless they are those of the user.
fn settings(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let own = folder.join(".cargo").canonicalize().ok();
    let is_users = own.is_some() && own == cargo_home().canonicalize().ok();
    let files = SETTINGS.map(|name| folder.join(name)).into_iter();
    files.filter(move |path| path.is_file() && !(is_users && is_of_cargo(path)))
}

/// The settings of cargo above a checkout, which no build of its revisions reads.
pub(super) fn settings_above(top: &Path) -> Vec<PathBuf> {
    top.ancestors().skip(1).flat_map(settings).filter(|path| is_of_cargo(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_without_what_leads_back() {
        assert_eq!(plain(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"), "dots");
    }

    #[test]
    fn the_folder_of_a_checkout_that_is_gone_goes_unless_it_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, here) = (dir.path().join("cache"), dir.path().join("here"));
        fs::create_dir(&here).unwrap();
        let put = |name: &str, noted: &str| {
            let home = cache.join(name);
            fs::create_dir_all(home.join("tree")).unwrap();
            fs::write(home.join(CHECKOUT), noted).unwrap();
            home
        };
        let of = |noted: &str| put(&machine::digest(noted.as_bytes()), noted);
        let (held, gone) = (of("/gone/held"), of("/gone/away"));
        let stay = [held.clone(), of(here.to_str().unwrap()), put("another", "/gone/away")];
        let none = cache.join("of-another-program");
        fs::create_dir(&none).unwrap();
        let lock = Lock::free(&held.join("lock")).unwrap();
        forget_gone(&cache);
        assert!(!gone.exists(), "nobody needs it");
        assert!(none.is_dir() && stay.iter().all(|home| home.is_dir()), "the others stay");
        drop(lock);
        forget_gone(&cache);
        assert!(!held.exists(), "no longer in use");
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_others_could_look_into_is_closed() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mode = || fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(mode(), 0o755, "open");
        private(dir.path()).unwrap();
        assert_eq!(mode(), 0o700, "closed");
    }

    #[test]
    fn what_lies_above_the_sources_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (home, top) = (root.join("a/b"), root.join("repository"));
        fs::create_dir_all(root.join("a/.cargo")).unwrap();
        fs::create_dir_all(&home).unwrap();
        fs::create_dir_all(&top).unwrap();
        assert_eq!(above(&home, &top), None, "nothing");
        for name in ["a/.cargo/config.toml", "a/.cargo/config", "a/rust-toolchain", "Cargo.toml"] {
            fs::write(root.join(name), "").unwrap();
            assert_eq!(above(&home, &top), Some(root.join(name)), "{name}");
            fs::remove_file(root.join(name)).unwrap();
        }
        assert_eq!(above(&top.join("b"), &top), Some(top.clone()), "within the checkout");
    }
}
