//! The table of keys: what each is, and what becomes of it.
//!
//! The keys are those of 863 public configurations of wsindy-manifold, and those of its documented base.
//! A name that ends with `.*` stands for all below it.

use super::kind::Kind::{
    self, Any, Count, Counts, Flag, Lag, Name, Names, Number, Numbers, Point, Points, Text,
};
use super::kind::MOST;
use Effect::{Fit, Ignored, Other, Pod, Read, Refused, Said, Score, Simulate};

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Effect {
    /// It decides trajectories and densities.
    Simulate,
    /// It decides modes and latent states.
    Pod,
    /// It decides models.
    Fit,
    /// It decides scores.
    Score,
    /// It decides nothing of the files that are compared.
    Read,
    /// It is an older name of another key.
    Other(&'static str),
    /// wsindy-manifold reads it or not; here nothing depends on it.
    Ignored,
    /// It asks for something else than this pipeline, and is not run.
    Said,
    /// A value that asks for something is refused: `false`, 0 and `none` are none.
    Refused(&'static str),
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) effect: Effect,
}

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    let fits = |key: &&Key| match key.name.strip_suffix('*') {
        Some(start) => name.starts_with(start) && name.len() > start.len(),
        None => key.name == name,
    };
    KEYS.iter().find(fits)
}

/// Whether a key lies below this name.
pub(super) fn is_above(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The name of a key or section that is nearest to an unknown one.
pub(super) fn nearest(name: &str) -> &'static str {
    let sections = |key: &'static str| key.match_indices('.').map(move |(at, _)| &key[..at]);
    let known = KEYS.iter().flat_map(|key| sections(key.name).chain([key.name]));
    let known = known.filter(|known| !known.ends_with('*'));
    known.min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or_default()
}

const ABOVE_ZERO: Kind = Number(1e-100, 1e100);
const NOT_BELOW: Kind = Number(0.0, 1e100);
const ANY_NUMBER: Kind = Number(-1e100, 1e100);
const PART: Kind = Number(1e-100, 1.0);
const SHARE: Kind = Number(0.0, 1.0);
const RUNS: Kind = Count(0, 100_000);
const LENGTHS: Kind = Numbers(-1e100, 1e100);
const SPREADS: Kind = Numbers(0.0, 1e100);
const STATES: Kind = Count(1, 4096);
const CELLS: Kind = Count(1, 2048);
const EPOCHS: Kind = Count(1, 1 << 24);
/// Kinds of starts, by the names of two generations of configurations.
pub(super) const STARTS: [&str; 6] =
    ["uniform", "gaussian", "gaussian_cluster", "ring", "two_clusters", "cluster"];

const fn key(name: &'static str, kind: Kind, effect: Effect) -> Key {
    Key { name, kind, effect }
}

/// An older name.
const fn old(name: &'static str, of: &'static str) -> Key {
    Key { name, kind: Any, effect: Other(of) }
}

/// A key without an effect.
const fn none(name: &'static str) -> Key {
    Key { name, kind: Any, effect: Ignored }
}

const KSTEP: &str = "coefficients from rollouts are not fitted here; leave it out";

