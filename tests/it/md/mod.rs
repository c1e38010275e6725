//! Molecular dynamics.

mod allocations;
pub(crate) mod conformance;
pub(crate) mod lammps;
mod models;
mod profile;
mod run;
