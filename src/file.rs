//! Files that are whole: the old one or the new one, never a part.

use std::io::{self, Write as _};
use std::path::Path;

/// Puts `bytes` at `path`: into a temporary file in the same folder, synced, then renamed.
///
/// # Errors
///
/// If the folder does not exist or cannot be written; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file, instead of the owner's alone.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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
        assert!(replace(&dir.path().join("missing/file"), b"x").is_err(), "no such folder");
        assert_eq!(fs::read(&path).unwrap(), b"new", "the file");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(!fs::metadata(&path).unwrap().permissions().readonly(), "writable");
    }
}
