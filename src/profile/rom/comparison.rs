//! `runtime_comparison.json`: all models against the first.
//!
//! `training_time_ratio` is above 1 where a model takes longer than the first; `inference_speedup`,
//! the inverse way round, where it is faster. A ratio to nothing is left out. Of equal winners the
//! first is named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::document::Profile;
use super::extended::ExtendedComparison;

/// The file: nothing where there are fewer than two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Comparison {
    /// Two models or more.
    Of(Box<Compared>),
    /// No pair.
    Nothing {},
}

/// Numbers by the name of the pair, `X_vs_first`.
pub type Ratios = BTreeMap<String, f64>;

/// Models against the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Their names.
    pub models: Vec<String>,
    /// Seconds of training over those of the first.
    pub training_time_ratio: Ratios,
    /// Seconds of the mean trajectory of the first over those of the model.
    pub inference_speedup: Ratios,
    /// Memory of the parameters over that of the first.
    pub memory_ratio: Ratios,
    /// Number of parameters over that of the first.
    pub parameter_ratio: Ratios,
    /// The best by each measure.
    pub winners: Winners,
    /// All that the original does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<Box<ExtendedComparison>>,
}

/// The best by each measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Winners {
    /// The least seconds of training; absent unless those of all are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fastest_training: Option<String>,
    /// The shortest mean trajectory.
    pub fastest_inference: String,
    /// The least memory of parameters.
    pub smallest_memory: String,
}

/// The name of a pair.
pub fn pair(of: &str, to: &str) -> String {
    format!("{of}_vs_{to}")
}

/// Compares all profiles with the first.
///
/// # Panics
///
/// Never: the best of two or more is one of them.
pub fn compare(profiles: &[Profile]) -> Comparison {
    let [first, others @ ..] = profiles else { return Comparison::Nothing {} };
    if others.is_empty() {
        return Comparison::Nothing {};
    }
    let ratios = |of: &dyn Fn(&Profile) -> Option<f64>, to: &dyn Fn(&Profile) -> Option<f64>| {
        let ratio = |other: &Profile| {
            let (above, below) = (of(other)?, to(other)?);
            let name = pair(&other.model_name, &first.model_name);
            Some((name, above / below)).filter(|(_, ratio)| ratio.is_finite())
        };
        others.iter().filter_map(ratio).collect::<Ratios>()
    };
    let training = |profile: &Profile| profile.training.total_seconds;
    let full = |profile: &Profile| profile.inference.full_trajectory.mean_seconds;
    let memory = |profile: &Profile| profile.memory.parameter_memory_mb;
    let parameters = |profile: &Profile| profile.memory.model_parameters as f64;
    let best = |of: &dyn Fn(&Profile) -> f64| {
        let least = profiles.iter().min_by(|a, b| of(a).total_cmp(&of(b)));
        least.expect("there are two").model_name.clone()
    };
    let is_trained = profiles.iter().all(|profile| training(profile).is_some());
    Comparison::Of(Box::new(Compared {
        models: profiles.iter().map(|profile| profile.model_name.clone()).collect(),
        training_time_ratio: ratios(&training, &|_| training(first)),
        inference_speedup: ratios(&|_| Some(full(first)), &|other| Some(full(other))),
        memory_ratio: ratios(&|other| Some(memory(other)), &|_| Some(memory(first))),
        parameter_ratio: ratios(&|other| Some(parameters(other)), &|_| Some(parameters(first))),
        winners: Winners {
            fastest_training: is_trained
                .then(|| best(&|profile| training(profile).unwrap_or(f64::INFINITY))),
            fastest_inference: best(&full),
            smallest_memory: best(&memory),
        },
        extended: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::complexity::Kind;
    use super::super::document::{Facts, Inference, Timing};
    use super::*;
    use crate::stats::Samples;

    fn profile(name: &str, training: Option<f64>, full: f64, parameters: usize) -> Profile {
        let timing = Timing::of(&Samples::new([full]));
        let facts = Facts {
            name: name.to_owned(),
            kind: Kind::Other,
            parameters,
            d: 20,
            n_steps: 100,
            training_seconds: training,
        };
        let inference = Inference { single_step: timing, full_trajectory: timing };
        Profile::new(&facts, inference, (0, 0))
    }

    fn of(profiles: &[Profile]) -> Compared {
        match compare(profiles) {
            Comparison::Of(compared) => *compared,
            Comparison::Nothing {} => panic!("two models are compared"),
        }
    }

    #[test]
    fn the_example_of_the_documents_has_the_ratios_of_the_documents() {
        let mvar = profile("MVAR", Some(12.5), 0.023, 2020);
        let lstm = profile("LSTM", Some(43.125), 0.028, 4343);
        let got = of(&[mvar.clone(), lstm]);
        let near = |ratios: &Ratios, want: f64| (ratios["LSTM_vs_MVAR"] - want).abs() < 1e-12;
        assert!(near(&got.training_time_ratio, 3.45), "{got:?}");
        assert!(near(&got.inference_speedup, 23.0 / 28.0), "{got:?}");
        assert!(near(&got.memory_ratio, 2.15) && near(&got.parameter_ratio, 2.15), "{got:?}");
        assert_eq!(got.winners.fastest_training.as_deref(), Some("MVAR"), "training");
        assert_eq!(serde_json::to_string(&compare(&[mvar])).unwrap(), "{}", "one model");
        assert_eq!(compare(&[]), Comparison::Nothing {}, "none");
    }

    #[test]
    fn of_equal_models_the_first_wins() {
        let got = of(&[profile("B", Some(1.0), 1.0, 7), profile("A", Some(1.0), 1.0, 7)]);
        let Winners { fastest_training, fastest_inference, smallest_memory } = got.winners;
        let winners = (fastest_training.as_deref(), &*fastest_inference, &*smallest_memory);
        assert_eq!(winners, (Some("B"), "B", "B"), "winners");
    }

    #[test]
    fn a_training_that_was_not_measured_wins_nothing() {
        let got = of(&[profile("A", Some(1.0), 1.0, 7), profile("B", None, 2.0, 7)]);
        assert_eq!((got.winners.fastest_training, got.training_time_ratio.len()), (None, 0));
        let text = serde_json::to_string(&compare(&[
            profile("A", None, 1.0, 7),
            profile("B", Some(1.0), 2.0, 7),
        ]));
        let text = text.unwrap();
        assert!(text.contains("\"training_time_ratio\":{}") && !text.contains("null"), "{text}");
        let again: Comparison = serde_json::from_str(&text).unwrap();
        assert!(matches!(again, Comparison::Of(_)), "{text}");
        assert!(serde_json::from_str::<Comparison>("{\"models\":[]}").is_err(), "a part");
    }

    #[test]
    fn a_ratio_to_nothing_is_left_out() {
        let got = of(&[profile("A", Some(0.0), 1.0, 0), profile("B", Some(1.0), 2.0, 7)]);
        let (training, memory) = (got.training_time_ratio, got.memory_ratio);
        assert!(training.is_empty() && memory.is_empty(), "{training:?} {memory:?}");
        assert_eq!(got.inference_speedup["B_vs_A"], 0.5, "speedup");
    }
}
