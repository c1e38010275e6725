//! Reduced-order models: the commands, the profile, and vectors of MVAR and LSTM.

mod commands;
pub(crate) mod conformance;
mod lstm_fit;
mod profile;
