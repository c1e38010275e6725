//! The names of the files of a pipeline, and the runs that a folder has.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

pub(super) const CONFIG: &str = "config_used.yaml";
pub(super) const SUMMARY: &str = "summary.json";
pub(super) const JOURNAL: &str = "pipeline.jsonl";

/// A kind of runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(super) enum Set {
    Train,
    Test,
}

impl Set {
    pub(super) const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// The name of its folder.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// The name of the densities of a run.
    pub(super) const fn density(self) -> &'static str {
        match self {
            Self::Train => "density.npz",
            Self::Test => "density_true.npz",
        }
    }

    /// The name of a run.
    pub(super) fn run(self, number: usize) -> String {
        format!("{}_{number:03}", self.name())
    }
}

/// A model of the pipeline.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub(super) enum Kind {
    #[serde(rename = "MVAR")]
    Mvar,
    #[serde(rename = "LSTM")]
    Lstm,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Mvar, Self::Lstm];

    /// Its name, which is that of its folder.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mvar => "MVAR",
            Self::Lstm => "LSTM",
        }
    }

    /// Its name in names of files.
    pub(super) const fn lower(self) -> &'static str {
        match self {
            Self::Mvar => "mvar",
            Self::Lstm => "lstm",
        }
    }

    /// The file of the model.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Mvar => "MVAR/mvar_model.npz",
            Self::Lstm => "LSTM/lstm_state_dict.pt",
        }
    }
}

/// A file as it was when it was written, by its name in the folder of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    name: String,
    len_bytes: u64,
}

/// The folder of a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    folder: PathBuf,
}

impl Tree {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A file of this name in the folder.
    pub(super) fn root(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.root(JOURNAL)
    }

    pub(super) fn common(&self, name: &str) -> PathBuf {
        self.folder.join("rom_common").join(name)
    }

    pub(super) fn set(&self, set: Set) -> PathBuf {
        self.folder.join(set.name())
    }

    /// The folder of a run.
    pub(super) fn run(&self, set: Set, number: usize) -> PathBuf {
        self.set(set).join(set.run(number))
    }

    /// The numbers of the runs whose densities are there, in order.
    pub(super) fn runs(&self, set: Set) -> Result<Vec<usize>, Error> {
        let folder = self.set(set);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::Io { path: folder, source }),
        };
        let start = format!("{}_", set.name());
        let number = |name: &str| name.strip_prefix(&start)?.parse::<usize>().ok();
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| Error::Io { path: folder.clone(), source })?;
            let found = entry.file_name().to_str().and_then(number);
            runs.extend(found.filter(|_| entry.path().join(set.density()).is_file()));
        }
        runs.sort_unstable();
        Ok(runs)
    }

    /// Requires that nobody's runs are there.
    pub(super) fn is_free(&self) -> Result<(), Error> {
        for found in ["train", "test", "rom_common", "MVAR", "LSTM", CONFIG, SUMMARY] {
            if self.root(found).exists() {
                return Err(Error::Foreign { folder: self.folder.clone(), found });
            }
        }
        Ok(())
    }

    /// The files of a folder below this one, as they are.
    pub(super) fn held(&self, paths: &[PathBuf]) -> Result<Vec<Held>, Error> {
        let held = |path: &PathBuf| {
            let about =
                fs::metadata(path).map_err(|source| Error::Io { path: path.clone(), source })?;
            let name = path.strip_prefix(&self.folder).unwrap_or(path).to_string_lossy();
            Ok(Held { name: name.replace('\\', "/"), len_bytes: about.len() })
        };
        paths.iter().map(held).collect()
    }

    /// The same files, as they are now.
    pub(super) fn anew(&self, files: &[Held]) -> Result<Vec<Held>, Error> {
        self.held(&Vec::from_iter(files.iter().map(|held| self.root(&held.name))))
    }

    /// The first file that is not as it was written, and how.
    pub(super) fn damage(&self, files: &[Held]) -> Option<String> {
        files.iter().find_map(|held| {
            let path = self.root(&held.name);
            let expected = held.len_bytes;
            match fs::metadata(&path) {
                Ok(about) if about.len() == expected => None,
                Ok(about) => Some(format!(
                    "{}: found {} bytes, expected {expected}",
                    path.display(),
                    about.len()
                )),
                Err(why) => Some(format!("{}: {why}", path.display())),
            }
        })
    }
}
