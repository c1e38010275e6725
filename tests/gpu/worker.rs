//! Workers and pairs that time launches.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use stepmark::case::Case;
use stepmark::gate::Metric;
use stepmark::gate::duet::protocol::{self, FAILED, Hello, Listed, PROTOCOL, RIGHT};
use stepmark::registry;

use crate::device;
use crate::script;

const HOT: &str = "lattice/encode-z2-q4-m2-cuda/n10000";

const COLD: &str = "lattice/expand-8x-cuda-cold/n16777216";

fn program() -> PathBuf {
    let beside = env::current_exe().unwrap().with_file_name("stepmark");
    if beside.exists() { beside } else { env!("CARGO_BIN_EXE_stepmark").into() }
}

/// Runs a worker to the end of the requests, with a variable set, if it has a name.
fn worker(arg: &str, requests: &str, (name, value): (&str, &str)) -> Output {
    let mut worker = Command::new(program());
    worker.args(["worker", arg]).envs((!name.is_empty()).then_some((name, value)));
    worker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut worker = worker.spawn().unwrap();
    // One that fails reads none of them.
    let _ = worker.stdin.take().unwrap().write_all(requests.as_bytes());
    worker.wait_with_output().unwrap()
}

/// The lines of a worker that ends with `code`.
#[track_caller]
fn lines(out: &Output, code: i32) -> Vec<String> {
    assert_eq!(out.status.code(), Some(code), "{out:?}");
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

/// The ids of the cases on a GPU, and of those on the CPU.
fn ids() -> (Vec<String>, Vec<String>) {
    let (on_gpu, on_cpu): (Vec<_>, Vec<_>) =
        registry::cases().into_iter().partition(Case::is_on_device);
    let ids = |cases: Vec<Case>| cases.into_iter().map(|case| case.id).collect();
    (ids(on_gpu), ids(on_cpu))
}

#[test]
fn a_worker_lists_the_cases_of_a_device_after_those_of_the_cpu() {
    let device = device();
    let lines = lines(&worker("--list", "", ("", "")), 0);
    let listed: Vec<Listed> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (on_gpu, on_cpu) = ids();
    let ids = on_cpu.iter().chain(on_gpu.iter().filter(|_| device.is_some()));
    assert!(listed.iter().map(|case| &case.id).eq(ids), "{listed:?}");
    let Some(device) = device else { return };
    let (_, on_gpu) = listed.split_at(on_cpu.len());
    let implementation = if device.is_emulated() { "emulated" } else { "cuda" };
    for case in on_gpu {
        assert_eq!((case.metric, &*case.implementation), (Metric::CudaEvent, implementation));
    }
    let memory_bound = |id| on_gpu.iter().find(|case| case.id == id).unwrap().memory_bound;
    assert!(memory_bound(COLD) && !memory_bound(HOT), "the L2 cache holds the smaller one");
}

#[test]
fn a_worker_times_launches_and_verifies_what_they_left() {
    let Some(_) = device() else { return };
    for id in [HOT, COLD] {
        let lines_of = |requests, code| lines(&worker(id, requests, ("", "")), code);
        let said = lines_of("sample 1\nsample 1000\nend\n", 0);
        let [hello, one, many, end] = &said[..] else { panic!("four lines: {said:?}") };
        let hello: Hello = serde_json::from_str(hello).unwrap();
        assert_eq!((&*hello.id, &*hello.digest), (id, ""), "compared each time");
        let [one, many] = [one, many].map(|line| protocol::times(line, PROTOCOL).unwrap());
        assert!(one.clock > 0 && one.clock <= one.wall && many.clock <= many.wall, "{said:?}");
        assert_eq!((one.waited, many.waited), (0, 0), "{said:?}");
        // Something else may run meanwhile, but not always.
        assert!(many.clock as f64 >= 10.0 * hello.step_ns, "a thousand launches: {said:?}");
        assert_eq!(end, RIGHT, "{said:?}");

        let said = lines_of("end\n", 4);
        assert!(said[1].starts_with("wrong the timed runs left other bits: "), "{said:?}");
    }
}

#[test]
fn a_gpu_that_cannot_be_used_is_a_failure_of_the_tool() {
    let Some(device) = device() else { return };
    if !device.is_emulated() {
        println!("the driver is a real one: skipped");
        return;
    }
    let fails = |arg, variable, why: &str| {
        let out = worker(arg, "", variable);
        let lines = lines(&out, 1);
        assert!(lines.len() < 2 && lines.iter().all(|line| line.starts_with(FAILED)), "{out:?}");
        assert_eq!(lines.is_empty(), arg == "--list", "{out:?}");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains("tool failure: ") && said.contains(why), "{said}");
    };
    let unknown = ("STEPMARK_CUDA_INIT", "999");
    fails("--list", unknown, "the CUDA driver refuses: DriverError(CUDA_ERROR_UNKNOWN");
    fails(HOT, unknown, "CUDA_ERROR_UNKNOWN");
    fails(HOT, ("STEPMARK_CLOCK_KHZ", "2000000"), "the GPU is throttled: its clock ran at 50 %");
    let (_, cpu) = ids();
    assert_eq!(lines(&worker(&cpu[0], "", unknown), 0).len(), 1, "nothing but a hello");

    let none = ("STEPMARK_CUDA_INIT", "100");
    assert_eq!(lines(&worker("--list", "", none), 0).len(), cpu.len(), "without a device");
    fails(HOT, none, "there is no CUDA device for lattice/");
    lines(&worker("lattice/none-cuda/n1", "", none), 2);

    let check = |(name, value): (&str, &str)| {
        Command::new(program())
            .args(["check", "--filter", COLD])
            .envs((!name.is_empty()).then_some((name, value)))
            .output()
            .unwrap()
    };
    let [skipped, count] = &lines(&check(none), 0)[..] else { panic!("two lines") };
    assert_eq!(*skipped, format!("skip   {COLD}: no CUDA device"));
    assert_eq!(count, "1 case, 0 wrong, 1 skipped");
    assert_eq!(lines(&check(("", "")), 0)[0], format!("ok     {COLD}"));
    let [failed, count] = &lines(&check(unknown), 1)[..] else { panic!("two lines") };
    assert!(failed.starts_with(&format!("FAIL   {COLD}: ")), "{failed}");
    assert_eq!(count, "1 case, 0 wrong, 1 without a verdict");
}

#[test]
#[cfg(unix)]
fn paired_runs_compare_launches_by_cuda_events() {
    let Some(_) = device() else { return };
    let dir = tempfile::tempdir().unwrap();
    let old = program();
    let mut duet = Command::new(&old);
    duet.current_dir(dir.path()).args(["duet", "--target-dir", "target", "--exe"]).arg(&old);
    duet.arg("--exe").arg(script::slower(dir.path(), &old));
    let out = duet.args(["--filter", "-8x-cuda", "--max-pairs", "50"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    for id in ["lattice/expand-8x-cuda/n16777216", COLD] {
        let slower = format!("FAIL regression    {id}: slower: CUDA event time +");
        assert!(said.contains(&slower), "`{slower}` in {said}");
    }
}
