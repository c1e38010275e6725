//! Tests of a worker without its process.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use super::*;
use crate::case::Work;

/// Leaves what a function returns, where 7 is right.
struct Leaves<F> {
    output: u64,
    compute: F,
}

impl<F: FnMut() -> u64> Step for Leaves<F> {
    fn run(&mut self) {
        self.output = (self.compute)();
    }
    fn spoil(&mut self) {
        self.output = 0;
    }
    fn digest(&self) -> u64 {
        self.output
    }
    fn check(&self) -> Result<(), String> {
        if self.output == 7 { Ok(()) } else { Err("not 7".to_owned()) }
    }
}

fn case<F: FnMut() -> u64 + 'static>(compute: impl Fn() -> F + 'static) -> Case {
    let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
    let prepare = move || Leaves { output: 0, compute: compute() };
    Case::new("test/seven/n1", "scalar", work, prepare)
}

/// A worker of `case`, whose first run is right.
fn worker(case: &Case, protocol: u32) -> Worker {
    let mut worker = Worker::prepare(case, on_cpu(case), Some(7), protocol).unwrap();
    // A long step, which is not run once more before it is timed.
    worker.step_ns = 1e9;
    worker
}

/// Serves requests for a case that is right at the first runs, one of which prepares it.
fn served(
    right: u32,
    protocol: u32,
    requests: &str,
    change: impl FnOnce(&mut Worker),
) -> (Result<(), Trouble>, Vec<String>) {
    let case = case(move || {
        let mut runs = 0;
        move || {
            runs += 1;
            if runs <= right { 7 } else { 8 }
        }
    });
    let mut worker = worker(&case, protocol);
    change(&mut worker);
    let mut out = Vec::new();
    let ended = worker.serve(requests.as_bytes(), &mut out);
    let lines = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    (ended, lines)
}

fn is_wrong(ended: &Result<(), Trouble>) -> bool {
    let late = "the timed runs left other bits: digest ";
    matches!(ended, Err(Trouble::Wrong(why)) if why.starts_with(late))
}

#[test]
fn timed_runs_that_leave_other_bits_are_wrong_at_the_end() {
    let long_check = |worker: &mut Worker| worker.check = Duration::from_secs(9);
    for protocol in [FIRST, PROTOCOL] {
        let (ended, lines) = served(4, protocol, "sample 3\nend\n", long_check);
        let [times, last] = &lines[..] else { panic!("two lines: {lines:?}") };
        assert!(protocol::times(times, protocol).is_some(), "{times}");
        assert_eq!((ended, &**last), (Ok(()), RIGHT), "right to the end");
        let (ended, lines) = served(3, protocol, "sample 3\nend\n", long_check);
        assert!(is_wrong(&ended) && lines.len() == 1, "{ended:?}: {lines:?}");
    }
    let (ended, _) = served(4, PROTOCOL, "sample 3\nend\n", |worker| {
        long_check(worker);
        worker.step_ns = 1e3;
    });
    assert!(is_wrong(&ended), "a short step runs once more, untimed: {ended:?}");
}

#[test]
fn a_check_that_is_shorter_than_its_sample_follows_each() {
    let requests = "sample 1 2\nsample 1\nend\n";
    let (ended, lines) = served(5, PROTOCOL, requests, |_| ());
    assert_eq!((ended, lines.len()), (Ok(()), 3), "right to the end: {lines:?}");
    let (ended, lines) = served(4, PROTOCOL, requests, |_| ());
    assert!(is_wrong(&ended) && lines.len() == 1, "the second sample: {ended:?}: {lines:?}");
    let (ended, lines) = served(3, PROTOCOL, requests, |_| ());
    assert!(is_wrong(&ended) && lines.is_empty(), "a lead of two: {ended:?}: {lines:?}");
    let (ended, lines) = served(4, FIRST, requests, |_| ());
    assert!(is_wrong(&ended) && lines.len() == 2, "at the end: {ended:?}: {lines:?}");
}

/// Computes only so many times; what it computed before is still there.
struct Stops {
    left: u32,
    output: u64,
}

