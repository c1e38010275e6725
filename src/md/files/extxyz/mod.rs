//! Extended XYZ: one frame of atoms in a cell, as ASE, LAMMPS, GPUMD, QUIP and OVITO write it.
//!
//! Line 1 is the number of atoms; line 2 holds `key=value` pairs, of which `Lattice="..."` gives
//! the nine components of the lattice vectors and `Properties=name:type:columns:...` the columns
//! of the atom lines that follow. Read are `species` or `Z`, `pos`, and if present velocities or
//! momenta, `mass` or `masses` (amu) and `forces` (eV/angstrom); other columns are skipped
//! unread, other pairs kept. Numbers are written with as many digits as bring the same bits back.
//!
//! | module | holds |
//! |---|---|
//! | `comment` | the grammar of line 2 |
//! | `parse` | the columns and the atoms |
//! | `motion` | names and units of velocities |
//!
//! Source: the specification at <https://github.com/libAtoms/extxyz>, and the writers.

mod comment;
mod motion;
mod parse;

pub use comment::Value;
pub use motion::{Motion, VelocityUnit};

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::elements;
use crate::file;
use crate::md::system::{self, Cell, System, Vector};

/// Why a file was refused. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// Name of the file.
        file: String,
        /// Error of the system.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{file}: cannot be written: {source}")]
    Write {
        /// Name of the file.
        file: String,
        /// Error of the system.
        source: io::Error,
    },
    /// A line is not what the format asks for.
    #[error("{file}, line {line}: found {found}, expected {expected}")]
    Syntax {
        /// Name of the file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
        /// The text there.
        found: String,
        /// The text that the format asks for.
        expected: String,
    },
    /// The lattice vectors make no cell.
    #[error("{file}, line 2: Lattice: {source}")]
    Lattice {
        /// Name of the file.
        file: String,
        /// Their fault.
        source: system::Error,
    },
    /// The frame has what this library's simulations cannot use.
    #[error("{file}: found {found}, expected {expected}")]
    Unfit {
        /// Name of the file.
        file: String,
        /// The property that it has.
        found: String,
        /// The property that is needed.
        expected: String,
    },
}

/// The contents of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The cell.
    pub cell: Cell,
    /// Along which lattice vectors the cell repeats.
    pub pbc: [bool; 3],
    /// Chemical symbols.
    pub species: Vec<String>,
    /// Positions in angstrom.
    pub positions: Vec<Vector>,
    /// Masses in amu, from the column `mass` or `masses`.
    pub masses: Option<Vec<f64>>,
    /// Velocities or momenta, in the unit of the file.
    pub motion: Option<Motion>,
    /// Columns that speak of motion in a way that is not understood; none if [`Self::motion`] is.
    pub unread: Vec<String>,
    /// Forces in eV/angstrom, from the columns `forces` or `force`.
    pub forces: Option<Vec<Vector>>,
    /// The other pairs of line 2.
    pub info: BTreeMap<String, Value>,
}

/// Coordinates beyond this many angstrom are taken for damage.
const FURTHEST: f64 = 1e6;

