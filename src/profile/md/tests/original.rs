//! What the tests of mlff-distiller's profiler pin down, on our side.

use super::super::document::{Document, GIGABYTE};
use super::super::hotspots::identify_hotspots;
use super::super::profile::compare;
use super::*;
use crate::stats::Samples;

/// The keys of `MDProfileResult` in its order, with the type of each.
const KEYS: [(&str, &str); 25] = [
    ("name", "text"),
    ("model_name", "text"),
    ("n_steps", "whole"),
    ("device", "text"),
    ("latencies_ms", "list"),
    ("mean_latency_ms", "number"),
    ("median_latency_ms", "number"),
    ("std_latency_ms", "number"),
    ("min_latency_ms", "number"),
    ("max_latency_ms", "number"),
    ("p95_latency_ms", "number"),
    ("p99_latency_ms", "number"),
    ("energy_time_ms", "number?"),
    ("forces_time_ms", "number?"),
    ("stress_time_ms", "number?"),
    ("memory_initial_gb", "number"),
    ("memory_final_gb", "number"),
    ("memory_peak_gb", "number"),
    ("memory_per_step_gb", "list"),
    ("n_atoms", "whole?"),
    ("system_size", "text?"),
    ("total_time_s", "number"),
    ("steps_per_second", "number"),
    ("timestamp", "text"),
    ("notes", "text"),
];

/// A document of five steps of a millisecond, and 100 atoms.
fn document() -> Document {
    let steps = Samples::new([1.0; 5]);
    Document {
        name: "Test Profile".into(),
        model_name: "test-model".into(),
        n_steps: 5,
        device: "cpu".into(),
        latencies_ms: steps,
        mean_latency_ms: 1.0,
        median_latency_ms: 1.0,
        std_latency_ms: 0.0,
        min_latency_ms: 1.0,
        max_latency_ms: 1.0,
        p95_latency_ms: 1.0,
        p99_latency_ms: 1.0,
        energy_time_ms: None,
        forces_time_ms: None,
        stress_time_ms: None,
        memory_initial_gb: 1.0,
        memory_final_gb: 1.0,
        memory_peak_gb: 1.0,
        memory_per_step_gb: vec![1.0],
        n_atoms: Some(100),
        system_size: Some("100 atoms".into()),
        total_time_s: 0.005,
        steps_per_second: 1000.0,
        timestamp: "2000-12-31 23:59:59".into(),
        notes: String::new(),
    }
}

/// The types of a file's values, by key, in its order.
fn types(text: &str) -> Vec<(String, &'static str)> {
    // The keys of the object stand at the start of a line, two blanks in.
    let keys = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once('"'));
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let of = |key: &str| match &value[key] {
        serde_json::Value::String(_) => "text",
        serde_json::Value::Array(_) => "list",
        serde_json::Value::Number(n) if n.is_u64() => "whole",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::Null => "null",
        other => panic!("{key}: {other}"),
    };
    keys.map(|(key, _)| (key.to_owned(), of(key))).collect()
}

#[test]
fn a_file_has_the_keys_of_the_original_in_its_order_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sw_profile.json");
    for plan in [short(11), Plan { memory: false, ..short(3) }] {
        let found = profile(Fault::None, &plan).document;
        found.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let types = types(&text);
        let names: Vec<_> = types.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, KEYS.map(|(name, _)| name), "names");
        for ((name, found), (_, wanted)) in types.iter().zip(KEYS) {
            let optional = wanted.strip_suffix('?');
            let fits =
                *found == optional.unwrap_or(wanted) || optional.is_some() && *found == "null";
            assert!(fits, "{name}: {found}, not {wanted}");
        }
        assert_eq!(Document::load(&path).unwrap(), found, "loaded");
        let more = text.replacen('{', "{\"more\": 1,", 1);
        std::fs::write(&path, more).unwrap();
        let why = Document::load(&path).unwrap_err().to_string();
        assert!(why.contains("unknown field `more`"), "{why}");
    }
}

#[test]
fn memory_is_stable_below_ten_megabytes_either_way() {
    let with = |delta: f64| Document { memory_final_gb: 1.0 + delta, ..document() };
    assert!((with(0.05).memory_delta_gb() - 0.05).abs() < 1e-6, "delta");
    assert!(with(0.005).memory_stable() && !with(0.02).memory_stable(), "5 and 20 MB");
    assert!(!with(-0.02).memory_stable(), "down");
    // Exactly 10 MiB is not stable, one byte less is.
    let megabytes = 10.0 * 1024.0 * 1024.0;
    assert!(!with(megabytes / GIGABYTE).memory_stable(), "10 MB");
    assert!(with((megabytes - 1.0) / GIGABYTE).memory_stable(), "a byte less");
}

