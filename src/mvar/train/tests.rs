use ndarray::{Array2, ArrayView2, Ix0, array};
use proptest::prelude::*;

use super::*;
use crate::input;

/// A stable system of `d` components that reads two states, driven by noise.
fn run(seed: u64, n: usize, d: usize) -> Array2<f64> {
    let noise = input::gaussian(seed, n * d, 1.0);
    let mut x = Array2::from_shape_vec((n, d), noise).unwrap();
    for t in 2..n {
        for i in 0..d {
            x[[t, i]] += 3.0 + 0.5 * x[[t - 1, i]] - 0.3 * x[[t - 2, (i + 1) % d]];
        }
    }
    x
}

fn views(runs: &[Array2<f64>]) -> Vec<ArrayView2<'_, f64>> {
    runs.iter().map(|run| run.view()).collect()
}

fn config(lag: usize, alpha: f64) -> Config {
    Config { lag, alpha, threshold: None }
}

/// Residuals (windows, d) of the windows of `lag` states that have `skip` states before them.
fn residuals(runs: &[Array2<f64>], model: &Model, skip: usize) -> Array2<f64> {
    let (p, d) = (model.p(), model.d());
    let mut all = Vec::new();
    for run in runs {
        for t in p + skip..run.nrows() {
            let y = model.forecast(run.slice(s![t - p..t, ..]), 1);
            all.extend((0..d).map(|i| run[[t, i]] - y[[0, i]]));
        }
    }
    Array2::from_shape_vec((all.len() / d, d), all).unwrap()
}

/// By its first row; of matrices as small as those here.
fn determinant(a: &Array2<f64>) -> f64 {
    let n = a.nrows();
    let minor = |j: usize| a.slice(s![1.., ..]).select(Axis(1), &others(n, j));
    let signs = [1.0, -1.0].into_iter().cycle();
    let terms = (0..n).zip(signs).map(|(j, sign)| sign * a[[0, j]] * determinant(&minor(j)));
    if n == 0 { 1.0 } else { terms.sum() }
}

fn others(n: usize, j: usize) -> Vec<usize> {
    (0..n).filter(|i| *i != j).collect()
}

proptest! {
    #[test]
    fn the_gradient_of_what_is_minimised_is_zero(
        seed in 0_u64..1000,
        lag in 1_usize..5,
        d in 1_usize..6,
        alpha in prop_oneof![Just(0.0), 1e-6..1e3],
    ) {
        let runs = [run(seed, 60, d), run(seed + 1, 45, d)];
        let fit = fit(&views(&runs), &config(lag, alpha)).unwrap();
        let e = residuals(&runs, &fit.model, 0);
        prop_assert!(e.mean_axis(Axis(0)).unwrap().iter().all(|m| m.abs() < 1e-10), "intercept");
        for k in 0..lag {
            let past: Vec<_> = runs.iter().flat_map(|run| {
                run.slice(s![k..run.nrows() - lag + k, ..]).iter().copied().collect::<Vec<_>>()
            }).collect();
            let past = Array2::from_shape_vec(e.dim(), past).unwrap();
            let gradient = past.t().dot(&e).t().to_owned()
                - &fit.model.coefficients().index_axis(Axis(0), k) * alpha;
            let far = gradient.fold(0.0, |m: f64, g| m.max(g.abs()));
            prop_assert!(far < 1e-7, "the gradient at place {k} is {far:e}");
        }
        let rmse = (e.mapv(|e| e * e).mean().unwrap()).sqrt();
        prop_assert!((fit.train_rmse / rmse - 1.0).abs() < 1e-9, "{} and {rmse}", fit.train_rmse);
    }

    #[test]
    fn a_model_beyond_the_threshold_is_scaled_down_to_it(
        seed in 0_u64..1000,
        lag in 1_usize..5,
        d in 1_usize..6,
        threshold in 0.2_f64..1.2,
    ) {
        let runs = [run(seed, 60, d)];
        let free = fit(&views(&runs), &config(lag, 1e-6)).unwrap();
        let bound = Config { threshold: Some(threshold), ..config(lag, 1e-6) };
        let scaled = fit(&views(&runs), &bound).unwrap();
        prop_assert_eq!(free.rho_before, scaled.rho_before, "before");
        if free.rho_before <= threshold {
            prop_assert_eq!(free.model, scaled.model, "nothing to scale");
        } else {
            let far = (scaled.rho_after - threshold).abs();
            prop_assert!(far < 1e-8, "off by {far:e}");
            let mean = residuals(&runs, &scaled.model, 0).mean_axis(Axis(0)).unwrap();
            prop_assert!(mean.iter().all(|m| m.abs() < 1e-10), "the mean residual is {mean}");
        }
    }

    #[test]
    fn criteria_are_those_of_least_squares_on_the_common_sample(
        seed in 0_u64..1000,
        d in 1_usize..4,
        longest in 1_usize..5,
    ) {
        let runs = [run(seed, 40, d), run(seed + 1, 50, d)];
        let (lags, _) = select(&views(&runs), longest, Criterion::Aic).unwrap();
        for found in lags {
            let p = found.lag;
            // The same sample: what lies before it is cut off.
            let cut: Vec<_> =
                runs.iter().map(|run| run.slice(s![longest - p.., ..]).to_owned()).collect();
            let model = fit(&views(&cut), &config(p, 0.0)).unwrap().model;
            let e = residuals(&runs, &model, longest - p);
            let (n, k) = (e.nrows() as f64, (p * d + 1) as f64);
            let covariance = e.t().dot(&e) / n;
            let det = determinant(&covariance);
            let share = k * d as f64 / n;
            for (found, want) in [
                (found.aic, det.ln() + 2.0 * share),
                (found.bic, det.ln() + n.ln() * share),
                (found.hqic, det.ln() + 2.0 * n.ln().ln() * share),
                (found.fpe.ln(), det.ln() + d as f64 * ((n + k) / (n - k)).ln()),
            ] {
                prop_assert!((found - want).abs() < 1e-9, "{found} and {want} at lag {p}");
            }
        }
    }
}

