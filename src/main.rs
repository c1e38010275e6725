//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::cli::{self, Suite};
use stepmark::profile::memory::Counting;
use stepmark::registry;

/// Counts for `stepmark profile rom` what forecasts ask the heap for.
#[global_allocator]
static HEAP: Counting = Counting;

fn main() -> ExitCode {
    let commands = vec![cli::chapters::profile(), cli::chapters::rom()];
    cli::main(&Suite { cases: registry::cases(), scaling: registry::scaling(), commands })
}
