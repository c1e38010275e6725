//! A model with its name, read from a file.

use std::path::{Path, PathBuf};

use super::Error;
use crate::lstm::model::Options;
use crate::rom::forecast::Model;
use crate::{lstm, mvar};

/// Losses of a training, beside the network.
pub(super) const LOG: &str = "training_log.csv";

/// A model and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name in files: the kind, and the stem of the file where there are several of a kind.
    pub name: String,
    /// The file.
    pub source: String,
    /// The model.
    pub model: Model,
    /// Seconds of its training, if the file tells.
    pub training_seconds: Option<f64>,
    /// The losses of its training, `training_log.csv`, if there are any.
    pub log: Option<PathBuf>,
}

/// A name that no other model has.
pub(super) fn named(kind: &str, file: &Path, of_kind: usize, others: &[Named]) -> String {
    if of_kind == 1 {
        return kind.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut names = (1..).map(|nth| match nth {
        1 => format!("{kind}-{stem}"),
        nth => format!("{kind}-{stem}-{nth}"),
    });
    let is_free = |name: &String| others.iter().all(|other| other.name != *name);
    names.find(is_free).expect("numbers do not run out")
}

pub(super) fn load(
    kind: &str,
    name: String,
    file: &Path,
    stated: &Options,
    warnings: &mut Vec<String>,
) -> Result<Named, Error> {
    let source = file.display().to_string();
    if kind == "MVAR" {
        let loaded = mvar::Model::load(file)?;
        warnings.extend(loaded.warnings.iter().map(|flaw| format!("{source}: {flaw}")));
        let training_seconds = loaded.training_seconds;
        return Ok(Named {
            name,
            source,
            model: Model::Mvar(loaded.model),
            training_seconds,
            log: None,
        });
    }
    let model = lstm::Model::load(file, stated)?;
    let training_seconds = model.training().map(|training| training.time.as_secs_f64());
    let log = Some(file.with_file_name(LOG)).filter(|log| log.is_file());
    Ok(Named { name, source, model: Model::Lstm(Box::new(model)), training_seconds, log })
}

pub(super) fn same_components(models: &[Named]) -> Result<(), Error> {
    let d = |named: &Named| named.model.window().1;
    match models.iter().find(|named| d(named) != d(&models[0])) {
        None => Ok(()),
        Some(other) => Err(Error::Components {
            file: other.source.clone(),
            found: d(other),
            first: models[0].source.clone(),
            expected: d(&models[0]),
        }),
    }
}

/// The longest window of all models.
pub(super) fn longest(models: &[Named]) -> usize {
    models.iter().map(|named| named.model.window().0).max().unwrap_or_default()
}
