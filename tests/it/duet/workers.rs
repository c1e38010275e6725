//! Workers that hang, crash, babble or lose their parent.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stepmark::gate::duet::protocol::{self, Hello, Listed};
use stepmark::gate::duet::{Limits, Lock, Plan};
use stepmark::gate::{Change, Exit};

use crate::setup::repository::{STEPMARK, expect, stepmark};
use crate::setup::script::slower;

use super::{Fake, changes, fails, findings, plan, program, run};

/// A part of a fake.
type Part = fn(&mut Fake) -> &mut String;

const HELLO: Part = |fake| &mut fake.hello;
const SAMPLE: Part = |fake| &mut fake.sample;
const END: Part = |fake| &mut fake.end;

/// A fake that does as `fault` says at one point of the case toy/a.
fn faulty(part: Part, fault: &str) -> Fake {
    let mut fake = Fake::new(1000);
    let whole = part(&mut fake);
    *whole = format!("if [ \"$1\" = toy/a/n1 ]; then {fault}; else {whole}; fi");
    fake
}

/// Requires that the new build loses its case toy/a, the old one too, and that toy/b is compared.
#[track_caller]
fn loses(fake: &Fake, exit: Exit, texts: &[&str]) {
    let limits = Limits {
        prepare: Duration::from_secs(2),
        sample: Duration::from_secs(2),
        ..Limits::default()
    };
    let right = Fake::new(1000);
    for (old, new, build, exit) in
        [(&right, fake, "NEW", exit), (fake, &right, "OLD", Exit::Incomparable)]
    {
        let dir = tempfile::tempdir().unwrap();
        let run = run(&Plan { limits, looks: 1, ..plan(dir.path(), old, new) }).unwrap();
        let (found, said) = findings(&run);
        assert_eq!(found, exit, "{build}: {said}");
        assert_eq!(said.matches("FAIL").count(), 1, "the case is named once: {said}");
        for text in [&["toy/a/n1: ", build], texts].concat() {
            assert!(said.contains(text), "`{text}` in {said}");
        }
        assert!(run.duet.cases.iter().all(|case| case.id == "toy/b/n1"), "{run:?}");
        assert_eq!(changes(&run), [Change::Same], "the other case goes on: {said}");
    }
}

#[test]
fn a_worker_that_hangs_loses_its_case_and_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let hang = format!("echo $$ >> {}; exec sleep 60", pids.display());
    let start = Instant::now();
    for part in [HELLO, SAMPLE, END] {
        let texts = ["the worker of toy/a/n1 did not answer within 2 s"];
        loses(&faulty(part, &hang), Exit::Failure, &texts);
    }
    let mut list = Fake::new(1000);
    list.list = hang;
    let limits = Limits { prepare: Duration::from_secs(1), ..Limits::default() };
    let err = run(&Plan { limits, ..plan(dir.path(), &Fake::new(1000), &list) });
    let err = err.unwrap_err().to_string();
    assert!(err.contains("new: the worker of --list did not answer within 1 s"), "{err}");
    assert!(start.elapsed() < Duration::from_secs(60), "none was waited for");
    for pid in fs::read_to_string(pids).unwrap().lines() {
        assert!(!Path::new("/proc").join(pid).exists(), "the worker {pid} lives");
    }
}

#[test]
fn a_worker_that_ends_or_babbles_loses_its_case() {
    let crash = "echo out of range >&2; kill -SEGV $$";
    loses(&faulty(SAMPLE, crash), Exit::Wrong, &["signal: 11", "it said: out of range"]);
    let ended = "ended the process that ran it: exit status: ";
    loses(&faulty(HELLO, "exit 3"), Exit::Wrong, &[&format!("{ended}3")]);
    loses(&faulty(SAMPLE, "exit 0"), Exit::Wrong, &[&format!("{ended}0")]);
    loses(&faulty(END, "exit 0"), Exit::Wrong, &[&format!("{ended}0")]);
    for line in ["fast", "5 5", "5 -5 5"] {
        let wrote = format!("only the nanoseconds by each clock belongs: {line:?}");
        loses(&faulty(SAMPLE, &format!("echo {line}")), Exit::Wrong, &[&wrote]);
    }
    let wrote = "only `right` or `wrong` belongs: \"so so\"";
    loses(&faulty(END, "echo so so"), Exit::Wrong, &[wrote]);
    let endless = "head -c 100000 /dev/zero";
    loses(&faulty(HELLO, endless), Exit::Wrong, &["the hello of this case"]);
    let mut other = Fake::new(1000);
    other.hello = other.hello.replace("\"$1\"", "\"${1%a/n1}\"");
    loses(&other, Exit::Wrong, &["toy/\\\"", "the hello of this case"]);
}

