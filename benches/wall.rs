//! Wall-clock time of every CPU case, by Criterion.
//!
//! This file knows no kernel. To time something new, add a `Case` to its chapter; the registry
//! brings it here. Run one case, or one chapter, by its name, or the cases that only scale:
//!
//! ```text
//! cargo bench --bench wall -- lattice/encode-d4
//! cargo bench --bench wall -- --scaling lattice/encode-d4
//! ```

use std::process::ExitCode;

use stepmark::registry;

fn main() -> ExitCode {
    stepmark::wall::with_scaling(&registry::cases(), &registry::scaling())
}
