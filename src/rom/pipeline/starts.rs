//! `metadata.json` and `index_mapping.csv`: which run started where.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::tree::Set;
use super::{Error, make, replace};
use crate::rom::config::Runs;
use crate::rom::swarm::Start;

/// A run, by the names of wsindy-manifold.
#[derive(Debug, Serialize)]
struct Entry {
    run_id: usize,
    run_name: String,
    label: String,
    distribution: &'static str,
    ic_params: Map<String, Value>,
    seed: u64,
    /// Frames.
    #[serde(rename = "T")]
    frames: usize,
}

/// Writes both files of a kind of runs into its folder.
pub(super) fn save(folder: &Path, set: Set, runs: &Runs) -> Result<(), Error> {
    make(folder)?;
    let entries = entries(set, runs);
    let json = serde_json::to_string_pretty(&entries).expect("keys are texts");
    replace(&folder.join("metadata.json"), json.as_bytes())?;
    replace(&folder.join("index_mapping.csv"), table(&entries).as_bytes())
}

fn entries(set: Set, runs: &Runs) -> Vec<Entry> {
    let entry = |(run_id, run): (usize, &crate::rom::config::Run)| {
        let (distribution, ic_params) = parameters(run.start);
        Entry {
            run_id,
            run_name: set.run(run_id),
            label: run.label.clone(),
            distribution,
            ic_params,
            seed: run.seed,
            frames: runs.swarm.frames(),
        }
    };
    runs.runs.iter().enumerate().map(entry).collect()
}

/// The kind of a start, and the lengths that it has of its own.
fn parameters(start: Start) -> (&'static str, Map<String, Value>) {
    let (name, lengths) = match start {
        Start::Uniform => ("uniform", vec![]),
        Start::GaussianCluster { center, sigma } => {
            let center = center.map(|center| Value::from(center.to_vec()));
            ("gaussian_cluster", vec![("center", center), ("sigma", sigma.map(Value::from))])
        }
        Start::TwoClusters { separation, sigma } => {
            let [separation, sigma] = [separation, sigma].map(|x| x.map(Value::from));
            ("two_clusters", vec![("separation", separation), ("sigma", sigma)])
        }
        Start::Ring { radius, width } => {
            let [radius, width] = [radius, width].map(|x| x.map(Value::from));
            ("ring", vec![("radius", radius), ("width", width)])
        }
    };
    let given = lengths.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    (name, given.collect())
}

fn table(entries: &[Entry]) -> String {
    let mut text = "run_id,run_name,label,distribution,ic_params,seed,T\n".to_owned();
    for entry in entries {
        let Entry { run_id, run_name, label, distribution, ic_params, seed, frames } = entry;
        let (label, parameters) = (quoted(label), quoted(&python(ic_params)));
        text +=
            &format!("{run_id},{run_name},{label},{distribution},{parameters},{seed},{frames}\n");
    }
    text
}

/// A field in quotes if it holds a comma; no text here holds a quote.
fn quoted(field: &str) -> String {
    if field.contains(',') { format!("\"{field}\"") } else { field.to_owned() }
}

/// A mapping as Python shows it.
fn python(parameters: &Map<String, Value>) -> String {
    let value = |value: &Value| match value {
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(Value::to_string).collect();
            format!("({})", values.join(", "))
        }
        value => value.to_string(),
    };
    let entries: Vec<_> =
        parameters.iter().map(|(name, x)| format!("'{name}': {}", value(x))).collect();
    format!("{{{}}}", entries.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::config::Run;
    use crate::rom::swarm;

    #[test]
    fn runs_are_listed_with_the_lengths_of_their_starts() {
        let run = |label: &str, start| Run { label: label.to_owned(), start, seed: 7 };
        let (center, sigma) = (Some([3.0, 5.5]), Some(1.25));
        let runs = vec![
            run("g", Start::GaussianCluster { center, sigma }),
            run("u", Start::Uniform),
            run("c1,2", Start::TwoClusters { separation: Some(4.0), sigma }),
            run("r", Start::Ring { radius: None, width: None }),
        ];
        let runs = Runs { swarm: swarm::Config::default(), runs };
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("train"), Set::Train, &runs).unwrap();
        let read = |name| std::fs::read_to_string(folder.path().join("train").join(name)).unwrap();
        let want = "run_id,run_name,label,distribution,ic_params,seed,T
0,train_000,g,gaussian_cluster,\"{'center': (3.0, 5.5), 'sigma': 1.25}\",7,301
1,train_001,u,uniform,{},7,301
2,train_002,\"c1,2\",two_clusters,\"{'separation': 4.0, 'sigma': 1.25}\",7,301
3,train_003,r,ring,{},7,301
";
        assert_eq!(read("index_mapping.csv"), want, "table");
        let json: Value = serde_json::from_str(&read("metadata.json")).unwrap();
        assert_eq!(json[0]["ic_params"]["center"], serde_json::json!([3.0, 5.5]), "JSON");
        assert_eq!((&json[3]["T"], &json[3]["run_name"]), (&301.into(), &"train_003".into()));
        assert!(read("metadata.json").starts_with("[\n  {\n    \"run_id\": 0,\n"), "in this order");
    }
}
