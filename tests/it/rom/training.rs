//! `stepmark rom fit --model lstm` where a training does not go as planned, and its options of sampling.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use stepmark::cli::Exit;
use stepmark::lstm;
use stepmark::lstm::model::Options;
use stepmark::lstm::train::{Config, Windows, fit};

use super::commands::{dataset, names, runs, said, text};

/// Options of a network: two epochs of one batch.
const NETWORK: [(&str, &str); 7] = [
    ("hidden_units", "4"),
    ("num_layers", "1"),
    ("learning_rate", "1e-2"),
    ("max_epochs", "2"),
    ("patience", "2"),
    ("batch_size", "1000"),
    ("use_layer_norm", "false"),
];

/// These options, and of the others those of [`NETWORK`].
fn options<'a>(given: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let rest = NETWORK.into_iter().filter(|(name, _)| given.iter().all(|(other, _)| other != name));
    rest.chain(given.iter().copied()).collect()
}

/// How a training with these options ended, and what it said.
fn trained(data: &Path, to: &Path, given: &[(&str, &str)]) -> (Exit, String, String) {
    let names: Vec<_> = options(given).iter().map(|(name, _)| format!("--{name}")).collect();
    let values = options(given).into_iter().map(|(_, value)| value);
    let options =
        names.iter().map(String::as_str).zip(values).flat_map(|(name, value)| [name, value]);
    let fit = ["fit", "--model", "lstm", "--data", text(data), "--output_dir", text(to)];
    said(&fit.into_iter().chain(options).collect::<Vec<_>>())
}

fn load(path: &Path) -> lstm::Model {
    lstm::Model::load(path, &Options::default()).unwrap()
}

#[test]
fn a_training_that_diverges_keeps_the_files_of_the_best_weights_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    dataset(&data, &runs(), 4);
    // The first step leaves weights whose products overflow in the second epoch.
    let rate = ("learning_rate", "1e25");
    let (exit, out, err) = trained(&data, &to, &[rate]);
    assert_eq!((exit, &*err), (Exit::Pass, ""), "{out}");
    let part = "1 epochs, then the loss was not finite: the best weights before are kept";
    assert!(out.contains(part), "{out}");
    let files = ["lstm.safetensors", "lstm_state_dict.pt", "training_log.csv"];
    assert_eq!(names(&to), files, "the checkpoint is gone");
    let models = files[..2].iter().map(|name| {
        let model = load(&to.join(name));
        assert!(model.net().parts().out_b.iter().any(|b| b.abs() > 1e24), "after the first step");
        model
    });
    let [a, b] = &models.collect::<Vec<_>>()[..] else { panic!("two files") };
    assert_eq!(a, b, "the same weights");
    let log = fs::read_to_string(to.join("training_log.csv")).unwrap();
    assert_eq!(log.lines().count(), 2, "one epoch is in the log: {log}");

    // The normalised state is multiplied twice by such weights.
    let (first, at_once) = (folder.path().join("first"), [("use_layer_norm", "true"), rate]);
    let (exit, _, err) = trained(&data, &first, &at_once);
    assert_eq!(exit, Exit::Failure, "no weights before");
    assert!(err.contains("not finite in the first epoch; choose a learning rate below"), "{err}");
    assert!(names(&first).is_empty(), "nothing to keep");
}

#[test]
fn unfit_data_and_options_make_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    let fails = |more: &[(&str, &str)], part: &str| {
        let (exit, _, err) = trained(&data, &to, more);
        assert!(exit != Exit::Pass && err.contains(part), "{err} does not contain {part}");
        assert!(!to.exists(), "{part}: the folder");
    };
    let mut constant = runs();
    constant.iter_mut().for_each(|run| run.column_mut(1).fill(0.5));
    dataset(&data, &constant, 4);
    fails(&[], "components [1] are constant");
    dataset(&data, &runs(), 4);
    fails(&[("lag", "50")], "run 1: found 50 states, expected more than the lag 50");
    let long = [("multistep_loss", "true"), ("multistep_k", "57")];
    fails(&long, "expected at least 61: the lag 4 and 57 states after it; choose a smaller multi");
}

#[test]
fn runs_without_enough_states_after_a_window_are_left_out_and_this_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    dataset(&data, &runs(), 4);
    // 54 of 60 states, where the second run has 50.
    let rollouts = [("multistep_loss", "true"), ("multistep_k", "50")];
    let (exit, out, err) = trained(&data, &to, &rollouts);
    assert_eq!((exit, &*err), (Exit::Pass, ""), "{out}");
    assert!(out.contains("1 run left out: fewer than 4 states and 50 after them"), "{out}");
    assert!(out.contains("lag 4, 7 windows: 2 epochs"), "60 + 1 - 54: {out}");
}

#[test]
fn options_of_sampling_do_what_their_names_say() {
    let folder = tempfile::tempdir().unwrap();
    let (data, to) = (folder.path().join("data.npz"), folder.path().join("to"));
    dataset(&data, &runs(), 4);
    let on = ("scheduled_sampling", "true");
    let parts = [
        ("ss_warmup", "1"),
        ("ss_phase1_end", "2"),
        ("ss_phase1_ratio", "0.5"),
        ("ss_phase2_end", "4"),
        ("ss_max_ratio", "0.9"),
    ];
    for (name, value) in parts {
        for (given, part) in [
            (vec![(name, value)], format!("--{name}: expected --scheduled_sampling true with it")),
            (vec![on, (name, "-1")], format!("--{name}: found -1, expected ")),
        ] {
            let (exit, _, err) = trained(&data, &to, &given);
            assert_eq!((exit, to.exists()), (Exit::Usage, false), "{given:?}");
            assert!(err.contains(&part), "{err}");
        }
    }
    let more = [on, ("max_epochs", "6"), ("patience", "6"), ("batch_size", "20")];
    let net = |given: &[(&str, &str)]| {
        let (exit, _, err) = trained(&data, &to, given);
        assert_eq!((exit, &*err), (Exit::Pass, ""), "{given:?}");
        load(&to.join("lstm.safetensors"))
    };
    let (default, given) = (net(&more), [&more[..], &parts].concat());
    let model = net(&given);
    let runs = runs();
    let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
    let windows = Windows::from_runs(&views, 4, 1).unwrap();
    let config = Config::from_options(options(&given)).unwrap();
    let want = fit(&config, &windows, None, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(model.net(), want.model.net(), "the options as given");
    assert_ne!(model.net(), default.net(), "by default, six epochs have no sampling");
}
