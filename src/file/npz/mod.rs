//! `NumPy` archives (`.npz`) and single arrays (`.npy`): guarded readers and atomic writers.
//!
//! The claims of a file are checked before they are believed: an array's header is looked at
//! first, its type must be one that is wanted, its shape times its item size must equal the number
//! of bytes that the entry really unpacks to, and no more than that is ever unpacked. An array of
//! more than [`FREE_BYTES`] must be backed by the file: it may unpack to 64 times the bytes that
//! it has there, so that numbers saved as they are may be as large as the file, and a small file
//! never fills the memory. Only then does `ndarray-npy` parse it. NaN and infinity are errors.
//! Either byte order is read, and so are the headers of Python 2, which write `2L` for 2.
//!
//! Formats: `NumPy` Enhancement Proposal 1 (`.npy`); PKWARE, APPNOTE.TXT (zip).

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use ndarray::{Array, Dimension};
use ndarray_npy::npy::header::Header;
use ndarray_npy::{ReadNpyError, ReadNpyExt as _, ReadableElement, WritableElement, WriteNpzError};
use thiserror::Error;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::is_lfs_pointer;

mod plain;
mod unpack;
mod writer;

pub use plain::{load_npy, save_npy};
use unpack::{item_len, unpack};
pub use writer::Writer;

/// The most bytes that an array may unpack to however small its file is: 256 MiB.
pub const FREE_BYTES: usize = 1 << 28;

/// How many bytes of an array one byte of its file stands for at most, beyond [`FREE_BYTES`]. Windows
/// that overlap repeat their states, so that Deflate makes 35 bytes of one where they have 30 states,
/// and 52 where they have 60. Of zeros it makes 1030.
const MOST_PER_BYTE: usize = 64;

/// Why an archive cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{file}: {source}")]
    Io {
        /// The archive.
        file: String,
        /// Error of the system.
        source: io::Error,
    },
    /// The bytes are no zip archive, or a damaged one.
    #[error("{file}: found no whole zip archive ({source}), expected one written by numpy.savez")]
    Zip {
        /// The archive.
        file: String,
        /// Error of the zip reader.
        source: ZipError,
    },
    /// The file was never fetched.
    #[error("{file}: found a Git LFS pointer, expected the file itself; run `git lfs pull`")]
    Pointer {
        /// The archive.
        file: String,
    },
    /// There is no array of that name.
    #[error("{file}: found the arrays {}, expected `{array}` among them", first_ten(found))]
    Missing {
        /// The archive.
        file: String,
        /// The array asked for.
        array: String,
        /// The arrays there are.
        found: Vec<String>,
    },
    /// The array is not what was asked for, or is damaged.
    #[error("{file}: array `{array}`: found {found}, expected {expected}")]
    Array {
        /// The archive.
        file: String,
        /// The array.
        array: String,
        /// Its type or shape.
        found: String,
        /// The type or shape that it should have.
        expected: String,
    },
    /// `ndarray-npy` could not parse an array that had passed the checks.
    #[error("{file}: array `{array}`: {}", first_line(source))]
    Npy {
        /// The archive.
        file: String,
        /// The array.
        array: String,
        /// Error of the parser.
        source: ReadNpyError,
    },
    /// The array could not be written.
    #[error("{file}: array `{array}` cannot be written: {source}")]
    Write {
        /// The archive.
        file: String,
        /// The array.
        array: String,
        /// Error of the writer.
        source: WriteNpzError,
    },
}

/// A number that an archive may hold: `f32`, `f64` or `i64`; little-endian where it is written.
pub trait Element: ReadableElement + WritableElement + Copy {
    /// The type as a `.npy` header states it, in either byte order.
    const DTYPES: [&str; 2];

    /// Whether it is neither NaN nor infinite.
    fn is_finite(self) -> bool;
}

macro_rules! element {
    ($($t:ty, $little:literal, $big:literal, $v:ident => $finite:expr;)*) => {
        $(impl Element for $t {
            const DTYPES: [&str; 2] = [$little, $big];
            fn is_finite(self) -> bool {
                let $v = self;
                $finite
            }
        })*
    };
}
element! {
    f32, "<f4", ">f4", v => v.is_finite();
    f64, "<f8", ">f8", v => v.is_finite();
    i64, "<i8", ">i8", _v => true;
}

/// The types of whole numbers.
const WHOLE: [&str; 14] = [
    "<i8", ">i8", "<i4", ">i4", "<i2", ">i2", "|i1", "<u8", ">u8", "<u4", ">u4", "<u2", ">u2",
    "|u1",
];

