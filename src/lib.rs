//! A benchmark harness for scientific step kernels, with a gate that tells CI whether a change
//! made a kernel slower, wrong or hungrier.

pub mod case;
pub mod close;
pub mod file;
pub mod input;
pub mod lattice;
pub mod machine;
mod source;
