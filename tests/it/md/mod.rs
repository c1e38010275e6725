//! Molecular dynamics.

pub(crate) mod conformance;
