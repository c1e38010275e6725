//! The cargo workspace that this executable was built from: the digest of its sources, and the
//! folder that it is built into.
//!
//! A crate with kernels of its own uses this one as a library, so what is measured is known only
//! when it runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

use serde::Deserialize;

use super::TARGET;
use super::source;

/// Why the sources at hand are unknown.
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
        /// What cargo says.
        said: String,
    },
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    /// Where it was fetched from; the lock file says which one that is.
    source: Option<String>,
}

/// Digest of the sources that this executable was built from: if cargo started it, those at hand.
///
/// They are those of every package of the workspace, of those that they depend on by path, and the
/// lock file. Of each package count `src`, `benches`, `fixtures`, the manifest and the build script.
/// Of a workspace that is one package, this is the digest of that package.
///
/// # Errors
///
/// If cargo did not start it, or cannot be asked.
pub fn built_from() -> Result<String, Error> {
    // Cargo sets it for what it runs, and builds that first.
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or(Error::NotBuilt)?;
    let out = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", TARGET])
        .current_dir(package)
        .output()
        .map_err(Error::NoCargo)?;
    let unknown = |said: String| Error::NoWorkspace { said };
    if !out.status.success() {
        return Err(unknown(String::from_utf8_lossy(&out.stderr).trim().to_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&out.stdout).map_err(|err| unknown(err.to_string()))?;
    Ok(digest(metadata))
}

fn digest(Metadata { workspace_root, mut packages }: Metadata) -> String {
    packages.retain(|package| package.source.is_none());
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let folders = packages.iter().filter_map(|package| package.manifest_path.parent());
    let roots = [workspace_root.as_path()].into_iter();
    let roots = roots.chain(folders.filter(|folder| *folder != workspace_root));
    let digests: Vec<String> = roots.map(source::digest).collect();
    match &digests[..] {
        [only] => only.clone(),
        several => format!("{:016x}", crate::close::digest(several.concat().bytes())),
    }
}

/// The folder that cargo builds into, as `CARGO_TARGET_DIR` says; else the one that this
/// executable lies in; else `target`.
pub fn target() -> PathBuf {
    let said = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let around = || built_into(&env::current_exe().ok()?);
    said.or_else(around).unwrap_or_else(|| PathBuf::from("target"))
}

/// The innermost folder around an executable that is marked as cargo marks those it builds into;
/// from the current folder, where it lies in that.
fn built_into(executable: &Path) -> Option<PathBuf> {
    let mut folders = executable.ancestors().skip(1);
    let folder = folders.find(|folder| folder.join(source::BUILT).is_file())?;
    let here = env::current_dir().ok();
    let inside = here.as_ref().and_then(|here| folder.strip_prefix(here).ok());
    Some(inside.unwrap_or(folder).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        let package = |name: &str, source: Option<&str>| Package {
            name: name.to_owned(),
            manifest_path: dir.path().join(name).join("Cargo.toml"),
            source: source.map(str::to_owned),
        };
        let now = || {
            let packages = vec![package("b", None), package("a", None), package("c", Some("git"))];
            digest(Metadata { workspace_root: dir.path().to_owned(), packages })
        };
        for (path, counts) in [
            ("Cargo.lock", true),
            ("a/src/lib.rs", true),
            ("b/Cargo.toml", true),
            ("b/benches/wall.rs", true),
            ("c/src/lib.rs", false),
            ("a/README.md", false),
        ] {
            let before = now();
            write(path, "x");
            assert_eq!(now() != before, counts, "{path} is new");
        }
        let before = now();
        write("a/src/lib.rs", "y");
        assert_ne!(now(), before, "changed");
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
