//! Vectors of the runtime analyzer: its files, and its functions on fixed inputs.
//!
//! A profile must have the fields of ours and no other, and all that follows from its times and sizes
//! is computed anew; so is a comparison whose profiles are known.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stepmark::profile::rom::comparison::{Comparison, compare};
use stepmark::profile::rom::complexity::Kind;
use stepmark::profile::rom::document::{Facts, Inference, Profile};

use super::file_name;
use crate::conformance;

pub(crate) const RUNTIME: conformance::Kind =
    conformance::Kind { name: "rom runtime", role, check };

/// Of numbers that follow from others.
const TOLERANCE: f64 = 1e-12;

fn json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| e.to_string())
}

fn role(path: &Path) -> conformance::Role {
    use conformance::Role::{Case, Other, Part};
    let name = file_name(path);
    let is_schema = name.starts_with("runtime_") && name.ends_with(".schema.json");
    let is_json = path.extension().is_some_and(|end| end == "json") && !is_schema;
    let Some(held) = is_json.then(|| json(path).ok()).flatten() else {
        return if is_schema { Part } else { Other };
    };
    let has = |keys: &[&str]| keys.iter().all(|key| held.get(key).is_some());
    let is_profile = has(&["model_name", "inference", "throughput", "complexity"]);
    let is_comparison = name == "runtime_comparison.json";
    let is_summary = held["runtime_analysis"].get("profiles").is_some();
    let is_cases = has(&["profiles", "comparisons"]);
    if is_profile || is_comparison || is_summary || is_cases { Case } else { Other }
}

fn check(path: &Path) -> Result<(), String> {
    let held = json(path)?;
    if held.get("comparisons").is_some() {
        return functions(&held);
    }
    if let Some(analysis) = held.get("runtime_analysis") {
        let profiles = analysis["profiles"].as_array().ok_or("profiles are no list")?;
        let profiles = profiles.iter().map(profile).collect::<Result<Vec<_>, _>>()?;
        return comparison(&profiles, &analysis["comparison"]);
    }
    if held.get("model_name").is_some() {
        return profile(&held).map(drop);
    }
    let models = held.get("models").and_then(Value::as_array).cloned().unwrap_or_default();
    let beside = |model: &Value| {
        let model = model.as_str().unwrap_or_default();
        let folder = path.parent().unwrap_or(path);
        let found = [model.to_owned(), format!("{model}_mock")].into_iter();
        let mut found = found.map(|name| folder.join(name).join("runtime_profile.json"));
        found.find(|file| file.exists()).map(|file| json(&file).and_then(|held| profile(&held)))
    };
    let profiles: Option<Vec<_>> = models.iter().map(beside).collect();
    match profiles {
        Some(profiles) => comparison(&profiles.into_iter().collect::<Result<Vec<_>, _>>()?, &held),
        None => parsed::<Comparison>(&held).map(drop),
    }
}

/// The value as one of ours, whose text has its fields again.
fn parsed<T: serde::Serialize + serde::de::DeserializeOwned>(held: &Value) -> Result<T, String> {
    let value: T = serde_json::from_value(held.clone()).map_err(|e| e.to_string())?;
    let again = serde_json::to_value(&value).map_err(|e| e.to_string())?;
    same("", &again, held)?;
    Ok(value)
}

/// A profile of a file, all of which follows from its times and sizes.
fn profile(held: &Value) -> Result<Profile, String> {
    let found: Profile = parsed(held)?;
    let Profile { memory, throughput, complexity, inference, .. } = &found;
    let steps = inference.full_trajectory.mean_seconds * throughput.steps_per_second;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let n_steps = steps.round() as usize;
    let (lag, hidden) = (complexity.lag_order, complexity.hidden_dimension);
    let facts = Facts {
        name: found.model_name.clone(),
        kind: Kind::of_name(&found.model_name, lag, hidden, complexity.num_layers),
        parameters: memory.model_parameters,
        d: complexity.latent_dimension,
        n_steps,
        training_seconds: found.training.total_seconds,
    };
    let mut again = Profile::new(&facts, *inference, (0, 0));
    (again.memory.peak_mb, again.memory.current_mb) = (memory.peak_mb, memory.current_mb);
    same("", &serde_json::to_value(&again).map_err(|e| e.to_string())?, held)?;
    Ok(found)
}

fn comparison(profiles: &[Profile], held: &Value) -> Result<(), String> {
    parsed::<Comparison>(held)?;
    same("", &serde_json::to_value(compare(profiles)).map_err(|e| e.to_string())?, held)
}

