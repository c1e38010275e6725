//! The cases of swarms: steps and forces in a box of side 25 with a cutoff of 7.5, a common setting of
//! wsindy-manifold, in which a particle has a quarter of all others as neighbours.

use std::f64::consts::{PI, TAU};

use super::single;
use crate::case::{Case, Step, Work};
use crate::close::{bits, digest, within};
use crate::machine::isa::Isa;
use crate::rom::swarm::random::Generator;
use crate::rom::swarm::stepper::Forces;
use crate::rom::swarm::{
    Boundary, Config, Domain, Mode, Morse, State, Stepper, Vector, motion, sums,
};

/// Steps of one run.
const STEPS: usize = 10;

const SIDE: f64 = 25.0;

const MORSE: Morse = Morse {
    repulsion: 0.3,
    attraction: 0.8,
    repulsion_length: 0.5,
    attraction_length: 1.5,
    cutoff: 7.5,
    mobility: 0.3,
};

fn config(n: usize) -> Config {
    Config {
        particles: n,
        domain: Domain::square(SIDE, Boundary::Periodic),
        duration: 20.0,
        dt: 0.04,
        save_every: 1,
        speed: 3.0,
        mode: Mode::ConstantWithForces,
        radius: 4.0,
        morse: Some(MORSE),
        ..Config::default()
    }
}

/// A swarm after some steps, which is no longer uniform, and the angles of the steps that follow.
fn start(config: &Config) -> (State, Vec<f64>) {
    let (n, mut random) = (config.particles, Generator::new(1));
    let x = config.start.draw(&config.domain, n, &mut random);
    let angles: Vec<f64> = (0..n).map(|_| random.uniform(0.0, TAU)).collect();
    let mut state = State::new(config, x, &angles).expect("particles in the box");
    let mut angles = || -> Vec<f64> { (0..n).map(|_| config.noise.draw(&mut random)).collect() };
    let mut stepper = Stepper::new(config).expect("parameters in their ranges");
    for _ in 0..50 {
        stepper.step(&mut state, &angles());
    }
    (state, (0..STEPS).flat_map(|_| angles()).collect())
}

/// A pair that is tried takes 9 operations and one in reach 80, two exponentials among them; a half of
/// all pairs are tried. A particle has 26 numbers at hand, of which 6 are read and 6 written by a step.
fn work(n: usize, steps: usize, unit: &'static str) -> Work {
    let pairs = (n * n) as f64 / 2.0;
    let near = PI * MORSE.cutoff * MORSE.cutoff / (SIDE * SIDE);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
    let flops = (steps as f64 * pairs * (0.5 * 9.0 + near * 80.0)) as u64;
    let [bytes, resident_bytes] = [8 * 12 * n * steps, 8 * (26 + steps) * n].map(|b| b as u64);
    Work { units: steps as u64, unit, flops, bytes, resident_bytes }
}

/// Steps of `n` particles.
pub(super) fn steps(n: usize, isa: Option<Isa>) -> Case {
    let id = format!("rom/swarm-step{}/n{n}", single(isa));
    let isa = isa.unwrap_or_else(Isa::best);
    Case::new(id, isa.vectorised_name(), work(n, STEPS, "step"), move || Steps::new(n, isa))
}

struct Steps {
    stepper: Stepper,
    first: State,
    angles: Vec<f64>,
    state: State,
}

impl Steps {
    fn new(n: usize, isa: Isa) -> Self {
        let config = config(n);
        let (first, angles) = start(&config);
        let stepper = Stepper::new(&config).expect("parameters in their ranges").on(isa);
        Self { stepper, state: first.clone(), first, angles }
    }
}

fn numbers(state: &State) -> Vec<f64> {
    let all = [&state.x, &state.headings, &state.velocities];
    all.into_iter().flatten().flatten().copied().collect()
}

impl Step for Steps {
    fn run(&mut self) {
        self.state.x.copy_from_slice(&self.first.x);
        self.state.headings.copy_from_slice(&self.first.headings);
        self.state.velocities.copy_from_slice(&self.first.velocities);
        for angles in self.angles.chunks_exact(self.first.x.len()) {
            self.stepper.step(&mut self.state, angles);
        }
    }

    fn spoil(&mut self) {
        self.state.x.fill([f64::NAN; 2]);
        self.state.headings.fill([f64::NAN; 2]);
        self.state.velocities.fill([f64::NAN; 2]);
    }

    fn digest(&self) -> u64 {
        let all = [&self.state.x, &self.state.headings, &self.state.velocities];
        digest(all.into_iter().flatten().flatten().copied())
    }

    /// The sums of the first and of the last step are compared with the definition, and the states
    /// with those that plain code leaves, whose bits are the same.
    fn check(&self) -> Result<(), String> {
        let (config, mut state) = (*self.stepper.config(), self.first.clone());
        let mut plain = self.stepper.clone().on(Isa::Scalar);
        let steps = self.angles.chunks_exact(state.x.len());
        for (step, angles) in steps.enumerate() {
            let found = plain.sums(&state.x, &state.headings);
            if step == 0 || step + 1 == STEPS {
                let want = sums::reference(&config, &state.x, &state.headings);
                let bound = sums::bound(&config, &state.x);
                let flat = |of: &[Vector]| of.as_flattened().to_vec();
                for (what, found, want, bound) in [
                    ("headings", &found.headings, &want.headings, &bound.headings),
                    ("forces", &found.forces, &want.forces, &bound.forces),
                ] {
                    within(what, &flat(found), &flat(want), &flat(bound))?;
                }
            }
            let found = found.clone();
            motion::advance(&config, &mut state, &found, angles);
        }
        bits("state", &numbers(&self.state), &numbers(&state))
    }
}

/// The forces on `n` particles.
pub(super) fn forces(n: usize, isa: Option<Isa>) -> Case {
    let id = format!("rom/morse-forces{}/n{n}", single(isa));
    let isa = isa.unwrap_or_else(Isa::best);
    let work = Work { units: n as u64, ..work(n, 1, "particle") };
    Case::new(id, isa.vectorised_name(), work, move || {
        let config = config(n);
        let forces = Forces::new(&config.domain, &MORSE, n).expect("parameters in their ranges");
        Evaluation { x: start(&config).0.x, config, forces: forces.on(isa) }
    })
}

struct Evaluation {
    config: Config,
    x: Vec<Vector>,
    forces: Forces,
}

impl Step for Evaluation {
    fn run(&mut self) {
        self.forces.compute(&self.x);
    }

    fn spoil(&mut self) {
        self.forces.spoil();
    }

    fn digest(&self) -> u64 {
        digest(self.forces.forces().iter().flatten().copied())
    }

    fn check(&self) -> Result<(), String> {
        let want = sums::forces(&self.config.domain, &MORSE, &self.x);
        let bound = sums::bound(&self.config, &self.x).forces;
        let [got, want, bound] =
            [self.forces.forces(), &want, &bound].map(<[Vector]>::as_flattened);
        within("forces", got, want, bound)
    }
}
