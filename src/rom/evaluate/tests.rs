use super::*;
use crate::rom::pod::{Config, Modes, Pod, Reference, Standard, Transform};
use crate::{input, mvar};
use ndarray::{Array1, array};

/// A density that turns around: two modes about a mean, above zero.
fn truth(frames: usize) -> Array3<f64> {
    Array3::from_shape_fn((frames, 3, 5), |(t, y, x)| {
        let angle = 0.4 * t as f64;
        2.0 + angle.cos() * (y as f64 - 1.0) + 0.3 * angle.sin() * (x as f64 - 2.0)
    })
}

fn basis(truth: &Array3<f64>, config: &Config) -> Basis {
    Pod::of(&[truth.view()], config).unwrap().basis
}

/// y\[t\] = 2 cos(0.4) y\[t - 1\] - y\[t - 2\], which every wave of this frequency obeys; times a factor.
fn model(modes: usize, factor: f64, steps: usize) -> Ready {
    let mut a = Array3::zeros((2, modes, modes));
    for i in 0..modes {
        a[[0, i, i]] = -factor;
        a[[1, i, i]] = 2.0 * 0.4_f64.cos() * factor;
    }
    Ready::mvar(&mvar::Model::new(a, Array1::zeros(modes)).unwrap(), steps)
}

const OPTIONS: Options =
    Options { start: 6, clamp: Clamp::Keep, mass: Mass::Keep, kstep_reset: Some(3) };

#[test]
fn a_model_that_is_right_has_the_best_scores() {
    // Ten periods, but for a part of a frame.
    let truth = truth(157);
    let config = Config { modes: Modes::Fixed(2), ..Config::default() };
    let basis = basis(&truth, &config);
    // The mean over the frames is not quite that of the waves.
    let found = evaluate(truth.view(), &basis, &mut model(2, 1.0, 200), &OPTIONS).unwrap();
    let scores = &found.scores;
    for (name, r2, least) in [
        ("pod", scores.r2_pod, 1.0 - 1e-12),
        ("1step", scores.r2_1step, 0.9999),
        ("kstep density", scores.r2_kstep_density, 0.999),
        ("kstep latent", scores.r2_kstep_latent, 0.999),
        ("reconstructed", scores.r2_reconstructed, 0.99),
        ("latent", scores.r2_latent, 0.99),
    ] {
        assert!(r2.is_some_and(|r2| (least..=1.0).contains(&r2)), "{name}: {r2:?}");
    }
    assert_eq!((scores.forecast, scores.conditioning, scores.negativity_frac), (151, 6, 0.0));
    assert!(scores.max_mass_violation < 1e-3 && scores.rmse_pod < 1e-13, "{scores:?}");
    assert!((scores.mass_target - truth.slice(s![5, .., ..]).sum()).abs() < 1e-12, "frame 5");
    let last = found.over_time.last().unwrap();
    let both =
        [(last.r2_reconstructed, scores.r2_reconstructed), (last.r2_latent, scores.r2_latent)];
    for (a, b) in both {
        assert!((a.unwrap() - b.unwrap()).abs() < 1e-12, "up to the end: {a:?} {b:?}");
    }
    let missed = &found.prediction.slice(s![..6, .., ..]) - &truth.slice(s![..6, .., ..]);
    assert!(missed.iter().all(|x| x.abs() < 1e-13), "lifted before the start");
}

