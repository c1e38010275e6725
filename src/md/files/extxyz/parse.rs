//! The reader. It takes bytes from outside: every length is checked before it is used.

use std::collections::BTreeMap;

use super::columns::{self, Column, Layout};
use super::comment::{self, Value, number};
use super::motion::Motion;
use super::{About, Error, Frame, ONE, Unread, elements, is_near, is_symbol, quote, twice};
use crate::file::is_lfs_pointer;
use crate::md::system::{Cell, Vector};

/// The keys of line 2 that are read and not kept.
pub(super) const TAKEN: [&str; 3] = ["Lattice", "Properties", "pbc"];

/// A mass so many times the standard one, or one so many times smaller, is in another unit: QUIP's
/// is 103.6 times as large. No isotope is that far, nor a hydrogen that was made heavier.
const FARTHEST: f64 = 20.0;

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
    let pairs =
        comment::pairs(comment).map_err(|[found, expected]| reader.error(2, found, &expected))?;
    let [cell, columns, pbc] = taken(&reader, &pairs)?;
    let cell = lattice(&reader, cell)?;
    let pbc = periodic(&reader, pbc)?;
    // Without `Properties` the columns are those of plain XYZ.
    let columns = columns.map_or("species:S:1:pos:R:3", Value::text);
    let layout =
        columns::layout(columns).map_err(|[found, expected]| reader.error(2, found, &expected))?;
    let motion = layout.motion.as_ref();
    let mut overruled: Vec<_> = pairs.into_iter().filter(|(key, _)| place(key).is_none()).collect();
    let info: BTreeMap<_, _> = overruled.iter().cloned().collect();
    overruled.retain(|(key, value)| info[key] != *value);
    let mut frame = Frame {
        cell,
        pbc,
        species: Vec::new(),
        positions: Vec::new(),
        masses: (!layout.masses.is_empty()).then(Vec::new),
        motion: motion.map(|(column, _)| Motion { column: column.clone(), values: Vec::new() }),
        forces: None,
        unread: Vec::new(),
        info,
        overruled,
    };
    let mut rows = Vec::new();
    for k in 0..atoms {
        let Some(row) = lines.next() else {
            let found = format!("the end of the file after {k} of {atoms} atoms");
            return Err(reader.error(k + 3, found, "one line per atom"));
        };
        atom(&reader, k + 3, row, &layout, &mut frame)?;
        rows.push(row);
    }
    if let Some((k, more)) = lines.enumerate().find(|(_, line)| !line.trim().is_empty()) {
        let found = format!("a second frame or a trailing line, {}", quote(more));
        let expected = format!("the end of the file after {atoms} atoms");
        return Err(reader.error(atoms + 3 + k, found, &expected));
    }
    frame.unread =
        layout.unread.iter().map(|(column, about)| unread(&rows, column, *about)).collect();
    for column in &layout.forces {
        match forces(&rows, column).filter(|_| frame.forces.is_none()) {
            Some(forces) => frame.forces = Some(forces),
            None => frame.unread.push(unread(&rows, column, About::Forces)),
        }
    }
    Ok(frame)
}

/// The texts of a column.
fn texts<'a>(row: &'a str, column: &Column) -> Vec<&'a str> {
    row.split_whitespace().skip(column.start).take(column.count).collect()
}

fn unread(rows: &[&str], column: &Column, about: About) -> Unread {
    let fields = rows.iter().map(|row| texts(row, column).join(" ")).collect();
    Unread { declared: column.declared.clone(), about, fields }
}

