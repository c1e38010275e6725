//! Models as `torch.save` writes them: a zip archive of a pickle and of the storages it refers to.
//!
//! A file holds what wsindy-manifold saves, a dictionary of `state_dict`, `residual`, `lag`,
//! `normalize_input`, `input_mean` and `input_std`; or a state dictionary alone. It becomes a file of
//! safetensors with the same numbers, so that both are read by one reader.
//!
//! The numbers of a file take a few times its bytes at most: its storages are no longer than the file,
//! and no number is copied before it is known to be of one tensor alone. The values of the pickle take
//! some hundred times its bytes, of which few are accepted.
//!
//! Format: torch/serialization.py in `PyTorch`, since 1.6.

use std::collections::HashMap;

use super::header::said;
use super::{Error, wrong};
use archive::Archive;
use pickle::Value;

mod archive;
mod normalisation;
mod pickle;
mod tensors;
#[cfg(test)]
mod tests;
mod write;

pub use pickle::Refused;
pub(super) use write::to_bytes;

/// How an archive starts.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// What the dictionary says in one value each, and the metadata of safetensors by the same name.
const FACTS: [&str; 8] = [
    "d",
    "hidden_units",
    "num_layers",
    "lag",
    "residual",
    "use_layer_norm",
    "dropout",
    super::format::SECONDS,
];

/// The same model as a file of safetensors.
///
/// # Errors
///
/// If the file is damaged, or holds something else than a model.
pub(super) fn to_safetensors(file: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut archive = Archive::open(file, bytes)?;
    let pickle = archive.pickle()?;
    let (state, is_whole) = match pickle.find(pickle.root, "state_dict") {
        Some(state) => (state, true),
        None => (pickle.root, false),
    };
    let mut tensors = archive.tensors(&pickle, state)?;
    let mut metadata = HashMap::new();
    if is_whole {
        for fact in FACTS {
            if let Some(value) = pickle.item(pickle.root, fact) {
                metadata.insert(fact.to_owned(), text(file, fact, value)?);
            }
        }
        archive.normalisation(&pickle, &mut tensors)?;
    }
    let views = tensors.iter().map(|(name, tensor)| Ok((name, tensor.view()?)));
    let views = views.collect::<Result<Vec<_>, _>>();
    views
        .and_then(|views| safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)))
        .map_err(|source| Error::Safetensors { file: file.to_owned(), why: said(&source) })
}

/// A fact as metadata state it.
fn text(file: &str, fact: &str, value: &Value) -> Result<String, Error> {
    match value {
        Value::Bool(value) => Ok(value.to_string()),
        Value::Int(value) => Ok(value.to_string()),
        Value::Float(value) => Ok(value.to_string()),
        _ => Err(wrong(file, fact, "another value".to_owned(), "a number or a truth".to_owned())),
    }
}
