//! Models as `torch.save` writes them: a zip archive of a pickle and of the storages it refers to.
//!
//! A file holds what wsindy-manifold saves, a dictionary of `state_dict`, `residual`, `lag`,
//! `normalize_input`, `input_mean` and `input_std`; or a state dictionary alone. It becomes a file of
//! safetensors with the same numbers, so that both are read by one reader.
//!
//! Format: torch/serialization.py in `PyTorch`, since 1.6.

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read as _};

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use zip::{CompressionMethod, ZipArchive};

use super::{Error, wrong};
use pickle::{Id, Number, Pickle, Value};

mod pickle;
#[cfg(test)]
mod tests;
mod write;

pub use pickle::Refused;
pub(super) use write::to_bytes;

/// How an archive starts.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// The longest pickle accepted; that of four layers has 2 kB.
const MAX_PICKLE_BYTES: u64 = 1 << 20;

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

/// Numbers with their type and shape.
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

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
        if pickle.item(pickle.root, "normalize_input").is_some_and(is_true) {
            for name in ["input_mean", "input_std"] {
                tensors.insert(name.to_owned(), archive.numbers(&pickle, name)?);
            }
        }
    }
    let views = tensors.iter().map(|(name, Tensor { dtype, shape, bytes })| {
        Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?))
    });
    let views = views.collect::<Result<Vec<_>, _>>();
    views
        .and_then(|views| safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)))
        .map_err(|source| Error::Safetensors { file: file.to_owned(), source })
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
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

/// An archive of torch in memory.
struct Archive<'a> {
    file: &'a str,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that all entries lie in.
    root: String,
    storages: BTreeMap<String, Vec<u8>>,
    /// Bytes of storages that may still be read: no more than the file has.
    left: u64,
}

/// Numbers of a storage that a tensor has: from the first to the last.
struct Taken<'a> {
    storage: &'a str,
    first: usize,
    last: usize,
    by: &'a str,
}