#[test]
fn a_worker_that_says_why_it_cannot_go_on_is_no_wrong_answer() {
    let failed = "echo failed the GPU is throttled; exit 1";
    for part in [HELLO, SAMPLE, END] {
        let texts = ["the worker of ", "failed: the GPU is throttled"];
        loses(&faulty(part, failed), Exit::Failure, &texts);
    }
}

#[test]
fn a_build_that_cannot_be_asked_ends_the_run() {
    let with = |list: &str| Fake { list: list.to_owned(), ..Fake::new(1000) };
    fails(&with("echo toy/a/n1"), &["a case in JSON"]);
    fails(&with("exit 2"), &["older than paired runs"]);
    fails(&with("echo; exit 1"), &["--list", "a case in JSON"]);
    fails(&with(&format!("{}; exit 1", Fake::new(1000).list)), &["--list", "exit status: 1"]);
}

#[test]
fn a_worker_of_another_protocol_than_its_build_lists_loses_its_case() {
    for version in [1, 3] {
        let hello = Fake::new(1000).hello;
        let other = hello.replace("\"protocol\":2", &format!("\"protocol\":{version}"));
        let text = format!("speaks version {version} of the worker protocol");
        loses(&faulty(HELLO, &other), Exit::Wrong, &[&text]);
    }
}

#[test]
fn a_clock_that_stands_still_or_jumps_loses_its_case() {
    let far = "999999999999999";
    let waited = format!("1000000 {far} 1000000");
    let (forth, wall) = (format!("{far} 0 1000000"), format!("1000000 0 {far}"));
    for times in ["0 0 1000000", &forth, &wall, &waited] {
        let texts = ["the worker of toy/a/n1 read ", "a clock stood still or jumped"];
        loses(&faulty(SAMPLE, &format!("echo {times}")), Exit::Wrong, &texts);
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
fn two_cases_of_the_real_program_are_judged_within_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let mut two = program(dir.path(), STEPMARK, STEPMARK);
    let out = two.args(["--filter", "-d20-p5/n64"]).output().unwrap();
    expect(&out, 0, &["duet: 2 cases against ", "2 of 2 cases compared"]);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}: {out:?}", start.elapsed());
}

#[test]
fn the_real_worker_speaks_both_versions() {
    for (version, args) in [(2, &[][..]), (1, &["--protocol", "1"])] {
        let mut worker = Command::new(STEPMARK);
        worker.arg("worker").args(args).arg("mvar/step-d20-p5/n64");
        let mut worker = worker.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut requests = worker.stdin.take().unwrap();
        let sample = protocol::sample(10, 3, version);
        writeln!(requests, "{sample}\n{sample}\nend").unwrap();
        let out = worker.wait_with_output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let [hello, one, other, "right"] = said.lines().collect::<Vec<_>>()[..] else {
            panic!("four lines: {said}")
        };
        let hello: Hello = serde_json::from_str(hello).unwrap();
        assert_eq!((hello.protocol, hello.threads), (version, false), "{hello:?}");
        for line in [one, other] {
            let times = protocol::times(line, version).unwrap();
            assert!(times.clock > 0 && times.wall > 0, "{line}");
            assert!(times.waited <= times.wall, "{line}");
        }
    }
    let mut list = Command::new(STEPMARK);
    let list = String::from_utf8(list.args(["worker", "--list"]).output().unwrap().stdout).unwrap();
    let list: Vec<Listed> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &list {
        assert_eq!((case.protocol, case.flops.is_some()), (2, case.bytes.is_some()), "{case:?}");
    }
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
