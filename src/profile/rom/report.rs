//! All that a run found: the documents, and what is drawn besides them.

use std::collections::BTreeMap;

use super::accuracy::{Accuracy, Pair, Resampled, interval};
use super::comparison::{Comparison, compare, pair};
use super::document::{Facts, Inference, Profile, Timing};
use super::extended::{Difference, Extended, ExtendedComparison, Rates, Roof, Spread, Work};
use super::forecaster::Forecaster;
use super::scaling::Axis;
use super::speedup::speedup;
use super::times::{Times, Trials};
use super::trials::Plan;
use crate::machine;
use crate::profile::energy::Energy;

/// All that a run found, which its files are made of.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) experiment_name: String,
    pub(super) profiles: Vec<Profile>,
    pub(super) comparison: Comparison,
    pub(super) scaling: Vec<Axis>,
    pub(super) warnings: Vec<String>,
    /// Of each model the losses of its training, and a forecast beside the states that came.
    #[cfg_attr(not(feature = "figures"), expect(dead_code, reason = "drawn"))]
    pub(super) pictures: Vec<Pictures>,
}

/// What is drawn of one model besides its profile.
#[derive(Debug)]
#[cfg_attr(not(feature = "figures"), expect(dead_code, reason = "drawn"))]
pub(super) struct Pictures {
    pub(super) losses: Vec<[f64; 3]>,
    pub(super) example: Option<Pair>,
}

/// All that was measured of one model.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    pub(super) times: &'a Times,
    /// Bytes resident at most and after the forecasts, and bytes that a step asks the heap for.
    pub(super) used: ((u64, u64), Result<f64, String>),
    pub(super) accuracy: Result<Accuracy, String>,
    pub(super) energy: Result<Energy, String>,
    pub(super) rates: Rates,
}

const ORDER: &str = "models take turns in the rounds of a trial, in random order and then the other way \
                     round; no two calls have the same window; models of this crate lie elsewhere in \
                     memory in each trial";
const NO_CUDA: &str = "forecasts of one window have no kernel for a GPU";
const ESTIMATE: &str = "exp of the Hodges-Lehmann estimate over trials of the median of \
                        log(seconds of the first / seconds of the model) over rounds; 95 % interval by \
                        signed ranks";
const FEW_TRIALS: &str =
    "fewer than 6 trials, of which no interval holds a ratio with 95 % confidence";
const ONE_TRAINING: &str = "each model was trained once at most";

/// A value or its reason.
fn split<T>(value: Result<T, String>) -> (Option<T>, Option<String>) {
    match value {
        Ok(value) => (Some(value), None),
        Err(why) => (None, Some(why)),
    }
}

/// The profile of a model, with where the model and the window are from.
pub(super) fn profile(
    forecaster: &Forecaster<'_>,
    measured: Measured<'_>,
    plan: &Plan,
    (source, z0_source): (&str, &str),
) -> Profile {
    let Measured { times, used: (resident, heap), accuracy, energy, rates } = measured;
    let facts = Facts {
        name: forecaster.name.clone(),
        kind: forecaster.kind,
        parameters: forecaster.parameters,
        d: forecaster.d,
        n_steps: plan.n_steps,
        training_seconds: forecaster.training_seconds,
    };
    let (single, full) = (times.single.samples(), times.full.samples());
    let inference =
        Inference { single_step: Timing::of(&single), full_trajectory: Timing::of(&full) };
    let step = full.median() / plan.n_steps as f64;
    let roof = forecaster
        .flops_per_step
        .map(|flops| {
            let (bytes, waits) = (forecaster.bytes_per_step, forecaster.waits_per_step as f64);
            Roof::new(Work { flops, bytes, waits }, rates, step)
        })
        .ok_or_else(|| "the operations of a step are not known".to_owned());
    let (roof, roof_reason) = split(roof);
    let isa = forecaster.isa.map(str::to_owned);
    let (isa, isa_reason) = split(isa.ok_or_else(|| "not a model of this crate".to_owned()));
    let (accuracy, accuracy_reason) = split(accuracy.map(|found| found.at_cost(1e6 * step)));
    let (energy, energy_reason) = split(energy);
    let (heap_bytes_per_step, heap_reason) = split(heap);
    let extended = Extended {
        source: source.to_owned(),
        z0_source: z0_source.to_owned(),
        lag: forecaster.lag,
        n_steps: plan.n_steps,
        warmup: plan.warmup,
        order: ORDER.to_owned(),
        single_step: Spread::of(&single, times.single.calls),
        full_trajectory: Spread::of(&full, times.full.calls),
        microseconds_per_step: 1e6 * step,
        peak_rss_bytes: resident.0,
        heap_bytes_per_step,
        heap_reason,
        parameter_bytes: forecaster.parameter_bytes(),
        flops_per_step: forecaster.flops_per_step,
        gflops: forecaster.flops_per_step.map(|flops| flops as f64 / step / 1e9),
        roof,
        roof_reason,
        isa,
        isa_reason,
        accuracy,
        accuracy_reason,
        energy,
        energy_reason,
        cuda: None,
        cuda_reason: Some(NO_CUDA.to_owned()),
        machine: machine::wall(),
        sources: machine::SOURCE.to_owned(),
    };
    let profile = Profile::new(&facts, inference, resident);
    Profile { extended: Some(Box::new(extended)), ..profile }
}

