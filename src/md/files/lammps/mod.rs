//! Potentials from files of LAMMPS, in its `metal` units: eV and angstrom.
//!
//! | kind | file names end with | holds |
//! |---|---|---|
//! | `sw` | `.sw` | Stillinger-Weber, an entry for each three elements |
//! | `tersoff` | `.tersoff` | Tersoff, likewise |
//! | `eam` | `.eam`, `.funcfl` | tables of one metal |
//! | `eam/alloy` | `.alloy`, `.setfl` | tables of several metals |
//! | `eam/fs` | `.fs` | the same in Finnis-Sinclair form |
//!
//! The first line may state `UNITS: metal`; other units are refused. Text from a `#` on is a comment.
//! A file may hold more elements than are asked for.
//!
//! | module | holds |
//! |---|---|
//! | `text` | lines, words and numbers |
//! | `triplets` | entries of three elements |
//! | `sw`, `tersoff`, `tables` | the readers |
//! | `potential` | [`FilePotential`], a potential of whatever kind |
//!
//! Source: the manual of LAMMPS, `pair_style sw`, `pair_style tersoff` and `pair_style eam`.

mod potential;
mod sw;
mod tables;
mod tersoff;
mod text;
mod triplets;

pub use potential::{FilePotential, Scratch};

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

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
    /// The name of the file does not tell its kind.
    #[error("{file}: found a name without a known ending, expected {}", Kind::endings())]
    Ending {
        /// Name of the file.
        file: String,
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
    /// The file is whole and does not hold what is needed.
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

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Stillinger-Weber.
    StillingerWeber,
    /// Tersoff.
    Tersoff,
    /// Tables of one metal, as DYNAMO's `funcfl`.
    Funcfl,
    /// Tables of several metals, as DYNAMO's `setfl`.
    Setfl,
    /// Tables of several metals in Finnis-Sinclair form.
    FinnisSinclair,
}

/// Each kind with its name in LAMMPS, and how names of its files end.
const KINDS: [(Kind, &str, &[&str]); 5] = [
    (Kind::StillingerWeber, "sw", &[".sw"]),
    (Kind::Tersoff, "tersoff", &[".tersoff"]),
    (Kind::Funcfl, "eam", &[".eam", ".funcfl"]),
    (Kind::Setfl, "eam/alloy", &[".alloy", ".setfl"]),
    (Kind::FinnisSinclair, "eam/fs", &[".fs"]),
];

impl Kind {
    /// The kind that the name of a file shows, if it does.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let fits = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        KINDS.iter().find(|(.., endings)| fits(endings)).map(|(kind, ..)| *kind)
    }

    /// The endings of all kinds, for people.
    fn endings() -> String {
        let all: Vec<_> = KINDS.iter().flat_map(|(.., endings)| *endings).copied().collect();
        format!("one of {}", all.join(", "))
    }
}

/// The name in LAMMPS.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name, _) = KINDS.iter().find(|(kind, ..)| kind == self).expect("all are there");
        f.write_str(name)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = KINDS.iter().find(|(_, known, _)| *known == name);
        found.map(|(kind, ..)| *kind).ok_or_else(|| {
            let all = KINDS.map(|(_, name, _)| name).join(", ");
            format!("found {name}, expected one of {all}")
        })
    }
}

#[cfg(test)]
mod tests;
