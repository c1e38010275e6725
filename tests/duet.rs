//! Paired runs end to end: workers that do what they should not, and builds of a small repository.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/repository.rs"]
mod repository;
#[path = "common/script.rs"]
mod script;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use stepmark::gate::duet::{self, Build, Error, Limits, Lock, Plan, Run};
use stepmark::gate::{Change, Exit, Tolerance, paired_findings};

use repository::{CASE, MANIFEST, Repository, STEPMARK, expect, main_of, stepmark};

/// A worker in the shell: a step takes 1000 ns, give or take 1 %.
#[derive(Clone)]
struct Fake {
    list: String,
    hello: String,
    sample: String,
    end: String,
}

impl Fake {
    fn new(step_ns: u64) -> Self {
        let hello =
            r#"{"protocol":1,"id":"%s","implementation":"scalar","digest":"7","step_ns":1000}"#;
        let jitter = "seed=$(((seed * 75 + 74) % 65537)); d=$((seed % 60000 - 30000))";
        Self {
            list: format!("{}; {}", Self::listed("toy/a/n1"), Self::listed("toy/b/n1")),
            hello: format!("printf '{hello}\\n' \"$1\""),
            sample: format!("{jitter}; t=$((steps * {step_ns} + d)); echo \"$t $t\""),
            end: "echo right".to_owned(),
        }
    }

    /// Knows as `n` how many samples were taken before of all such workers, by a file in `dir`.
    fn counting(dir: &Path, sample: &str) -> Self {
        let count = dir.join("count");
        fs::write(&count, "0\n").unwrap();
        let next = format!("read -r n < {0}; n=$((n + 1)); echo $n > {0}", count.display());
        Self { sample: format!("{next}; {sample}"), ..Self::new(1000) }
    }

    /// Differs from itself by a tenth: of two workers that are told no digest, one says an odd one,
    /// with which it is slower, and so are those that are told this digest later.
    fn unlike_itself(dir: &Path) -> Self {
        let mut fake = Self::new(1000);
        let count =
            format!("n=1; until mkdir {}/$n 2>/dev/null; do n=$((n + 1)); done", dir.display());
        let hello = fake.hello.replace("\"7\"", "\"'$n'\"");
        fake.hello = format!("n=$3; [ \"$n\" ] || {{ {count}; }}; {hello}");
        fake.sample = fake.sample.replace("1000 ", "(1000 + n % 2 * 100) ");
        fake
    }

    fn listed(id: &str) -> String {
        let rest = r#""metric":"thread-cpu","memory_bound":false"#;
        format!(r#"echo '{{"id":"{id}","implementation":"scalar",{rest}}}'"#)
    }

    fn write(&self, dir: &Path, name: &str) -> PathBuf {
        let Self { list, hello, sample, end } = self;
        let script = format!(
            "#!/bin/sh\nshift\nif [ \"$1\" = --list ]; then {list}; exit; fi\nseed=$$\n{hello}\n\
             while read -r request steps; do\n\
             if [ \"$request\" = end ]; then {end}; exit; fi\n{sample}\ndone\n"
        );
        script::executable(dir, name, &script)
    }
}

/// Lists a case on a GPU.
fn on_gpu(id: &str) -> String {
    Fake::listed(id).replace("thread-cpu", "cuda-event")
}

fn plan(dir: &Path, old: &Fake, new: &Fake) -> Plan {
    Plan {
        old: Build::new(old.write(dir, "old")),
        new: Build::new(new.write(dir, "new")),
        against: "old".to_owned(),
        seed: 1,
        looks: 2,
        tolerance: Tolerance::default(),
        limits: Limits {
            prepare: Duration::from_secs(20),
            sample: Duration::from_secs(20),
            ..Limits::default()
        },
    }
}

fn run(plan: &Plan) -> Result<Run, Error> {
    duet::run(plan, &|_| true, &mut |_| ())
}

fn against(old: &Fake, new: &Fake) -> Result<Run, Error> {
    let dir = tempfile::tempdir().unwrap();
    run(&plan(dir.path(), old, new))
}

fn changes(run: &Run) -> Vec<Change> {
    run.duet.cases.iter().map(|case| case.change).collect()
}

/// The real program on two executables, in a folder of its own.
fn program(dir: &Path, old: impl AsRef<OsStr>, new: impl AsRef<OsStr>) -> Command {
    let mut program = Command::new(STEPMARK);
    program.current_dir(dir).args(["duet", "--target-dir", "target", "--exe"]);
    program.arg(old).arg("--exe").arg(new);
    program
}

/// The findings of a run, as they are printed, and the exit code.
fn findings(run: &Run) -> (Exit, String) {
    findings_if(run, false, false)
}

fn findings_if(run: &Run, strict: bool, allow_removed: bool) -> (Exit, String) {
    let again = |id: Option<&str>| format!("again --filter {}", id.unwrap_or("toy/"));
    let findings = paired_findings(&run.duet, strict, allow_removed, &again);
    let lines = findings.iter().map(|finding| format!("{finding}\n"));
    (findings.exit(), lines.collect())
}

#[track_caller]
fn fails(new: &Fake, texts: &[&str]) {
    let err = against(&Fake::new(1000), new).unwrap_err().to_string();
    for text in [&["new"], texts].concat() {
        assert!(err.contains(text), "`{text}` in {err}");
    }
}

#[test]
fn a_slower_build_is_slower_a_faster_one_faster_and_the_same_one_the_same() {
    let (fast, slow) = (Fake::new(1000), Fake::new(1100));
    let run = against(&fast, &fast).unwrap();
    assert_eq!(changes(&run), [Change::Same; 2], "{run:?}");
    assert_eq!(findings(&run), (Exit::Pass, String::new()), "no findings");
    assert_eq!(run.duet.advisory, None, "the build is like itself");
    assert_eq!(run.samples[0].blocks.len(), 10, "settled at the first look");

    let run = against(&fast, &slow).unwrap();
    assert_eq!(changes(&run), [Change::Slower; 2], "{run:?}");
    let case = &run.duet.cases[0];
    assert!(case.low <= case.ratio && case.ratio <= case.high, "{case:?}");
    assert!((case.ratio - 1.1).abs() < 0.01 && (case.new_ns - 1100.0).abs() < 10.0, "{case:?}");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Regression, "{said}");
    assert!(
        said.contains("toy/a/n1: slower: thread CPU time +")
            && said.contains("; again --filter toy/a/n1"),
        "{said}"
    );

