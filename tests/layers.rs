//! Who may use whom: the arrows between modules, kept true.
//!
//! A kernel never knows that it is timed; the gate never knows what a lattice is. Arrows are
//! transitive, and `#[cfg(test)]` is exempt. The sources are read as text: every path that starts
//! with `crate::` or `super::`, and in kernels every path into a dependency.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const CHAPTERS: [&str; 6] = ["lattice", "mvar", "lstm", "md", "memory", "calibration"];

/// Files of a chapter that are not kernels: they may use any crate.
const MODELS: [&str; 3] = ["model", "extxyz", "boxes"];

/// The arrows outside the chapters.
const ARROWS: [(&str, &[&str]); 21] = [
    ("cli", &["report", "gate", "profile", "collect", "machine", "workspace", "calibration/cases"]),
    ("pad", &[]),
    ("report", &["gate"]),
    ("gate", &["record", "stats", "machine"]),
    (
        "profile",
        &["stats", "input", "isa", "gpu", "lattice/kernel", "lattice/cuda", "memory/kernel"],
    ),
    ("collect", &["record", "stats", "case", "run"]),
    ("record", &["machine", "file"]),
    ("machine", &["source", "isa"]),
    ("isa", &[]),
    ("run", &["machine", "close"]),
    ("wall", &["case", "machine", "run", "workspace"]),
    ("workspace", &["machine", "source", "close"]),
    ("fixture", &["lattice/model", "mvar/model", "lstm/model", "md/model"]),
    (
        "registry",
        &["lattice/cases", "lattice/cuda", "mvar/cases", "lstm/cases", "md/cases", "memory/cases"],
    ),
    ("gpu", &["machine", "case"]),
    ("npz", &["file"]),
    ("file", &[]),
    ("case", &[]),
    ("input", &[]),
    ("stats", &[]),
    ("close", &[]),
];

/// All that `from` may use: the transitive closure of the arrows, and itself.
fn allowed(from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::from([from.to_owned()]);
    let mut open = vec![from.to_owned()];
    while let Some(node) = open.pop() {
        for next in arrows(&node) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

fn arrows(from: &str) -> Vec<String> {
    match from.split_once('/') {
        Some((chapter, "cases")) => {
            let own = ["kernel", "model"].map(|part| format!("{chapter}/{part}"));
            own.into_iter()
                .chain(["input", "fixture", "close", "case"].map(str::to_owned))
                .collect()
        }
        Some((chapter, "cuda")) => [format!("{chapter}/kernel")]
            .into_iter()
            .chain(["gpu", "input", "close", "case"].map(str::to_owned))
            .collect(),
        Some((chapter, "model")) => [format!("{chapter}/kernel")]
            .into_iter()
            .chain(["npz", "file", "input"].map(str::to_owned))
            .collect(),
        Some(_) => vec!["isa".to_owned()],
        None => {
            let found = ARROWS.iter().find(|(name, _)| *name == from);
            found.into_iter().flat_map(|(_, to)| to.iter().map(|to| (*to).to_owned())).collect()
        }
    }
}

/// The layer of a module path such as `lattice::codec`.
fn layer(path: &[&str]) -> String {
    match path {
        [chapter, "cases" | "oracle", ..] if CHAPTERS.contains(chapter) => {
            format!("{chapter}/cases")
        }
        [chapter, "cuda", ..] if CHAPTERS.contains(chapter) => format!("{chapter}/cuda"),
        [chapter, file, ..] if CHAPTERS.contains(chapter) && MODELS.contains(file) => {
            format!("{chapter}/model")
        }
        [chapter, ..] if CHAPTERS.contains(chapter) => format!("{chapter}/kernel"),
        [top, ..] => (*top).to_owned(),
        [] => "lib".to_owned(),
    }
}

/// The code without comments and without its test module, with no blanks around `::`.
fn code(text: &str) -> String {
    let mut code = text.to_owned();
    for start in ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"] {
        if let Some(from) = code.find(start) {
            let len = code[from..].find("\n}\n").expect("rustfmt closes a module at the margin");
            code.replace_range(from..from + len, "");
        }
    }
    let uncommented = |line: &str| {
        let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
        line[..comment.map_or(line.len(), |(at, _)| at)].to_owned()
    };
    let mut code = code.lines().map(uncommented).collect::<Vec<_>>().join("\n");
    while code.contains(" ::") || code.contains(":: ") {
        code = code.replace(" ::", "::").replace(":: ", "::");
    }
    code
}

/// Every path in `code` that starts with `crate::` or `super::`, from the crate's root, with the
/// branches of a brace spelled out.
fn paths(code: &str, module: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let mut base: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
            let mut rest = &code[at..];
            if start == "crate::" {
                base.clear();
                rest = &rest[start.len()..];
            }
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            expand(&base, rest, &mut found);
        }
    }
    found
}

