//! `stepmark rom` as its users meet it: files and messages.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use ndarray::{Array2, Array3, ArrayView2, Axis, arr0, s};
use stepmark::cli::{self, Exit, Suite};
use stepmark::file::npz;
use stepmark::lstm::train::{self as lstm_train, Checkpoint, Windows};
use stepmark::mvar::train::{self as mvar_train, Criterion};
use stepmark::{input, lstm, mvar};

/// How a command ended, and what it said.
pub(super) fn said(args: &[&str]) -> (Exit, String, String) {
    let line = ["stepmark", "rom"].iter().chain(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::rom()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

#[track_caller]
pub(super) fn pass(args: &[&str]) -> String {
    let (exit, out, err) = said(args);
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{args:?}");
    out
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs of a stable system of order 2, driven by noise.
pub(super) fn runs() -> Vec<Array2<f64>> {
    let run = |(seed, rows): (u64, usize)| {
        let noise = input::gaussian(seed, rows * 3, 1.0);
        let mut x = Array2::from_shape_vec((rows, 3), noise).unwrap();
        for t in 2..rows {
            for i in 0..3 {
                x[[t, i]] += 1.0 + 0.5 * x[[t - 1, i]] - 0.4 * x[[t - 2, (i + 1) % 3]];
            }
        }
        x
    };
    [(1, 60), (2, 50)].map(run).to_vec()
}

/// Saves the windows of runs as wsindy-manifold does.
pub(super) fn dataset(path: &Path, runs: &[Array2<f64>], lag: usize) {
    let d = runs[0].ncols();
    let (mut x, mut y) = (Array3::zeros((0, lag, d)), Array2::zeros((0, d)));
    for run in runs {
        for t in lag..run.nrows() {
            x.push(Axis(0), run.slice(s![t - lag..t, ..])).unwrap();
            y.push_row(run.row(t)).unwrap();
        }
    }
    let mut npz = npz::Writer::new(path);
    npz.add("X_all", x.view()).unwrap();
    npz.add("Y_all", y.view()).unwrap();
    npz.add("lag", arr0(i64::try_from(lag).unwrap()).view()).unwrap();
    npz.finish().unwrap();
}

pub(super) fn window(path: &Path, states: ArrayView2<'_, f64>) {
    let mut npz = npz::Writer::new(path);
    npz.add("window", states).unwrap();
    npz.finish().unwrap();
}

pub(super) fn forecast(path: &Path) -> Array2<f64> {
    npz::Archive::open(path).unwrap().array("forecast").unwrap()
}

/// The names in a folder, sorted; none if it is not there.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_autoregression_is_fitted_saved_and_forecasts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    dataset(&at("data.npz"), &runs(), 4);
    let (data, to) = (at("data.npz"), at("new/MVAR"));
    let fit = ["fit", "--model", "mvar", "--data", text(&data), "--output_dir", text(&to)];
    let out = pass(&fit);
    assert!(out.contains("2 runs, 110 states of 3 components"), "{out}");
    let config = mvar_train::Config { lag: 4, alpha: 1e-6, threshold: None };
    let want = mvar_train::fit(&runs(), &config).unwrap();
    let loaded = mvar::Model::load(&to.join("mvar_model.npz")).unwrap();
    assert_eq!((&loaded.model, loaded.warnings), (&want.model, vec![]), "the model");
    assert!(loaded.training_seconds > Some(0.0), "it says how long it took");
    assert_eq!(names(&to), ["mvar_model.npz"], "files");

    let run = &runs()[0];
    window(&at("window.npz"), run.slice(s![..4, ..]));
    let (model, window_at, output) =
        (to.join("mvar_model.npz"), at("window.npz"), at("forecast.npz"));
    let out = pass(&[
        "forecast",
        "--model",
        text(&model),
        "--window",
        text(&window_at),
        "--steps",
        "7",
        "--output",
        text(&output),
    ]);
    assert_eq!(out, format!("{}: 7 states of 3 components\n", text(&output)), "said");
    assert_eq!(forecast(&output), want.model.forecast(run.slice(s![..4, ..]), 7), "states");
}

#[test]
fn options_of_an_autoregression_do_what_their_names_say() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("MVAR"));
    dataset(&data, &runs(), 4);
    let fit = |more: &[&str]| {
        let fit = ["fit", "--model", "mvar", "--data", text(&data), "--output-dir", text(&to)];
        let out = pass(&[&fit[..], more].concat());
        (mvar::Model::load(&to.join("mvar_model.npz")).unwrap().model, out)
    };
    let of = |lag, alpha, threshold| {
        let config = mvar_train::Config { lag, alpha, threshold };
        mvar_train::fit(&runs(), &config).unwrap().model
    };
    assert_eq!(fit(&["--lag", "3", "--alpha", "2.5"]).0, of(3, 2.5, None), "lag and alpha");
    assert_eq!(fit(&["--ridge_alpha", "0"]).0, of(4, 0.0, None), "no penalty");
    let (model, out) = fit(&["--eigenvalue_threshold", "0.5"]);
    assert_eq!(model, of(4, 1e-6, Some(0.5)), "a threshold");
    assert!(out.contains("scaled down to 0.500000"), "{out}");
    for (name, by) in [("bic", Criterion::Bic), ("fpe", Criterion::Fpe)] {
        let (_, lag) = mvar_train::select(&runs(), 6, by).unwrap();
        let (model, out) = fit(&["--lag", name, "--max_lag", "6"]);
        assert_eq!(model.p(), lag, "{name}");
        assert!(out.contains(&format!("lag {lag} is the best of 1 to 6 by {name}")), "{out}");
    }
}

