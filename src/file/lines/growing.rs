//! A locked file that grows at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Error, Locked, failed, locked};
use crate::file::{identity, number};

/// A file that is appended to, locked while it is open.
///
/// A device, as `/dev/null`, is taken to be empty: it is neither read nor locked nor cut. Zero bytes at
/// the end of a file, which a loss of power leaves where nothing was written yet, are taken not to be
/// there, and go with the next cut or append.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    pub(super) file: Locked,
    /// Bytes without the zeros at the end.
    len_bytes: u64,
    /// Bytes with them.
    stored_bytes: u64,
    is_file: bool,
    is_new: bool,
}

impl Growing {
    /// Opens or makes the file.
    ///
    /// # Errors
    ///
    /// If another process has it open, or it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        loop {
            let opened = Self::opened(path)?;
            if opened.is_at(path) {
                return Ok(opened);
            }
        }
    }

    /// Whether the path leads to it still: who made it may have discarded it before this had the lock.
    fn is_at(&self, path: &Path) -> bool {
        let own = self.file.0.metadata().ok().and_then(|about| number(&about));
        !self.is_file || own == identity(path)
    }

    fn opened(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        let (file, is_new) = match options.create_new(true).open(path) {
            Ok(file) => (file, true),
            // What is there may be a folder, or a link that leads nowhere yet.
            Err(_) => {
                let opened = options.create_new(false).create(true).open(path);
                (opened.map_err(failed(path))?, false)
            }
        };
        let is_file = file.metadata().map_err(failed(path))?.is_file();
        let file = if is_file { locked(path, file, File::try_lock)? } else { Locked(file) };
        let stored_bytes = if is_file { file.0.metadata().map_err(failed(path))?.len() } else { 0 };
        let len_bytes = without_zeros(&file.0, stored_bytes).map_err(failed(path))?;
        Ok(Self { path: path.to_owned(), file, len_bytes, stored_bytes, is_file, is_new })
    }

    /// Removes the file if [`Growing::open`] made it and nothing was appended.
    pub fn discard(self) {
        if self.is_new && self.len_bytes == 0 {
            // If this fails, an empty file is left, which does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Whether it is a file, and no device.
    pub fn is_file(&self) -> bool {
        self.is_file
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it from the start.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn reader(&self) -> Result<BufReader<impl Read + '_>, Error> {
        let mut file = &self.file.0;
        if self.is_file {
            file.seek(SeekFrom::Start(0)).map_err(failed(&self.path))?;
        }
        Ok(BufReader::new(file.take(self.len_bytes)))
    }

    /// Cuts off all behind the first `len_bytes` bytes.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn cut(&mut self, len_bytes: u64) -> Result<(), Error> {
        let len_bytes = len_bytes.min(self.len_bytes);
        if len_bytes < self.stored_bytes {
            self.file.0.set_len(len_bytes).map_err(failed(&self.path))?;
            (self.len_bytes, self.stored_bytes) = (len_bytes, len_bytes);
        }
        Ok(())
    }

    /// Appends `bytes`. They outlive this process; a machine that loses its power may lose them.
    ///
    /// # Errors
    ///
    /// If they cannot be written; the file is then as it was.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(bytes, false)
    }

    /// Appends `bytes`, which are on the disk when this returns.
    ///
    /// # Errors
    ///
    /// As [`Growing::append`].
    pub fn append_synced(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(bytes, true)
    }

    /// Puts all that was appended on the disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn sync(&self) -> Result<(), Error> {
        // Some devices have nothing to put anywhere, and say so.
        if self.is_file { self.file.0.sync_data().map_err(failed(&self.path)) } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8], is_synced: bool) -> Result<(), Error> {
        self.cut(self.len_bytes)?;
        let mut file = &self.file.0;
        let written = file.write_all(bytes);
        let written = written.and_then(|()| if is_synced { file.sync_data() } else { Ok(()) });
        if let Err(why) = written {
            // If this fails too, the next to open the file does it.
            let _ = file.set_len(self.len_bytes);
            return Err(failed(&self.path)(why));
        }
        self.len_bytes += if self.is_file { bytes.len() as u64 } else { 0 };
        self.stored_bytes = self.len_bytes;
        Ok(())
    }
}

