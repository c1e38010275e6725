//! Molecular dynamics.

pub(crate) mod conformance;
mod models;
mod run;
