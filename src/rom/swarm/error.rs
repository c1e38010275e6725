//! Why a swarm cannot be simulated.

use thiserror::Error;

/// Why a swarm cannot be simulated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is out of its range.
    #[error("{name}: found {found}, expected {expected}")]
    Parameter {
        /// Its name, as configurations have it.
        name: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        expected: &'static str,
    },
    /// The duration is less than half a time step.
    #[error(
        "T: found {duration}, which is no step of dt = {dt}; choose a longer T or a smaller dt"
    )]
    NoStep {
        /// The duration.
        duration: f64,
        /// The time step.
        dt: f64,
    },
    /// The run has more steps than can be counted or frames than can be kept.
    #[error("{what}: found {found}, expected at most {most}; choose a larger dt or save_every")]
    TooLong {
        /// Steps or numbers.
        what: &'static str,
        /// How many there would be.
        found: f64,
        /// How many there may be.
        most: f64,
    },
    /// A particle moves past its neighbours in one step.
    #[error(
        "dt: a step of speed * dt = {moved} is longer than R / 2 = {half}; choose a smaller dt"
    )]
    TooFast {
        /// The distance of a step.
        moved: f64,
        /// Half the radius of alignment.
        half: f64,
    },
    /// A particle crosses the whole box in one step.
    #[error("{side}: found {found}, less than a step of speed * dt = {moved}; choose a larger box")]
    SmallBox {
        /// The side, Lx or Ly.
        side: &'static str,
        /// Its length.
        found: f64,
        /// The distance of a step.
        moved: f64,
    },
    /// A state has another number of particles than the configuration.
    #[error("{what}: found {found} particles, expected N = {expected}")]
    Count {
        /// Positions, headings or velocities.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A particle is outside the box, or nowhere.
    #[error("particle {particle}: found the position {found:?}, expected one in [0, {}] x [0, {}]", size[0], size[1])]
    Outside {
        /// Its number, from 0.
        particle: usize,
        /// Where it is.
        found: [f64; 2],
        /// The sides of the box.
        size: [f64; 2],
    },
    /// A number is NaN or infinite.
    #[error("{what} of particle {particle}: found {found:?}, expected finite numbers")]
    NotFinite {
        /// Heading or velocity.
        what: &'static str,
        /// The number of the particle, from 0.
        particle: usize,
        /// Its components.
        found: [f64; 2],
    },
    /// An angle of a step is NaN or infinite.
    #[error("step {step}: the angle of particle {particle} is {found}, expected a finite number")]
    Angle {
        /// The number of the step, from 1.
        step: usize,
        /// The number of the particle, from 0.
        particle: usize,
        /// The angle, in radians.
        found: f64,
    },
    /// The particles of a run got beyond all bounds.
    #[error(
        "step {step}: particle {particle} has the velocity {velocity:?}; choose a smaller dt or \
         weaker forces"
    )]
    Diverged {
        /// The number of the step, from 1.
        step: usize,
        /// The number of the particle, from 0.
        particle: usize,
        /// Its velocity.
        velocity: [f64; 2],
    },
    /// The system gives no threads.
    #[error("workers: {workers} threads cannot be started: {reason}")]
    Workers {
        /// How many were asked for.
        workers: usize,
        /// What the system says.
        reason: String,
    },
}
