//! Writes archives so that a killed run leaves the old file whole.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use ndarray::{ArrayView, Dimension};
use ndarray_npy::NpzWriter;

use super::{Element, Error};
use crate::file;

/// Collects an archive in memory and writes it when it is whole.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    npz: Npz,
}

/// `NpzWriter` has no `Debug`.
struct Npz(NpzWriter<Cursor<Vec<u8>>>);

impl std::fmt::Debug for Npz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NpzWriter")
    }
}

impl Writer {
    /// Starts an archive that will appear at `path`.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), npz: Npz(NpzWriter::new(Cursor::default())) }
    }

    /// Adds an array.
    ///
    /// # Errors
    ///
    /// If it holds NaN or infinity, its name is taken, or the file cannot be written.
    pub fn add<A: Element, D: Dimension>(
        &mut self,
        array: &str,
        values: ArrayView<'_, A, D>,
    ) -> Result<(), Error> {
        let (file, array) = (self.path.display().to_string(), array.to_owned());
        if !values.iter().all(|v| v.is_finite()) {
            let (found, expected) = ("NaN or infinity".to_owned(), "finite numbers".to_owned());
            return Err(Error::Array { file, array, found, expected });
        }
        let added = self.npz.0.add_array(array.as_str(), &values);
        added.map_err(|source| Error::Write { file, array, source })
    }

    /// Puts the archive at its place; a killed run leaves the old one whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        let file = self.path.display().to_string();
        match self.npz.0.finish() {
            Ok(bytes) => file::replace(&self.path, bytes.get_ref())
                .map_err(|source| Error::Io { file, source }),
            Err(source) => Err(Error::Write { file, array: "(end)".to_owned(), source }),
        }
    }
}
