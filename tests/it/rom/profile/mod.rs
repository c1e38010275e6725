//! `stepmark profile rom` as its users meet it: files, keys, messages.

mod bad_input;
mod options;
#[cfg(unix)]
mod resume;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use ndarray::{Array1, Array2, Array3, arr0, s};
use stepmark::cli::{self, Exit, Suite};
use stepmark::file::npz;
use stepmark::profile::rom::comparison::{Comparison, compare};
use stepmark::profile::rom::document::Profile;
use stepmark::profile::rom::extended::Interval;
use stepmark::{input, lstm, mvar};

use super::commands::{self, text, window};

/// How a command ended, what it printed, and what went wrong.
pub(super) fn run(args: &[&str]) -> (Exit, String, String) {
    let line = ["stepmark", "profile", "rom"].iter().chain(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::profile()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

const SHORT: [&str; 6] = ["--n-steps", "20", "--n-trials", "12", "--warmup", "1"];

/// Runs a short profile into a folder.
#[track_caller]
pub(super) fn pass(folder: &Path, args: &[&str]) -> String {
    let to = ["--output-dir", text(folder)];
    let (exit, out, err) = run(&[args, &SHORT, &to].concat());
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{args:?}");
    out
}

/// The files of a folder and of the folders in it, without temporary ones.
fn names(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            names.extend(self::names(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else if !name.starts_with('.') {
            names.insert(name);
        }
    }
    names
}

pub(super) fn json<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> T {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// A stable autoregression of seeded coefficients.
fn model(seed: u64, p: usize, d: usize) -> mvar::Model {
    let a = input::gaussian(seed, p * d * d, 0.1 / p as f64);
    mvar::Model::new(Array3::from_shape_vec((p, d, d), a).unwrap(), Array1::ones(d)).unwrap()
}

/// Saves a model as an original does: in a folder of its kind, beside the windows of one run.
fn tree(folder: &Path, rows: usize, d: usize) {
    for name in ["MVAR", "rom_common"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    model(1, 3, d).save(&folder.join("MVAR/mvar_model.npz")).unwrap();
    dataset(&folder.join("rom_common/latent_dataset.npz"), rows, 3, d);
}

fn dataset(path: &Path, rows: usize, lag: usize, d: usize) {
    let run = Array2::from_shape_vec((rows, d), input::gaussian(3, rows * d, 1.0)).unwrap();
    commands::dataset(path, &[run], lag);
}

#[test]
fn without_arguments_the_fixtures_are_profiled_into_the_files_of_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("made/on demand");
    let printed = pass(dir, &["--experiment_name", "mine"]);
    let want = [
        "LSTM/runtime_profile.json",
        "MVAR/runtime_profile.json",
        "accuracy_against_cost.png",
        "forecast_against_truth.png",
        "latency_distribution.png",
        "pipeline_summary.json",
        "runtime_comparison.json",
        "runtime_summary.md",
        "speed_against_size.png",
    ];
    assert_eq!(names(dir), want.map(str::to_owned).into(), "files");
    let lines: Vec<_> = printed.lines().filter(|line| !line.starts_with("wrote ")).collect();
    let slow = usize::from(cfg!(debug_assertions));
    assert!(lines[..slow].iter().all(|line| line.contains("built for tests")), "{printed}");
    let lines = &lines[slow..];
    assert_eq!(lines.len(), 10, "{printed}");
    assert!(lines[0].starts_with("deploy ") && lines[1].contains("LSTM_vs_MVAR 0."), "{printed}");
    for name in want {
        assert!(printed.contains(name), "`{name}` in {printed}");
        if name.ends_with(".png") {
            let bytes = fs::read(dir.join(name)).unwrap();
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 20_000, "{name}");
        }
    }
    let profiles = ["MVAR", "LSTM"].map(|name| {
        let profile: Profile = json(dir, &format!("{name}/runtime_profile.json"));
        assert_eq!(profile.model_name, name, "name");
        profile
    });
    profiles.iter().for_each(whole);
    let comparison: Comparison = json(dir, "runtime_comparison.json");
    compared(&comparison, &profiles, lines[0]);
    let summary: serde_json::Value = json(dir, "pipeline_summary.json");
    assert_eq!(summary["experiment_name"], "mine", "{summary}");
    let analysis = &summary["runtime_analysis"];
    let own: Vec<Profile> = serde_json::from_value(analysis["profiles"].clone()).unwrap();
    assert_eq!(own, profiles, "profiles");
    let own: Comparison = serde_json::from_value(analysis["comparison"].clone()).unwrap();
    assert_eq!(own, comparison, "comparison");
    let markdown = fs::read_to_string(dir.join("runtime_summary.md")).unwrap();
    assert!(lines.iter().all(|line| markdown.contains(line)), "{markdown}");
}

/// Checks that a profile has all fields, and that they fit together.
fn whole(profile: &Profile) {
    let said = format!("{profile:?}");
    let e = profile.extended.as_ref().unwrap();
    let (single, full) = (profile.inference.single_step, profile.inference.full_trajectory);
    assert_eq!((single.samples, full.samples, e.n_steps), (12, 12, 20), "{said}");
    assert_eq!(e.full_trajectory.seconds.mean(), full.mean_seconds, "{said}");
    assert!(e.single_step.median_seconds < e.full_trajectory.median_seconds, "{said}");
    assert_eq!(profile.throughput.seconds_per_step, full.mean_seconds / 20.0, "{said}");
    assert_eq!((profile.training.total_seconds, e.lag), (None, 5), "{said}");
    let counts = (profile.memory.model_parameters, e.flops_per_step, e.parameter_bytes);
    match &*profile.model_name {
        "MVAR" => assert_eq!(counts, (2020, Some(4000), 16_160), "{said}"),
        _ => assert_eq!(counts, (23_444, Some(217_600), 93_776), "{said}"),
    }
    assert!(profile.memory.peak_mb >= profile.memory.current_mb, "{said}");
    let flops = e.flops_per_step.unwrap() as f64;
    let gflops = flops / e.microseconds_per_step / 1e3;
    assert!((e.gflops.unwrap() / gflops - 1.0).abs() < 1e-9, "{said}");
    let roof = e.roof.as_ref().unwrap();
    let bound = (flops / roof.flops_per_second)
        .max(roof.bytes_per_step as f64 / roof.read_bytes_per_second)
        .max(roof.waits_per_step * roof.wait_seconds);
    assert!((roof.bound_microseconds / (1e6 * bound) - 1.0).abs() < 1e-9, "{said}");
    let accuracy = e.accuracy.as_ref().unwrap();
    assert!(accuracy.r2_by_horizon[0] > 0.8 && accuracy.data.contains("last fifth"), "{said}");
    assert_eq!(e.energy.is_none(), e.energy_reason.is_some(), "{said}");
    assert_eq!((e.cuda.is_none(), e.cuda_reason.is_some()), (true, true), "{said}");
    // The tests run on the allocator of the system.
    assert!(e.heap_reason.as_ref().unwrap().contains("does not count"), "{said}");
    assert!(e.machine.contains_key("cpu_name"), "{said}");
}

fn compared(comparison: &Comparison, profiles: &[Profile], deploy: &str) {
    let Comparison::Of(got) = comparison else { panic!("two models are compared") };
    let e = got.extended.as_ref().unwrap();
    let of = |speedups: &Option<BTreeMap<String, _>>| speedups.as_ref().unwrap()["LSTM_vs_MVAR"];
    let (speedup, single): (Interval, Interval) =
        (of(&e.full_trajectory_speedup), of(&e.single_step_speedup));
    assert!(speedup.low <= speedup.ratio && speedup.ratio <= speedup.high, "{got:?}");
    assert!(speedup.high < 1.0 && single.high < 1.0, "{got:?}");
    assert_eq!((&e.ties, &e.speedup_reason), (&Some(Vec::new()), &None), "{got:?}");
    let difference = e.valid_steps_difference.as_ref().unwrap()["LSTM_vs_MVAR"];
    let valid = |profile: &Profile| {
        profile.extended.as_ref().unwrap().accuracy.as_ref().unwrap().valid_steps.cast_signed()
    };
    assert_eq!(difference.steps, valid(&profiles[1]) - valid(&profiles[0]), "{got:?}");
    assert!(difference.low <= difference.steps && difference.steps <= difference.high, "{got:?}");
    let said = deploy.contains("as far as 16 starts tell");
    assert_eq!(said, difference.holds_zero(), "{deploy}: {difference:?}");
    assert!((e.parameter_bytes_ratio["LSTM_vs_MVAR"] - 93_776.0 / 16_160.0).abs() < 1e-12);
    let mut plain = (**got).clone();
    plain.extended = None;
    assert_eq!(Comparison::Of(Box::new(plain)), compare(profiles), "by the formulas");
}

#[test]
fn the_program_counts_that_a_step_asks_the_heap_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "rom", "--no-plot", "--output-dir"]).arg(dir.path()).args(SHORT);
    assert!(command.output().unwrap().status.success(), "it runs");
    for name in ["MVAR", "LSTM"] {
        let profile: Profile = json(dir.path(), &format!("{name}/runtime_profile.json"));
        let e = profile.extended.unwrap();
        assert_eq!((e.heap_bytes_per_step, e.heap_reason), (Some(0.0), None), "{name}");
    }
}