    let run = against(&slow, &fast).unwrap();
    assert_eq!(changes(&run), [Change::Faster; 2], "{run:?}");
    assert_eq!(findings(&run).0, Exit::Pass, "a gain passes");
}

#[test]
fn a_case_is_judged_by_its_own_clock_and_margin() {
    let judged = |new: &Fake| changes(&against(&Fake::new(1000), new).unwrap());
    let mut waits = Fake::new(1000);
    waits.sample = waits.sample.replace("$t $t", "$t $((t * 11 / 10))");
    assert_eq!(judged(&waits), [Change::Same; 2], "thread CPU time");
    waits.list = waits.list.replace("thread-cpu", "cuda-event");
    assert_eq!(judged(&waits), [Change::Same; 2], "CUDA event time");
    waits.list = waits.list.replace("cuda-event", "wall");
    assert_eq!(judged(&waits), [Change::Slower; 2], "wall");
    let mut slow = Fake::new(1040);
    assert_eq!(judged(&slow), [Change::Slower; 2], "margin 3 %");
    slow.list = slow.list.replace("false", "true");
    assert_eq!(judged(&slow), [Change::Slower; 2], "margin 3 %: only the new one says otherwise");
    let mut old = Fake::new(1000);
    old.list.clone_from(&slow.list);
    let changes = changes(&against(&old, &slow).unwrap());
    assert!(!changes.contains(&Change::Slower), "margin 5 %");
}

#[test]
fn outputs_without_a_digest_are_compared_by_each_worker() {
    let mut fake = Fake::new(1000);
    fake.hello = format!("[ $# = 1 ] || exit 9; {}", fake.hello.replace("\"7\"", "\"\""));
    assert_eq!(
        changes(&against(&fake, &fake).unwrap()),
        [Change::Same; 2],
        "no worker is told one"
    );
}

#[test]
fn a_seed_draws_an_order_and_another_seed_another() {
    // Answers that count up tell the order in which they were asked for.
    let dir = tempfile::tempdir().unwrap();
    let samples = |seed| {
        let fake = Fake::counting(dir.path(), "echo \"$((n + 1000000)) 1000000\"");
        run(&Plan { seed, ..plan(dir.path(), &fake, &fake) }).unwrap().samples
    };
    let drawn = samples(1);
    assert_eq!(drawn, samples(1), "drawn again");
    assert_ne!(drawn, samples(2), "another seed");
    let [a, b] = &drawn[..] else { panic!("two cases: {drawn:?}") };
    let old_first = a.blocks.iter().flatten().filter(|[old, new]| old < new).count();
    assert!((10..=40).contains(&old_first), "{old_first} of 50 pairs");
    let a_first = a.blocks.iter().zip(&b.blocks).filter(|(a, b)| a < b).count();
    assert!((1..=9).contains(&a_first), "{a_first} of 10 blocks");
}

