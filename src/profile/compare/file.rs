//! Reads a file, and finds the profiles in it by their keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::entry::Entry;
use super::{Error, lattice, md, rom};

/// The entries of a file, and their circumstances.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) chapter: &'static str,
    pub(super) entries: Vec<Entry>,
    pub(super) conditions: BTreeMap<String, String>,
}

impl Profile {
    /// The entry of this name.
    pub(super) fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

/// A part of a file that is known by its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Codec,
    Matrix,
    Model,
    Models,
    Growth,
    Steps,
    Sizes,
    Potentials,
    /// A file that belongs to a profile and holds no times: its place in [`UNTIMED`].
    Untimed(usize),
}

/// Keys of files without times, what they are, and what to give instead.
const UNTIMED: [(&[&str], &str, &str); 2] = [
    (
        &["lattice_type", "best", "points"],
        "rates and distortions, which are no times",
        "the *_results_*.json of the same run",
    ),
    (
        &["schema", "trajectory", "phases", "verdicts"],
        "what stands beside a profile of MD",
        "the *_profile.json beside it",
    ),
];

/// The kinds with times and their keys; the first that has all of its keys is meant.
const KINDS: [(Kind, &[&str]); 9] = [
    (Kind::Matrix, &["lattice_type", "error_stats"]),
    (Kind::Codec, &["lattice_type", "batch_size", "baseline"]),
    (Kind::Codec, &["lattice_type", "batch_size", "baseline_quantize"]),
    (Kind::Model, &["model_name", "inference", "throughput"]),
    (Kind::Models, &["models", "inference_speedup"]),
    (Kind::Growth, &["model", "size", "exponent", "points"]),
    (Kind::Steps, &["model_name", "latencies_ms", "n_steps"]),
    (Kind::Sizes, &["model", "system", "exponent", "points"]),
    (Kind::Potentials, &["system", "n_atoms", "baseline", "models"]),
];

fn kind(value: &Value) -> Option<Kind> {
    let has = |keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
    let untimed = || UNTIMED.iter().position(|(keys, ..)| has(keys)).map(Kind::Untimed);
    let found = KINDS.into_iter().find(|(_, keys)| has(keys)).map(|(kind, _)| kind);
    found.or_else(untimed)
}

/// All parts of a value that are known.
fn parts<'a>(value: &'a Value, found: &mut Vec<(Kind, &'a Value)>) {
    if let Some(kind) = kind(value) {
        return found.push((kind, value));
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| parts(value, found)),
        Value::Object(values) => values.values().for_each(|value| parts(value, found)),
        _ => {}
    }
}

fn json(path: &Path) -> Result<Value, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|why| Error::NotJson { path: path.to_owned(), why })
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Profile, Error> {
    let value = json(path)?;
    let mut found = Vec::new();
    parts(&value, &mut found);
    // A summary holds the comparison of the models that it holds.
    if found.iter().any(|(kind, _)| *kind == Kind::Model) {
        found.retain(|(kind, _)| *kind != Kind::Models);
    }
    // What has times goes before what has none.
    let Some(&(first, _)) = found.iter().min_by_key(|(kind, _)| *kind) else {
        return Err(Error::Foreign { path: path.to_owned() });
    };
    let chapter = match first {
        Kind::Codec | Kind::Matrix => "lattice",
        Kind::Model | Kind::Models | Kind::Growth => "rom",
        Kind::Steps | Kind::Sizes | Kind::Potentials => "md",
        Kind::Untimed(nth) => {
            let (_, what, instead) = UNTIMED[nth];
            return Err(Error::NoTimes { path: path.to_owned(), what, instead });
        }
    };
    let beside = path.with_extension("extended.json");
    let extended = match kind(&value) {
        Some(Kind::Steps) if beside.exists() => json(&beside)?,
        _ => Value::Null,
    };
    let mut profile = Profile { chapter, entries: Vec::new(), conditions: BTreeMap::new() };
    for (kind, value) in found {
        let (entries, conditions) = match kind {
            Kind::Codec => lattice::codec(value),
            Kind::Matrix => lattice::matrix(value),
            Kind::Model => rom::model(value),
            Kind::Models => rom::models(value),
            Kind::Growth => rom::growth(value),
            Kind::Steps => md::steps(value, &extended),
            Kind::Sizes => md::sizes(value),
            Kind::Potentials => md::potentials(value),
            Kind::Untimed(_) => continue,
        };
        profile.entries.extend(entries);
        profile.conditions.extend(conditions);
    }
    if let Some((id, found)) = profile.entries.iter().find_map(|e| Some((&e.id, e.flaw()?))) {
        let (path, id) = (path.to_owned(), id.clone());
        return Err(Error::Number { path, id, found });
    }
    apart(&mut profile.entries);
    Ok(profile)
}

/// Drops entries that are there again with the same value, and numbers others of the same name.
fn apart(entries: &mut Vec<Entry>) {
    let mut kept: Vec<Entry> = Vec::new();
    for mut entry in entries.drain(..) {
        let same = |name: &str| kept.iter().find(|other| other.id == name);
        if !entry.is_timed && same(&entry.id).is_some_and(|other| other.value == entry.value) {
            continue;
        }
        let plain = entry.id.clone();
        let mut nth = 2;
        while same(&entry.id).is_some() {
            entry.id = format!("{plain} ({nth})");
            nth += 1;
        }
        kept.push(entry);
    }
    *entries = kept;
}
