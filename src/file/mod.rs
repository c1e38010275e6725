//! Files that are whole or not there, files of lines, and the formats that several chapters read.
//!
//! | | |
//! | --- | --- |
//! | [`replace`], [`replace_all`] | files that are the old ones or the new ones, never a part |
//! | [`is_lfs_pointer`] | tells a file that was never fetched |
//! | [`lines`] | files of lines, to which a run that was killed goes on appending |
//! | [`npz`] | `NumPy` archives; with the feature `chapters` |

pub mod lines;
#[cfg(feature = "chapters")]
pub mod npz;
mod whole;

pub use whole::{replace, replace_all};

/// Whether the bytes are the pointer that Git LFS leaves where it did not fetch the file.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}