#[test]
fn the_lag_of_the_system_is_chosen() {
    let runs = [run(1, 800, 3), run(2, 700, 3)];
    for by in [Criterion::Aic, Criterion::Bic, Criterion::Hqic, Criterion::Fpe] {
        let (_, lag) = select(&views(&runs), 6, by).unwrap();
        let fits =
            if [Criterion::Bic, Criterion::Hqic].contains(&by) { lag == 2 } else { lag >= 2 };
        assert!(fits, "{by:?} chose {lag}");
    }
}

#[test]
fn the_radius_is_that_of_the_recursion() {
    // y[t] = 1.2 y[t - 1] - 0.6 y[t - 2]: roots of modulus sqrt(0.6); turned around, 2.1.
    let a = array![[[-0.6]], [[1.2]]];
    let radius = spectral_radius(a.view());
    assert!((radius - 0.6_f64.sqrt()).abs() < 1e-14, "{radius}");
    let turned = spectral_radius(a.slice(s![..;-1, .., ..]));
    assert!(
        (turned - (0.3 + 1.29_f64.sqrt()).max(1.29_f64.sqrt() - 0.3)).abs() < 1e-14,
        "{turned}"
    );
    assert_eq!(spectral_radius(array![[[0.0]]].view()), 0.0, "a nilpotent recursion");
    for p in 2..9 {
        // y[t] = y[t - p]: the matrix is a cyclic permutation, whose eigenvalues are all as large.
        let a = Array3::from_shape_fn((p, 1, 1), |(k, _, _)| f64::from(u8::from(k == 0)));
        let radius = spectral_radius(a.view());
        assert!((radius - 1.0).abs() < 1e-13, "{radius} for a cycle of {p}");
    }
}

/// The radius by squares of the whole companion matrix.
fn plain_radius(a: ArrayView3<'_, f64>) -> f64 {
    let (p, d, _) = a.dim();
    let mut power = Array2::zeros((p * d, p * d));
    for k in 0..p {
        power.slice_mut(s![..d, k * d..(k + 1) * d]).assign(&a.index_axis(Axis(0), p - 1 - k));
    }
    (d..p * d).for_each(|row| power[[row, row - d]] = 1.0);
    let mut log = 0.0;
    for k in 0..50 {
        let norm = power.fold(0.0, |most: f64, x| most.max(x.abs()));
        log += norm.ln() / f64::from(k).exp2();
        power /= norm;
        power = power.dot(&power);
    }
    log.exp()
}

proptest! {
    #[test]
    fn the_radius_is_that_of_powers_of_the_whole_matrix(
        seed in 0_u64..1000,
        p in 1_usize..9,
        d in 1_usize..7,
        size in 0.05_f64..3.0,
        unit in prop_oneof![Just(1.0), 0.05_f64..20.0],
    ) {
        let a = Array3::from_shape_vec((p, d, d), input::gaussian(seed, p * d * d, size)).unwrap();
        let radius = spectral_radius(a.view());
        let want = plain_radius(a.view());
        // Rounding moves two eigenvalues that nearly meet by as much as its root.
        prop_assert!((radius / want - 1.0).abs() < 1e-8, "{radius} and {want}");
        let mut scaled = a;
        stabilise(&mut scaled, unit);
        let found = spectral_radius(scaled.view());
        prop_assert!((found / (unit * radius) - 1.0).abs() < 1e-8, "{found} in units of {unit}");
    }
}

/// The largest of these eigenvalues has a left and a right vector that are nearly orthogonal.
#[test]
fn a_radius_does_not_lose_digits_where_vectors_are_nearly_orthogonal() {
    let size = 2.641_192_365_326_850_3;
    let a = Array3::from_shape_vec((3, 5, 5), input::gaussian(929, 75, size)).unwrap();
    // NumPy 2.4.6: max |eigvals| of the companion matrix.
    let want = 3.968_287_255_721_736;
    let radius = spectral_radius(a.view());
    assert!((radius / want - 1.0).abs() < 1e-11, "{radius}");
}

