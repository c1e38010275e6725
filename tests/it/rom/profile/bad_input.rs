//! What cannot be profiled is named, and leaves nothing behind.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use ndarray::{Array1, Array2, Array3};
use stepmark::cli::Exit;
use stepmark::mvar;

use super::{SHORT, model, names, run, text, tree, window};

/// Requires that a run ends so, says all of the texts, and writes nothing.
#[track_caller]
fn refused(args: &[&str], exit: Exit, texts: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("to");
    let to_args = ["--output-dir", text(&to), "--no-plot"];
    let (found, out, err) = run(&[args, &to_args].concat());
    assert_eq!(found, exit, "{args:?}: {err}");
    assert!(texts.iter().all(|part| err.contains(part)), "{args:?}: {err}");
    assert_eq!(out, "", "{args:?}");
    assert!(names(dir.path()).is_empty(), "{args:?}: {:?}", names(dir.path()));
}

fn saved(folder: &Path, name: &str, model: &mvar::Model) -> String {
    let path = folder.join(name);
    model.save(&path).unwrap();
    text(&path).to_owned()
}

#[test]
fn numbers_of_steps_and_trials_are_one_or_more() {
    for option in ["--n-steps", "--n-trials"] {
        for value in ["0", "-3", "x"] {
            let texts = [option, value, "expected a whole number, 1 or more"];
            refused(&[option, value], Exit::Usage, &texts);
        }
    }
    refused(&["--warmup", "-1"], Exit::Usage, &["invalid value '-1' for '--warmup <N>'"]);
}

#[test]
fn so_many_steps_that_no_memory_holds_them_and_a_name_that_is_a_path_are_refused() {
    let many = usize::MAX.to_string();
    refused(&["--n-steps", &many], Exit::Failure, &[&many, "of 20 components, expected at most"]);
    for name in ["", "a/b", "..", "/tmp"] {
        let texts = ["--experiment_name", "expected a name without slashes"];
        refused(&["--experiment_name", name], Exit::Usage, &texts);
    }
}

#[test]
fn a_folder_without_models_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let from = text(dir.path());
    refused(&[from], Exit::Failure, &[from, "found no model, expected MVAR/mvar_model.npz"]);
    let gone = dir.path().join("gone");
    refused(&[text(&gone)], Exit::Failure, &[text(&gone), "No such file"]);
}

#[test]
fn a_damaged_model_and_damaged_data_are_named() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), 40, 4);
    let from = text(dir.path());
    fs::write(dir.path().join("rom_common/latent_dataset.npz"), "cut").unwrap();
    refused(&[from], Exit::Failure, &["latent_dataset.npz: found no whole zip archive"]);
    fs::write(dir.path().join("MVAR/mvar_model.npz"), "cut").unwrap();
    refused(&[from], Exit::Failure, &["mvar_model.npz: found no whole zip archive"]);
}

#[test]
fn models_of_different_components_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (model(1, 2, 4), model(2, 2, 5));
    let (a, b) = (saved(dir.path(), "a.npz", &a), saved(dir.path(), "b.npz", &b));
    let texts = [&*b, "found states of 5 components", &*a, "has 4"];
    refused(&["--mvar", &a, "--mvar", &b], Exit::Failure, &texts);
}

#[test]
fn a_window_of_another_shape_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let z0 = dir.path().join("z0.npz");
    window(&z0, Array2::ones((4, 20)).view());
    let texts = [text(&z0), "found shape (4, 20), expected (5, 20)"];
    refused(&["--z0", text(&z0)], Exit::Failure, &texts);
}

#[test]
fn a_forecast_that_overflows_is_told_with_its_step() {
    let dir = tempfile::tempdir().unwrap();
    let a = Array3::from_shape_fn((1, 2, 2), |(_, i, j)| if i == j { 1e10 } else { 0.0 });
    let wild = mvar::Model::new(a, Array1::ones(2)).unwrap();
    let file = saved(dir.path(), "wild.npz", &wild);
    let texts = [&*file, "the forecast is not finite from step 31 on (of 100)"];
    refused(&["--mvar", &file, "--n-steps", "100"], Exit::Failure, &texts);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    let to = file.join("below");
    let (exit, out, err) = run(&[&SHORT[..], &["--output-dir", text(&to)]].concat());
    assert_eq!((exit, out.as_str()), (Exit::Failure, ""), "{err}");
    assert!(err.contains(text(&to)), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine", "the file stays");
}

#[test]
fn a_summary_that_cannot_be_updated_is_told_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path(), 40, 4);
    let from = text(dir.path());
    let args = [from, "--update-summary"];
    refused(&args, Exit::Failure, &["summary.json", "No such file"]);
    fs::write(dir.path().join("summary.json"), "{\"a\": NaN}").unwrap();
    refused(&args, Exit::Failure, &["summary.json: ", "leave `--update-summary` out"]);
    refused(&["--update-summary"], Exit::Usage, &["required arguments"]);
}

#[cfg(unix)]
#[test]
fn a_summary_whose_folder_cannot_be_written_is_told_before_anything_is_measured() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
    tree(&from, 40, 4);
    fs::write(from.join("summary.json"), "{}").unwrap();
    fs::create_dir(&to).unwrap();
    for (path, mode) in [(dir.path(), 0o755), (&to, 0o777), (&from, 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "rom", text(&from), "--update-summary", "--no-plot"]);
    command.args(SHORT).args(["--output-dir", text(&to)]);
    if tempfile::tempfile_in(&from).is_ok() {
        // Root may write anywhere, and nobody may not.
        command.uid(65534);
    }
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("from/summary.json: ") && err.contains("ermission denied"), "{err}");
    assert!(names(&to).is_empty(), "{:?}", names(&to));
}

#[test]
fn training_data_that_are_none_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data.npz");
    refused(&["--train", text(&data)], Exit::Failure, &[text(&data), "No such file"]);
    // Forecasts of trained models start from their data.
    let args = ["--train", text(&data), "--z0", "z0.npz"];
    refused(&args, Exit::Usage, &["--train <DATA>' cannot be used with '--z0 <FILE>'"]);
}
