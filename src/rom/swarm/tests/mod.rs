//! Steps by cells and vector units against the definition, and what a run must be.

use proptest::prelude::*;

use super::random::Generator;
use super::ranges::NOT_NEGATIVE;
use super::stepper::Forces;
use super::*;
use crate::machine::isa::Isa;

mod refused;
mod runs;

pub(super) const MORSE: Morse = Morse {
    repulsion: 2.0,
    attraction: 1.0,
    repulsion_length: 0.5,
    attraction_length: 1.5,
    cutoff: 7.5,
    mobility: 0.5,
};

/// Particles drawn in a box, two of them in one place and one at each end.
fn particles(domain: &Domain, n: usize, seed: u64) -> (Vec<Vector>, Vec<Vector>) {
    let mut random = Generator::new(seed);
    let mut x = Start::Uniform.draw(domain, n, &mut random);
    let headings = (0..n).map(|_| random.uniform(0.0, 6.3)).map(|a: f64| [a.cos(), a.sin()]);
    for (i, place) in [(1, x[0]), (2, [0.0, 0.0]), (3, domain.size)] {
        if i < n {
            x[i] = place;
        }
    }
    (x, headings.collect())
}

fn assert_within(what: &str, found: &[Vector], want: &[Vector], bound: &[Vector]) {
    let all = found.iter().zip(want).zip(bound).enumerate();
    for (i, ((found, want), bound)) in all {
        for a in 0..2 {
            let off = (found[a] - want[a]).abs();
            assert!(off <= bound[a], "{what} of {i} are off by {off:e}, more than {:e}", bound[a]);
        }
    }
}

