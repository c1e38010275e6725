//! Whole output trees of the original, file for file and key for key.
//!
//! The configuration of the tree is run here. Every file of the original must be there, every archive
//! hold its arrays with their types and shapes, every table its columns, every JSON file its keys. What
//! is listed of runs must be equal, and so must the places where their particles start.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Axis, Ix3};
use serde_json::Value;
use stepmark::cli::Exit;
use stepmark::file::npz::Archive;

use super::super::commands::{said, text};
use super::{file_name, names};
use crate::conformance;

pub(crate) const TREE: conformance::Kind = conformance::Kind { name: "rom tree", role, check };

fn role(path: &Path) -> conformance::Role {
    let is_whole = path.with_file_name("runtime_comparison.json").exists();
    match file_name(path) {
        "config_used.yaml" if is_whole => conformance::Role::Case,
        _ => conformance::Role::Other,
    }
}

fn check(path: &Path) -> Result<(), String> {
    let tree = path.parent().ok_or("no tree")?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let own = folder.path().join("tree");
    let args = ["--config", text(path), "--name", "tiny_hist", "--output", text(&own), "--no-plot"];
    let (exit, _, err) = said(&args);
    if exit != Exit::Pass {
        return Err(format!("{exit:?}: {err}"));
    }
    let mut open = vec![tree.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(|e| e.to_string())? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(tree).map_err(|e| e.to_string())?;
            let found = own.join(name);
            if !found.is_file() {
                return Err(format!("{}: there is none", name.display()));
            }
            same(&path, &found).map_err(|why| format!("{}: {why}", name.display()))?;
        }
    }
    let start = |tree: &Path| -> Result<_, String> {
        let path = tree.join("train/train_000/trajectory.npz");
        let mut file = Archive::open(&path).map_err(|e| e.to_string())?;
        let traj = file.widened::<Ix3>("traj").map_err(|e| e.to_string())?;
        Ok(traj.index_axis(Axis(0), 0).to_owned())
    };
    let (want, found) = (start(tree)?, start(&own)?);
    let apart = want.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    if want.dim() != found.dim() || apart > 1e-6 {
        return Err(format!("particles of train_000 start {apart} apart"));
    }
    Ok(())
}

/// Whether a file is of the form of the original.
fn same(want: &Path, found: &Path) -> Result<(), String> {
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    let [want_text, found_text] = [want.to_owned(), found.to_owned()].map(|path| lines(&path));
    match want.extension().and_then(|end| end.to_str()) {
        Some("npz") => archives(want, found),
        _ if ["metadata.json", "index_mapping.csv"].contains(&file_name(want)) => {
            let is_same = want_text.trim_end() == found_text.trim_end();
            is_same.then_some(()).ok_or_else(|| "it has another text".to_owned())
        }
        Some("csv") => {
            let [want, found] = [&want_text, &found_text].map(|text| text.lines().next());
            let found = found.map(|head| head.strip_prefix("model,").unwrap_or(head));
            if want == found { Ok(()) } else { Err(format!("{found:?}, not {want:?}")) }
        }
        Some("json") => {
            let strict = want_text.replace("NaN", "null");
            let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| e.to_string());
            keys("", &read(&strict)?, &read(&found_text)?)
        }
        _ => Ok(()),
    }
}

fn archives(want: &Path, found: &Path) -> Result<(), String> {
    let (want_names, found_names) = (names(want), names(found));
    for name in &want_names {
        if !found_names.contains(name) {
            return Err(format!("no array {name}, only {found_names:?}"));
        }
    }
    let header = |path: &Path, name: &str| -> Result<_, String> {
        let mut file = Archive::open(path).map_err(|e| e.to_string())?;
        if let Ok(array) = file.float::<ndarray::IxDyn>(name) {
            return Ok((array.0.shape().to_vec(), array.1));
        }
        file.count(name).map(|_| (vec![], false)).map_err(|e| e.to_string())
    };
    for name in &want_names {
        let (want, found) = (header(want, name)?, header(found, name)?);
        if want != found {
            return Err(format!("array {name}: {found:?}, not {want:?}"));
        }
    }
    Ok(())
}

/// Whether all keys of one are in the other, with values of the same kind.
fn keys(at: &str, want: &Value, found: &Value) -> Result<(), String> {
    match (want, found) {
        (Value::Object(want), Value::Object(found)) => want.iter().try_for_each(|(key, value)| {
            let at = format!("{at}/{key}");
            let found = found.get(key).ok_or_else(|| format!("no key {at}"))?;
            keys(&at, value, found)
        }),
        (Value::Array(want), Value::Array(found)) => {
            if want.len() != found.len() {
                return Err(format!("{at}: {} values, not {}", found.len(), want.len()));
            }
            want.iter().zip(found).try_for_each(|(want, found)| keys(at, want, found))
        }
        (Value::Null, _) | (Value::Number(_), Value::Number(_)) => Ok(()),
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        (want, found) => Err(format!("{at}: {found}, not {want}")),
    }
}
