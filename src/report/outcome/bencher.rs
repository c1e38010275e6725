//! The new numbers of an outcome for Bencher, which draws them over commits.
//!
//! Numbers of wrong cases are left out. The time of a case is that of the paired run, if there was
//! one, else its wall time.
//!
//! Source: "Bencher Metric Format", Bencher's reference.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text;
use crate::gate::{Outcome, Timed};

/// A time in nanoseconds and a range around it.
struct Time<'a> {
    id: &'a str,
    ns: f64,
    low_ns: f64,
    high_ns: f64,
}

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// Bencher Metric Format: `latency` in nanoseconds and `instructions` of each case.
pub fn bencher(outcome: &Outcome) -> String {
    let mut cases: BTreeMap<&str, BTreeMap<&str, Metric>> = BTreeMap::new();
    for Time { id, ns, low_ns, high_ns } in times(outcome) {
        let metric = Metric { value: ns, lower_value: Some(low_ns), upper_value: Some(high_ns) };
        cases.entry(id).or_default().insert("latency", metric);
    }
    for (id, count) in counts(outcome) {
        let metric = Metric { value: count, lower_value: None, upper_value: None };
        cases.entry(id).or_default().insert("instructions", metric);
    }
    text(&cases)
}

fn times(outcome: &Outcome) -> Vec<Time<'_>> {
    if let Some(duet) = &outcome.duet {
        let right = duet.cases.iter().filter(|case| !outcome.is_wrong(&case.id));
        return right.map(of_pairs).collect();
    }
    let walls = outcome.walls.iter().flatten().map(|pair| &pair.new);
    walls
        .filter(|wall| !outcome.is_wrong(&wall.id))
        .map(|wall| Time {
            id: &wall.id,
            ns: wall.number("median_ns"),
            low_ns: wall.number("p05_ns"),
            high_ns: wall.number("p95_ns"),
        })
        .collect()
}

/// The new time, in the interval of the ratio.
fn of_pairs(case: &Timed) -> Time<'_> {
    let &Timed { new_ns, ratio, low, high, .. } = case;
    Time { id: &case.id, ns: new_ns, low_ns: new_ns * low / ratio, high_ns: new_ns * high / ratio }
}

fn counts(outcome: &Outcome) -> impl Iterator<Item = (&str, f64)> {
    let right = outcome.counts.iter().filter(|pair| !outcome.is_wrong(&pair.new.id));
    right.map(|pair| (pair.new.id.as_str(), pair.new.number("instructions")))
}

#[cfg(test)]
mod tests {
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

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_outcome_is_of_the_form_that_its_reader_takes() {
        for outcome in samples::all() {
            bencher_takes(&bencher(&outcome));
        }
        assert_eq!(parsed(&bencher(&samples::incomparable())), json!({}), "nothing compared");
    }

    #[test]
    fn wall_times_have_the_range_of_their_samples() {
        let numbers = parsed(&bencher(&samples::pass()));
        let want = json!({"value": 300.0, "lower_value": 270.0, "upper_value": 330.0});
        assert_eq!(numbers["lattice/encode/n2"]["latency"], want, "{numbers:#}");
        assert_eq!(numbers["lattice/encode/n2"]["instructions"], json!({"value": 1000.0}));
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
        let text = bencher(&samples::wrong());
        assert!(!text.contains("lattice/encode/n1"), "{text}");
        assert!(text.contains("lattice/encode/n2"), "{text}");
    }
}
