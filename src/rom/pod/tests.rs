use super::*;
use crate::input;
use ndarray::{Array3, Axis, s};

/// Frames of a 4 x 6 grid: a mean, and parts of the given sizes along orthonormal modes.
fn runs(sizes: &[f64], counts: &[usize]) -> Vec<Array3<f64>> {
    let (frames, cells) = (counts.iter().sum::<usize>(), 24);
    let orthonormal = |seed, rows: usize| {
        let mut all = Array2::from_shape_vec(
            (sizes.len(), rows),
            input::gaussian(seed, sizes.len() * rows, 1.0),
        )
        .unwrap();
        for i in 0..sizes.len() {
            let (before, mut rest) = all.view_mut().split_at(Axis(0), i);
            let mut row = rest.row_mut(0);
            for _ in 0..3 {
                // Without a mean, so that none is taken off.
                let mean = row.sum() / rows as f64;
                row -= mean;
                let parts = before.dot(&row);
                row -= &parts.dot(&before);
                let norm = row.dot(&row).sqrt();
                row /= norm;
            }
        }
        all
    };
    let (mut states, modes) = (orthonormal(1, frames), orthonormal(2, cells));
    states.outer_iter_mut().zip(sizes).for_each(|(mut row, size)| row *= *size);
    let all = states.t().dot(&modes) + 0.25;
    let all = all.into_shape_with_order((frames, 4, 6)).unwrap();
    let mut first = 0;
    let mut next = |count: &usize| {
        first += count;
        all.slice(s![first - count..first, .., ..]).to_owned()
    };
    counts.iter().map(&mut next).collect()
}

fn pod(runs: &[Array3<f64>], config: &Config) -> Result<Pod, Error> {
    let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
    Pod::of(&views, config)
}

fn fixed(modes: usize) -> Config {
    Config { modes: Modes::Fixed(modes), ..Config::default() }
}

/// The largest distance of a frame from what its latent state is lifted to.
fn missed(runs: &[Array3<f64>], pod: &Pod) -> f64 {
    let frames = runs.iter().zip(&pod.latent).map(|(run, latent)| {
        let flat = run.to_shape((run.len_of(Axis(0)), 24)).unwrap();
        assert_eq!(pod.basis.project(flat.view()).dim(), latent.dim(), "states");
        let missed = flat.to_owned() - pod.basis.densities(latent.view(), 0.25);
        missed.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
    });
    frames.fold(0.0, f64::max)
}

#[test]
fn singular_values_over_many_magnitudes_are_found_from_frames_and_from_cells() {
    let sizes = [8.0, 3.0, 2.9, 4e-3, 1e-5, 2e-9, 1e-12];
    for counts in [&[9, 11][..], &[20, 33, 4]] {
        let runs = runs(&sizes, counts);
        let found = pod(&runs, &fixed(7)).unwrap();
        for (found, want) in found.basis.spectrum().values.iter().zip(sizes) {
            assert!((found - want).abs() < 1e-9 * want + 2e-15 * sizes[0], "{found:e} {want:e}");
        }
        let modes = found.basis.modes();
        let apart = modes.dot(&modes.t()) - Array2::<f64>::eye(7);
        assert!(apart.iter().all(|x| x.abs() < 1e-14), "orthonormal");
        assert!(missed(&runs, &found) < 1e-14, "{:e}", missed(&runs, &found));
        let some = pod(&runs, &fixed(3)).unwrap();
        assert_eq!(some.basis.modes(), modes.slice(s![..3, ..]), "the same modes");
        assert!((missed(&runs, &some) - 1e-3).abs() < 1e-3, "what the fourth has");
        assert_eq!(some.basis.spectrum().values.len(), 24.min(counts.iter().sum()), "all of them");
    }
}

#[test]
fn as_few_modes_as_have_the_energy_are_kept() {
    let runs = runs(&[3.0, 2.0, 1.0, 0.5], &[12]);
    let energy = [9.0, 4.0, 1.0, 0.25];
    let total: f64 = energy.iter().sum();
    for (part, modes) in
        [(0.5, 1), (9.0 / total - 1e-9, 1), (9.0 / total + 1e-9, 2), (0.98, 3), (0.99, 4), (1.0, 4)]
    {
        let config = Config { modes: Modes::Energy(part), ..Config::default() };
        let found = pod(&runs, &config).unwrap();
        assert_eq!(found.basis.len(), modes, "{part}");
        let have: f64 = energy[..modes].iter().sum();
        assert!((found.basis.spectrum().ratio(modes) - have / total).abs() < 1e-13, "{part}");
        assert!((found.basis.spectrum().total_energy - total).abs() < 1e-12, "{part}");
    }
}

#[test]
fn each_transform_is_undone() {
    let runs = runs(&[0.3, 0.2, 0.01], &[10, 8]);
    for transform in [
        Transform::Raw,
        Transform::Log { eps: 0.5 },
        Transform::Sqrt { eps: 1e-8 },
        Transform::Meansub,
    ] {
        let modes = Modes::Energy(1.0);
        let config = Config { transform, modes, ..Config::default() };
        let found = pod(&runs, &config).unwrap();
        assert!(missed(&runs, &found) < 1e-12, "{transform:?}");
        assert_eq!(
            Transform::named(transform.name(), transform.eps().unwrap_or(1.0)),
            Some(transform)
        );
    }
    assert_eq!(Transform::named("cube", 0.0), None, "unknown");
}

