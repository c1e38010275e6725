//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::{cli, registry};

fn main() -> ExitCode {
    let cases = registry::cases();
    #[cfg(feature = "cuda")]
    let exit = cli::main_with_gpu(&cases, registry::gpu_cases);
    #[cfg(not(feature = "cuda"))]
    let exit = cli::main(&cases);
    exit
}
