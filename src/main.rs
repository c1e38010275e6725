//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::cli::{self, Suite};
use stepmark::registry;

fn main() -> ExitCode {
    let commands = vec![cli::chapters::profile()];
    let suite = Suite { cases: registry::cases(), commands, ..Suite::default() };
    #[cfg(feature = "cuda")]
    let exit = cli::main_with_gpu(&suite, registry::gpu_cases);
    #[cfg(not(feature = "cuda"))]
    let exit = cli::main(&suite);
    exit
}
