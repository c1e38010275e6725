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
    use serde_json::{Value, json};

    use super::super::samples;
    use super::*;

    /// A map from benchmarks to maps from measures to numbers, as Bencher takes them.
    fn bencher_schema() -> Value {
        let metric = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["value"],
            "properties": {
                "value": {"type": "number"},
                "lower_value": {"type": "number"},
                "upper_value": {"type": "number"},
            },
        });
        // Measures are slugs of at most 64 characters, benchmarks names of at most 1024.
        json!({
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 1024},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"maxLength": 64, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
                "additionalProperties": metric,
            },
        })
    }

    /// A list of results, as github-action-benchmark takes them; it refuses an empty one.
    fn action_schema() -> Value {
        json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "unit", "value"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "unit": {"type": "string", "minLength": 1},
                    "value": {"type": "number"},
                    "range": {"type": "string", "pattern": "^\\+- [0-9]+\\.[0-9]+$"},
                    "extra": {"type": "string"},
                },
            },
        })
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[track_caller]
    fn valid(schema: &Value, value: &Value) {
        let errors = jsonschema::validator_for(schema).unwrap();
        let errors: Vec<_> = errors.iter_errors(value).map(|err| err.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {value:#}");
    }

    #[test]
    fn every_outcome_is_of_the_form_that_its_reader_takes() {
        for outcome in samples::all() {
            valid(&bencher_schema(), &parsed(&bencher(&outcome)));
            if !outcome.compared().is_empty() {
                let entries = parsed(&action(&outcome));
                valid(&action_schema(), &entries);
                let mut names: Vec<_> = entries
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| entry["name"].to_string())
                    .collect();
                let all = names.len();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), all, "a name twice: {entries:#}");
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
