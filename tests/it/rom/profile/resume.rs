//! A profile that is killed resumes from the lines of its finished points.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use stepmark::cli::Exit;
use stepmark::profile::rom::comparison::Comparison;
use stepmark::profile::rom::document::Profile;

use super::{json, names, run, text};

const ARGS: [&str; 4] = ["--n-trials", "30", "--n-steps", "20"];
const POINTS: &str = "runtime_points.jsonl";

/// SIGKILL.
const KILL: i32 = 9;

fn start(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "rom", "--no-plot", "--output-dir"]).arg(dir).args(ARGS);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn finish(dir: &Path) {
    assert!(start(dir).wait().unwrap().success(), "a run that nobody kills");
}

/// The finished points of an unfinished run, whole lines alone.
fn points(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(POINTS)).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
}

/// Waits for more points than `held`, or for the end of the run.
fn wait(child: &mut Child, dir: &Path, held: usize) {
    while points(dir).len() <= held && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
}

/// Requires that a file of results is whole.
fn whole(dir: &Path, name: &str) {
    match name {
        "runtime_comparison.json" => {
            let found: Comparison = json(dir, name);
            assert!(matches!(found, Comparison::Of(_)), "{found:?}");
        }
        "pipeline_summary.json" => {
            let found: Value = json(dir, name);
            assert_eq!(found["runtime_analysis"]["profiles"].as_array().unwrap().len(), 2);
        }
        "runtime_summary.md" => {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            assert!(text.ends_with("- `pipeline_summary.json`\n"), "{text}");
        }
        name => {
            let found: Profile = json(dir, name);
            let e = found.extended.unwrap();
            let (single, full) = (e.single_step.seconds, e.full_trajectory.seconds);
            assert_eq!((single.len(), full.len()), (30, 30), "{name}");
        }
    }
}

/// Requires that the trials of the results begin with those of the lines.
fn taken(dir: &Path, lines: &[String]) {
    for (nth, name) in ["MVAR", "LSTM"].into_iter().enumerate() {
        let found: Profile = json(dir, &format!("{name}/runtime_profile.json"));
        let seconds = found.extended.unwrap().full_trajectory.seconds;
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let trials = lines.filter(|line| line["name"].as_str().unwrap().starts_with("trials/"));
        let own: Vec<f64> = trials
            .flat_map(|line| {
                let own = line["point"][nth]["full"]["seconds"].clone();
                serde_json::from_value::<Vec<f64>>(own).unwrap()
            })
            .collect();
        assert_eq!(seconds.values()[..own.len()], own, "trials of {name}");
    }
}

#[test]
fn a_run_killed_at_ten_moments_ends_with_the_files_of_one_that_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let (all, killed) = (dir.path().join("all"), dir.path().join("killed"));
    let began = Instant::now();
    finish(&all);
    let (took, want) = (began.elapsed(), names(&all));
    assert_eq!(want.len(), 5, "{want:?}");
    let (mut kills, mut resumed, mut held) = (0, 0, Vec::new());
    while kills < 10 || resumed == 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "{kills} kills, {resumed} resumed");
        let mut child = start(&killed);
        if kills % 2 == 0 {
            wait(&mut child, &killed, held.len());
        } else {
            // Anywhere, also before its first point, or in writing its files.
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            sleep(took.mul_f64(f64::from(clock.subsec_micros()) / 1e6));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let (now, found) = (points(&killed), names(&killed));
        let said = format!("kill {kills}: {status}, {} points, {} before", now.len(), held.len());
        assert!(status.success() || status.signal() == Some(KILL), "{said}");
        found.intersection(&want).for_each(|name| whole(&killed, name));
        let is_through = now.is_empty() && want.is_subset(&found);
        assert!(
            is_through || !status.success() && now.starts_with(&held),
            "{said}: points are lost"
        );
        kills += usize::from(!status.success());
        resumed += usize::from(!held.is_empty() && now.len() > held.len());
        held = now;
        if is_through {
            fs::remove_dir_all(&killed).unwrap();
        }
    }
    finish(&killed);
    assert_eq!(names(&killed), want, "files");
    want.iter().for_each(|name| whole(&killed, name));
    taken(&killed, &held);
}

#[test]
fn a_killed_run_of_other_options_is_refused_and_its_points_stay() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // A run may be over before it is killed.
    let held = loop {
        let mut child = start(dir);
        wait(&mut child, dir, 2);
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            break points(dir);
        }
    };
    assert!(held[2].contains("\"trials/0\""), "{}", held[2]);
    assert_eq!(names(dir).iter().collect::<Vec<_>>(), [POINTS], "no result is there yet");
    let (exit, _, err) = run(&["--n-trials", "20", "--output-dir", text(dir)]);
    assert_eq!(exit, Exit::Failure, "{err}");
    assert!(err.contains("an unfinished profile with steps 20, and this one has 100"), "{err}");
    assert_eq!(points(dir), held, "the points stay");
    finish(dir);
    taken(dir, &held);
    assert!(!dir.join(POINTS).exists(), "{:?}", names(dir));
}