impl Step for Stops {
    fn run(&mut self) {
        if self.left > 0 {
            (self.left, self.output) = (self.left - 1, 7);
        }
    }
    fn spoil(&mut self) {
        self.output = 0;
    }
    fn digest(&self) -> u64 {
        self.output
    }
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn what_a_sample_leaves_must_have_been_computed_since_the_one_before() {
    let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
    let stops = Case::new("test/stops/n1", "scalar", work, || Stops { left: 2, output: 0 });
    let mut out = Vec::new();
    let ended = worker(&stops, PROTOCOL).serve(&b"sample 1\nsample 1\nend\n"[..], &mut out);
    assert!(is_wrong(&ended), "{ended:?}");
    assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1, "the first sample is right");
}

#[test]
fn the_end_of_the_requests_ends_a_worker_and_an_unknown_one_is_a_failure() {
    let (ended, lines) = served(9, PROTOCOL, "sample 1\nsample 1 0\n", |_| ());
    assert_eq!((ended, lines.len()), (Ok(()), 2), "{lines:?}");
    for request in ["stop\n", "sample 0\n", "sample -1\n", "sample 1 16\n", "\n"] {
        let (ended, _) = served(9, PROTOCOL, request, |_| ());
        let Err(Trouble::Failed(why)) = &ended else { panic!("{request}: {ended:?}") };
        assert!(why.ends_with("is no request"), "{why}");
    }
}

/// The first words of a worker about a case.
fn hello(case: &Case, protocol: u32) -> Result<Hello, Trouble> {
    let mut worker = Worker::prepare(case, on_cpu(case), Some(7), protocol)?;
    let mut out = Vec::new();
    worker.hello(&mut out)?;
    Ok(serde_json::from_slice(&out).unwrap())
}

/// By CPU time, of which a busy machine takes nothing away.
#[cfg(unix)]
fn spin() -> u64 {
    while clock::thread() < Duration::from_millis(20) {}
    7
}

#[test]
#[cfg(unix)]
fn a_step_on_other_threads_says_so_and_its_time_is_that_of_all() {
    let elsewhere = case(|| || thread::spawn(spin).join().unwrap());
    assert_eq!(on_cpu(&elsewhere).metric, Metric::CpuWait, "undeclared");
    assert!(hello(&elsewhere, PROTOCOL).unwrap().threads, "undeclared");
    let mut timed = worker(&elsewhere, PROTOCOL);
    let took = timed.sample(1, 0).unwrap();
    let times = timed.times(&took);
    assert!(times.clock >= 20_000_000, "{times:?}");
    // By the CPU time of one thread it would take none.
    let Err(Trouble::Failed(why)) = hello(&elsewhere, FIRST) else { panic!("hidden time") };
    assert!(why.contains("add `.threaded()` to the case"), "{why}");

    let declared = elsewhere.threaded();
    assert_eq!(on_cpu(&declared).metric, Metric::Wall, "declared");
    let said = hello(&declared, FIRST).unwrap();
    assert!(said.step_ns > 1e7 && !said.threads, "{said:?}");

    static STOLEN: AtomicBool = AtomicBool::new(false);
    let once = case(|| {
        || if STOLEN.swap(false, Relaxed) { thread::spawn(spin).join().unwrap() } else { 7 }
    });
    let mut worker = Worker::prepare(&once, on_cpu(&once), Some(7), PROTOCOL).unwrap();
    STOLEN.store(true, Relaxed);
    let mut out = Vec::new();
    worker.hello(&mut out).unwrap();
    let said: Hello = serde_json::from_slice(&out).unwrap();
    // Tests beside this one have threads, too.
    assert!(said.step_ns < 1e6, "{said:?}, though 20 ms were lost once");
}

#[test]
#[cfg(target_os = "linux")]
fn a_step_that_sleeps_has_waited() {
    let sleeps = case(|| {
        || {
            thread::sleep(Duration::from_millis(2));
            7
        }
    });
    let mut worker = worker(&sleeps, PROTOCOL);
    let took = worker.sample(3, 1).unwrap();
    let times = worker.times(&took);
    assert!(times.waited > 5_000_000 && times.wall >= times.waited, "{times:?}");
    assert!(took.clock < Duration::from_millis(3), "{took:?}");
}
