//! Records and verdicts as something to read.

mod calibration;
mod diff;
pub mod gate;
pub mod history;
mod peers;
mod results;
pub mod splice;

pub use calibration::{calibration, margins, rates};
pub use diff::diff;
pub use peers::peers;
pub use results::{Work, table};
