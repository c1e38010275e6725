//! Steps of a swarm by cells and vector units.

use super::motion::{State, advance};
use super::pairs::{Pass, Room};
use super::sorted::Sorted;
use super::{Config, Domain, Error, Morse, Sums, Vector};
use crate::machine::isa::Isa;

/// A configuration with all the room that its steps take; a step asks the heap for no memory.
///
/// Its sums are within [`bound`](super::sums::bound) of the definition, and have the same bits on every
/// processor.
#[derive(Debug, Clone)]
pub struct Stepper {
    config: Config,
    neighbours: Neighbours,
}

impl Stepper {
    /// Makes room for steps of the configuration.
    ///
    /// # Errors
    ///
    /// If a parameter is out of its range.
    pub fn new(config: &Config) -> Result<Self, Error> {
        config.check()?;
        let (radius, n) = (Some(config.radius), config.particles);
        let neighbours = Neighbours::sized(&config.domain, radius, config.forces(), n);
        Ok(Self { config: *config, neighbours })
    }

    /// The same by an instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks it.
    #[must_use]
    pub fn on(mut self, isa: Isa) -> Self {
        self.neighbours = self.neighbours.on(isa);
        self
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Moves all particles by one step, each heading turned by its angle.
    ///
    /// # Panics
    ///
    /// If there are not N angles or particles, or a particle is outside the box.
    pub fn step(&mut self, state: &mut State, angles: &[f64]) {
        let sums = self.neighbours.sums(&state.x, &state.headings);
        advance(&self.config, state, sums, angles);
    }

    /// The sums over the neighbours of particles in the box.
    ///
    /// # Panics
    ///
    /// If there are not N positions and headings, or a particle is outside the box.
    pub fn sums(&mut self, x: &[Vector], headings: &[Vector]) -> &Sums {
        self.neighbours.sums(x, headings)
    }
}

/// The forces on particles, without a swarm.
#[derive(Debug, Clone)]
pub struct Forces {
    neighbours: Neighbours,
    headings: Vec<Vector>,
}

impl Forces {
    /// Makes room for the forces on `n` particles.
    ///
    /// # Errors
    ///
    /// If a parameter is out of its range.
    pub fn new(domain: &Domain, morse: &Morse, n: usize) -> Result<Self, Error> {
        domain.check()?;
        morse.check()?;
        let neighbours = Neighbours::sized(domain, None, Some(morse), n);
        Ok(Self { neighbours, headings: vec![[0.0; 2]; n] })
    }

    /// The same by an instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks it.
    #[must_use]
    pub fn on(mut self, isa: Isa) -> Self {
        self.neighbours = self.neighbours.on(isa);
        self
    }

    /// The force on each particle.
    ///
    /// # Panics
    ///
    /// If there are not `n` particles, or one is outside the box.
    pub fn compute(&mut self, x: &[Vector]) -> &[Vector] {
        &self.neighbours.sums(x, &self.headings).forces
    }

    /// Overwrites the forces of the last call with NaN.
    pub fn spoil(&mut self) {
        self.neighbours.sums.forces.fill([f64::NAN; 2]);
    }

    /// The forces of the last call.
    pub fn forces(&self) -> &[Vector] {
        &self.neighbours.sums.forces
    }
}

/// Sums over neighbours, with the room that they take.
#[derive(Debug, Clone)]
struct Neighbours {
    size: Vector,
    isa: Isa,
    pass: Pass,
    sorted: Sorted,
    room: Room,
    sums: Sums,
}

impl Neighbours {
    fn sized(domain: &Domain, radius: Option<f64>, morse: Option<&Morse>, n: usize) -> Self {
        let reach = radius.unwrap_or(0.0).max(morse.map_or(0.0, |morse| morse.cutoff));
        Self {
            size: domain.size,
            isa: Isa::best(),
            pass: Pass::new(domain, radius, morse),
            sorted: Sorted::new(domain, reach, n),
            room: Room::new(n),
            sums: Sums::zeros(n),
        }
    }

    fn on(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        Self { isa, ..self }
    }

    fn sums(&mut self, x: &[Vector], headings: &[Vector]) -> &Sums {
        let n = self.sums.forces.len();
        assert_eq!([x.len(), headings.len()], [n; 2], "not as many particles as there is room for");
        let is_in = |x: &Vector| (0..2).all(|a| (0.0..=self.size[a]).contains(&x[a]));
        assert!(x.iter().all(is_in), "a particle is outside the box");
        self.sorted.sort(x, headings);
        self.pass.run(self.isa, &self.sorted, &mut self.room);
        for (at, &i) in self.sorted.order.iter().enumerate() {
            for a in 0..2 {
                self.sums.headings[i as usize][a] = self.room.headings[a][at];
                self.sums.forces[i as usize][a] = self.room.forces[a][at];
            }
        }
        &self.sums
    }
}
