//! The lattice codec.

pub(crate) mod conformance;
mod profile;
mod properties;
