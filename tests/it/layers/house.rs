//! The plan of the house: its rooms, the arrows between them, and the exceptions.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Named, Tree};

/// The arrows between rooms, and between the parts of a room. `x/*` is a room with all its parts,
/// `*/x` that part of every chapter.
const ARROWS: [(&str, &[&str]); 27] = [
    ("stats", &[]),
    ("case", &[]),
    ("close", &[]),
    ("input", &[]),
    ("exit", &[]),
    ("file", &[]),
    ("draw", &[]),
    ("pad", &[]),
    ("machine", &["exit", "machine/isa"]),
    ("machine/aligned", &[]),
    ("machine/isa", &[]),
    ("gpu", &["machine", "case"]),
    ("run", &["case", "machine"]),
    ("wall", &["case", "machine", "run", "gpu"]),
    ("record", &["machine", "file"]),
    ("collect", &["record", "stats", "case", "run"]),
    ("gate", &["record", "stats", "machine", "case"]),
    ("gate/duet", &["gate", "gpu"]),
    ("gate/calibrate", &["gate", "gate/duet"]),
    // The kernels of the harness itself, whose changes it plants.
    ("gate/calibrate/planted", &["case", "close", "input", "exit"]),
    ("report", &["gate", "gate/calibrate", "draw", "collect"]),
    ("profile", &["stats", "file", "machine", "stream/kernel"]),
    ("profile/compare", &["profile", "draw"]),
    ("registry", &["*/cases"]),
    ("cli", &["report", "gate/*", "collect", "machine"]),
    ("cli/chapters", &["cli", "profile/*", "rom/*", "md/*", "draw"]),
    ("sweep", &["file", "stats", "record", "machine", "draw"]),
];

/// Those of the arrows that start in a room which is not built yet.
const PLANNED: [&str; 1] = ["sweep"];

/// The parts of a chapter, and what each may use besides itself.
const PARTS: [(&str, &[&str]); 5] = [
    ("kernel", &["machine/aligned", "machine/isa"]),
    ("model", &["kernel", "file"]),
    ("train", &["kernel", "model", "stats"]),
    ("cuda", &["kernel", "gpu"]),
    ("cases", &["kernel", "model", "train", "cuda", "case", "close", "input"]),
];

/// The chapter that builds on others, which may come without cases, and what it may use.
const ROM: (&str, &[&str]) = ("rom", &["mvar/*", "lstm/*", "stats", "file"]);

/// Dependencies that a kernel may use; training may use these, too.
const KERNEL_CRATES: [&str; 1] = ["ndarray"];
const TRAINING_CRATES: [&str; 3] = ["faer", "rayon", "thiserror"];

/// Uses against the plan: a file, and a layer or a dependency.
pub(crate) const EXCEPTIONS: [(&str, &str); 3] = [
    // Digests of sources and of run files.
    ("machine/workspace.rs", "close"),
    ("run.rs", "close"),
    // Errors beside the type that they are about, as in a chapter's `mod.rs`.
    ("md/system/cell.rs", "thiserror"),
];

/// The house as it stands: sources, the plan, and the exceptions.
pub(crate) struct House<'t> {
    tree: &'t Tree,
    /// Folders with a `cases` directly under `src`, and the one that needs none.
    chapters: BTreeSet<String>,
    layers: BTreeSet<String>,
    /// All that each layer may use: itself, and whatever arrows lead to.
    allowed: BTreeMap<String, BTreeSet<String>>,
    exceptions: Vec<(&'t str, &'t str)>,
}

impl<'t> House<'t> {
    pub(crate) fn new(tree: &'t Tree, exceptions: &[(&'t str, &'t str)]) -> Self {
        let split = |path: &'t String| path.split('/').collect::<Vec<_>>();
        let chapter = |path: Vec<&str>| match path[..] {
            [chapter, "cases.rs"] | [chapter, "cases", "mod.rs"] => Some(chapter.to_owned()),
            [chapter, _, ..] if chapter == ROM.0 => Some(chapter.to_owned()),
            _ => None,
        };
        let chapters: BTreeSet<_> = tree.files.keys().map(split).filter_map(chapter).collect();
        let parts = chapters.iter().flat_map(|chapter| {
            let parts = PARTS.iter().map(move |(part, _)| format!("{chapter}/{part}"));
            parts.chain([format!("profile/{chapter}")])
        });
        let rooms = ARROWS.iter().map(|(room, _)| (*room).to_owned());
        let layers = parts.chain(rooms).collect();
        let exceptions = exceptions.to_vec();
        let allowed = BTreeMap::new();
        let mut house = Self { tree, chapters, layers, allowed, exceptions };
        house.allowed =
            house.layers.iter().map(|layer| (layer.clone(), house.reached(layer))).collect();
        house
    }

    /// The layer of a module such as `lattice::codec`: the smallest that holds it.
    fn layer(&self, module: &[String]) -> String {
        match module {
            [chapter, rest @ ..] if self.chapters.contains(chapter) => {
                let part = match rest.first().map(String::as_str) {
                    Some("model" | "fixtures" | "files" | "run" | "config" | "pipeline") => "model",
                    Some(part @ ("train" | "cuda" | "cases")) => part,
                    _ => "kernel",
                };
                format!("{chapter}/{part}")
            }
            [] => "lib".to_owned(),
            _ => {
                let mut ends = (1..=module.len()).rev().map(|n| module[..n].join("/"));
                ends.find(|layer| self.layers.contains(layer)).unwrap_or_else(|| module[0].clone())
            }
        }
    }

