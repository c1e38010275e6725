//! The values of a file by the table of keys.

use std::collections::BTreeMap;

use super::keys::{self, Effect, Key};
#[cfg(test)]
use super::kind::Kind;
use super::kind::{Given, shown};
use super::yaml::{Node, Value};
use super::{Notes, Problem};

/// The values with an effect, by the names that they have today.
#[derive(Debug, Default)]
pub(super) struct Values {
    found: BTreeMap<&'static str, Found>,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Notes,
}

/// A value and where it stands.
#[derive(Debug)]
struct Found {
    /// The name that the file has.
    name: String,
    line: usize,
    given: Given,
    is_old: bool,
}

impl Values {
    /// Reads all values of a tree; keys that are not in the table are problems unless they are allowed.
    pub(super) fn of(root: &Node, allows_unknown: bool) -> Self {
        let mut values = Self::default();
        match &root.value {
            Value::Map(_) => values.walk("", root, allows_unknown),
            _ => values.wrong(root.line, "found no mapping, expected sections such as `sim`"),
        }
        values
    }

    /// Adds a problem.
    pub(super) fn wrong(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem { line: Some(line), text: text.into() });
    }

    fn walk(&mut self, above: &str, node: &Node, allows_unknown: bool) {
        let Value::Map(entries) = &node.value else { return };
        let mut seen: Vec<&str> = Vec::new();
        for entry in entries {
            let name =
                if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
            if seen.contains(&&*entry.key) {
                self.wrong(entry.line, format!("{name}: found twice, expected once"));
                continue;
            }
            seen.push(&entry.key);
            let is_map = matches!(entry.node.value, Value::Map(_));
            match keys::find(&name) {
                // A key such as `model` is a name in some files and a section in others.
                Some(key) if !(is_map && keys::is_above(&name)) => {
                    self.take(key, name, entry.line, &entry.node);
                }
                None if entry.node.is_null() && keys::is_above(&name) => {}
                None if !is_map && keys::is_above(&name) => {
                    let found = shown(&entry.node);
                    self.wrong(entry.line, format!("{name}: found {found}, expected a section"));
                }
                _ if is_map && keys::is_above(&name) => {
                    self.walk(&name, &entry.node, allows_unknown);
                }
                _ if allows_unknown => self.notes.unknown.push(name),
                _ => {
                    let nearest = keys::nearest(&name);
                    let text = format!("{name}: no key has this name; the nearest is {nearest}");
                    self.wrong(entry.line, text);
                }
            }
        }
    }

    fn take(&mut self, key: &'static Key, name: String, line: usize, node: &Node) {
        let (target, is_old) = match key.effect {
            Effect::Other(of) => match keys::find(of) {
                Some(target) => (target, true),
                None => return,
            },
            _ => (key, false),
        };
        match target.effect {
            Effect::Ignored => return self.notes.ignored.push(name),
            Effect::Said => return self.notes.said.push(name),
            _ if node.is_null() => return,
            _ => {}
        }
        let Some(given) = target.kind.read(node) else {
            let (found, expected) = (shown(node), target.kind.words());
            return self.wrong(line, format!("{name}: found {found}, expected {expected}"));
        };
        if let Effect::Refused(why) = target.effect {
            let is_none = matches!(given, Given::Flag(false) | Given::Count(0));
            if !is_none {
                let text = format!("{name}: found {}: {why}", shown(node));
                self.wrong(line, text);
            }
            return;
        }
        // Of two names of one key the newer one counts.
        if let Some(other) = self.found.get(target.name)
            && (is_old || !other.is_old)
        {
            if other.given != given {
                self.notes.overruled.push(format!("{name} by {}", other.name));
            }
            return;
        }
        let found = Found { name: name.clone(), line, given, is_old };
        if let Some(old) = self.found.insert(target.name, found)
            && old.given != self.found[target.name].given
        {
            self.notes.overruled.push(format!("{} by {name}", old.name));
        }
    }

    /// Where a value stands, if it is given.
    pub(super) fn line(&self, name: &str) -> Option<usize> {
        self.found.get(name).map(|found| found.line)
    }

    /// The name that the file has for a key.
    pub(super) fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.found.get(name).map_or(name, |found| &found.name)
    }

    /// A problem of a key, whose value is given or not.
    pub(super) fn unfit(&mut self, name: &str, text: impl std::fmt::Display) {
        let text = format!("{}: {text}", self.name(name));
        self.problems.push(Problem { line: self.line(name), text });
    }

    /// Asks for a value that has no default.
    pub(super) fn need(&mut self, name: &'static str) -> f64 {
        match self.found.get(name).map(|found| &found.given) {
            Some(Given::Number(number)) => *number,
            Some(Given::Count(count)) => *count as f64,
            _ => {
                if !self.is_named(name) {
                    let words = keys::find(name).map_or(String::new(), |key| key.kind.words());
                    self.unfit(
                        name,
                        format!("found no value, expected {words}: there is no default"),
                    );
                }
                f64::NAN
            }
        }
    }

    /// Whether a problem names the key already.
    fn is_named(&self, name: &str) -> bool {
        self.problems.iter().any(|problem| problem.text.starts_with(&format!("{name}: ")))
    }

    fn get(&self, name: &str) -> Option<&Given> {
        debug_assert!(keys::find(name).is_some(), "{name} is no key");
        self.found.get(name).map(|found| &found.given)
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Given::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn count(&self, name: &str) -> Option<usize> {
        match self.get(name) {
            Some(Given::Count(count)) => usize::try_from(*count).ok(),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Given::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Given::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Numbers of a list; none if it is not given.
    pub(super) fn numbers(&self, name: &str) -> &[f64] {
        match self.get(name) {
            Some(Given::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    pub(super) fn points(&self, name: &str) -> Option<&[[f64; 2]]> {
        match self.get(name) {
            Some(Given::Points(points)) => Some(points),
            _ => None,
        }
    }

    pub(super) fn names(&self, name: &str) -> Option<&[String]> {
        match self.get(name) {
            Some(Given::Names(names)) => Some(names),
            _ => None,
        }
    }

    pub(super) fn counts(&self, name: &str) -> Option<&[u64]> {
        match self.get(name) {
            Some(Given::Counts(counts)) => Some(counts),
            _ => None,
        }
    }

    /// The values below `section`, by the last parts of their names.
    pub(super) fn below<'a>(
        &'a self,
        section: &'a str,
    ) -> impl Iterator<Item = (&'static str, String)> + 'a {
        let last = move |name: &&'static str| name.strip_prefix(section)?.strip_prefix('.');
        self.found
            .iter()
            .filter_map(move |(name, found)| last(name).map(|last| (last, found.given.to_string())))
    }

    /// The values of an effect, by name.
    pub(super) fn of_effect(&self, effect: Effect) -> BTreeMap<String, String> {
        let is_of = |name: &&'static str| keys::find(name).is_some_and(|key| key.effect == effect);
        let found = self.found.iter().filter(|(name, _)| is_of(name));
        found.map(|(name, found)| ((*name).to_owned(), found.given.to_string())).collect()
    }
}

/// A key has a kind of its own unless it stands for another.
#[cfg(test)]
pub(super) fn kind_of(key: &Key) -> Kind {
    match key.effect {
        Effect::Other(of) => keys::find(of).map_or(Kind::Any, |key| key.kind),
        _ => key.kind,
    }
}
