//! A benchmark harness for scientific step kernels, with a gate that tells CI whether a change
//! made a kernel slower, wrong or hungrier.

pub mod case;
pub mod cli;
pub mod close;
pub mod collect;
pub mod file;
pub mod fixture;
pub mod gate;
pub mod input;
pub mod lattice;
pub mod lstm;
pub mod machine;
pub mod md;
pub mod mvar;
pub mod npz;
pub mod record;
pub mod registry;
pub mod report;
pub mod run;
mod source;
pub mod stats;
