//! Trajectories, replayed with the angles that were drawn.

use std::path::Path;

use ndarray::{Array1, Array2, Array3, Axis};
use serde_json::Value;
use stepmark::rom::swarm::config::Spread;
use stepmark::rom::swarm::runs::replay;
use stepmark::rom::swarm::{
    Boundary, Config, Domain, Mode, Morse, Noise, Start, State, Stepper, Sums, Trajectory, Vector,
    motion, sums,
};

use super::published::Published;
use super::{Vectors, close, vectors};
use crate::rom::conformance::text;

/// Of positions, velocities and headings, which are rounded to `f32`.
const TOLERANCE: f64 = 5e-7;

/// A recorded run.
struct Recorded {
    config: Config,
    rebuild: usize,
    start: State,
    angles: Array2<f64>,
    times: Vec<f32>,
    frames: [Array3<f32>; 3],
}

pub(super) fn check(path: &Path) -> Result<(), String> {
    let recorded = read(path)?;
    let Recorded { config, start, angles, .. } = &recorded;
    let mut rows = angles.outer_iter();
    let exact = replay(config, start.clone(), |into| {
        let row = rows.next().expect("as many rows as steps");
        into.iter_mut().zip(row).for_each(|(into, angle)| *into = *angle);
    });
    let exact = exact.map_err(|e| e.to_string())?;
    let judged = recorded.judge(&exact);
    let published = recorded.published()?;
    if judged.is_ok() {
        return Ok(());
    }
    recorded.judge(&published.trajectory).map_err(|why| format!("as published: {why}"))?;
    if published.differs { Ok(()) } else { judged }
}

/// A run with the published search.
struct Replayed {
    trajectory: Trajectory,
    /// Whether the exact neighbours were others in some step.
    differs: bool,
}

impl Recorded {
    /// Replays it with the published search; compares the exact sums of each step with those over all
    /// pairs.
    fn published(&self) -> Result<Replayed, String> {
        let config = &self.config;
        let reach = config.radius.max(config.morse.as_ref().map_or(0.0, |morse| morse.cutoff));
        let mut stepper = Stepper::new(config).map_err(|e| e.to_string())?;
        let mut state = self.start.clone();
        let mut search = Published::new(&config.domain, reach, &state.x);
        let (mut differs, mut frames) = (false, vec![state.clone()]);
        for (step, angles) in (1..).zip(self.angles.outer_iter()) {
            if step % self.rebuild == 0 {
                search = Published::new(&config.domain, reach, &state.x);
            }
            let found = stepper.sums(&state.x, &state.headings);
            let plain = sums::reference(config, &state.x, &state.headings);
            let bound = sums::bound(config, &state.x);
            if differ(found, &plain, &bound) {
                return Err(format!("step {step}: sums are not those over all pairs"));
            }
            let published = search.sums(config, &state.x, &state.headings);
            differs |= differ(found, &published, &bound);
            motion::advance(config, &mut state, &published, &angles.to_vec());
            if step % config.save_every == 0 {
                frames.push(state.clone());
            }
        }
        Ok(Replayed { trajectory: saved(&frames, config), differs })
    }

    fn judge(&self, found: &Trajectory) -> Result<(), String> {
        if found.times.to_vec() != self.times {
            return Err(format!("times: {}, expected {:?}", found.times, self.times));
        }
        let periodic = self.config.domain.periods();
        let infinite = [f64::INFINITY; 2];
        let all = [&found.traj, &found.vel, &found.head];
        for ((name, period), (found, want)) in
            [("traj", periodic), ("vel", infinite), ("head", infinite)]
                .into_iter()
                .zip(all.into_iter().zip(&self.frames))
        {
            if found.dim() != want.dim() {
                return Err(format!(
                    "{name} has shape {:?}, expected {:?}",
                    found.dim(),
                    want.dim()
                ));
            }
            for frame in 0..found.dim().0 {
                let rows = |of: &Array3<f32>| {
                    let wide = of.index_axis(Axis(0), frame).mapv(f64::from);
                    vectors(wide.outer_iter())
                };
                close(&format!("{name} {frame}"), &rows(found), &rows(want), period, |_| {
                    TOLERANCE
                })?;
            }
        }
        Ok(())
    }
}

fn differ(a: &Sums, b: &Sums, bound: &Sums) -> bool {
    let far = |a: &[Vector], b: &[Vector], bound: &[Vector]| {
        let mut all = a.iter().flatten().zip(b.iter().flatten()).zip(bound.iter().flatten());
        all.any(|((a, b), bound)| (a - b).abs() > *bound || (a - b).is_nan())
    };
    far(&a.headings, &b.headings, &bound.headings) || far(&a.forces, &b.forces, &bound.forces)
}