/// The forces of a column, if all are finite numbers: nothing needs them, so they stop no file.
fn forces(rows: &[&str], column: &Column) -> Option<Vec<Vector>> {
    let of_row = |row: &&str| -> Option<Vector> {
        let numbers: Option<Vec<f64>> = texts(row, column).into_iter().map(number).collect();
        numbers?.try_into().ok()
    };
    rows.iter().map(of_row).collect()
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
    let at = layout.position;
    let place = reader.vector(line, "pos", &fields, [at, at + 1, at + 2])?;
    if !place.iter().all(|&x| is_near(x)) {
        let found = format!("the position {place:?}");
        return Err(reader.error(line, found, "coordinates within 1e6 angstrom"));
    }
    frame.positions.push(place);
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

/// The symbol of an atom as it is written: in capitals CA may be a label of carbon. Beside an
/// atomic number any label may stand, but not the symbol of another element.
fn species(
    reader: &Reader<'_>,
    line: usize,
    fields: &[&str],
    layout: &Layout,
) -> Result<String, Error> {
    let text = layout.species.map(|at| fields[at]);
    let Some(z) = layout.number.map(|at| fields[at]) else {
        let text = text.unwrap_or_default();
        if !is_symbol(text) {
            return Err(reader.error(line, quote(text), "a chemical symbol"));
        }
        return Ok(text.to_owned());
    };
    let Some(symbol) = z.parse().ok().and_then(elements::symbol) else {
        let found = format!("Z {}", quote(z));
        return Err(reader.error(line, found, "an atomic number from 1 to 118"));
    };
    match text {
        Some(other) if elements::number(other).is_some() && other != symbol => {
            let found = format!("the species {other} with the atomic number of {symbol}");
            Err(reader.error(line, found, "the same element"))
        }
        _ => Ok(symbol.to_owned()),
    }
}

fn mass(reader: &Reader<'_>, line: usize, species: &str, text: &str) -> Result<f64, Error> {
    let mass = reader.number(line, "mass", text)?;
    let standard = elements::mass(species);
    // A species that is no element weighs something between hydrogen and 300.
    let (least, most) = standard.map_or((1.0, 300.0), |standard| (standard, standard));
    if !(least / FARTHEST..=most * FARTHEST).contains(&mass) {
        let near = standard.map_or(String::new(), |m| format!(" near {m}"));
        let expected = format!("atomic mass units{near} (QUIP's own unit is 103.6 times as large)");
        return Err(reader.error(line, format!("the mass {text} of {species}"), &expected));
    }
    Ok(mass)
}

/// Which of [`TAKEN`] a key is.
fn place(key: &str) -> Option<usize> {
    TAKEN.iter().position(|known| known.eq_ignore_ascii_case(key))
}

/// The values of [`TAKEN`]; each key comes once, or again with the same value.
fn taken<'a>(
    reader: &Reader<'_>,
    pairs: &'a [(String, Value)],
) -> Result<[Option<&'a Value>; 3], Error> {
    let is_same = |a: &Value, b: &Value| a.is_same(b) || flags(a).is_some() && flags(a) == flags(b);
    let mut taken = [None; 3];
    for (key, value) in pairs {
        let Some(place) = place(key) else { continue };
        if let Some(first) = taken[place].replace(value).filter(|first| !is_same(first, value)) {
            return Err(reader.error(2, twice(TAKEN[place], [first, value]), ONE));
        }
    }
    Ok(taken)
}

fn lattice(reader: &Reader<'_>, value: Option<&Value>) -> Result<Cell, Error> {
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

/// Three flags, or one for all three.
fn flags(value: &Value) -> Option<[bool; 3]> {
    let flags: Option<Vec<bool>> = value.words().map(flag).collect();
    match flags?[..] {
        [all] => Some([all; 3]),
        [a, b, c] => Some([a, b, c]),
        _ => None,
    }
}

/// A lattice without `pbc` repeats along all its vectors.
fn periodic(reader: &Reader<'_>, value: Option<&Value>) -> Result<[bool; 3], Error> {
    let Some(value) = value else { return Ok([true; 3]) };
    flags(value)
        .ok_or_else(|| reader.error(2, format!("pbc={}", quote(value.text())), "three of T and F"))
}