#[test]
fn a_folder_is_profiled_and_only_its_summary_changes_when_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    tree(&from, 40, 4);
    lstm::fixtures::lorenz96().save(&dir.path().join("other.pt")).unwrap();
    fs::write(from.join("summary.json"), r#"{"z": 1, "a": [2]}"#).unwrap();
    let before = names(&from);
    pass(&to, &[text(&from), "--no-plot"]);
    assert_eq!(names(&from), before, "nothing is written into the folder of the models");
    assert_eq!(fs::read_to_string(from.join("summary.json")).unwrap(), r#"{"z": 1, "a": [2]}"#);
    let profile: Profile = json(&to, "MVAR/runtime_profile.json");
    let e = profile.extended.unwrap();
    assert!(e.z0_source.ends_with("latent_dataset.npz"), "{}", e.z0_source);
    assert!(e.accuracy_reason.unwrap().contains("fitted to all of its states"), "reason");
    assert_eq!(
        fs::read_to_string(to.join("runtime_comparison.json")).unwrap(),
        "{}\n",
        "one model"
    );
    let printed = pass(&to, &[text(&from), "--no-plot", "--update-summary"]);
    assert!(printed.contains("updated "), "{printed}");
    let summary = fs::read_to_string(from.join("summary.json")).unwrap();
    let place = |key: &str| summary.find(&format!("\"{key}\"")).unwrap();
    assert!(place("z") < place("a") && place("a") < place("runtime_analysis"), "{summary}");
    assert_eq!(names(&from), before, "files");
}

#[test]
fn more_than_two_models_are_compared_and_the_mock_of_the_original_loads() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    model(1, 2, 4).save(&at("a.npz")).unwrap();
    let mock = model(2, 5, 4);
    let mut npz = npz::Writer::new(&at("mock.npz"));
    npz.add("A_j", mock.coefficients().slice(s![..;-1, .., ..])).unwrap();
    npz.add("A_0", mock.intercept()).unwrap();
    npz.add("order", arr0(5_i64).view()).unwrap();
    npz.add("latent_dim", arr0(4_i64).view()).unwrap();
    npz.finish().unwrap();
    model(3, 3, 4).save(&at("c.npz")).unwrap();
    window(&at("z0.npz"), Array2::ones((5, 4)).view());
    let files = ["a.npz", "mock.npz", "c.npz", "z0.npz"].map(at);
    let [a, mock, c, z0] = [&files[0], &files[1], &files[2], &files[3]].map(|file| text(file));
    let to = at("to");
    let args = ["--mvar", a, "--mvar", mock, "--mvar", c, "--z0", z0, "--no-plot"];
    pass(&to, &args);
    let comparison: Comparison = json(&to, "runtime_comparison.json");
    let Comparison::Of(got) = comparison else { panic!("three models are compared") };
    assert_eq!(got.models, ["MVAR-a", "MVAR-mock", "MVAR-c"], "names");
    assert_eq!(got.inference_speedup.len(), 2, "{got:?}");
    let profile: Profile = json(&to, "MVAR-mock/runtime_profile.json");
    assert_eq!((profile.complexity.lag_order, profile.memory.model_parameters), (Some(5), 84));
    assert_eq!(profile.extended.unwrap().z0_source, z0, "window");
}

