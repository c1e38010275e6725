//! `NumPy` archives (`.npz`): a guarded reader and an atomic writer.
//!
//! The claims of a file are checked before they are believed: an array's header is looked at
//! first, its type must be one that is wanted, its shape times its item size must equal the number
//! of bytes that the entry really unpacks to, and no more than that, nor more than
//! [`MAX_ARRAY_BYTES`], is ever unpacked. Only then does `ndarray-npy` parse it. NaN and infinity
//! are errors. Either byte order is read, and so are the headers of Python 2, which write `2L`
//! for 2.
//!
//! Formats: `NumPy` Enhancement Proposal 1 (`.npy`); PKWARE, APPNOTE.TXT (zip).

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use ndarray::{Array, Dimension};
use ndarray_npy::npy::header::Header;
use ndarray_npy::{ReadNpyError, ReadNpyExt as _, ReadableElement, WritableElement, WriteNpzError};
use thiserror::Error;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::is_lfs_pointer;

mod writer;

pub use writer::Writer;

/// The most bytes that one array may unpack to: 256 MiB.
pub const MAX_ARRAY_BYTES: usize = 1 << 28;

/// The longest `.npy` header accepted; `NumPy` writes 118 bytes for any plain array.
const MAX_HEADER_BYTES: usize = 4096;

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
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(zip) => Ok(Self { file, zip }),
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
        let packed = match self.zip.by_index_raw(index) {
            Ok(entry) => (entry.compression(), entry.encrypted()),
            Err(source) => return Err(damaged(&self.file, source)),
        };
        if let Some(found) = unreadable(packed) {
            let expected = "one as numpy.savez and numpy.savez_compressed write it";
            return Err(self.wrong(array, found, expected));
        }
        let unpacked = match self.zip.by_index(index) {
            Ok(mut entry) => unpack(&mut entry, accepted),
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
        let ndim = D::NDIM.unwrap_or(header.shape.len());
        if header.shape.len() != ndim {
            let found = format!("type {} and shape {:?}", dtype(header), header.shape);
            return Err(self.wrong(array, found, format!("type {}, {ndim}-D", A::DTYPES[0])));
        }
        let values = Array::<A, D>::read_npy(bytes).map_err(|source| Error::Npy {
            file: self.file.clone(),
            array: array.to_owned(),
            source,
        })?;
        if !values.iter().all(|v| v.is_finite()) {
            return Err(self.wrong(array, "NaN or infinity", "finite numbers"));
        }
        if values.is_standard_layout() {
            return Ok(values);
        }
        Ok(values.as_standard_layout().into_owned())
    }
}

/// The names as a list, shortened to ten.
fn first_ten(names: &[String]) -> String {
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

/// The bytes of a number of a type that some array may have.
fn item_len(dtype: &str) -> Option<usize> {
    let known = WHOLE.into_iter().chain(f32::DTYPES).chain(f64::DTYPES);
    known.into_iter().find(|known| *known == dtype)?.get(2..)?.parse().ok()
}

/// Names the way in which a member is packed, if it is none that can be read.
fn unreadable((method, is_encrypted): (CompressionMethod, bool)) -> Option<String> {
    let name = match method {
        _ if is_encrypted => return Some("an encrypted member".to_owned()),
        CompressionMethod::STORE | CompressionMethod::DEFLATE => return None,
        CompressionMethod::BZIP2 => "bzip2".to_owned(),
        CompressionMethod::LZMA => "LZMA".to_owned(),
        CompressionMethod::ZSTD => "Zstandard".to_owned(),
        other => format!("{other:?}"),
    };
    Some(format!("a member compressed by {name}"))
}

/// Puts blanks for the `L` of the long integers of Python 2 in a header.
fn modernise(header: &mut [u8]) {
    let at = header.windows(5).position(|word| word == b"shape").unwrap_or(header.len());
    let shape = &mut header[at..];
    for k in 1..shape.len() {
        if shape[k] == b'L' && shape[k - 1].is_ascii_digit() {
            shape[k] = b' ';
        }
    }
}

/// Unpacks a `.npy` file of one of the types accepted, and no more of it than its header asks for;
/// an error is what was found and what was expected.
fn unpack(entry: &mut impl Read, accepted: &[&str]) -> Result<(Header, Vec<u8>), [String; 2]> {
    let damaged = |e: io::Error| [e.to_string(), "a whole array".to_owned()];
    let mut start = [0; 10];
    entry.read_exact(&mut start).map_err(damaged)?;
    let mut bytes = start.to_vec();
    let mut len = usize::from(start[8]) | usize::from(start[9]) << 8;
    if start[6] > 1 {
        let mut high = [0; 2];
        entry.read_exact(&mut high).map_err(damaged)?;
        bytes.extend(high);
        len |= usize::from(high[0]) << 16 | usize::from(high[1]) << 24;
    }
    if len > MAX_HEADER_BYTES {
        return Err([format!("a header of {len} bytes"), format!("{MAX_HEADER_BYTES} at most")]);
    }
    entry.take(len as u64).read_to_end(&mut bytes).map_err(damaged)?;
    modernise(&mut bytes);
    // A dictionary that holds a tuple. Deeper nesting is another type, or an attack on the stack
    // of the recursive parser.
    if bytes.iter().filter(|b| b"([{".contains(b)).count() > 2 {
        return Err(["a nested header".to_owned(), "an array of plain numbers".to_owned()]);
    }
    let header = Header::from_reader(&mut bytes.as_slice())
        .map_err(|e| [first_line(&e), "the header of an array".to_owned()])?;

    let kind = dtype(&header);
    let Some(item) = item_len(kind).filter(|_| accepted.contains(&kind)) else {
        return Err([format!("type {kind}"), accepted.join(" or ")]);
    };
    let claimed = header.shape.iter().try_fold(item, |n: usize, &dim| n.checked_mul(dim));
    // `ndarray` wants the other lengths to be addressable even where one of them is zero.
    let addressable =
        header.shape.iter().try_fold(item, |n: usize, &dim| n.checked_mul(dim.max(1)));
    let (Some(claimed), Some(..=MAX_ARRAY_BYTES)) = (claimed, addressable) else {
        let found = format!("shape {:?}", header.shape);
        return Err([found, format!("at most {MAX_ARRAY_BYTES} bytes")]);
    };
    let start = bytes.len();
    // One byte more than claimed: reads past the end, which also verifies the entry's checksum.
    entry.take(claimed as u64 + 1).read_to_end(&mut bytes).map_err(damaged)?;
    let real = bytes.len() - start;
    if real != claimed {
        let found =
            format!("{}{real} bytes of data", if real > claimed { "at least " } else { "" });
        let expected = format!("{claimed} for {} of shape {:?}", dtype(&header), header.shape);
        return Err([found, expected]);
    }
    Ok((header, bytes))
}

#[cfg(test)]
mod tests;
