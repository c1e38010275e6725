//! The parameters of a run, and their ranges.
//!
//! wsindy-manifold has two more, `integrator` and `neighbor_rebuild`. Both integrators are the same
//! arithmetic, and the neighbours here are those of every step.

use super::ranges::{ANY, NOT_NEGATIVE, POSITIVE, all};
use super::{Domain, Error, Start, Vector};

/// The most steps of a run.
const MOST_STEPS: f64 = 1e9;

/// The most numbers that the frames of a run hold: 2 GiB of them.
const MOST_NUMBERS: f64 = 536_870_912.0;

/// The parameters of a run; the names of wsindy-manifold stand first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// `N`: number of particles.
    pub particles: usize,
    /// `Lx`, `Ly`, `bc`: the box.
    pub domain: Domain,
    /// `T`: duration of the run; it has T/dt steps, rounded.
    pub duration: f64,
    /// `dt`: time of a step.
    pub dt: f64,
    /// `save_every`: steps from one saved frame to the next.
    pub save_every: usize,
    /// `speed`, v0: of all particles, or that of the start in the mode [`Mode::Variable`].
    pub speed: f64,
    /// `speed_mode`: what forces act on.
    pub mode: Mode,
    /// `R`: radius of alignment.
    pub radius: f64,
    /// `noise`: the angles by which headings turn.
    pub noise: Noise,
    /// `forces`, if they are enabled.
    pub morse: Option<Morse>,
    /// `initial_distribution`: where the particles start.
    pub start: Start,
}

/// What forces act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `constant`: on nothing.
    Constant,
    /// `constant_with_forces`: on headings.
    ConstantWithForces,
    /// `variable`: on velocities.
    Variable,
}

/// The angles by which headings turn in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// `kind`, `match_variance`: their distribution.
    pub spread: Spread,
    /// `eta`: their amplitude in radians.
    pub eta: f64,
}

/// A distribution of angles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Uniform in +-eta/2.
    Uniform,
    /// Normal with the variance of the uniform one: of standard deviation eta/sqrt(12).
    Matched,
    /// Normal of standard deviation eta.
    Normal,
}

/// Attraction and repulsion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Morse {
    /// `Cr`: strength of the repulsion.
    pub repulsion: f64,
    /// `Ca`: strength of the attraction.
    pub attraction: f64,
    /// `lr`: length of the repulsion.
    pub repulsion_length: f64,
    /// `la`: length of the attraction.
    pub attraction_length: f64,
    /// `rcut`: the largest distance at which there is a force, `rcut_factor` max(lr, la).
    pub cutoff: f64,
    /// `mu_t`: mobility, what a force is multiplied by.
    pub mobility: f64,
}

impl Default for Config {
    /// The example of wsindy-manifold that it calls its base: 200 particles for 300 units of time.
    fn default() -> Self {
        Self {
            particles: 200,
            domain: Domain::square(20.0, super::Boundary::Periodic),
            duration: 300.0,
            dt: 0.1,
            save_every: 10,
            speed: 0.5,
            mode: Mode::Variable,
            radius: 2.0,
            noise: Noise { spread: Spread::Matched, eta: 0.3 },
            morse: Some(Morse {
                repulsion: 0.5,
                attraction: 1.0,
                repulsion_length: 0.5,
                attraction_length: 1.0,
                cutoff: 3.0,
                mobility: 0.5,
            }),
            start: Start::Uniform,
        }
    }
}

impl Config {
    /// Requires every parameter to be in its range, and a run that can be computed and kept.
    ///
    /// # Errors
    ///
    /// Names the first parameter that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.domain.check()?;
        let whole = |name, found: usize, most: usize, expected| {
            if (1..=most).contains(&found) {
                Ok(())
            } else {
                Err(Error::Parameter { name, found: found as f64, expected })
            }
        };
        whole("N", self.particles, 1 << 24, "1 to 16777216 particles")?;
        whole("save_every", self.save_every, usize::MAX, "at least one step")?;
        let wanted = [
            ("T", self.duration, POSITIVE),
            ("dt", self.dt, POSITIVE),
            ("speed", self.speed, NOT_NEGATIVE),
            ("R", self.radius, POSITIVE),
            ("eta", self.noise.eta, NOT_NEGATIVE),
        ];
        all(&wanted)?;
        if let Some(morse) = &self.morse {
            morse.check()?;
        }
        self.start.check()?;
        let moved = self.speed * self.dt;
        if moved > 0.5 * self.radius {
            return Err(Error::TooFast { moved, half: 0.5 * self.radius });
        }
        for (side, found) in ["Lx", "Ly"].into_iter().zip(self.domain.size) {
            if moved > found {
                return Err(Error::SmallBox { side, found, moved });
            }
        }
        let steps = (self.duration / self.dt).round_ties_even();
        if steps < 1.0 {
            return Err(Error::NoStep { duration: self.duration, dt: self.dt });
        }
        let frames = (steps / self.save_every as f64).floor() + 1.0;
        let numbers = 6.0 * frames * self.particles as f64;
        for (what, found, most) in
            [("steps", steps, MOST_STEPS), ("numbers to keep", numbers, MOST_NUMBERS)]
        {
            if found > most {
                return Err(Error::TooLong { what, found, most });
            }
        }
        Ok(())
    }

    /// How many steps a run has.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 1 to 1e9 once it is checked"
    )]
    pub fn steps(&self) -> usize {
        (self.duration / self.dt).round_ties_even() as usize
    }

    /// How many frames a run leaves, that of the start included.
    pub fn frames(&self) -> usize {
        self.steps() / self.save_every + 1
    }

    /// The forces that a step needs: none in the mode [`Mode::Constant`].
    pub fn forces(&self) -> Option<&Morse> {
        self.morse.as_ref().filter(|_| self.mode != Mode::Constant)
    }
}

impl Morse {
    /// The strengths per length, Cr/lr and Ca/la.
    pub fn slopes(&self) -> Vector {
        [self.repulsion / self.repulsion_length, self.attraction / self.attraction_length]
    }

    /// Requires every parameter to be in its range.
    ///
    /// # Errors
    ///
    /// Names the first parameter that is not.
    pub fn check(&self) -> Result<(), Error> {
        all(&[
            ("Cr", self.repulsion, ANY),
            ("Ca", self.attraction, ANY),
            ("lr", self.repulsion_length, POSITIVE),
            ("la", self.attraction_length, POSITIVE),
            ("rcut", self.cutoff, POSITIVE),
            ("mu_t", self.mobility, ANY),
        ])
    }
}
