//! Tensors: where their numbers lie in the storages, of which no two tensors share any.

use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};

use super::super::{Error, wrong};
use super::archive::Archive;
use super::pickle::{Id, Number, Pickle, Value};

/// Numbers with their type and shape.
pub(super) struct Tensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Tensor {
    pub(super) fn view(&self) -> Result<TensorView<'_>, SafeTensorError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes)
    }
}

/// Where the numbers of a tensor lie in a storage that has them all.
pub(super) struct Place<'a> {
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

impl Archive<'_> {
    /// The tensors of a state dictionary.
    pub(super) fn tensors(
        &mut self,
        pickle: &Pickle,
        state: Id,
    ) -> Result<BTreeMap<String, Tensor>, Error> {
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
    pub(super) fn place<'p>(
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
    pub(super) fn tensor(&self, place: &Place<'_>) -> Tensor {
        let Place { dtype, width, shape, strides, .. } = *place;
        let mut rows = Vec::new();
        if !place.bytes.is_empty() {
            let storage = self.held(place.storage);
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
