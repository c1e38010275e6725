//! The package whose program runs now.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::environment::Toolchain;
use super::{Error, tail};
use crate::machine::metadata::{self, Metadata};
use crate::machine::package;

/// A package, and the workspace that it belongs to.
pub(super) struct Found {
    /// The folder of the package.
    pub(super) folder: PathBuf,
    /// The root of the workspace.
    pub(super) workspace: PathBuf,
}

/// The package that has the program: the one that cargo started it for, else one around the current
/// folder.
///
/// # Errors
///
/// If these are two.
pub(super) fn find(program: &str) -> Result<Found, Error> {
    let here = env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let around = within(&here, program);
    // Cargo sets it for what it runs, and other programs inherit it.
    let started = package::started()
        .and_then(|folder| fs::canonicalize(folder).ok())
        .and_then(|folder| within(&folder, program).ok());
    match (started, around) {
        (Some(started), Ok(around)) if started.workspace != around.workspace => {
            Err(Error::TwoPackages { started: started.workspace, here: around.workspace })
        }
        (Some(started), _) => Ok(started),
        (None, around) => around,
    }
}

/// The package that has the program, of the workspace around `folder`; that in `folder` first.
fn within(folder: &Path, program: &str) -> Result<Found, Error> {
    let metadata = Metadata::read(&mut Toolchain::Given.cargo(folder), &["--no-deps"]);
    let metadata = metadata.map_err(|why| match why {
        metadata::Error::NoCargo(source) => Error::NoCargo(source),
        metadata::Error::Refused(said) => Error::NoPackage { said: tail(said.as_bytes()) },
    })?;
    let found = metadata.packages.into_iter().filter(|of| of.has_program(program));
    let mut folders: Vec<PathBuf> = found.map(|of| of.folder().to_owned()).collect();
    folders.sort_by_key(|of| !folder.starts_with(of));
    match folders.into_iter().next() {
        Some(folder) => Ok(Found { folder, workspace: metadata.workspace_root }),
        None => Err(Error::NoProgram { program: program.to_owned() }),
    }
}

/// Requires that the repository holds the workspace.
pub(super) fn is_whole(found: &Found, top: &Path) -> Result<(), Error> {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if canonical(&found.workspace).starts_with(canonical(top)) {
        return Ok(());
    }
    Err(Error::Workspace { root: found.workspace.join("Cargo.toml") })
}
