//! The normalisation of the inputs, which stands beside the weights, or among them, or both.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::super::format::same;
use super::super::{Error, wrong};
use super::archive::Archive;
use super::pickle::{self, Pickle, Value};
use super::tensors::Tensor;

impl Archive<'_> {
    /// Adds the normalisation of the inputs to the tensors, if there is one.
    pub(super) fn normalisation(
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
