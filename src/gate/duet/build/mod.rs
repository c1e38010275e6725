//! The two builds: a revision and the working tree, laid out in turn in one folder outside every
//! package, and built there by their own settings.
//!
//! Cargo takes a file for unchanged where its modification time is not newer than the last build.
//! Neither side leaves it that to decide: whatever may change is compiled each time, and an
//! executable is kept only under the name of all that it was made of.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

mod cargo;
mod compiler;
mod environment;
mod error;
mod package;
mod sources;
mod store;
mod tree;

use super::lock::Lock;
use crate::machine::git::snapshot::Snapshot;
use crate::machine::git::worktree::Repository;
use environment::Toolchain;
pub use error::Error;
use sources::Outside;
use store::Store;
use tree::Tree;

/// A package under version control, of which two builds are wanted.
#[derive(Debug)]
pub struct Checkout {
    repository: Repository,
    tree: Tree,
    store: Store,
    /// Both sides are built into this folder.
    build: PathBuf,
    /// The name of the executable.
    program: String,
    /// Features of both builds, as cargo takes them.
    features: String,
    /// Where no build reads it: settings of cargo above the checkout.
    unread: Vec<PathBuf>,
}

/// The executable of a revision, and which commit that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// The executable.
    pub exe: PathBuf,
    /// `main (0123456789ab)`
    pub name: String,
    /// Settings of cargo and names of toolchains that are others in the working tree, from the root.
    pub settings: Vec<PathBuf>,
}

/// The executable of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// The executable.
    pub exe: PathBuf,
    /// Whether the tree differs from its commit.
    pub dirty: bool,
}

/// The executables of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builds {
    /// That of the revision.
    pub old: Old,
    /// That of the working tree.
    pub new: New,
    /// Sources of both that no commit holds, and files that neither has.
    pub notes: Vec<String>,
}

/// The state of one side, and the name of its executable in the store.
struct Side {
    snapshot: Snapshot,
    /// In words: `main (0123456789ab)`.
    name: String,
    /// Lock files of the checkout that it lacks, from the root.
    lent: Vec<PathBuf>,
    key: store::Key,
}

/// An untracked file of this size or more is worth a word.
const LARGE_LEN_BYTES: u64 = 64 << 20;

