//! The packages of a workspace, as `cargo metadata` describes them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

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
    /// `[package.metadata]`, as it is: that of other packages may be anything.
    pub(crate) metadata: Option<Value>,
}

/// What a manifest says to this program.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
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
    ///
    /// # Errors
    ///
    /// Says what `[package.metadata.stepmark]` is instead of that.
    pub(crate) fn paired_features(&self) -> Result<Option<Vec<String>>, serde_json::Error> {
        let said = self.metadata.as_ref().and_then(|all| all.get("stepmark"));
        said.map_or(Ok(None), |said| Ok(Stepmark::deserialize(said)?.paired_features))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_of_a_package_may_be_anything_but_what_it_says_to_this_program() {
        let features = |metadata: Value| {
            let package = json!({"id": "x", "name": "x", "manifest_path": "x", "source": null,
                                 "targets": [], "metadata": metadata});
            let package = Package::deserialize(package).unwrap();
            package.paired_features().map_err(|why| why.to_string())
        };
        let none: [Value; 5] = [
            json!(null),
            json!("x"),
            json!(["stepmark"]),
            json!({"docs": 1}),
            json!({"stepmark": {}}),
        ];
        for metadata in none {
            assert_eq!(features(metadata.clone()), Ok(None), "{metadata}");
        }
        let named = json!({"docs": "x", "stepmark": {"paired-features": ["a", "b"]}});
        assert_eq!(features(named), Ok(Some(vec!["a".to_owned(), "b".to_owned()])), "named");
        let why = features(json!({"stepmark": "x"})).unwrap_err();
        assert!(why.contains("string \"x\", expected a table"), "{why}");
        let why = features(json!({"stepmark": {"paired-features": "a"}})).unwrap_err();
        assert!(why.contains("string \"a\", expected a sequence"), "{why}");
    }
}
