//! The pipeline on a configuration of a second.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::file::npz::Archive;

const TINY: &str = include_str!("../../../fixtures/rom/tiny.yaml");

/// The fixture, and something else in it.
fn config(changes: &[(&str, &str)]) -> (Config, String) {
    let mut text = TINY.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (config, _) = Config::read(&text, false).unwrap();
    (config, text)
}

fn options<'a>(made: &'a (Config, String), folder: &'a Path) -> Options<'a> {
    let (config, text) = made;
    Options {
        config,
        text,
        file: "tiny.yaml",
        name: "tiny",
        folder,
        jobs: 2,
        from: Stage::Simulate,
    }
}

/// Runs; what was said.
fn ran(options: &Options<'_>) -> Result<String, Error> {
    let mut out = Vec::new();
    run(options, &|_| (), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// All files below a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// The files without what was measured: the journal, times in the summary, and those in models.
fn compared(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(folder);
    all.remove("pipeline.jsonl").unwrap();
    let summary = String::from_utf8(all.remove("summary.json").unwrap()).unwrap();
    let is_measured = |line: &&str| line.contains("timestamp") || line.contains("total_time");
    let kept: Vec<_> = summary.lines().filter(|line| !is_measured(line)).collect();
    all.insert("summary".to_owned(), kept.join("\n").into_bytes());
    // Of models the bits of all that is not the time of the training.
    if let Some(bytes) = all.remove("MVAR/mvar_model.npz") {
        let mut held = Archive::from_bytes("mvar", bytes).unwrap();
        for name in held.names().into_iter().filter(|name| name != "training_seconds") {
            let bytes = match held.count(&name) {
                Ok(count) => count.to_le_bytes().to_vec(),
                Err(_) => {
                    let array = held.widened::<ndarray::IxDyn>(&name).unwrap();
                    array.iter().flat_map(|x| x.to_le_bytes()).collect()
                }
            };
            all.insert(format!("MVAR/{name}"), bytes);
        }
    }
    for name in ["LSTM/lstm_state_dict.pt", "LSTM/lstm.safetensors"] {
        if let Some(bytes) = all.remove(name) {
            let stated = crate::lstm::model::Options::default();
            let model = crate::lstm::Model::from_bytes(name, &bytes, &stated).unwrap();
            let model = format!("{:?}{:?}{}", model.net().parts(), model.scale(), model.lag());
            all.insert(name.to_owned(), model.into_bytes());
        }
    }
    all
}

fn same(a: &Path, b: &Path, what: &str) {
    let [a, b] = [a, b].map(compared);
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{what}: names");
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{what}: {name} differs");
    }
}

#[test]
fn the_tree_holds_all_files_with_their_arrays_columns_and_keys() {
    let (dir, made) = (tempfile::tempdir().unwrap(), config(&[]));
    let folder = dir.path().join("new/tiny");
    let said = ran(&options(&made, &folder)).unwrap();
    for stage in Stage::ALL {
        assert!(said.contains(&format!("{}: ", stage.name())), "{said}");
    }
    let arrays = |name: &str| Archive::open(&folder.join(name)).unwrap().names();
    let movie = ["rho", "times", "xgrid", "ygrid"];
    for (name, want) in [
        ("train/train_005/trajectory.npz", &["times", "traj", "vel"][..]),
        ("train/train_000/density.npz", &movie),
        ("test/test_001/density_true.npz", &movie),
        (
            "test/test_000/density_pred_mvar.npz",
            &["forecast_start_idx", "rho", "times", "xgrid", "ygrid"],
        ),
        (
            "test/test_001/density_pred_lstm.npz",
            &["forecast_start_idx", "rho", "times", "xgrid", "ygrid"],
        ),
        ("rom_common/latent_dataset.npz", &["X_all", "Y_all", "lag"]),
        ("LSTM/lstm_normalization.npz", &["input_mean", "input_std"]),
    ] {
        assert_eq!(arrays(name), want, "{name}");
    }
    let mut movie = Archive::open(&folder.join("test/test_000/density_pred_mvar.npz")).unwrap();
    let rho = movie.array::<f64, ndarray::Ix3>("rho").unwrap();
    assert_eq!((rho.dim(), movie.count("forecast_start_idx").unwrap()), ((81, 16, 16), 10));
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text("config_used.yaml"), TINY, "the text as it is");
    assert_eq!(text("LSTM/training_log.csv").lines().count(), 16, "a head and 15 epochs");
    let own = text("MVAR/test_results.csv");
    let all = text("test/test_results.csv");
    let lines: Vec<_> = all.lines().collect();
    assert_eq!(lines.len(), 5, "two models, two runs:\n{all}");
    assert_eq!(lines[0], format!("model,{}", own.lines().next().unwrap()), "columns");
    assert_eq!(lines[2], format!("MVAR,{}", own.lines().nth(2).unwrap()), "rows");
    assert!(lines[3].starts_with("LSTM,0,"), "{all}");
    for name in ["order_params.csv", "density_metrics_lstm.csv"] {
        assert_eq!(text(&format!("test/test_000/{name}")).lines().count(), 82, "{name}");
    }
    let series = text("test/test_000/r2_vs_time_mvar.csv");
    assert!(series.lines().count() == 72 && series.contains("\n1.0,"), "from 1.0 on");
    assert!(text("test/test_000/metrics_summary_lstm.json").contains("\"r2_kstep_density\": null"));
    let summary: serde_json::Value = serde_json::from_str(&text("summary.json")).unwrap();
    for (key, want) in [
        ("/experiment_name", "tiny".into()),
        ("/config", "tiny.yaml".into()),
        ("/n_train", 6.into()),
        ("/n_test", 2.into()),
        ("/r_pod", 8.into()),
        ("/lag", 5.into()),
        ("/models_enabled/lstm", true.into()),
        ("/pod/density_transform", "sqrt".into()),
        ("/clamp_mode", "C0".into()),
        ("/mass_postprocess", "scale".into()),
        ("/mvar/p_lag", 5.into()),
        ("/mvar/ridge_alpha", serde_json::json!(1e-4)),
        ("/lstm/hidden_units", 16.into()),
    ] {
        assert_eq!(summary.pointer(key), Some(&want), "{key}");
    }
    for key in ["/pod/energy_captured", "/mvar/r2_train", "/mvar/mean_r2_1step_test"] {
        let found = summary.pointer(key).and_then(serde_json::Value::as_f64).unwrap();
        assert!(found > 0.9 && found <= 1.0, "{key}: {found}");
    }
    assert!(summary.pointer("/lstm/val_loss").unwrap().as_f64().unwrap() > 0.0, "loss");
    assert!(!folder.join("LSTM/checkpoint.npz").exists(), "no checkpoint is left");
    let again = ran(&options(&made, &folder)).unwrap();
    assert_eq!(again.matches("done before").count(), 4, "{again}");
}