/// Follows `a::b::{c, d::e}` from `base`; returns the text behind it.
fn expand<'t>(base: &[String], mut rest: &'t str, found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = base.to_vec();
    loop {
        rest = rest.trim_start();
        if let Some(mut inner) = rest.strip_prefix('{') {
            loop {
                inner = expand(&path, inner, found).trim_start();
                match inner.strip_prefix(',') {
                    Some(next) => inner = next,
                    None => return inner.strip_prefix('}').unwrap_or(inner),
                }
            }
        }
        let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if let Some(after) = rest.strip_prefix('*') {
            path.push("*".to_owned());
            found.push(path);
            return after;
        }
        if len == 0 {
            return rest;
        }
        path.push(rest[..len].to_owned());
        rest = &rest[len..];
        match rest.strip_prefix("::") {
            Some(next) => rest = next,
            None => {
                found.push(path);
                return rest;
            }
        }
    }
}

/// What `text`, the source of `module`, uses against the rules.
fn violations(
    text: &str,
    module: &[&str],
    crates: &[String],
    reexports: &BTreeMap<String, String>,
) -> Vec<String> {
    let (from, code) = (layer(module), code(text));
    if from == "lib" || from == "main" {
        return Vec::new();
    }
    let mut bad = Vec::new();
    if code.contains("crate as ") {
        bad.push(format!("{from} gives the crate another name"));
    }
    for path in paths(&code, module) {
        if path.last().is_some_and(|last| last == "*") {
            bad.push(format!("{from} uses all of {}, so nobody sees what", path.join("::")));
            continue;
        }
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let named = reexports.get(&path.join("::"));
        let to = named.cloned().unwrap_or_else(|| layer(&parts));
        if !allowed(&from).contains(&to) {
            bad.push(format!("{from} uses {} ({to})", path.join("::")));
        }
    }
    // What a chapter's kernels work on is defined, with its errors, in `mod.rs` or `system.rs`.
    let kernel = from.ends_with("/kernel") && module.len() > 1 && module[1] != "system";
    for name in crates {
        // As a whole word, however its path is written; the field of a struct is no use of it.
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let used = code.match_indices(name.as_str()).any(|(at, _)| {
            let (before, after) = (&code[..at], &code[at + name.len()..]);
            let path =
                after.starts_with("::") || after.starts_with(" as ") || after.starts_with(';');
            path && !word(before.chars().next_back())
        });
        if used && ((kernel && name != "ndarray") || (name == "anyhow" && module != ["cli"])) {
            bad.push(format!("{} uses the crate {name}", module.join("::")));
        }
    }
    bad
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push(path);
        }
    }
}

fn module(file: &Path) -> Vec<String> {
    let path = file.strip_prefix("src").unwrap().with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| part != "mod" && part != "lib").collect()
}

fn dependencies() -> Vec<String> {
    let text = fs::read_to_string("Cargo.toml").unwrap();
    let section = text.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let names = section.lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.trim().replace('-', "_")).collect()
}

