//! The reader. It takes bytes from outside: every length is checked before it is used.

use std::collections::BTreeMap;

use super::comment::{self, Value, number};
use super::motion::{self, Kind, Motion, TEMPERATURE, UNIT};
use super::{Error, Frame, elements, is_near, is_symbol, quote};
use crate::file::is_lfs_pointer;
use crate::md::system::{Cell, Vector};

/// The keys of line 2 that are read and not kept.
pub(super) const TAKEN: [&str; 3] = ["Lattice", "Properties", "pbc"];

/// A mass so many times the standard one is in another unit: QUIP's is 103.6 times as large.
const HEAVIEST: f64 = 50.0;

/// The places of the columns that are read.
#[derive(Debug, Default)]
struct Layout {
    columns: usize,
    species: Option<usize>,
    number: Option<usize>,
    position: Option<usize>,
    masses: Vec<usize>,
    forces: Option<usize>,
    motion: Option<(String, [usize; 3])>,
    unread: Vec<String>,
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
        let expected = || format!("a finite number for {what}");
        number(text).ok_or_else(|| self.error(line, quote(text), &expected()))
    }

    fn vector(
        &self,
        line: usize,
        what: &str,
        fields: &[&str],
        at: [usize; 3],
    ) -> Result<Vector, Error> {
        let [x, y, z] = at.map(|k| self.number(line, what, fields[k]));
        Ok([x?, y?, z?])
    }
}

