//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::{cli, registry};

fn main() -> ExitCode {
    cli::with_scaling(&registry::cases(), &registry::scaling())
}
