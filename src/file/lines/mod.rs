//! Files of lines: one JSON object in each, appended as it is done, so that a run that is killed
//! goes on where it was.
//!
//! Such a file is the only state of a long run. A line is on the disk when [`LineFile::append`]
//! returns, and never changes. What a killed run left behind the last whole line is cut off when
//! the file is next opened. The caller's check says of each line whether it is possible in itself
//! and belongs to the lines before: `check(line, before)`. Nothing is cut or written where a line
//! is refused.

mod growing;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub use growing::Growing;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Why a file of lines is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Another process appends to the file.
    #[error("{}: another run writes to it; wait, or name another file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what its file is made of.
    #[error("{}, line {line}: {found}; name another file", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The fault.
        found: String,
    },
    /// The check refuses a line.
    #[error("{}, line {line}: {found}; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The reason that the check gives.
        found: String,
    },
    /// Two lines that are to be merged have the same key.
    #[error(
        "{}, line {line}: the same as {}, line {first_line}, is of; remove one of the two",
        path.display(),
        first.display()
    )]
    Repeated {
        /// The file of the second.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The file of the first.
        first: PathBuf,
        /// Its line, from 1.
        first_line: usize,
    },
}

/// The contents of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines<T> {
    /// The lines, in their order.
    pub values: Vec<T>,
    /// Length of what a killed run left behind them, in bytes.
    pub torn_len_bytes: usize,
}

/// Reads the lines in `bytes`, the content of the file at `path`.
///
/// # Errors
///
/// If a line is no `T`, the check refuses it, or what follows the last line starts none.
pub fn read<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    mut check: impl FnMut(&T, &[T]) -> Result<(), String>,
) -> Result<Lines<T>, Error> {
    let parsed = parse(path, bytes)?;
    let mut values = Vec::with_capacity(parsed.values.len());
    for value in parsed.values {
        check(&value, &values).map_err(|found| foreign(path, values.len() + 1, found))?;
        values.push(value);
    }
    Ok(Lines { values, ..parsed })
}

/// The lines before any check; zeros at the end are taken not to be there, as by [`Growing`].
fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Lines<T>, Error> {
    let bytes = &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)];
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (whole, torn) = bytes.split_at(end);
    let mut values = Vec::new();
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        let value = serde_json::from_slice(line.trim_ascii_end());
        values.push(value.map_err(|err| invalid(path, values.len() + 1, &err))?);
    }
    starts_a_line::<T>(torn).map_err(|err| invalid(path, values.len() + 1, &err))?;
    Ok(Lines { values, torn_len_bytes: torn.len() })
}

/// Requires what follows the last line to be the start of a `T`, or all of one but its end: a file
/// of something else is not to be cut.
fn starts_a_line<T: DeserializeOwned>(torn: &[u8]) -> serde_json::Result<()> {
    // A number cut behind its sign, point or exponent is called invalid instead of unfinished.
    let len = torn.iter().rposition(|byte| !b"-+.eE".contains(byte)).map_or(0, |at| at + 1);
    match serde_json::from_slice::<IgnoredAny>(&torn[..len]) {
        Ok(_) => serde_json::from_slice::<T>(torn).map(drop),
        Err(err) if err.is_eof() => Ok(()),
        Err(err) => Err(err),
    }
}

fn invalid(path: &Path, line: usize, err: &serde_json::Error) -> Error {
    // The JSON of a line has no other line than its first.
    let found = err.to_string().replace(" at line 1 column ", " at column ");
    Error::Invalid { path: path.to_owned(), line, found }
}

fn foreign(path: &Path, line: usize, found: String) -> Error {
    Error::Foreign { path: path.to_owned(), line, found }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { path: path.to_owned(), source }
}

/// A file that lines are appended to, locked while it is open.
pub struct LineFile<C> {
    file: Growing,
    check: C,
}

// A check need have no text.
impl<C> fmt::Debug for LineFile<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<C> LineFile<C> {
    /// Opens or makes the file, reads its lines, and cuts off what a killed run left behind them.
    ///
    /// # Errors
    ///
    /// If another process has it open, it cannot be read or written, or as [`read`].
    pub fn open<T: DeserializeOwned>(path: &Path, mut check: C) -> Result<(Self, Lines<T>), Error>
    where
        C: FnMut(&T, &[T]) -> Result<(), String>,
    {
        let mut file = Growing::open(path)?;
        let mut bytes = Vec::new();
        file.reader()?.read_to_end(&mut bytes).map_err(failed(path))?;
        let lines = read(path, &bytes, &mut check)?;
        file.cut((bytes.len() - lines.torn_len_bytes) as u64)?;
        Ok((Self { file, check }, lines))
    }

