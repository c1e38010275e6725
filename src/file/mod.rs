//! Files that are whole or not there, files of lines, and the formats that several chapters read.
//!
//! | | |
//! | --- | --- |
//! | [`replace`], [`replace_all`] | files that are the old ones or the new ones, never a part |
//! | [`is_lfs_pointer`] | tells a file that was never fetched |
//! | [`quote`] | a piece of a file in a message |
//! | [`lines`] | files of lines, to which a run that was killed goes on appending; any file that grows |
//! | [`npz`] | `NumPy` archives; with the feature `chapters` |

pub mod lines;
#[cfg(feature = "chapters")]
pub mod npz;
mod whole;

pub use whole::{replace, replace_all, replace_by, writable};

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