#[test]
fn equal_runs_are_equal_bytes_however_many_jobs_and_wherever_they_stopped() {
    let (dir, made) = (tempfile::tempdir().unwrap(), config(&[]));
    let whole = dir.path().join("whole");
    ran(&options(&made, &whole)).unwrap();
    let alone = dir.path().join("alone");
    ran(&Options { jobs: 1, ..options(&made, &alone) }).unwrap();
    same(&whole, &alone, "one job");
    for (stage, at) in
        [(Stage::Simulate, 3), (Stage::Pod, 0), (Stage::Fit, 40), (Stage::Evaluate, 1)]
    {
        let stopped = dir.path().join(stage.name());
        let stop = |now: &Progress| {
            assert!(now.stage != stage || now.done < at, "planted");
        };
        let options = options(&made, &stopped);
        let ended = catch_unwind(AssertUnwindSafe(|| run(&options, &stop, &mut Vec::new())));
        assert!(ended.is_err(), "{}: it stopped", stage.name());
        assert!(!stopped.join("summary.json").exists(), "{}: before the end", stage.name());
        let said = ran(&options).unwrap();
        let before = Stage::ALL.iter().filter(|other| **other < stage).count();
        assert_eq!(said.matches("done before").count(), before, "{}: {said}", stage.name());
        same(&whole, &stopped, stage.name());
    }
}

#[test]
fn another_configuration_is_refused_by_its_keys_unless_they_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("tiny");
    let made = config(&[("max_epochs: 15", "max_epochs: 2")]);
    ran(&options(&made, &folder)).unwrap();
    let before = compared(&folder);
    let other =
        config(&[("fixed_modes: 8", "fixed_modes: 6"), ("max_epochs: 15", "max_epochs: 2")]);
    let why = ran(&options(&other, &folder)).unwrap_err();
    assert!(why.is_usage(), "a wrong use");
    let why = why.to_string();
    assert!(why.contains("rom.fixed_modes was 8, is 6;"), "{why}");
    assert!(why.contains("--from pod"), "{why}");
    let swarm = config(&[("N: 40", "N: 41")]);
    let why = ran(&Options { from: Stage::Pod, ..options(&swarm, &folder) }).unwrap_err();
    let why = why.to_string();
    assert!(why.contains("sim.N was 40, is 41, rom.models.lstm.max_epochs was 2, is 15"), "{why}");
    assert!(!why.contains("--from"), "nothing can be kept: {why}");
    assert!(before == compared(&folder), "as it was");
    let said = ran(&Options { from: Stage::Pod, ..options(&other, &folder) }).unwrap();
    assert!(said.contains("pod: ") && !said.contains("done before"), "{said}");
    let fresh = dir.path().join("fresh");
    ran(&options(&other, &fresh)).unwrap();
    same(&folder, &fresh, "six modes");
}

