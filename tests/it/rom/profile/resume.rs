//! A profile that is killed resumes from the lines of its finished points.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use stepmark::cli::Exit;
use stepmark::profile::rom::document::Profile;

use super::{json, names, run, text};

const ARGS: [&str; 4] = ["--n-trials", "300", "--n-steps", "20"];
const POINTS: &str = "runtime_points.jsonl";

fn start(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "rom", "--no-plot", "--output-dir"]).arg(dir).args(ARGS);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The finished points of an unfinished run, whole lines alone.
fn points(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(POINTS)).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
}

#[test]
fn a_killed_run_goes_on_with_its_trials_and_one_of_other_options_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut child = start(dir);
    while points(dir).len() < 6 {
        assert!(Instant::now() < deadline, "no points: {:?}", names(dir));
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let held = points(dir);
    assert_eq!(names(dir), [POINTS.to_owned()].into(), "no result is there yet");
    let line = held.iter().find(|line| line.contains("\"trials/0\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    let (exit, _, err) = run(&["--n-trials", "20", "--output-dir", text(dir)]);
    assert_eq!(exit, Exit::Failure, "{err}");
    assert!(err.contains("an unfinished profile with steps 20, and this one has 100"), "{err}");
    assert_eq!(points(dir), held, "the points stay");
    assert!(start(dir).wait().unwrap().success(), "a run that nobody kills");
    let profile: Profile = json(dir, "MVAR/runtime_profile.json");
    let seconds = profile.extended.unwrap().full_trajectory.seconds;
    assert_eq!(seconds.len(), 300, "trials");
    let own: Vec<f64> = serde_json::from_value(line["point"][0]["full"].clone()).unwrap();
    assert_eq!(seconds.values()[..10], own, "those of the killed run");
    assert!(!dir.join(POINTS).exists(), "{:?}", names(dir));
}
