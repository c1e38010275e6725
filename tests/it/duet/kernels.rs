//! Kernels that hide what they cost, or go wrong where nobody looks, in real workers: the worker is
//! this test program, started again.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use stepmark::case::{Case, Step, Work};
use stepmark::cli::{self, Suite};

use crate::setup::repository::expect;
use crate::setup::script::executable;

use super::program;

/// Arguments of a worker, and the deed of its kernel.
const WORKER: &str = "STEPMARK_TEST_WORKER";
const DEED: &str = "STEPMARK_TEST_DEED";

/// About half a millisecond of work, or a multiple of it.
fn work(times: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let rounds = (200_000.0 * times) as u64;
    (0..rounds).fold(1, |x: u64, i| std::hint::black_box(x.wrapping_mul(6_364_136_223) ^ i))
}

/// Has a page written to the disk.
fn sync(file: &mut File) {
    file.rewind().unwrap();
    file.write_all(&[7; 4096]).unwrap();
    file.sync_all().unwrap();
}

/// How long a kernel waits whose wait has a known length: half of its work.
const WAIT: Duration = Duration::from_micros(250);

/// Reads what another thread writes into a pipe only after a while.
fn hear() {
    let (mut ear, mut mouth) = io::pipe().unwrap();
    thread::spawn(move || {
        thread::sleep(WAIT);
        mouth.write_all(b"x").unwrap();
    });
    ear.read_exact(&mut [0]).unwrap();
}

/// A file on the disk that this is built on.
fn file() -> File {
    tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A kernel that leaves 7.
struct Kernel {
    calls: u32,
    output: u64,
    deed: String,
    /// Asks another thread to work, and hears of its end.
    pool: (mpsc::Sender<f64>, mpsc::Receiver<u64>),
    file: File,
}

impl Kernel {
    fn new(deed: String) -> Self {
        let (ask, asked) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || asked.iter().try_for_each(|times| tell.send(work(times))));
        Self { calls: 0, output: 0, deed, pool: (ask, told), file: file() }
    }
}

impl Step for Kernel {
    fn run(&mut self) {
        self.calls += 1;
        let late = self.calls > 40;
        self.output = 7;
        if self.deed.starts_with("short") {
            work(0.04);
        } else {
            work(1.0);
        }
        match &*self.deed {
            "none" | "exact" | "short" => {}
            "other bits" | "exact, other bits" => self.output = 8,
            "sleep" => thread::sleep(WAIT),
            "sleep long" => thread::sleep(Duration::from_millis(100)),
            "sync" => sync(&mut self.file),
            "pipe" => hear(),
            "condition" => {
                let (lock, never) = (Mutex::new(()), Condvar::new());
                drop(never.wait_timeout(lock.lock().unwrap(), WAIT).unwrap());
            }
            "pool" => {
                self.pool.0.send(1.1).unwrap();
                self.pool.1.recv().unwrap();
            }
            "pool beside" => {
                self.pool.0.send(1.1).unwrap();
                work(1.1);
                self.pool.1.recv().unwrap();
            }
            "process" => drop(Command::new("true").status()),
            "spin" => drop(work(0.5)),
            "wrong at each seventh" => self.output += u64::from(self.calls.is_multiple_of(7)),
            "short, wrong late" => {
                self.output += u64::from(late && self.calls.is_multiple_of(7));
            }
            "short, panic late" => assert!(!late, "out of vectors"),
            "short, exit late" if !late => {}
            "exit" | "short, exit late" => process::exit(0),
            other => panic!("`{other}` is no deed"),
        }
    }

    fn spoil(&mut self) {
        self.output = 0;
    }

    fn digest(&self) -> u64 {
        self.output
    }

    fn check(&self) -> Result<(), String> {
        // A bound, for what is not exact.
        if self.output >= 7 { Ok(()) } else { Err("not 7".to_owned()) }
    }
}

#[test]
#[ignore = "is the worker of the other tests"]
fn a_kernel_of_these_tests_in_a_worker() {
    let Ok(line) = env::var(WORKER) else { return };
    let deed = env::var(DEED).unwrap();
    let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
    let exact = deed.starts_with("exact");
    let case = Case::new("toy/a/n1", "scalar", work, move || Kernel::new(deed.clone()));
    let case = if exact { case.exact() } else { case };
    let suite = Suite { cases: vec![case], ..Suite::default() };
    let args = ["stepmark"].into_iter().chain(line.split(' '));
    // The test harness writes to the standard output.
    let mut out = File::options().write(true).open("/proc/self/fd/3").unwrap();
    let exit = cli::run(&suite, args, &mut out, &mut io::stderr());
    process::exit(exit.code().into());
}

