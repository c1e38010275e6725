//! A pickle decoded as data: nothing that it names is ever run.
//!
//! The names of [`Global`] stand for what they build, and any other is refused. Values lie in a table
//! and refer to each other by index, so that shared and circular ones cost what the file holds.
//!
//! Format: the opcodes of `pickletools.py` in `CPython`, up to protocol 4.

use std::collections::HashMap;

use thiserror::Error;

use cursor::Cursor;
pub(super) use value::{Array, Global, Id, Number, Pickle, Value};

mod cursor;
mod value;

/// Why a pickle is refused.
#[derive(Debug, Error)]
#[error("byte {at} of its pickle: {why}")]
pub struct Refused {
    at: usize,
    why: String,
}

/// Decodes `bytes`.
///
/// # Errors
///
/// If they are no whole pickle, or hold something else than the data of a model.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, Refused> {
    let mut decoder = Decoder {
        cursor: Cursor { bytes, at: 0 },
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        encodable: bytes.len(),
    };
    loop {
        let at = decoder.cursor.at;
        match decoder.step() {
            Ok(None) => {}
            Ok(Some(root)) => return Ok(Pickle { values: decoder.values, root }),
            Err(why) => return Err(Refused { at, why }),
        }
    }
}

struct Decoder<'a> {
    cursor: Cursor<'a>,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Lengths of the stack where marks were set.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    /// Bytes that may still be made of texts; a text that is encoded again and again would fill memory.
    encodable: usize,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, String> {
    Err(why.into())
}

