//! `<model>_profile.json`: the 25 keys of mlff-distiller's `MDProfileResult`, in its order.
//!
//! Percentiles lie on the line between two samples, the deviation is of these steps (ddof 0), and
//! `*_gb` are gigabytes of 2^30 bytes. No key may be more: the original refuses to load such a file.
//! All else stands in the extended file beside it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::file;
use crate::profile::files;
use crate::stats::Samples;

/// Bytes of a gigabyte, of which the original says GB.
pub const GIGABYTE: f64 = 1_073_741_824.0;

/// Bytes of a megabyte.
pub const MEGABYTE: f64 = 1_048_576.0;

/// Megabytes by which memory may change and still be called stable, this number not included.
pub const STABLE_MB: f64 = 10.0;

/// The times of the steps of one trajectory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Name of the profile.
    pub name: String,
    /// Name of the model.
    pub model_name: String,
    /// Number of timed steps.
    pub n_steps: usize,
    /// `cpu`.
    pub device: String,
    /// Milliseconds of each step.
    pub latencies_ms: Samples,
    /// Their mean.
    pub mean_latency_ms: f64,
    /// Their median.
    pub median_latency_ms: f64,
    /// Their deviation, divided by their number.
    pub std_latency_ms: f64,
    /// The shortest.
    pub min_latency_ms: f64,
    /// The longest.
    pub max_latency_ms: f64,
    /// Their 95 % quantile.
    pub p95_latency_ms: f64,
    /// Their 99 % quantile.
    pub p99_latency_ms: f64,
    /// Milliseconds that the energy takes of a step, where they can be told.
    pub energy_time_ms: Option<f64>,
    /// Milliseconds of a step in which the potential is evaluated.
    pub forces_time_ms: Option<f64>,
    /// Milliseconds of a step in which the stress is made of the virial.
    pub stress_time_ms: Option<f64>,
    /// Resident before the first step, in gigabytes.
    pub memory_initial_gb: f64,
    /// Resident after the last step, in gigabytes.
    pub memory_final_gb: f64,
    /// The most that was resident in between, in gigabytes.
    pub memory_peak_gb: f64,
    /// Resident after the first step and after every tenth from there, in gigabytes.
    pub memory_per_step_gb: Vec<f64>,
    /// Number of atoms.
    pub n_atoms: Option<usize>,
    /// The same in words.
    pub system_size: Option<String>,
    /// Seconds of all steps with all that lies between them.
    pub total_time_s: f64,
    /// Steps in such a second.
    pub steps_per_second: f64,
    /// Time of the profile in UTC, as `2000-12-31 23:59:59`.
    pub timestamp: String,
    /// The circumstances.
    pub notes: String,
}

impl Document {
    /// What is resident at the end beyond what was at the start, in gigabytes.
    pub fn memory_delta_gb(&self) -> f64 {
        self.memory_final_gb - self.memory_initial_gb
    }

    /// Whether that is less than [`STABLE_MB`], up or down.
    pub fn memory_stable(&self) -> bool {
        (1024.0 * self.memory_delta_gb()).abs() < STABLE_MB
    }

    /// Microseconds of a step per atom, if there are atoms.
    pub fn us_per_atom(&self) -> Option<f64> {
        let atoms = self.n_atoms.filter(|atoms| *atoms > 0)?;
        Some(1000.0 * self.mean_latency_ms / atoms as f64)
    }

    /// The deviation in percent of the mean.
    pub fn cv_pct(&self) -> f64 {
        self.std_latency_ms / self.mean_latency_ms * 100.0
    }

    /// A few lines for people.
    pub fn summary(&self) -> String {
        let Self { name, model_name, n_steps, device, .. } = self;
        let size = self.system_size.as_deref().unwrap_or("an unknown number of atoms");
        let mut lines = vec![
            format!("{name}: {model_name}, {size}, {n_steps} steps on {device}"),
            format!("Mean:   {:.4} ms", self.mean_latency_ms),
            format!("Median: {:.4} ms", self.median_latency_ms),
            format!("Std:    {:.4} ms", self.std_latency_ms),
            format!("P95:    {:.4} ms", self.p95_latency_ms),
            format!("P99:    {:.4} ms", self.p99_latency_ms),
            format!("Memory: {:+.2} MB", 1024.0 * self.memory_delta_gb()),
        ];
        if let Some(us) = self.us_per_atom() {
            lines.push(format!("Atoms:  {us:.4} us each"));
        }
        lines.join("\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has other keys.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|source| Error::io(path, source))?;
        serde_json::from_slice(&bytes).map_err(|why| Error::Document { path: path.to_owned(), why })
    }

    /// Writes a file, with an indent of 2.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text = files::text(self)?;
        file::replace(path, &text).map_err(|source| Error::io(path, source))
    }
}
