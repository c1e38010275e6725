//! Extended XYZ: frames of atoms in a cell, as ASE, LAMMPS, GPUMD, QUIP and OVITO write it.
//!
//! Line 1 is the number of atoms; line 2 holds `key=value` pairs, of which `Lattice="..."` gives
//! the nine components of the lattice vectors and `Properties=name:type:columns:...` the columns
//! of the atom lines that follow. Read are `species` or `Z`, `pos`, and if present velocities or
//! momenta, `mass` or `masses` (amu) and `forces`; other columns and pairs are kept as they stand. Numbers are written with as many digits as bring the same bits back.
//!
//! | module | holds |
//! |---|---|
//! | `comment` | the grammar of line 2 |
//! | `columns` | which column is what |
//! | `parse` | the reader |
//! | `motion` | velocities and their units |
//! | `write` | the writer |
//! | `frames` | files of several frames |
//!
//! Source: the specification at <https://github.com/libAtoms/extxyz>, and the writers.

mod columns;
mod comment;
mod frames;
mod motion;
mod parse;
mod write;

pub use comment::Value;
pub(in crate::md::files) use comment::number;
pub(in crate::md) use frames::Extent;
pub use frames::Frames;
pub(in crate::md) use motion::UNIT;
pub use motion::{Motion, VelocityUnit};

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::elements;
use crate::file::quote;
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
    /// Forces from the columns `forces` or `force`, if all are finite numbers. They are in the unit
    /// of the file, which it does not state: eV/angstrom of ASE and of LAMMPS in `metal` units,
    /// kcal/(mol angstrom) of LAMMPS in `real` units.
    pub forces: Option<Vec<Vector>>,
    /// The other columns, in their order.
    pub unread: Vec<Unread>,
    /// The other pairs of line 2; of a key that comes twice the last counts, as for ASE.
    pub info: BTreeMap<String, Value>,
    /// The pairs whose key comes again with another value, in their order.
    pub overruled: Vec<(String, Value)>,
}

/// Columns of one name, as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Their entry in `Properties`: name, type and number with colons between them.
    pub declared: String,
    /// The quantity that they seem to be.
    pub about: About,
    /// The texts of each atom, with one blank between them.
    pub fields: Vec<String>,
}

/// A quantity of atoms that a column may be in a way that is not understood, or that nothing needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Velocities or momenta; not needed if [`Frame::motion`] is there.
    Motion,
    /// Masses; not needed if [`Frame::masses`] is there.
    Mass,
    /// Forces, which no system needs.
    Forces,
    /// Anything else, as charges or tags.
    Other,
}

/// Coordinates beyond this many angstrom are taken for damage.
pub(in crate::md) const FURTHEST: f64 = 1e6;

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

    /// The frame of a system; its velocities are in angstrom/ps, and line 2 says so.
    pub fn of(system: &System) -> Self {
        let standard = system.symbols().map(elements::mass);
        let is_standard = standard.eq(system.masses.iter().map(|mass| Some(*mass)));
        let unit = Value::Text(VelocityUnit::PerPicosecond.to_string());
        Self {
            cell: system.cell,
            pbc: [true; 3],
            species: system.symbols().map(str::to_owned).collect(),
            positions: system.positions.clone(),
            masses: (!is_standard).then(|| system.masses.clone()),
            motion: Some(Motion { column: "velo".to_owned(), values: system.velocities.clone() }),
            forces: None,
            unread: Vec::new(),
            info: [(UNIT.to_owned(), unit)].into(),
            overruled: Vec::new(),
        }
    }

    /// The system of a frame: masses are those of the frame, else of the elements; without
    /// velocities or momenta it is at rest. Velocities are in `unit`, if the caller knows it; momenta
    /// are in that of ASE.
    ///
    /// # Errors
    ///
    /// If the frame is not periodic along all three vectors, a mass is unknown, its motion is not
    /// understood, the unit of its velocities is neither stated nor shown by its temperature, or
    /// it has a temperature without any.
    pub fn into_system(self, file: &str, unit: Option<VelocityUnit>) -> Result<System, Error> {
        self.check_lengths(file)?;
        if self.pbc != [true; 3] {
            let expected = "a cell periodic along all three vectors";
            return Err(unfit(file, format!("pbc=\"{}\"", self.flags()), expected));
        }
        if let (None, Some(column)) = (&self.masses, self.unread(About::Mass)) {
            let expected = "masses in amu as masses:R:1, or no such column";
            return Err(unfit(file, format!("the column {}", column.declared), expected));
        }
        let mass = |symbol: &String| {
            elements::mass(symbol).ok_or_else(|| {
                let expected = "the symbol of an element in its own case, as Ca, or a column Z or \
                                masses";
                unfit(file, format!("the species {symbol}"), expected)
            })
        };
        let masses = match &self.masses {
            Some(masses) => masses.clone(),
            None => self.species.iter().map(mass).collect::<Result<Vec<_>, _>>()?,
        };
        let mut system = System::new(self.cell, &self.species, masses, self.positions.clone());
        system.velocities = self.velocities(file, &system, unit)?;
        Ok(system)
    }

    /// Requires one entry per atom in every column.
    fn check_lengths(&self, file: &str) -> Result<(), Error> {
        let n = self.positions.len();
        let motion = self.motion.as_ref().map(|motion| motion.values.len());
        let lengths = [
            ("species", Some(self.species.len())),
            ("masses", self.masses.as_ref().map(Vec::len)),
            ("velocities", motion),
            ("forces", self.forces.as_ref().map(Vec::len)),
        ];
        let lengths = lengths.into_iter().filter_map(|(what, len)| Some((what, len?)));
        let unread = self.unread.iter().map(|column| (&*column.declared, column.fields.len()));
        match lengths.chain(unread).find(|(_, len)| *len != n) {
            Some((what, len)) => {
                Err(unfit(file, format!("{len} {what} for {n} positions"), "one for each atom"))
            }
            None => Ok(()),
        }
    }

    /// The first column of that kind which was not understood.
    fn unread(&self, about: About) -> Option<&Unread> {
        self.unread.iter().find(|column| column.about == about)
    }

    /// `pbc` as line 2 holds it.
    fn flags(&self) -> String {
        self.pbc.map(|is_periodic| if is_periodic { "T" } else { "F" }).join(" ")
    }

    /// The values of a key of line 2, in whatever case it is written.
    fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Value> {
        let overruled = self.overruled.iter().map(|(key, value)| (key, value));
        let all = overruled.chain(&self.info);
        all.filter(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }

    /// The value of a key of line 2 that comes once, or again with the same value.
    fn only<'a>(&'a self, file: &str, key: &'a str) -> Result<Option<&'a Value>, Error> {
        let mut values = self.values(key);
        let Some(first) = values.next() else { return Ok(None) };
        match values.find(|other| !first.is_same(other)) {
            Some(other) => Err(unfit(file, twice(key, [first, other]), ONE)),
            None => Ok(Some(first)),
        }
    }
}

fn unfit(file: &str, found: String, expected: &str) -> Error {
    Error::Unfit { file: file.to_owned(), found, expected: expected.to_owned() }
}

/// What is expected in place of two that contradict each other.
const ONE: &str = "one of the two";

/// A key with two values.
fn twice(key: &str, values: [&Value; 2]) -> String {
    let [first, second] = values.map(|value| quote(value.text()));
    format!("{key}={first} and {key}={second}")
}

fn is_symbol(s: &str) -> bool {
    (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_near(x: f64) -> bool {
    x.abs() <= FURTHEST
}

#[cfg(test)]
mod tests;