#[test]
fn what_is_unclear_fails_only_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    // The second of a pair takes half as long, whichever it is.
    let sample = "t=$((1000000 * (1 + n % 2))); echo $t $t";
    let noisy = Fake::counting(dir.path(), sample);
    let plan = plan(dir.path(), &noisy, &noisy);
    let run = run(&plan).unwrap();
    assert_eq!(changes(&run), [Change::Unclear; 2], "{run:?}");
    assert_eq!(run.duet.advisory, None, "noise is not one-sided");
    assert!(run.samples.iter().all(|case| case.blocks.len() == 20), "two looks");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Pass, "{said}");
    assert!(said.contains("unclear"), "{said}");
    assert_eq!(findings_if(&run, true, false).0, Exit::Unclear, "--strict");

    let exe = &plan.old.exe;
    let args = ["--seed", "1", "--filter", "toy/a", "--max-pairs", "100"];
    let out = program(dir.path(), exe, exe).args(args).output().unwrap();
    expect(&out, 0, &["toy/a/n1: unclear", "100 pairs"]);
}

#[test]
fn a_build_that_differs_from_itself_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut unlike = Fake::unlike_itself(dir.path());
    unlike.list += &format!("; {}; {}", on_gpu("toy/c-cuda/n1"), Fake::listed("box/a/n1"));
    let run = against(&unlike, &unlike).unwrap();
    let tested: Vec<_> = run.duet.self_tests.iter().map(|test| &*test.paired.id).collect();
    assert_eq!(tested, ["box/a/n1", "toy/a/n1", "toy/c-cuda/n1"], "one of each chapter");
    assert!(run.duet.advisory.is_some(), "{run:?}");
    let exe = unlike.write(dir.path(), "unlike");
    let alone = duet::self_test(&Build::new(&exe), &Tolerance::default());
    assert!(alone.unwrap().is_some(), "without another build");

    let mut program = program(dir.path(), &exe, &exe);
    program.args(["--seed", "1", "--filter", "toy/a"]);
    let out = program.output().unwrap();
    expect(&out, 0, &["advisory (exit 0)"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(
        said.lines().next().unwrap().contains("advisory: paired times only inform: "),
        "{said}"
    );
    assert!(!said.to_lowercase().contains("pass"), "{said}");

    program.arg("--strict");
    expect(&program.output().unwrap(), 6, &["paired times only inform"]);
    let mut unread = program.stdout(Stdio::piped()).spawn().unwrap();
    drop(unread.stdout.take());
    assert_eq!(unread.wait().unwrap().code(), Some(6), "the reader is gone, the verdict stays");
    if cfg!(target_os = "linux") {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        expect(&program.stdout(full).output().unwrap(), 1, &["No space left"]);
    }
}

#[test]
fn without_a_self_test_nothing_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = |change: &dyn Fn(&mut Fake)| {
        let mut fake = Fake::new(1000);
        change(&mut fake);
        let build = Build::new(fake.write(dir.path(), "build"));
        duet::self_test(&build, &Tolerance::default()).unwrap()
    };
    assert_eq!(trusted(&|_| ()), None, "it is like itself");
    let untested = Some("no case could be compared with itself".to_owned());
    assert_eq!(trusted(&|fake| fake.list = "true".to_owned()), untested, "no case");
    assert_eq!(trusted(&|fake| fake.list = on_gpu("toy/a-cuda/n1")), untested, "only a GPU");
    assert_eq!(trusted(&|fake| fake.hello = "echo 'wrong x'".to_owned()), untested, "wrong");
    assert_eq!(trusted(&|fake| fake.end = "echo 'wrong x'".to_owned()), untested, "wrong late");

    let mut slow = Fake::new(1100);
    slow.end = "[ $1 = toy/b/n1 ] && echo right || echo wrong x".to_owned();
    let run = against(&Fake::new(1000), &slow).unwrap();
    assert_eq!(changes(&run), [Change::Slower], "the other case is compared: {run:?}");
    assert_eq!(run.duet.advisory, untested, "but its chapter was not");
    assert_eq!(findings_if(&run, false, false).0, Exit::Wrong, "{run:?}");
}

