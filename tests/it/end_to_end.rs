//! The whole chain on a copy of the crate: plant a fault, measure, and see the gate name it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::setup::copy::{COUNT, Copy, SETTINGS};

/// The cases of the kernel that is changed: only these are measured.
const FILTER: &str = "lattice/nearest-";
const KERNEL: &str = "src/lattice/nearest.rs";
/// A loop over the batch, the same by rows of 100 vectors, and by columns: as many instructions.
const LOOP: &str = "for i in 0..n {";
const ROWS: &str = "for j in 0..n { let i = j / 100 * 100 + j % 100;";
const COLUMNS: &str = "for j in 0..n { let i = j % 100 * 100 + j / 100;";
const GATE: &str = "gate --filter lattice/nearest- --baseline before.json";

fn copy() -> Copy {
    let mut copy = Copy::of(
        ".",
        &[
            "src",
            "benches",
            "tests",
            "fixtures",
            "ci",
            ".cargo",
            "Cargo.toml",
            "Cargo.lock",
            "build.rs",
        ],
    );
    // The script's cargo builds as this test does.
    let quoted = SETTINGS.map(|setting| format!("--config '{setting}'")).join(" ");
    let cargo = format!("#!/bin/sh\nexec {} {quoted} \"$@\" --profile test\n", env!("CARGO"));
    let bin = copy.dir.join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("cargo"), cargo).unwrap();
    fs::set_permissions(bin.join("cargo"), Permissions::from_mode(0o755)).unwrap();
    let path = env::var_os("PATH").unwrap();
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&path))).unwrap();
    copy.env = vec![
        // The variable that cargo sets for what it runs.
        ("CARGO_MANIFEST_DIR", copy.dir.clone().into()),
        ("PATH", path),
        ("STEPMARK", program(&copy).into()),
    ];
    let kernel = fs::read_to_string(KERNEL).unwrap();
    assert_eq!(kernel.matches(LOOP).count(), 1, "`{LOOP}` in {KERNEL}");
    fs::write(copy.dir.join(KERNEL), kernel.replace(LOOP, ROWS)).unwrap();
    let all = fs::read_to_string("benches/cases.txt").unwrap();
    let some: Vec<&str> = all.lines().filter(|id| id.contains(FILTER)).collect();
    fs::write(copy.dir.join("benches/cases.txt"), some.join("\n") + "\n").unwrap();
    copy
}

/// The command, as it was built beside the last bench.
fn program(copy: &Copy) -> PathBuf {
    copy.target.join("debug/stepmark")
}

#[track_caller]
fn stepmark(copy: &Copy, args: &str, code: i32, texts: &[&str]) {
    copy.expect(&program(copy), args, code, texts);
}

/// Measures and records; returns the record.
fn measure(copy: &Copy) -> PathBuf {
    copy.expect(Copy::cargo(), COUNT, 0, &["3 benchmarks finished"]);
    stepmark(copy, "record", 0, &["instructions/lattice: 3 cases"]);
    copy.target.join("stepmark/instructions/lattice.json")
}

/// The lines of a record that hold its cases, as far as their numbers.
fn cases(record: &Path) -> Vec<String> {
    let text = fs::read_to_string(record).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(",\"origin\""));
    lines.map(|(numbers, _)| numbers.to_owned()).collect()
}

#[test]
#[ignore = "needs Valgrind and iai-callgrind-runner; ci/test.sh runs it"]
fn a_fault_planted_in_a_copy_of_the_crate_is_found() {
    let copy = copy();
    let baseline = copy.dir.join("before.json");
    fs::copy(measure(&copy), &baseline).unwrap();
    let shown = fs::read_to_string(&baseline).unwrap().contains(", cpuid 1 ");
    assert!(shown || !cfg!(target_arch = "x86_64"), "the processor that Valgrind shows");
    stepmark(&copy, GATE, 0, &["pass (exit 0): 3 of 3 cases compared"]);
    assert_eq!(cases(&baseline), cases(&measure(&copy)), "counts of two runs");
    stepmark(&copy, GATE, 0, &["no findings"]);
    copy.with_planted("benches/cases.txt", "lattice/nearest-d4/n10000\n", "", || {
        copy.expect(Copy::cargo(), COUNT, 0, &["2 benchmarks finished"]);
    });

    let call = "let point = nearest_one::<L, D>(z, 0);";
    let twice = "let _again = std::hint::black_box(Box::new(nearest_one::<L, D>(z, 0)));";
    copy.with_planted(KERNEL, call, &format!("{twice} {call}"), || {
        stepmark(&copy, GATE, 5, &["this executable was built from other sources"]);
        measure(&copy);
        let case = "lattice/nearest-d4/n10000";
        let counted = format!("{case}: instructions");
        stepmark(&copy, GATE, 3, &[&counted, &format!("{case}: heap blocks per step 0 -> 10000")]);
    });

    copy.with_planted(KERNEL, ROWS, COLUMNS, || {
        measure(&copy);
        let (code, said) = copy.run(&program(&copy), GATE);
        assert_eq!(code, Some(3), "{said}");
        for case in ["z2", "d4", "e8"].map(|lattice| format!("lattice/nearest-{lattice}/n10000")) {
            assert!(said.contains(&format!("FAIL regression    {case}: D1 misses")), "{said}");
        }
        let more = |line: &str| line.starts_with("FAIL") && line.contains(": instructions");
        assert!(!said.lines().any(more), "as many instructions as by rows\n{said}");
    });

    copy.with_planted(KERNEL, "y[k * n + i] = p;", "y[k * n + i] = -p;", || {
        let args = format!("{} --markdown m.md", &GATE["gate ".len()..]);
        let wrong = "lattice/nearest-d4/n10000: twice point 0";
        let texts = ["gate.sh: the bench failed", wrong, "wrong result by `right`"];
        copy.expect(&copy.dir.join("ci/gate.sh"), &args, 4, &texts);
        let comment = fs::read_to_string(copy.dir.join("m.md")).unwrap();
        assert!(comment.contains("stepmark gate: wrong result (exit 4)"), "{comment}");
    });
}
