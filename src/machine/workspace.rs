//! The cargo workspace that this executable was built from: the digest of its sources, and the
//! folder that it is built into.
//!
//! A crate with kernels of its own uses this one as a library, so what is measured is known only
//! when it runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use super::TARGET;
use super::built;
use super::metadata::{self, Metadata, Package};
use super::package;
use super::source;

/// Why the sources at hand are unknown, or not those of this executable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Cargo did not start this executable.
    #[error(
        "cargo did not start this executable, which may be older than the sources; use \
         `cargo run --release --` or `cargo bench`"
    )]
    NotBuilt,
    /// There is no cargo.
    #[error("cargo does not start, so the sources are unknown")]
    NoCargo(#[source] io::Error),
    /// Cargo does not describe the workspace.
    #[error("`cargo metadata` fails, so the sources are unknown: {said}")]
    NoWorkspace {
        /// The complaint of cargo.
        said: String,
    },
    /// A source changed, and the executable did not.
    #[error(
        "this executable was built before {} changed, whose modification time cargo takes for old; \
         run `{clean}`, then this again", file.display()
    )]
    Stale {
        /// The source.
        file: PathBuf,
        /// The command that makes cargo build it.
        clean: String,
    },
    /// The note of what was built cannot be written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl Package {
    /// The first files of the targets that a bench executes a part of.
    fn targets(&self) -> Vec<PathBuf> {
        let other = |kind: &String| ["test", "example", "custom-build"].contains(&&**kind);
        let targets = self.targets.iter().filter(|target| !target.kind.iter().any(other));
        targets.map(|target| target.src_path.clone()).collect()
    }

    /// The library's name, as the compiler has it.
    fn library(&self) -> Option<String> {
        let other =
            |kind: &String| ["test", "example", "custom-build", "bin", "bench"].contains(&&**kind);
        let library = self.targets.iter().find(|target| !target.kind.iter().any(other));
        library.map(|library| library.name.replace('-', "_"))
    }
}

/// Digest of the sources that this executable was built from: if cargo started it, those at hand.
///
/// They are those of every package of the workspace, of those that they depend on by path, and the
/// lock file. Of each package count `src`, `benches`, `fixtures`, the manifest and the build script,
/// the folders of its library, programs and benches, and whatever else is compiled in. Of a
/// workspace that is one package, this is the digest of that package.
///
/// # Errors
///
/// If cargo did not start it, or cannot be asked; or if a source changed since the executable was
/// first started, and the executable did not.
pub fn built_from() -> Result<String, Error> {
    // Cargo sets it for what it runs, and builds that first.
    let package = &package::started().ok_or(Error::NotBuilt)?;
    let metadata = metadata(package)?;
    let exe = env::current_exe().map_err(|why| io_error(Path::new("this executable"), why))?;
    is_current(&exe, package, &metadata)?;
    Ok(digest(metadata, exe.parent()))
}

/// Digest of the sources of the package in a folder; see [`built_from`].
///
/// # Errors
///
/// If cargo cannot be asked.
pub fn sources_of(package: &Path) -> Result<String, Error> {
    metadata(package).map(|metadata| digest(metadata, None))
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}

fn metadata(package: &Path) -> Result<Metadata, Error> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(package);
    let options = ["--offline", "--filter-platform", TARGET];
    Metadata::read(&mut cargo, &options).map_err(|why| match why {
        metadata::Error::NoCargo(source) => Error::NoCargo(source),
        metadata::Error::Refused(said) => Error::NoWorkspace { said },
    })
}

