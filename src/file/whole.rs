//! Files that are whole: the old one or the new one, never a part.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Puts `bytes` at `path`: into a temporary file in the same folder, synced, then renamed.
///
/// # Errors
///
/// If the folder does not exist or cannot be written; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes)?.persist(path)?;
    Ok(())
}

/// Puts what `write` writes at `path`, in the same way.
///
/// # Errors
///
/// Those of `write`, or if `path` is no file that can be replaced; `path` is then as it was.
pub fn replace_by<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    if path.exists() && !path.is_file() {
        return Err(io::Error::other("it is there, and no file").into());
    }
    let mut file = BufWriter::new(temporary(path)?);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|why| why.error)?;
    Ok(())
}

/// Puts files into `folder`, all or none as far as can be: every temporary file is written before
/// the first is renamed.
///
/// # Errors
///
/// Says which file cannot be written.
pub fn replace_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), (PathBuf, io::Error)> {
    let mut ready = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        let file = match staged(&path, bytes) {
            // A file cannot take the place of a folder.
            Ok(_) if path.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            file => file,
        };
        match file {
            Ok(file) => ready.push((path, file)),
            Err(why) => return Err((path, why)),
        }
    }
    for (path, file) in ready {
        file.persist(&path).map_err(|why| (path, why.error))?;
    }
    Ok(())
}

/// Requires that files can be made in `folder`, or in what there is of the way to it.
///
/// # Errors
///
/// If none can be made.
pub fn writable(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    tempfile::tempfile_in(there).map(drop)
}

/// A temporary file beside `path` with all of `bytes`.
fn staged(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = temporary(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// An empty temporary file beside `path`.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.exists() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "its folder is not there; make it first",
        ));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The mode of any new file, instead of the owner's alone.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert!(replace(&path.join("below"), b"x").is_err(), "a file is no folder");
        let why = replace(&dir.path().join("missing/file"), b"x").unwrap_err().to_string();
        assert!(why.contains("its folder is not there"), "{why}");
        assert_eq!(fs::read(&path).unwrap(), b"new", "the file");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(!fs::metadata(&path).unwrap().permissions().readonly(), "writable");
        writable(&dir.path().join("new/folder")).unwrap();
        assert!(writable(&path.join("below")).is_err(), "a file on the way");
        writable(Path::new("new/folder")).unwrap();
    }

    #[test]
    fn a_file_written_in_parts_is_there_once_all_of_them_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let write = |text: &'static str, fails: bool| {
            replace_by(&path, |file| {
                write!(file, "{text}")?;
                if fails { Err(io::Error::other("planted")) } else { Ok(()) }
            })
        };
        write("first", false).unwrap();
        assert_eq!(write("second", true).unwrap_err().to_string(), "planted", "in the middle");
        assert_eq!(fs::read(&path).unwrap(), b"first", "the old one");
        write("third", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third", "the new one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        let why = replace_by(dir.path(), |_| Ok::<_, io::Error>(())).unwrap_err().to_string();
        assert_eq!(why, "it is there, and no file", "a folder");
    }

    #[test]
    fn of_several_files_all_are_replaced_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        let files = ["a", "b", "c"].map(|name| (name.to_owned(), name.as_bytes().to_vec()));
        replace(&path("a"), b"old").unwrap();
        fs::create_dir(path("c")).unwrap();
        let (which, _) = replace_all(dir.path(), &files).unwrap_err();
        assert_eq!(which, path("c"), "a folder is in the way");
        assert_eq!(fs::read(path("a")).unwrap(), b"old", "the first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");
        fs::remove_dir(path("c")).unwrap();
        replace_all(dir.path(), &files).unwrap();
        for (name, bytes) in &files {
            assert_eq!(fs::read(path(name)).unwrap(), *bytes, "{name}");
        }
    }
}
