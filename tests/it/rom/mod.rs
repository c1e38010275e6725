//! Reduced-order models: MVAR and LSTM.

pub(crate) mod conformance;
mod lstm_fit;
