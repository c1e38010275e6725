//! Files that are whole or not there, files of lines, and the formats that several chapters read.
//!
//! | | |
//! | --- | --- |
//! | [`replace`], [`replace_all`] | files that are the old ones or the new ones, never a part |
//! | [`is_same`] | whether two paths lead to one file |
//! | [`is_newer`] | whether a file is later than those that it was made from |
//! | [`is_lfs_pointer`] | tells a file that was never fetched |
//! | [`quote`] | a piece of a file in a message |
//! | [`lines`] | files of lines, to which a run that was killed goes on appending; any file that grows |
//! | [`npz`] | `NumPy` archives; with the feature `chapters` |

pub mod lines;
#[cfg(feature = "chapters")]
pub mod npz;
mod whole;

pub use whole::{replace, replace_all, replace_by, writable};

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// Whether two paths lead to one file, by links or in other words; it need not be there yet. Devices
/// are no files.
pub fn is_same(a: &Path, b: &Path) -> bool {
    let is_device = |path: &Path| path.exists() && !path.is_file();
    let hard_links = identity(a).is_some_and(|a| identity(b) == Some(a));
    !is_device(a) && (hard_links || place(a).is_some_and(|a| place(b) == Some(a)))
}

/// Whether a file of a folder is there, and none of those that it was made from was written later.
pub fn is_newer(folder: &Path, name: &str, than: &[&str]) -> bool {
    let time = |name: &str| folder.join(name).metadata().ok()?.modified().ok();
    let own = time(name);
    own.is_some() && than.iter().filter_map(|name| time(name)).all(|other| own >= Some(other))
}

/// The name without links and detours; that of a missing file in its folder.
fn place(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    })
}

/// The device and the number of the file at a path, which its hard links share.
fn identity(path: &Path) -> Option<[u64; 2]> {
    path.metadata().ok().and_then(|about| number(&about))
}

#[cfg(unix)]
fn number(about: &Metadata) -> Option<[u64; 2]> {
    use std::os::unix::fs::MetadataExt as _;
    Some([about.dev(), about.ino()])
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> Option<[u64; 2]> {
    None
}

/// At most forty characters of `text`, in quotes.
pub fn quote(text: &str) -> String {
    let (short, more) = shortened(text);
    format!("{short:?}{more}")
}

/// At most forty characters of `text`, and dots if there are more.
pub(crate) fn shortened(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(40) {
        Some((end, _)) => (&text[..end], "..."),
        None => (text, ""),
    }
}

/// Whether the bytes are the pointer that Git LFS leaves where it did not fetch the file.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_the_same_by_every_path_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for is_there in [false, true] {
            assert!(is_same(&path("a"), &path("./a")), "another spelling");
            assert!(!is_same(&path("a"), &path("b")), "another file");
            fs::create_dir_all(path("below")).unwrap();
            assert!(is_same(&path("a"), &path("below/../a")), "a detour");
            if !is_there {
                fs::write(path("a"), "").unwrap();
            }
        }
        assert!(is_same(Path::new("Cargo.toml"), Path::new("./Cargo.toml")), "here");
        fs::write(path("b"), "").unwrap();
        assert!(!is_same(&path("a"), &path("b")), "another file with the same content");
        fs::hard_link(path("a"), path("hard")).unwrap();
        #[cfg(unix)]
        {
            assert!(is_same(&path("a"), &path("hard")), "a hard link");
            std::os::unix::fs::symlink(path("a"), path("soft")).unwrap();
            assert!(is_same(&path("soft"), &path("a")), "a link");
            let null = Path::new("/dev/null");
            assert!(!is_same(null, null), "a device");
        }
    }
}
