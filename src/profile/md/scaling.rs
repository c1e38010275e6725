//! How the time of a step grows with the number of atoms.

use serde::{Deserialize, Serialize};

use super::line::{Slope, slope};
use super::profile::Profile;

/// `<model>_scaling.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Name of the model.
    pub model: String,
    /// Name of the system.
    pub system: String,
    /// The power of the number of atoms that the mean step grows by, by least squares of logarithms,
    /// with its 95 % interval.
    pub exponent: Option<Slope>,
    /// Why it is not known.
    pub exponent_reason: Option<String>,
    /// The sizes, ascending.
    pub points: Vec<Point>,
}

/// The time of one size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Atoms that were asked for.
    pub requested_atoms: Option<usize>,
    /// Atoms that there are.
    pub n_atoms: usize,
    /// Milliseconds of the mean step.
    pub mean_ms: f64,
    /// Milliseconds of the median step.
    pub median_ms: f64,
    /// Milliseconds of the 99 % quantile.
    pub p99_ms: f64,
    /// Nanoseconds of the mean step per atom.
    pub ns_per_atom_per_step: f64,
    /// Nanoseconds of the atoms in a day of such steps.
    pub ns_per_day: Option<f64>,
}

impl Scaling {
    /// Sums up the profiles of all sizes.
    pub fn new(model: &str, system: &str, profiles: &[Profile]) -> Self {
        let point = |profile: &Profile| {
            let (latency, trajectory) = (&profile.extended.latency, &profile.extended.trajectory);
            Point {
                requested_atoms: trajectory.requested_atoms,
                n_atoms: trajectory.n_atoms,
                mean_ms: latency.mean_ms,
                median_ms: latency.median_ms,
                p99_ms: latency.p99_ms,
                ns_per_atom_per_step: latency.ns_per_atom_per_step,
                ns_per_day: latency.ns_per_day,
            }
        };
        let mut points: Vec<Point> = profiles.iter().map(point).collect();
        points.sort_by_key(|point| point.n_atoms);
        let logs = points.iter().map(|point| ((point.n_atoms as f64).ln(), point.mean_ms.ln()));
        let exponent = slope(&logs.collect::<Vec<_>>());
        let few = || format!("{} sizes tell no interval; three would", points.len());
        let exponent_reason = exponent.is_none().then(few);
        let (model, system) = (model.to_owned(), system.to_owned());
        Self { model, system, exponent, exponent_reason, points }
    }
}
