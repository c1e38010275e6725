//! Records, profiles and verdicts as something to read.

mod calibration;
pub mod csv;
mod diff;
pub mod history;
mod markdown;
pub mod outcome;
mod peers;
#[cfg(feature = "figures")]
pub mod plot;
pub mod splice;
pub mod table;

pub use calibration::{calibration, rates};
pub use diff::diff;
pub use markdown::{Work, table};
pub use peers::peers;
