//! The motion of a swarm by the sums over its neighbours.

use super::config::Mode;
use super::{Config, Error, Sums, Vector};

/// Below this length a sum of headings has no direction.
const NONE: f64 = 1e-12;

/// Positions, headings and velocities of all particles.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Where they are, in the box.
    pub x: Vec<Vector>,
    /// Where they head: of length 1, or 0.
    pub headings: Vec<Vector>,
    /// How they move.
    pub velocities: Vec<Vector>,
}

impl State {
    /// Particles at `x` that head by these angles, with the speed of the configuration.
    ///
    /// # Errors
    ///
    /// If there are other than N of either, or one is outside the box or not finite.
    pub fn new(config: &Config, x: Vec<Vector>, angles: &[f64]) -> Result<Self, Error> {
        let headings: Vec<Vector> = angles.iter().map(|a| [a.cos(), a.sin()]).collect();
        let velocities = headings.iter().map(|p| p.map(|p| config.speed * p)).collect();
        let state = Self { x, headings, velocities };
        state.check(config)?;
        Ok(state)
    }

    /// Requires as many particles as the configuration has, all of them in the box.
    ///
    /// # Errors
    ///
    /// Names what is not as it should be.
    pub fn check(&self, config: &Config) -> Result<(), Error> {
        let expected = config.particles;
        for (what, found) in [
            ("positions", self.x.len()),
            ("headings", self.headings.len()),
            ("velocities", self.velocities.len()),
        ] {
            if found != expected {
                return Err(Error::Count { what, found, expected });
            }
        }
        let size = config.domain.size;
        let is_in = |x: &Vector| (0..2).all(|a| (0.0..=size[a]).contains(&x[a]));
        if let Some(particle) = self.x.iter().position(|x| !is_in(x)) {
            return Err(Error::Outside { particle, found: self.x[particle], size });
        }
        for (what, all) in [("heading", &self.headings), ("velocity", &self.velocities)] {
            let is_finite = |v: &Vector| v.iter().all(|v| v.is_finite());
            if let Some(particle) = all.iter().position(|v| !is_finite(v)) {
                return Err(Error::NotFinite { what, particle, found: all[particle] });
            }
        }
        Ok(())
    }
}

/// Moves all particles by one step, with the sums of the state as it is and an angle for each.
///
/// # Panics
///
/// If there are not as many sums or angles as particles.
pub fn advance(config: &Config, state: &mut State, sums: &Sums, angles: &[f64]) {
    let n = state.x.len();
    assert_eq!([sums.headings.len(), sums.forces.len(), angles.len()], [n; 3], "one for each");
    for i in 0..n {
        let p = state.headings[i];
        let aligned = direction(sums.headings[i]).unwrap_or(p);
        let (heading, velocity) = match (config.mode, config.forces()) {
            (Mode::Variable, forces) => {
                let kick = config.dt * forces.map_or(0.0, |morse| morse.mobility);
                let [f, v] = [sums.forces[i], state.velocities[i]];
                let speed = length([v[0] + kick * f[0], v[1] + kick * f[1]]).max(NONE);
                let to = turned(aligned, angles[i]);
                (to, to.map(|to| speed * to))
            }
            (_, Some(morse)) => {
                let to = turned(steered(aligned, sums.forces[i], morse.mobility), angles[i]);
                (to, to.map(|to| config.speed * to))
            }
            (_, None) => {
                let to = turned(aligned, angles[i]);
                (to, to.map(|to| config.speed * to))
            }
        };
        let x = state.x[i];
        let (x, walls) =
            config.domain.place(std::array::from_fn(|a| x[a] + config.dt * velocity[a]));
        state.x[i] = x;
        let back = |v: Vector| std::array::from_fn(|a| if walls[a] { -v[a] } else { v[a] });
        state.velocities[i] = back(velocity);
        state.headings[i] = match config.mode {
            Mode::Variable => {
                let v = state.velocities[i];
                let speed = length(v).max(NONE);
                v.map(|v| v / speed)
            }
            _ => back(heading),
        };
    }
}

/// The direction between that of the neighbours and, with this weight, that of the force.
fn steered(aligned: Vector, force: Vector, weight: f64) -> Vector {
    let pull = direction(force).unwrap_or([0.0; 2]);
    let both = std::array::from_fn(|a| aligned[a] + weight * pull[a]);
    direction(both).unwrap_or([0.0; 2])
}

/// The unit vector along `v`, unless that is too short.
fn direction(v: Vector) -> Option<Vector> {
    let length = length(v);
    (length > NONE).then(|| v.map(|v| v / length))
}

#[expect(clippy::imprecise_flops, reason = "squares of speeds neither overflow nor vanish")]
fn length([x, y]: Vector) -> f64 {
    (x * x + y * y).sqrt()
}

/// `v` turned by an angle, anticlockwise.
fn turned([x, y]: Vector, angle: f64) -> Vector {
    let (sin, cos) = angle.sin_cos();
    [cos * x - sin * y, sin * x + cos * y]
}