pub(super) const NETWORK: [&str; 10] =
    ["--hidden_dim", "4", "--n_layers", "1", "--lr", "1e-2", "--n_epochs", "4", "--patience", "4"];

#[test]
fn a_network_is_trained_and_both_of_its_files_forecast_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    dataset(&at("data.npz"), &runs(), 4);
    let (data, to) = (at("data.npz"), at("LSTM"));
    let fit = ["fit", "--model", "lstm", "--data", text(&data), "--output_dir", text(&to)];
    let out = pass(&[&fit[..], &NETWORK, &["--lag", "3", "--residual", "true"]].concat());
    assert!(out.contains("lag 3, 104 windows: 4 epochs"), "{out}");
    let files = ["lstm.safetensors", "lstm_state_dict.pt", "training_log.csv"];
    assert_eq!(names(&to), files, "the checkpoint is gone");
    let log = fs::read_to_string(to.join("training_log.csv")).unwrap();
    assert_eq!(log.lines().count(), 5, "a line an epoch: {log}");
    window(&at("window.npz"), runs()[1].slice(s![..3, ..]));
    let states = files[..2].iter().map(|name| {
        let (model, window, output) = (to.join(name), at("window.npz"), at("forecast.npz"));
        pass(&[
            "forecast",
            "--model",
            text(&model),
            "--window",
            text(&window),
            "--steps",
            "5",
            "--output",
            text(&output),
        ]);
        forecast(&output)
    });
    let [a, b] = &states.collect::<Vec<_>>()[..] else { panic!("two files") };
    assert_eq!(a, b, "bits");
    assert_eq!(a.dim(), (5, 3), "shape");
}