#[test]
fn a_wrong_answer_has_no_time() {
    let right = Fake::new(1000);
    let mut wrong = right.clone();
    wrong.hello = "echo 'wrong y[0] is 1, expected 2'".to_owned();
    let run = against(&right, &wrong).unwrap();
    assert!(run.duet.cases.is_empty() && run.samples.is_empty(), "{run:?}");
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Wrong, "{said}");
    assert!(said.contains("the answer of NEW is wrong: y[0] is 1, expected 2"), "{said}");
    let (exit, said) = findings(&against(&wrong, &right).unwrap());
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("the answer of OLD is wrong"), "{said}");
    let mut late = right.clone();
    late.end = "echo 'wrong the timed runs left other bits'".to_owned();
    assert_eq!(findings(&against(&right, &late).unwrap()).0, Exit::Wrong, "late");
}

#[test]
fn a_case_that_one_build_lacks_is_named() {
    let (both, mut one) = (Fake::new(1000), Fake::new(1000));
    one.list = one.list.split("; ").next().unwrap().replace("scalar", "avx2");
    let run = against(&both, &one).unwrap();
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("toy/b/n1: is gone") && said.contains("--allow-removed"), "{said}");
    assert!(
        said.contains("note               toy/a/n1: is `scalar` in OLD but `avx2` in NEW"),
        "{said}"
    );
    assert_eq!(findings_if(&run, false, true).0, Exit::Pass, "allowed");
    let (exit, said) = findings(&against(&one, &both).unwrap());
    assert_eq!(exit, Exit::Pass, "{said}");
    assert!(said.contains("toy/b/n1: is new"), "{said}");
    one.list = one.list.replace("toy/a", "toy/c");
    let (exit, said) = findings_if(&against(&both, &one).unwrap(), false, true);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert!(said.contains("no selected case is both here and in old"), "{said}");
}

#[test]
fn a_case_whose_step_does_other_work_is_another_case() {
    let with = |units: u64| {
        let mut fake = Fake::new(1000 * units);
        let a = fake.list.split("; ").next().unwrap();
        let a = a.replace("false", &format!("false,\"units\":{units}"));
        fake.list = format!("{a}; {}", Fake::listed("toy/b/n1"));
        fake.hello = fake.hello.replace("1000", &(1000 * units).to_string());
        fake
    };
    let (one, two) = (with(1), with(2));
    let run = against(&one, &two).unwrap();
    let (exit, said) = findings(&run);
    assert_eq!(exit, Exit::Incomparable, "{said}");
    assert_eq!(findings_if(&run, false, true).0, Exit::Regression, "toy/b does not say: {run:?}");
    for text in
        ["toy/a/n1: is gone", "toy/a/n1: is new", "does 1 units of work a step in OLD but 2"]
    {
        assert!(said.contains(text), "`{text}` in {said}");
    }
    assert!(run.duet.cases.iter().all(|case| case.id == "toy/b/n1"), "{run:?}");
    let run = against(&one, &one).unwrap();
    assert_eq!(changes(&run), [Change::Same; 2], "the same work: {run:?}");
}

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
    let slow = script::slower(dir.path(), Path::new(STEPMARK));
    let samples = dir.path().join("samples.jsonl");
    let run = |old: &str, new: &str, filter: &str, more: &[&str]| {
        let mut program = program(dir.path(), old, new);
        program.args(["--filter", filter, "--max-pairs", "50"]).args(more).output().unwrap()
    };
    let (id, slow) = ("mvar/step-d20-p5/n64", slow.to_str().unwrap());
    let file = samples.to_str().unwrap();
    let out = run(STEPMARK, slow, id, &["--seed", "5", "--samples", file]);
    let again =
        format!("; cargo run --release -- duet --exe {STEPMARK} --exe {slow} --filter {id}");
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

fn duet_of(toy: &Repository, args: &[&str]) -> Output {
    toy.run(&[&["duet"], args].concat())
}

