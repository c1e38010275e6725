//! Records and verdicts as something to read.

mod calibration;
mod diff;
pub mod history;
pub mod outcome;
mod peers;
mod results;
pub mod splice;

pub use calibration::{calibration, rates};
pub use diff::diff;
pub use peers::peers;
pub use results::{Work, table};
