//! The values of a pickle.

use super::refuse;

/// The place of a value in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Id(pub(super) usize);

/// A name that a pickle may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Global {
    OrderedDict,
    RebuildTensor,
    Reconstruct,
    NdArray,
    Dtype,
    Encode,
    Storage(Number),
}

/// The type of the numbers of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Number {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Global {
    fn known(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Self::Reconstruct
            }
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::Dtype,
            ("_codecs", "encode") => Self::Encode,
            ("torch", "DoubleStorage") => Self::Storage(Number::F64),
            ("torch", "FloatStorage") => Self::Storage(Number::F32),
            ("torch", "HalfStorage") => Self::Storage(Number::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Number::BF16),
            ("torch", "LongStorage") => Self::Storage(Number::I64),
            ("torch", "IntStorage") => Self::Storage(Number::I32),
            ("torch", "ShortStorage") => Self::Storage(Number::I16),
            ("torch", "CharStorage") => Self::Storage(Number::I8),
            ("torch", "ByteStorage") => Self::Storage(Number::U8),
            ("torch", "BoolStorage") => Self::Storage(Number::Bool),
            _ => return None,
        })
    }

    /// The global of a name.
    pub(super) fn named(module: &str, name: &str) -> Result<Self, String> {
        let Some(global) = Self::known(module, name) else {
            let full: String = format!("{module}.{name}").chars().take(80).collect();
            return refuse(format!("found `{full}`, which no model needs; nothing was run"));
        };
        Ok(global)
    }
}

#[derive(Debug)]
pub(in super::super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// `len` numbers in the entry that is named by the text `key`.
    Storage {
        numbers: Number,
        key: Id,
        len: usize,
    },
    /// Numbers of a storage.
    Tensor {
        storage: Id,
        offset: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
    },
    /// A type of `NumPy` such as `f8`, whose numbers start with the least byte or not.
    Dtype {
        name: Id,
        little: bool,
    },
    /// An array of `NumPy`; none before it is built.
    Array(Option<Array>),
}

#[derive(Debug)]
pub(in super::super) struct Array {
    pub(in super::super) shape: Vec<usize>,
    pub(in super::super) dtype: Id,
    pub(in super::super) bytes: Id,
}

/// A decoded pickle.
#[derive(Debug)]
pub(in super::super) struct Pickle {
    pub(super) values: Vec<Value>,
    pub(in super::super) root: Id,
}

impl Pickle {
    pub(in super::super) fn get(&self, id: Id) -> &Value {
        &self.values[id.0]
    }

    pub(in super::super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where the value of a key is; the last one counts, as in Python.
    pub(in super::super) fn find(&self, dict: Id, key: &str) -> Option<Id> {
        let Value::Dict(items) = self.get(dict) else { return None };
        let (_, value) = items.iter().rev().find(|(name, _)| self.text(*name) == Some(key))?;
        Some(*value)
    }

    pub(in super::super) fn item(&self, dict: Id, key: &str) -> Option<&Value> {
        self.find(dict, key).map(|value| self.get(value))
    }
}
