//! YAML as a tree of scalars, lists and mappings with their lines.
//!
//! Scalars stay text: what they are is decided where they are read. Aliases are copies, and `<<` merges
//! as in YAML 1.1; neither makes a tree of more than [`MOST_NODES`].

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The most scalars, lists and mappings of a file.
const MOST_NODES: usize = 100_000;

/// The most lists and mappings in each other.
const MOST_DEPTH: usize = 64;

/// A place where a text is no YAML, or more than is read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// From 1.
    pub(super) line: usize,
    pub(super) reason: String,
}

/// A value, with the line that it starts in, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Scalar { text: String, is_plain: bool },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// An entry of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The line of the key.
    pub(super) line: usize,
    pub(super) node: Node,
}

impl Node {
    /// Whether it is no value: empty, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        let is_null = |text: &str| ["", "~", "null", "Null", "NULL"].contains(&text);
        matches!(&self.value, Value::Scalar { text, is_plain: true } if is_null(text))
    }

    fn count(&self) -> usize {
        match &self.value {
            Value::Scalar { .. } => 1,
            Value::List(nodes) => 1 + nodes.iter().map(Self::count).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|x| x.node.count()).sum::<usize>(),
        }
    }
}

/// Reads the one document of a text; an empty one is an empty mapping.
pub(super) fn read(text: &str) -> Result<Node, Flaw> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event
            .map_err(|why| Flaw { line: why.marker().line(), reason: why.info().to_owned() })?;
        tree.take(event, span.start.line()).map_err(|(line, reason)| Flaw { line, reason })?;
    }
    let empty = Node { line: 1, value: Value::Map(Vec::new()) };
    Ok(tree.root.filter(|root| !root.is_null()).unwrap_or(empty))
}

/// A list or mapping that is not over.
struct Open {
    line: usize,
    anchor: usize,
    value: Value,
    /// A key without its value, and its line.
    key: Option<(String, usize)>,
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    nodes: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), (usize, String)> {
        let wrong = |reason: &str| Err((line, reason.to_owned()));
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: text.into_owned(), is_plain };
                return self.put(anchor, Node { line, value });
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return wrong("found an alias of itself");
                };
                let node = Node { line, ..node.clone() };
                return self.put(0, node);
            }
            Event::SequenceStart(anchor, _) => (anchor, Value::List(Vec::new())),
            Event::MappingStart(anchor, _) => (anchor, Value::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return wrong("found an end too many") };
                let value = match open.value {
                    Value::Map(entries) => Value::Map(merged(entries)?),
                    value => value,
                };
                return self.put(open.anchor, Node { line: open.line, value });
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                return wrong("found a second document, expected one");
            }
            _ => return Ok(()),
        };
        if self.open.len() == MOST_DEPTH {
            return wrong("found lists and mappings in each other, 65 deep, expected at most 64");
        }
        self.open.push(Open { line, anchor, value, key: None });
        Ok(())
    }

    fn put(&mut self, anchor: usize, node: Node) -> Result<(), (usize, String)> {
        let line = node.line;
        // What a list or mapping holds was counted before it.
        let is_copy = anchor == 0 && !matches!(node.value, Value::Scalar { .. });
        self.nodes += if is_copy { node.count() } else { 1 };
        if self.nodes > MOST_NODES {
            return Err((line, format!("found more than {MOST_NODES} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.value, open.key.take()) {
            (Value::List(nodes), _) => nodes.push(node),
            (Value::Map(entries), Some((key, line))) => entries.push(Entry { key, line, node }),
            (_, None) => match node.value {
                Value::Scalar { text, .. } => open.key = Some((text, line)),
                _ => return Err((line, "found a list or mapping as a key".to_owned())),
            },
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

/// The entries with those that `<<` names, which count where there is none of the same key.
fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, (usize, String)> {
    let (merges, mut all): (Vec<_>, Vec<_>) = entries.into_iter().partition(|x| x.key == "<<");
    for merge in merges {
        let nodes = match merge.node.value {
            Value::List(nodes) => nodes,
            value => vec![Node { line: merge.line, value }],
        };
        for node in nodes {
            let Value::Map(more) = node.value else {
                return Err((
                    merge.line,
                    "<<: found no mapping, expected one or a list".to_owned(),
                ));
            };
            for entry in more {
                if all.iter().all(|own: &Entry| own.key != entry.key) {
                    all.push(entry);
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Scalar { text, is_plain: true } => text.clone(),
            Value::Scalar { text, .. } => format!("{text:?}"),
            Value::List(nodes) => {
                let nodes: Vec<_> = nodes.iter().map(shown).collect();
                format!("[{}]", nodes.join(" "))
            }
            Value::Map(entries) => {
                let entry = |x: &Entry| format!("{}@{}:{}", x.key, x.line, shown(&x.node));
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    fn text(yaml: &str) -> String {
        match read(yaml) {
            Ok(node) => shown(&node),
            Err(flaw) => format!("line {}: {}", flaw.line, flaw.reason),
        }
    }

    #[test]
    fn blocks_and_flows_are_trees_with_lines() {
        assert_eq!(text("a: 1\nb:\n  c: [x, 'y']\n  d:\n"), "{a@1:1 b@2:{c@3:[x \"y\"] d@4:}}");
        assert_eq!(text("\u{feff}# only a comment\n"), "{}", "nothing");
        let aliases = "a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  b: 3\n";
        assert_eq!(text(aliases), "{a@1:{b@1:1 c@1:2} d@2:{b@1:1 c@1:2} e@3:{b@5:3 c@1:2}}");
    }

    #[test]
    fn what_is_no_yaml_is_named_by_its_line() {
        for (yaml, words) in [
            ("a: 1\nb: [1, 2\nc: 3\n", "line 3: "),
            ("a: 1\n---\nb: 2\n", "line 2: found a second document"),
            ("a: 1\n? [1]\n: 2\n", "line 2: found a list or mapping as a key"),
            ("a: {<<: 3}\n", "line 1: <<: found no mapping"),
            (&"[".repeat(70), "65 deep"),
        ] {
            assert!(text(yaml).contains(words), "{yaml:?}: {}", text(yaml));
        }
    }

    #[test]
    fn copies_of_copies_do_not_fill_the_memory() {
        let mut yaml = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for (name, before) in ["b", "c", "d", "e", "f"].into_iter().zip(["a", "b", "c", "d", "e"]) {
            let copies = vec![format!("*{before}"); 10].join(", ");
            yaml += &format!("{name}: &{name} [{copies}]\n");
        }
        assert!(text(&yaml).contains("more than 100000 values"), "{}", &text(&yaml)[..80]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a:b\\[\\]{}&*,<|>'\"#\n 1.]{0,60}") {
            let _ = read(&text);
        }
    }
}
