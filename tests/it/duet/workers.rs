//! Workers that hang, crash, babble or lose their parent.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stepmark::gate::duet::{Limits, Lock, Plan};

use crate::setup::repository::{STEPMARK, expect, stepmark};
use crate::setup::script::slower;

use super::{Fake, fails, plan, program, run};

#[test]
fn a_worker_that_hangs_at_any_point_ends_the_run_and_is_killed() {
    type Point = fn(&mut Fake) -> &mut String;
    let points: [(Point, &str); 4] = [
        (|fake| &mut fake.list, "--list"),
        (|fake| &mut fake.hello, "toy/a/n1"),
        (|fake| &mut fake.sample, "toy/a/n1"),
        (|fake| &mut fake.end, "toy/a/n1"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let limits = Limits {
        prepare: Duration::from_secs(1),
        sample: Duration::from_secs(1),
        ..Limits::default()
    };
    for (point, of) in points {
        let mut hangs = Fake::new(1000);
        *point(&mut hangs) = format!("echo $$ >> {}; exec sleep 60", pids.display());
        let start = Instant::now();
        let err = run(&Plan { limits, ..plan(dir.path(), &Fake::new(1000), &hangs) });
        let err = err.unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(15), "it was not waited for");
        assert!(
            err.contains(&format!("new: the worker of {of} did not answer within 1 s")),
            "{err}"
        );
    }
    for pid in fs::read_to_string(pids).unwrap().lines() {
        assert!(!Path::new("/proc").join(pid).exists(), "the worker {pid} lives");
    }
}

#[test]
fn a_worker_that_crashes_says_garbage_or_leaves_ends_the_run() {
    let with = |change: &dyn Fn(&mut Fake)| {
        let mut fake = Fake::new(1000);
        change(&mut fake);
        fake
    };
    let crash = "echo out of range >&2; kill -SEGV $$";
    fails(
        &with(&|f| f.sample = crash.to_owned()),
        &["toy/a/n1", "signal: 11", "it said: out of range"],
    );
    fails(&with(&|f| f.hello = "exit 3".to_owned()), &["toy/a/n1", "exit status: 3"]);
    fails(&with(&|f| f.sample = "exit 0".to_owned()), &["toy/a/n1", "ended early: exit status: 0"]);
    fails(&with(&|f| f.sample = "echo fast".to_owned()), &["said \"fast\"", "two numbers"]);
    fails(&with(&|f| f.sample = "echo -5 5".to_owned()), &["said \"-5 5\"", "two numbers"]);
    fails(&with(&|f| f.hello = "head -c 100000 /dev/zero".to_owned()), &["the hello of this case"]);
    fails(&with(&|f| f.end = "echo so so".to_owned()), &["said \"so so\"", "`right` or `wrong`"]);
    let other = |f: &mut Fake| f.hello = f.hello.replace("\"$1\"", "toy/z/n1");
    fails(&with(&other), &["the hello of this case"]);
    let later = |f: &mut Fake| f.hello = f.hello.replace("\"protocol\":1", "\"protocol\":2");
    fails(&with(&later), &["version 2 of the worker protocol"]);
    fails(&with(&|f| f.list = "echo toy/a/n1".to_owned()), &["a case in JSON"]);
    fails(&with(&|f| f.list = "exit 2".to_owned()), &["older than paired runs"]);
    fails(&with(&|f| f.list += "; exit 1"), &["--list", "exit status: 1"]);
}

#[test]
fn a_clock_that_stands_still_or_jumps_ends_the_run() {
    for times in ["0 1000000", "99999999999 1000000", "1000000 99999999999"] {
        let mut fake = Fake::new(1000);
        fake.sample = format!("echo {times}");
        fails(&fake, &["a clock stood still or jumped"]);
    }
}

#[test]
fn a_planted_slowdown_of_the_real_program_is_a_regression() {
    let dir = tempfile::tempdir().unwrap();
    let slow = slower(dir.path(), Path::new(STEPMARK));
    let samples = dir.path().join("samples.jsonl");
    let run = |old: &str, new: &str, filter: &str, more: &[&str]| {
        let mut program = program(dir.path(), old, new);
        program.args(["--filter", filter, "--max-pairs", "50"]).args(more).output().unwrap()
    };
    let (id, slow) = ("mvar/step-d20-p5/n64", slow.to_str().unwrap());
    let file = samples.to_str().unwrap();
    let out = run(STEPMARK, slow, id, &["--seed", "5", "--samples", file]);
    let again = format!("; cargo run --release -- duet --exe {STEPMARK} --exe {slow} --exact {id}");
    expect(&out, 3, &["FAIL regression", id, "50 pairs", &again, "seed 5", "1 slower"]);
    let line: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(samples).unwrap()).unwrap();
    assert_eq!(line["blocks"].as_array().map(Vec::len), Some(10), "ten blocks are kept");

    expect(&run(STEPMARK, STEPMARK, id, &[]), 0, &["pass (exit 0): 1 of 1", "0 slower"]);
    expect(&run(STEPMARK, STEPMARK, "no-such-case", &[]), 2, &["contains `no-such-case`"]);
    expect(&run(STEPMARK, "/no/such/file", id, &[]), 1, &["/no/such/file: does not start"]);
    expect(&stepmark(Path::new(STEPMARK), dir.path(), &["duet"]), 2, &["REV"]);
    let one = ["duet", "--exe", STEPMARK];
    expect(&stepmark(Path::new(STEPMARK), dir.path(), &one), 2, &["--exe OLD --exe NEW"]);
    fs::create_dir(dir.path().join("ci")).unwrap();
    fs::write(dir.path().join("ci/tolerance.json"), "{}").unwrap();
    expect(&run(STEPMARK, STEPMARK, id, &[]), 1, &["ci/tolerance.json: missing field"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_run_leaves_no_worker_behind() {
    let dir = tempfile::tempdir().unwrap();
    let children = |parent: u32| -> Vec<PathBuf> {
        let is_child = |path: &PathBuf| state(path).is_some_and(|state| state.1 == parent);
        let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        all.filter(is_child).collect()
    };
    for wait_ms in [30, 80, 200] {
        let mut run = Command::new(STEPMARK);
        run.args([
            "duet",
            "--exe",
            STEPMARK,
            "--exe",
            STEPMARK,
            "--filter",
            "lstm/",
            "--target-dir",
        ]);
        let mut run = run.arg(dir.path()).spawn().unwrap();
        let start = Instant::now();
        while children(run.id()).is_empty() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait_ms));
        let workers = children(run.id());
        run.kill().unwrap();
        run.wait().unwrap();
        workers.iter().for_each(|worker| ends(worker));
    }
    drop(Lock::take(dir.path()).expect("a killed run holds no lock"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_ends_with_its_parent_though_more_requests_may_come() {
    let script = format!("exec 3<&0; {STEPMARK} worker mvar/step-d20-p5/n64 <&3 & echo $!; wait");
    let mut parent = Command::new("sh");
    parent.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = parent.spawn().unwrap();
    // Held open until the end: the worker does not see the end of its requests.
    let requests = parent.stdin.take().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pid = lines.next().unwrap().unwrap();
    assert!(lines.next().unwrap().unwrap().contains("step_ns"), "its hello");
    parent.kill().unwrap();
    parent.wait().unwrap();
    ends(&Path::new("/proc").join(pid));
    drop(requests);
}

/// State and parent of the process with such a folder.
#[cfg(target_os = "linux")]
fn state(process: &Path) -> Option<(String, u32)> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, after) = stat.rsplit_once(") ")?;
    let mut after = after.split(' ');
    Some((after.next()?.to_owned(), after.next()?.parse().ok()?))
}

/// Waits for the end of a process, also of one that nobody reaps.
#[track_caller]
#[cfg(target_os = "linux")]
fn ends(process: &Path) {
    let start = Instant::now();
    while state(process).is_some_and(|(state, _)| state != "Z") {
        assert!(start.elapsed() < Duration::from_secs(5), "{} lives", process.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
