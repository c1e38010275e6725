//! Circles inside a room: files that use each other.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Named, Tree};

/// Files that use each other, and the paths that tie them.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) files: BTreeSet<String>,
    pub(crate) ties: Vec<String>,
}

/// The files that each file of the same room uses, with a path that says so.
type Graph<'t> = BTreeMap<&'t str, BTreeMap<&'t str, String>>;

fn graph(tree: &Tree) -> Graph<'_> {
    let mut graph = Graph::new();
    for (path, file) in &tree.files {
        let uses = graph.entry(path.as_str()).or_default();
        for written in file.written.iter().filter(|written| !written.is_public) {
            for named in tree.named(written) {
                // A module is not used until something in it is.
                let Named::Item(at) = named else { continue };
                let to = tree.file(&at).filter(|to| *to != path);
                if let Some(to) = to.filter(|_| at.first() == file.module.first()) {
                    uses.entry(to).or_insert_with(|| written.parts.join("::"));
                }
            }
        }
    }
    graph
}

/// The files that use each other. The file of a folder is its border: it may use what lies in the
/// folder and be used from there, so such paths tie only where others lead back around the border.
pub(crate) fn circles(tree: &Tree) -> Vec<Circle> {
    let all = graph(tree);
    let is_border = |border: &str, file: &str| {
        let (border, file) = (&tree.files[border].module, &tree.files[file].module);
        file.len() > border.len() && file.starts_with(border)
    };
    let mut circles: Vec<Circle> = Vec::new();
    for inwards in [true, false] {
        let mut graph = all.clone();
        for (from, uses) in &mut graph {
            uses.retain(|to, _| !(if inwards { is_border(to, from) } else { is_border(from, to) }));
        }
        for files in components(&graph) {
            if circles.iter().any(|known| files.is_subset(&known.files)) {
                continue;
            }
            let ties = graph.iter().flat_map(|(from, uses)| {
                let ties =
                    uses.iter().filter(|(to, _)| files.contains(**to) && files.contains(*from));
                ties.map(move |(to, path)| format!("  src/{from} uses {path} of src/{to}"))
            });
            let ties = ties.collect();
            circles.retain(|known| !known.files.is_subset(&files));
            circles.push(Circle { files, ties });
        }
    }
    circles
}

/// Sets of two or more files of which each leads to each.
fn components(graph: &Graph<'_>) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &str| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(file) = open.pop() {
            for next in graph[file.as_str()].keys() {
                if reached.insert((*next).to_owned()) {
                    open.push((*next).to_owned());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> = graph.keys().map(|from| (*from, reached(from))).collect();
    let circle = |from: &&str| {
        let back = |to: &&String| reached[to.as_str()].contains(*from);
        reached[from].iter().filter(back).cloned().collect::<BTreeSet<_>>()
    };
    graph.keys().map(circle).filter(|files| files.len() > 1).collect()
}
