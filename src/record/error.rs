//! Why a file is not a record.

use std::io;
use std::path::PathBuf;

use super::SCHEMA;

/// Why a file is not a record that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("{}: no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file has another schema.
    #[error(
        "{}: schema {found}, expected {SCHEMA}; measure again, then `stepmark accept`",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
    },
    /// The file is not a record.
    #[error("{}: {found}, expected {expected}; measure again, or restore it", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The flaw.
        found: String,
        /// The expected value.
        expected: String,
    },
}
