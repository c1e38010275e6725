//! `stepmark compare` as its users meet it: exit codes, messages, JSON.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stepmark::cli::{self, Exit, Suite};

/// How a command ended, what it printed, and what went wrong.
fn run(args: &[&str]) -> (Exit, String, String) {
    let line = ["stepmark", "compare"].iter().chain(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::compare()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

/// A profile of 100 steps of so many milliseconds.
fn steps(folder: &Path, name: &str, atoms: u64, ms: f64) -> String {
    let all: Vec<f64> = (0..100).map(|k| ms * (1.0 + 1e-3 * f64::from(k % 7))).collect();
    let value = json!({
        "model_name": "sw", "n_steps": 100, "device": "cpu", "latencies_ms": all,
        "mean_latency_ms": 1.003 * ms, "n_atoms": atoms,
    });
    put(folder, name, &value)
}

fn put(folder: &Path, name: &str, value: &Value) -> String {
    let path = folder.join(name);
    fs::write(&path, value.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_slower_profile_is_told_and_decides_only_if_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str, ms: f64| steps(dir.path(), name, 64, ms);
    let (a, b, c) = (at("a.json", 0.01), at("b.json", 0.012), at("c.json", 0.0103));
    let (exit, out, err) = run(&[&a, &b]);
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{out}");
    assert!(out.contains("sw, 64 atoms, cpu: step") && out.contains("1.200 to 1.200"), "{out}");
    let json = dir.path().join("found.json");
    let (exit, _, err) = run(&[&a, &b, "--strict", "--json", json.to_str().unwrap()]);
    assert_eq!((exit, err.as_str()), (Exit::Regression, ""), "slower");
    let found: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(
        (&found["chapter"], &found["times"][0]["verdict"]),
        (&"md".into(), &"slower".into())
    );
    assert!((found["geometric_mean"]["ratio"].as_f64().unwrap() - 1.2).abs() < 1e-9, "{found}");
    assert_eq!(run(&[&b, &a, "--strict"]).0, Exit::Pass, "faster");
    assert_eq!(run(&[&a, &c, "--strict"]).0, Exit::Unclear, "on the margin");
    assert_eq!(run(&[&a, &c, "--strict", "--margin-pct", "5"]).0, Exit::Pass, "within a wider one");
}

#[test]
fn what_cannot_be_compared_has_an_exit_code_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let a = steps(dir.path(), "a.json", 64, 0.01);
    let larger = steps(dir.path(), "larger.json", 512, 0.1);
    let models = put(dir.path(), "models.json", &json!({"models": [], "inference_speedup": {}}));
    let foreign = put(dir.path(), "foreign.json", &json!({"name": "stepmark"}));
    for (b, exit, part) in [
        (&*larger, Exit::Incomparable, "larger.json has `sw, 512 atoms, cpu: step`"),
        (&models, Exit::Usage, "models.json one of rom; give two profiles of one chapter"),
        (&foreign, Exit::Usage, "foreign.json: no profile by its keys"),
        ("none.json", Exit::Failure, "none.json: cannot be read"),
    ] {
        let (got, out, err) = run(&[&a, b]);
        assert_eq!((got, out.as_str()), (exit, ""), "{err}");
        assert!(err.contains(part), "`{part}` in {err}");
    }
    for args in [&[&*a][..], &[&a, &a, "--margin-pct", "-1"], &[&a, &a, "--margin-pct", "x"]] {
        assert_eq!(run(args).0, Exit::Usage, "{args:?}");
    }
    let to = dir.path().join("missing/found.json");
    let (exit, _, err) = run(&[&a, &a, "--json", to.to_str().unwrap()]);
    assert!(exit == Exit::Failure && err.contains("found.json: cannot be written"), "{err}");
}