#[test]
fn trained_models_take_the_place_of_others_and_what_they_saw_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data.npz");
    dataset(&data, 120, 5, 3);
    let to = dir.path().join("to");
    model(1, 2, 7).save(&dir.path().join("size.npz")).unwrap();
    let size = dir.path().join("size.npz");
    pass(&to, &["--mvar", text(&size), "--train", text(&data), "--no-plot"]);
    let profile: Profile = json(&to, "MVAR/runtime_profile.json");
    assert!(profile.training.total_seconds.unwrap() > 0.0, "{profile:?}");
    assert_eq!((profile.complexity.lag_order, profile.complexity.latent_dimension), (Some(2), 3));
    let e = profile.extended.unwrap();
    assert!(e.accuracy.unwrap().data.contains("the last fifth of each run"), "held out");
    assert!(e.source.ends_with("trained/MVAR/mvar_model.npz"), "{}", e.source);
    // The saved model was fitted to the first four fifths, and to nothing else.
    let saved = mvar::Model::load(&to.join("trained/MVAR/mvar_model.npz")).unwrap().model;
    let run = Array2::from_shape_vec((120, 3), input::gaussian(3, 360, 1.0)).unwrap();
    let config = mvar::train::Config { lag: 2, ..mvar::train::Config::default() };
    let want = mvar::train::fit(&[run.slice(s![..96, ..])], &config).unwrap().model;
    assert_eq!(saved, want, "of 96 states");
}

