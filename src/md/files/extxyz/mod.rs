//! Extended XYZ: one frame of atoms in a cell, as ASE and LAMMPS users exchange it.
//!
//! Line 1 is the number of atoms; line 2 holds `key=value` pairs, of which `Lattice="..."` gives
//! the nine components of the lattice vectors and `Properties=name:type:columns:...` the columns
//! of the atom lines that follow. Read are `species`, `pos`, and if present `velo` and `forces`
//! (eV/angstrom); other columns are checked and skipped, other pairs kept as text. Numbers are
//! written with as many digits as bring the same bits back.
//!
//! Velocities are the columns `velo`, in angstrom/ps. ASE reads them as a plain array, not as the
//! velocities of its atoms, and itself writes `momenta`, in units of its own: a frame that has
//! those alone is no system.
//!
//! Source: the specification at <https://github.com/libAtoms/extxyz>.

mod parse;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

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
    /// Velocities in angstrom/ps, from the columns `velo`.
    pub velocities: Option<Vec<Vector>>,
    /// Forces in eV/angstrom, from the columns `forces`.
    pub forces: Option<Vec<Vector>>,
    /// Whether there were columns `momenta`, which are skipped and not written.
    pub momenta: bool,
    /// The other pairs of line 2.
    pub info: BTreeMap<String, String>,
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
    /// If a line is missing, left over or malformed, a number is not finite, or the lattice
    /// vectors span no volume.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        parse::frame(file, bytes)
    }

    /// Writes the file `path`, whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or `info` holds what line 2 cannot.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let name = path.display().to_string();
        let text = self.to_text(&name)?;
        file::replace(path, text.as_bytes()).map_err(|source| Error::Write { file: name, source })
    }

    /// The contents of a file; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// If a species or an entry of `info` cannot be written so that it reads back.
    pub fn to_text(&self, file: &str) -> Result<String, Error> {
        let unfit = |found: String, expected: &str| Error::Unfit {
            file: file.to_owned(),
            found,
            expected: expected.to_owned(),
        };
        for (key, value) in &self.info {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let reserved = ["Lattice", "Properties", "pbc"].contains(&key.as_str());
            if reserved || key.is_empty() || !key.chars().all(word) {
                return Err(unfit(format!("the key {key:?}"), "letters, digits, - and _"));
            }
            if value.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
                return Err(unfit(
                    format!("{key}={value:?}"),
                    "a value without quotes or newlines",
                ));
            }
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
        for (name, column) in [("velo", &self.velocities), ("forces", &self.forces)] {
            if column.is_some() {
                put(format_args!(":{name}:R:3"));
            }
        }
        for (key, value) in &self.info {
            put(format_args!(" {key}=\"{value}\""));
        }
        let [a, b, c] = self.pbc.map(|p| if p { 'T' } else { 'F' });
        put(format_args!(" pbc=\"{a} {b} {c}\"\n"));
        for (i, symbol) in self.species.iter().enumerate() {
            put(format_args!("{symbol}"));
            let columns = [Some(&self.positions), self.velocities.as_ref(), self.forces.as_ref()];
            for x in columns.into_iter().flatten().flat_map(|column| column[i]) {
                put(format_args!(" {x}"));
            }
            put(format_args!("\n"));
        }
        Ok(text)
    }

    /// The frame of a system.
    pub fn of(system: &System) -> Self {
        Self {
            cell: system.cell,
            pbc: [true; 3],
            species: system.species.clone(),
            positions: system.positions.clone(),
            velocities: Some(system.velocities.clone()),
            forces: None,
            momenta: false,
            info: BTreeMap::new(),
        }
    }

    /// The system of a frame, with standard atomic masses; at rest without velocities.
    ///
    /// # Errors
    ///
    /// If the frame is not periodic along all three vectors, has momenta but no velocities, or the
    /// mass of a species is unknown.
    pub fn into_system(self, file: &str) -> Result<System, Error> {
        let unfit = |found: String, expected: String| Error::Unfit {
            file: file.to_owned(),
            found,
            expected,
        };
        if self.pbc != [true; 3] {
            let expected = "a cell periodic along all three vectors".to_owned();
            return Err(unfit(format!("pbc {:?}", self.pbc), expected));
        }
        if self.momenta && self.velocities.is_none() {
            let expected = "velocities in angstrom/ps as velo:R:3".to_owned();
            return Err(unfit("the columns momenta without velo".to_owned(), expected));
        }
        let mass = |symbol: &String| {
            MASSES.iter().find(|(known, _)| known == symbol).map(|(_, m)| *m).ok_or_else(|| {
                let known: Vec<_> = MASSES.iter().map(|(known, _)| *known).collect();
                unfit(format!("the species {symbol}"), format!("one of {}", known.join(", ")))
            })
        };
        let masses = self.species.iter().map(mass).collect::<Result<Vec<_>, _>>()?;
        let rest = vec![[0.0; 3]; self.positions.len()];
        Ok(System {
            cell: self.cell,
            species: self.species,
            positions: self.positions,
            velocities: self.velocities.unwrap_or(rest),
            masses,
        })
    }
}

/// Standard atomic masses in amu (IUPAC, abridged).
const MASSES: [(&str, f64); 6] =
    [("H", 1.008), ("O", 15.999), ("Al", 26.982), ("Si", 28.085), ("Ar", 39.948), ("Fe", 55.845)];

fn is_symbol(s: &str) -> bool {
    (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_near(x: f64) -> bool {
    x.abs() <= FURTHEST
}

#[cfg(test)]
mod tests;
