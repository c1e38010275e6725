//! Reduced-order models: the commands, and vectors of MVAR and LSTM.

mod allocations;
mod commands;
pub(crate) mod conformance;
#[cfg(unix)]
mod killed;
mod lstm_fit;
mod training;
