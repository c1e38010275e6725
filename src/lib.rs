//! A benchmark harness for scientific step kernels, with a gate that tells CI whether a change
//! made a kernel slower, wrong or hungrier.
//!
//! A kernel never knows that it is timed; the gate never knows what a lattice is.
//!
//! | modules | hold |
//! | --- | --- |
//! | [`lattice`], [`mvar`], [`lstm`], [`md`], [`rom`], [`stream`] | chapters: kernels, their oracles, their cases; with the feature `chapters` |
//! | [`case`](mod@case), [`registry`] | what is measured: the lists of cases |
//! | `gpu` | the GPU, found at run time, and times on it; with the feature `cuda` |
//! | [`input`], [`close`], [`exit`] | seeded inputs, when two results are the same, how a command ends |
//! | [`machine`] | what a number belongs to: machine, toolchain, sources, revision |
//! | [`file`](mod@file) | files that are whole or not there, growing files of lines, `NumPy` archives |
//! | [`run`], [`record`] | from bench to baseline |
//! | `wall` | the Criterion benches of any list of cases; with the feature `wall` |
//! | [`collect`], [`stats`] | from samples to records |
//! | [`profile`] | what a chapter costs and loses, over sizes and parameters; with the feature `profiles` |
//! | [`draw`] | tables, numbers and figures |
//! | [`gate`], [`report`], [`cli`] | the verdict, what is said of it, the command |
//!
//! A crate with kernels of its own gets the same command and bench over its own list of cases from
//! [`cli::main`], `wall::main`, `wall::with_scaling` and `wall::gpu`, and leaves the feature `chapters` out.
//!
//! Data flows one way: a seed or a fixture, a case, its check, Criterion or Callgrind, a record, the
//! gate. Only `stepmark accept` writes baselines.

pub mod case;
pub mod cli;
pub mod close;
pub mod collect;
pub mod draw;
pub mod exit;
pub mod file;
pub mod gate;
#[cfg(feature = "cuda")]
pub mod gpu;
pub mod input;
#[cfg(feature = "chapters")]
pub mod lattice;
#[cfg(feature = "chapters")]
pub mod lstm;
pub mod machine;
#[cfg(feature = "chapters")]
pub mod md;
#[cfg(feature = "chapters")]
pub mod mvar;
#[cfg(feature = "pad")]
mod pad;
#[cfg(feature = "profiles")]
pub mod profile;
pub mod record;
#[cfg(feature = "chapters")]
pub mod registry;
pub mod report;
#[cfg(feature = "chapters")]
pub mod rom;
pub mod run;
pub mod stats;
#[cfg(feature = "chapters")]
pub mod stream;
#[cfg(feature = "wall")]
pub mod wall;