#[test]
fn a_network_is_trained_and_its_losses_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data.npz");
    dataset(&data, 90, 5, 3);
    let to = dir.path().join("to");
    let small = lstm::train::Config::new(4, 1, 1e-3, 1, 1);
    let states = Array2::from_shape_vec((40, 3), input::gaussian(1, 120, 1.0)).unwrap();
    let windows = lstm::train::Windows::from_runs(&[states.view()], 5, 1).unwrap();
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let size = dir.path().join("size.pt");
    lstm::train::fit(&small, &windows, None, go_on).unwrap().model.save(&size).unwrap();
    pass(&to, &["--lstm", text(&size), "--train", text(&data)]);
    let have = names(&to);
    let want =
        ["trained/LSTM/lstm_state_dict.pt", "trained/LSTM/training_log.csv", "training_curves.png"];
    assert!(want.iter().all(|name| have.contains(*name)), "{have:?}");
    assert!(!have.contains("trained/LSTM/checkpoint.npz"), "the training is over");
    let profile: Profile = json(&to, "LSTM/runtime_profile.json");
    assert!(profile.training.total_seconds.unwrap() > 0.0, "{profile:?}");
    let rows =
        fs::read_to_string(to.join("trained/LSTM/training_log.csv")).unwrap().lines().count();
    assert!(rows > 2, "{rows} rows");
}
