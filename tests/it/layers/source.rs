//! Sources read as text: the paths that a file writes, and the file that defines what each names.

use std::collections::{BTreeMap, BTreeSet};

/// The words and signs of `text`, without comments, strings and characters.
fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let silent = silent(rest);
        if silent > 0 {
            rest = &rest[silent..];
            continue;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let len = match word {
            0 if rest.starts_with("::") || rest.starts_with("..") => 2,
            0 => first.len_utf8(),
            word => word,
        };
        tokens.push(&rest[..len]);
        rest = &rest[len..];
    }
    tokens
}

/// How long the blank, comment or literal is that `rest` starts with.
fn silent(rest: &str) -> usize {
    let end = |from: usize, end: &str| {
        rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    // To the quote that no backslash precedes.
    let quoted = |quote: char| {
        let mut escaped = false;
        let close = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        close.map_or(rest.len(), |(at, c)| at + c.len_utf8())
    };
    let raw = rest.trim_start_matches(['b', 'c']).strip_prefix('r').map(|raw| {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        (raw[hashes..].starts_with('"'), rest.len() - raw.len() + hashes + 1, hashes)
    });
    match rest.as_bytes() {
        [b'/', b'/', ..] => end(0, "\n"),
        [b'/', b'*', ..] => end(0, "*/"),
        [b'"', ..] => quoted('"'),
        [b'\'', b'\\', ..] => quoted('\''),
        // A character, or the sign before the name of a lifetime.
        [b'\'', ..] => match rest[1..].char_indices().nth(1) {
            Some((at, '\'')) => 1 + at + 1,
            _ => 1,
        },
        _ => match raw {
            Some((true, from, hashes)) => end(from, &format!("\"{}", "#".repeat(hashes))),
            _ => rest.len() - rest.trim_start().len(),
        },
    }
}

/// A path as a file writes it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The module that it stands in.
    at: Vec<String>,
    /// `crate`, `super`, `self` and an empty head, of a path that starts with `::`, included; `*`
    /// ends one that takes all.
    pub(crate) parts: Vec<String>,
    /// The name that a `use` gives to it.
    name: Option<String>,
    /// Whether a `use` hands it out: to whoever follows it, and so no use of its own.
    pub(crate) is_public: bool,
}

impl Written {
    /// Whether it takes all that something holds.
    pub(crate) fn takes_all(&self) -> bool {
        self.parts.last().is_some_and(|last| last == "*")
    }
}

/// Reads the tokens of one file.
struct Reader<'t> {
    tokens: Vec<&'t str>,
    next: usize,
    at: Vec<String>,
    written: Vec<Written>,
    /// Modules of other files that are only there for tests.
    tests: BTreeSet<Vec<String>>,
}

/// Words that a path may follow, so that they are none's head.
const KEYWORDS: [&str; 12] =
    ["as", "in", "return", "impl", "dyn", "mut", "else", "match", "if", "while", "for", "const"];

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

