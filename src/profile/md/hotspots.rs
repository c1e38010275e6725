//! Where the time goes, by the rules of mlff-distiller's `identify_hotspots`, in their order.
//!
//! All comparisons are strict: what lies on a limit is not named. Memory that changes by exactly 10
//! MB is unstable.

use serde::{Deserialize, Serialize};

use super::document::Document;

/// The deviation in percent of the mean, and the 99 % quantile over the mean, beyond which steps are
/// named uneven.
pub const MOST_CV_PCT: f64 = 20.0;
/// See [`MOST_CV_PCT`].
pub const MOST_P99_OVER_MEAN: f64 = 2.0;

/// The share of one component.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Milliseconds of a step.
    pub time_ms: f64,
    /// The same in percent of the mean step.
    pub percentage: f64,
    /// Whether that is more than the threshold.
    pub is_hotspot: bool,
}

/// The components whose times are known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Components {
    /// The energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Component>,
    /// The forces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forces: Option<Component>,
}

/// Where the time goes, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hotspots {
    /// One line.
    pub summary: String,
    /// Milliseconds of the mean step.
    pub total_time_ms: f64,
    /// The components.
    pub components: Components,
    /// One sentence for each rule that applies.
    pub recommendations: Vec<String>,
}

/// Names the components that take more than `threshold_pct` of the mean step, memory that is not
/// stable, and steps that are uneven.
pub fn identify_hotspots(document: &Document, threshold_pct: f64) -> Hotspots {
    let mean = document.mean_latency_ms;
    let component = |time_ms: Option<f64>| {
        let time_ms = time_ms?;
        let percentage = if mean > 0.0 { time_ms / mean * 100.0 } else { 0.0 };
        Some(Component { time_ms, percentage, is_hotspot: percentage > threshold_pct })
    };
    let energy = component(document.energy_time_ms);
    let forces = component(document.forces_time_ms);
    let mut recommendations = Vec::new();
    if let Some(energy) = energy.filter(|energy| energy.is_hotspot) {
        let share = energy.percentage;
        recommendations.push(format!("Energy takes {share:.1} % of a step: speed it up"));
    }
    if let Some(forces) = forces.filter(|forces| forces.is_hotspot) {
        let share = forces.percentage;
        recommendations
            .push(format!("Forces take {share:.1} % of a step: they are the primary target"));
    }
    if !document.memory_stable() {
        let (delta, steps) = (1024.0 * document.memory_delta_gb(), document.n_steps);
        let hint = if delta > 0.0 { "Memory leak? It grew" } else { "No Memory leak, but it fell" };
        recommendations.push(format!("{hint} by {:.1} MB over {steps} steps", delta.abs()));
    }
    if mean > 0.0 {
        let cv = document.cv_pct();
        if cv > MOST_CV_PCT {
            recommendations
                .push(format!("High variance: the deviation is {cv:.1} % of the mean step"));
        }
        let tail = document.p99_latency_ms / mean;
        if tail > MOST_P99_OVER_MEAN {
            recommendations.push(format!("Long tail: P99 is {tail:.2} times the mean step"));
        }
    }
    let summary = format!("{}: {mean:.4} ms a step", document.name);
    Hotspots {
        summary,
        total_time_ms: mean,
        components: Components { energy, forces },
        recommendations,
    }
}
