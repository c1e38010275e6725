//! Files with and without planted changes.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::input::gaussian;

/// Twenty times around `seconds`.
fn times(seed: u64, seconds: f64) -> Vec<f64> {
    gaussian(seed, 20, 0.004).into_iter().map(|noise| seconds * (1.0 + noise)).collect()
}

fn timing(seed: u64, seconds: f64) -> Value {
    let all = times(seed, seconds);
    json!({"mean_time": all.iter().sum::<f64>() / 20.0, "std_time": 0.004 * seconds, "all_times": all})
}

/// Two batch sizes of encoding; the best implementation takes `factor` as long.
fn lattice(seed: u64, factor: f64) -> Value {
    let row = |batch: u64| {
        let seconds = 1e-8 * batch as f64;
        json!({
            "batch_size": batch, "lattice_type": "D4", "q": 4, "M": 2, "device": "cpu",
            "baseline": timing(seed + batch, 4.0 * seconds), "cuda_optimized": null, "speedup": null,
            "extension": {
                "schema": 1, "beta": 0.25, "seed": 42, "iterations": 20,
                "roofs": {"read": 1e10, "non_temporal_write": 8e9},
                "cpu_simd": timing(seed + 7 * batch, factor * seconds),
                "roof": {"name": "read"}, "quality": {"mse": 0.01, "overload_probability": 0.1},
            },
        })
    };
    json!([row(100), row(10_000)])
}

fn steps(seed: u64, factor: f64) -> Value {
    let noise = gaussian(seed, 1000, 0.01);
    let all = (0..)
        .zip(noise)
        .map(|(k, noise)| factor * (1.0 + noise) * if k % 40 == 0 { 0.04 } else { 0.01 });
    let all: Vec<f64> = all.collect();
    json!({
        "name": "sw Profile", "model_name": "sw", "n_steps": 1000, "device": "cpu",
        "latencies_ms": all, "mean_latency_ms": all.iter().sum::<f64>() / 1000.0,
        "p95_latency_ms": 0.011, "p99_latency_ms": 0.04, "forces_time_ms": 0.008, "energy_time_ms": null,
        "memory_peak_gb": 0.01, "n_atoms": 64,
    })
}

fn model(seed: u64, factor: f64, with_samples: bool) -> Value {
    let one = |seed: u64, seconds: f64| {
        json!({
            "mean_seconds": seconds, "std_seconds": 0.004 * seconds, "samples": 20,
            "seconds": times(seed, seconds),
        })
    };
    let (single, full) = (one(seed, factor * 1e-6), one(seed + 1, factor * 1e-4));
    let extended = json!({
        "n_steps": 100, "lag": 5, "isa": "avx2", "single_step": single, "full_trajectory": full,
        "machine": {"cpu_name": "one", "rustc": "1.89"}, "sources": format!("{seed:016x}"),
    });
    json!({
        "model_name": "MVAR", "memory": {"model_parameters": 2020, "peak_mb": 20.0},
        "inference": {"single_step": single, "full_trajectory": full},
        "throughput": {"seconds_per_step": factor * 1e-6}, "complexity": {"latent_dimension": 20},
        "extended": if with_samples { extended } else { Value::Null },
    })
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, value: &Value) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, serde_json::to_vec(value).unwrap()).unwrap();
        path
    }

    fn compared(&self, a: &Value, b: &Value) -> Result<Comparison, Error> {
        compare(&self.put("a.json", a), &self.put("b.json", b), 3.0)
    }
}

fn verdicts(found: &Comparison) -> Vec<(&str, &str)> {
    let word = |row: &Row| row.verdict.unwrap().name();
    found.times.iter().map(|row| (row.id.as_str(), word(row))).collect()
}

