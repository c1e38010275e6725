//! The entries of profiles of molecular dynamics.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, Found, Unit, blocks};
use super::keys::{at, circumstances, number, numbers};

/// Circumstances that the file beside the profile holds.
const CONDITIONS: [&str; 9] = [
    "machine",
    "sources",
    "is_debug_build",
    "trajectory.kind",
    "trajectory.source",
    "trajectory.dt_ps",
    "trajectory.skin_angstrom",
    "trajectory.seed",
    "trajectory.warmup_steps",
];

const GIGABYTE: f64 = 1_073_741_824.0;

/// A profile, and what stands beside it, which may be nothing.
pub(super) fn steps(value: &Value, extended: &Value) -> (Vec<Entry>, BTreeMap<String, String>) {
    let text = |key: &str| at(value, key).as_str().unwrap_or("?");
    let atoms = number(value, "n_atoms").map_or("? atoms".to_owned(), |n| format!("{n} atoms"));
    let head = format!("{}, {atoms}, {}", text("model_name"), text("device"));
    let id = |what: &str| format!("{head}: {what}");
    let mut entries = Vec::new();
    if let Some(mean) = number(value, "mean_latency_ms") {
        let found = match numbers(value, "latencies_ms") {
            Some(all) => {
                let seconds: Vec<f64> = all.iter().map(|ms| 1e-3 * ms).collect();
                Found::Samples(blocks(&seconds))
            }
            None => Found::Alone,
        };
        let entry = Entry::time(id("step"), 1e-3 * mean, found);
        entries.push(Entry { sampled: "blocks of steps", ..entry });
    }
    let others = [
        ("95 % quantile", Unit::Seconds, "p95_latency_ms", 1e-3),
        ("99 % quantile", Unit::Seconds, "p99_latency_ms", 1e-3),
        ("energy", Unit::Seconds, "energy_time_ms", 1e-3),
        ("forces", Unit::Seconds, "forces_time_ms", 1e-3),
        ("stress", Unit::Seconds, "stress_time_ms", 1e-3),
        ("most memory", Unit::Bytes, "memory_peak_gb", GIGABYTE),
    ];
    entries.extend(others.into_iter().filter_map(|(what, unit, key, scale)| {
        Some(Entry::other(id(what), unit, scale * number(value, key)?))
    }));
    let all = number(extended, "latency.steps");
    let phases = at(extended, "phases").as_array().into_iter().flatten();
    entries.extend(phases.filter_map(|phase| {
        let name = at(phase, "name").as_str()?;
        let seconds = 1e-3 * number(phase, "total_ms")? / all?;
        Some(Entry::other(id(&format!("{name} in a step")), Unit::Seconds, seconds))
    }));
    let mut conditions = circumstances(extended, &CONDITIONS);
    conditions.extend(circumstances(value, &["n_steps"]));
    (entries, conditions)
}

/// Steps of one model over sizes.
pub(super) fn sizes(value: &Value) -> (Vec<Entry>, BTreeMap<String, String>) {
    let model = at(value, "model").as_str().unwrap_or("?");
    let point = |point: &Value| {
        let (atoms, ms) = (number(point, "n_atoms")?, number(point, "mean_ms")?);
        Some(Entry::time(format!("{model}, {atoms} atoms: step"), 1e-3 * ms, Found::Alone))
    };
    let points = at(value, "points").as_array().into_iter().flatten();
    let mut entries: Vec<_> = points.filter_map(point).collect();
    let exponent = number(value, "exponent.value");
    let other = |exponent| Entry::other(format!("{model}: exponent"), Unit::Number, exponent);
    entries.extend(exponent.map(other));
    (entries, circumstances(value, &["system"]))
}

/// Steps of all models of a system.
pub(super) fn potentials(value: &Value) -> (Vec<Entry>, BTreeMap<String, String>) {
    let atoms = number(value, "n_atoms").unwrap_or_default();
    let mut entries = Vec::new();
    for model in at(value, "models").as_array().into_iter().flatten() {
        let head = format!("{}, {atoms} atoms", at(model, "model").as_str().unwrap_or("?"));
        if let Some(ms) = number(model, "mean_ms") {
            entries.push(Entry::time(format!("{head}: step"), 1e-3 * ms, Found::Alone));
        }
        let others = [
            ("error of forces, eV/angstrom", "force_rmse_ev_per_angstrom"),
            ("energy about its line, meV per atom", "detrended_rms_mev_per_atom"),
        ];
        entries.extend(others.into_iter().filter_map(|(what, key)| {
            Some(Entry::other(format!("{head}: {what}"), Unit::Number, number(model, key)?))
        }));
    }
    (entries, circumstances(value, &["system", "reference"]))
}