/// How many of the first `len` bytes of a file there are up to the last one that is not zero.
fn without_zeros(mut file: &File, mut len: u64) -> io::Result<u64> {
    let mut piece = Vec::new();
    while len > 0 {
        let start = len.saturating_sub(1 << 16);
        piece.clear();
        file.seek(SeekFrom::Start(start))?;
        file.take(len - start).read_to_end(&mut piece)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
            return Ok(start + last as u64 + 1);
        }
        len = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &Growing) -> String {
        let mut text = String::new();
        file.reader().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_file_grows_at_its_end_wherever_it_was_read_or_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abcdef").unwrap();
        let mut file = Growing::open(&path).unwrap();
        assert_eq!(text(&file), "abcdef", "what was there");
        file.cut(3).unwrap();
        file.append(b"XY").unwrap();
        file.append_synced(b"Z").unwrap();
        file.sync().unwrap();
        assert_eq!([text(&file), text(&file)], ["abcXYZ", "abcXYZ"], "as often as it is read");
        file.cut(99).unwrap();
        assert!(matches!(Growing::open(&path), Err(Error::Busy { .. })), "it is locked");
        drop(file);
        assert_eq!(text(&Growing::open(&path).unwrap()), "abcXYZ", "it is not longer for the cut");
        let why = Growing::open(dir.path()).unwrap_err();
        assert!(matches!(&why, Error::Io { path, .. } if path == dir.path()), "a folder: {why:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_another_discarded_meanwhile_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let discarded = Growing::open(&path).unwrap();
        assert!(discarded.is_at(&path));
        fs::remove_file(&path).unwrap();
        assert!(!discarded.is_at(&path), "none");
        let other = Growing::open(&path).unwrap();
        assert!(other.is_at(&path) && !discarded.is_at(&path), "another one");
    }

    #[test]
    fn zeros_at_the_end_are_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for zeros in [1, 70_000, 1 << 17] {
            for bytes in ["", "a\0b", "abc\n"] {
                let torn = || fs::write(&path, format!("{bytes}{}", "\0".repeat(zeros))).unwrap();
                torn();
                let mut file = Growing::open(&path).unwrap();
                assert_eq!(text(&file), bytes, "{zeros} zeros behind");
                file.append(b"d").unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), format!("{bytes}d"), "an append");
                drop(file);
                torn();
                Growing::open(&path).unwrap().cut(99).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), bytes, "a cut");
            }
        }
    }

    #[test]
    fn a_file_that_was_made_in_vain_is_removed_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        Growing::open(&path).unwrap().discard();
        assert!(!path.exists(), "a new one");
        let mut file = Growing::open(&path).unwrap();
        file.append(b"x").unwrap();
        file.discard();
        assert_eq!(fs::read_to_string(&path).unwrap(), "x", "one with something in it");
        fs::write(&path, "").unwrap();
        Growing::open(&path).unwrap().discard();
        assert!(path.exists(), "an empty one of somebody else");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_is_empty_whatever_it_gives_and_may_be_open_twice() {
        let mut full = Growing::open(Path::new("/dev/full")).unwrap();
        assert_eq!(text(&full), "", "it would give zeros without end");
        full.cut(0).unwrap();
        let why = full.append(b"x").unwrap_err();
        assert!(matches!(why, Error::Io { .. }), "{why:?}");
        let mut null = Growing::open(Path::new("/dev/null")).unwrap();
        null.append(b"x").unwrap();
        null.sync().unwrap();
        assert!(!null.is_file(), "a device");
        Growing::open(Path::new("/dev/null")).unwrap();
    }
}
