//! The `stepmark` command over the cases of this crate.

use std::process::ExitCode;

use stepmark::cli::{self, Suite};
use stepmark::registry;

fn main() -> ExitCode {
    let commands = vec![cli::chapters::profile(), cli::chapters::rom()];
    cli::main(&Suite { cases: registry::cases(), scaling: registry::scaling(), commands })
}
