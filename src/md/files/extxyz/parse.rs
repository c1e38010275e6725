//! The reader. It takes bytes from outside: every length is checked before it is used.

use std::collections::BTreeMap;

use super::{Error, Frame, is_near, is_symbol};
use crate::md::system::{Cell, Vector};

/// Columns of one `Properties` entry.
#[derive(Debug, Clone)]
struct Property {
    name: String,
    kind: char,
    columns: usize,
}

struct Reader<'a> {
    file: &'a str,
}

impl Reader<'_> {
    fn error(&self, line: usize, found: impl Into<String>, expected: &str) -> Error {
        let (file, expected) = (self.file.to_owned(), expected.to_owned());
        Error::Syntax { file, line, found: found.into(), expected }
    }

    fn number(&self, line: usize, what: &str, text: &str) -> Result<f64, Error> {
        match text.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(self.error(line, quote(text), &format!("a finite number for {what}"))),
        }
    }
}

/// Parses a frame; see [`Frame::parse`].
pub(super) fn frame(file: &str, bytes: &[u8]) -> Result<Frame, Error> {
    let reader = Reader { file };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        reader.error(line, "bytes that are not UTF-8", "text")
    })?;
    let mut lines = text.trim_end().lines();
    let Some(first) = lines.next() else {
        return Err(reader.error(1, "an empty file", "the number of atoms"));
    };
    let atoms = match first.trim().parse::<usize>() {
        Ok(n) if n > 0 => n,
        _ => return Err(reader.error(1, quote(first), "the number of atoms, at least 1")),
    };
    let Some(comment) = lines.next() else {
        return Err(reader.error(2, "the end of the file", "Lattice=... and Properties=..."));
    };
    let mut info = pairs(&reader, comment)?;
    let cell = lattice(&reader, info.remove("Lattice"))?;
    let pbc = periodic(&reader, info.remove("pbc"))?;
    let properties = properties(&reader, info.remove("Properties"))?;
    let has = |name: &str| properties.iter().any(|p| p.name == name);
    let mut frame = Frame {
        cell,
        pbc,
        species: Vec::new(),
        positions: Vec::new(),
        velocities: has("velo").then(Vec::new),
        forces: has("forces").then(Vec::new),
        momenta: has("momenta"),
        info,
    };
    for k in 0..atoms {
        let Some(row) = lines.next() else {
            let found = format!("the end of the file after {k} of {atoms} atoms");
            return Err(reader.error(k + 3, found, "one line per atom"));
        };
        atom(&reader, k + 3, row, &properties, &mut frame)?;
    }
    if let Some((k, more)) = lines.enumerate().find(|(_, line)| !line.trim().is_empty()) {
        let found = format!("a second frame or a trailing line, {}", quote(more));
        let expected = format!("the end of the file after {atoms} atoms");
        return Err(reader.error(atoms + 3 + k, found, &expected));
    }
    Ok(frame)
}

fn atom(
    reader: &Reader<'_>,
    line: usize,
    row: &str,
    properties: &[Property],
    frame: &mut Frame,
) -> Result<(), Error> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let columns: usize = properties.iter().map(|p| p.columns).sum();
    if fields.len() != columns {
        let expected = format!("{columns}, as Properties says");
        return Err(reader.error(line, format!("{} columns", fields.len()), &expected));
    }
    let mut rest = fields.as_slice();
    for p in properties {
        let (mine, after) = rest.split_at(p.columns);
        rest = after;
        if p.name == "species" {
            if !is_symbol(mine[0]) {
                return Err(reader.error(line, quote(mine[0]), "a chemical symbol"));
            }
            frame.species.push(mine[0].to_owned());
            continue;
        }
        if p.kind != 'R' {
            let (good, what): (fn(&str) -> bool, _) = match p.kind {
                'I' => (|text| text.parse::<i64>().is_ok(), "an integer"),
                'L' => (|text| flag(text).is_some(), "T or F"),
                _ => (|_| true, "text"),
            };
            if let Some(bad) = mine.iter().find(|text| !good(text)) {
                return Err(reader.error(line, quote(bad), &format!("{what} for {}", p.name)));
            }
            continue;
        }
        let numbers = mine
            .iter()
            .map(|text| reader.number(line, &p.name, text))
            .collect::<Result<Vec<f64>, _>>()?;
        let Ok(vector) = Vector::try_from(numbers) else { continue };
        match p.name.as_str() {
            "pos" if !vector.iter().all(|&x| is_near(x)) => {
                let found = format!("the position {vector:?}");
                return Err(reader.error(line, found, "coordinates within 1e6 angstrom"));
            }
            "pos" => frame.positions.push(vector),
            "velo" => frame.velocities.iter_mut().for_each(|v| v.push(vector)),
            "forces" => frame.forces.iter_mut().for_each(|v| v.push(vector)),
            _ => {}
        }
    }
    Ok(())
}

