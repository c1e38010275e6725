//! A scaling profile that is killed resumes from the lines of its finished sizes.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

const POINTS: &str = "md_points.jsonl";

fn start(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "md", "--model", "sw", "--system-sizes", "8,16,32,64,96,128"]);
    command.args(["--n-steps", "20", "--no-plot", "--output-dir"]).arg(dir);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The finished sizes of an unfinished run, whole lines alone.
fn points(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(POINTS)).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
}

#[test]
fn a_killed_scaling_run_goes_on_and_one_of_other_options_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let began = Instant::now();
    // A run may be over before it is killed.
    let held = loop {
        assert!(began.elapsed() < Duration::from_secs(60), "no run is killed in its midst");
        let mut child = start(dir);
        while points(dir).len() < 3 && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            break points(dir);
        }
        names(dir).iter().for_each(|name| fs::remove_file(dir.join(name)).unwrap());
    };
    assert!(held[1].contains("\"sw/8\"") && held[2].contains("\"sw/16\""), "{held:?}");
    assert_eq!(names(dir).iter().collect::<Vec<_>>(), [POINTS], "no result is there yet");
    let args = ["--model", "sw", "--system-sizes", "8,16", "--output-dir", text(dir)];
    let (exit, _, err) = run(&args);
    assert_eq!(exit, Exit::Failure, "{err}");
    assert!(err.contains("an unfinished profile with kind Sizes"), "{err}");
    assert_eq!(points(dir), held, "the points stay");
    assert!(start(dir).wait().unwrap().success(), "a run that nobody kills");
    assert!(!dir.join(POINTS).exists(), "{:?}", names(dir));
    for (line, n) in held[1..].iter().zip([8, 16, 32, 64, 96, 128]) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let want: Document = serde_json::from_value(line["point"]["document"].clone()).unwrap();
        let found = Document::load(&dir.join(format!("sw_scaling_{n}.json"))).unwrap();
        assert_eq!(found, want, "{n} atoms, measured before the kill");
    }
}
