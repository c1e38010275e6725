//! Files that are whole or not there, and the formats that several chapters read.
//!
//! | | |
//! | --- | --- |
//! | [`replace`], [`replace_all`] | files that are the old ones or the new ones, never a part |
//! | [`npz`] | `NumPy` archives; with the feature `chapters` |

#[cfg(feature = "chapters")]
pub mod npz;
mod whole;

pub use whole::{replace, replace_all};