    /// The arrows from one layer.
    fn arrows(&self, from: &str) -> BTreeSet<String> {
        let (room, part) = from.split_once('/').unwrap_or((from, ""));
        let mut to = Vec::new();
        if self.chapters.contains(room) {
            let found = PARTS.iter().find(|(name, _)| *name == part);
            for next in found.map_or(&[][..], |(_, to)| to) {
                let own = PARTS.iter().any(|(part, _)| part == next);
                to.push(if own { format!("{room}/{next}") } else { (*next).to_owned() });
            }
            if room == ROM.0 {
                to.extend(ROM.1.iter().map(|to| (*to).to_owned()));
            }
        } else if room == "profile" && self.chapters.contains(part) {
            to.extend(["profile", "draw"].map(str::to_owned));
            to.push(format!("{part}/*"));
        } else if let Some((_, arrows)) = ARROWS.iter().find(|(room, _)| *room == from) {
            to.extend(arrows.iter().map(|to| (*to).to_owned()));
        }
        let leads = |layer: &str, to: &str| match (to.strip_suffix("/*"), to.strip_prefix('*')) {
            (Some(room), _) => is_in(layer, room),
            (_, Some(part)) => {
                layer.strip_suffix(part).is_some_and(|room| self.chapters.contains(room))
            }
            _ => layer == to,
        };
        let layers = self.layers.iter().filter(|layer| to.iter().any(|to| leads(layer, to)));
        layers.cloned().collect()
    }

    /// The layer, and whatever arrows lead to from there.
    fn reached(&self, from: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([from.to_owned()]);
        let mut open = vec![from.to_owned()];
        while let Some(layer) = open.pop() {
            for next in self.arrows(&layer) {
                if reached.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// Why a file of the layer `from` may not use what it names, if so.
    fn refusal(&self, path: &str, from: &str, named: &Named) -> Option<String> {
        let (to, fine) = match named {
            Named::Module(at) if at.is_empty() => return Some("the whole crate".to_owned()),
            Named::Module(at) | Named::Item(at) => {
                let to = self.layer(at);
                let fine = self.allowed.get(from).is_some_and(|allowed| allowed.contains(&to));
                (to, fine)
            }
            Named::Crate(name) => (name.clone(), self.may_use_crate(path, from, name)),
        };
        let excepted = || self.exceptions.contains(&(path, &to));
        (!fine && !excepted()).then(|| format!("{from} -> {to}"))
    }

    fn may_use_crate(&self, path: &str, from: &str, name: &str) -> bool {
        let (room, part) = from.split_once('/').unwrap_or((from, ""));
        let is_training = part == "train" || room == ROM.0;
        if name == "anyhow" {
            return path == "cli/mod.rs";
        }
        // A type that a chapter's kernels work on is defined, with its errors, in `mod.rs`.
        let is_head = path == format!("{room}/mod.rs");
        !self.chapters.contains(room)
            || !["kernel", "train"].contains(&part)
            || KERNEL_CRATES.contains(&name)
            || is_training && TRAINING_CRATES.contains(&name)
            || is_head && name == "thiserror"
    }

    /// The files that use something against the plan, or are not in it; a line for each.
    pub(crate) fn violations(&self) -> BTreeSet<String> {
        let mut bad = BTreeSet::new();
        let judged = |path: &str| !["lib.rs", "main.rs"].contains(&path);
        for (path, file) in self.tree.files.iter().filter(|(path, _)| judged(path)) {
            let from = self.layer(&file.module);
            if !self.layers.contains(&from) {
                bad.insert(format!(
                    "src/{path} is in no room of the plan, tests/it/layers/house.rs"
                ));
            }
            for written in &file.written {
                for named in self.tree.named(written) {
                    let why = match &named {
                        Named::Module(_) if written.takes_all() => {
                            Some("all of a module, so nobody sees what".to_owned())
                        }
                        Named::Module(at) | Named::Item(at)
                            if written.is_public && at.starts_with(&file.module) =>
                        {
                            continue;
                        }
                        named => self.refusal(path, &from, named),
                    };
                    let path = format!("src/{path} uses {}", written.parts.join("::"));
                    bad.extend(why.map(|why| format!("{path}: {why}")));
                }
            }
        }
        bad
    }

    pub(crate) fn chapters(&self) -> &BTreeSet<String> {
        &self.chapters
    }

    /// All that a layer may use: itself, and whatever arrows lead to.
    pub(crate) fn allowed(&self, layer: &str) -> &BTreeSet<String> {
        &self.allowed[layer]
    }

    /// Two layers that may use each other.
    pub(crate) fn knot(&self) -> Option<(&str, &str)> {
        let pairs = self.allowed.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        let mut knots = pairs.filter(|(from, to)| from < to && self.allowed[*to].contains(*from));
        knots.next().map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// Rooms of the plan that are gone, that are there but listed as still to come, or that only an
    /// arrow knows.
    pub(crate) fn stale(&self) -> Vec<String> {
        let rooms = ARROWS.iter().map(|(room, _)| *room);
        let stale = |room: &str| {
            let mut modules = self.tree.files.values().map(|file| file.module.join("/"));
            match (modules.any(|module| is_in(&module, room)), PLANNED.contains(&room)) {
                (true, true) => Some(format!("src/ has {room}: take it off `PLANNED`")),
                (false, false) => Some(format!("src/ has no {room}: take it out of `ARROWS`")),
                _ => None,
            }
        };
        let known = |to: &str| to.contains('*') || self.layers.contains(to);
        let ends = ARROWS.iter().flat_map(|(_, to)| *to).filter(|to| !known(to));
        let unknown = ends.map(|to| format!("an arrow leads to {to}, which is no layer"));
        rooms.filter_map(stale).chain(unknown).collect()
    }
}

/// Whether a path is this folder or file, or in it.
fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
