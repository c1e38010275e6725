//! Whole runs: starts, frames, noise, seeds and workers.

use super::super::config::Spread;
use super::*;

fn short() -> Config {
    Config { particles: 40, duration: 3.05, save_every: 7, ..Config::default() }
}

#[test]
fn a_run_saves_every_so_many_steps_and_the_start() {
    let config = short();
    let found = run(&config, 5).unwrap();
    // 3.05 / 0.1 is rounded to the even 30.
    assert_eq!(found.traj.dim(), (5, 40, 2), "30 steps");
    for (time, want) in found.times.iter().zip([0.0, 0.7, 1.4, 2.1, 2.8]) {
        assert!((f64::from(*time) - want).abs() < 1e-6, "{time}, expected {want}");
    }
    let mut random = Generator::new(5);
    let x = Start::Uniform.draw(&config.domain, 40, &mut random);
    let off = (f64::from(found.traj[[0, 3, 1]]) - x[3][1]).abs();
    assert!(off < 1e-6, "starts where the seed says, not {off} away");
    for (v, p) in found.vel.outer_iter().next().unwrap().iter().zip(found.head.iter()) {
        assert!((v - 0.5 * p).abs() < 1e-7, "starts at the speed");
    }
    assert!(found.head.rows().into_iter().all(|p| (p[0].hypot(p[1]) - 1.0).abs() < 1e-6), "unit");
    assert!(found.traj.iter().all(|x| (0.0..=20.0).contains(x)), "in the box");
    assert_ne!(found, run(&config, 6).unwrap(), "another seed");
}

#[test]
fn results_depend_on_neither_workers_nor_order() {
    let runs: Vec<_> =
        (0..6).map(|seed| (Config { particles: 20 + 5 * seed, ..short() }, seed as u64)).collect();
    let wanted = |number, trajectory: Trajectory| (number, trajectory);
    let alone: Vec<_> =
        runs.iter().map(|(config, seed)| run(config, *seed).unwrap()).enumerate().collect();
    for workers in [1, 2, 5, 64] {
        assert_eq!(run_all(&runs, workers, wanted).unwrap(), alone, "{workers} workers");
    }
    assert!(run_all(&[], 3, wanted).unwrap().is_empty(), "no runs");
    let why = run_all(&runs, 0, wanted).unwrap_err().to_string();
    assert_eq!(why, "workers: found 0, expected at least one thread");
    let broken = [runs[0], (Config { dt: f64::NAN, ..short() }, 1)];
    let why = run_all(&broken, 2, wanted).unwrap_err().to_string();
    assert!(why.starts_with("dt: found NaN"), "{why}");
}

/// Means and variances of 20,000 angles, to four standard errors.
#[test]
fn angles_have_the_spread_that_is_asked_for() {
    let eta = 0.6;
    for (spread, variance, kurtosis) in [
        (Spread::Uniform, eta * eta / 12.0, 1.8),
        (Spread::Matched, eta * eta / 12.0, 3.0),
        (Spread::Normal, eta * eta, 3.0),
    ] {
        let (noise, mut random) = (Noise { spread, eta }, Generator::new(2));
        let angles: Vec<f64> = (0..20_000).map(|_| noise.draw(&mut random)).collect();
        let moment = |k: i32| angles.iter().map(|a| a.powi(k)).sum::<f64>() / 20_000.0;
        let error = 4.0 / 20_000.0_f64.sqrt();
        assert!(moment(1).abs() < error * variance.sqrt(), "{spread:?}: mean {}", moment(1));
        assert!((moment(2) / variance - 1.0).abs() < error * 1.5, "{spread:?}: {}", moment(2));
        let found = moment(4) / moment(2).powi(2);
        assert!((found - kurtosis).abs() < 0.15, "{spread:?}: kurtosis {found}");
    }
}

#[test]
fn starts_are_where_they_say() {
    let domain = Domain { size: [30.0, 20.0], boundary: Boundary::Periodic };
    let draw = |start: Start| start.draw(&domain, 4001, &mut Generator::new(9));
    let mean = |x: &[Vector]| -> Vector {
        std::array::from_fn(|a| x.iter().map(|x| x[a]).sum::<f64>() / x.len() as f64)
    };
    let near = |found: Vector, want: Vector, by: f64| {
        assert!((0..2).all(|a| (found[a] - want[a]).abs() < by), "{found:?}, expected {want:?}");
    };
    let center = Some([12.0, 9.0]);
    near(mean(&draw(Start::Uniform)), [15.0, 10.0], 0.6);
    near(mean(&draw(Start::GaussianCluster { center, sigma: Some(1.0) })), [12.0, 9.0], 0.1);
    let two = draw(Start::TwoClusters { separation: Some(12.0), sigma: Some(1.0) });
    near(mean(&two[..2000]), [9.0, 10.0], 0.1);
    near(mean(&two[2000..]), [21.0, 10.0], 0.1);
    let default = draw(Start::TwoClusters { separation: None, sigma: None });
    near(mean(&default[..2000]), [10.0, 10.0], 0.3);
    let ring = draw(Start::Ring { radius: None, width: None });
    let radii: Vec<f64> = ring.iter().map(|x| (x[0] - 15.0).hypot(x[1] - 10.0)).collect();
    let mean = radii.iter().sum::<f64>() / 4001.0;
    let deviation = (radii.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 4001.0).sqrt();
    assert!((mean - 5.0).abs() < 0.05 && (deviation - 0.5).abs() < 0.03, "{mean}, {deviation}");
    let far = draw(Start::GaussianCluster { center: Some([-5.0, 95.0]), sigma: None });
    let is_in = |x: &Vector| (0..2).all(|a| (0.0..=domain.size[a]).contains(&x[a]));
    assert!(far.iter().all(is_in), "wrapped");
}

/// Without noise and forces a swarm aligns; with attraction alone it contracts.
#[test]
fn swarms_do_what_the_model_is_for() {
    let mut config = Config { duration: 60.0, mode: Mode::Constant, ..Config::default() };
    config.noise.eta = 0.0;
    let order = |found: &Trajectory, frame: usize| {
        let rows = |of: &ndarray::Array3<f32>| -> Vec<Vector> {
            let frame = of.index_axis(ndarray::Axis(0), frame);
            frame.outer_iter().map(|x| [f64::from(x[0]), f64::from(x[1])]).collect()
        };
        order::Order::of(&rows(&found.traj), &rows(&found.vel))
    };
    let found = run(&config, 3).unwrap();
    let [first, last] = [0, 60].map(|frame| order(&found, frame).polarization);
    assert!(first < 0.2 && last > 0.9, "{first} to {last}");
}

/// Of all that the process holds, with all trajectories kept.
#[cfg(feature = "profiles")]
#[test]
#[ignore = "takes seconds, and says something only when optimised and on a machine with nothing else to do"]
fn fifty_runs_of_the_base_take_less_than_a_minute_and_two_gigabytes() {
    use crate::profile::memory::{forget_peak, resident};
    let runs: Vec<_> = (0..50).map(|seed| (Config::default(), seed)).collect();
    forget_peak();
    let start = std::time::Instant::now();
    let all = run_all(&runs, 2, |_, trajectory| trajectory).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let peak = resident().unwrap().peak_bytes as f64 / 1e6;
    println!("50 runs of 3000 steps on 2 threads: {seconds:.2} s, at most {peak:.0} MB");
    assert!(all.iter().all(|trajectory| trajectory.times.len() == 301), "301 frames each");
    assert!(seconds < 60.0 && peak < 2000.0, "{seconds} s, {peak} MB");
}
