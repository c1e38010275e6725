//! The gate: did a change make a kernel slower, wrong or hungrier?
//!
//! It fails closed: what cannot be compared is never a pass. Tier 0 asks whether two records are
//! comparable, tier 1 (`Case::checked`, run by the caller) whether the answers are right, tier 2
//! whether the deterministic counts stayed within their limits, tier 3 whether another build was
//! faster in paired runs. Saved wall times inform, unless the machine passed its self-test (tier 4).
//! [`Outcome`] holds all that was found.

mod against;
pub mod calibrate;
mod compare;
mod counts;
pub mod duet;
mod outcome;
mod paired;
mod ratchet;
mod saved;
mod tolerance;
mod verdict;

pub use crate::exit::Exit;
pub use against::paired_findings;
#[cfg(test)]
pub(crate) use against::tests::{again, duet as duet_of, paired as paired_case};
pub use compare::{ACCEPT, MEASURE, Scope, comparable};
pub use counts::instructions;
pub use outcome::{Outcome, Pair, Stage, State};
pub use paired::{Change, Dropped, Duet, Metric, Paired, SelfTest};
pub use ratchet::{Shift, Shifted, shifts, tightened};
pub use saved::Ratio;
pub use tolerance::{Tolerance, ToleranceError};
pub use verdict::{Finding, Findings, TIERS, Tier, WORST_FIRST};