/// Parses a frame; see [`Frame::parse`].
pub(super) fn frame(file: &str, bytes: &[u8]) -> Result<Frame, Error> {
    let reader = Reader { file };
    if is_lfs_pointer(bytes) {
        return Err(reader.error(1, "a Git LFS pointer", "the file itself; run `git lfs pull`"));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        reader.error(line, "bytes that are not UTF-8", "text")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
    let (mut info, [cell, columns, pbc]) = pairs(&reader, comment)?;
    let cell = lattice(&reader, cell)?;
    let pbc = periodic(&reader, pbc)?;
    let layout = layout(&reader, columns)?;
    info.retain(|key, _| !TAKEN.contains(&key.as_str()));
    let mut frame = Frame {
        cell,
        pbc,
        species: Vec::new(),
        positions: Vec::new(),
        masses: (!layout.masses.is_empty()).then(Vec::new),
        motion: layout
            .motion
            .as_ref()
            .map(|(column, _)| Motion { column: column.clone(), values: Vec::new() }),
        unread: layout.unread.clone(),
        forces: layout.forces.map(|_| Vec::new()),
        info,
    };
    for k in 0..atoms {
        let Some(row) = lines.next() else {
            let found = format!("the end of the file after {k} of {atoms} atoms");
            return Err(reader.error(k + 3, found, "one line per atom"));
        };
        atom(&reader, k + 3, row, &layout, &mut frame)?;
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
    layout: &Layout,
    frame: &mut Frame,
) -> Result<(), Error> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    if fields.len() != layout.columns {
        let expected = format!("{}, as Properties says", layout.columns);
        return Err(reader.error(line, format!("{} columns", fields.len()), &expected));
    }
    let species = species(reader, line, &fields, layout)?;
    let three = |start: usize| [start, start + 1, start + 2];
    if let Some(start) = layout.position {
        let place = reader.vector(line, "pos", &fields, three(start))?;
        if !place.iter().all(|&x| is_near(x)) {
            let found = format!("the position {place:?}");
            return Err(reader.error(line, found, "coordinates within 1e6 angstrom"));
        }
        frame.positions.push(place);
    }
    if let (Some(values), Some(start)) = (&mut frame.forces, layout.forces) {
        values.push(reader.vector(line, "forces", &fields, three(start))?);
    }
    if let (Some(motion), Some((name, at))) = (&mut frame.motion, &layout.motion) {
        motion.values.push(reader.vector(line, name, &fields, *at)?);
    }
    if let (Some(masses), [first, others @ ..]) = (&mut frame.masses, &layout.masses[..]) {
        masses.push(mass(reader, line, &species, fields[*first])?);
        if let Some(other) = others.iter().find(|k| number(fields[**k]) != number(fields[*first])) {
            let found = format!("the masses {} and {}", fields[*first], fields[*other]);
            return Err(reader.error(line, found, "the same in both columns"));
        }
    }
    frame.species.push(species);
    Ok(())
}

/// The symbol of an atom, with a capital first letter; a symbol and an atomic number must agree.
fn species(
    reader: &Reader<'_>,
    line: usize,
    fields: &[&str],
    layout: &Layout,
) -> Result<String, Error> {
    let of_number = match layout.number {
        None => None,
        Some(at) => {
            let symbol = fields[at].parse().ok().and_then(elements::symbol);
            Some(symbol.ok_or_else(|| {
                let found = format!("Z {}", quote(fields[at]));
                reader.error(line, found, "an atomic number from 1 to 118")
            })?)
        }
    };
    let Some(text) = layout.species.map(|at| fields[at]) else {
        return Ok(of_number.unwrap_or_default().to_owned());
    };
    if !is_symbol(text) {
        return Err(reader.error(line, quote(text), "a chemical symbol"));
    }
    let mut symbol = text.to_ascii_lowercase();
    symbol[..1].make_ascii_uppercase();
    match of_number {
        Some(other) if elements::number(&symbol).is_some() && symbol != other => {
            let found = format!("the species {text} with the atomic number of {other}");
            Err(reader.error(line, found, "the same element"))
        }
        _ => Ok(symbol),
    }
}

fn mass(reader: &Reader<'_>, line: usize, species: &str, text: &str) -> Result<f64, Error> {
    let mass = reader.number(line, "mass", text)?;
    let standard = elements::mass(species);
    if mass <= 0.0 || standard.is_some_and(|standard| mass > HEAVIEST * standard) {
        let near = standard.map_or(String::new(), |m| format!(" near {m}"));
        let expected = format!("atomic mass units{near} (QUIP's own unit is 103.6 times as large)");
        return Err(reader.error(line, format!("the mass {text} of {species}"), &expected));
    }
    Ok(mass)
}

type Pairs = BTreeMap<String, Value>;

/// The pairs of line 2, and apart from them those that are [`TAKEN`]. Of a key that comes twice
/// the last counts, as for ASE, if nothing is read from it.
fn pairs(reader: &Reader<'_>, comment: &str) -> Result<(Pairs, [Option<Value>; 3]), Error> {
    let pairs =
        comment::pairs(comment).map_err(|[found, expected]| reader.error(2, found, &expected))?;
    for known in TAKEN.into_iter().chain([TEMPERATURE, UNIT]) {
        if pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(known)).count() > 1 {
            return Err(reader.error(2, format!("{known} twice"), "each key once"));
        }
    }
    let mut info = Pairs::new();
    let mut taken = [None, None, None];
    for (key, value) in pairs {
        match TAKEN.iter().position(|known| known.eq_ignore_ascii_case(&key)) {
            Some(at) => taken[at] = Some(value),
            None => _ = info.insert(key, value),
        }
    }
    Ok((info, taken))
}

fn lattice(reader: &Reader<'_>, value: Option<Value>) -> Result<Cell, Error> {
    let expected = "Lattice=\"...\" with nine numbers";
    let value = value.ok_or_else(|| reader.error(2, "no Lattice", expected))?;
    let numbers = value.words().map(|word| reader.number(2, "Lattice", word));
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let nine = <[f64; 9]>::try_from(numbers).map_err(|numbers| {
        reader.error(2, format!("Lattice with {} numbers", numbers.len()), expected)
    })?;
    let rows = [0, 3, 6].map(|k| [nine[k], nine[k + 1], nine[k + 2]]);
    if value.is_nested() && (0..3).any(|a| (0..a).any(|b| rows[a][b] != rows[b][a])) {
        // Some programs take its rows for the vectors, and some its columns.
        let found = "a nested Lattice that is not symmetric";
        return Err(reader.error(2, found, "nine numbers in a row, vector after vector"));
    }
    Cell::new(rows).map_err(|source| Error::Lattice { file: reader.file.to_owned(), source })
}