impl<'t> Reader<'t> {
    fn token(&self, ahead: usize) -> &'t str {
        self.tokens.get(self.next + ahead).copied().unwrap_or("")
    }

    /// Reads all, and keeps the module of each path up to date.
    fn read(&mut self) {
        let (mut depth, mut modules) = (0_usize, Vec::new());
        while self.next < self.tokens.len() {
            let before = self.next.checked_sub(1).map_or("", |before| self.tokens[before]);
            match self.token(0) {
                "#" if self.is_test() => self.skip_item(),
                "mod" if self.token(2) == "{" => {
                    self.at.push(self.token(1).to_owned());
                    modules.push(depth);
                    self.next += 2;
                }
                "{" => {
                    depth += 1;
                    self.next += 1;
                }
                "}" => {
                    depth = depth.saturating_sub(1);
                    if modules.last() == Some(&depth) {
                        modules.pop();
                        self.at.pop();
                    }
                    self.next += 1;
                }
                // A visibility is no use.
                "(" if before == "pub" && self.token(1) == "in" => {
                    while !matches!(self.token(0), ")" | "") {
                        self.next += 1;
                    }
                }
                "use" if self.token(1) != "<" => {
                    self.next += 1;
                    self.tree(&[], matches!(before, "pub" | ")"));
                }
                "crate" if before == "extern" => {
                    let name = self.token(1).to_owned();
                    let itself = name == "self";
                    let parts =
                        if itself { vec!["crate".to_owned()] } else { vec![String::new(), name] };
                    self.found(parts, None, false);
                    self.next += 2;
                }
                "::" if is_word(self.token(1)) && before != ">" => self.path(),
                word if is_word(word) && !KEYWORDS.contains(&word) && before != "." => self.path(),
                _ => self.next += 1,
            }
        }
    }

    fn found(&mut self, parts: Vec<String>, name: Option<String>, is_public: bool) {
        self.written.push(Written { at: self.at.clone(), parts, name, is_public });
    }

    /// Whether here is `#[cfg(test)]`, or `#[cfg(all(test, ..))]`.
    fn is_test(&self) -> bool {
        let starts = |with: &[&str]| self.tokens[self.next..].starts_with(with);
        starts(&["#", "[", "cfg", "(", "test", ")"])
            || starts(&["#", "[", "cfg", "(", "all", "(", "test"])
    }

    /// Skips attributes and the item behind them.
    fn skip_item(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.token(0) {
                "" => return,
                "mod" if depth == 0 && self.token(2) == ";" => {
                    self.tests.insert([&self.at[..], &[self.token(1).to_owned()]].concat());
                }
                "(" | "[" | "{" => depth += 1,
                // The end of what the item stands in.
                ")" | "}" if depth == 0 => return,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    if depth == 0 {
                        self.next += 1;
                        return;
                    }
                }
                ";" if depth == 0 => return,
                _ => {}
            }
            self.next += 1;
        }
    }

    /// Reads `a::b`, where it has two parts or starts with `::`.
    fn path(&mut self) {
        let mut parts = Vec::new();
        if self.token(0) == "::" {
            parts.push(String::new());
            self.next += 1;
        }
        parts.push(self.token(0).to_owned());
        self.next += 1;
        while self.token(0) == "::" && is_word(self.token(1)) {
            parts.push(self.token(1).to_owned());
            self.next += 2;
        }
        if parts.len() > 1 {
            self.found(parts, None, false);
        }
    }

    /// Reads what follows `use`, or one branch in its braces.
    fn tree(&mut self, base: &[String], is_public: bool) {
        let mut parts = base.to_vec();
        if self.token(0) == "::" {
            parts.push(String::new());
            self.next += 1;
        }
        loop {
            match self.token(0) {
                "{" => {
                    while !matches!(self.token(0), "}" | "") {
                        self.next += 1;
                        if self.token(0) != "}" {
                            self.tree(&parts, is_public);
                        }
                    }
                    self.next += 1;
                    return;
                }
                "self" if !parts.is_empty() => {}
                part => parts.push(part.to_owned()),
            }
            self.next += 1;
            if self.token(0) != "::" {
                break;
            }
            self.next += 1;
        }
        let mut name = parts.last().cloned();
        if self.token(0) == "as" {
            name = Some(self.token(1).to_owned());
            self.next += 2;
        }
        self.found(parts, name, is_public);
    }
}

/// The thing that a path names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// A module of ours, by its path from the root.
    Module(Vec<String>),
    /// Something that this module defines.
    Item(Vec<String>),
    /// A dependency.
    Crate(String),
}

/// A file: its module, and the paths that it writes outside of tests.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) module: Vec<String>,
    pub(crate) written: Vec<Written>,
}

/// The files of a crate by their paths below `src`, without those of tests.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, File>,
    crates: BTreeSet<String>,
    /// The file of each module that has one.
    holders: BTreeMap<Vec<String>, String>,
    /// Every module, one in the braces of a file included, and what it gives names to.
    modules: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

