//! Records and profiles as something to read.

pub mod csv;
mod markdown;
mod peers;
pub mod plot;
pub mod table;

pub use markdown::{Unit, table};
pub use peers::peers;