/// The pairs of line 2: `key=word`, `key="words"`, `key={words}`, or a bare `key`, which is `T`.
fn pairs(reader: &Reader<'_>, comment: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut pairs = BTreeMap::new();
    let mut rest = comment.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || key.contains(['"', '\'', '{', '}']) {
            return Err(reader.error(2, quote(rest), "key=value"));
        }
        let (value, after) = match after.strip_prefix('=') {
            None => ("T", after),
            Some(value) => match value.chars().next() {
                Some(open @ ('"' | '\'' | '{')) => {
                    let close = if open == '{' { '}' } else { open };
                    value[1..].split_once(close).ok_or_else(|| {
                        reader.error(2, format!("{key}={}", quote(value)), "a closing quote")
                    })?
                }
                _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
            },
        };
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(reader.error(2, format!("{} twice", quote(key)), "each key once"));
        }
        rest = after.trim_start();
    }
    Ok(pairs)
}

fn lattice(reader: &Reader<'_>, value: Option<String>) -> Result<Cell, Error> {
    let expected = "Lattice=\"...\" with nine numbers";
    let value = value.ok_or_else(|| reader.error(2, "no Lattice", expected))?;
    let mut numbers = Vec::new();
    for text in value.split_whitespace() {
        numbers.push(reader.number(2, "Lattice", text)?);
    }
    let nine = <[f64; 9]>::try_from(numbers).map_err(|numbers| {
        reader.error(2, format!("Lattice with {} numbers", numbers.len()), expected)
    })?;
    let row = |k: usize| [nine[3 * k], nine[3 * k + 1], nine[3 * k + 2]];
    Cell::new([row(0), row(1), row(2)])
        .map_err(|source| Error::Lattice { file: reader.file.to_owned(), source })
}

fn flag(word: &str) -> Option<bool> {
    match word {
        "T" | "True" | "true" | "1" => Some(true),
        "F" | "False" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// A lattice without `pbc` repeats along all its vectors.
fn periodic(reader: &Reader<'_>, value: Option<String>) -> Result<[bool; 3], Error> {
    let Some(value) = value else { return Ok([true; 3]) };
    let flags: Option<Vec<bool>> = value.split_whitespace().map(flag).collect();
    flags
        .and_then(|f| <[bool; 3]>::try_from(f).ok())
        .ok_or_else(|| reader.error(2, format!("pbc={}", quote(&value)), "three of T and F"))
}

fn properties(reader: &Reader<'_>, value: Option<String>) -> Result<Vec<Property>, Error> {
    let form = "Properties=name:type:columns:... with species:S:1 and pos:R:3";
    let value = value.ok_or_else(|| reader.error(2, "no Properties", form))?;
    let wrong = || reader.error(2, format!("Properties={}", quote(&value)), form);
    let words: Vec<&str> = value.split(':').collect();
    let mut properties: Vec<Property> = Vec::new();
    for triple in words.chunks(3) {
        let [name, kind @ ("S" | "R" | "I" | "L"), columns] = triple else { return Err(wrong()) };
        let kind = kind.chars().next().expect("one letter");
        let columns = columns.parse().ok().filter(|n| (1..=64).contains(n)).ok_or_else(wrong)?;
        let shape = match *name {
            "species" => Some(('S', 1)),
            "pos" | "velo" | "forces" => Some(('R', 3)),
            _ => None,
        };
        let twice = properties.iter().any(|p| p.name == *name);
        if twice || shape.is_some_and(|shape| shape != (kind, columns)) {
            return Err(wrong());
        }
        properties.push(Property { name: (*name).to_owned(), kind, columns });
    }
    let has = |name: &str| properties.iter().any(|p| p.name == name);
    if has("species") && has("pos") { Ok(properties) } else { Err(wrong()) }
}

/// At most forty characters of `text`, in quotes.
fn quote(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{more}")
}
