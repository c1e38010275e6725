//! Records as something to read.

mod markdown;

pub use markdown::{Unit, table};
