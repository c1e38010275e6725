//! `summary.json`: sizes, options and mean scores of a pipeline.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::journal::{Journal, Row};
use super::tree::{Kind, SUMMARY, Set, Tree};
use super::{Error, Options, replace};
use crate::file::{self, npz};
use crate::rom::config::{Config, Stage};

/// Writes the summary.
pub(super) fn write(options: &Options<'_>, tree: &Tree, journal: &Journal) -> Result<(), Error> {
    let config = options.config;
    let mut basis = npz::Archive::open(&tree.common("pod_basis.npz"))?;
    let modes = basis.widened::<ndarray::Ix1>("singular_values")?.len();
    let energy = basis.widened::<ndarray::Ix0>("energy_ratio")?.into_scalar();
    let numbers = tree.runs(Set::Test)?;
    let scores = numbers.iter().filter_map(|number| journal.scores(*number));
    let rows: Vec<&Row> = scores.flat_map(|(rows, _)| rows).collect();
    let seconds: f64 = Stage::ALL.iter().filter_map(|stage| journal.ended(*stage)).sum();
    let mvar = mvar(config, tree, &rows)?;
    let lstm = lstm(config, journal, &rows);
    let lag = mvar.get("p_lag").cloned();
    let lag = lag.or_else(|| config.lstm.as_ref().map(|lstm| json!(lstm.lag)));
    let eps = config.pod.transform.eps().unwrap_or(crate::rom::pod::Transform::EPS);
    // In the order of wsindy-manifold, which a map of this library does not keep.
    let mut fields = vec![
        ("experiment_name", json!(options.name)),
        ("config", json!(options.file)),
        ("timestamp", json!(now())),
        ("n_train", json!(trained(tree, config)?)),
        ("n_test", json!(numbers.len())),
        ("r_pod", json!(modes)),
        ("lag", lag.unwrap_or(Value::Null)),
        ("models_enabled", json!({ "mvar": config.mvar.is_some(), "lstm": config.lstm.is_some() })),
        ("total_time_minutes", json!(seconds / 60.0)),
        ("runtime_analysis", former(tree)),
        (
            "pod",
            json!({
                "r_pod": modes,
                "energy_captured": energy,
                "density_transform": config.pod.transform.name(),
                "density_transform_eps": eps,
                "latent_standardize": config.pod.standardize,
            }),
        ),
        ("clamp_mode", json!(config.scoring.clamp.name())),
        ("mass_postprocess", json!(config.scoring.mass.name())),
    ];
    for (name, model) in [("mvar", mvar), ("lstm", lstm)] {
        if !model.is_empty() {
            fields.push((name, Value::Object(model)));
        }
    }
    let lines: Vec<_> = fields.iter().map(|(name, value)| field(name, value)).collect();
    let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
    replace(&tree.root(SUMMARY), text.as_bytes())
}

/// A field of an object, indented as all of it.
fn field(name: &str, value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("  \"{name}\": {}", text.replace('\n', "\n  "))
}

/// The profile that a summary has already, if it is of these models: none is newer than the summary.
fn former(tree: &Tree) -> Value {
    if !file::is_newer(&tree.root(""), SUMMARY, &[Kind::Mvar, Kind::Lstm].map(Kind::file)) {
        return Value::Null;
    }
    let bytes = std::fs::read(tree.root(SUMMARY)).unwrap_or_default();
    let held: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    held.get("runtime_analysis").cloned().unwrap_or_default()
}

/// How many runs models were fitted to.
fn trained(tree: &Tree, config: &Config) -> Result<usize, Error> {
    let there = tree.runs(Set::Train)?.len();
    Ok(if there > 0 { there } else { config.train.runs.len() })
}

fn mvar(config: &Config, tree: &Tree, rows: &[&Row]) -> Result<Map<String, Value>, Error> {
    if config.mvar.is_none() {
        return Ok(Map::new());
    }
    let mut file = npz::Archive::open(&tree.root(Kind::Mvar.file()))?;
    let lag = file.count("p")?;
    let mut number = |name| -> Result<Value, Error> {
        Ok(json!(file.widened::<ndarray::Ix0>(name)?.into_scalar()))
    };
    let fields = [
        ("p_lag", json!(lag)),
        ("ridge_alpha", number("alpha")?),
        ("r2_train", number("train_r2")?),
        ("spectral_radius", number("rho_before")?),
        ("spectral_radius_after", number("rho_after")?),
        ("kstep_k", json!(0)),
    ];
    Ok(fields.into_iter().map(owned).chain(means(Kind::Mvar, rows)).collect())
}

fn lstm(config: &Config, journal: &Journal, rows: &[&Row]) -> Map<String, Value> {
    let Some(lstm) = &config.lstm else { return Map::new() };
    let val_loss = journal.model(Kind::Lstm).and_then(|(_, loss)| loss);
    let fields = [
        ("hidden_units", json!(lstm.training.hidden_units)),
        ("num_layers", json!(lstm.training.num_layers)),
        ("val_loss", json!(val_loss)),
    ];
    fields.into_iter().map(owned).chain(means(Kind::Lstm, rows)).collect()
}

fn owned((name, value): (&str, Value)) -> (String, Value) {
    (name.to_owned(), value)
}

/// Means over all runs that have the score.
fn means(kind: Kind, rows: &[&Row]) -> [(String, Value); 3] {
    let mean = |of: fn(&Row) -> Option<f64>| {
        let own = rows.iter().filter(|row| row.model == kind);
        let found: Vec<_> = own.filter_map(|row| of(row)).collect();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = found.len() as f64;
        json!((!found.is_empty()).then(|| found.iter().sum::<f64>() / count))
    };
    [
        ("mean_r2_test", mean(|row| row.r2)),
        ("mean_r2_1step_test", mean(|row| row.r2_1step)),
        ("mean_negativity_frac", mean(|row| row.negativity)),
    ]
    .map(owned)
}

/// The time, in UTC, as `2026-01-31 23:59:59`.
fn now() -> String {
    let text = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    text.replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_fields_have_the_texts_of_wsindy_manifold() {
        let (text, value) = (now(), json!({ "a": [1, 2] }));
        assert_eq!((text.len(), &text[4..5], &text[10..11]), (19, "-", " "), "{text}");
        assert_eq!(field("x", &value), "  \"x\": {\n    \"a\": [\n      1,\n      2\n    ]\n  }");
    }
}