#[test]
fn a_training_goes_on_from_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("LSTM"));
    dataset(&data, &runs(), 4);
    let names = ["hidden_dim", "n_layers", "lr", "n_epochs", "patience"];
    let values = NETWORK.iter().skip(1).step_by(2).copied();
    let config = lstm_train::Config::from_options(names.into_iter().zip(values)).unwrap();
    let runs = runs();
    let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
    let windows = Windows::from_runs(&views, 4, 1).unwrap();
    let whole = lstm_train::fit(&config, &windows, None, |_| ControlFlow::Continue(())).unwrap();
    fs::create_dir(&to).unwrap();
    let checkpoint = Checkpoint::new(&to.join("checkpoint.npz"));
    let stopped = lstm_train::fit(&config, &windows, Some(&checkpoint), |now| {
        if now.epoch < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(stopped.is_err() && checkpoint.file.exists(), "stopped in the third epoch");
    let fit = ["fit", "--model", "lstm", "--data", text(&data), "--output_dir", text(&to)];
    let (exit, _, err) = said(&[&fit[..], &NETWORK, &["--seed", "7"]].concat());
    assert_eq!(exit, Exit::Failure, "another training");
    assert!(err.contains("checkpoint.npz") && err.contains("`seed`"), "{err}");
    let out = pass(&[&fit[..], &NETWORK].concat());
    assert!(out.contains("checkpoint.npz: goes on from there"), "{out}");
    let options = lstm::model::Options::default();
    let model = lstm::Model::load(&to.join("lstm.safetensors"), &options).unwrap();
    assert_eq!(model.net(), whole.model.net(), "the bits of one that was never stopped");
}

/// The name that an option of a network stands for.
fn full(option: &str) -> &str {
    let name = option.trim_start_matches('-');
    let mut aliases = lstm_train::ALIASES.iter().chain([&("epochs", "max_epochs")]);
    aliases.find(|(alias, _)| *alias == name).map_or(name, |(_, full)| full)
}

#[test]
fn a_wrong_option_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    dataset(&data, &runs(), 4);
    let files = ["--data", text(&data), "--output_dir", text(&to)];
    let fit = |model, more: &[&str]| {
        let (exit, out, err) = said(&[&["fit", "--model", model], &files[..], more].concat());
        assert_eq!((exit, out.as_str(), to.exists()), (Exit::Usage, "", false), "{more:?}: {err}");
        err
    };
    for (more, part) in [
        (["--lag", "0"], "expected a whole number, 1 or more; or aic, bic, hqic or fpe"),
        (["--max_lag", "0"], "expected a whole number, 1 or more"),
        (["--max_lag", "3"], "--max_lag: expected --lag aic"),
        (["--ridge_alpha", "-1"], "expected a finite number, 0 or more"),
        (["--alpha", "nan"], "expected a finite number, 0 or more"),
        (["--eigenvalue_threshold", "0"], "expected a finite number above 0"),
        (["--hidden_units", "4"], "--hidden_units: an option of --model lstm"),
    ] {
        let err = fit("mvar", &more);
        assert!(err.contains(part), "{more:?}: {err}");
    }
    for (more, part) in [
        (["--lag", "aic"], "--lag: found aic, expected a whole number"),
        (["--alpha", "1"], "--ridge_alpha: an option of --model mvar"),
        (["--hidden_units", "0"], "hidden_units: found 0"),
        (["--num_layers", "5"], "num_layers: found 5"),
        (["--learning_rate", "0"], "learning_rate: found 0"),
        (["--max_epochs", "0"], "max_epochs: found 0"),
        (["--epochs", "0"], "max_epochs: found 0"),
        (["--patience", "x"], "patience: found x"),
        (["--batch_size", "0"], "batch_size: found 0"),
        (["--dropout", "1"], "dropout: found 1"),
        (["--weight_decay", "-1"], "weight_decay: found -1"),
        (["--grad_clip", "inf"], "gradient_clip: found inf"),
        (["--residual", "yes"], "residual: found yes"),
        (["--use_layer_norm", "1"], "use_layer_norm: found 1"),
        (["--normalize_input", "no"], "normalize_input: found no"),
        (["--multistep_loss", "maybe"], "multistep_loss: found maybe"),
        (["--multistep_k", "x"], "--multistep_k: found x"),
        (["--multistep_k", "3"], "--multistep_k: expected --multistep_loss true with it"),
        (["--multistep_alpha", "0.5"], "--multistep_alpha: expected --multistep_loss true"),
        (["--multistep_alpha", "x"], "multistep_alpha: found x"),
        (["--scheduled_sampling", "2"], "scheduled_sampling: found 2"),
        (["--seed", "-1"], "seed: found -1"),
    ] {
        // What is given twice by another name is refused by clap.
        let rest = NETWORK.chunks(2).filter(|given| full(given[0]) != full(more[0]));
        let rest: Vec<_> = rest.flatten().copied().collect();
        let err = fit("lstm", &[&rest[..], &more].concat());
        assert!(err.contains(part), "{more:?}: {err}");
    }
    let err = fit("lstm", &NETWORK[4..]);
    let want = "--model lstm needs --hidden_units, --num_layers, which have no default";
    assert!(err.contains(want), "{err}");
    let err = fit("arima", &[]);
    assert!(err.contains("invalid value 'arima'") && err.contains("mvar, lstm"), "{err}");
}

