//! How much slower is too slow: `ci/tolerance.json`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

/// The version of the file.
const SCHEMA: u32 = 1;

/// The margins that are possible, in percent: where the linker puts code alone moves time by
/// almost 1 %, so less than 2 would gate the linker; more than 50 gates nothing.
const PERCENT: std::ops::RangeInclusive<f64> = 2.0..=50.0;

/// The margins of paired times.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    schema: u32,
    /// Of cases that compute, in percent.
    pub compute_pct: f64,
    /// Of cases that wait for memory, in percent.
    pub memory_pct: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { schema: SCHEMA, compute_pct: 3.0, memory_pct: 5.0 }
    }
}

/// Why there are no margins.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{}: {found}; expected {{\"schema\": {SCHEMA}, \"compute_pct\": 3.0, \"memory_pct\": 5.0}}, \
         each from {} to {} %", path.display(), PERCENT.start(), PERCENT.end()
    )]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The flaw.
        found: String,
    },
}

impl Tolerance {
    /// Reads and validates the file; without one, the margins are 3 % and 5 %.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or holds anything else.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Io { path: path.to_owned(), source }),
            Ok(bytes) => Self::parse(path, &bytes),
        }
    }

    /// Validates the content of a file; errors name `path`.
    ///
    /// # Errors
    ///
    /// If it holds anything else.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let invalid = |found| Error::Invalid { path: path.to_owned(), found };
        let read: Self = serde_json::from_slice(bytes).map_err(|err| invalid(err.to_string()))?;
        if read.schema != SCHEMA {
            return Err(invalid(format!("schema is {}", read.schema)));
        }
        for (name, percent) in [("compute_pct", read.compute_pct), ("memory_pct", read.memory_pct)]
        {
            if !PERCENT.contains(&percent) {
                return Err(invalid(format!("{name} is {percent}")));
            }
        }
        Ok(read)
    }

    /// The smaller margin of each class: a change does not widen what it is judged by.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        Self {
            schema: SCHEMA,
            compute_pct: self.compute_pct.min(other.compute_pct),
            memory_pct: self.memory_pct.min(other.memory_pct),
        }
    }

    /// Says which margins are wider than those in force, if any: `8 % instead of 3 % (compute)`.
    pub fn beyond(&self, in_force: &Self) -> Option<String> {
        let classes = [
            ("compute", self.compute_pct, in_force.compute_pct),
            ("memory", self.memory_pct, in_force.memory_pct),
        ];
        let wider = classes.into_iter().filter(|(_, wanted, in_force)| wanted > in_force);
        let wider: Vec<String> = wider
            .map(|(class, wanted, in_force)| {
                format!("{wanted} % instead of {in_force} % ({class})")
            })
            .collect();
        (!wider.is_empty()).then(|| wider.join(", "))
    }

    /// The margin of a case, as a share.
    pub fn margin(&self, memory_bound: bool) -> f64 {
        (if memory_bound { self.memory_pct } else { self.compute_pct }) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_margins_of_a_class_the_smaller_one_is_in_force() {
        let of = |compute_pct, memory_pct| Tolerance { schema: SCHEMA, compute_pct, memory_pct };
        for (old, new, in_force, beyond) in [
            (of(3.0, 5.0), of(3.0, 5.0), of(3.0, 5.0), None),
            (of(3.0, 5.0), of(2.0, 4.0), of(2.0, 4.0), None),
            (of(3.0, 5.0), of(8.0, 4.0), of(3.0, 4.0), Some("8 % instead of 3 % (compute)")),
            (of(2.0, 2.5), of(3.0, 5.0), of(2.0, 2.5), Some("(compute), 5 % instead of 2.5 %")),
        ] {
            assert_eq!(old.tighter(new), in_force, "{old:?} and {new:?}");
            let said = new.beyond(&in_force);
            assert_eq!(said.is_some(), beyond.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().contains(beyond.unwrap_or_default()), "{beyond:?}");
        }
    }

    #[test]
    fn margins_in_their_range_are_read_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tolerance.json");
        assert_eq!(Tolerance::read(&path).unwrap(), Tolerance::default(), "no file");
        fs::write(&path, "{\"schema\":1,\"compute_pct\":4.0,\"memory_pct\":6.5}").unwrap();
        let four = Tolerance::read(&path).unwrap();
        assert_eq!((four.margin(false), four.margin(true)), (0.04, 0.065), "shares");
        for (text, why) in [
            ("{\"schema\":1,\"compute_pct\":1.0,\"memory_pct\":5.0}", "compute_pct is 1"),
            ("{\"schema\":1,\"compute_pct\":3.0,\"memory_pct\":51}", "memory_pct is 51"),
            ("{\"schema\":2,\"compute_pct\":3.0,\"memory_pct\":5.0}", "schema is 2"),
            ("{\"schema\":1,\"compute_pct\":3.0}", "missing field"),
            ("{\"schema\":1,\"compute_pct\":3,\"memory_pct\":5,\"x\":1}", "unknown field"),
            ("3 %", "invalid type"),
        ] {
            fs::write(&path, text).unwrap();
            let err = Tolerance::read(&path).unwrap_err().to_string();
            assert!(err.contains(why) && err.contains("from 2 to 50 %"), "{text}: {err}");
        }
        assert!(Tolerance::read(dir.path()).is_err(), "a folder");
    }
}
