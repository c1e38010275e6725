//! The targets that the documents of mlff-distiller set for an MD step, and whether they are met.
//!
//! Those that compare a student with its teacher are left out: there is neither here.

use serde::{Deserialize, Serialize};

use super::document::{Document, STABLE_MB};

/// A target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The quantity, and its unit.
    pub name: String,
    /// It is to be less than this.
    pub below: f64,
    /// What was found.
    pub found: Option<f64>,
    /// Whether that is less.
    pub is_met: Option<bool>,
}

/// All targets; `knows_memory` says whether memory was sampled.
pub fn targets(document: &Document, knows_memory: bool) -> Vec<Target> {
    let Document { mean_latency_ms: mean, p95_latency_ms: p95, p99_latency_ms: p99, .. } = document;
    let memory = |value: f64| knows_memory.then_some(value);
    let all = [
        ("mean latency, ms", 1.0, Some(*mean)),
        ("P95 over mean", 2.0, Some(p95 / mean)),
        ("P99 over mean", 3.0, Some(p99 / mean)),
        ("deviation, % of the mean", 20.0, Some(document.cv_pct())),
        ("time per atom, us", 10.0, document.us_per_atom()),
        ("change of memory, MB", STABLE_MB, memory((1024.0 * document.memory_delta_gb()).abs())),
        ("most memory, GB", 1.0, memory(document.memory_peak_gb)),
    ];
    let target = |(name, below, found): (&str, f64, Option<f64>)| Target {
        name: name.to_owned(),
        below,
        found,
        is_met: found.map(|found| found < below),
    };
    all.map(target).into()
}
