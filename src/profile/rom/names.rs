//! Names of the files of a run.

/// The summary, which lists all other files.
pub(super) const SUMMARY: &str = "runtime_summary.md";
/// The file of each model, in the folder of its name.
pub(super) const PROFILE: &str = "runtime_profile.json";
/// The comparison of all models.
pub(super) const COMPARISON: &str = "runtime_comparison.json";
/// Times while one size grows.
pub(super) const SCALING: &str = "runtime_scaling.json";
/// The pictures of a run that has data for all of them.
pub(super) const PICTURES: [&str; 5] = [
    "speed_against_size.png",
    "accuracy_against_cost.png",
    "latency_distribution.png",
    "training_curves.png",
    "forecast_against_truth.png",
];