    /// Appends a line to those `before`, which are all that the file holds; it is on the disk when
    /// this returns.
    ///
    /// # Errors
    ///
    /// If the check refuses it, it could not be read again, as a number that is not finite, or the
    /// file cannot be written; the file is then as it was.
    pub fn append<T>(&mut self, value: &T, before: &[T]) -> Result<(), Error>
    where
        T: Serialize + DeserializeOwned,
        C: FnMut(&T, &[T]) -> Result<(), String>,
    {
        let (path, at) = (self.file.path(), before.len() + 1);
        (self.check)(value, before).map_err(|found| foreign(path, at, found))?;
        let text = text(value).map_err(|err| invalid(path, at, &err))?;
        self.file.append_synced(text.as_bytes())
    }
}

/// The line of a value, which can be read again.
fn text<T: Serialize + DeserializeOwned>(value: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    serde_json::from_slice::<T>(text.as_bytes())?;
    Ok(text + "\n")
}

/// A file that is locked until this is dropped.
#[derive(Debug)]
pub struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a process that another thread is just starting.
        let _ = self.0.unlock();
    }
}

/// Locks an open file.
fn locked(
    path: &Path,
    file: File,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> Result<Locked, Error> {
    match lock(&file) {
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(path)(source)),
        Ok(()) => Ok(Locked(file)),
    }
}

/// Keeps runs from the file at `path` until the result is dropped; others may hold it meanwhile.
///
/// There is nothing to hold where no file is, a device stands, the file cannot be opened, or its
/// file system has no locks.
///
/// # Errors
///
/// If a run appends to it.
pub fn hold(path: &Path) -> Result<Option<Locked>, Error> {
    let Ok(file) = File::open(path) else { return Ok(None) };
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return Ok(None);
    }
    match locked(path, file, File::try_lock_shared) {
        Err(Error::Io { .. }) => Ok(None),
        held => held.map(Some),
    }
}

/// Merges the lines of the files `from` into a new one, in ascending order of their keys, so that
/// the order of the files does not matter. The files stay as they are.
///
/// The check sees the lines in that order. `torn_len_bytes` of the result adds up what killed runs
/// left in the files, which is not merged.
///
/// # Errors
///
/// If `into` exists, two lines have the same key, a file is appended to meanwhile, cannot be read
/// or written, or as [`read`]; then there is no new file.
pub fn merge<T: Serialize + DeserializeOwned, K: Ord>(
    into: &Path,
    from: &[PathBuf],
    key: impl Fn(&T) -> K,
    mut check: impl FnMut(&T, &[T]) -> Result<(), String>,
) -> Result<Lines<T>, Error> {
    if into.exists() {
        return Err(failed(into)(io::ErrorKind::AlreadyExists.into()));
    }
    let (mut files, mut found, mut torn_len_bytes) = (Vec::new(), Vec::new(), 0);
    for path in from {
        let file = OpenOptions::new().read(true).open(path).map_err(failed(path))?;
        let file = locked(path, file, File::try_lock_shared)?;
        let mut bytes = Vec::new();
        (&file.0).read_to_end(&mut bytes).map_err(failed(path))?;
        let lines = parse::<T>(path, &bytes)?;
        torn_len_bytes += lines.torn_len_bytes;
        found.extend((1..).zip(lines.values).map(|(at, value)| (key(&value), path, at, value)));
        // Nobody may append to it before the new file is there.
        files.push(file);
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let same = found.iter().zip(found.iter().skip(1)).find(|(a, b)| a.0 == b.0);
    if let Some(((_, first, first_line, _), (_, path, line, _))) = same {
        let (path, first) = (path.to_path_buf(), first.to_path_buf());
        return Err(Error::Repeated { path, line: *line, first, first_line: *first_line });
    }
    let (mut values, mut merged) = (Vec::new(), String::new());
    for (_, path, at, value) in found {
        check(&value, &values).map_err(|found| foreign(path, at, found))?;
        merged += &text(&value).map_err(|err| invalid(path, at, &err))?;
        values.push(value);
    }
    super::replace(into, merged.as_bytes()).map_err(failed(into))?;
    Ok(Lines { values, torn_len_bytes })
}

#[cfg(test)]
mod tests;
