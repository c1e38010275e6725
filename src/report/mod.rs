//! Records, profiles and verdicts as something to read.

mod calibration;
pub mod csv;
pub mod gate;
pub mod history;
mod markdown;
mod peers;
pub mod plot;
pub mod table;

pub use calibration::{calibration, margins};
pub use markdown::{Unit, table};
pub use peers::peers;