impl Tree {
    /// Reads sources, which may use `crates`.
    pub(crate) fn new(sources: &BTreeMap<String, String>, crates: &[String]) -> Self {
        let mut tests = BTreeSet::new();
        let mut files = BTreeMap::new();
        for (path, text) in sources {
            let parts = path.trim_end_matches(".rs").split('/').map(str::to_owned);
            let module: Vec<_> = parts.filter(|part| part != "mod" && part != "lib").collect();
            let (at, written) = (module.clone(), Vec::new());
            let mut reader =
                Reader { tokens: tokens(text), next: 0, at, written, tests: BTreeSet::new() };
            reader.read();
            tests.extend(reader.tests);
            files.insert(path.clone(), File { module, written: reader.written });
        }
        files.retain(|_, file| !(0..=file.module.len()).any(|n| tests.contains(&file.module[..n])));
        let mut modules = BTreeMap::<_, BTreeMap<_, _>>::new();
        for file in files.values() {
            for n in 0..=file.module.len() {
                modules.entry(file.module[..n].to_vec()).or_default();
            }
            for Written { at, parts, name, .. } in &file.written {
                let names = modules.entry(at.clone()).or_default();
                if let Some(name) = name {
                    names.insert(name.clone(), parts.clone());
                }
            }
        }
        let holders =
            files.iter().map(|(path, file)| (file.module.clone(), path.clone())).collect();
        Self { files, crates: crates.iter().cloned().collect(), holders, modules }
    }

    /// The thing that a path names: a module and something of the same name are two. Nothing where its head
    /// was brought in as an item, which the `use` of it tells.
    pub(crate) fn named(&self, path: &Written) -> BTreeSet<Named> {
        let mut parts = path.parts.clone();
        if path.takes_all() {
            parts.pop();
        }
        let mut found = BTreeSet::new();
        let import = self.modules[&path.at].get(&parts[0]).filter(|_| path.name.is_none());
        if let Some(import) = import {
            self.resolve(&path.at, import, &mut found, 0);
            if !found.iter().any(|named| matches!(named, Named::Module(_))) {
                return BTreeSet::new();
            }
            found.clear();
        }
        self.resolve(&path.at, &parts, &mut found, usize::from(path.name.is_some()));
        found
    }

    /// Follows a path from the module `at`. The `depth` counts the names on the way that a `use`
    /// gave: the first part of what it names is not that name.
    fn resolve(&self, at: &[String], parts: &[String], into: &mut BTreeSet<Named>, depth: usize) {
        let (head, mut rest) = (parts[0].as_str(), &parts[1..]);
        let mut base = at.to_vec();
        match head {
            _ if depth > 9 => return,
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            "" => {
                into.insert(Named::Crate(rest.first().cloned().unwrap_or_default()));
                return;
            }
            head => {
                let child = [at, &[head.to_owned()]].concat();
                let name = self.modules.get(at).and_then(|names| names.get(head));
                if let Some(name) = name.filter(|name| depth == 0 || name[0] != head) {
                    self.resolve(at, &[name, rest].concat(), into, depth + 1);
                } else if self.modules.contains_key(&child) {
                    self.walk(child, rest, into, depth);
                } else if self.crates.contains(head) {
                    into.insert(Named::Crate(head.to_owned()));
                }
                return;
            }
        }
        while let Some(after) = rest.strip_prefix(&["super".to_owned()]) {
            base.pop();
            rest = after;
        }
        self.walk(base, rest, into, depth);
    }

    fn walk(
        &self,
        mut at: Vec<String>,
        parts: &[String],
        into: &mut BTreeSet<Named>,
        depth: usize,
    ) {
        for (i, part) in parts.iter().enumerate() {
            let child = [&at[..], std::slice::from_ref(part)].concat();
            let is_module = self.modules.contains_key(&child);
            let name = self.modules.get(&at).and_then(|names| names.get(part));
            if let Some(name) = name.filter(|_| !is_module || i + 1 == parts.len()) {
                self.resolve(&at, &[name, &parts[i + 1..]].concat(), into, depth + 1);
                if !is_module {
                    return;
                }
            }
            if !is_module {
                into.insert(Named::Item(at));
                return;
            }
            at = child;
        }
        into.insert(Named::Module(at));
    }

    /// The file that holds a module.
    pub(crate) fn file(&self, module: &[String]) -> Option<&str> {
        let mut holders = (0..=module.len()).rev().filter_map(|n| self.holders.get(&module[..n]));
        holders.next().map(String::as_str)
    }
}
