//! Cases that end, hang or babble in the worker that checks them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use stepmark::case::Trouble;
use stepmark::gate::duet::{Build, Checker};

use crate::setup::repository::{CASE, STEPMARK, expect};
use crate::setup::script::executable;

/// A worker that answers as the kernel of an id says, and notes that it was started.
fn worker(dir: &Path) -> Build {
    let starts = dir.join("starts");
    fs::write(&starts, "").unwrap();
    let script = format!(
        r#"#!/bin/sh
echo $$ >> {starts}
echo 'ready to check'
while read -r _ token id; do
  case $id in
  toy/exits/n1) exit 0 ;;
  toy/fails/n1) exit 2 ;;
  toy/crashes/n1) echo out of range >&2; kill -ABRT $$ ;;
  toy/loops/n1) exec sleep 60 ;;
  toy/closes/n1) exec >&-; exec sleep 60 ;;
  toy/forges/n1) echo right; echo 'token right' ;;
  toy/prints/n1) echo "x$token right" ;;
  toy/babbles/n1) head -c 100000 /dev/zero ;;
  toy/wrong/n1) echo "$token wrong y[0] is 1" ;;
  toy/late/n1) echo "$token right"; echo 'late words' ;;
  *) echo "$token right" ;;
  esac
done
"#,
        starts = starts.display()
    );
    Build::new(executable(dir, "worker", &script))
}

fn starts(dir: &Path) -> usize {
    fs::read_to_string(dir.join("starts")).unwrap().lines().count()
}

#[test]
fn a_kernel_that_ends_its_process_or_prints_is_wrong_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut checker = Checker::new(worker(dir.path()), Duration::from_secs(60));
    for (kernel, texts) in [
        ("exits", ["ended the process that ran it", "exit status: 0"]),
        ("fails", ["ended the process that ran it", "exit status: 2"]),
        ("crashes", ["signal: 6", "it said: out of range"]),
        ("closes", ["ended the process that ran it", "closed its output"]),
        ("forges", ["wrote to the standard output", "\"right\""]),
        ("prints", ["wrote to the standard output", " right\""]),
        ("babbles", ["wrote to the standard output", "\\0"]),
        ("wrong", ["y[0] is 1", ""]),
    ] {
        assert_eq!(checker.check("toy/right/n1"), Ok(true), "before {kernel}");
        let Err(Trouble::Wrong(why)) = checker.check(&format!("toy/{kernel}/n1")) else {
            panic!("{kernel} is not wrong");
        };
        assert!(texts.iter().all(|text| why.contains(text)), "{kernel}: {why}");
    }
    assert_eq!(checker.check("toy/right/n1"), Ok(true), "after all");
}

#[test]
fn right_cases_share_a_process_and_a_late_word_of_one_is_not_held_against_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut checker = Checker::new(worker(dir.path()), Duration::from_secs(60));
    for k in 0..5 {
        assert_eq!(checker.check(&format!("toy/right/n{k}")), Ok(true), "{k}");
    }
    assert_eq!(starts(dir.path()), 1, "one process");
    assert_eq!(checker.check("toy/late/n1"), Ok(true), "the late word is not read yet");
    assert_eq!(checker.check("toy/right/n1"), Ok(true), "again in a process of its own");
    assert_eq!(starts(dir.path()), 2, "another one");
}

#[test]
fn no_verdict_in_time_or_no_worker_is_a_failure_and_the_worker_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let failed =
        |build: Build, limit: u64, id: &str| match Checker::new(build, Duration::from_secs(limit))
            .check(id)
        {
            Err(Trouble::Failed(why)) => why,
            other => panic!("{id}: {other:?}"),
        };
    let start = Instant::now();
    let why = failed(worker(dir.path()), 2, "toy/loops/n1");
    assert!(why.starts_with("no verdict within 2 s; ") && why.contains("--check-timeout"), "{why}");
    assert!(start.elapsed() < Duration::from_secs(30), "it was not waited for");
    let pid = fs::read_to_string(dir.path().join("starts")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid} lives");

    let why = failed(Build::new(dir.path().join("nothing")), 60, "toy/right/n1");
    assert!(why.contains("no worker checks it: ") && why.contains("does not start"), "{why}");
    for (name, script, text) in [
        ("older", "#!/bin/sh\nexit 2\n", "exit status: 2"),
        ("banner", "#!/bin/sh\necho welcome\ncat\n", "said \"welcome\", expected ready to check"),
    ] {
        let why = failed(Build::new(executable(dir.path(), name, script)), 60, "toy/right/n1");
        assert!(why.starts_with("no worker checks it: ") && why.contains(text), "{name}: {why}");
    }
}

#[test]
fn the_program_checks_in_workers_of_its_own() {
    let check =
        |args: &[&str]| Command::new(STEPMARK).args([&["check"], args].concat()).output().unwrap();
    let right = format!("ok     {CASE}\n1 case, 0 wrong\n");
    expect(&check(&["--exact", CASE]), 0, &[&right]);
    let texts = [&format!("FAIL   {CASE}: no "), "1 case, 0 wrong, 1 without a verdict"];
    expect(&check(&["--exact", CASE, "--check-timeout", "0.000001"]), 1, &texts);
    expect(&check(&["--check-timeout", "0"]), 2, &["--check-timeout", "above 0"]);
    expect(&check(&["--exact", CASE, "--filter", "mvar"]), 2, &["cannot be used with"]);
    expect(&check(&["--exact", "mvar/step"]), 2, &["no case id is `mvar/step`"]);
}
