//! The package that a command is about: where its baselines and its margins lie.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder of the package for which cargo started this, as it names it to what it runs.
pub(crate) fn started() -> Option<PathBuf> {
    env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

/// The folder of the package: the one that cargo started this for; else the innermost one around the
/// current folder; else the current folder.
fn folder() -> PathBuf {
    let around = || Some(around(&env::current_dir().ok()?)?.to_owned());
    started().or_else(around).unwrap_or_else(|| PathBuf::from("."))
}

/// Where a file of the package lies, in as few words as name it from the current folder.
pub fn file(inside: impl AsRef<Path>) -> PathBuf {
    file_of(&folder(), inside)
}

/// The same of the package in a folder.
pub(crate) fn file_of(folder: &Path, inside: impl AsRef<Path>) -> PathBuf {
    let is_here = matches!(
        (folder.canonicalize(), env::current_dir().and_then(|here| here.canonicalize())),
        (Ok(folder), Ok(here)) if folder == here
    );
    if is_here { inside.as_ref().to_owned() } else { folder.join(inside) }
}

/// The innermost folder that holds the manifest of a package, and not of a workspace alone.
fn around(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim_start().starts_with("[package]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_around_a_folder_is_no_mere_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("kernels/src/deep");
        fs::create_dir_all(&folder).unwrap();
        fs::write(dir.path().join("Cargo.toml"), "[workspace]\nmembers = [\"kernels\"]\n").unwrap();
        assert_eq!(around(&folder), None, "a workspace alone");
        let package = dir.path().join("kernels");
        fs::write(package.join("Cargo.toml"), "# Ours.\n[package]\nname = \"x\"\n").unwrap();
        assert_eq!(around(&folder), Some(package.as_path()), "from within");
        assert_eq!(around(&package), Some(package.as_path()), "from where it lies");
        assert_eq!(around(dir.path()), None, "outside");
    }
}
