//! All models of one system: speed, forces against a reference, drift.

use serde::{Deserialize, Serialize};

use super::profile::{Profile, compare};
use crate::profile::line::Slope;

/// `comparison_<time>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Name of the system.
    pub system: String,
    /// Number of atoms.
    pub n_atoms: usize,
    /// The model that the speed of all is compared with.
    pub baseline: String,
    /// The model that the forces of all are compared with.
    pub reference: Option<String>,
    /// The models, the baseline first.
    pub models: Vec<Compared>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Its name.
    pub model: String,
    /// Milliseconds of its mean step.
    pub mean_ms: f64,
    /// Milliseconds of its median step.
    pub median_ms: f64,
    /// Nanoseconds of the atoms in a day of such steps.
    pub ns_per_day: Option<f64>,
    /// How many times faster than the baseline its mean step is.
    pub speedup: f64,
    /// The same of the median step, which steps that waited for the processor do not move.
    pub median_speedup: f64,
    /// The root mean square of the differences of components of forces from the reference on the steps
    /// of its own trajectory, eV/angstrom.
    pub force_rmse_ev_per_angstrom: Option<f64>,
    /// The same as a share of the forces of the reference.
    pub force_rmse_share: Option<f64>,
    /// The root mean square of the total energy around its line, meV per atom.
    pub detrended_rms_mev_per_atom: Option<f64>,
    /// The drift of the total energy, kT per atom and nanosecond.
    pub drift_kt_per_atom_ns: Option<Slope>,
}

impl Comparison {
    /// Compares profiles of one system, the baseline first.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn new(system: &str, reference: Option<&str>, profiles: &[Profile]) -> Self {
        let documents: Vec<_> = profiles
            .iter()
            .map(|profile| (profile.document.model_name.clone(), profile.document.clone()))
            .collect();
        let first = documents[0].1.median_latency_ms;
        let one = |(profile, (model, speedup)): (&Profile, (String, f64))| {
            let validity = &profile.extended.validity;
            let (against, kept) = (validity.against.as_ref(), validity.energy);
            Compared {
                model,
                mean_ms: profile.document.mean_latency_ms,
                median_ms: profile.document.median_latency_ms,
                ns_per_day: profile.extended.latency.ns_per_day,
                speedup,
                median_speedup: first / profile.document.median_latency_ms,
                force_rmse_ev_per_angstrom: against.map(|found| found.force_rmse_ev_per_angstrom),
                force_rmse_share: against.and_then(|found| found.force_rmse_share),
                detrended_rms_mev_per_atom: kept.map(|kept| kept.detrended_rms_mev_per_atom),
                drift_kt_per_atom_ns: kept.and_then(|kept| kept.drift_kt_per_atom_ns),
            }
        };
        Self {
            system: system.to_owned(),
            n_atoms: profiles[0].extended.trajectory.n_atoms,
            baseline: documents[0].0.clone(),
            reference: reference.map(str::to_owned),
            models: profiles.iter().zip(compare(&documents)).map(one).collect(),
        }
    }
}