#[test]
fn a_planted_slowdown_of_the_codec_is_named_and_the_rest_is_the_same() {
    let files = Files::new();
    let got = files.compared(&lattice(1, 1.0), &lattice(50_000, 1.1)).unwrap();
    let want = [
        ("encoding D4 q4 M2, n 100, scalar", "same"),
        ("encoding D4 q4 M2, n 100, best of the processor", "slower"),
        ("encoding D4 q4 M2, n 10000, scalar", "same"),
        ("encoding D4 q4 M2, n 10000, best of the processor", "slower"),
    ];
    assert_eq!(verdicts(&got), want, "{got:?}");
    let mean = got.geometric_mean.unwrap();
    assert!((mean.ratio / 1.1_f64.sqrt() - 1.0).abs() < 5e-3 && mean.entries == 4, "{mean:?}");
    assert!(mean.low.unwrap() < mean.ratio && mean.ratio < mean.high.unwrap(), "{mean:?}");
    let names: Vec<_> = got.others.iter().map(|row| row.id.as_str()).collect();
    let want =
        ["D4 q4 M2: squared error", "D4 q4 M2: overload", "roof of reading", "roof of writing"];
    assert_eq!(names, want, "each once");
    assert!(
        got.others.iter().all(|row| row.ratio == Some(1.0) && row.verdict.is_none()),
        "{got:?}"
    );
    let text = text(&got);
    for part in ["slower", "1.100", "20 and 20 samples", "do not both say which machine"] {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
}

#[test]
fn equal_files_are_the_same_and_a_faster_one_is_faster() {
    let files = Files::new();
    for (factor, word) in [(1.0, "same"), (0.9, "faster"), (1.1, "slower")] {
        for (a, b) in [
            (lattice(1, 1.0), lattice(50_000, factor)),
            (steps(3, 1.0), steps(4, factor)),
            (model(5, 1.0, true), model(9, factor, true)),
            (model(5, 1.0, false), model(9, factor, false)),
        ] {
            let got = files.compared(&a, &b).unwrap();
            let has = |id: &str| !id.contains("scalar");
            let words = verdicts(&got);
            assert!(words.iter().all(|(id, found)| !has(id) || *found == word), "{words:?}");
            assert!(words.iter().any(|(id, _)| has(id)), "{words:?}");
        }
    }
    let same = steps(3, 1.0);
    let got = files.compared(&same, &same).unwrap();
    assert_eq!((got.times[0].ratio, got.changed.len()), (Some(1.0), 0), "{got:?}");
}

#[test]
fn steps_are_known_by_model_atoms_and_device_and_read_with_what_stands_beside_them() {
    let files = Files::new();
    let (a, b) =
        (files.put("a_profile.json", &steps(1, 1.0)), files.put("b_profile.json", &steps(2, 1.0)));
    let beside = |cpu: &str, ms: f64| {
        json!({
            "schema": 1, "verdicts": [], "latency": {"steps": 3000},
            "trajectory": {"dt_ps": 0.001, "skin_angstrom": 1.0}, "machine": {"cpu_name": cpu},
            "sources": "1", "phases": [{"name": "neighbours", "total_ms": ms}],
        })
    };
    files.put("a_profile.extended.json", &beside("one", 3.0));
    let other = files.put("b_profile.extended.json", &beside("two", 6.0));
    let got = compare(&a, &b, 3.0).unwrap();
    assert_eq!(verdicts(&got), [("sw, 64 atoms, cpu: step", "same")], "{got:?}");
    assert!(got.knows_machines && got.times[0].by == "31 and 31 blocks of steps", "{got:?}");
    let list = got.others.iter().find(|row| row.id.ends_with("neighbours in a step")).unwrap();
    assert_eq!((list.a, list.ratio), (1e-6, Some(2.0)), "{list:?}");
    let want = Changed { name: "cpu_name".into(), a: Some("one".into()), b: Some("two".into()) };
    assert_eq!(got.changed, [want], "what changed");
    let why = compare(&a, &other, 3.0).unwrap_err().to_string();
    assert!(
        why.contains("b_profile.extended.json") && why.contains("give the *_profile.json"),
        "{why}"
    );
    // Rebuilds take part in the mean, and count as they do there.
    let mut slow = steps(2, 1.0);
    let all = slow["latencies_ms"].as_array_mut().unwrap();
    all.iter_mut().step_by(40).for_each(|ms| *ms = (4.0 * ms.as_f64().unwrap()).into());
    let got = files.compared(&steps(1, 1.0), &slow).unwrap();
    assert_eq!(verdicts(&got)[0].1, "slower", "{got:?}");
}

#[test]
fn sizes_and_models_of_one_number_each_have_a_ratio_and_no_interval() {
    let files = Files::new();
    let sizes = |ms: f64| {
        json!({
            "model": "sw", "system": "silicon", "exponent": {"value": 1.0, "low": 0.9, "high": 1.1},
            "points": [{"n_atoms": 64, "mean_ms": 0.01}, {"n_atoms": 512, "mean_ms": ms}],
        })
    };
    let models = |ms: f64| {
        json!({
            "system": "silicon", "n_atoms": 64, "baseline": "sw", "reference": null,
            "models": [{"model": "sw", "mean_ms": ms, "force_rmse_ev_per_angstrom": 0.5}],
        })
    };
    for (got, id, other) in [
        (files.compared(&sizes(0.1), &sizes(0.2)), "sw, 512 atoms: step", "sw: exponent"),
        (
            files.compared(&models(0.1), &models(0.2)),
            "sw, 64 atoms: step",
            "sw, 64 atoms: error of forces, eV/angstrom",
        ),
    ] {
        let got = got.unwrap();
        let row = got.times.iter().find(|row| row.id == id).unwrap();
        assert_eq!((row.ratio, row.low), (Some(2.0), None), "{got:?}");
        assert_eq!(row.verdict, Some(Verdict::Unclear), "{got:?}");
        assert_eq!(got.others[0].id, other, "{got:?}");
        assert!(text(&got).contains("without an interval"), "{}", text(&got));
    }
}

#[test]
fn models_are_known_by_their_size_and_a_summary_holds_them() {
    let files = Files::new();
    let models = json!({"models": ["MVAR", "LSTM"], "inference_speedup": {"LSTM_vs_MVAR": 0.5}});
    let summary = |seed| {
        json!({
            "experiment_name": "x", "runtime_analysis": {"profiles": [model(seed, 1.0, true)],
            "comparison": models},
        })
    };
    let got = files.compared(&summary(1), &summary(11)).unwrap();
    let want = [
        ("MVAR (2020 parameters, d 20), one step", "same"),
        ("MVAR (2020 parameters, d 20), 100 steps", "same"),
    ];
    assert_eq!(verdicts(&got), want, "{got:?}");
    assert_eq!(got.changed.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["sources"]);
    let of = |low: f64, high: f64| {
        json!({
            "models": ["MVAR", "LSTM"], "inference_speedup": {"LSTM_vs_MVAR": 0.5},
            "extended": {"full_trajectory_speedup": {"LSTM_vs_MVAR": {"ratio": low.midpoint(high), "low": low, "high": high}}},
        })
    };
    let got = files.compared(&of(0.499, 0.501), &of(0.249, 0.251)).unwrap();
    assert_eq!(verdicts(&got)[0].1, "slower", "{got:?}");
    assert!((got.times[0].ratio.unwrap() - 2.0).abs() < 1e-12, "{got:?}");
    let got = files.compared(&models, &models).unwrap();
    assert_eq!((verdicts(&got)[0].1, got.times[0].low), ("unclear", None), "one number");
    let mut other = model(1, 1.0, true);
    other["memory"]["model_parameters"] = 4040.into();
    let why = files.compared(&model(1, 1.0, true), &other).unwrap_err();
    assert!(matches!(&why, Error::Nothing { .. }), "{why}");
    assert!(why.to_string().contains("`MVAR (4040 parameters, d 20), one step`"), "{why}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let files = Files::new();
    let good = steps(1, 1.0);
    let refused = |other: &Value| files.compared(&good, other).unwrap_err().to_string();
    let why = refused(&lattice(1, 1.0));
    assert!(
        why.contains("a.json is a profile of md, and") && why.contains("one of lattice"),
        "{why}"
    );
    for foreign in [json!({"a": [1, {"b": null}]}), json!([]), json!(7)] {
        assert!(refused(&foreign).contains("b.json: no profile by its keys"), "{foreign}");
    }
    let sweep = json!({"lattice_type": "D4", "best": {}, "points": []});
    assert!(refused(&sweep).contains("give the *_results_*.json"), "a sweep");
    let mut bad = good.clone();
    bad["latencies_ms"].as_array_mut().unwrap().iter_mut().for_each(|ms| *ms = json!(-1.0));
    assert!(
        refused(&bad).contains("b.json: sw, 64 atoms, cpu: step: found -0.001"),
        "{}",
        refused(&bad)
    );
    let (a, broken) = (files.put("a.json", &good), files.0.path().join("broken.json"));
    fs::write(&broken, "{\"a\": ").unwrap();
    assert!(matches!(compare(&a, &broken, 3.0), Err(Error::NotJson { .. })), "broken");
    assert!(matches!(compare(&a, &a.join("none"), 3.0), Err(Error::Io { .. })), "not there");
}