/// A program that is a worker of the kernel with a deed.
fn build(dir: &Path, deed: &str) -> PathBuf {
    let test = "duet::kernels::a_kernel_of_these_tests_in_a_worker";
    let script = format!(
        "#!/bin/sh\n{WORKER}=\"$*\" {DEED}='{deed}' exec '{}' {test} --exact --ignored --nocapture \
         3>&1 >/dev/null\n",
        env::current_exe().unwrap().display()
    );
    executable(dir, &deed.replace([' ', ','], "-"), &script)
}

/// Compares the kernels with two deeds.
fn duet(old: &str, new: &str, more: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (build(dir.path(), old), build(dir.path(), new));
    program(dir.path(), old, new).args(["--max-pairs", "50"]).args(more).output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_wait_is_a_cost() {
    let slower = "FAIL regression    toy/a/n1: slower: CPU and wait time +";
    let (mut file, start) = (file(), Instant::now());
    (0..10).for_each(|_| sync(&mut file));
    // Memory that passes for a disk is waited for by nobody.
    let is_disk = start.elapsed() > Duration::from_micros(500);
    let deeds = ["sleep", "process", "pipe", "condition"].into_iter();
    for deed in deeds.chain(is_disk.then_some("sync")) {
        let out = duet("none", deed, &[]);
        expect(&out, 3, &[slower, "; of a step, CPU time ", "waited 0.0 us and "]);
    }
    expect(&duet("none", "spin", &[]), 3, &[slower]);
    let out = duet("sleep", "sleep", &[]);
    assert_eq!(out.status.code(), Some(0), "a wait of both is no change: {out:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn work_on_another_thread_is_a_cost() {
    let slower = "FAIL regression    toy/a/n1: slower: CPU and wait time +";
    let note = "note               toy/a/n1: runs on several threads but does not say so";
    for deed in ["pool", "pool beside"] {
        expect(&duet("none", deed, &[]), 3, &[slower, note]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_goes_wrong_at_some_calls_is_wrong() {
    let wrong = "FAIL wrong result  toy/a/n1: the answer of NEW is wrong: ";
    let out = duet("none", "wrong at each seventh", &[]);
    expect(&out, 4, &[wrong, "run 7 leaves 0000000000000008"]);
    let out = duet("short", "short, wrong late", &[]);
    expect(&out, 4, &[wrong, "the timed runs left other bits: digest 0000000000000008"]);
    let out = duet("short", "short, panic late", &[]);
    expect(&out, 4, &[wrong, "panicked: out of vectors"]);
    for exit in ["exit", "short, exit late"] {
        let out = duet("short", exit, &[]);
        let ended = "FAIL wrong result  toy/a/n1: NEW: ended the process that ran it: ";
        expect(&out, 4, &[ended, "exit status: 0"]);
    }
    let out = duet("short, exit late", "short", &[]);
    let ended = "FAIL incomparable  toy/a/n1: OLD: ended the process that ran it: ";
    expect(&out, 5, &[ended, "exit status: 0"]);
}

#[test]
#[cfg(target_os = "linux")]
fn other_bits_are_a_note_unless_the_case_is_exact() {
    let bits =
        "toy/a/n1: leaves other bits in NEW (0000000000000008) than in OLD (0000000000000007)";
    let out = duet("none", "other bits", &[]);
    expect(
        &out,
        0,
        &[&format!("note               {bits}"), "0 slower, 0 faster", "0 not compared"],
    );
    let out = duet("exact", "exact, other bits", &[]);
    expect(&out, 5, &[&format!("FAIL incomparable  {bits}"), "--allow-changed"]);
    expect(
        &duet("exact", "exact, other bits", &["--allow-changed"]),
        0,
        &[bits, "0 slower, 0 faster", "0 not compared"],
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_real_step_that_became_much_faster_is_faster() {
    expect(&duet("sleep long", "short", &[]), 0, &["note", "toy/a/n1: faster: ", "1 faster"]);
}