/// An archive in memory.
#[derive(Debug)]
pub struct Archive {
    file: String,
    /// Bytes of the file.
    len: u64,
    /// [`FREE_BYTES`]; less in tests.
    free: usize,
    zip: ZipArchive<Cursor<Vec<u8>>>,
}

impl Archive {
    /// Reads the archive at `path`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no zip archive.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Self::from_bytes(&file, bytes),
            Err(source) => Err(Error::Io { file, source }),
        }
    }

    /// Takes the bytes of an archive; `file` is the name that errors give it.
    ///
    /// # Errors
    ///
    /// If the bytes are no zip archive.
    pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let file = file.to_owned();
        if is_lfs_pointer(&bytes) {
            return Err(Error::Pointer { file });
        }
        let len = bytes.len() as u64;
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(zip) => Ok(Self { file, len, free: FREE_BYTES, zip }),
            Err(source) => Err(Error::Zip { file, source }),
        }
    }

    /// The name that errors give the archive.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        let stem = |name: &str| name.strip_suffix(".npy").unwrap_or(name).to_owned();
        let mut names: Vec<_> = self.zip.file_names().map(stem).collect();
        names.sort();
        names
    }

    /// Whether there is an array of that name.
    pub fn contains(&self, array: &str) -> bool {
        self.index(array).is_some()
    }

    /// Reads an array of exactly this element type and number of dimensions, in C order.
    ///
    /// # Errors
    ///
    /// If it is missing, damaged, of another type or dimension, or holds NaN or infinity.
    pub fn array<A: Element, D: Dimension>(&mut self, array: &str) -> Result<Array<A, D>, Error> {
        let (header, bytes) = self.unpack(array, &A::DTYPES)?;
        self.parse(array, &header, &bytes)
    }

    /// Reads an array of `f64`, or of `f32` which it widens, in C order.
    ///
    /// # Errors
    ///
    /// Those of [`Archive::array`].
    pub fn widened<D: Dimension>(&mut self, array: &str) -> Result<Array<f64, D>, Error> {
        Ok(self.float(array)?.0)
    }

    /// Reads an array as [`Archive::widened`] does, and says whether it was widened.
    ///
    /// # Errors
    ///
    /// Those of [`Archive::array`].
    pub fn float<D: Dimension>(&mut self, array: &str) -> Result<(Array<f64, D>, bool), Error> {
        let accepted = [f64::DTYPES, f32::DTYPES].concat();
        let (header, bytes) = self.unpack(array, &accepted)?;
        if f32::DTYPES.contains(&dtype(&header)) {
            let single = self.parse::<f32, D>(array, &header, &bytes)?;
            Ok((single.mapv(f64::from), true))
        } else {
            Ok((self.parse(array, &header, &bytes)?, false))
        }
    }

    /// Reads a whole number of any type from an array of one element, of any dimension.
    ///
    /// # Errors
    ///
    /// If the array is missing, damaged, of another type or of more elements, or the number is
    /// beyond `i64`.
    pub fn count(&mut self, array: &str) -> Result<i64, Error> {
        let (header, bytes) = self.unpack(array, &WHOLE)?;
        if header.shape.iter().any(|n| *n != 1) {
            let found = format!("shape {:?}", header.shape);
            return Err(self.wrong(array, found, "a single number"));
        }
        let kind = dtype(&header);
        // The shape is of one element, and the data are as long as it says.
        let len = item_len(kind).unwrap_or_default();
        let mut item = bytes[bytes.len() - len..].to_vec();
        if kind.starts_with('>') {
            item.reverse();
        }
        let is_negative = kind.contains('i') && item.last().is_some_and(|high| *high > 0x7f);
        let mut wide = [if is_negative { 0xff } else { 0 }; 16];
        wide[..len].copy_from_slice(&item);
        let number = i128::from_le_bytes(wide);
        i64::try_from(number)
            .map_err(|_| self.wrong(array, number.to_string(), format!("at most {}", i64::MAX)))
    }

    fn index(&self, array: &str) -> Option<usize> {
        let member = format!("{array}.npy");
        [member.as_str(), array].iter().find_map(|name| self.zip.index_for_name(name))
    }

    fn wrong(&self, array: &str, found: impl Into<String>, expected: impl Into<String>) -> Error {
        let (found, expected) = (found.into(), expected.into());
        Error::Array { file: self.file.clone(), array: array.to_owned(), found, expected }
    }

    /// The header and the whole `.npy` file, once the two agree on the length; its type is one of
    /// those accepted.
    fn unpack(&mut self, array: &str, accepted: &[&str]) -> Result<(Header, Vec<u8>), Error> {
        let Some(index) = self.index(array) else {
            let (file, array) = (self.file.clone(), array.to_owned());
            return Err(Error::Missing { file, array, found: self.names() });
        };
        let damaged = |file: &str, source| Error::Zip { file: file.to_owned(), source };
        let (method, is_encrypted, packed) = match self.zip.by_index_raw(index) {
            Ok(entry) => (entry.compression(), entry.encrypted(), entry.compressed_size()),
            Err(source) => return Err(damaged(&self.file, source)),
        };
        let is_known = matches!(method, CompressionMethod::STORE | CompressionMethod::DEFLATE);
        if is_encrypted || !is_known {
            let expected = "one as numpy.savez and numpy.savez_compressed write it";
            return Err(self.wrong(array, packing(method, is_encrypted), expected));
        }
        // The size that the archive states may be a lie, that of the file is none.
        let backed = usize::try_from(packed.min(self.len)).unwrap_or(usize::MAX);
        let most = self.free.max(backed.saturating_mul(MOST_PER_BYTE));
        let unpacked = match self.zip.by_index(index) {
            Ok(mut entry) => unpack(&mut entry, accepted, most),
            Err(source) => return Err(damaged(&self.file, source)),
        };
        unpacked.map_err(|[found, expected]| self.wrong(array, found, expected))
    }

    fn parse<A: Element, D: Dimension>(
        &self,
        array: &str,
        header: &Header,
        bytes: &[u8],
    ) -> Result<Array<A, D>, Error> {
        parse(&self.file, array, header, bytes)
    }
}

