//! Times of a model, trial by trial.

use serde::{Deserialize, Serialize};

use crate::stats::Samples;

/// Times of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Forecasts of one step.
    pub single: Trials,
    /// Forecasts of all steps.
    pub full: Trials,
}

/// Trials of one operation of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trials {
    /// Seconds of a call, the mean of each trial.
    pub seconds: Vec<f64>,
    /// The logarithm of the speedup over the first model in each trial.
    pub log_speedups: Vec<f64>,
    /// Calls of each trial.
    pub calls: u64,
}

impl Trials {
    /// Seconds of a call.
    pub fn samples(&self) -> Samples {
        Samples::new(self.seconds.iter().copied())
    }

    fn extend(&mut self, later: &Self) {
        self.seconds.extend_from_slice(&later.seconds);
        self.log_speedups.extend_from_slice(&later.log_speedups);
        self.calls = later.calls;
    }
}

impl Times {
    /// Adds later trials.
    pub fn extend(&mut self, later: &Self) {
        self.single.extend(&later.single);
        self.full.extend(&later.full);
    }
}
