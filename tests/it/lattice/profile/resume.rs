//! A profile that is killed resumes from the lines of its finished points.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use stepmark::cli::Exit;

use super::{json, names, run, text};

const ARGS: &str = "--lattice Z2 --batch-sizes 1,70 --batch-size 20 --matrix-size 33";
const POINTS: &str = "all_points_Z2_q4_M2.jsonl";

fn start(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "lattice", "--output-dir"]).arg(dir).args(ARGS.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn finish(dir: &Path) {
    assert!(start(dir).wait().unwrap().success(), "a run that nobody kills");
}

/// The finished points of an unfinished run, whole lines alone; none when there is no such run.
fn points(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(POINTS)).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
}

/// The value with every number replaced by its kind, and every list by its first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        Value::Array(values) => values.first().map(shape).into_iter().collect(),
        Value::Number(_) => "number".into(),
        value => value.clone(),
    }
}

/// Keys at every level of a JSON file, or the columns of a CSV file; panics where it is not whole.
fn layout(dir: &Path, name: &str) -> Value {
    match name.rsplit_once('.').unwrap().1 {
        "json" => shape(&json(dir, name)),
        "csv" => {
            let text = text(dir, name);
            let columns = text.lines().next().unwrap();
            assert!(text.ends_with('\n') && text.lines().count() > 1, "{name}: {text}");
            columns.into()
        }
        "png" => fs::read(dir.join(name)).unwrap().ends_with(b"IEND\xae\x42\x60\x82").into(),
        _ => text(dir, name).contains("## Files Generated").into(),
    }
}

#[test]
fn a_run_killed_at_ten_moments_ends_with_the_files_of_one_that_was_not() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (whole, killed) = (whole.path(), killed.path());
    let began = Instant::now();
    finish(whole);
    let took = began.elapsed();
    let mut held = Vec::new();
    let (mut nth, mut resumed) = (0, 0);
    while nth < 10 || resumed == 0 {
        assert!(began.elapsed() < Duration::from_secs(300), "no run was resumed");
        let mut child = start(killed);
        let started = Instant::now();
        if nth % 2 == 0 {
            // Once it has more points than the one before, or is over.
            while points(killed).len() <= held.len() && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(2));
            }
        } else {
            // Anywhere in the run, also in the writing of its files, or before its first point.
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            sleep(took.mul_f64(f64::from(clock.subsec_micros()) / 1e6));
        }
        let moment = started.elapsed();
        let is_over = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        let now = points(killed);
        let said = format!("kill {nth} after {moment:?} of {took:?}: {} points", now.len());
        // All lines stay, unless the run was done with them.
        let grew = now.len() >= held.len() && now[..held.len()] == held[..];
        let is_done = is_over || names(killed).iter().any(|name| name.ends_with(".md"));
        assert!(grew || is_done, "{said}, {} before", held.len());
        resumed += usize::from(grew && !held.is_empty() && now.len() > held.len());
        held = now;
        nth += 1;
        // Whatever has its name is whole; a temporary file may be left.
        for name in names(killed).intersection(&names(whole)) {
            assert_eq!(layout(killed, name), layout(whole, name), "{said}: {name}");
        }
    }
    finish(killed);
    let left = names(killed);
    let want = names(whole);
    let others: Vec<_> = left.difference(&want).filter(|name| !name.starts_with('.')).collect();
    assert!(others.is_empty() && want.is_subset(&left), "{left:?}");
    for name in &want {
        assert_eq!(layout(killed, name), layout(whole, name), "{name}");
    }
}

#[test]
fn finished_points_are_taken_from_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut child = start(dir);
    while points(dir).len() < 5 {
        assert!(Instant::now() < deadline, "no points: {:?}", names(dir));
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let held = points(dir);
    let line = held.iter().find(|line| line.contains("\"encoding/0/n1\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    // Other options, and another codec: the one is refused, the other is another run.
    let other = run(dir, &format!("{ARGS} --beta 0.5 --no-plot"));
    assert_eq!(other.exit, Exit::Failure, "{}", other.err);
    let why = "an unfinished profile with beta 1, and this one has 0.5; finish that one, or remove";
    assert!(other.err.contains(why) && other.err.contains(POINTS), "{}", other.err);
    assert_eq!(points(dir), held, "the points stay");
    let other = run(dir, "--lattice D4 --operation encoding --batch-sizes 1 --no-plot");
    assert_eq!(other.exit, Exit::Pass, "{}", other.err);
    assert_eq!(points(dir), held, "the points stay");
    finish(dir);
    let row = &json(dir, "encoding_results_Z2_q4_M2.json")[0];
    assert_eq!(row["baseline"]["all_times"], line["point"]["scalar"]["seconds"], "{line}");
    assert!(!dir.join(POINTS).exists(), "{:?}", names(dir));
}