/// What a chapter's `mod.rs` hands out from its own files: `mvar::Model` is of `mvar/model`.
fn reexports(files: &[PathBuf]) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for chapter in CHAPTERS {
        let Some(file) =
            files.iter().find(|f| **f == Path::new("src").join(chapter).join("mod.rs"))
        else {
            continue;
        };
        let text = code(&fs::read_to_string(file).unwrap());
        for (at, start) in text.match_indices("pub use ") {
            let mut found = Vec::new();
            expand(&[chapter.to_owned()], &text[at + start.len()..], &mut found);
            for path in found {
                let parts: Vec<&str> = path.iter().map(String::as_str).collect();
                let last = path.last().unwrap();
                map.insert(format!("{chapter}::{last}"), layer(&parts));
            }
        }
    }
    map
}

#[test]
fn nobody_uses_what_the_layers_forbid() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let (crates, reexports) = (dependencies(), reexports(&files));
    assert!(crates.contains(&"serde_json".to_owned()), "{crates:?}");
    let mut bad = Vec::new();
    for file in &files {
        let module = module(file);
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let text = fs::read_to_string(file).unwrap();
        // A file that its parent declares under `#[cfg(test)]` is test code.
        let declaration = format!("#[cfg(test)]\nmod {};", module.last().unwrap_or(&"lib"));
        let parents = [file.with_file_name("mod.rs"), file.parent().unwrap().with_extension("rs")];
        let declares = |parent: &PathBuf| {
            fs::read_to_string(parent).is_ok_and(|text| text.contains(&declaration))
        };
        if parents.iter().any(declares) {
            continue;
        }
        bad.extend(violations(&text, &module, &crates, &reexports));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_forbidden_use_is_seen_however_it_is_written() {
    let crates = ["serde_json".to_owned(), "ndarray".to_owned(), "anyhow".to_owned()];
    let reexports = BTreeMap::from([("mvar::Model".to_owned(), "mvar/model".to_owned())]);
    for (module, text) in [
        (&["lattice", "d4"][..], "use crate::gate::Finding;"),
        (&["lattice", "d4"], "use crate::{close, lattice::z2};"),
        (&["lattice", "d4"], "fn f() { crate::case::Case::chapter }"),
        (&["lattice", "d4"], "use super::cases::cases;"),
        (&["lattice", "d4"], "use super::super::record;"),
        (&["lattice", "d4"], "use serde_json::Value;"),
        (&["mvar", "step"], "use super::Model;"),
        (&["gate", "compare"], "use crate::lattice;"),
        (&["gate"], "use crate::registry::cases;"),
        (&["record"], "use crate::gate;"),
        (&["case"], "use crate::close;"),
        (&["lattice", "d4"], "use crate::gate::*;"),
        (&["lattice", "d4"], "use crate::*;"),
        (&["lattice", "d4"], "use super::cases::*;"),
        (&["lattice", "d4"], "use crate :: gate::Finding;"),
        (&["lattice", "d4"], "use ::serde_json::Value;"),
        (&["lattice", "d4"], "use serde_json as j;"),
        (&["lattice", "d4"], "use crate as root;"),
        (&["lattice", "d4"], "const U: &str = \"http://x\"; use crate::gate::Finding;"),
        (&["lattice", "d4"], "#[cfg(test)]\nmod tests {\n}\nuse crate::gate::Finding;"),
        (&["gate", "compare"], "use crate::lattice::*;"),
        (&["cli", "gate"], "use anyhow::anyhow;"),
        (&["cli", "accept"], "use crate::registry;"),
        (&["wall"], "use crate::registry::cases;"),
    ] {
        assert_eq!(violations(text, module, &crates, &reexports).len(), 1, "{module:?}: {text}");
    }
    for (module, text) in [
        (&["lattice", "d4"][..], "use super::z2; // crate::gate"),
        (
            &["lattice", "d4"],
            "use ndarray::Array1;\n#[cfg(test)]\nmod tests {\nuse crate::input;\n}\n",
        ),
        (&["lattice", "cases"], "use crate::{case::{Case, Step}, close, input};"),
        (&["mvar", "cases"], "use super::Model;"),
        (&["cli", "gate"], "use crate::record::Record;"),
        (&["fixture"], "use crate::mvar::Model;"),
    ] {
        let bad = violations(text, module, &crates, &reexports);
        assert!(bad.is_empty(), "{module:?}: {text}: {bad:?}");
    }
}
