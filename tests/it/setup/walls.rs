//! Wall times that nothing measured.

use stepmark::machine::{self, Environment};
use stepmark::record::{Origin, Row};

pub(crate) fn wall(id: &str, median_ns: f64, origin: &Origin) -> Row {
    let quantiles =
        [("p05_ns", 0.9), ("p25_ns", 0.95), ("median_ns", 1.0), ("p75_ns", 1.05), ("p95_ns", 1.1)];
    let metrics = quantiles.map(|(name, share)| (name.to_owned(), (share * median_ns).into()));
    Row {
        id: id.to_owned(),
        implementation: "scalar".to_owned(),
        metrics: metrics.into_iter().chain([("samples".to_owned(), 60.into())]).collect(),
        origin: origin.clone(),
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
