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

use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read as _};
use std::ops::Range;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use zip::{CompressionMethod, ZipArchive};

use super::format::same;
use super::header::said;
use super::{Error, wrong};
use crate::file::npz;
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

impl Tensor {
    fn view(&self) -> Result<TensorView<'_>, SafeTensorError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes)
    }
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

/// Where the numbers of a tensor lie in a storage that has them all.
struct Place<'a> {
    name: &'a str,
    storage: &'a str,
    dtype: Dtype,
    /// Bytes of a number.
    width: usize,
    offset: usize,
    shape: &'a [usize],
    strides: &'a [usize],
    /// From the first to the last of its bytes; empty where it has none.
    bytes: Range<usize>,
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
        let entry = self.zip.by_index_raw(index).map_err(zip)?;
        let (len, method, is_encrypted) = (entry.size(), entry.compression(), entry.encrypted());
        drop(entry);
        if is_encrypted || method != CompressionMethod::STORE {
            let expected = "one stored as it is".to_owned();
            return Err(wrong(file, name, npz::packing(method, is_encrypted), expected));
        }
        if len > most {
            return Err(wrong(file, name, format!("{len} bytes"), format!("at most {most}")));
        }
        let entry = self.zip.by_index(index).map_err(zip)?;
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
        let mut places = BTreeMap::new();
        for (key, value) in items {
            let Some(name) = pickle.text(*key) else {
                let found = "a key that is no text".to_owned();
                return Err(wrong(self.file, "state_dict", found, "names of tensors".to_owned()));
            };
            let place = self.place(pickle, name, pickle.get(*value))?;
            if places.insert(name, place).is_some() {
                return Err(wrong(self.file, name, "two of them".to_owned(), "one".to_owned()));
            }
        }
        let mut taken: Vec<_> = places.values().filter(|place| !place.bytes.is_empty()).collect();
        taken.sort_by_key(|place| (place.storage, place.bytes.start));
        for pair in taken.windows(2) {
            if pair[0].storage == pair[1].storage && pair[1].bytes.start < pair[0].bytes.end {
                let found = format!("numbers that are also of `{}`", pair[0].name);
                return Err(wrong(self.file, pair[1].name, found, "its own".to_owned()));
            }
        }
        Ok(places.iter().map(|(name, place)| ((*name).to_owned(), self.tensor(place))).collect())
    }

    /// Where a tensor lies; nothing is copied.
    fn place<'p>(
        &mut self,
        pickle: &'p Pickle,
        name: &'p str,
        value: &'p Value,
    ) -> Result<Place<'p>, Error> {
        let file = self.file;
        let wrong =
            |found: String, expected: &str| Err(wrong(file, name, found, expected.to_owned()));
        let Value::Tensor { storage, offset, shape, strides } = value else {
            return wrong("another value".to_owned(), "a tensor");
        };
        let Value::Storage { numbers, key, len } = pickle.get(*storage) else {
            return wrong("no storage".to_owned(), "one");
        };
        let storage = pickle.text(*key).unwrap_or_default();
        let (dtype, width) = numbers.dtype();
        let Some(bytes) = self.storage(storage)? else {
            return wrong(format!("no entry `data/{storage}`"), "one for each storage");
        };
        if len.checked_mul(width) != Some(bytes.len()) {
            let found = format!("{} bytes in `data/{storage}`", bytes.len());
            return wrong(found, &format!("{len} numbers of {width} bytes"));
        }
        let place = |bytes| {
            Ok(Place { name, storage, dtype, width, offset: *offset, shape, strides, bytes })
        };
        if shape.contains(&0) {
            return place(0..0);
        }
        let Some(last) = last(*offset, shape, strides) else {
            let found = format!("shape {shape:?} by strides {strides:?}");
            return wrong(found, "numbers that do not overlap");
        };
        if last >= *len {
            return wrong(format!("number {last} of its storage"), &format!("one of {len}"));
        }
        place(offset * width..(last + 1) * width)
    }

    /// A copy of a tensor, in rows.
    fn tensor(&self, place: &Place<'_>) -> Tensor {
        let Place { dtype, width, shape, strides, .. } = *place;
        let mut rows = Vec::new();
        let storage = self.storages.get(place.storage).filter(|_| !place.bytes.is_empty());
        if let Some(storage) = storage {
            rows.reserve_exact(shape.iter().product::<usize>() * width);
            let (mut index, mut at) = (vec![0; shape.len()], place.offset);
            loop {
                rows.extend_from_slice(&storage[at * width..][..width]);
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
        }
        Tensor { dtype, shape: shape.to_vec(), bytes: rows }
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

    /// Adds the normalisation of the inputs to the tensors, if there is one.
    fn normalisation(
        &mut self,
        pickle: &Pickle,
        tensors: &mut BTreeMap<String, Tensor>,
    ) -> Result<(), Error> {
        let file = self.file;
        let wrong = |what: &str, found: &str, expected: &str| {
            Err(wrong(file, what, found.to_owned(), expected.to_owned()))
        };
        let flag = "normalize_input";
        let is_normalised = match pickle.item(pickle.root, flag) {
            Some(Value::Bool(flag)) => Some(*flag),
            None | Some(Value::None) => None,
            Some(_) => return wrong(flag, "another value", "True or False"),
        };
        for name in ["input_mean", "input_std"] {
            let is_stated = !matches!(pickle.item(pickle.root, name), None | Some(Value::None));
            let is_same = |full: &str| full == name || full.ends_with(&format!(".{name}"));
            let held = tensors.iter().find(|(full, _)| is_same(full));
            match (is_normalised, held) {
                (Some(true), held) => {
                    let numbers = self.numbers(pickle, name)?;
                    if let Some((full, held)) = held
                        && !matches!((held.view(), numbers.view()), (Ok(a), Ok(b)) if same(&a, &b))
                    {
                        let found = format!("other numbers than `{full}` of `state_dict`");
                        return wrong(name, &found, "the same or one of the two");
                    }
                    tensors.insert(name.to_owned(), numbers);
                }
                (Some(false), Some((full, _))) => {
                    return wrong(full, "a tensor", "none, as `normalize_input` is False");
                }
                (None, _) if is_stated => {
                    return wrong(name, "it without `normalize_input`", "True or False there");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One axis of numbers that stand in the dictionary itself: an array of `NumPy`, a list or a tensor.
    fn numbers(&mut self, pickle: &Pickle, name: &str) -> Result<Tensor, Error> {
        let value = pickle.item(pickle.root, name).unwrap_or(&Value::None);
        let numbers = match value {
            Value::Tensor { .. } => {
                let place = self.place(pickle, name, value)?;
                return Ok(self.tensor(&place));
            }
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
