//! Wall times that nothing measured.

use stepmark::machine::{self, Environment};
use stepmark::record::Wall;

pub(crate) fn wall(id: &str, median_ns: f64) -> Wall {
    Wall {
        id: id.to_owned(),
        implementation: "scalar".to_owned(),
        p05_ns: 0.9 * median_ns,
        p25_ns: 0.95 * median_ns,
        median_ns,
        p75_ns: 1.05 * median_ns,
        p95_ns: 1.1 * median_ns,
        samples: 60,
    }
}

/// A machine whose processor is known, wherever this runs.
pub(crate) fn environment() -> Environment {
    let mut environment = machine::wall();
    for field in ["cpu_vendor", "cpu_name", "cpu_family", "cpu_model", "cpu_stepping"] {
        environment.insert(field.to_owned(), "1".to_owned());
    }
    environment
}
