//! Networks whose files do not say all: options of `rom forecast` and `profile rom`.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::s;
use stepmark::cli::Exit;
use stepmark::file::npz;
use stepmark::lstm;
use stepmark::profile::rom::document::Profile;
use tempfile::TempDir;

use super::commands::{self, NETWORK, dataset, forecast, pass, runs, said, text, window};
use super::profile;

/// A folder with a network, its file without what no tensor shows, and its normalisation.
fn network() -> (TempDir, lstm::Model, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    dataset(&at("data.npz"), &runs(), 4);
    let (data, to) = (at("data.npz"), at("LSTM"));
    let fit = ["fit", "--model", "lstm", "--data", text(&data), "--output_dir", text(&to)];
    pass(&[&fit[..], &NETWORK].concat());
    let path = to.join("lstm.safetensors");
    let model = lstm::Model::load(&path, &lstm::model::Options::default()).unwrap();
    let bytes = fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let bare = tensors.tensors().into_iter().filter(|(name, _)| !name.starts_with("input_"));
    let bytes = safetensors::serialize(bare, None).unwrap();
    fs::write(at("bare.safetensors"), bytes).unwrap();
    let scale = model.scale();
    let mut npz = npz::Writer::new(&at("lstm_normalization.npz"));
    npz.add("input_mean", scale.mean().view()).unwrap();
    npz.add("input_std", scale.std().view()).unwrap();
    npz.finish().unwrap();
    let (bare, normalization) = (at("bare.safetensors"), at("lstm_normalization.npz"));
    (folder, model, bare, normalization)
}

#[test]
fn facts_that_a_network_lacks_are_stated_by_options_of_a_forecast() {
    let (folder, model, bare, normalization) = network();
    let at = |name: &str| folder.path().join(name);
    window(&at("window.npz"), runs()[0].slice(s![..4, ..]));
    let (window, output) = (at("window.npz"), at("forecast.npz"));
    let line = [
        "forecast",
        "--model",
        text(&bare),
        "--window",
        text(&window),
        "--steps",
        "3",
        "--output",
        text(&output),
    ];
    let (exit, _, err) = said(&line);
    assert!(exit == Exit::Failure && err.contains("found no metadata `residual`"), "{err}");
    let facts = ["--lag", "4", "--residual", "false", "--normalization", text(&normalization)];
    pass(&[&line[..], &facts].concat());
    assert_eq!(forecast(&output), model.forecast(runs()[0].slice(s![..4, ..]), 3), "states");
}

#[test]
fn they_are_stated_by_options_of_a_profile_which_are_refused_where_no_network_is_read() {
    let (folder, _, bare, normalization) = network();
    let to = folder.path().join("to");
    let own = |path: &Path| text(path).to_owned();
    let (bare, normalization) = (own(&bare), own(&normalization));
    let refused = |args: &[&str], parts: &[&str]| {
        let (exit, out, err) = profile::run(&[args, &["--output-dir", text(&to)]].concat());
        assert_eq!((exit, out.as_str()), (Exit::Failure, ""), "{args:?}: {err}");
        assert!(parts.iter().all(|part| err.contains(part)), "{args:?}: {err}");
        assert!(!to.exists(), "{args:?}: {:?}", commands::names(&to));
    };
    refused(&["--lstm", &bare], &[&bare, "found no metadata `residual`"]);
    refused(&["--lstm", &bare, "--residual", "false"], &[&bare, "found no metadata `lag`"]);
    for (option, value) in [("lag", "4"), ("residual", "true"), ("normalization", &normalization)] {
        let what = format!("`{option}` is stated of networks");
        refused(&[&format!("--{option}"), value], &[&what, "leave it out"]);
    }
    refused(&["--normalization", "gone.npz"], &["gone.npz"]);
    let own = folder.path().join("LSTM/lstm.safetensors");
    refused(&["--lstm", text(&own), "--lag", "3"], &["lstm.safetensors", "lag", "3", "4"]);
    let facts = ["--lag", "4", "--residual", "false", "--normalization", &normalization];
    profile::pass(&to, &[&["--lstm", &bare, "--no-plot"][..], &facts].concat());
    let found: Profile = profile::json(&to, "LSTM/runtime_profile.json");
    assert_eq!((found.complexity.hidden_dimension, found.extended.unwrap().lag), (Some(4), 4));
}
