//! Runs of a swarm: trajectories by seed, one after the other or side by side.

use std::f64::consts::TAU;

use ndarray::{Array1, Array3};
use rayon::ThreadPoolBuilder;
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use super::config::Spread;
use super::random::Generator;
use super::{Config, Error, Noise, State, Stepper, Vector};

/// The saved frames of a run, that of the start first: the arrays of a `trajectory.npz`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The times of the frames.
    pub times: Array1<f32>,
    /// Positions, (frames, N, 2).
    pub traj: Array3<f32>,
    /// Velocities, (frames, N, 2).
    pub vel: Array3<f32>,
    /// Headings, (frames, N, 2).
    pub head: Array3<f32>,
}

impl Trajectory {
    fn zeros(frames: usize, n: usize) -> Self {
        let room = || Array3::zeros((frames, n, 2));
        Self { times: Array1::zeros(frames), traj: room(), vel: room(), head: room() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "files hold f32")]
    fn save(&mut self, frame: usize, time: f64, state: &State) {
        self.times[frame] = time as f32;
        let pairs = [
            (&mut self.traj, &state.x),
            (&mut self.vel, &state.velocities),
            (&mut self.head, &state.headings),
        ];
        for (to, from) in pairs {
            let mut to = to.index_axis_mut(ndarray::Axis(0), frame);
            to.iter_mut().zip(from.as_flattened()).for_each(|(to, from)| *to = *from as f32);
        }
    }
}

/// Runs the swarm that a seed gives.
///
/// # Errors
///
/// If a parameter is out of its range, or the forces throw a particle out of all bounds.
pub fn run(config: &Config, seed: u64) -> Result<Trajectory, Error> {
    config.check()?;
    let (mut random, n) = (Generator::new(seed), config.particles);
    let x = config.start.draw(&config.domain, n, &mut random);
    let angles: Vec<f64> = (0..n).map(|_| random.uniform(0.0, TAU)).collect();
    let state = State::new(config, x, &angles)?;
    let noise = config.noise;
    replay(config, state, |angles| angles.iter_mut().for_each(|a| *a = noise.draw(&mut random)))
}

/// Runs a swarm from a state; `angles` leaves the angles of the next step in its argument.
///
/// # Errors
///
/// If a parameter is out of its range, the state is not of this configuration, an angle is not finite,
/// or the forces throw a particle out of all bounds.
pub fn replay(
    config: &Config,
    mut state: State,
    mut angles: impl FnMut(&mut [f64]),
) -> Result<Trajectory, Error> {
    let mut stepper = Stepper::new(config)?;
    state.check(config)?;
    let mut trajectory = Trajectory::zeros(config.frames(), config.particles);
    trajectory.save(0, 0.0, &state);
    let mut turns = vec![0.0; config.particles];
    for step in 1..=config.steps() {
        angles(&mut turns);
        if let Some(particle) = turns.iter().position(|angle| !angle.is_finite()) {
            return Err(Error::Angle { step, particle, found: turns[particle] });
        }
        stepper.step(&mut state, &turns);
        let is_bounded = |v: &Vector| v.iter().all(|v| v.abs() < 1e100);
        if let Some(particle) = state.velocities.iter().position(|v| !is_bounded(v)) {
            let velocity = state.velocities[particle];
            return Err(Error::Diverged { step, particle, velocity });
        }
        if step % config.save_every == 0 {
            trajectory.save(step / config.save_every, step as f64 * config.dt, &state);
        }
    }
    Ok(trajectory)
}

/// Runs swarms with their seeds on `workers` threads, and makes of each trajectory what is wanted of
/// it, by its number; results stand in the order of the runs, and depend on nothing but these.
///
/// # Errors
///
/// Why the first of the runs that failed did so, or why there are no threads.
pub fn run_all<R: Send>(
    runs: &[(Config, u64)],
    workers: usize,
    wanted: impl Fn(usize, Trajectory) -> R + Sync,
) -> Result<Vec<R>, Error> {
    if workers == 0 {
        let expected = "at least one thread";
        return Err(Error::Parameter { name: "workers", found: 0.0, expected });
    }
    runs.iter().try_for_each(|(config, _)| config.check())?;
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers.min(runs.len()).max(1))
        .build()
        .map_err(|why| Error::Workers { workers, reason: why.to_string() })?;
    let one = |(number, (config, seed)): (usize, &(Config, u64))| {
        run(config, *seed).map(|trajectory| wanted(number, trajectory))
    };
    let results: Vec<_> =
        pool.install(|| runs.par_iter().with_max_len(1).enumerate().map(one).collect());
    results.into_iter().collect()
}

impl Noise {
    /// Draws one angle, in radians.
    pub fn draw(&self, random: &mut Generator) -> f64 {
        match self.spread {
            Spread::Uniform => random.uniform(-0.5 * self.eta, 0.5 * self.eta),
            Spread::Matched => random.normal(0.0, self.eta / 12.0_f64.sqrt()),
            Spread::Normal => random.normal(0.0, self.eta),
        }
    }
}