#[test]
fn a_revision_is_built_and_compared_with_the_working_tree() {
    let toy = Repository::new();
    toy.commit("fn main() { std::process::exit(2) }");
    toy.commit("fn main() { does not build }");
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1100));
    // The lock is not committed, so the other build gets this one.
    let lock = toy.package().join("Cargo.lock");
    fs::write(&lock, "broken").unwrap();
    expect(&duet_of(&toy, &["HEAD~1"]), 1, &["HEAD~1 (", "duet/old/kernels/Cargo.lock"]);
    fs::remove_file(&lock).unwrap();
    expect(
        &duet_of(&toy, &["HEAD~1"]),
        3,
        &[
            "duet: 1 cases against HEAD~1 (",
            &format!("FAIL regression    {CASE}: slower: thread CPU time +"),
            &format!("; cargo run --release -- duet HEAD~1 --filter {CASE}"),
        ],
    );
    expect(&duet_of(&toy, &["HEAD~2"]), 1, &["HEAD~2 (", "does not build", "error: expected"]);
    expect(&duet_of(&toy, &["HEAD~3"]), 1, &["it is older than paired runs"]);
    expect(
        &duet_of(&toy, &["no-such-branch"]),
        1,
        &["`no-such-branch` is no revision", "git fetch"],
    );
    expect(&duet_of(&toy, &["--", "--exec=x"]), 1, &["`--exec=x` is no revision"]);

    toy.git(&["checkout", "--quiet", "--detach"]);
    let same = "note               paired: both builds are the same, byte for byte";
    expect(&duet_of(&toy, &["HEAD"]), 0, &[same, "pass (exit 0)", "1 same"]);
    let unknown = &duet_of(&toy, &["HEAD", "--features", "unknown"]);
    let no_build = &duet_of(&toy, &["--exe", "a", "--exe", "b", "--features", "unknown"]);
    expect(no_build, 2, &["--features is for builds"]);
    expect(unknown, 1, &["does not build", "unknown", "duet HEAD --features unknown"]);
    let built = |side: &str| {
        let file = format!("target/stepmark/duet/build-{side}/release/stepmark");
        fs::read(toy.package().join(file)).unwrap()
    };
    assert!(built("old") == built("new"), "the same sources give the same bytes");

    // What stands where the worktree was is made way for.
    let worktree = toy.package().join("target/stepmark/duet/old");
    fs::remove_file(worktree.join(".git")).unwrap();
    fs::write(worktree.join("kernels/main.rs"), "fn main() {}").unwrap();
    toy.write(&main_of(1000));
    expect(&duet_of(&toy, &["HEAD~1"]), 0, &["the working tree has uncommitted changes", "1 same"]);
    fs::create_dir(toy.package().join(".cargo")).unwrap();
    fs::write(toy.package().join(".cargo/config.toml"), "[term]\nquiet = true\n").unwrap();
    toy.git(&["add", ".cargo"]);
    let other = "paired: kernels/.cargo/config.toml is another in HEAD~1 (";
    expect(&duet_of(&toy, &["HEAD~1"]), 0, &[other, "1 same"]);
    // Older files than those of the last build are built again.
    expect(&duet_of(&toy, &["HEAD"]), 0, &["1 faster"]);

    let lock = Lock::take(&toy.package().join("target")).unwrap();
    let pid =
        format!("another paired run is under way in this checkout (pid {})", std::process::id());
    expect(&duet_of(&toy, &["HEAD"]), 1, &[&pid]);
    drop(lock);
    let file = toy.package().join("main.rs");
    expect(
        &duet_of(&toy, &["HEAD", "--target-dir", file.to_str().unwrap()]),
        1,
        &["main.rs/stepmark"],
    );
}

#[test]
fn a_revision_that_cannot_be_found_is_said_to_be_missing_and_why() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1100));
    let url = format!("file://{}", toy.dir.path().join("repository").display());
    toy.git(&["clone", "--quiet", "--depth", "1", &url, "../../shallow"]);
    let shallow = toy.dir.path().join("shallow/kernels");
    let out = stepmark(&toy.program, &shallow, &["duet", "HEAD~1"]);
    expect(&out, 1, &["`HEAD~1` is not in this shallow clone", "fetch-depth: 0"]);

    let mut without = Command::new(&toy.program);
    without.current_dir(toy.package()).args(["duet", "HEAD"]).env("PATH", "/nonexistent");
    without.env("CARGO", cargo());
    expect(&without.output().unwrap(), 1, &["git does not start", "--exe OLD --exe NEW"]);

    fs::remove_dir_all(toy.dir.path().join("repository/.git")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["kernels: not in a git repository"]);
    fs::write(toy.package().join("Cargo.toml"), MANIFEST.replace("stepmark", "other")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["has the program `stepmark`"]);
    fs::remove_file(toy.package().join("Cargo.toml")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["no cargo package here", "Cargo.toml"]);
}

/// The cargo that runs this test.
fn cargo() -> String {
    std::env::var("CARGO").unwrap()
}
