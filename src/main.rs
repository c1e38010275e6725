//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    stepmark::cli::main(&stepmark::registry::cases())
}
