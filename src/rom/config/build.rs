//! The configuration from the values of a file.

use std::collections::BTreeMap;

use super::given::Values;
use super::keys::Effect;
use super::kind::named;
use super::{Config, Lstm, Mvar, Runs, Scoring, Stage, starts};
use crate::lstm::train as lstm_train;
use crate::rom::evaluate::{Clamp, Mass};
use crate::rom::fit::Lag;
use crate::rom::pod::{self, Modes, Reference, Transform};
use crate::rom::swarm::{self, Boundary, Domain, Mode, Morse, Noise, Spread, Start};

/// The most runs of a kind.
const MOST_RUNS: usize = 100_000;

/// The configuration; none where the values have problems that leave a part of it open.
pub(super) fn config(values: &mut Values) -> Option<Config> {
    let swarm = swarm(values);
    let (train, test) = (training(values, &swarm), test(values, &swarm));
    let square = values.count("outputs.density_resolution");
    let side = |name| square.or(values.count(name)).unwrap_or(64);
    let grid = [side("outputs.grid_density.nx"), side("outputs.grid_density.ny")];
    let bandwidth = values.number("outputs.density_bandwidth").unwrap_or(2.0);
    let pod = decomposition(values, &swarm);
    let (mvar, lstm) = (mvar(values), lstm(values));
    if mvar.is_none() && values.flag("rom.models.lstm.enabled") != Some(true) {
        values.unfit("rom.models.mvar.enabled", "found no model, expected one to be enabled");
    }
    Some(Config {
        name: values.text("experiment_name").map(str::to_owned),
        train,
        test,
        grid,
        bandwidth,
        pod,
        mvar,
        lstm: lstm?,
        scoring: scoring(values),
        cleans_up: values.flag("cleanup_train_after_pod").unwrap_or(false),
        settings: settings(values),
    })
}

fn swarm(values: &mut Values) -> swarm::Config {
    let particles = {
        values.need("sim.N");
        values.count("sim.N").unwrap_or(1)
    };
    let side = |values: &mut Values, name| match values.number("sim.L") {
        Some(side) => values.number(name).unwrap_or(side),
        None => values.need(name),
    };
    let size = [side(values, "sim.Lx"), side(values, "sim.Ly")];
    let (duration, dt) = (values.need("sim.T"), values.need("sim.dt"));
    let boundary = match values.text("sim.bc") {
        Some("reflecting") => Boundary::Reflecting,
        _ => Boundary::Periodic,
    };
    let mode = match values.text("model.speed_mode") {
        Some("constant_with_forces") => Mode::ConstantWithForces,
        Some("variable") => Mode::Variable,
        _ => Mode::Constant,
    };
    let spread = match values.text("noise.kind") {
        Some("gaussian") if values.flag("noise.match_variance") == Some(false) => Spread::Normal,
        Some("gaussian") => Spread::Matched,
        _ => Spread::Uniform,
    };
    swarm::Config {
        particles,
        domain: Domain { size, boundary },
        duration,
        dt,
        save_every: values.count("sim.save_every").unwrap_or(1),
        speed: values.number("model.speed").unwrap_or(0.5),
        mode,
        radius: values.number("params.R").unwrap_or(1.0),
        noise: Noise { spread, eta: values.number("noise.eta").unwrap_or(0.5) },
        morse: values.flag("forces.enabled").unwrap_or(false).then(|| morse(values)),
        start: Start::Uniform,
    }
}

fn morse(values: &Values) -> Morse {
    let number = |name, default| values.number(name).unwrap_or(default);
    let lengths = [number("forces.params.lr", 0.5), number("forces.params.la", 1.5)];
    let factor = number("forces.params.rcut_factor", 5.0);
    Morse {
        repulsion: number("forces.params.Cr", 2.0),
        attraction: number("forces.params.Ca", 1.0),
        repulsion_length: lengths[0],
        attraction_length: lengths[1],
        cutoff: factor * lengths[0].max(lengths[1]),
        mobility: number("forces.params.mu_t", 0.5),
    }
}

fn training(values: &mut Values, swarm: &swarm::Config) -> Runs {
    let runs = Runs { swarm: *swarm, runs: starts::training(values) };
    check(values, &runs, "train_ic", "sim");
    runs
}

fn test(values: &mut Values, swarm: &swarm::Config) -> Runs {
    for (name, of, own) in [
        ("test_sim.dt", "sim.dt", swarm.dt),
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        ("test_sim.save_every", "sim.save_every", swarm.save_every as f64),
    ] {
        let found = values.number(name).or(values.count(name).map(|n| n as f64));
        if let Some(found) = found.filter(|found| *found != own && own.is_finite()) {
            let text = format!(
                "found {found}, expected {own}, as {of} is: models step by the time between frames"
            );
            values.unfit(name, text);
        }
    }
    let duration = values.number("test_sim.T").unwrap_or(swarm.duration);
    let runs = Runs { swarm: swarm::Config { duration, ..*swarm }, runs: starts::test(values) };
    check(
        values,
        &runs,
        "test_ic",
        if values.line("test_sim.T").is_some() { "test_sim" } else { "sim" },
    );
    runs
}

