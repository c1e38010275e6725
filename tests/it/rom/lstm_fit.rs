//! Trains networks as a user would: one that wsindy-manifold trained too, and one for `PyTorch`.

use std::env;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::{Array2, Array3, Axis, s};
use stepmark::file::npz::{Archive, Writer};
use stepmark::input;
use stepmark::lstm::train::{Config, Losses, Progress, Trained, Windows, fit};

fn folder(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_else(|| panic!("{name} names a folder")).into()
}

fn train(config: &Config, windows: &Windows) -> Trained {
    let go = |_: Progress| ControlFlow::Continue(());
    fit(config, windows, None, go).unwrap_or_else(|why| panic!("{why}"))
}

/// The least validation loss in a log of wsindy-manifold, and the number of its epochs.
fn log(path: &Path) -> (f64, usize) {
    let text = std::fs::read_to_string(path).unwrap();
    let losses = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap());
    let losses: Vec<f64> = losses.collect();
    (losses.iter().copied().fold(f64::MAX, f64::min), losses.len())
}

#[test]
#[ignore = "needs the vectors of STEPMARK_CONFORMANCE"]
fn the_median_loss_of_five_seeds_is_that_of_wsindy_manifold() {
    let folder = folder("STEPMARK_CONFORMANCE").join("rom/lstm/trained_d6_h16_L1_lag5");
    let mut io = Archive::open(&folder.join("io.npz")).unwrap();
    let (x, y): (Array3<f64>, Array2<f64>) =
        (io.widened("X_all").unwrap(), io.widened("Y_all").unwrap());
    let windows = Windows::new(x, y.insert_axis(Axis(1))).unwrap();
    let (want, epochs) = log(&folder.join("training_log.csv"));
    let start = Instant::now();
    let mut losses: Vec<f64> = (0..5)
        .map(|seed| {
            let config =
                Config { residual: true, seed, ..Config::new(16, 1, 1e-3, epochs, epochs) };
            train(&config, &windows).val_loss
        })
        .collect();
    losses.sort_by(f64::total_cmp);
    let seconds = start.elapsed().as_secs_f64();
    println!("val_loss of five seeds {losses:?}, theirs {want}, {epochs} epochs, {seconds:.1} s");
    assert!(losses[2] <= 1.05 * want, "median {} against {want}", losses[2]);
}

/// `fixtures/torch/torch_lstm.py` reads what this leaves in the folder.
#[test]
#[ignore = "writes models for fixtures/torch/torch_lstm.py"]
fn writes_models_for_torch() {
    let folder = folder("STEPMARK_TORCH");
    let noise = input::gaussian(1, 600 * 4, 0.2);
    let run = Array2::from_shape_fn((600, 4), |(t, i)| {
        3.0 + (t as f64 * 0.2 + i as f64).sin() * (i + 1) as f64 + noise[4 * t + i]
    });
    let windows = Windows::from_runs(&[run.view()], 5, 1).unwrap();
    let plain = Config { batch_size: 64, ..Config::new(24, 2, 5e-3, 15, 15) };
    let configs = [
        ("residual", Config { residual: true, dropout: 0.1, ..plain.clone() }),
        ("bare", Config { use_layer_norm: false, normalize_input: false, num_layers: 1, ..plain }),
    ];
    for (name, config) in configs {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let trained = train(&config, &windows);
        trained.save(&folder).unwrap();
        let starts = windows.x().slice(s![..;40, .., ..]).to_owned();
        let forecasts: Vec<_> =
            starts.outer_iter().map(|window| trained.model.forecast(window, 20)).collect();
        let forecasts = ndarray::stack(
            Axis(0),
            &forecasts.iter().map(|forecast| forecast.view()).collect::<Vec<_>>(),
        );
        let mut npz = Writer::new(&folder.join("forecasts.npz"));
        npz.add("windows", starts.view()).unwrap();
        npz.add("forecasts", forecasts.unwrap().view()).unwrap();
        npz.finish().unwrap();
        let Losses { validation, .. } = trained.log[0];
        assert!(trained.val_loss < 0.8 * validation, "it learns");
    }
}
