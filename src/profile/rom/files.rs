//! The files of a run, and those of others that it reads.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::Error;
use super::comparison::Comparison;
use super::document::Profile;
#[cfg(feature = "figures")]
use super::figures;
use super::names::{COMPARISON, PROFILE, SCALING};
use super::report::Report;
use crate::profile::files::text;

/// What stands under `runtime_analysis`.
#[derive(Debug, Serialize)]
struct Analysis<'a> {
    profiles: &'a [Profile],
    comparison: &'a Comparison,
}

#[derive(Debug, Serialize)]
struct Pipeline<'a> {
    experiment_name: &'a str,
    runtime_analysis: Analysis<'a>,
}

/// Names and contents of all files but the summary.
pub(super) fn files(report: &Report, figures: bool) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    for profile in &report.profiles {
        files.push((format!("{}/{PROFILE}", profile.model_name), text(profile)?));
    }
    files.push((COMPARISON.to_owned(), text(&report.comparison)?));
    let experiment_name = &*report.experiment_name;
    let pipeline = Pipeline { experiment_name, runtime_analysis: analysis(report) };
    files.push(("pipeline_summary.json".to_owned(), text(&pipeline)?));
    if !report.scaling.is_empty() {
        files.push((SCALING.to_owned(), text(&report.scaling)?));
    }
    #[cfg(feature = "figures")]
    if figures {
        let figures = figures::figures(report).into_iter();
        files.extend(figures.map(|(name, figure)| (name.to_owned(), figure.png())));
    }
    #[cfg(not(feature = "figures"))]
    let _ = figures;
    Ok(files)
}

fn analysis(report: &Report) -> Analysis<'_> {
    Analysis { profiles: &report.profiles, comparison: &report.comparison }
}

const ANALYSIS: &str = "runtime_analysis";

/// The summary of another program with the results in it, everything else as it was.
pub(super) fn updated(mut held: Ordered, report: &Report) -> Result<Vec<u8>, Error> {
    let value = serde_json::to_vec(&analysis(report))?;
    let value = serde_json::from_slice(&value)?;
    if let Ordered::Object(fields) = &mut held {
        match fields.iter_mut().find(|(name, _)| name == ANALYSIS) {
            Some((_, old)) => *old = value,
            None => fields.push((ANALYSIS.to_owned(), value)),
        }
    }
    Ok(text(&held)?)
}

/// Epoch, loss of the training and of the validation windows of each row of `training_log.csv`.
pub(super) fn losses(path: &Path) -> Result<Vec<[f64; 3]>, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    rows(&bytes).map_err(|row| Error::Log { path: path.to_owned(), row })
}

/// The rows below the head, or the first that has other fields, from 1.
fn rows(bytes: &[u8]) -> Result<Vec<[f64; 3]>, usize> {
    let row = |(at, fields): (usize, Result<csv::StringRecord, csv::Error>)| {
        let fields = fields.map_err(|_| at + 1)?;
        let numbers: Vec<f64> =
            fields.iter().filter_map(|field| field.trim().parse().ok()).collect();
        <[f64; 3]>::try_from(numbers).map_err(|_| at + 1)
    };
    csv::Reader::from_reader(bytes).records().enumerate().map(row).collect()
}

/// JSON whose objects keep their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ordered {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Ordered {
    /// Reads an object.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(bytes) {
            Ok(object @ Self::Object(_)) => Ok(object),
            Ok(_) => Err("found no object".to_owned()),
            Err(why) => Err(why.to_string()),
        }
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Number(number) => number.serialize(to),
            Self::Text(text) => to.serialize_str(text),
            Self::List(values) => to.collect_seq(values),
            Self::Object(fields) => {
                to.collect_map(fields.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Ordered;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Ordered, E> {
        Ok(Ordered::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Ordered, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Ordered::Null, Ordered::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Ordered, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = from.next_element()? {
            values.push(value);
        }
        Ok(Ordered::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Ordered, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = from.next_entry()? {
            fields.push(field);
        }
        Ok(Ordered::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_summary_keeps_its_order_and_its_numbers() {
        let text = r#"{"z":-3,"a":[1,2.5,null,true],"m":{"y":"x","b":18446744073709551615}}"#;
        let held = Ordered::read(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&held).unwrap(), text, "as it was");
        let report = Report {
            experiment_name: "x".into(),
            profiles: Vec::new(),
            comparison: Comparison::Nothing {},
            scaling: Vec::new(),
            warnings: Vec::new(),
            pictures: Vec::new(),
        };
        let text = |held| {
            let text = String::from_utf8(updated(held, &report).unwrap()).unwrap();
            text.split_whitespace().collect::<String>()
        };
        let once = text(held);
        assert!(
            once.ends_with(r#","runtime_analysis":{"profiles":[],"comparison":{}}}"#),
            "{once}"
        );
        let again = text(Ordered::read(once.as_bytes()).unwrap());
        assert_eq!(again, once, "in the place of the old one");
        assert!(Ordered::read(b"[1]").unwrap_err().contains("no object"), "a list");
        assert!(Ordered::read(b"{\"a\": NaN}").unwrap_err().contains("line 1"), "no JSON");
    }

    #[test]
    fn losses_are_read_and_a_row_that_has_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training_log.csv");
        let head = "epoch,train_loss,val_loss\n";
        fs::write(&path, format!("{head}0,0.5,0.25\n1,0.125,0.5\n")).unwrap();
        assert_eq!(losses(&path).unwrap(), [[0.0, 0.5, 0.25], [1.0, 0.125, 0.5]], "rows");
        for bad in ["0,0.5\n", "0,x,1\n"] {
            fs::write(&path, format!("{head}{bad}")).unwrap();
            let why = losses(&path).unwrap_err().to_string();
            assert!(why.contains("training_log.csv, row 1: "), "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_them_panic(
            cut in 0_usize..60,
            flips in prop::collection::vec((0_usize..60, any::<u8>()), 0..4),
        ) {
            for good in ["epoch,train_loss,val_loss\n0,0.5,0.25\n1,0.125,0.5\n", r#"{"a":[1,-2.5e3,"x"],"b":{"c":null}}"#] {
                let mut bytes = good.as_bytes().to_vec();
                let len = bytes.len();
                flips.iter().for_each(|(at, value)| bytes[at % len] = *value);
                bytes.truncate(cut);
                if let Ok(rows) = rows(&bytes) {
                    prop_assert!(rows.len() <= 2 + flips.len(), "{rows:?}");
                }
                if let Ok(held) = Ordered::read(&bytes) {
                    prop_assert!(matches!(held, Ordered::Object(_)), "{held:?}");
                }
            }
        }
    }
}
