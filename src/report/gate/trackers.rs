//! The new numbers of an outcome for services that draw them over commits.
//!
//! Numbers of wrong cases are left out. The time of a case is that of the paired run, if there was
//! one, else its wall time.
//!
//! Sources: "Bencher Metric Format", Bencher's reference; `src/extract.ts` of
//! benchmark-action/github-action-benchmark, for the tool `customSmallerIsBetter`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text;
use crate::gate::{Outcome, Paired};

/// A time in nanoseconds and a range around it.
struct Time<'a> {
    id: &'a str,
    ns: f64,
    low_ns: f64,
    high_ns: f64,
    of: String,
}

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// An entry of github-action-benchmark.
#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// Bencher Metric Format: `latency` in nanoseconds and `instructions` of each case.
pub fn bencher(outcome: &Outcome) -> String {
    let mut cases: BTreeMap<&str, BTreeMap<&str, Metric>> = BTreeMap::new();
    for Time { id, ns, low_ns, high_ns, .. } in times(outcome) {
        let metric = Metric { value: ns, lower_value: Some(low_ns), upper_value: Some(high_ns) };
        cases.entry(id).or_default().insert("latency", metric);
    }
    for (id, count) in counts(outcome) {
        let metric = Metric { value: count, lower_value: None, upper_value: None };
        cases.entry(id).or_default().insert("instructions", metric);
    }
    text(&cases)
}

/// The JSON of github-action-benchmark: one entry for each time and each count.
pub fn action(outcome: &Outcome) -> String {
    let times = times(outcome).into_iter().map(|time| Entry {
        name: format!("{} (time)", time.id),
        unit: "ns",
        value: time.ns,
        // The form that the action reads a number from.
        range: Some(format!("+- {:.2}", (time.high_ns - time.low_ns) / 2.0)),
        extra: time.of,
    });
    let counts = counts(outcome).map(|(id, value)| Entry {
        name: format!("{id} (instructions)"),
        unit: "instructions",
        value,
        range: None,
        extra: "of one warm step under Callgrind".to_owned(),
    });
    text(&times.chain(counts).collect::<Vec<_>>())
}

fn times(outcome: &Outcome) -> Vec<Time<'_>> {
    if let Some(duet) = &outcome.duet {
        let right = duet.cases.iter().filter(|case| !outcome.is_wrong(&case.id));
        return right.map(paired).collect();
    }
    let walls = outcome.walls.iter().flatten().map(|pair| &pair.new);
    walls
        .filter(|wall| !outcome.is_wrong(&wall.id))
        .map(|wall| Time {
            id: &wall.id,
            ns: wall.number("median_ns"),
            low_ns: wall.number("p05_ns"),
            high_ns: wall.number("p95_ns"),
            of: format!("median of {} samples; range: 5-95 %", wall.count("samples")),
        })
        .collect()
}

/// The interval of the ratio, around the new time.
fn paired(case: &Paired) -> Time<'_> {
    let &Paired { new_ns, ratio, low, high, pairs, .. } = case;
    Time {
        id: &case.id,
        ns: new_ns,
        low_ns: new_ns * low / ratio,
        high_ns: new_ns * high / ratio,
        of: format!("median of {pairs} pairs; range: 95 % interval of the ratio"),
    }
}

fn counts(outcome: &Outcome) -> impl Iterator<Item = (&str, f64)> {
    let right = outcome.counts.iter().filter(|pair| !outcome.is_wrong(&pair.new.id));
    right.map(|pair| (pair.new.id.as_str(), pair.new.number("instructions")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::super::samples;
    use super::*;

    /// A measure, as Bencher takes it.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Measure {
        value: f64,
        lower_value: Option<f64>,
        upper_value: Option<f64>,
    }

    /// A result, as github-action-benchmark takes it.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Result {
        name: String,
        unit: String,
        value: f64,
        range: Option<String>,
        #[serde(rename = "extra")]
        _extra: Option<String>,
    }

    /// Names of measures are slugs of at most 64 characters, those of benchmarks have at most 1024.
    #[track_caller]
    fn bencher_takes(text: &str) {
        let cases: BTreeMap<String, BTreeMap<String, Measure>> =
            serde_json::from_str(text).unwrap();
        for (id, measures) in cases {
            assert!((1..=1024).contains(&id.len()), "{id}");
            for (name, Measure { value, lower_value, upper_value }) in measures {
                let plain = |word: &str| {
                    let mut bytes = word.bytes();
                    !word.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                };
                assert!(name.len() <= 64 && name.split('-').all(plain), "{name} of {id}");
                let ends = [lower_value.unwrap_or(value), upper_value.unwrap_or(value)];
                assert!(value > 0.0 && ends[0] <= value && value <= ends[1], "{value}, {ends:?}");
            }
        }
    }

    /// The action refuses an empty list, and tells results by their names.
    #[track_caller]
    fn action_takes(text: &str) {
        let results: Vec<Result> = serde_json::from_str(text).unwrap();
        let names: BTreeSet<&str> = results.iter().map(|result| result.name.as_str()).collect();
        assert!(names.len() == results.len() && !results.is_empty(), "{results:#?}");
        for Result { name, unit, value, range, .. } in &results {
            assert!(!name.is_empty() && !unit.is_empty() && *value > 0.0, "{results:#?}");
            let width = |range: &str| range.strip_prefix("+- ")?.parse::<f64>().ok();
            assert!(range.as_deref().is_none_or(|range| width(range).is_some()), "{range:?}");
        }
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_outcome_is_of_the_form_that_its_reader_takes() {
        for outcome in samples::all() {
            bencher_takes(&bencher(&outcome));
            if !outcome.compared().is_empty() {
                action_takes(&action(&outcome));
            }
        }
        assert_eq!(parsed(&action(&samples::incomparable())), json!([]), "the action refuses it");
        assert_eq!(parsed(&bencher(&samples::incomparable())), json!({}), "nothing compared");
    }

    #[test]
    fn wall_times_have_the_range_of_their_samples() {
        let numbers = parsed(&bencher(&samples::pass()));
        let want = json!({"value": 300.0, "lower_value": 270.0, "upper_value": 330.0});
        assert_eq!(numbers["lattice/encode/n2"]["latency"], want, "{numbers:#}");
        assert_eq!(numbers["lattice/encode/n2"]["instructions"], json!({"value": 1000.0}));
        let entries = parsed(&action(&samples::pass()));
        let want = json!({
            "name": "lattice/encode/n2 (time)",
            "unit": "ns",
            "value": 300.0,
            "range": "+- 30.00",
            "extra": "median of 60 samples; range: 5-95 %",
        });
        assert_eq!(entries[1], want, "{entries:#}");
        assert_eq!(entries[2]["name"], json!("lattice/encode/n1 (instructions)"), "{entries:#}");
    }

    #[test]
    fn paired_times_go_before_wall_times() {
        let numbers = parsed(&bencher(&samples::strict()));
        let latency = &numbers["lattice/encode/n2"]["latency"];
        let number = |name: &str| latency[name].as_f64().unwrap();
        assert_eq!(number("value"), 1000.0, "not 300: {numbers:#}");
        assert!((number("lower_value") - 990.0).abs() < 1e-9, "{numbers:#}");
        assert!((number("upper_value") - 1010.0).abs() < 1e-9, "{numbers:#}");
    }

    #[test]
    fn a_wrong_case_has_no_numbers() {
        let wrong = samples::wrong();
        for text in [bencher(&wrong), action(&wrong)] {
            assert!(!text.contains("lattice/encode/n1"), "{text}");
            assert!(text.contains("lattice/encode/n2"), "{text}");
        }
    }
}
