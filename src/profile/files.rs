//! One list of fields gives the keys of a JSON object and the columns of a CSV row.
//!
//! A field has a key, which names the objects that it lies in: `extension.quality.mse`. It may be
//! a column, too. Keys and columns are in the order in which fields are added.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A value that is not known: `null`, or an empty field.
    Null,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Whole(u64),
    /// A number in single precision, which has fewer digits.
    Single(f32),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// An object of named values.
    Object(Object),
}

/// Named values, in order.
pub type Object = Vec<(String, Value)>;

impl Value {
    /// Whether nothing in it is known.
    fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Object(object) => !object.is_empty() && object.iter().all(|(_, v)| v.is_null()),
            _ => false,
        }
    }

    /// The field of a CSV row.
    fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(n) => n.to_string(),
            Self::Single(x) => x.to_string(),
            Self::Real(x) => x.to_string(),
            Self::Text(text) => text.clone(),
            Self::Null | Self::List(_) | Self::Object(_) => String::new(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            // An object of nothing that is known is no object.
            value if value.is_null() => to.serialize_none(),
            Self::Null => to.serialize_none(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Whole(n) => to.serialize_u64(*n),
            Self::Single(x) => to.serialize_f32(*x),
            Self::Real(x) => to.serialize_f64(*x),
            Self::Text(text) => to.serialize_str(text),
            Self::List(values) => to.collect_seq(values),
            Self::Object(object) => {
                let mut map = to.serialize_map(Some(object.len()))?;
                for (key, value) in object {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$x:ident| $value:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($x: $from) -> Self {
                $value
            }
        }
    )*};
}

value_from! {
    bool => |flag| Self::Flag(flag),
    u8 => |n| Self::Whole(n.into()),
    u32 => |n| Self::Whole(n.into()),
    u64 => |n| Self::Whole(n),
    usize => |n| Self::Whole(n as u64),
    f32 => |x| Self::Single(x),
    f64 => |x| Self::Real(x),
    &str => |text| Self::Text(text.to_owned()),
    String => |text| Self::Text(text),
    &[f64] => |values| Self::List(values.iter().copied().map(Self::Real).collect()),
    [usize; 2] => |values| Self::List(values.map(Self::from).to_vec()),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The fields of one object and of one row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    object: Object,
    columns: Vec<(String, String)>,
}

impl Fields {
    /// Adds a value that is no column.
    pub fn key(&mut self, key: &str, value: impl Into<Value>) {
        put(&mut self.object, key, value.into());
    }

    /// Adds a value that is also a column.
    pub fn both(&mut self, key: &str, column: &str, value: impl Into<Value>) {
        let value = value.into();
        self.columns.push((column.to_owned(), value.text()));
        put(&mut self.object, key, value);
    }

    /// Adds fields of which none is a column.
    pub fn keys(&mut self, add: impl FnOnce(&mut Self)) {
        let len = self.columns.len();
        add(self);
        self.columns.truncate(len);
    }

    /// Adds a time: seconds under the key, milliseconds in the column.
    pub fn time(&mut self, key: &str, column: &str, seconds: Option<f64>) {
        self.columns.push((column.to_owned(), Value::from(seconds.map(|s| 1e3 * s)).text()));
        self.key(key, seconds);
    }

    /// The named fields of the row.
    pub fn columns(&self) -> Vec<(String, String)> {
        self.columns.clone()
    }

    /// The object.
    pub fn object(&self) -> Value {
        Value::Object(self.object.clone())
    }
}

/// Puts a value at the end of the objects that its key names.
fn put(object: &mut Object, key: &str, value: Value) {
    let Some((name, rest)) = key.split_once('.') else {
        return object.push((key.to_owned(), value));
    };
    let at = object.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
        object.push((name.to_owned(), Value::Object(Vec::new())));
        object.len() - 1
    });
    match &mut object[at].1 {
        Value::Object(inner) => put(inner, rest, value),
        value => unreachable!("{name} is an object and {value:?}"),
    }
}

/// The text of a JSON file.
///
/// # Errors
///
/// If the value has no text in JSON.
pub fn text(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// A value as the text of a JSON file.
///
/// # Panics
///
/// Never: such values are JSON.
pub fn json(value: &Value) -> Vec<u8> {
    text(value).expect("plain data are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_list_gives_keys_and_columns() {
        let mut fields = Fields::default();
        fields.both("n", "n", 3_usize);
        fields.time("times.mean", "time_ms", Some(0.25));
        fields.key("times.all", &[0.25, 0.25][..]);
        fields.both("more.beta", "beta", 0.1_f32);
        fields.time("none.mean", "none_ms", None);
        fields.keys(|fields| fields.both("none.more.x", "x", None::<f64>));
        fields.both("more.name", "name", "x");
        let text = serde_json::to_string(&fields.object()).unwrap();
        let want = r#"{"n":3,"times":{"mean":0.25,"all":[0.25,0.25]},"more":{"beta":0.1,"name":"x"},"none":null}"#;
        assert_eq!(text, want, "nothing that is known is null");
        let row: Vec<String> =
            fields.columns().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(row, ["n=3", "time_ms=250", "beta=0.1", "none_ms=", "name=x"], "columns");
    }
}
