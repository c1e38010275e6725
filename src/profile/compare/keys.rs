//! Values of JSON by their keys.

use std::collections::BTreeMap;

use serde_json::Value;

/// The value at keys such as `extension.quality.mse`; null where there is none.
pub(super) fn at<'a>(value: &'a Value, keys: &str) -> &'a Value {
    keys.split('.').fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// The number there.
pub(super) fn number(value: &Value, keys: &str) -> Option<f64> {
    at(value, keys).as_f64()
}

/// The numbers of the list there, if it holds nothing else.
pub(super) fn numbers(value: &Value, keys: &str) -> Option<Vec<f64>> {
    let all: Vec<f64> =
        at(value, keys).as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?;
    Some(all).filter(|all| !all.is_empty())
}

/// Names and values of the texts, numbers and flags there, as circumstances.
pub(super) fn circumstances(value: &Value, keys: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for key in keys {
        let name = key.trim_start_matches("extension.").trim_start_matches("extended.");
        match at(value, key) {
            Value::Object(all) => {
                let own = all.iter().filter_map(|(name, value)| Some((name.clone(), said(value)?)));
                found.extend(own);
            }
            one => found.extend(said(one).map(|text| (name.to_owned(), text))),
        }
    }
    found
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