impl Frame {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or as [`Frame::parse`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|source| Error::Read { file: file.clone(), source })?;
        Self::parse(&file, &bytes)
    }

    /// Reads the contents of a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If a line is missing, left over or malformed, a number that is read is not finite, the
    /// lattice vectors span no volume, or two columns contradict each other.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        parse::frame(file, bytes)
    }

    /// Writes the file `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or as [`Frame::to_text`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let name = path.display().to_string();
        let text = self.to_text(&name)?;
        file::replace(path, text.as_bytes()).map_err(|source| Error::Write { file: name, source })
    }

    /// The contents of a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If the frame has columns that were not understood, or cannot be written so that it reads
    /// back.
    pub fn to_text(&self, file: &str) -> Result<String, Error> {
        let unfit = |found: String, expected: &str| unfit(file, found, expected);
        if let Some(name) = self.unread.first() {
            return Err(unfit(format!("the column {name}"), "columns that can be written again"));
        }
        let info: Vec<_> = self.info.clone().into_iter().collect();
        let mut pairs = String::new();
        for (key, value) in &info {
            pairs += &format!(" {}={}", comment::written_key(key), value.written());
        }
        let is_reserved = |key: &str| parse::TAKEN.iter().any(|k| k.eq_ignore_ascii_case(key));
        if let Some((key, _)) = info.iter().find(|(key, _)| is_reserved(key)) {
            return Err(unfit(format!("the key {key:?}"), "a key that the frame itself has not"));
        }
        if pairs.contains('\n') || comment::pairs(&pairs).as_ref() != Ok(&info) {
            return Err(unfit(format!("the pairs {}", quote(&pairs)), "arrays in whole brackets"));
        }
        if let Some(symbol) = self.species.iter().find(|s| !is_symbol(s)) {
            return Err(unfit(format!("the species {symbol:?}"), "one to three letters"));
        }
        let mut text = format!("{}\nLattice=\"", self.positions.len());
        let mut put = |args: std::fmt::Arguments<'_>| text += &args.to_string();
        for (k, x) in self.cell.rows().iter().flatten().enumerate() {
            put(format_args!("{}{x}", if k == 0 { "" } else { " " }));
        }
        put(format_args!("\" Properties=species:S:1:pos:R:3"));
        if self.masses.is_some() {
            put(format_args!(":masses:R:1"));
        }
        if let Some(motion) = &self.motion {
            put(format_args!(":{}:R:3", motion.column));
        }
        if self.forces.is_some() {
            put(format_args!(":forces:R:3"));
        }
        let [a, b, c] = self.pbc.map(|p| if p { 'T' } else { 'F' });
        put(format_args!("{pairs} pbc=\"{a} {b} {c}\"\n"));
        let motion = self.motion.as_ref().map(|motion| &motion.values);
        for (i, symbol) in self.species.iter().enumerate() {
            put(format_args!("{symbol}"));
            let [place, moves, forces] = [Some(&self.positions), motion, self.forces.as_ref()]
                .map(|column| column.into_iter().flat_map(move |column| column[i]));
            let mass = self.masses.iter().map(|masses| masses[i]);
            for x in place.chain(mass).chain(moves).chain(forces) {
                put(format_args!(" {x}"));
            }
            put(format_args!("\n"));
        }
        Ok(text)
    }

    /// The frame of a system; its velocities are in angstrom/ps, and line 2 says so.
    pub fn of(system: &System) -> Self {
        let standard = system.species.iter().map(|symbol| elements::mass(symbol));
        let is_standard = standard.eq(system.masses.iter().map(|mass| Some(*mass)));
        let unit = Value::Text(VelocityUnit::PerPicosecond.to_string());
        Self {
            cell: system.cell,
            pbc: [true; 3],
            species: system.species.clone(),
            positions: system.positions.clone(),
            masses: (!is_standard).then(|| system.masses.clone()),
            motion: Some(Motion { column: "velo".to_owned(), values: system.velocities.clone() }),
            unread: Vec::new(),
            forces: None,
            info: [(motion::UNIT.to_owned(), unit)].into(),
        }
    }

    /// The system of a frame: masses are those of the frame, else of the elements; without
    /// velocities or momenta it is at rest. Velocities are in `unit`, if the caller knows it.
    ///
    /// # Errors
    ///
    /// If the frame is not periodic along all three vectors, a mass is unknown, its motion is not
    /// understood, or the unit of its velocities is neither stated nor shown by its temperature.
    pub fn into_system(self, file: &str, unit: Option<VelocityUnit>) -> Result<System, Error> {
        if self.pbc != [true; 3] {
            let expected = "a cell periodic along all three vectors";
            return Err(unfit(file, format!("pbc {:?}", self.pbc), expected));
        }
        let mass = |symbol: &String| {
            elements::mass(symbol).ok_or_else(|| {
                let expected = "a chemical element, or a column masses";
                unfit(file, format!("the species {symbol}"), expected)
            })
        };
        let masses = match &self.masses {
            Some(masses) => masses.clone(),
            None => self.species.iter().map(mass).collect::<Result<Vec<_>, _>>()?,
        };
        let mut system = System {
            cell: self.cell,
            species: self.species.clone(),
            positions: self.positions.clone(),
            velocities: vec![[0.0; 3]; self.positions.len()],
            masses,
        };
        system.velocities = self.velocities(file, &system, unit)?;
        Ok(system)
    }

    /// The value of a key of line 2, in whatever case it is written.
    pub(super) fn pair(&self, key: &str) -> Option<&Value> {
        self.info.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }
}

fn unfit(file: &str, found: String, expected: &str) -> Error {
    Error::Unfit { file: file.to_owned(), found, expected: expected.to_owned() }
}

/// At most forty characters of `text`, in quotes.
fn quote(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{more}")
}

fn is_symbol(s: &str) -> bool {
    (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_near(x: f64) -> bool {
    x.abs() <= FURTHEST
}

#[cfg(test)]
mod tests;