#[test]
fn unfit_data_are_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    let fit = |model, more: &[&str]| {
        let files = ["--data", text(&data), "--output_dir", text(&to)];
        let (exit, _, err) = said(&[&["fit", "--model", model], &files[..], more].concat());
        assert_eq!(exit, Exit::Failure, "{err}");
        assert!(names(&to).is_empty(), "{:?}", names(&to));
        err
    };
    let err = fit("mvar", &[]);
    assert!(err.contains("data.npz"), "{err}");
    dataset(&data, &runs(), 4);
    fs::write(&to, "a file").unwrap();
    for (model, more) in [("mvar", &[][..]), ("lstm", &NETWORK)] {
        let err = fit(model, more);
        assert!(err.contains("to: found a file, expected a folder"), "{model}: {err}");
    }
    fs::remove_file(&to).unwrap();
    let mut constant = runs();
    constant.iter_mut().for_each(|run| run.column_mut(1).fill(0.5));
    dataset(&data, &constant, 4);
    for (model, more) in [("mvar", &[][..]), ("lstm", &NETWORK)] {
        let err = fit(model, more);
        assert!(err.contains("components [1] are constant"), "{model}: {err}");
    }
    dataset(&data, &runs(), 4);
    for (model, more) in [("mvar", &["--lag", "50"][..]), ("lstm", &["--lag", "50"])] {
        let err = fit(model, &[if model == "lstm" { &NETWORK[..] } else { &[] }, more].concat());
        assert!(err.contains("run 1: found 50 states") && err.contains("lag"), "{model}: {err}");
    }
    // The third component is the sum of the others: 8 of 12 directions.
    let mut singular = runs();
    for run in &mut singular {
        let sum = &run.column(0) + &run.column(1);
        run.column_mut(2).assign(&sum);
    }
    dataset(&data, &singular, 4);
    let err = fit("mvar", &["--alpha", "0"]);
    assert!(err.contains("rank 8 of 12; choose a larger alpha"), "{err}");
    let mut npz = ndarray_npy::NpzWriter::new(fs::File::create(&data).unwrap());
    npz.add_array("X_all", &Array3::from_elem((9, 4, 3), f64::NAN)).unwrap();
    npz.finish().unwrap();
    for (model, more) in [("mvar", &[][..]), ("lstm", &NETWORK)] {
        let err = fit(model, more);
        assert!(err.contains("`X_all`: found NaN or infinity, expected finite"), "{model}: {err}");
    }
    let mut npz = npz::Writer::new(&data);
    npz.add("X_all", Array3::<i64>::zeros((9, 4, 3)).view()).unwrap();
    npz.finish().unwrap();
    let err = fit("mvar", &[]);
    assert!(err.contains("`X_all`: found type <i8, expected <f8"), "{err}");
}

#[test]
fn a_forecast_that_cannot_be_made_says_why_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    dataset(&at("data.npz"), &runs(), 4);
    let (data, to) = (at("data.npz"), at("MVAR"));
    pass(&["fit", "--model", "mvar", "--data", text(&data), "--output_dir", text(&to)]);
    let growing = mvar::Model::new(Array3::from_elem((1, 1, 1), 1e10), ndarray::arr1(&[0.0]));
    growing.unwrap().save(&at("growing.npz")).unwrap();
    fs::write(at("model.bin"), "model").unwrap();
    window(&at("window.npz"), runs()[0].slice(s![..4, ..]));
    window(&at("short.npz"), runs()[0].slice(s![..3, ..]));
    window(&at("narrow.npz"), runs()[0].slice(s![..4, ..2]));
    window(&at("one.npz"), runs()[0].slice(s![..1, ..1]));
    let (model, output) = (to.join("mvar_model.npz"), at("forecast.npz"));
    let fails = |model: &Path, window: &str, steps: &str, more: &[&str]| {
        let (window, files) = (at(window), ["--output", text(&output)]);
        let args =
            ["forecast", "--model", text(model), "--window", text(&window), "--steps", steps];
        let (exit, _, err) = said(&[&args[..], &files, more].concat());
        assert!(exit != Exit::Pass && !output.exists(), "{err}");
        err
    };
    for (model, window, steps, more, part) in [
        (&model, "window.npz", "0", &[][..], "expected a whole number, 1 or more"),
        (&model, "short.npz", "5", &[], "`window`: found shape (3, 3), expected (4, 3), as "),
        (&model, "narrow.npz", "5", &[], "`window`: found shape (4, 2), expected (4, 3), as "),
        (&model, "data.npz", "5", &[], "expected `window` among them"),
        (&model, "window.npz", "99999999999", &[], "99999999999 steps of 3 components"),
        (&at("growing.npz"), "one.npz", "99", &[], "not finite from step 31 on (of 99)"),
        (&at("model.bin"), "window.npz", "5", &[], "model.bin: no model has such a name"),
        (&at("gone.pt"), "window.npz", "5", &[], "gone.pt"),
        (&model, "window.npz", "5", &["--lag", "0"], "expected a whole number, 1 or more"),
        (&model, "window.npz", "5", &["--residual", "yes"], "true, false"),
        (&model, "window.npz", "5", &["--normalization", "gone.npz"], "gone.npz"),
        (&model, "window.npz", "5", &["--lag", "4"], "`lag` is stated of networks"),
        (&model, "window.npz", "5", &["--residual", "true"], "`residual` is stated of networks"),
    ] {
        let err = fails(model, window, steps, more);
        assert!(err.contains(part), "{err} does not contain {part}");
    }
}
