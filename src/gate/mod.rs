//! The gate: did a change make a kernel slower, wrong or hungrier?
//!
//! It fails closed: what cannot be compared is never a pass. [`Question`] lists what it asks:
//!
//! | question | who answers it |
//! | --- | --- |
//! | comparable | [`comparable()`]: may a record be compared with its baseline? |
//! | right | `Case::checked`, run by the caller: do the kernels agree with their oracles? |
//! | hungrier | [`instructions`]: did the exact counts stay within their limits? |
//! | slower | [`duet`]: does this build take longer than another one, run in pairs with it? |
//! | self-test | [`duet`]: does a build take as long as itself on this machine? |
//!
//! Saved wall times ([`Ratio`]) inform and never decide. [`Outcome`] holds all that was found.

pub mod calibrate;
mod comparable;
mod counts;
pub mod duet;
mod outcome;
mod ratchet;
mod timed;
pub mod tolerance;
mod verdict;
mod wall;

pub use crate::exit::Exit;
pub use comparable::{ACCEPT, MEASURE, Matched, Scope, comparable};
pub use counts::{instructions, losses};
pub use outcome::{Answer, Counts, Head, NOT_ASKED, Outcome, Parts, Slower, State, Walls};
pub use ratchet::{Shift, Shifted, shifts, tightened};
#[cfg(test)]
pub(crate) use timed::tests::{duet_of, timed_case};
pub use timed::{Change, Dropped, Duet, Metric, SelfTest, Timed};
pub use tolerance::Tolerance;
pub use verdict::{Finding, Findings, Question, WORST_FIRST};
pub use wall::Ratio;