/// The comparison of all models with the first; `resampled` has those whose accuracy was measured.
pub(super) fn comparison(
    profiles: &[Profile],
    times: &[Times],
    resampled: &[Resampled],
) -> Comparison {
    let mut comparison = compare(profiles);
    if let (Comparison::Of(compared), [_, others @ ..]) = (&mut comparison, times) {
        let names =
            profiles[1..].iter().map(|profile| pair(&profile.model_name, &profiles[0].model_name));
        let of = |trials: fn(&Times) -> &Trials| -> Option<BTreeMap<_, _>> {
            let found = others.iter().map(|times| speedup(&trials(times).log_speedups));
            names.clone().zip(found).map(|(name, found)| Some((name, found?))).collect()
        };
        let full = of(|times| &times.full);
        let bytes = |profile: &Profile| {
            profile.extended.as_ref().map_or(0.0, |extended| extended.parameter_bytes as f64)
        };
        let ratios = profiles[1..].iter().map(|profile| bytes(profile) / bytes(&profiles[0]));
        compared.extended = Some(Box::new(ExtendedComparison {
            estimate: ESTIMATE.to_owned(),
            single_step_speedup: of(|times| &times.single),
            speedup_reason: full.is_none().then(|| FEW_TRIALS.to_owned()),
            full_trajectory_speedup: full,
            ties: ties(profiles, times),
            valid_steps_difference: differences(profiles, resampled),
            training_time_ratio: None,
            training_time_ratio_reason: Some(ONE_TRAINING.to_owned()),
            parameter_bytes_ratio: names.clone().zip(ratios).collect(),
        }));
    }
    comparison
}

/// Pairs of which neither is faster in full trajectories; nothing where there are too few trials.
fn ties(profiles: &[Profile], times: &[Times]) -> Option<Vec<String>> {
    let all: Vec<_> = profiles.iter().zip(times).collect();
    let mut ties = Vec::new();
    for (at, (to, first)) in all.iter().enumerate() {
        for (of, other) in &all[at + 1..] {
            // Both are over the first model, which cancels out.
            let logs = other.full.log_speedups.iter().zip(&first.full.log_speedups);
            let logs: Vec<f64> = logs.map(|(of, to)| of - to).collect();
            if speedup(&logs)?.holds_one() {
                ties.push(pair(&of.model_name, &to.model_name));
            }
        }
    }
    Some(ties)
}

/// The differences of valid steps of any two models; nothing where one has no resamples.
fn differences(
    profiles: &[Profile],
    resampled: &[Resampled],
) -> Option<BTreeMap<String, Difference>> {
    let valid = |profile: &Profile| Some(profile.extended.as_ref()?.accuracy.as_ref()?.valid_steps);
    let less = |of: usize, to: usize| of.cast_signed() - to.cast_signed();
    let mut found = BTreeMap::new();
    for (at, to) in profiles.iter().enumerate() {
        for (nth, of) in profiles.iter().enumerate().skip(at + 1) {
            let both = resampled.get(nth)?.iter().zip(resampled.get(at)?);
            let [low, high] = interval(both.map(|(of, to)| less(*of, *to)).collect())?;
            let steps = less(valid(of)?, valid(to)?);
            found.insert(pair(&of.model_name, &to.model_name), Difference { steps, low, high });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::rom::complexity::Kind;
    use crate::stats::Samples;

    #[test]
    fn ties_of_models_none_of_which_is_the_first_are_found() {
        let timing = Timing::of(&Samples::new([1.0]));
        let inference = Inference { single_step: timing, full_trajectory: timing };
        let profiles = ["A", "B", "C"].map(|name| {
            let (name, kind) = (name.to_owned(), Kind::Other);
            let (parameters, d, n_steps, training_seconds) = (7, 2, 1, None);
            let facts = Facts { name, kind, parameters, d, n_steps, training_seconds };
            Profile::new(&facts, inference, (0, 0))
        });
        let times = |trials: u8| {
            [0.0, 1.0, -1.0].map(|sign| {
                let log = |trial: u8| if sign == 0.0 { 0.0 } else { 1.0 + sign * wobble(trial) };
                let mut times = Times::default();
                times.full.log_speedups = (0..trials).map(log).collect();
                times
            })
        };
        assert_eq!(ties(&profiles, &times(20)), Some(vec!["C_vs_B".to_owned()]), "of three");
        assert_eq!(ties(&profiles, &times(5)), None, "too few trials");
    }

    /// A small number of either sign.
    fn wobble(trial: u8) -> f64 {
        let sign = if trial.is_multiple_of(2) { 1.0 } else { -1.0 };
        1e-3 * sign * f64::from(trial + 1)
    }
}
