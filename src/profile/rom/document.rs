//! `runtime_profile.json`: the keys of wsindy-manifold's analyzer, in its order and by its formulas.
//!
//! Throughput is that of the mean trajectory of n steps of d components, m seconds long: n / m steps
//! and n d / m components per second. `parameter_memory_mb` takes 8 bytes a parameter, whatever its
//! type; the true size is in `extended`. What was not measured is absent; no number is ever NaN.

use serde::{Deserialize, Serialize};

use super::complexity::{Complexity, Kind};
use super::extended::Extended;
use crate::stats::Samples;

/// Bytes of a megabyte.
pub const MEGABYTE: f64 = 1_048_576.0;

/// The file of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name of the model.
    pub model_name: String,
    /// Time of the training; empty if it was not measured.
    pub training: Training,
    /// Times of forecasts.
    pub inference: Inference,
    /// Memory of process and model.
    pub memory: Memory,
    /// Rates of the mean trajectory.
    pub throughput: Throughput,
    /// Sizes and counts that follow from them.
    pub complexity: Complexity,
    /// All that the original does not measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<Box<Extended>>,
}

/// Time of a training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_seconds: Option<f64>,
}

/// Times of forecasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inference {
    /// Forecasts of one step.
    pub single_step: Timing,
    /// Forecasts of all steps.
    pub full_trajectory: Timing,
}

/// Times of one operation over its trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Sum of all trials.
    pub total_seconds: f64,
    /// Mean of a trial.
    pub mean_seconds: f64,
    /// Deviation of these trials, divided by their number.
    pub std_seconds: f64,
    /// The fastest trial.
    pub min_seconds: f64,
    /// The slowest trial.
    pub max_seconds: f64,
    /// Number of trials.
    pub samples: usize,
}

impl Timing {
    /// Sums up the seconds of trials.
    ///
    /// # Panics
    ///
    /// If there is no trial.
    pub fn of(seconds: &Samples) -> Self {
        Self {
            total_seconds: seconds.values().iter().sum(),
            mean_seconds: seconds.mean(),
            std_seconds: seconds.std(0),
            min_seconds: seconds.min(),
            max_seconds: seconds.max(),
            samples: seconds.len(),
        }
    }
}

/// Memory of process and model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// The most that was resident at a time, in megabytes.
    pub peak_mb: f64,
    /// Resident after the forecasts, in megabytes.
    pub current_mb: f64,
    /// Parameters of the model.
    pub model_parameters: usize,
    /// Their size at 8 bytes each, in megabytes.
    pub parameter_memory_mb: f64,
}

impl Memory {
    /// The memory of a model of so many parameters, of which bytes were resident.
    pub fn new(peak_bytes: u64, current_bytes: u64, parameters: usize) -> Self {
        Self {
            peak_mb: peak_bytes as f64 / MEGABYTE,
            current_mb: current_bytes as f64 / MEGABYTE,
            model_parameters: parameters,
            parameter_memory_mb: parameters as f64 * 8.0 / MEGABYTE,
        }
    }
}

/// Rates of the mean trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// Steps per second.
    pub steps_per_second: f64,
    /// Components per second.
    pub predictions_per_second: f64,
    /// Seconds of a step.
    pub seconds_per_step: f64,
    /// Microseconds of a step.
    pub microseconds_per_step: f64,
}

impl Throughput {
    /// The rates of trajectories of `n` steps of `d` components that take `mean` seconds.
    pub fn new(mean: f64, n: usize, d: usize) -> Self {
        let (n, d) = (n as f64, d as f64);
        Self {
            steps_per_second: n / mean,
            predictions_per_second: n * d / mean,
            seconds_per_step: mean / n,
            microseconds_per_step: mean / n * 1e6,
        }
    }
}

/// A model as a profile sums it up.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its kind and sizes.
    pub kind: Kind,
    /// Its parameters.
    pub parameters: usize,
    /// Components of a state.
    pub d: usize,
    /// Steps of a full trajectory.
    pub n_steps: usize,
    /// Seconds of its training, if they are known.
    pub training_seconds: Option<f64>,
}

impl Profile {
    /// The profile of a model, without `extended`.
    pub fn new(facts: &Facts, inference: Inference, resident: (u64, u64)) -> Self {
        let Facts { kind, parameters, d, n_steps, .. } = *facts;
        Self {
            model_name: facts.name.clone(),
            training: Training { total_seconds: facts.training_seconds },
            inference,
            memory: Memory::new(resident.0, resident.1, parameters),
            throughput: Throughput::new(inference.full_trajectory.mean_seconds, n_steps, d),
            complexity: Complexity::new(kind, parameters, d),
            extended: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(mean: f64) -> Timing {
        Timing::of(&Samples::new([0.9 * mean, 1.1 * mean]))
    }

    fn profile(name: &str, kind: Kind, parameters: usize, mean: f64) -> Profile {
        let (name, training_seconds) = (name.to_owned(), Some(12.5));
        let facts = Facts { name, kind, parameters, d: 20, n_steps: 100, training_seconds };
        let inference = Inference { single_step: timing(1.0), full_trajectory: timing(mean) };
        Profile::new(&facts, inference, (3 << 20, 1 << 20))
    }

    #[test]
    fn the_example_of_the_documents_has_the_numbers_of_the_documents() {
        let got = profile("MVAR", Kind::of_name("MVAR", Some(5), None, None), 2020, 0.023);
        assert!((got.throughput.microseconds_per_step - 230.0).abs() < 1e-9, "{got:?}");
        assert!((got.throughput.predictions_per_second - 86_956.521_739).abs() < 1e-5, "{got:?}");
        assert_eq!(got.complexity.inference_flops_per_step, Some(4000), "operations");
        assert_eq!(got.complexity.expected_parameters, Some(2020), "parameters");
        assert!((got.memory.parameter_memory_mb - 0.015_411_376_953_125).abs() < 1e-15, "{got:?}");
        assert_eq!((got.memory.peak_mb, got.memory.current_mb), (3.0, 1.0), "resident");
    }

    #[test]
    fn what_is_not_known_is_absent_and_the_file_is_read_again() {
        let mut got = profile("WSINDy", Kind::Other, 7, 0.1);
        got.training.total_seconds = None;
        let text = serde_json::to_string(&got).unwrap();
        assert!(text.contains("\"training\":{}") && !text.contains("null"), "{text}");
        assert!(text.ends_with("\"complexity\":{\"total_parameters\":7,\"latent_dimension\":20}}"));
        assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), got, "{text}");
        let odd = text.replace("\"training\":{}", "\"training\":{},\"median\":1");
        assert!(serde_json::from_str::<Profile>(&odd).is_err(), "an unknown key");
    }

    #[test]
    fn trials_are_summed_up_by_their_own_deviation() {
        let got = Timing::of(&Samples::new([1.0, 3.0, 5.0, 7.0]));
        assert_eq!((got.total_seconds, got.mean_seconds, got.samples), (16.0, 4.0, 4), "sums");
        assert_eq!((got.std_seconds, got.min_seconds, got.max_seconds), (5f64.sqrt(), 1.0, 7.0));
    }
}
