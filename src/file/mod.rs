//! Files that are whole or not there, files of lines, and the formats that several chapters read.
//!
//! | | |
//! | --- | --- |
//! | [`replace`], [`replace_all`] | files that are the old ones or the new ones, never a part |
//! | [`lines`] | files of lines, to which a run that was killed goes on appending |
//! | [`npz`] | `NumPy` archives; with the feature `chapters` |

pub mod lines;
#[cfg(feature = "chapters")]
pub mod npz;
mod whole;

pub use whole::{replace, replace_all};