/// Every score of a wrong model against its definition, written out.
#[test]
fn scores_are_those_of_their_definitions() {
    let truth = truth(20);
    let config = Config {
        modes: Modes::Fixed(1),
        transform: Transform::Sqrt { eps: 0.5 },
        ..Config::default()
    };
    let basis = basis(&truth, &config);
    let mut wrong = model(1, 0.9, 20);
    let options = Options { clamp: Clamp::Zero, mass: Mass::Scale, ..OPTIONS };
    let found = evaluate(truth.view(), &basis, &mut wrong, &options).unwrap();
    let flat = truth.to_shape((20, 15)).unwrap().to_owned();
    let states = basis.project(flat.view());
    let rest = |all: &Array2<f64>| all.slice(s![6.., ..]).to_owned();
    let mut forecast = rest(&states) * 0.0;
    let step = |a: f64, b: f64| 0.9 * (2.0 * 0.4_f64.cos() * b - a);
    let (mut a, mut b) = (states[[4, 0]], states[[5, 0]]);
    for i in 0..14 {
        (a, b) = (b, step(a, b));
        forecast[[i, 0]] = b;
    }
    let mut lifted = basis.densities(forecast.view(), 0.0);
    let below = lifted.iter().filter(|x| **x < 0.0).count() as f64 / 210.0 * 100.0;
    let mass = flat.row(5).sum();
    for mut row in lifted.outer_iter_mut() {
        row.mapv_inplace(|x| x.max(0.0));
        let scale = mass / row.sum();
        row *= scale;
    }
    let r2 = |truth: &Array2<f64>, found: &Array2<f64>| {
        let mean = truth.mean().unwrap();
        let squares = |of: Array2<f64>| of.mapv(|x| x * x).sum();
        1.0 - squares(truth - found) / squares(truth - mean)
    };
    let near = |name: &str, a: Option<f64>, b: f64| {
        assert!(a.is_some_and(|a| (a - b).abs() < 1e-12), "{name}: {a:?} {b}");
    };
    let (true_frames, true_states) = (rest(&flat), rest(&states));
    let ceiling = basis.densities(true_states.view(), 0.0);
    let scores = &found.scores;
    near("reconstructed", scores.r2_reconstructed, r2(&true_frames, &lifted));
    near("latent", scores.r2_latent, r2(&true_states, &forecast));
    near("pod", scores.r2_pod, r2(&true_frames, &ceiling));
    let one = Array2::from_shape_fn((14, 1), |(i, _)| step(states[[i + 4, 0]], states[[i + 5, 0]]));
    near("1step", scores.r2_1step, r2(&true_states, &one));
    let three = Array2::from_shape_fn((14, 1), |(i, _)| {
        let from = 6 + i / 3 * 3;
        let (mut a, mut b) = (states[[from - 2, 0]], states[[from - 1, 0]]);
        for _ in 0..=i % 3 {
            (a, b) = (b, step(a, b));
        }
        b
    });
    near("kstep", scores.r2_kstep_latent, r2(&true_states, &three));
    near("below", Some(scores.negativity_frac), below);
    let rms = |a: &Array2<f64>, b: &Array2<f64>| (a - b).mapv(|x| x * x).mean().unwrap().sqrt();
    near("rmse", Some(scores.rmse_recon), rms(&true_frames, &lifted));
    near("rmse latent", Some(scores.rmse_latent), rms(&true_states, &forecast));
    let size = true_frames.mapv(f64::abs).mean().unwrap();
    near("relative", Some(scores.rel_error_pod), rms(&true_frames, &ceiling) / (size + 1e-10));
    let off = true_frames.sum_axis(Axis(1)).mapv(|m| (mass - m).abs() / m).into_iter();
    near("mass", Some(scores.max_mass_violation), off.fold(0.0, f64::max));
    for (i, up_to) in found.over_time.iter().enumerate() {
        let part = |of: &Array2<f64>| of.slice(s![..=i, ..]).to_owned();
        near("over time", up_to.r2_reconstructed, r2(&part(&true_frames), &part(&lifted)));
        near("pod over time", up_to.r2_pod, r2(&part(&true_frames), &part(&ceiling)));
        match up_to.r2_latent {
            None => assert_eq!(i, 0, "one number does not vary"),
            found => near("states over time", found, r2(&part(&true_states), &part(&forecast))),
        }
    }
    let found = found.densities[9];
    near("spread", Some(found.deviation[1]), lifted.row(3).std(0.0));
    near("mass", Some(found.mass[1]), mass);
}

#[test]
fn a_frame_that_moves_is_compared_on_its_reference() {
    // Without a symmetry, so that one shift has the largest correlation.
    let noise = input::gaussian(5, 15, 1.0);
    let mut still = truth(30);
    for mut frame in still.outer_iter_mut() {
        frame.iter_mut().zip(&noise).for_each(|(x, noise)| *x += 3.0 * noise);
    }
    let mut moving = still.clone();
    for (t, (from, mut to)) in (0..).zip(still.outer_iter().zip(moving.outer_iter_mut())) {
        let mut rolled = vec![0.0; 15];
        roll(from, [t, 2 * t], &mut rolled);
        to.iter_mut().zip(rolled).for_each(|(to, x)| *to = x);
    }
    let config =
        Config { modes: Modes::Fixed(2), align: Some(Reference::First), ..Config::default() };
    let basis = basis(&still, &config);
    let [a, b] = [&still, &moving]
        .map(|truth| evaluate(truth.view(), &basis, &mut model(2, 0.9, 30), &OPTIONS).unwrap());
    let compared = |x: &Evaluation| (x.scores.clone(), x.over_time.clone(), x.densities.clone());
    assert!(compared(&a) == compared(&b), "whatever their place: {:?} {:?}", a.scores, b.scores);
    for (t, (a, b)) in (0..).zip(a.prediction.outer_iter().zip(b.prediction.outer_iter())) {
        let mut rolled = vec![0.0; 15];
        roll(a, [t, 2 * t], &mut rolled);
        assert!(b.iter().eq(&rolled), "frame {t} is predicted where it is");
    }
    assert!(a.scores.r2_1step.is_some_and(|r2| r2 > 0.9), "{:?}", a.scores);
}

