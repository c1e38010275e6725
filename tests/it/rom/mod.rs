//! Reduced-order models: the commands, the profile, and vectors of MVAR and LSTM.

pub(crate) mod allocations;
mod bare;
mod commands;
pub(crate) mod conformance;
#[cfg(unix)]
mod killed;
mod lstm_fit;
mod pipeline;
mod profile;
mod training;
