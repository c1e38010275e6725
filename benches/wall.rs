//! Wall-clock time of every CPU case, by Criterion.
//!
//! This file knows no kernel. To time something new, add a `Case` to its chapter; the registry
//! brings it here. Run one case, or one chapter, by its name:
//!
//! ```text
//! cargo bench --bench wall -- lattice/encode-d4
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    stepmark::wall::main(&stepmark::registry::cases())
}