/// The same model, once in plain and once in standardised states, makes the same forecasts.
#[test]
fn standardised_states_change_no_score_but_that_of_one_step() {
    let truth = truth(40);
    let config = Config { modes: Modes::Fixed(2), ..Config::default() };
    let plain = basis(&truth, &config);
    let by = Standard::new(array![0.3, -0.2], array![2.0, 0.5]).unwrap();
    let standard = plain.clone().standardised(by.clone());
    // With y = s x + m, y = A y' becomes x = A x' + (A m - m) / s, here with the same A for both.
    let (older, newer) = (-0.9, 1.8 * 0.4_f64.cos());
    let mut a = Array3::zeros((2, 2, 2));
    for i in 0..2 {
        (a[[0, i, i]], a[[1, i, i]]) = (older, newer);
    }
    let c = &by.mean() * (older + newer - 1.0) / by.deviation();
    let mut of_standard = Ready::mvar(&mvar::Model::new(a, c).unwrap(), 40);
    let one = evaluate(truth.view(), &plain, &mut model(2, 0.9, 40), &OPTIONS).unwrap();
    let two = evaluate(truth.view(), &standard, &mut of_standard, &OPTIONS).unwrap();
    let off = (&one.prediction - &two.prediction).mapv(f64::abs).fold(0.0, |m: f64, x| m.max(*x));
    assert!(off < 1e-12, "densities are off by {off:e}");
    let (one, two) = (one.scores, two.scores);
    for (name, a, b) in [
        ("latent", one.r2_latent, two.r2_latent),
        ("reconstructed", one.r2_reconstructed, two.r2_reconstructed),
        ("pod", one.r2_pod, two.r2_pod),
        ("kstep", one.r2_kstep_latent, two.r2_kstep_latent),
        ("rmse", Some(one.rmse_latent), Some(two.rmse_latent)),
    ] {
        assert!((a.unwrap() - b.unwrap()).abs() < 1e-12, "{name}: {a:?} {b:?}");
    }
    assert!((one.r2_1step.unwrap() - two.r2_1step.unwrap()).abs() > 1e-6, "components weigh alike");
}

#[test]
fn a_truth_that_does_not_vary_has_no_r2() {
    let moving = truth(20);
    let basis = basis(&moving, &Config { modes: Modes::Fixed(2), ..Config::default() });
    let still = Array3::from_elem((20, 3, 5), 2.0);
    let found = evaluate(still.view(), &basis, &mut model(2, 0.9, 20), &OPTIONS).unwrap().scores;
    let none = [found.r2_reconstructed, found.r2_pod, found.r2_1step, found.r2_kstep_density];
    assert_eq!(none, [None; 4], "no square about the mean");
    assert!(found.rmse_recon.is_finite(), "but errors");
}

#[test]
fn what_does_not_fit_is_named() {
    let truth = truth(20);
    let basis = basis(&truth, &Config { modes: Modes::Fixed(2), ..Config::default() });
    let refused = |truth: ArrayView3<'_, f64>, mut model: Ready, options: Options, words: &str| {
        let why = evaluate(truth, &basis, &mut model, &options).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    };
    let fine = || model(2, 0.9, 20);
    let words = "densities: found 2 rows and 5 columns, expected 3 and 5";
    refused(truth.slice(s![.., ..2, ..]), fine(), OPTIONS, words);
    let words = "model: found 3 components, expected 2, as many as the basis has modes";
    refused(truth.view(), model(3, 0.9, 20), OPTIONS, words);
    for start in [0, 1, 20, 99] {
        let words = format!("forecast: found {start}, expected at least 2, the lag");
        refused(truth.view(), fine(), Options { start, ..OPTIONS }, &words);
    }
    refused(
        truth.view(),
        fine(),
        Options { kstep_reset: Some(0), ..OPTIONS },
        "kstep_reset: found 0",
    );
    let mut bad = truth.clone();
    bad[[9, 1, 2]] = f64::NAN;
    refused(bad.view(), fine(), OPTIONS, "frame 9, cell 7: found NaN");
    refused(truth.view(), model(2, 1e200, 20), OPTIONS, "not finite from step 1 on");
}

#[test]
fn a_forecast_starts_at_the_nearest_frame_and_not_before_a_window() {
    for (seconds, apart, lag, frame) in
        [(3.0, 0.1, 5, 30), (0.36, 0.12, 2, 3), (0.36, 0.12, 20, 20), (0.0, 0.1, 1, 1)]
    {
        assert_eq!(start(seconds, apart, lag), Ok(frame), "{seconds} s, {apart} s apart");
    }
    for (seconds, apart, words) in [
        (1.0, 0.0, "time between frames: found 0, expected a finite number above 0"),
        (1.0, f64::NAN, "time between frames: found NaN"),
        (1.0, f64::INFINITY, "time between frames: found inf"),
        (-1.0, 0.1, "forecast_start: found -1, expected a time, 0 or more"),
        (f64::NAN, 0.1, "forecast_start: found NaN"),
        (f64::INFINITY, 0.1, "forecast_start: found inf"),
    ] {
        let why = start(seconds, apart, 1).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
}