#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("experiment_name", Text, Read),
    // The swarm.
    key("sim.N", Count(1, 1 << 24), Simulate),
    key("sim.Lx", ABOVE_ZERO, Simulate),
    key("sim.Ly", ABOVE_ZERO, Simulate),
    key("sim.bc", Name(&["periodic", "reflecting"]), Simulate),
    key("sim.T", ABOVE_ZERO, Simulate),
    key("sim.dt", ABOVE_ZERO, Simulate),
    key("sim.save_every", Count(1, MOST), Simulate),
    key("sim.integrator", Name(&["euler", "euler_semiimplicit"]), Read),
    key("sim.L", ABOVE_ZERO, Simulate),
    key("test_sim.T", ABOVE_ZERO, Simulate),
    key("test_sim.dt", ABOVE_ZERO, Simulate),
    key("test_sim.save_every", Count(1, MOST), Simulate),
    key("model", Name(&["discrete", "vicsek_discrete", "vicsek_morse_discrete"]), Read),
    key("model.type", Name(&["discrete", "vicsek_discrete", "vicsek_morse_discrete"]), Read),
    key("model.speed", NOT_BELOW, Simulate),
    key("model.speed_mode", Name(&["constant", "constant_with_forces", "variable"]), Simulate),
    key("params.R", ABOVE_ZERO, Simulate),
    key("noise.kind", Name(&["gaussian", "uniform"]), Simulate),
    key("noise.eta", NOT_BELOW, Simulate),
    key("noise.match_variance", Flag, Simulate),
    key("forces.enabled", Flag, Simulate),
    key("forces.type", Name(&["morse"]), Simulate),
    key("forces.params.Cr", ANY_NUMBER, Simulate),
    key("forces.params.Ca", ANY_NUMBER, Simulate),
    key("forces.params.lr", ABOVE_ZERO, Simulate),
    key("forces.params.la", ABOVE_ZERO, Simulate),
    key("forces.params.mu_t", ANY_NUMBER, Simulate),
    key("forces.params.rcut_factor", ABOVE_ZERO, Simulate),
    key("outputs.density_resolution", CELLS, Simulate),
    key("outputs.density_bandwidth", Number(0.0, 2048.0), Simulate),
    key("outputs.grid_density.nx", CELLS, Simulate),
    key("outputs.grid_density.ny", CELLS, Simulate),
    old("outputs.grid_density.bandwidth", "outputs.density_bandwidth"),
    none("outputs.grid_density.enabled"),
    old("model_config.speed", "model.speed"),
    old("model_config.speed_mode", "model.speed_mode"),
    old("sim.speed", "model.speed"),
    old("sim.v0", "model.speed"),
    old("sim.R", "params.R"),
    old("sim.eta", "noise.eta"),
    old("sim.noise.eta", "noise.eta"),
    old("sim.noise.kind", "noise.kind"),
    old("sim.forces.enabled", "forces.enabled"),
    old("sim.boundary", "sim.bc"),
    old("sim.model", "model.type"),
    old("sim.ic_type", "initial_distribution"),
    old("forces.Cr", "forces.params.Cr"),
    old("forces.Ca", "forces.params.Ca"),
    old("forces.lr", "forces.params.lr"),
    old("forces.la", "forces.params.la"),
    old("forces.mu_t", "forces.params.mu_t"),
    old("forces.rcut_factor", "forces.params.rcut_factor"),
    old("simulation.T", "sim.T"),
    old("simulation.dt", "sim.dt"),
    old("simulation.save_every", "sim.save_every"),
    old("system.N", "sim.N"),
    old("system.Lx", "sim.Lx"),
    old("system.Ly", "sim.Ly"),
    old("output.density_resolution", "outputs.density_resolution"),
    old("test_ic.test_T", "test_sim.T"),
    // Where runs start.
    key("train_ic.gaussian.enabled", Flag, Simulate),
    key("train_ic.gaussian.positions_x", LENGTHS, Simulate),
    key("train_ic.gaussian.positions_y", LENGTHS, Simulate),
    key("train_ic.gaussian.variances", SPREADS, Simulate),
    key("train_ic.gaussian.n_samples_per_config", RUNS, Simulate),
    key("train_ic.uniform.enabled", Flag, Simulate),
    key("train_ic.uniform.n_runs", RUNS, Simulate),
    key("train_ic.uniform.n_samples", RUNS, Simulate),
    key("train_ic.ring.enabled", Flag, Simulate),
    key("train_ic.ring.radii", LENGTHS, Simulate),
    key("train_ic.ring.widths", SPREADS, Simulate),
    key("train_ic.ring.n_samples_per_config", RUNS, Simulate),
    key("train_ic.two_clusters.enabled", Flag, Simulate),
    key("train_ic.two_clusters.separations", LENGTHS, Simulate),
    key("train_ic.two_clusters.sigmas", SPREADS, Simulate),
    key("train_ic.two_clusters.n_samples_per_config", RUNS, Simulate),
    key("train_ic.center", Point, Simulate),
    key("train_ic.variances", SPREADS, Simulate),
    key("train_ic.n_samples_per_variance", RUNS, Simulate),
    key("test_ic.gaussian.enabled", Flag, Simulate),
    key("test_ic.gaussian.test_positions_x", LENGTHS, Simulate),
    key("test_ic.gaussian.test_positions_y", LENGTHS, Simulate),
    key("test_ic.gaussian.test_variances", SPREADS, Simulate),
    key("test_ic.gaussian.extrapolation_positions", Points, Simulate),
    key("test_ic.gaussian.extrapolation_variance", SPREADS, Simulate),
    key("test_ic.uniform.enabled", Flag, Simulate),
    key("test_ic.uniform.n_runs", RUNS, Simulate),
    key("test_ic.uniform.n_samples", RUNS, Simulate),
    key("test_ic.ring.enabled", Flag, Simulate),
    key("test_ic.ring.test_radii", LENGTHS, Simulate),
    key("test_ic.ring.test_widths", SPREADS, Simulate),
    key("test_ic.ring.n_samples_per_config", RUNS, Simulate),
    key("test_ic.two_clusters.enabled", Flag, Simulate),
    key("test_ic.two_clusters.test_separations", LENGTHS, Simulate),
    key("test_ic.two_clusters.test_sigmas", SPREADS, Simulate),
    key("test_ic.two_clusters.extrapolation_separations", LENGTHS, Simulate),
    key("test_ic.two_clusters.extrapolation_sigma", SPREADS, Simulate),
    key("test_ic.centers", Points, Simulate),
    key("test_ic.variance", NOT_BELOW, Simulate),
    key("test_ic.n_samples_per_center", RUNS, Simulate),
    key("ensemble.n_runs", RUNS, Simulate),
    key("ensemble.seeds", Counts(0, MOST), Simulate),
    key("ensemble.base_seed", Count(0, MOST), Simulate),
    key("ensemble.ic_types", Names(&STARTS), Simulate),
    key("ensemble.ic_weights", Any, Refused("kinds of starts are taken in turn; leave it out, or null")),
    key("initial_distribution", Name(&STARTS), Simulate),
    key("rom.eval.num_test_ics", RUNS, Simulate),
    old("rom.num_train_ics", "ensemble.n_runs"),
    old("training.n_train", "ensemble.n_runs"),
    old("training.n_test", "rom.eval.num_test_ics"),
    old("rom.train_seeds", "ensemble.seeds"),
    // The decomposition.
    key("rom.subsample", Count(1, MOST), Pod),
    key("rom.fixed_modes", Count(1, 1 << 24), Pod),
    key("rom.pod_energy", PART, Pod),
    key("rom.density_transform", Name(&["raw", "none", "log", "sqrt", "meansub"]), Pod),
    key("rom.density_transform_eps", NOT_BELOW, Pod),
    key("rom.shift_align", Flag, Pod),
    key("rom.shift_align_ref", Name(&["mean", "first", "median"]), Pod),
    old("rom.rom_subsample", "rom.subsample"),
    old("rom_subsample", "rom.subsample"),
    old("rom.fixed_d", "rom.fixed_modes"),
    old("fixed_d", "rom.fixed_modes"),
    old("rom.pod_modes", "rom.fixed_modes"),
    old("rom.latent_dim", "rom.fixed_modes"),
    old("rom.energy_threshold", "rom.pod_energy"),
    old("pod_target_energy", "rom.pod_energy"),
    key("rom.latent_standardize", Flag, Pod),
    key("cleanup_train_after_pod", Flag, Read),
    // The models.
    key("rom.models.mvar.enabled", Flag, Fit),
    key("rom.models.mvar.lag", Lag(4096), Fit),
    key("rom.models.mvar.ridge_alpha", NOT_BELOW, Fit),
    key("rom.models.mvar.eigenvalue_threshold", ABOVE_ZERO, Fit),
    key("rom.models.mvar.kstep_k", Count(0, MOST), Refused(KSTEP)),
    key("rom.models.mvar.kstep_epochs", Any, Ignored),
    key("rom.models.mvar.kstep_lr", Any, Ignored),
    key("rom.models.mvar.kstep_patience", Any, Ignored),
    key("rom.models.mvar.kstep_weights", Any, Ignored),
    key("rom.models.lstm.enabled", Flag, Fit),
    key("rom.models.lstm.lag", STATES, Fit),
    key("rom.models.lstm.hidden_units", STATES, Fit),
    key("rom.models.lstm.num_layers", Count(1, 4), Fit),
    key("rom.models.lstm.learning_rate", ABOVE_ZERO, Fit),
    key("rom.models.lstm.max_epochs", EPOCHS, Fit),
    key("rom.models.lstm.patience", EPOCHS, Fit),
    key("rom.models.lstm.batch_size", Count(1, 1 << 20), Fit),
    key("rom.models.lstm.dropout", Number(0.0, 0.999_999), Fit),
    key("rom.models.lstm.weight_decay", NOT_BELOW, Fit),
    key("rom.models.lstm.gradient_clip", NOT_BELOW, Fit),
    key("rom.models.lstm.residual", Flag, Fit),
    key("rom.models.lstm.use_layer_norm", Flag, Fit),
    key("rom.models.lstm.normalize_input", Flag, Fit),
    key("rom.models.lstm.multistep_loss", Flag, Fit),
    key("rom.models.lstm.multistep_k", Count(2, 1024), Fit),
    key("rom.models.lstm.multistep_alpha", SHARE, Fit),
    key("rom.models.lstm.scheduled_sampling", Flag, Fit),
    key("rom.models.lstm.ss_warmup", Count(0, MOST), Fit),
    key("rom.models.lstm.ss_phase1_end", Count(0, MOST), Fit),
    key("rom.models.lstm.ss_phase1_ratio", SHARE, Fit),
    key("rom.models.lstm.ss_phase2_end", Count(0, MOST), Fit),
    key("rom.models.lstm.ss_max_ratio", SHARE, Fit),
    key("rom.models.lstm.seed", Count(0, 0xffff_ffff), Fit),
    old("rom.models.lstm.hidden_dim", "rom.models.lstm.hidden_units"),
    old("rom.models.lstm.n_layers", "rom.models.lstm.num_layers"),
    old("rom.models.lstm.lr", "rom.models.lstm.learning_rate"),
    old("rom.models.lstm.n_epochs", "rom.models.lstm.max_epochs"),
    old("rom.models.lstm.grad_clip", "rom.models.lstm.gradient_clip"),
    old("mvar_lag", "rom.models.mvar.lag"),
    old("mvar.order", "rom.models.mvar.lag"),
    old("rom.mvar_lag", "rom.models.mvar.lag"),
    old("rom.mvar.lag", "rom.models.mvar.lag"),
    old("rom.mvar_order", "rom.models.mvar.lag"),
    old("ridge_alpha", "rom.models.mvar.ridge_alpha"),
    old("mvar.ridge_alpha", "rom.models.mvar.ridge_alpha"),
    old("rom.ridge_alpha", "rom.models.mvar.ridge_alpha"),
    old("rom.ridge", "rom.models.mvar.ridge_alpha"),
    old("rom.mvar.ridge_alpha", "rom.models.mvar.ridge_alpha"),
    old("eigenvalue_threshold", "rom.models.mvar.eigenvalue_threshold"),
    old("mvar.eigenvalue_threshold", "rom.models.mvar.eigenvalue_threshold"),
    old("rom.eigenvalue_threshold", "rom.models.mvar.eigenvalue_threshold"),
    none("rom.models.lstm.activation"), none("rom.models.lstm.loss"),
    none("rom.models.lstm.scheduler_patience"),
    none("mvar.enforce_stability"), none("mvar.train_fraction"),
    none("rom.mvar.n_segments"), none("rom.mvar.overlap_fraction"),
    none("rom.mvar.segment_duration"),
    // The evaluation.
    key("eval.forecast_start", NOT_BELOW, Score),
    key("eval.forecast_end", ABOVE_ZERO, Score),
    key("eval.clamp_mode", Name(&["C0", "C1", "C2", "simplex"]), Score),
    key("eval.clamp_negative", Flag, Score),
    key("eval.mass_postprocess", Name(&["none", "scale", "simplex"]), Score),
    key("rom.mass_postprocess", Name(&["none", "scale", "simplex"]), Score),
    key("eval.mass_project", Flag, Score),
    key("eval.kstep_reset", Count(0, MOST), Score),
    key("eval.save_time_resolved", Flag, Score),
    old("evaluation.forecast_start", "eval.forecast_start"),
    old("evaluation.forecast_end", "eval.forecast_end"),
    old("evaluation.save_time_resolved", "eval.save_time_resolved"),
    none("evaluation.warm_up_mode"), none("eval.forecast_dt"), none("eval.metrics"),
    none("eval.save_forecasts"),
    // What nothing here depends on. Neighbours are those of each step; a run has its number as its
    // seed; a pipeline always goes on from what is there.
    none("sim.neighbor_rebuild"), none("sim.seed"), none("seed"), none("sim.rcut"),
    none("resume_from_latent"), none("sim_name"), none("alignment.enabled"), none("params.alpha"),
    none("params.beta"), none("model.R_align"), none("model.sigma_align"), none("model.dt"),
    none("outputs.fps"), none("outputs.order_parameters"), none("outputs.run_name"),
    none("outputs.save_density"), none("outputs.save_npz"), none("outputs.save_positions"),
    none("outputs.save_velocities"), none("outputs.save_csv"), none("outputs.plots"),
    none("outputs.animate_traj"), none("outputs.animate_density"), none("outputs.video_ics"),
    none("outputs.plot_order_params"), none("outputs.order_params_ics"), none("outputs.efrom.*"),
    none("output.density_bandwidth_factor"), none("output.save_density"),
    none("output.save_trajectory"), none("out_dir"), none("density.*"), none("meta.*"),
    none("data.*"), none("rom.save_unaligned_pod"), none("rom.delay"),
    none("rom.existing_experiment"), none("rom.use_existing_models"), none("rom.experiment_name"),
    none("rom.rom_root"), none("rom.train_frac"), none("rom.eval.*"),
    none("train_ic.type"), none("train_ic.center_x"), none("train_ic.center_y"),
    none("train_ic.clusters.enabled"), none("train_ic.rings.enabled"),
    none("train_ic.gaussian.n_runs"), none("train_ic.gaussian.count"),
    none("train_ic.gaussian.cluster_count_range"), none("train_ic.gaussian.min_separation"),
    none("train_ic.gaussian.sigma_range"), none("train_ic.ring.n_runs"), none("train_ic.ring.count"),
    none("train_ic.ring.angular_noise"), none("train_ic.ring.radius_range"),
    none("train_ic.two_clusters.n_runs"), none("train_ic.two_clusters.count"),
    none("train_ic.two_clusters.separation_range"), none("train_ic.two_clusters.sigma"),
    none("train_ic.uniform.count"),
    none("test_ic.type"), none("test_ic.clusters.enabled"), none("test_ic.rings.enabled"),
    none("test_ic.test_cases"), none("test_ic.gaussian.n_runs"), none("test_ic.gaussian.count"),
    none("test_ic.gaussian.n_samples_per_config"), none("test_ic.gaussian.positions_x"),
    none("test_ic.gaussian.positions_y"), none("test_ic.gaussian.variances"),
    none("test_ic.gaussian.cluster_count_range"), none("test_ic.gaussian.min_separation"),
    none("test_ic.gaussian.sigma_range"), none("test_ic.ring.n_runs"), none("test_ic.ring.count"),
    none("test_ic.ring.radii"), none("test_ic.ring.widths"), none("test_ic.ring.angular_noise"),
    none("test_ic.ring.radius_range"), none("test_ic.two_clusters.n_runs"),
    none("test_ic.two_clusters.n_samples_per_config"), none("test_ic.two_clusters.count"),
    none("test_ic.two_clusters.separations"), none("test_ic.two_clusters.sigmas"),
    none("test_ic.two_clusters.separation_range"), none("test_ic.two_clusters.sigma"),
    none("test_ic.uniform.count"),
    key("wsindy.*", Any, Said),
];
