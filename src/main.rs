//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::cli::{self, Suite};
use stepmark::registry;

/// Counts for `stepmark profile rom` what forecasts ask the heap for.
#[cfg(feature = "profiles")]
#[global_allocator]
static HEAP: stepmark::profile::memory::Counting = stepmark::profile::memory::Counting;

fn main() -> ExitCode {
    #[cfg(feature = "profiles")]
    let commands = vec![
        cli::chapters::compare(),
        cli::chapters::md(),
        cli::chapters::profile(),
        cli::chapters::rom(),
    ];
    #[cfg(not(feature = "profiles"))]
    let commands = Vec::new();
    cli::main(&Suite { cases: registry::cases(), scaling: registry::scaling(), commands })
}
