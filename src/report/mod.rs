//! Records and profiles as something to read.

pub mod csv;
pub mod history;
mod markdown;
mod peers;
pub mod plot;
pub mod table;

pub use markdown::{Unit, table};
pub use peers::peers;
