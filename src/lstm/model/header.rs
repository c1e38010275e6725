//! What is wrong with the header of a safetensors file, in the words of the format.

use safetensors::{Dtype, SafeTensorError};
use serde_json::Value;

use super::{Error, wrong};
use crate::file::{quote, shortened};

/// The key of the texts that are no tensors.
const METADATA: &str = "__metadata__";

/// The fault of a file that the parser refused.
pub(super) fn fault(file: &str, bytes: &[u8], source: &SafeTensorError) -> Error {
    let header = bytes.split_first_chunk().and_then(|(len, rest)| {
        let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
        serde_json::from_slice(rest.get(..len)?).ok()
    });
    let part = match source {
        SafeTensorError::InvalidHeaderDeserialization(_) => header.as_ref().and_then(misfit),
        _ => None,
    };
    match part {
        Some((what, found, expected)) => wrong(file, &what, found, expected.to_owned()),
        None => Error::Safetensors { file: file.to_owned(), why: said(source) },
    }
}

/// The name of the first part that is not as the format asks, what it is and what it should be.
fn misfit(header: &Value) -> Option<(String, String, &'static str)> {
    let Value::Object(entries) = header else {
        return Some(("header".to_owned(), shown(header), "tensors by name"));
    };
    entries.iter().find_map(|(name, entry)| {
        if name != METADATA {
            return field(entry).map(|(found, expected)| (name.clone(), found, expected));
        }
        match entry {
            Value::Null => None,
            Value::Object(texts) => {
                let (key, value) = texts.iter().find(|(_, value)| !value.is_string())?;
                Some((key.clone(), shown(value), "a text, as \"5\""))
            }
            other => Some((name.clone(), shown(other), "texts by name")),
        }
    })
}

/// The field of a tensor that is not as the format asks, and what it should be.
fn field(tensor: &Value) -> Option<(String, &'static str)> {
    type Fits<'a> = &'a dyn Fn(&Value) -> bool;
    let are_whole = |value: &Value, n: Option<usize>| {
        let all = value.as_array().filter(|all| n.is_none_or(|n| all.len() == n));
        all.is_some_and(|all| all.iter().all(Value::is_u64))
    };
    let is_dtype = |value: &Value| serde_json::from_value::<Dtype>(value.clone()).is_ok();
    let fields: [(_, Fits<'_>, _); 3] = [
        ("dtype", &is_dtype, "a type of safetensors, as F32"),
        ("shape", &|value| are_whole(value, None), "whole numbers"),
        ("data_offsets", &|value| are_whole(value, Some(2)), "two whole numbers"),
    ];
    fields.into_iter().find_map(|(name, fits, expected)| match tensor.get(name) {
        None => Some((format!("no {name}"), expected)),
        Some(value) if !fits(value) => Some((format!("{name} {}", shown(value)), expected)),
        Some(_) => None,
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => {
            let text = other.to_string();
            let (short, more) = shortened(&text);
            format!("{short}{more}")
        }
    }
}

/// The words of the parser, without those of its own language.
pub(super) fn said(source: &SafeTensorError) -> String {
    match source {
        SafeTensorError::InvalidHeader(_) => "its header is not UTF-8".to_owned(),
        SafeTensorError::InvalidHeaderDeserialization(fault)
        | SafeTensorError::JsonError(fault) => {
            if fault.is_syntax() || fault.is_eof() {
                format!("its header is no JSON at column {}", fault.column())
            } else {
                "its header is not that of safetensors".to_owned()
            }
        }
        SafeTensorError::ValidationOverflow => "a shape that no memory holds".to_owned(),
        other => other.to_string(),
    }
}