impl Decoder<'_> {
    /// One opcode; the root at the last one.
    fn step(&mut self) -> Result<Option<Id>, String> {
        match self.cursor.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let protocol = self.cursor.byte()?;
                if !(2..=4).contains(&protocol) {
                    return refuse(format!("found protocol {protocol}, expected 2 to 4"));
                }
            }
            0x95 => self.cursor.skip(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'q' => self.memoize(1)?,
            b'r' => self.memoize(4)?,
            0x94 => drop(self.memo.insert(self.memo.len(), self.top()?)),
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.unsigned_value(1)?,
            b'M' => self.unsigned_value(2)?,
            b'J' => {
                let value = i32::from_le_bytes(self.cursor.array()?);
                self.push(Value::Int(value.into()));
            }
            0x8a => self.long()?,
            b'G' => {
                let value = f64::from_be_bytes(self.cursor.array()?);
                self.push(Value::Float(value));
            }
            0x8c => self.text(1)?,
            b'X' => self.text(4)?,
            0x8d => self.text(8)?,
            b'C' => self.plain(1)?,
            b'B' => self.plain(4)?,
            0x8e => self.plain(8)?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::Tuple(items));
            }
            length @ 0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=length {
                    items.insert(0, self.pop()?);
                }
                self.push(Value::Tuple(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.insert(&items)?;
            }
            b'c' => {
                let (module, name) = (self.cursor.line()?, self.cursor.line()?);
                self.push(Value::Global(Global::named(module, name)?));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(name), Value::Text(module)) = (self.get(name), self.get(module))
                else {
                    return refuse("found a name that is no text");
                };
                let found = Global::named(module, name)?;
                self.push(Value::Global(found));
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(storage);
            }
            b'R' => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                let made = self.reduce(callable, arguments)?;
                self.push(made);
            }
            b'b' => {
                let (state, target) = (self.pop()?, self.top()?);
                self.build(target, state)?;
            }
            other => return refuse(format!("found the opcode {other:#04x}, expected plain data")),
        }
        Ok(None)
    }

    fn get(&self, id: Id) -> &Value {
        &self.values[id.0]
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Id(self.values.len()));
        self.values.push(value);
    }

    fn top(&self) -> Result<Id, String> {
        let fence = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > fence => Ok(id),
            _ => refuse("found nothing on the stack, expected a value"),
        }
    }

    fn pop(&mut self) -> Result<Id, String> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        match self.marks.pop() {
            Some(start) => Ok(self.stack.split_off(start)),
            None => refuse("found no mark, expected one"),
        }
    }

    fn memoize(&mut self, width: usize) -> Result<(), String> {
        let (key, id) = (self.cursor.unsigned(width)?, self.top()?);
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), String> {
        let key = self.cursor.unsigned(width)?;
        let Some(&id) = self.memo.get(&key) else {
            return refuse(format!("found memo {key}, expected one that was set"));
        };
        self.stack.push(id);
        Ok(())
    }

    fn extend(&mut self, more: &[Id]) -> Result<(), String> {
        let list = self.top()?;
        let Value::List(items) = &mut self.values[list.0] else {
            return refuse("found items of no list");
        };
        items.extend(more);
        Ok(())
    }

    fn insert(&mut self, more: &[Id]) -> Result<(), String> {
        let dict = self.top()?;
        let (Value::Dict(items), (pairs, [])) = (&mut self.values[dict.0], more.as_chunks::<2>())
        else {
            return refuse("found keys and values of no dictionary");
        };
        items.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    /// A tuple of `N` values or, where `MORE`, of more.
    fn tuple<const N: usize, const MORE: bool>(&self, id: Id) -> Option<[Id; N]> {
        match self.get(id) {
            Value::Tuple(items) if MORE || items.len() == N => items.first_chunk().copied(),
            _ => None,
        }
    }

    fn length(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A shape or strides; no tensor of a model has many axes.
    fn lengths(&self, id: Id) -> Option<Vec<usize>> {
        match self.get(id) {
            Value::Tuple(items) if items.len() <= 8 => {
                items.iter().map(|item| self.length(*item)).collect()
            }
            _ => None,
        }
    }

    fn storage(&self, id: Id) -> Result<Value, String> {
        let parts = || {
            let [word, kind, key, _device, len] = self.tuple::<5, false>(id)?;
            let Value::Global(Global::Storage(numbers)) = self.get(kind) else { return None };
            let (Value::Text(word), Value::Text(_)) = (self.get(word), self.get(key)) else {
                return None;
            };
            (word == "storage").then_some((*numbers, key, self.length(len)?))
        };
        match parts() {
            Some((numbers, key, len)) => Ok(Value::Storage { numbers, key, len }),
            None => refuse("found another reference, expected one to a storage of torch"),
        }
    }

    fn reduce(&mut self, callable: Id, arguments: Id) -> Result<Value, String> {
        let Value::Global(callable) = *self.get(callable) else {
            return refuse("found a call of a value, expected one of a known name");
        };
        let made = match callable {
            Global::OrderedDict => {
                self.tuple::<0, false>(arguments).map(|[]| Value::Dict(Vec::new()))
            }
            Global::RebuildTensor => self.tensor(arguments),
            Global::Reconstruct => self.tuple::<3, false>(arguments).and_then(|[class, ..]| {
                let is_array = matches!(self.get(class), Value::Global(Global::NdArray));
                is_array.then_some(Value::Array(None))
            }),
            Global::Dtype => self.tuple::<1, true>(arguments).and_then(|[name]| {
                let is_text = matches!(self.get(name), Value::Text(_));
                is_text.then_some(Value::Dtype { name, little: true })
            }),
            Global::Encode => self.encoded(arguments)?,
            Global::NdArray | Global::Storage(_) => None,
        };
        match made {
            Some(made) => Ok(made),
            None => refuse(format!("found a call of {callable:?} with other arguments")),
        }
    }

    fn tensor(&self, arguments: Id) -> Option<Value> {
        let [storage, offset, shape, strides, _grad, _hooks] = self.tuple::<6, true>(arguments)?;
        let (shape, strides) = (self.lengths(shape)?, self.lengths(strides)?);
        let is_storage = matches!(self.get(storage), Value::Storage { .. });
        let offset = self.length(offset)?;
        (is_storage && shape.len() == strides.len()).then_some(Value::Tensor {
            storage,
            offset,
            shape,
            strides,
        })
    }

    /// Bytes that were written as a text of Latin-1.
    fn encoded(&mut self, arguments: Id) -> Result<Option<Value>, String> {
        let Some([text, encoding]) = self.tuple::<2, false>(arguments) else { return Ok(None) };
        let (Value::Text(text), Value::Text(encoding)) = (self.get(text), self.get(encoding))
        else {
            return Ok(None);
        };
        if encoding != "latin1" {
            return Ok(None);
        }
        let Some(left) = self.encodable.checked_sub(text.len()) else {
            return refuse("found more encoded bytes than the file holds");
        };
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        self.encodable = left;
        Ok(Option::map(bytes, Value::Bytes))
    }

    fn build(&mut self, target: Id, state: Id) -> Result<(), String> {
        let built = match self.get(target) {
            // What torch notes beside a state dictionary says nothing of its numbers.
            Value::Dict(_) => matches!(self.get(state), Value::Dict(_)).then_some(None),
            Value::Dtype { name, .. } => self.tuple::<2, true>(state).and_then(|[_, order]| {
                let Value::Text(order) = self.get(order) else { return None };
                Some(Some(Value::Dtype { name: *name, little: order != ">" }))
            }),
            Value::Array(None) => self.tuple::<5, false>(state).and_then(|parts| {
                let [_version, shape, dtype, _is_fortran, bytes] = parts;
                let shape = self.lengths(shape)?;
                Some(Some(Value::Array(Some(Array { shape, dtype, bytes }))))
            }),
            _ => None,
        };
        match built {
            Some(None) => {}
            Some(Some(value)) => self.values[target.0] = value,
            None => return refuse("found a state that does not fit what it is of"),
        }
        Ok(())
    }

    fn unsigned_value(&mut self, width: usize) -> Result<(), String> {
        let value = self.cursor.unsigned(width)?;
        self.push(Value::Int(i64::try_from(value).map_err(|e| e.to_string())?));
        Ok(())
    }

    /// A whole number of any width.
    fn long(&mut self) -> Result<(), String> {
        let width = self.cursor.unsigned(1)?;
        let bytes = self.cursor.take(width)?;
        if width > 8 {
            return refuse("found a number beyond 64 bits");
        }
        let negative = bytes.last().is_some_and(|byte| byte >> 7 == 1);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..width].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(all)));
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<(), String> {
        let len = self.cursor.unsigned(width)?;
        let bytes = self.cursor.take(len)?.to_vec();
        match String::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => return refuse("found a text that is not UTF-8"),
        }
        Ok(())
    }

    fn plain(&mut self, width: usize) -> Result<(), String> {
        let len = self.cursor.unsigned(width)?;
        let bytes = self.cursor.take(len)?.to_vec();
        self.push(Value::Bytes(bytes));
        Ok(())
    }
}
