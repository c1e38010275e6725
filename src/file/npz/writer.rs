//! Writes archives so that a killed run leaves the old file whole.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use ndarray::{ArrayView, Dimension};
use ndarray_npy::NpzWriter;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::{Element, Error};
use crate::file;

/// Collects an archive in memory and writes it when it is whole.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    npz: Npz,
    /// Strings by the names of their arrays, which `ndarray-npy` cannot write.
    texts: Vec<(String, String)>,
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
        Self {
            path: path.to_owned(),
            npz: Npz(NpzWriter::new(Cursor::default())),
            texts: Vec::new(),
        }
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

    /// Adds a string, as `NumPy` saves a `str`: an array without dimensions of one string.
    pub fn add_text(&mut self, array: &str, text: &str) {
        self.texts.push((array.to_owned(), text.to_owned()));
    }

    /// Puts the archive at its place; a killed run leaves the old one whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        let file = self.path.display().to_string();
        let bytes = match self.npz.0.finish() {
            Ok(bytes) => bytes,
            Err(source) => return Err(Error::Write { file, array: "(end)".to_owned(), source }),
        };
        let bytes = match with_texts(bytes, &self.texts) {
            Ok(bytes) => bytes,
            Err(source) => return Err(Error::Zip { file, source }),
        };
        file::replace(&self.path, bytes.get_ref()).map_err(|source| Error::Io { file, source })
    }
}

/// Adds strings to an archive.
fn with_texts(
    bytes: Cursor<Vec<u8>>,
    texts: &[(String, String)],
) -> Result<Cursor<Vec<u8>>, ZipError> {
    if texts.is_empty() {
        return Ok(bytes);
    }
    let mut zip = ZipWriter::new_append(bytes)?;
    for (array, text) in texts {
        zip.start_file(format!("{array}.npy"), SimpleFileOptions::default())?;
        zip.write_all(&npy(text)).map_err(ZipError::Io)?;
    }
    zip.finish()
}

/// The `.npy` file of a string: 32 bits for each character.
fn npy(text: &str) -> Vec<u8> {
    let dtype = format!("<U{}", text.chars().count().max(1));
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': (), }}");
    // Magic, version, length and header fill whole parts of 64 bytes, of which a line end is the last.
    let start = 10 + header.len() + 1;
    header.push_str(&" ".repeat(start.next_multiple_of(64) - start));
    header.push('\n');
    let len = u16::try_from(header.len()).expect("a short header");
    let mut bytes = [b"\x93NUMPY\x01\x00", &len.to_le_bytes()[..], header.as_bytes()].concat();
    text.chars().for_each(|c| bytes.extend(u32::from(c).to_le_bytes()));
    if text.is_empty() {
        bytes.extend([0; 4]);
    }
    bytes
}
