//! Parameters out of their ranges, one at a time.

use super::*;

/// The message for the base configuration with one change.
fn refused(change: impl FnOnce(&mut Config)) -> String {
    let mut config = Config::default();
    change(&mut config);
    let why = config.check().expect_err("out of range").to_string();
    assert_eq!(Stepper::new(&config).expect_err("as well").to_string(), why);
    assert_eq!(run(&config, 0).expect_err("as well").to_string(), why);
    why
}

fn morse(change: impl FnOnce(&mut Morse)) -> String {
    refused(|config| change(config.morse.as_mut().expect("the base has forces")))
}

#[test]
fn a_number_out_of_its_range_is_named() {
    assert!(Config::default().check().is_ok(), "the base itself");
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
        let positive: [(&str, String); 9] = [
            ("Lx", refused(|c| c.domain.size[0] = bad)),
            ("Ly", refused(|c| c.domain.size[1] = bad)),
            ("T", refused(|c| c.duration = bad)),
            ("dt", refused(|c| c.dt = bad)),
            ("R", refused(|c| c.radius = bad)),
            ("lr", morse(|m| m.repulsion_length = bad)),
            ("la", morse(|m| m.attraction_length = bad)),
            ("rcut", morse(|m| m.cutoff = bad)),
            ("N", refused(|c| c.particles = 0)),
        ];
        for (name, why) in positive {
            assert!(why.starts_with(&format!("{name}: found ")), "{bad}: {why}");
        }
        if bad == 0.0 {
            continue;
        }
        let start = |start: Start| refused(|c| c.start = start);
        let not_negative: [(&str, String); 5] = [
            ("speed", refused(|c| c.speed = bad)),
            ("eta", refused(|c| c.noise.eta = bad)),
            ("sigma", start(Start::GaussianCluster { center: None, sigma: Some(bad) })),
            ("sigma", start(Start::TwoClusters { separation: None, sigma: Some(bad) })),
            ("width", start(Start::Ring { radius: None, width: Some(bad) })),
        ];
        for (name, why) in not_negative {
            let want = format!("{name}: found {bad}, expected {NOT_NEGATIVE}");
            assert!(why == want, "{bad}: {why}");
        }
        if bad == -1.0 {
            continue;
        }
        let any: [(&str, String); 6] = [
            ("Cr", morse(|m| m.repulsion = bad)),
            ("Ca", morse(|m| m.attraction = bad)),
            ("mu_t", morse(|m| m.mobility = bad)),
            ("center", start(Start::GaussianCluster { center: Some([1.0, bad]), sigma: None })),
            ("separation", start(Start::TwoClusters { separation: Some(bad), sigma: None })),
            ("radius", start(Start::Ring { radius: Some(bad), width: None })),
        ];
        for (name, why) in any {
            assert!(why.starts_with(&format!("{name}: found {bad}, expected ")), "{why}");
        }
    }
    assert!(refused(|c| c.save_every = 0).starts_with("save_every: found 0"), "no frames");
    assert!(refused(|c| c.particles = 1 << 25).starts_with("N: found 33554432"), "too many");
}

#[test]
fn steps_that_no_box_radius_or_duration_can_take_are_named() {
    for (what, why) in [
        ("dt: a step of speed * dt = 1.5 is longer than R / 2 = 1", refused(|c| c.speed = 15.0)),
        ("T: found 0.04, which is no step of dt = 0.1", refused(|c| c.duration = 0.04)),
        ("steps: found 300000000000, expected at most", refused(|c| c.dt = 1e-9)),
        ("numbers to keep: found ", refused(|c| (c.dt, c.save_every) = (1e-4, 1))),
        (
            "Lx: found 0.01, less than a step of speed * dt = 0.05",
            refused(|c| c.domain.size[0] = 0.01),
        ),
    ] {
        assert!(why.contains(what), "{why}");
    }
}

#[test]
fn a_state_of_another_swarm_is_refused() {
    let config = Config { particles: 2, ..Config::default() };
    let state = |x: &[Vector], angles: &[f64]| {
        State::new(&config, x.to_vec(), angles).expect_err("unfit").to_string()
    };
    let inside = [[1.0, 2.0], [3.0, 4.0]];
    let why = state(&inside[..1], &[0.0; 2]);
    assert_eq!(why, "positions: found 1 particles, expected N = 2", "positions");
    let why = state(&inside, &[0.0; 3]);
    assert_eq!(why, "headings: found 3 particles, expected N = 2", "headings");
    for outside in [[1.0, -0.1], [20.1, 1.0], [f64::NAN, 1.0]] {
        let why = state(&[inside[0], outside], &[0.0; 2]);
        assert!(why.contains("particle 1: found the position"), "{why}");
        assert!(why.contains("expected one in [0, 20] x [0, 20]"), "{why}");
    }
    let why = state(&inside, &[0.0, f64::INFINITY]);
    assert!(why.starts_with("heading of particle 1: found [NaN, NaN]"), "{why}");
}

#[test]
fn an_angle_that_is_not_finite_is_named() {
    let config = Config { particles: 2, ..Config::default() };
    let state = State::new(&config, vec![[1.0, 2.0], [3.0, 4.0]], &[0.0; 2]).unwrap();
    let mut step = 0;
    let why = super::super::runs::replay(&config, state, |angles| {
        step += 1;
        angles[1] = if step == 3 { f64::NAN } else { 0.1 };
    });
    let why = why.expect_err("no direction").to_string();
    assert_eq!(why, "step 3: the angle of particle 1 is NaN, expected a finite number");
}

#[test]
fn forces_that_throw_particles_out_end_the_run() {
    let mut config = Config { particles: 50, duration: 5.0, ..Config::default() };
    config.morse = Some(Morse { repulsion: 1e99, mobility: 1e10, ..MORSE });
    let why = run(&config, 1).expect_err("infinite").to_string();
    assert!(why.starts_with("step 1: particle ") && why.contains("choose a smaller dt"), "{why}");
}