#[expect(clippy::cast_possible_truncation, reason = "files hold f32")]
fn saved(frames: &[State], config: &Config) -> Trajectory {
    let rows = |of: fn(&State) -> &Vec<Vector>| {
        let shape = (frames.len(), config.particles, 2);
        Array3::from_shape_fn(shape, |(t, i, a)| of(&frames[t])[i][a] as f32)
    };
    let time = |frame: usize| ((frame * config.save_every) as f64 * config.dt) as f32;
    Trajectory {
        times: (0..frames.len()).map(time).collect(),
        traj: rows(|state| &state.x),
        vel: rows(|state| &state.velocities),
        head: rows(|state| &state.headings),
    }
}

fn read(path: &Path) -> Result<Recorded, String> {
    let document: Value =
        serde_json::from_str(&text(path, "config")?).map_err(|e| e.to_string())?;
    let mut io = Vectors::open(path)?;
    let (x0, theta0): (Array2<f64>, Array1<f64>) = (io.array("x0")?, io.array("theta0")?);
    let angles: Array2<f64> = io.array("phi")?;
    let (config, rebuild) = config(&document, x0.nrows())?;
    if angles.dim() != (config.steps(), x0.nrows()) {
        return Err(format!("phi has shape {:?}, expected {} steps", angles.dim(), config.steps()));
    }
    let start = State::new(&config, vectors(x0.outer_iter()), &theta0.to_vec());
    Ok(Recorded {
        rebuild,
        start: start.map_err(|e| e.to_string())?,
        angles,
        times: io.array::<f32, ndarray::Ix1>("times")?.to_vec(),
        frames: [io.array("traj")?, io.array("vel")?, io.array("head")?],
        config,
    })
}

/// The configuration with the defaults of the original, and after how many steps it rebuilt its cells.
fn config(document: &Value, particles: usize) -> Result<(Config, usize), String> {
    let number = |part: &str, name: &str, default: f64| {
        document[part]
            .get(name)
            .map_or(Some(default), Value::as_f64)
            .ok_or_else(|| format!("{part}.{name} is no number"))
    };
    let needed = |name: &str| number("sim", name, f64::NAN);
    let word = |part: &str, name: &str, default: &'static str| {
        document[part].get(name).and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let count = |name: &str| {
        let value = document["sim"].get(name).map_or(Some(1), Value::as_u64);
        value.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| format!("{name} is no count"))
    };
    let is = |part: &str, name: &str, default| document[part][name].as_bool().unwrap_or(default);
    let boundary = match &*word("sim", "bc", "periodic") {
        "periodic" => Boundary::Periodic,
        "reflecting" => Boundary::Reflecting,
        other => return Err(format!("an unknown boundary: {other}")),
    };
    let mode = match &*word("model", "speed_mode", "constant") {
        "constant" => Mode::Constant,
        "constant_with_forces" => Mode::ConstantWithForces,
        "variable" => Mode::Variable,
        other => return Err(format!("an unknown mode: {other}")),
    };
    let spread = match (&*word("noise", "kind", "uniform"), is("noise", "match_variance", true)) {
        ("uniform", _) => Spread::Uniform,
        ("gaussian", true) => Spread::Matched,
        ("gaussian", false) => Spread::Normal,
        (other, _) => return Err(format!("an unknown noise: {other}")),
    };
    let force = |name: &str, default: f64| {
        document["forces"]["params"]
            .get(name)
            .map_or(Some(default), Value::as_f64)
            .ok_or_else(|| format!("forces.params.{name} is no number"))
    };
    let (repulsion_length, attraction_length) = (force("lr", 0.5)?, force("la", 1.5)?);
    let morse = Morse {
        repulsion: force("Cr", 2.0)?,
        attraction: force("Ca", 1.0)?,
        repulsion_length,
        attraction_length,
        cutoff: force("rcut_factor", 5.0)? * repulsion_length.max(attraction_length),
        mobility: force("mu_t", 0.5)?,
    };
    let config = Config {
        particles,
        domain: Domain { size: [needed("Lx")?, needed("Ly")?], boundary },
        duration: needed("T")?,
        dt: needed("dt")?,
        save_every: count("save_every")?,
        speed: number("model", "speed", 0.5)?,
        mode,
        radius: number("params", "R", 1.0)?,
        noise: Noise { spread, eta: number("noise", "eta", 0.5)? },
        morse: is("forces", "enabled", false).then_some(morse),
        start: Start::Uniform,
    };
    config.check().map_err(|e| e.to_string())?;
    Ok((config, count("neighbor_rebuild")?))
}