impl<'a> Archive<'a> {
    fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|source| Error::Zip { file: file.to_owned(), source })?;
        let roots: Vec<_> =
            zip.file_names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
        let [root] = roots[..] else {
            let found = if roots.is_empty() { "none" } else { "several" };
            return Err(wrong(
                file,
                "data.pkl",
                found.to_owned(),
                "one, as by torch.save".to_owned(),
            ));
        };
        let (root, left) = (root.to_owned(), bytes.len() as u64);
        Ok(Self { file, zip, root, storages: BTreeMap::new(), left })
    }

    /// The bytes of an entry of at most `most`; none where there is no such entry.
    fn entry(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let file = self.file;
        let Some(index) = self.zip.index_for_name(&format!("{}/{name}", self.root)) else {
            return Ok(None);
        };
        let zip = |source| Error::Zip { file: file.to_owned(), source };
        let entry = self.zip.by_index(index).map_err(zip)?;
        let len = entry.size();
        if entry.compression() != CompressionMethod::Stored || len > most {
            let found = format!("{len} bytes, {}", entry.compression());
            let expected = format!("at most {most}, not compressed");
            return Err(wrong(file, name, found, expected));
        }
        let mut bytes = Vec::new();
        let read = entry.take(most).read_to_end(&mut bytes);
        read.map_err(|source| Error::Io { file: file.to_owned(), source })?;
        Ok(Some(bytes))
    }

    fn pickle(&mut self) -> Result<Pickle, Error> {
        if let Some(order) = self.entry("byteorder", 16)?
            && order != b"little"
        {
            let found = String::from_utf8_lossy(&order).into_owned();
            return Err(wrong(self.file, "byteorder", found, "little".to_owned()));
        }
        let bytes = self.entry("data.pkl", MAX_PICKLE_BYTES)?.unwrap_or_default();
        pickle::read(&bytes).map_err(|source| Error::Pickle { file: self.file.to_owned(), source })
    }

    /// The tensors of a state dictionary.
    fn tensors(&mut self, pickle: &Pickle, state: Id) -> Result<BTreeMap<String, Tensor>, Error> {
        let Value::Dict(items) = pickle.get(state) else {
            let expected = "a dictionary of tensors".to_owned();
            return Err(wrong(self.file, "state_dict", "another value".to_owned(), expected));
        };
        let mut tensors = BTreeMap::new();
        let mut taken = Vec::new();
        for (key, value) in items {
            let Some(name) = pickle.text(*key) else {
                let found = "a key that is no text".to_owned();
                return Err(wrong(self.file, "state_dict", found, "names of tensors".to_owned()));
            };
            let (tensor, range) = self.tensor(pickle, name, pickle.get(*value))?;
            taken.extend(range);
            if tensors.insert(name.to_owned(), tensor).is_some() {
                return Err(wrong(self.file, name, "two of them".to_owned(), "one".to_owned()));
            }
        }
        taken.sort_by_key(|range| (range.storage, range.first));
        for pair in taken.windows(2) {
            if pair[0].storage == pair[1].storage && pair[1].first <= pair[0].last {
                let found = format!("numbers that are also of `{}`", pair[0].by);
                return Err(wrong(self.file, pair[1].by, found, "its own".to_owned()));
            }
        }
        Ok(tensors)
    }

    /// A tensor in rows, and which numbers it took.
    fn tensor<'p>(
        &mut self,
        pickle: &'p Pickle,
        name: &'p str,
        value: &Value,
    ) -> Result<(Tensor, Option<Taken<'p>>), Error> {
        let file = self.file;
        let wrong =
            |found: String, expected: &str| Err(wrong(file, name, found, expected.to_owned()));
        let Value::Tensor { storage, offset, shape, strides } = value else {
            return wrong("another value".to_owned(), "a tensor");
        };
        let Value::Storage { numbers, key, len } = pickle.get(*storage) else {
            return wrong("no storage".to_owned(), "one");
        };
        let key = pickle.text(*key).unwrap_or_default();
        let (dtype, width) = numbers.dtype();
        let Some(bytes) = self.storage(key)? else {
            return wrong(format!("no entry `data/{key}`"), "one for each storage");
        };
        if len.checked_mul(width) != Some(bytes.len()) {
            let found = format!("{} bytes in `data/{key}`", bytes.len());
            return wrong(found, &format!("{len} numbers of {width} bytes"));
        }
        if shape.contains(&0) {
            return Ok((Tensor { dtype, shape: shape.clone(), bytes: Vec::new() }, None));
        }
        let Some(last) = last(*offset, shape, strides) else {
            let found = format!("shape {shape:?} by strides {strides:?}");
            return wrong(found, "numbers that do not overlap");
        };
        if last >= *len {
            return wrong(format!("number {last} of its storage"), &format!("one of {len}"));
        }
        let mut rows = Vec::new();
        let mut index = vec![0; shape.len()];
        let mut at = *offset;
        loop {
            rows.extend_from_slice(&bytes[at * width..][..width]);
            // The next index, the last axis first.
            let Some(axis) = (0..shape.len()).rev().find(|&axis| index[axis] + 1 < shape[axis])
            else {
                break;
            };
            for later in axis + 1..shape.len() {
                at -= index[later] * strides[later];
                index[later] = 0;
            }
            index[axis] += 1;
            at += strides[axis];
        }
        let taken = Taken { storage: key, first: *offset, last, by: name };
        Ok((Tensor { dtype, shape: shape.clone(), bytes: rows }, Some(taken)))
    }

    fn storage(&mut self, key: &str) -> Result<Option<&[u8]>, Error> {
        if !self.storages.contains_key(key) {
            let Some(bytes) = self.entry(&format!("data/{key}"), self.left)? else {
                return Ok(None);
            };
            self.left -= bytes.len() as u64;
            self.storages.insert(key.to_owned(), bytes);
        }
        Ok(self.storages.get(key).map(Vec::as_slice))
    }

    /// One axis of numbers that stand in the dictionary itself: an array of `NumPy`, a list or a tensor.
    fn numbers(&mut self, pickle: &Pickle, name: &str) -> Result<Tensor, Error> {
        let value = pickle.item(pickle.root, name).unwrap_or(&Value::None);
        let numbers = match value {
            Value::Tensor { .. } => return Ok(self.tensor(pickle, name, value)?.0),
            Value::List(items) => items
                .iter()
                .map(|item| match pickle.get(*item) {
                    Value::Float(value) => Some(*value),
                    _ => None,
                })
                .collect(),
            Value::Array(Some(array)) => doubles(pickle, array),
            _ => None,
        };
        let Some(numbers) = numbers else {
            let expected = "an array or a list of floats, as `normalize_input` says".to_owned();
            return Err(wrong(self.file, name, "another value".to_owned(), expected));
        };
        let bytes = numbers.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Tensor { dtype: Dtype::F64, shape: vec![numbers.len()], bytes })
    }
}

/// The numbers of an array of one axis, widened.
fn doubles(pickle: &Pickle, array: &pickle::Array) -> Option<Vec<f64>> {
    let Value::Dtype { name, little: true } = pickle.get(array.dtype) else { return None };
    let Value::Bytes(bytes) = pickle.get(array.bytes) else { return None };
    let numbers: Vec<f64> = match (pickle.text(*name)?, bytes.as_chunks(), bytes.as_chunks()) {
        ("f8", (all, []), _) => all.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
        ("f4", _, (all, [])) => all.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect(),
        _ => return None,
    };
    (array.shape == [numbers.len()]).then_some(numbers)
}

/// The last number of a tensor whose numbers do not overlap.
fn last(offset: usize, shape: &[usize], strides: &[usize]) -> Option<usize> {
    let mut axes: Vec<_> = strides.iter().zip(shape).filter(|(_, len)| **len > 1).collect();
    axes.sort();
    let mut reach = 0_usize;
    for (stride, len) in axes {
        // Within this stride lies all of the smaller ones.
        if *stride <= reach {
            return None;
        }
        reach = stride.checked_mul(len - 1)?.checked_add(reach)?;
    }
    offset.checked_add(reach)
}

impl Number {
    /// The type in safetensors, and its bytes.
    fn dtype(self) -> (Dtype, usize) {
        match self {
            Self::F64 => (Dtype::F64, 8),
            Self::F32 => (Dtype::F32, 4),
            Self::F16 => (Dtype::F16, 2),
            Self::BF16 => (Dtype::BF16, 2),
            Self::I64 => (Dtype::I64, 8),
            Self::I32 => (Dtype::I32, 4),
            Self::I16 => (Dtype::I16, 2),
            Self::I8 => (Dtype::I8, 1),
            Self::U8 => (Dtype::U8, 1),
            Self::Bool => (Dtype::BOOL, 1),
        }
    }
}