/// Requires that no source changed since the executable was first started, unless it was built again.
fn is_current(exe: &Path, package: &Path, metadata: &Metadata) -> Result<(), Error> {
    let target = marked(exe).map_or_else(target, Path::to_owned);
    let libraries: Vec<String> = metadata.local().filter_map(Package::library).collect();
    let folders: Vec<&Path> = metadata.local().map(Package::folder).collect();
    let mut sources = built::sources(exe, &libraries);
    // Relative to the workspace, or to a package outside it.
    for source in &mut sources {
        let mut places = [metadata.workspace_root.as_path()].into_iter().chain(folders.clone());
        let found = places.find(|place| place.join(&*source).exists());
        *source = found.unwrap_or(package).join(&*source);
    }
    sources.retain(|source| folders.iter().any(|folder| source.starts_with(folder)));
    let stale = built::note(exe, &target, &sources);
    let Some(file) = stale.map_err(|(path, why)| io_error(&path, why))? else { return Ok(()) };
    let here = fs::canonicalize(package).unwrap_or_default();
    let name = metadata.local().find(|of| of.folder() == here).map_or("PACKAGE", |of| &of.name);
    Err(Error::Stale { file, clean: format!("cargo clean -p {name}{}", built::profile(exe)) })
}

impl Metadata {
    /// The packages that no registry and no commit tells.
    fn local(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_none())
    }
}

/// The digest of all packages; `beside` is the folder of an executable, beside which the compiler
/// lists what it read.
fn digest(mut metadata: Metadata, beside: Option<&Path>) -> String {
    metadata.packages.retain(|package| package.source.is_none());
    metadata.packages.sort_by(|a, b| a.name.cmp(&b.name));
    let root = metadata.workspace_root;
    let of = |package: &Package| {
        let folder = package.folder();
        let library = package.library();
        let read = beside.zip(library).map(|(beside, name)| built::read(beside, &name));
        let read = read
            .unwrap_or_default()
            .into_iter()
            .flat_map(|path| [&root, folder].map(|place| place.join(&path)));
        source::digest(folder, &package.targets(), &read.collect::<Vec<_>>())
    };
    let at_root = metadata.packages.iter().find(|package| package.folder() == root);
    let first = at_root.map_or_else(|| source::digest(&root, &[], &[]), of);
    let others = metadata.packages.iter().filter(|package| package.folder() != root);
    let digests: Vec<String> = [first].into_iter().chain(others.map(of)).collect();
    match &digests[..] {
        [only] => only.clone(),
        several => format!("{:016x}", crate::close::digest(several.concat().bytes())),
    }
}

/// The folder that cargo builds into, as `CARGO_TARGET_DIR` says; else the one that this
/// executable lies in; else `target`.
///
/// Cargo takes a relative folder from where it was started, which only the executable still tells.
pub fn target() -> PathBuf {
    let around = || env::current_exe().ok().and_then(|exe| built_into(&exe));
    match env::var_os("CARGO_TARGET_DIR").map(PathBuf::from) {
        Some(said) if said.is_absolute() => said,
        Some(said) => around().filter(|folder| folder.ends_with(&said)).unwrap_or(said),
        None => around().unwrap_or_else(|| PathBuf::from("target")),
    }
}

/// The innermost folder around an executable that is marked as cargo marks those it builds into.
fn marked(executable: &Path) -> Option<&Path> {
    executable.ancestors().skip(1).find(|folder| folder.join(source::BUILT).is_file())
}