#[test]
fn a_radius_may_be_of_any_magnitude() {
    let a = Array3::from_shape_vec((30, 2, 2), input::gaussian(1, 120, 0.3)).unwrap();
    let radius = spectral_radius(a.view());
    for unit in [1e-9, 1e-3, 1e3, 1e9] {
        let mut scaled = a.clone();
        stabilise(&mut scaled, unit);
        let found = spectral_radius(scaled.view());
        assert!((found / (unit * radius) - 1.0).abs() < 1e-12, "{found} in units of {unit}");
    }
    // y[t] = 1e-12 y[t - 30]: the matrix is 1e-12 where it is not a shift.
    let mut far = Array3::zeros((30, 1, 1));
    far[[0, 0, 0]] = 1e-12;
    let radius = spectral_radius(far.view());
    assert!((radius / 1e-12_f64.powf(1.0 / 30.0) - 1.0).abs() < 1e-13, "{radius}");
}

/// `cargo test --lib the_radius_of_2000 -- --ignored --nocapture`
#[test]
#[ignore = "takes 15 seconds, and a quiet machine"]
fn the_radius_of_2000_rows_takes_seconds() {
    for (p, d) in [(20, 100), (100, 20), (400, 5), (5, 400)] {
        let size = 0.7 / ((p * d) as f64).sqrt();
        let a = Array3::from_shape_vec((p, d, d), input::gaussian(1, p * d * d, size)).unwrap();
        let start = Instant::now();
        let radius = spectral_radius(a.view());
        let seconds = start.elapsed().as_secs_f64();
        println!("p {p}, d {d}: {radius} in {seconds:.2} s");
        assert!(seconds < 30.0, "{seconds} s");
    }
}

#[test]
fn unfit_data_and_options_are_named() {
    let good = run(1, 30, 2);
    let said = |runs: &[Array2<f64>], config| fit(&views(runs), &config).unwrap_err().to_string();
    let with = |at: [usize; 2], value| {
        let mut run = good.clone();
        run[at] = value;
        run
    };
    for (runs, config, part) in [
        (vec![], config(2, 0.0), "no run"),
        (vec![good.clone(), with([7, 1], f64::NAN)], config(2, 0.0), "run 1, state 7, component 1"),
        (vec![with([0, 0], f64::INFINITY)], config(2, 0.0), "found inf"),
        (vec![good.clone(), run(2, 30, 3)], config(2, 0.0), "run 1: found 3 components"),
        (vec![good.clone(), run(2, 5, 2)], config(5, 0.0), "run 1: found 5 states"),
        (vec![&good * &array![1.0, 0.0]], config(2, 1.0), "components [1] are constant"),
        (vec![good.clone()], config(0, 0.0), "lag: found 0"),
        (vec![run(1, 1100, 8)], config(1024, 0.0), "1024 states of 8 components"),
        (vec![&good * 1e200], config(2, 0.0), "overflow"),
        (vec![good.clone()], config(2, -1.0), "alpha: found -1"),
        (vec![good.clone()], config(2, f64::NAN), "alpha: found NaN"),
        (
            vec![good.clone()],
            Config { threshold: Some(0.0), ..config(2, 0.0) },
            "eigenvalue_threshold: found 0",
        ),
    ] {
        let said = said(&runs, config);
        assert!(said.contains(part), "{said:?} does not contain {part:?}");
    }
}

#[test]
fn a_singular_system_names_its_rank_and_a_penalty_helps() {
    // The third component is a sum of the others: 4 of 6 directions.
    let free = run(1, 80, 2);
    let third = free.sum_axis(Axis(1)).insert_axis(Axis(1));
    let runs = [concatenate(Axis(1), &[free.view(), third.view()]).unwrap()];
    let error = fit(&views(&runs), &config(2, 0.0)).unwrap_err();
    assert!(error.to_string().contains("rank 4 of 6"), "{error}");
    assert!(select(&views(&runs), 2, Criterion::Aic).is_err(), "no criterion either");
    // Four windows tell at most three directions apart.
    let error = fit(&views(&[run(1, 7, 2)]), &config(3, 0.0)).unwrap_err();
    assert!(error.to_string().contains("4 windows have rank 3 of 6"), "{error}");
    fit(&views(&runs), &config(2, 1e-3)).unwrap();
}

#[test]
fn a_saved_fit_is_loaded_with_its_intercept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mvar_model.npz");
    let fit = fit(&views(&[run(1, 60, 3)]), &config(2, 1e-4)).unwrap();
    fit.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!((loaded.model, loaded.warnings), (fit.model.clone(), Vec::new()), "model");
    let mut npz = npz::Archive::open(&path).unwrap();
    for (name, value) in [("rho_compat", fit.rho_compat), ("alpha", 1e-4)] {
        assert_eq!(npz.widened::<Ix0>(name).unwrap().into_scalar(), value, "{name}");
    }
    let seconds = loaded.training_seconds.expect("it says how long the fit took");
    assert!(seconds > 0.0 && seconds == fit.training_seconds, "{seconds}");
}
