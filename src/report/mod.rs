//! Records as something to read.

mod markdown;
mod peers;

pub use markdown::{Unit, table};
pub use peers::peers;
