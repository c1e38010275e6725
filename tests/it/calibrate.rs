//! `stepmark calibrate` as its users meet it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The exit code, the output and what was said beside it.
fn calibrate(dir: &Path, args: &str) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_stepmark"))
        .arg("calibrate")
        .args(args.split_whitespace())
        .args(["--target-dir".as_ref(), dir.join("target").as_os_str()])
        .current_dir(dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[track_caller]
fn refused(dir: &Path, args: &str, code: i32, why: &str) {
    let (exit, out, err) = calibrate(dir, args);
    assert_eq!((exit, &*out), (Some(code), ""), "{args}: {err}");
    assert!(err.contains(why), "{args}: {err}");
}

fn samples(dir: &TempDir) -> PathBuf {
    dir.path().join("samples.jsonl")
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    for (args, why) in [
        ("--suites none=0", "`0` is no number of suites"),
        ("--suites none=-3", "`-3` is no number of suites"),
        ("--suites none", "expected KIND=N"),
        ("--suites some=3", "`some` is no kind of suite; there are none, pad, plant2"),
        ("--suites none=1 --suites none=2", "--suites none is said twice"),
        ("--suites pad=1", "need --pad FILE"),
        ("--filter no-such-case", "no case id of a suite contains `no-such-case`"),
        ("--from f --suites none=1", "cannot be used with"),
        (concat!("--pad ", env!("CARGO_BIN_EXE_stepmark")), "is this very executable"),
    ] {
        refused(dir.path(), args, 2, why);
    }
    refused(dir.path(), "--pad no/such/file", 1, "no/such/file");
}

#[test]
fn a_file_of_something_else_is_no_calibration() {
    let dir = tempfile::tempdir().unwrap();
    refused(dir.path(), "--from samples.jsonl", 1, "samples.jsonl");
    let args = "--filter calibration/flow --samples no/samples.jsonl";
    let (exit, _, err) = calibrate(dir.path(), args);
    assert_eq!(exit, Some(1), "{err}");
    assert_eq!(err.matches("os error").count(), 1, "why it cannot be opened, once: {err}");
    for (text, code, why) in [
        ("", 5, "there are no suites"),
        ("{\"schema\":1", 5, "dropped 11 bytes of a suite that was not finished"),
        ("hello\n", 1, "samples.jsonl, line 1: "),
        ("{\"schema\":1}\n", 1, "samples.jsonl, line 1: missing field"),
    ] {
        fs::write(samples(&dir), text).unwrap();
        refused(dir.path(), "--from samples.jsonl", code, why);
    }
    fs::write(samples(&dir), "hello\n").unwrap();
    let args = "--filter calibration/flow --suites none=1 --samples samples.jsonl";
    refused(dir.path(), args, 1, "samples.jsonl, line 1: ");
    assert_eq!(fs::read_to_string(samples(&dir)).unwrap(), "hello\n", "untouched");
}

#[test]
fn a_run_goes_on_where_it_was_killed_and_its_samples_tell_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let run = "--filter calibration/flow --seed 7 --samples samples.jsonl --suites none=1";
    let (exit, _, err) = calibrate(dir.path(), run);
    assert_eq!(exit, Some(0), "{err}");
    assert!(err.contains("1 suites of 1 cases, about 1 min"), "the time is said first: {err}");

    let first = fs::read_to_string(samples(&dir)).unwrap();
    fs::write(samples(&dir), format!("{first}{}", &first[..first.len() / 3])).unwrap();
    let (exit, out, err) =
        calibrate(dir.path(), &format!("{run} --suites plant10=1 --suites wait=1"));
    assert_eq!(exit, Some(0), "{err}");
    assert!(err.contains("of a suite that was not finished"), "{err}");
    assert!(err.contains("suite 1 of 2, plant10"), "the first is not run again: {err}");
    let both = fs::read_to_string(samples(&dir)).unwrap();
    assert!(both.starts_with(&first) && both.lines().count() == 3, "{both}");
    assert!(both.contains("\"seed\":7,") && both.contains("\"seed\":8,"), "{both}");

    let (exit, again, err) = calibrate(dir.path(), "--from samples.jsonl --json rates.json");
    assert_eq!(exit, Some(0), "{err}");
    let rates = |text: &str| text.lines().take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rates(&again), rates(&out), "the same table");
    let json = fs::read_to_string(dir.path().join("rates.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for change in ["+10 %", "sleeps 0.3 ms"] {
        let mut rows = json["rows"].as_array().unwrap().iter();
        let found = rows.find(|row| row["change"] == change).unwrap();
        assert_eq!((&found["suites"], &found["slower"]), (&1.into(), &1.into()), "{found}");
    }
    assert_eq!(json["cases"], serde_json::json!(["calibration/flow/n64"]), "{json}");

    let other = both.replace("\"commit\"", "\"commits\"");
    fs::write(samples(&dir), other).unwrap();
    refused(dir.path(), "--from samples.jsonl", 1, "unknown field `commits`");
    let digest = both.split("\"executables\":[\"").nth(1).unwrap().split('"').next().unwrap();
    fs::write(samples(&dir), both.replace(digest, "0123456789abcdef")).unwrap();
    refused(dir.path(), &format!("{run} --suites plant5=1"), 1, "the executable is another");
}
