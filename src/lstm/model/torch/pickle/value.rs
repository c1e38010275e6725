//! The values of a pickle.

use std::fmt;

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

/// Modules and names, and what they stand for.
const KNOWN: [(&str, &str, Global); 17] = [
    ("collections", "OrderedDict", Global::OrderedDict),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("numpy._core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy.core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy", "ndarray", Global::NdArray),
    ("numpy", "dtype", Global::Dtype),
    ("_codecs", "encode", Global::Encode),
    ("torch", "DoubleStorage", Global::Storage(Number::F64)),
    ("torch", "FloatStorage", Global::Storage(Number::F32)),
    ("torch", "HalfStorage", Global::Storage(Number::F16)),
    ("torch", "BFloat16Storage", Global::Storage(Number::BF16)),
    ("torch", "LongStorage", Global::Storage(Number::I64)),
    ("torch", "IntStorage", Global::Storage(Number::I32)),
    ("torch", "ShortStorage", Global::Storage(Number::I16)),
    ("torch", "CharStorage", Global::Storage(Number::I8)),
    ("torch", "ByteStorage", Global::Storage(Number::U8)),
    ("torch", "BoolStorage", Global::Storage(Number::Bool)),
];

impl Global {
    /// The global of a name.
    pub(super) fn named(module: &str, name: &str) -> Result<Self, String> {
        match KNOWN.iter().find(|known| (known.0, known.1) == (module, name)) {
            Some((.., global)) => Ok(*global),
            None => {
                let full: String = format!("{module}.{name}").chars().take(80).collect();
                refuse(format!("found `{full}`, which no model needs; nothing was run"))
            }
        }
    }
}

/// The name in Python.
impl fmt::Display for Global {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KNOWN.iter().find(|(.., global)| global == self);
        let (module, name, _) = known.expect("every global has a name");
        write!(f, "{module}.{name}")
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