/// Requires the sums of every instruction set to have the same bits, within the bound of the
/// definition, and to be over the same neighbours.
fn assert_sums(config: &Config, seed: u64) {
    let (x, headings) = particles(&config.domain, config.particles, seed);
    let (want, bound) = (sums::reference(config, &x, &headings), sums::bound(config, &x));
    let ones = vec![[1.0, 0.0]; x.len()];
    let counts = sums::reference(config, &x, &ones).headings;
    let plain = Stepper::new(config).unwrap().on(Isa::Scalar).sums(&x, &headings).clone();
    for isa in Isa::available() {
        let mut stepper = Stepper::new(config).unwrap().on(isa);
        assert_eq!(stepper.sums(&x, &ones).headings, counts, "neighbours, {config:?}");
        let found = stepper.sums(&x, &headings);
        assert_eq!(found, &plain, "bits of {}", isa.name());
        assert_within("headings", &found.headings, &want.headings, &bound.headings);
        assert_within("forces", &found.forces, &want.forces, &bound.forces);
        if let Some(morse) = config.forces() {
            let mut forces = Forces::new(&config.domain, morse, x.len()).unwrap().on(isa);
            assert_within("alone", forces.compute(&x), &want.forces, &bound.forces);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Boxes from a tenth of the reach to many times it.
    #[test]
    fn sums_are_over_the_neighbours_that_the_definition_has(
        size in [0.7_f64..40.0, 0.7_f64..40.0],
        walls: bool,
        n in 1_usize..90,
        radius in 0.1_f64..9.0,
        cutoff in 0.1_f64..9.0,
        mode in 0_usize..3,
        seed: u64,
    ) {
        let boundary = if walls { Boundary::Reflecting } else { Boundary::Periodic };
        let mode = [Mode::Constant, Mode::ConstantWithForces, Mode::Variable][mode];
        let config = Config {
            particles: n,
            domain: Domain { size, boundary },
            speed: 0.0,
            radius,
            mode,
            morse: Some(Morse { cutoff, ..MORSE }),
            ..Config::default()
        };
        assert_sums(&config, seed);
    }
}

/// Places on a lattice, so that distances are the radius, half the box, or a multiple of a cell.
#[test]
fn neighbours_at_the_edge_of_the_radius_and_of_cells_are_found() {
    for (side, radius) in [(8, 2.0), (8, 4.0), (6, 3.0), (9, 1.0), (12, 1.5), (3, 5.0)] {
        for boundary in [Boundary::Periodic, Boundary::Reflecting] {
            let domain = Domain::square(f64::from(side), boundary);
            let x: Vec<Vector> =
                (0..side * side).map(|i| [f64::from(i % side), f64::from(i / side)]).collect();
            let config = Config {
                particles: x.len(),
                domain,
                radius,
                speed: 0.0,
                morse: None,
                ..Config::default()
            };
            let ones = vec![[1.0, 0.0]; x.len()];
            let want = sums::reference(&config, &x, &ones).headings;
            let mut stepper = Stepper::new(&config).unwrap();
            let found = &stepper.sums(&x, &ones).headings;
            assert_eq!(found, &want, "side {side}, radius {radius}, {boundary:?}");
        }
    }
}

/// A large swarm, whose cells are many and whose ranges are long.
#[test]
fn many_particles_have_the_neighbours_of_the_definition() {
    let domain = Domain { size: [60.0, 45.0], boundary: Boundary::Periodic };
    let config = Config { particles: 700, domain, radius: 4.0, morse: Some(MORSE), ..base() };
    assert_sums(&config, 3);
    let clustered = Config {
        particles: 333,
        domain: Domain::square(25.0, Boundary::Reflecting),
        start: Start::GaussianCluster { center: Some([1.0, 24.0]), sigma: Some(2.0) },
        ..config
    };
    assert_sums(&clustered, 4);
}

fn base() -> Config {
    Config { speed: 0.0, ..Config::default() }
}

/// Of one particle alone, so that nothing but its own motion counts.
fn moved(config: Config, x: Vector, p: Vector, force: Vector, angle: f64) -> State {
    let mut state =
        State { x: vec![x], headings: vec![p], velocities: vec![p.map(|p| config.speed * p)] };
    let sums = Sums { headings: vec![p], forces: vec![force] };
    motion::advance(&config, &mut state, &sums, &[angle]);
    state
}

#[track_caller]
fn assert_near(what: &str, found: Vector, want: Vector) {
    let off = (found[0] - want[0]).hypot(found[1] - want[1]);
    assert!(off < 1e-14, "{what}: {found:?}, expected {want:?}");
}

#[test]
fn each_mode_moves_as_its_formula_says() {
    let config = Config { dt: 0.5, speed: 2.0, radius: 4.0, ..Config::default() };
    let quarter = std::f64::consts::FRAC_PI_2;
    let (x, p, force) = ([10.0, 10.0], [1.0, 0.0], [0.0, 3.0]);
    let constant = moved(Config { mode: Mode::Constant, ..config }, x, p, force, quarter);
    assert_near("heading", constant.headings[0], [0.0, 1.0]);
    assert_near("place", constant.x[0], [10.0, 11.0]);

    let steered = Config { mode: Mode::ConstantWithForces, ..config };
    let [c, s] = [1.0 / 1.25_f64.sqrt(), 0.5 / 1.25_f64.sqrt()];
    let with_forces = moved(steered, x, p, force, 0.0);
    assert_near("heading", with_forces.headings[0], [c, s]);
    assert_near("velocity", with_forces.velocities[0], [2.0 * c, 2.0 * s]);
    assert_near("place", with_forces.x[0], [10.0 + c, 10.0 + s]);

    // A kick of dt mu F = [0, 0.75] on [2, 0].
    let variable = moved(config, x, p, force, quarter);
    let speed = 2.0_f64.hypot(0.75);
    assert_near("velocity", variable.velocities[0], [0.0, speed]);
    assert_near("heading", variable.headings[0], [0.0, 1.0]);
    assert_near("place", variable.x[0], [10.0, 10.0 + 0.5 * speed]);
}

#[test]
fn sums_without_a_direction_leave_headings_as_they_are_or_end_them() {
    let config = Config { mode: Mode::ConstantWithForces, ..Config::default() };
    let opposed = Morse { mobility: 1.0, ..MORSE };
    let gone =
        moved(Config { morse: Some(opposed), ..config }, [1.0; 2], [1.0, 0.0], [-3.0, 0.0], 0.3);
    assert_eq!((gone.headings[0], gone.x[0]), ([0.0; 2], [1.0; 2]), "against a force as strong");
    let mut state = State::new(&config, vec![[1.0; 2]; 200], &[0.0; 200]).unwrap();
    let sums = Sums { headings: vec![[1e-13, 0.0]; 200], forces: vec![[0.0, 1e-13]; 200] };
    motion::advance(&config, &mut state, &sums, &[0.0; 200]);
    assert_near("its own", state.headings[0], [1.0, 0.0]);
}

#[test]
fn walls_turn_around_what_crosses_them() {
    for mode in [Mode::Constant, Mode::ConstantWithForces, Mode::Variable] {
        let domain = Domain::square(20.0, Boundary::Reflecting);
        let config = Config { mode, domain, morse: None, ..Config::default() };
        let back = moved(config, [19.99, 5.0], [1.0, 0.0], [0.0; 2], 0.0);
        assert_near("place", back.x[0], [19.96, 5.0]);
        assert_near("heading", back.headings[0], [-1.0, 0.0]);
        assert_near("velocity", back.velocities[0], [-0.5, 0.0]);
        let periodic = Domain { boundary: Boundary::Periodic, ..domain };
        let on =
            moved(Config { domain: periodic, ..config }, [19.99, 5.0], [1.0, 0.0], [0.0; 2], 0.0);
        assert_near("place", on.x[0], [0.04, 5.0]);
        assert_near("heading", on.headings[0], [1.0, 0.0]);
    }
}
