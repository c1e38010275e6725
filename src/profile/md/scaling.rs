//! How the time of a step grows with the number of atoms.

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use crate::profile::line::{Slope, slope};

/// `<model>_scaling.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Name of the model.
    pub model: String,
    /// Name of the system.
    pub system: String,
    /// The power of the number of atoms that the median step grows by, by least squares of logarithms,
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
        let logs = points.iter().map(|point| ((point.n_atoms as f64).ln(), point.median_ms.ln()));
        let exponent = slope(&logs.collect::<Vec<_>>());
        let few = || format!("{} sizes tell no interval; three would", points.len());
        let exponent_reason = exponent.is_none().then(few);
        let (model, system) = (model.to_owned(), system.to_owned());
        Self { model, system, exponent, exponent_reason, points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::StillingerWeber;
    use crate::md::boxes::Substance;
    use crate::profile::md::measure::Plan;
    use crate::profile::md::profile::profile_potential;

    #[test]
    fn the_exponent_is_that_of_the_medians_whatever_the_order() {
        let si = Substance::Silicon.prepare(8, 3, 20);
        let plan = Plan { steps: 3, repeat: 1, ..Plan::default() };
        let one =
            profile_potential("sw", &StillingerWeber::SILICON, si, 0.001, 1.0, &plan).unwrap();
        let of = |n_atoms: usize| {
            let mut profile = one.clone();
            profile.extended.trajectory.n_atoms = n_atoms;
            profile.extended.latency.median_ms = 2e-3 * (n_atoms as f64).powf(1.25);
            profile
        };
        let found = Scaling::new("sw", "silicon", &[64, 32, 512, 256].map(of));
        let exponent = found.exponent.unwrap();
        assert!((exponent.value - 1.25).abs() < 1e-9 && exponent.low < exponent.high, "{found:?}");
        let atoms: Vec<_> = found.points.iter().map(|point| point.n_atoms).collect();
        assert_eq!(atoms, [32, 64, 256, 512], "ascending");
        let two = Scaling::new("sw", "silicon", &[64, 32].map(of));
        assert_eq!(two.exponent_reason.unwrap(), "2 sizes tell no interval; three would");
    }
}