#[test]
fn shifts_make_one_mode_of_a_wave_that_moves() {
    let bump = |y: usize, x: usize, t: usize| {
        let size = 1.0 + 0.3 * (t as f64).sin();
        let apart = |at: usize, n: usize| {
            ((at + 2 * n - 5 * t % n) % n).min((n + 5 * t % n - at) % n) as f64
        };
        size * (-(apart(y, 4).powi(2) + apart(x, 6).powi(2)) / 2.0).exp()
    };
    let run = Array3::from_shape_fn((18, 4, 6), |(t, y, x)| bump(y, x, t));
    for reference in [Reference::First, Reference::Mean, Reference::Median] {
        let config = Config { align: Some(reference), ..Config::default() };
        let found = pod(std::slice::from_ref(&run), &config).unwrap();
        let shifts = found.shifts.unwrap();
        if reference == Reference::First {
            assert_eq!(found.basis.len(), 1, "it only grows and shrinks");
            assert_eq!(shifts.row(2).to_vec(), [2, 2], "10 rows and columns back");
            let missed = found.basis.lift(found.latent[0].view());
            let mut rolled = vec![0.0; 24];
            align::roll(run.index_axis(Axis(0), 2), [2, 2], &mut rolled);
            assert!(
                missed.row(2).iter().zip(rolled).all(|(a, b)| (a - b).abs() < 1e-13),
                "aligned"
            );
        }
        assert_eq!(found.basis.reference().unwrap().dim(), (4, 6), "{reference:?}");
        assert_eq!(Reference::named(reference.name()), Some(reference), "its name");
    }
    let config = Config { align: None, ..Config::default() };
    assert!(pod(std::slice::from_ref(&run), &config).unwrap().basis.len() > 3, "as it moves");
}

#[test]
fn standardised_states_of_all_runs_have_mean_0_and_deviation_1() {
    let runs = runs(&[3.0, 2.0], &[10, 7]);
    let plain = pod(&runs, &fixed(2)).unwrap();
    let found = pod(&runs, &Config { standardize: true, ..fixed(2) }).unwrap();
    let all = ndarray::concatenate(Axis(0), &[found.latent[0].view(), found.latent[1].view()]);
    let all = all.unwrap();
    let mean = all.mean_axis(Axis(0)).unwrap();
    let spread = all.std_axis(Axis(0), 0.0) - 1.0;
    assert!(mean.iter().chain(&spread).all(|x| x.abs() < 1e-13), "{mean}, {spread}");
    assert_eq!((plain.basis.standard(), found.basis.modes()), (None, plain.basis.modes()));
    let flat = runs[1].to_shape((7, 24)).unwrap();
    let off = found.basis.project(flat.view()) - &found.latent[1];
    assert!(off.iter().all(|x| x.abs() < 1e-13), "projected states are standardised, too");
    assert!(missed(&runs, &found) < 1e-13, "and lifted from there: {:e}", missed(&runs, &found));
}

#[test]
fn a_subsampled_run_starts_with_its_first_frame() {
    let runs = runs(&[3.0, 2.0], &[10, 7]);
    let every: Vec<_> = runs.iter().map(|run| run.slice(s![..;3, .., ..]).to_owned()).collect();
    let config = Config { subsample: 3, ..fixed(2) };
    let found = pod(&runs, &config).unwrap();
    assert_eq!(found, pod(&every, &fixed(2)).unwrap(), "as if there were no others");
    assert_eq!(found.latent.iter().map(Array2::nrows).collect::<Vec<_>>(), [4, 3], "frames");
}

#[test]
fn what_is_unfit_is_named() {
    let fine = runs(&[3.0, 2.0, 1.0], &[6, 5]);
    let refused = |runs: &[Array3<f64>], config: &Config, words: &str| {
        let why = pod(runs, config).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    };
    refused(&[], &fixed(1), "found no run");
    refused(&fine, &fixed(0), "fixed_modes: found 0, expected 1 or more");
    refused(&fine, &fixed(4), "found 4, expected at most 3, the rank of 11 frames of 24 cells");
    refused(&fine, &fixed(12), "found 12, expected at most 11");
    for part in [0.0, -1.0, 1.1, f64::NAN] {
        let config = Config { modes: Modes::Energy(part), ..Config::default() };
        refused(&fine, &config, "pod_energy: found ");
    }
    refused(&fine, &Config { subsample: 0, ..fixed(1) }, "subsample: found 0");
    for eps in [-1.0, f64::INFINITY, f64::NAN] {
        let config = Config { transform: Transform::Log { eps }, ..fixed(1) };
        refused(&fine, &config, "density_transform_eps: found ");
    }
    let mut bad = fine.clone();
    bad[1][[4, 2, 3]] = f64::NAN;
    refused(&bad, &fixed(1), "run 1, frame 4, cell 15: found NaN, expected a finite number");
    bad[1][[4, 2, 3]] = -0.5;
    let sub = Config { subsample: 2, transform: Transform::Sqrt { eps: 1e-8 }, ..fixed(1) };
    let positive: Vec<_> =
        bad.iter().map(|run| run.mapv(|x| if x == -0.5 { x } else { x.abs() })).collect();
    refused(&positive, &sub, "run 1, frame 4, cell 15: found -0.5, expected a finite number from");
    let other = [fine[0].clone(), fine[1].slice(s![.., ..3, ..]).to_owned()];
    refused(&other, &fixed(1), "run 1: found frames of shape [5, 3, 6], expected 4 rows and 6");
    let none = [fine[0].slice(s![..0, .., ..]).to_owned()];
    refused(&none, &fixed(1), "run 0: found frames of shape [0, 4, 6], expected at least one");
    let still = [Array3::from_elem((7, 4, 6), 0.1)];
    refused(&still, &fixed(1), "all 7 frames are equal");
    refused(&[fine[0].slice(s![..1, .., ..]).to_owned()], &fixed(1), "all 1 frames are equal");
}
