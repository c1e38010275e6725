//! The whole chain on a copy of the crate: plant a fault, measure, and see the gate name it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/copy.rs"]
mod copy;

use std::fs;
use std::path::{Path, PathBuf};

use copy::Copy;

/// What the copy measures: the cases of the kernel that is changed.
const FILTER: &str = "lattice/nearest-";
const KERNEL: &str = "src/lattice/nearest.rs";
/// A loop over the batch, the same by rows of 100 vectors, and by columns: as many instructions.
const LOOP: &str = "for i in 0..n {";
const ROWS: &str = "for j in 0..n { let i = j / 100 * 100 + j % 100;";
const COLUMNS: &str = "for j in 0..n { let i = j % 100 * 100 + j / 100;";
const BENCH: &str = "bench --profile test --features instructions --bench instructions";
const GATE: &str = "gate --filter lattice/nearest- --baseline before.json";

fn copy() -> Copy {
    let mut copy = Copy::of(
        ".",
        &["src", "benches", "fixtures", ".cargo", "Cargo.toml", "Cargo.lock", "build.rs"],
    );
    copy.tells = true;
    let kernel = fs::read_to_string(KERNEL).unwrap();
    assert_eq!(kernel.matches(LOOP).count(), 1, "`{LOOP}` in {KERNEL}");
    fs::write(copy.dir.join(KERNEL), kernel.replace(LOOP, ROWS)).unwrap();
    let all = fs::read_to_string("benches/cases.txt").unwrap();
    let some: Vec<&str> = all.lines().filter(|id| id.contains(FILTER)).collect();
    fs::write(copy.dir.join("benches/cases.txt"), some.join("\n") + "\n").unwrap();
    copy
}

/// Runs the command, as it was built beside the last bench.
#[track_caller]
fn stepmark(copy: &Copy, args: &str, code: i32, texts: &[&str]) {
    copy.expect(&copy.target.join("debug/stepmark"), args, code, texts);
}

/// Measures and records; returns the record.
fn measure(copy: &Copy) -> PathBuf {
    copy.expect(Copy::cargo(), BENCH, 0, &["3 benchmarks finished"]);
    stepmark(copy, "record", 0, &["instructions: 3 cases"]);
    copy.target.join("stepmark/instructions.json")
}

/// The lines of a record that hold its cases.
fn cases(record: &Path) -> Vec<String> {
    let text = fs::read_to_string(record).unwrap();
    text.lines().filter(|line| line.contains("\"id\"")).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs Valgrind and iai-callgrind-runner; ci/test.sh runs it"]
fn a_fault_planted_in_a_copy_of_the_crate_is_found() {
    let copy = copy();
    let baseline = copy.dir.join("before.json");
    fs::copy(measure(&copy), &baseline).unwrap();
    stepmark(&copy, GATE, 0, &["pass (exit 0): 3 of 3 cases compared"]);
    assert_eq!(cases(&baseline), cases(&measure(&copy)), "counts of two runs");
    stepmark(&copy, GATE, 0, &["no findings"]);

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
        let (code, said) = copy.run(&copy.target.join("debug/stepmark"), GATE);
        assert_eq!(code, Some(3), "{said}");
        for case in ["z2", "d4", "e8"].map(|lattice| format!("lattice/nearest-{lattice}/n10000")) {
            assert!(said.contains(&format!("FAIL regression    {case}: D1 misses")), "{said}");
        }
        let more = |line: &str| line.starts_with("FAIL") && line.contains(": instructions");
        assert!(!said.lines().any(more), "as many instructions as by rows\n{said}");
    });

    copy.with_planted(KERNEL, "y[k * n + i] = p;", "y[k * n + i] = -p;", || {
        let (code, said) = copy.run(Copy::cargo(), BENCH);
        assert_ne!(code, Some(0), "a wrong kernel is not counted\n{said}");
        stepmark(
            &copy,
            GATE,
            4,
            &["lattice/nearest-d4/n10000: twice point 0", "wrong result by tier 1"],
        );
    });
}