/// The functions on the inputs of a file.
fn functions(held: &Value) -> Result<(), String> {
    let list = |name: &str| held[name].as_array().cloned().ok_or(format!("no {name}"));
    let mut profiles = Vec::new();
    for (nth, case) in list("profiles")?.iter().enumerate() {
        let found = of_inputs(&case["in"], &case["out"]).map_err(|why| format!("{nth}: {why}"))?;
        let mut got = serde_json::to_value(&found).map_err(|e| e.to_string())?;
        let memory = got["memory"].as_object_mut().ok_or("no memory")?;
        memory.remove("peak_mb");
        memory.remove("current_mb");
        same(&format!("profile {nth}"), &got, &case["out"])?;
        profiles.push(found);
    }
    for (nth, case) in list("comparisons")?.iter().enumerate() {
        let names = case["models"].as_array().ok_or("no models")?;
        let named = |name: &Value| {
            let name = name.as_str().unwrap_or_default();
            let found = profiles.iter().find(|profile| profile.model_name == name);
            // A model that no profile is of stands for one that equals all others.
            let mut profile = found.or(profiles.first()).cloned()?;
            name.clone_into(&mut profile.model_name);
            Some(profile)
        };
        let compared: Vec<_> = names.iter().filter_map(named).collect();
        let got = serde_json::to_value(compare(&compared)).map_err(|e| e.to_string())?;
        same(&format!("comparison {nth}"), &got, &case["out"])?;
    }
    Ok(())
}

/// The profile of inputs with the times that the result was recorded with.
fn of_inputs(inputs: &Value, out: &Value) -> Result<Profile, String> {
    let count = |name: &str| inputs[name].as_u64().and_then(|n| usize::try_from(n).ok());
    let needed = |name: &str| count(name).ok_or(format!("no {name}"));
    let name = inputs["model_name"].as_str().ok_or("no model_name")?;
    let facts = Facts {
        name: name.to_owned(),
        kind: Kind::of_name(name, count("lag"), count("hidden_dim"), count("n_layers")),
        parameters: needed("model_params")?,
        d: needed("latent_dim")?,
        n_steps: needed("n_forecast_steps")?,
        training_seconds: inputs["training_time"].as_f64(),
    };
    let inference: Inference = parsed(&out["inference"])?;
    Ok(Profile::new(&facts, inference, (0, 0)))
}

/// Requires the same fields and values, numbers within the tolerance.
fn same(at: &str, got: &Value, want: &Value) -> Result<(), String> {
    let differs = || Err(format!("{at}: found {got}, expected {want}"));
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            if !got.keys().eq(want.keys()) {
                return differs();
            }
            got.iter().try_for_each(|(key, value)| same(&format!("{at}/{key}"), value, &want[key]))
        }
        (Value::Number(got), Value::Number(want)) => match (got.as_f64(), want.as_f64()) {
            (Some(x), Some(y)) if (x - y).abs() <= TOLERANCE * y.abs() => Ok(()),
            _ => differs(),
        },
        _ if got == want => Ok(()),
        _ => differs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Role;

    fn checked(name: &str, text: &str) -> (bool, Result<(), String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        (role(&path) == Role::Case, check(&path))
    }

    #[test]
    fn a_profile_with_a_wrong_rate_or_another_field_fails() {
        let timing = r#"{"total_seconds":2.0,"mean_seconds":1.0,"std_seconds":0.0,"min_seconds":1.0,
            "max_seconds":1.0,"samples":2}"#;
        let text = format!(
            r#"{{"model_name":"X","training":{{}},"inference":{{"single_step":{timing},
            "full_trajectory":{timing}}},"memory":{{"peak_mb":2.0,"current_mb":1.0,
            "model_parameters":131072,"parameter_memory_mb":1.0}},"throughput":{{
            "steps_per_second":4.0,"predictions_per_second":12.0,"seconds_per_step":0.25,
            "microseconds_per_step":250000.0}},"complexity":{{"total_parameters":131072,
            "latent_dimension":3}}}}"#
        );
        assert_eq!(checked("runtime_profile.json", &text), (true, Ok(())), "right");
        for (from, to) in [
            ("12.0", "13.0"),
            ("\"latent_dimension\":3", "\"latent_dimension\":3,\"lag_order\":5"),
            ("\"parameter_memory_mb\":1.0", "\"parameter_memory_mb\":0.5"),
            ("\"training\":{}", "\"training\":{},\"median\":1"),
        ] {
            let (is_case, said) = checked("runtime_profile.json", &text.replace(from, to));
            assert!(is_case && said.is_err(), "{to}");
        }
        let other = r#"{"model_name":"X","steps":3}"#;
        assert!(!checked("runtime_profile.json", other).0, "of another program");
    }

    #[test]
    fn a_comparison_alone_must_have_all_fields() {
        let text = r#"{"models":["A","B"],"training_time_ratio":{},"inference_speedup":
            {"B_vs_A":0.5},"memory_ratio":{},"parameter_ratio":{},"winners":
            {"fastest_inference":"A","smallest_memory":"A"}}"#;
        assert_eq!(checked("runtime_comparison.json", text), (true, Ok(())), "whole");
        assert_eq!(checked("runtime_comparison.json", "{}"), (true, Ok(())), "of no models");
        let cut = text.replace("\"memory_ratio\":{},", "");
        assert!(checked("runtime_comparison.json", &cut).1.is_err(), "a field is missing");
    }
}
