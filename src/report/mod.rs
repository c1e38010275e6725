//! Records, profiles and verdicts as something to read.

mod calibration;
pub mod csv;
mod diff;
pub mod gate;
pub mod history;
mod markdown;
mod peers;
pub mod plot;
mod splice;
pub mod table;

pub use calibration::{calibration, margins};
pub use diff::{Columns, Number, diff};
pub use markdown::{Unit, table};
pub use peers::peers;
pub use splice::{SpliceError, splice};