impl Checkout {
    /// The package that this executable was built from, as cargo says it or as found from the
    /// current folder; builds go under the folder `target`, with these features besides those that
    /// the manifest names for pairs, else those by default.
    ///
    /// # Errors
    ///
    /// If there is no such package, no repository around it, or no folder for its sources.
    pub fn find(target: &Path, features: &str) -> Result<Self, Error> {
        let io = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Io { path, source }
        };
        let program = env::current_exe().map_err(io(Path::new("this executable")))?;
        let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let found = package::find(&program)?;
        let repository = Repository::of(&found.folder)?;
        package::is_whole(&found, repository.top())?;
        let tree = Tree::open(&repository)?;
        let duet = target.join("stepmark/duet");
        fs::create_dir_all(&duet).map_err(io(&duet))?;
        // Git and cargo run in other folders.
        let duet = duet.canonicalize().map_err(io(&duet))?;
        let unread = tree::settings_above(repository.top());
        let (store, build) = (Store::open(&duet.join("exe"))?, duet.join("build"));
        let features = features.to_owned();
        Ok(Self { repository, tree, store, build, program, features, unread })
    }

    /// The repository around the package.
    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Builds a commit, which `revision` led to and which is told by `name`, and the working tree;
    /// `watch` is told what goes on.
    ///
    /// # Errors
    ///
    /// If one of the two does not build, or what was built is not what was meant.
    pub fn builds(
        &self,
        revision: &str,
        commit: &str,
        name: &str,
        watch: &mut dyn FnMut(&str),
    ) -> Result<Builds, Error> {
        let _lock = self.tree.lock(watch)?;
        for (path, len) in self.repository.large_untracked(LARGE_LEN_BYTES)? {
            let (path, mib) = (path.display(), len >> 20);
            watch(&format!("copies {path} ({mib} MiB), which is neither committed nor ignored"));
        }
        let new = Snapshot::of_working_tree(&self.repository, &self.tree.scratch())?;
        let dirty = new.is_dirty;
        let mut old = Snapshot::of_commit(&self.repository, commit)?;
        old.nested.clone_from(&new.nested);
        let checkout = self.tree.checkout();
        let is_named = self.tree.names_toolchain(&old)? || self.tree.names_toolchain(&new)?;
        let toolchain = Toolchain::of(&checkout, is_named)?;
        let identity = environment::identity(&checkout, self.tree.home(), toolchain)?;
        let settings = new.others(&old, &self.tree.settings())?;
        let mut notes = self.tree.ignored([&old, &new])?;
        notes.extend(new.nested.iter().map(|path| tree::left_out(path)));
        let old = self.side(old, name, &identity)?;
        let new = self.side(new, "the working tree", &identity)?;
        if self.store.find(&old.key).is_none() && self.store.find(&new.key).is_none() {
            watch(&format!(
                "builds {revision} and then the working tree in {}; the first time with all \
                 dependencies, which may take minutes",
                self.build.display()
            ));
        }
        let (old_exe, outside) = self.executable(&old, toolchain, watch)?;
        notes.extend(outside);
        let (new_exe, outside) = self.executable(&new, toolchain, watch)?;
        notes.extend(outside);
        notes.sort();
        notes.dedup();
        notes.extend(self.unread.iter().map(|path| {
            format!("{} lies outside the repository, so neither build reads it", path.display())
        }));
        self.store.tidy(&[&old.key, &new.key])?;
        let (old, new) =
            (Old { exe: old_exe, name: name.to_owned(), settings }, New { exe: new_exe, dirty });
        Ok(Builds { old, new, notes })
    }

    /// Names the executable of a state.
    fn side(&self, snapshot: Snapshot, name: &str, identity: &str) -> Result<Side, Error> {
        let lent = self.tree.lent(&snapshot)?;
        let mut parts = vec![
            format!("{} {} {}", self.tree.package().display(), self.program, self.features),
            identity.to_owned(),
        ];
        parts.extend(snapshot.ids());
        for path in &lent {
            let path = self.repository.top().join(path);
            let bytes = fs::read(&path).map_err(|source| Error::Io { path, source })?;
            parts.push(format!("lock {}", crate::machine::digest(&bytes)));
        }
        // Without a lock file, versions are those of the day.
        let is_locked = !lent.is_empty() || self.tree.has_lock(&snapshot)?;
        Ok(Side { snapshot, name: name.to_owned(), lent, key: store::Key::new(parts, is_locked) })
    }

    /// The executable of a side, and a note on each of its sources that lies elsewhere.
    fn executable(
        &self,
        side: &Side,
        toolchain: Toolchain,
        watch: &mut dyn FnMut(&str),
    ) -> Result<(PathBuf, Vec<String>), Error> {
        if let Some((exe, outside)) = self.store.find(&side.key) {
            return Ok((exe, outside.notes()));
        }
        watch(&format!("building {}", side.name));
        self.tree.put(&side.snapshot, &side.lent)?;
        let built =
            self.build(side, toolchain, watch).map_err(|error| self.explained(error, side))?;
        let outside = Outside::of(&built.sources, &self.places()?);
        let outside = outside.map_err(|error| error.of(&side.name))?;
        if let Some(path) = built.sources.iter().find(|path| sources::is_pointer(path)) {
            let path = self.tree.inside(path);
            return Err(Error::Pointer { what: side.name.clone(), path });
        }
        let exe = self.store.put(&side.key, &built, &outside)?;
        Ok((exe, outside.notes()))
    }

    fn build(
        &self,
        side: &Side,
        toolchain: Toolchain,
        watch: &mut dyn FnMut(&str),
    ) -> Result<cargo::Built, Error> {
        let package = self.tree.package();
        let broken = |said: String| Error::Broken { what: side.name.clone(), said };
        if !package.join("Cargo.toml").is_file() {
            return Err(broken("it has no such package".to_owned()));
        }
        let probe = self.tree.probe();
        let cargo = cargo::Cargo::new(&package, &self.build, &probe, toolchain);
        let packages = cargo.packages(&self.program, &self.places()?);
        let packages = packages.map_err(|error| error.of(&side.name))?;
        cargo.forget(&packages).map_err(|error| error.of(&side.name))?;
        let mut told = |text: String| watch(&format!("building {}: {text}", side.name));
        cargo
            .build(&self.program, &self.features, &packages, &mut told)
            .map_err(|error| error.of(&side.name))
    }

    /// Where a source is fine, and where it is none of this state.
    fn places(&self) -> Result<sources::Places, Error> {
        let canonical = |path: PathBuf| path.canonicalize().unwrap_or(path);
        let repository = self.repository.places()?.into_iter().map(canonical);
        let tree = canonical(self.tree.folder());
        let here = canonical(self.repository.top().to_owned());
        let repository = repository.chain([here]).filter(|place| *place != tree).collect();
        Ok(sources::Places {
            state: tree,
            fine: vec![canonical(self.build.clone()), canonical(tree::cargo_home())],
            repository,
        })
    }

    /// Adds to a complaint of the compiler what this knows of files that it lacks.
    fn explained(&self, error: Error, side: &Side) -> Error {
        match error {
            Error::Broken { what, said } => {
                let said = self.tree.missing(&said, &side.snapshot) + &said;
                Error::Broken { what, said }
            }
            other => other,
        }
    }
}

/// The end of a text.
fn tail(said: &[u8]) -> String {
    /// How much of a complaint is kept.
    const SAID_LEN_LINES: usize = 40;
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(SAID_LEN_LINES)..].join("\n")
}

/// An error of the system about a path.
fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    |source| Error::Io { path, source }
}

/// Takes the lock of the sources, and waits for it.
fn wait(path: &Path, watch: &mut dyn FnMut(&str)) -> Result<Lock, Error> {
    Lock::wait(path, watch).map_err(at(path))
}