fn flag(word: &str) -> Option<bool> {
    match word {
        "T" | "True" | "true" | "TRUE" | "1" => Some(true),
        "F" | "False" | "false" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

/// A lattice without `pbc` repeats along all its vectors; a single flag is for all of them.
fn periodic(reader: &Reader<'_>, value: Option<Value>) -> Result<[bool; 3], Error> {
    let Some(value) = value else { return Ok([true; 3]) };
    let flags: Option<Vec<bool>> = value.words().map(flag).collect();
    match flags.as_deref() {
        Some([all]) => Ok([*all; 3]),
        Some([a, b, c]) => Ok([*a, *b, *c]),
        _ => Err(reader.error(2, format!("pbc={}", quote(value.text())), "three of T and F")),
    }
}

/// Without `Properties` the columns are those of plain XYZ.
fn layout(reader: &Reader<'_>, value: Option<Value>) -> Result<Layout, Error> {
    let value = value.unwrap_or(Value::Text("species:S:1:pos:R:3".to_owned()));
    let wrong = |found: String, expected: &str| {
        Err(reader.error(2, format!("Properties with {found}"), expected))
    };
    let words: Vec<&str> = value.text().split(':').collect();
    let mut layout = Layout::default();
    let (mut names, mut components) = (Vec::new(), [None; 3]);
    for triple in words.chunks(3) {
        let form = "name:type:columns, with the type S, I, R or L";
        let columns = triple.get(2).and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        let (&[name, kind @ ("S" | "R" | "I" | "L"), _], Some(columns)) = (triple, columns) else {
            return wrong(quote(&triple.join(":")), form);
        };
        let start = layout.columns;
        let Some(end) = start.checked_add(columns) else {
            return wrong(quote(&triple.join(":")), form);
        };
        layout.columns = end;
        if names.contains(&name) {
            return wrong(format!("{name} twice"), "each column once");
        }
        names.push(name);
        let is_number = kind == "R" || kind == "I";
        let is = |kinds: &[&str], n: usize| kinds.contains(&kind) && columns == n;
        let numbers: &[&str] = &["R", "I"];
        // Lower case `z` is a coordinate.
        let (fits, needed) = match name.to_ascii_lowercase().as_str() {
            "species" => (is(&["S"], 1), "species:S:1"),
            "pos" => (is(numbers, 3), "pos:R:3"),
            "z" if name == "Z" => (is(&["I"], 1), "Z:I:1"),
            "mass" | "masses" => (is(numbers, 1), "masses:R:1"),
            _ => (true, ""),
        };
        if !fits {
            return wrong(quote(&triple.join(":")), needed);
        }
        match name.to_ascii_lowercase().as_str() {
            "species" => layout.species = Some(start),
            "pos" => layout.position = Some(start),
            "z" if name == "Z" => layout.number = Some(start),
            "mass" | "masses" => layout.masses.push(start),
            "forces" if is(numbers, 3) => layout.forces = Some(start),
            "force" if is(numbers, 3) => layout.forces = layout.forces.or(Some(start)),
            _ => match motion::kind(name, is_number, columns) {
                Kind::Motion => {
                    if let Some((other, _)) = &layout.motion {
                        let expected = "one of the two, the motion of the atoms";
                        return wrong(format!("{other} and {name}"), expected);
                    }
                    layout.motion = Some((name.to_owned(), [start, start + 1, start + 2]));
                }
                Kind::Component(axis) => components[axis] = Some(start),
                Kind::Unread => layout.unread.push(triple.join(":")),
                Kind::Other => {}
            },
        }
    }
    match components {
        [Some(x), Some(y), Some(z)] if layout.motion.is_none() => {
            layout.motion = Some(("vel".to_owned(), [x, y, z]));
        }
        [None, None, None] => {}
        _ => layout.unread.push("vx, vy or vz".to_owned()),
    }
    if layout.motion.is_some() {
        layout.unread.clear();
    }
    if layout.position.is_none() || layout.species.or(layout.number).is_none() {
        return wrong(quote(value.text()), "species:S:1 or Z:I:1, and pos:R:3");
    }
    Ok(layout)
}