/// Names what is wrong with runs, once.
fn check(values: &mut Values, runs: &Runs, starts: &str, times: &str) {
    if runs.runs.len() > MOST_RUNS {
        let text =
            format!("{starts}: found {} runs, expected at most {MOST_RUNS}", runs.runs.len());
        values.problems.push(super::Problem { line: None, text });
        return;
    }
    // A number that is missing was named.
    let swarm = &runs.swarm;
    if [swarm.duration, swarm.dt, swarm.domain.size[0], swarm.domain.size[1]]
        .iter()
        .any(|x| x.is_nan())
    {
        return;
    }
    let first = Start::Uniform;
    let checked = std::iter::once(first).chain(runs.runs.iter().map(|run| run.start));
    let flaw = checked.map(|start| swarm::Config { start, ..*swarm }.check()).find_map(Result::err);
    let Some(why) = flaw else { return };
    let text = why.to_string();
    let key = text.split_once(':').map_or("", |(key, _)| key);
    let name = match key {
        "T" | "steps" | "numbers to keep" => format!("{times}.T"),
        "dt" | "Lx" | "Ly" => format!("sim.{key}"),
        _ => starts.to_owned(),
    };
    let is_named = name.ends_with(&format!(".{key}"));
    let text = text.strip_prefix(&format!("{key}: ")).filter(|_| is_named).unwrap_or(&text);
    // Both kinds of runs may have it.
    let line = values.line(&name);
    let problem = super::Problem { line, text: format!("{name}: {text}") };
    if !values.problems.contains(&problem) {
        values.problems.push(problem);
    }
}

fn decomposition(values: &mut Values, swarm: &swarm::Config) -> pod::Config {
    let fixed = values.count("rom.fixed_modes");
    let energy = values.number("rom.pod_energy");
    let default = pod::Config::default();
    let modes = match (fixed, energy) {
        (Some(modes), _) => Modes::Fixed(modes),
        (None, Some(part)) => Modes::Energy(part),
        (None, None) => default.modes,
    };
    let eps = values.number("rom.density_transform_eps").unwrap_or(Transform::EPS);
    let transform = values.text("rom.density_transform").and_then(|x| Transform::named(x, eps));
    let reference = values.text("rom.shift_align_ref").and_then(Reference::named);
    let is_aligned = values.flag("rom.shift_align").unwrap_or(false);
    if is_aligned && swarm.domain.boundary == Boundary::Reflecting {
        let text = "found true, expected false: densities between walls cannot be shifted around";
        values.unfit("rom.shift_align", text);
    }
    pod::Config {
        subsample: values.count("rom.subsample").unwrap_or(1),
        transform: transform.unwrap_or(default.transform),
        align: is_aligned.then_some(reference.unwrap_or(Reference::Mean)),
        modes,
        standardize: values.flag("rom.latent_standardize").unwrap_or(default.standardize),
    }
}

fn mvar(values: &Values) -> Option<Mvar> {
    let lag = match values.text("rom.models.mvar.lag").and_then(named) {
        Some(criterion) => Lag::By(criterion),
        None => Lag::States(values.count("rom.models.mvar.lag").unwrap_or(5)),
    };
    values.flag("rom.models.mvar.enabled").unwrap_or(true).then(|| Mvar {
        lag,
        ridge_alpha: values.number("rom.models.mvar.ridge_alpha").unwrap_or(1e-6),
        eigenvalue_threshold: values.number("rom.models.mvar.eigenvalue_threshold"),
    })
}

/// The network, or `None` inside if there is none; `None` if its options have a problem.
fn lstm(values: &mut Values) -> Option<Option<Lstm>> {
    const SECTION: &str = "rom.models.lstm";
    if !values.flag("rom.models.lstm.enabled").unwrap_or(false) {
        return Some(None);
    }
    let options: Vec<_> =
        values.below(SECTION).filter(|(name, _)| !["enabled", "lag"].contains(name)).collect();
    let options = options.iter().map(|(name, value)| (*name, value.as_str()));
    match lstm_train::Config::from_options(options) {
        Ok(training) => {
            let lag = values.count("rom.models.lstm.lag").unwrap_or(5);
            Some(Some(Lstm { lag, training }))
        }
        Err(lstm_train::Error::Missing { options }) => {
            for option in options {
                let name = format!("{SECTION}.{option}");
                let start = format!("{name}: ");
                // One of another kind was named.
                if values.problems.iter().all(|problem| !problem.text.starts_with(&start)) {
                    values.unfit(&name, "found no value, expected one: there is no default");
                }
            }
            None
        }
        Err(why) => {
            values.unfit(SECTION, why);
            None
        }
    }
}

fn scoring(values: &Values) -> Scoring {
    let clamp = values.text("eval.clamp_mode").and_then(Clamp::named);
    let clamp = match (clamp, values.flag("eval.clamp_negative")) {
        (Some(clamp), _) => clamp,
        (None, Some(false)) => Clamp::Keep,
        (None, _) => Clamp::default(),
    };
    let mass = |name| values.text(name).and_then(Mass::named);
    let mass = mass("eval.mass_postprocess").or_else(|| mass("rom.mass_postprocess"));
    let mass = mass.unwrap_or_default();
    let is_projected = values.flag("eval.mass_project").unwrap_or(false);
    // The nearest frame of the simplex has no cell below zero: a clamp before it leads to another.
    let is_redundant = clamp == Clamp::Rescale && mass == Mass::Simplex;
    Scoring {
        forecast_start: values.number("eval.forecast_start").unwrap_or(0.0),
        forecast_end: values.number("eval.forecast_end"),
        clamp: if is_redundant { Clamp::Keep } else { clamp },
        mass: if is_projected && mass == Mass::Keep { Mass::Scale } else { mass },
        kstep_reset: values.count("eval.kstep_reset").filter(|k| *k > 0),
        is_time_resolved: values.flag("eval.save_time_resolved").unwrap_or(false),
    }
}

fn settings(values: &Values) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    [
        (Stage::Simulate, Effect::Simulate),
        (Stage::Pod, Effect::Pod),
        (Stage::Fit, Effect::Fit),
        (Stage::Evaluate, Effect::Score),
    ]
    .into_iter()
    .map(|(stage, effect)| (stage.name(), values.of_effect(effect)))
    .collect()
}
