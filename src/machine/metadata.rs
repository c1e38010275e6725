//! The packages of a workspace, as `cargo metadata` describes them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Why they are unknown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no cargo.
    #[error("cargo does not start")]
    NoCargo(#[source] io::Error),
    /// Cargo describes no workspace.
    #[error("`cargo metadata` fails: {0}")]
    Refused(String),
}

/// A workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) workspace_root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// A package of a workspace, or one that it depends on.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    /// Where it was fetched from; the lock file says which one that is.
    pub(crate) source: Option<String>,
    pub(crate) targets: Vec<Target>,
    pub(crate) metadata: Option<Settings>,
}

/// `[package.metadata]` of a manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Settings {
    stepmark: Option<Stepmark>,
}

/// What a manifest says to this program.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Stepmark {
    paired_features: Option<Vec<String>>,
}

/// A library, a program or another target of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    /// Runs `cargo metadata` with its other options, in the folder that `cargo` names.
    pub(crate) fn read(cargo: &mut Command, options: &[&str]) -> Result<Self, Error> {
        cargo.args(["metadata", "--format-version", "1"]).args(options);
        let out = cargo.output().map_err(Error::NoCargo)?;
        if !out.status.success() {
            return Err(Error::Refused(String::from_utf8_lossy(&out.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&out.stdout).map_err(|err| Error::Refused(err.to_string()))
    }
}

impl Package {
    /// The folder of its manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }

    /// Whether it has a program of this name.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        let mut targets = self.targets.iter();
        targets.any(|target| target.name == name && target.kind.iter().any(|kind| kind == "bin"))
    }

    /// The features of builds that are only timed, where the manifest names them.
    pub(crate) fn paired_features(&self) -> Option<&[String]> {
        self.metadata.as_ref()?.stepmark.as_ref()?.paired_features.as_deref()
    }
}