#[test]
fn a_summary_has_the_name_the_model_and_the_mean() {
    assert_eq!(document().us_per_atom(), Some(10.0), "1 ms of 100 atoms");
    assert_eq!(Document { n_atoms: None, ..document() }.us_per_atom(), None, "unknown");
    assert_eq!(Document { n_atoms: Some(0), ..document() }.us_per_atom(), None, "none");
    let said = document().summary();
    for part in ["Test Profile", "test-model", "Mean:", "1.0000 ms"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_profile_has_its_steps_and_its_memory() {
    assert_eq!((Plan::default().warmup, Plan::default().memory), (10, true), "usual");
    let planted = Planted::new(Fault::None);
    let found = profile_potential("sw", &planted, silicon(), 0.001, 1.0, &short(20)).unwrap();
    let document = &found.document;
    assert_eq!(document.name, "sw Profile", "name");
    assert_eq!((document.n_steps, document.latencies_ms.len()), (20, 20), "steps");
    assert!(document.mean_latency_ms > 0.0 && document.device == "cpu", "{document:?}");
    // One to start with, warm-ups and three repeats: nothing is cached.
    assert_eq!(planted.calls.get(), 1 + 10 + 60, "evaluations");
    assert!(document.memory_initial_gb > 0.0 && document.memory_final_gb > 0.0, "{document:?}");
    assert!(document.memory_peak_gb >= document.memory_final_gb, "{document:?}");
    assert_eq!(document.memory_per_step_gb.len(), 2, "one in ten");
    let odd = profile(Fault::None, &short(21)).document;
    assert_eq!(odd.memory_per_step_gb.len(), 3, "of 21");
    let steps = found.document.latencies_ms.values();
    let mean = steps.iter().sum::<f64>() / 20.0;
    let spread = steps.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20.0;
    assert!((document.std_latency_ms - spread.sqrt()).abs() < 1e-12, "ddof 0");
}

#[test]
fn a_sleeper_of_a_millisecond_is_faster_than_one_of_ten() {
    let plan = Plan { repeat: 1, warmup: 0, ..short(6) };
    let of = |ms| profile(Fault::Sleeps(Duration::from_millis(ms)), &plan).document;
    let both = [("slow".to_owned(), of(10)), ("fast".to_owned(), of(1))];
    let found = compare(&both);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1), ("slow", 1.0), "the first is the measure");
    assert!(found[1].1 > 1.2, "{found:?}");
}

#[test]
fn hotspots_are_by_the_rules_of_the_original_and_limits_are_not_beyond_themselves() {
    let base = Document { energy_time_ms: Some(0.2), forces_time_ms: Some(0.7), ..document() };
    let found = identify_hotspots(&base, 10.0);
    let [energy, forces] = [found.components.energy, found.components.forces].map(Option::unwrap);
    assert!(energy.is_hotspot && forces.is_hotspot, "{found:?}");
    assert!((energy.percentage - 20.0).abs() < 1e-9 && found.total_time_ms == 1.0, "{found:?}");
    assert!(found.recommendations[0].starts_with("Energy"), "{found:?}");
    assert!(found.recommendations[1].contains("primary target"), "{found:?}");
    let said = |document: &Document| identify_hotspots(document, 10.0).recommendations.join("; ");
    let grown = Document { memory_final_gb: 1.0 + 20.0 / 1024.0, ..document() };
    assert!(said(&grown).contains("Memory leak? It grew by 20.0 MB"), "{}", said(&grown));
    let uneven = Document { std_latency_ms: 0.3, ..document() };
    assert!(said(&uneven).contains("variance"), "{}", said(&uneven));
    let tailed = Document { p99_latency_ms: 2.1, ..document() };
    assert!(said(&tailed).contains("P99"), "{}", said(&tailed));
    let limits = Document {
        energy_time_ms: Some(0.1),
        std_latency_ms: 0.2,
        p99_latency_ms: 2.0,
        ..document()
    };
    assert_eq!(said(&limits), "", "exactly 10 %, 20 % and twice");
    let all = Document { std_latency_ms: 0.3, p99_latency_ms: 2.1, ..grown };
    let all = Document { energy_time_ms: Some(0.2), forces_time_ms: Some(0.7), ..all };
    let found = identify_hotspots(&all, 10.0).recommendations;
    let order = ["Energy", "Forces", "Memory leak", "variance", "P99"];
    assert!(found.iter().zip(order).all(|(said, word)| said.contains(word)), "{found:?}");
    assert_eq!(found.len(), 5, "{found:?}");
    let none = Document { mean_latency_ms: 0.0, ..base };
    assert_eq!(identify_hotspots(&none, 10.0).recommendations, [""; 0], "no time at all");
    let text = serde_json::to_value(identify_hotspots(&document(), 10.0)).unwrap();
    let keys: Vec<_> = text.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["components", "recommendations", "summary", "total_time_ms"], "keys");
}

#[test]
fn a_saved_profile_is_there_with_its_steps() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("profile.json");
    profile(Fault::None, &short(7)).document.save(&path).unwrap();
    assert_eq!(Document::load(&path).unwrap().n_steps, 7, "steps");
}
