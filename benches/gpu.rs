//! Time of every case on a GPU, by CUDA events, through Criterion.
//!
//! This file knows no kernel: its cases are those of the registry that run on a device. Without a
//! device it says so and ends well:
//!
//! ```text
//! cargo bench --bench gpu -- lattice/encode-d4
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    stepmark::wall::gpu(&stepmark::registry::cases())
}
