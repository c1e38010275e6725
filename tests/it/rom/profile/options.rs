//! Options of `stepmark profile rom`, and what they write.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use ndarray::Array2;
use stepmark::cli::Exit;
use stepmark::profile::rom::comparison::Comparison;
use stepmark::profile::rom::extended::Interval;
use stepmark::profile::rom::scaling::{Axis, Point};

use super::{SHORT, dataset, json, model, names, pass, run, text, tree, window};

#[test]
fn scaling_has_every_size_its_exponent_its_caches_and_its_roofs() {
    let dir = tempfile::tempdir().unwrap();
    let printed = pass(dir.path(), &["--scaling"]);
    assert!(printed.contains("runtime_scaling.json"), "{printed}");
    let axes: Vec<Axis> = json(dir.path(), "runtime_scaling.json");
    let sizes: Vec<_> = axes.iter().map(|axis| (&*axis.model, &*axis.size)).collect();
    let want = ["MVAR d", "MVAR p", "MVAR B", "LSTM d", "LSTM h", "LSTM L", "LSTM lag", "LSTM B"];
    assert_eq!(sizes, want.map(|name| name.split_once(' ').unwrap()), "sizes");
    for axis in &axes {
        let said = format!("{axis:?}");
        let Interval { ratio, low, high } = axis.exponent;
        assert!(low <= ratio && ratio <= high, "{said}");
        let values = axis.points.windows(2).all(|pair| pair[0].value < pair[1].value);
        assert!(values && axis.points.len() >= 4, "{said}");
        for Point { seconds, flops, roof, .. } in &axis.points {
            let bound = (*flops as f64 / roof.flops_per_second)
                .max(roof.bytes_per_step as f64 / roof.read_bytes_per_second)
                .max(roof.waits_per_step * roof.wait_seconds);
            assert!((roof.bound_microseconds / (1e6 * bound) - 1.0).abs() < 1e-9, "{said}");
            assert!((roof.share / (bound / seconds) - 1.0).abs() < 1e-9, "{said}");
        }
        let caches: BTreeSet<_> = axis.points.iter().map(|p| &p.cache).collect();
        assert_eq!(axis.crossing.is_some(), caches.len() > 1, "{said}");
    }
    let markdown = fs::read_to_string(dir.path().join("runtime_summary.md")).unwrap();
    let bounds = ["arithmetic", "reading", "waiting"].map(|bound| format!(" times {bound} |"));
    let told: usize = bounds.iter().map(|bound| markdown.matches(bound).count()).sum();
    assert_eq!(told, 16, "the first and the last step of each: {markdown}");
}

#[test]
fn results_go_to_a_folder_of_the_name_but_never_among_the_models_unless_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("oscar_output/mine");
    fs::create_dir_all(&from).unwrap();
    tree(&from, 40, 4);
    let before = names(&from);
    let profile = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
        command.args(["profile", "rom", "oscar_output/mine", "--no-plot"]).args(args).args(SHORT);
        command.current_dir(dir.path()).output().unwrap()
    };
    let output = profile(&["--experiment_name", "mine"]);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("oscar_output/mine: results would go among the models"), "{err}");
    assert!(profile(&[]).status.success(), "the default name");
    assert_eq!(names(&from), before, "the folder of the models");
    assert!(names(&dir.path().join("oscar_output/profile_rom")).contains("runtime_summary.md"));
    assert!(profile(&["--output-dir", "oscar_output/mine"]).status.success(), "it is named");
    assert!(names(&from).contains("MVAR/runtime_profile.json"), "{:?}", names(&from));
}

#[test]
fn a_second_run_names_the_files_that_another_one_left() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("to");
    let [a, b, z0] = ["a.npz", "b.npz", "z0.npz"].map(|name| dir.path().join(name));
    model(1, 3, 3).save(&a).unwrap();
    model(2, 3, 3).save(&b).unwrap();
    window(&z0, Array2::ones((3, 3)).view());
    let files = ["--mvar", text(&a), "--z0", text(&z0)];
    let printed = pass(&to, &[&files[..], &["--mvar", text(&b)]].concat());
    assert!(!printed.contains("left "), "{printed}");
    let mut want = names(&to);
    let left: Vec<_> = want
        .iter()
        .filter(|name| name.ends_with(".png") || name.starts_with("MVAR-"))
        .map(|name| format!("left {}, of another run\n", to.join(name).display()))
        .collect();
    assert!(left.len() > 2, "{want:?}");
    fs::write(to.join("mine.png"), "mine").unwrap();
    let printed = pass(&to, &[&files[..], &["--no-plot"]].concat());
    assert!(printed.ends_with(&left.concat()), "{printed}");
    assert_eq!(printed.matches("left ").count(), left.len(), "{printed}");
    want.extend(["mine.png", "MVAR/runtime_profile.json"].map(str::to_owned));
    assert_eq!(names(&to), want, "files");
}

#[test]
fn of_few_trials_no_interval_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("to");
    let (exit, out, err) = run(&["--n-trials", "5", "--no-plot", "--output-dir", text(&to)]);
    assert_eq!((exit, err.as_str()), (Exit::Pass, ""), "{out}");
    assert!(out.contains("speedup: not known (fewer than 6 trials"), "{out}");
    let Comparison::Of(got) = json(&to, "runtime_comparison.json") else { panic!("two models") };
    let e = got.extended.unwrap();
    assert_eq!((e.single_step_speedup, e.full_trajectory_speedup, e.ties), (None, None, None));
    assert!(e.speedup_reason.unwrap().contains("fewer than 6 trials"), "reason");
    assert!(got.inference_speedup["LSTM_vs_MVAR"] < 1.0, "of means");
}

#[test]
fn models_of_noise_are_as_accurate_as_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, data] = ["a.npz", "b.npz", "data.npz"].map(|name| dir.path().join(name));
    model(1, 2, 3).save(&a).unwrap();
    model(2, 3, 3).save(&b).unwrap();
    dataset(&data, 120, 5, 3);
    let files = ["--mvar", text(&a), "--mvar", text(&b), "--train", text(&data), "--no-plot"];
    let printed = pass(&dir.path().join("to"), &files);
    let said = printed.lines().find(|line| line.starts_with("deploy ")).unwrap();
    assert!(said.contains(" (as accurate as MVAR-") && said.contains(" starts tell)"), "{said}");
}