/// The same, from the current folder, where it lies in that.
fn built_into(executable: &Path) -> Option<PathBuf> {
    let folder = marked(executable)?;
    let here = env::current_dir().ok();
    let inside = here.as_ref().and_then(|here| folder.strip_prefix(here).ok());
    Some(inside.unwrap_or(folder).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::metadata::Target;
    use super::*;
    use crate::machine;

    #[test]
    fn the_digest_of_one_package_is_that_which_was_compiled_in() {
        assert_eq!(built_from().unwrap(), machine::SOURCE, "this package");
    }

    #[test]
    fn a_change_in_any_package_on_disk_is_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let lib = |path: &str| Target {
            name: "kernels".to_owned(),
            kind: vec!["lib".to_owned()],
            src_path: dir.path().join(path),
        };
        let package = |name: &str, source: Option<&str>, targets: Vec<Target>| Package {
            id: String::new(),
            name: name.to_owned(),
            manifest_path: dir.path().join(name).join("Cargo.toml"),
            source: source.map(str::to_owned),
            targets,
            metadata: None,
        };
        let now = || {
            let a = package("a", None, vec![lib("a/kernels/lib.rs")]);
            let b = package("b", None, vec![lib("b/main.rs")]);
            let packages = vec![b, a, package("c", Some("git"), Vec::new())];
            let beside = dir.path().join("target/release");
            digest(Metadata { workspace_root: dir.path().to_owned(), packages }, Some(&beside))
        };
        for (path, counts) in [
            ("Cargo.lock", true),
            ("a/src/lib.rs", true),
            ("b/Cargo.toml", true),
            ("b/benches/wall.rs", true),
            ("c/src/lib.rs", false),
            ("a/README.md", false),
            ("a/src/README.md", false),
            ("a/src/plot.py", false),
            ("a/baselines/x.json", false),
            ("a/target/CACHEDIR.TAG", false),
            // Outside the usual folders: by the target, by a literal, by what the compiler read.
            ("a/kernels/fir.rs", true),
            ("b/main.rs", true),
            ("b/filter/mod.rs", true),
            ("b/gate.json", false),
            ("b/tests/it.rs", false),
            ("b/data/x", false),
            ("b/lib.rs", true),
            ("b/notes.md", false),
            ("b/by_macro", false),
        ] {
            let before = now();
            write(path, "x");
            assert_eq!(now() != before, counts, "{path} is new");
        }
        write("b/lib.rs", "include_str!(\"data/x\"); const _: &str = include_str!( \"notes.md\")");
        let list = "/t/libkernels-1.rlib: a/../b/lib.rs b/lib.rs b/by_macro\n";
        write("target/release/deps/kernels-1.d", list);
        for path in ["a/src/lib.rs", "b/data/x", "b/notes.md", "b/by_macro"] {
            let before = now();
            write(path, "y");
            assert_ne!(now(), before, "{path} is changed");
        }
    }

    #[test]
    fn bytes_that_move_from_one_source_to_the_next_are_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let of = |files: &[(&str, &str)]| {
            let src = dir.path().join("src");
            let _ = fs::remove_dir_all(&src);
            fs::create_dir(&src).unwrap();
            files.iter().for_each(|(name, text)| fs::write(src.join(name), text).unwrap());
            source::digest(dir.path(), &[], &[])
        };
        let two = of(&[("a", "1"), ("b", "2")]);
        assert_ne!(of(&[("a", "1src/b2")]), two, "a name in a file");
        assert_ne!(of(&[("a", ""), ("b", "12")]), two, "another length");
        assert_eq!(of(&[("a", "1"), ("b", "2")]), two, "back");
    }

    #[test]
    fn what_is_named_beside_the_package_counts_by_its_way_there() {
        let of = |at: &str| {
            let dir = tempfile::tempdir().unwrap();
            let at = dir.path().join(at);
            for (path, text) in [("p/src/lib.rs", "include!(\"../../x\");"), ("x", "1")] {
                let path = at.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let digest = source::digest(&at.join("p"), &[], &[]);
            fs::write(at.join("x"), "2").unwrap();
            assert_ne!(source::digest(&at.join("p"), &[], &[]), digest, "beside the package");
            digest
        };
        assert_eq!(of("a"), of("b/c"), "wherever the checkout lies");
    }

    #[test]
    fn what_was_built_lies_in_the_folder_that_cargo_marks() {
        let dir = tempfile::tempdir().unwrap();
        let (target, deps) = (dir.path().join("target"), dir.path().join("target/release/deps"));
        fs::create_dir_all(&deps).unwrap();
        assert_eq!(built_into(&deps.join("wall")), None, "no mark");
        fs::write(target.join(source::BUILT), "").unwrap();
        assert_eq!(built_into(&deps.join("wall")), Some(target), "a bench");
    }
}
