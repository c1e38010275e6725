//! Tests from outside: of the command, the gate, the plan of the house, reference vectors and
//! properties of the kernels.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(target_os = "linux")]
mod against;
mod baselines;
mod calibrate;
mod cli;
mod compare;
mod conformance;
#[cfg(unix)]
mod duet;
#[cfg(unix)]
mod end_to_end;
mod foreign;
mod history;
mod lattice;
mod layers;
mod library;
mod md;
mod registry;
mod rom;
#[cfg(target_os = "linux")]
mod scripts;
mod setup;