#[test]
fn a_damaged_file_is_made_again_and_said() {
    let (dir, made) =
        (tempfile::tempdir().unwrap(), config(&[("max_epochs: 15", "max_epochs: 2")]));
    let folder = dir.path().join("tiny");
    ran(&options(&made, &folder)).unwrap();
    let before = compared(&folder);
    let cut = |name: &str| {
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    };
    cut("test/test_001/density_true.npz");
    cut("MVAR/mvar_model.npz");
    fs::remove_file(folder.join("rom_common/pod_basis.npz")).unwrap();
    fs::remove_file(folder.join("test/test_000/order_params.csv")).unwrap();
    let said = ran(&options(&made, &folder)).unwrap();
    for words in [
        "test_001: ",
        "it is done again",
        "mvar_model.npz: found ",
        "the model is fitted again",
        "order_params.csv: No such file",
        "test_000 is scored again",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(before == compared(&folder), "all as before");
}

#[test]
fn folders_of_others_are_left_alone_or_taken_up() {
    let (dir, made) =
        (tempfile::tempdir().unwrap(), config(&[("max_epochs: 15", "max_epochs: 2")]));
    let folder = dir.path().join("tiny");
    ran(&options(&made, &folder)).unwrap();
    let journal = folder.join("pipeline.jsonl");
    fs::remove_file(&journal).unwrap();
    let why = ran(&options(&made, &folder)).unwrap_err().to_string();
    assert!(why.contains("found train, but no pipeline.jsonl"), "{why}");
    let before = files(&folder);
    assert!(!before.contains_key("pipeline.jsonl"), "nothing was written");
    for (from, gone) in [
        (Stage::Pod, "rom_common"),
        (Stage::Fit, "MVAR"),
        (Stage::Evaluate, "test/test_results.csv"),
    ] {
        let gone = folder.join(gone);
        if gone.is_dir() { fs::remove_dir_all(&gone) } else { fs::remove_file(&gone) }.unwrap();
        let said = ran(&Options { from, ..options(&made, &folder) }).unwrap();
        assert!(!said.contains("simulate") && gone.exists(), "{said}");
        let held = files(&folder);
        let said = ran(&options(&made, &folder)).unwrap();
        assert!(said.contains("simulate: done before"), "runs of others stay: {said}");
        let is_run = |(name, _): &(&String, &Vec<u8>)| {
            name.contains("density") || name.contains("trajectory")
        };
        let after = files(&folder);
        assert!(held.iter().filter(is_run).eq(after.iter().filter(is_run)), "as they were");
        fs::remove_file(&journal).unwrap();
    }
    let empty = dir.path().join("empty");
    for (from, words) in [
        (Stage::Pod, "found no train_000/density.npz"),
        (Stage::Fit, "found no latent_dataset.npz"),
        (Stage::Evaluate, "found no test_000/density_true.npz"),
    ] {
        let why = ran(&Options { from, ..options(&made, &empty) }).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
    let held = file::lines::Growing::open(&folder.join("pipeline.jsonl")).unwrap();
    let why =
        ran(&Options { from: Stage::Pod, ..options(&made, &folder) }).unwrap_err().to_string();
    assert!(why.contains("another run writes to it"), "{why}");
    drop(held);
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let why = ran(&options(&made, &file)).unwrap_err().to_string();
    assert!(why.contains("file: "), "{why}");
}

#[test]
fn training_runs_are_removed_if_asked_for_and_forecasts_start_in_their_runs() {
    let changes = [
        ("experiment_name: tiny", "cleanup_train_after_pod: true"),
        ("max_epochs: 15", "max_epochs: 2"),
    ];
    let (dir, made) = (tempfile::tempdir().unwrap(), config(&changes));
    let folder = dir.path().join("tiny");
    ran(&options(&made, &folder)).unwrap();
    assert!(
        !folder.join("train/train_000").exists() && folder.join("train/metadata.json").exists()
    );
    let summary = fs::read_to_string(folder.join("summary.json")).unwrap();
    assert!(summary.contains("\"n_train\": 6"), "{summary}");
    let said = ran(&options(&made, &folder)).unwrap();
    assert_eq!(said.matches("done before").count(), 4, "not simulated again: {said}");
    // Killed while it removed them.
    let journal = fs::read_to_string(folder.join("pipeline.jsonl")).unwrap();
    let end = journal.find("{\"stage\":{\"stage\":\"pod\"").unwrap();
    fs::write(folder.join("pipeline.jsonl"), &journal[..end]).unwrap();
    let basis = fs::read(folder.join("rom_common/pod_basis.npz")).unwrap();
    let said = ran(&options(&made, &folder)).unwrap();
    assert!(said.contains("simulate: done before"), "{said}");
    assert!(fs::read(folder.join("rom_common/pod_basis.npz")).unwrap() == basis, "the same modes");
    let late = config(&[changes[0], changes[1], ("forecast_start: 1.0", "forecast_start: 8.1")]);
    let why = ran(&Options { from: Stage::Evaluate, ..options(&late, &folder) }).unwrap_err();
    let words = "forecasts start at frame 81, but ";
    assert!(why.is_usage() && why.to_string().contains(words), "{why}");
    let none = config(&[
        ("uniform: {enabled: true, n_runs: 1}", "uniform: {enabled: false}"),
        ("gaussian: {enabled: true, test", "gaussian: {enabled: false, test"),
    ]);
    let why = ran(&options(&none, &dir.path().join("none"))).unwrap_err().to_string();
    assert!(why.starts_with("test_ic: found no run"), "{why}");
}