/// The array of a header that was checked; errors name the file and the array.
fn parse<A: Element, D: Dimension>(
    file: &str,
    array: &str,
    header: &Header,
    bytes: &[u8],
) -> Result<Array<A, D>, Error> {
    let wrong = |found: String, expected: String| Error::Array {
        file: file.to_owned(),
        array: array.to_owned(),
        found,
        expected,
    };
    let ndim = D::NDIM.unwrap_or(header.shape.len());
    if header.shape.len() != ndim {
        return Err(wrong(format!("shape {:?}", header.shape), format!("{ndim}-D")));
    }
    let values = Array::<A, D>::read_npy(bytes).map_err(|source| Error::Npy {
        file: file.to_owned(),
        array: array.to_owned(),
        source,
    })?;
    if !values.iter().all(|v| v.is_finite()) {
        return Err(wrong("NaN or infinity".to_owned(), "finite numbers".to_owned()));
    }
    if values.is_standard_layout() {
        return Ok(values);
    }
    Ok(values.as_standard_layout().into_owned())
}

/// The names as a list, shortened to ten.
pub(crate) fn first_ten(names: &[String]) -> String {
    match names.len().checked_sub(10) {
        None | Some(0) => format!("{names:?}"),
        Some(more) => format!("{:?} and {more} more", &names[..10]),
    }
}

/// Parsers draw pictures of the place from their second line on.
fn first_line(message: &impl ToString) -> String {
    message.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The element type as the header states it.
fn dtype(header: &Header) -> &str {
    header.type_descriptor.as_string().map_or("(a structure)", String::as_str)
}

/// A member of an archive by the way in which it is packed.
pub(crate) fn packing(method: CompressionMethod, is_encrypted: bool) -> String {
    let name = match method {
        _ if is_encrypted => return "an encrypted member".to_owned(),
        CompressionMethod::STORE => return "a member as it is".to_owned(),
        CompressionMethod::DEFLATE => "Deflate",
        CompressionMethod::DEFLATE64 => "Deflate64",
        CompressionMethod::BZIP2 => "bzip2",
        CompressionMethod::LZMA => "LZMA",
        CompressionMethod::ZSTD => "Zstandard",
        CompressionMethod::XZ => "XZ",
        CompressionMethod::PPMD => "PPMd",
        #[expect(deprecated, reason = "only this variant says which method is not known")]
        CompressionMethod::Unsupported(number) => {
            return format!("a member compressed by method {number} of the zip format");
        }
        _ => "another method",
    };
    format!("a member compressed by {name}")
}

#[cfg(test)]
mod tests;
