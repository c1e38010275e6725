//! The whole chain on a copy of the crate: plant a fault, measure, and see the gate name it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the copy measures: the cases of the kernel that is changed.
const FILTER: &str = "lattice/nearest-";
const KERNEL: &str = "src/lattice/nearest.rs";
const BENCH: &str = "bench --features instructions --bench instructions";
/// In the profile of the bench, so that the library is built once.
const RECORD: &str = "run --profile bench --features instructions --quiet -- record";
const GATE: &str = "run --profile bench --features instructions --quiet -- gate \
                    --filter lattice/nearest- --baseline before.json";

/// A copy that builds into a folder of its own, which is kept so that dependencies build once.
struct Copy {
    dir: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of_this_crate() -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end");
        let (dir, target) = (home.join("crate"), home.join("target"));
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        for name in ["src", "benches", "fixtures", ".cargo", "Cargo.toml", "Cargo.lock", "build.rs"]
        {
            copy(Path::new(name), &dir.join(name));
        }
        let all = fs::read_to_string("benches/cases.txt").unwrap();
        let some: Vec<&str> = all.lines().filter(|id| id.contains(FILTER)).collect();
        fs::write(dir.join("benches/cases.txt"), some.join("\n") + "\n").unwrap();
        Self { dir, target }
    }

    /// Runs cargo in the copy; returns its exit code and what it said.
    fn cargo(&self, args: &str) -> (Option<i32>, String) {
        let out = Command::new(env!("CARGO"))
            .args(args.split_whitespace())
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", &self.target)
            // The verdicts do not depend on it, and it takes a fraction of the time.
            .env("CARGO_PROFILE_BENCH_LTO", "off")
            .env("CARGO_PROFILE_BENCH_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_BENCH_OPT_LEVEL", "1")
            .env("CARGO_INCREMENTAL", "1")
            .output()
            .unwrap();
        eprintln!("cargo {args}: {}", out.status);
        let said = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn expect(&self, args: &str, code: i32, texts: &[&str]) {
        let (got, said) = self.cargo(args);
        assert_eq!(got, Some(code), "cargo {args}\n{said}");
        for text in texts {
            assert!(said.contains(text), "`{text}` after cargo {args}\n{said}");
        }
    }

    /// Measures and records; returns the record.
    fn measure(&self) -> PathBuf {
        self.expect(BENCH, 0, &["3 benchmarks finished"]);
        self.expect(RECORD, 0, &["instructions: 3 cases"]);
        self.target.join("stepmark/instructions.json")
    }

    /// Replaces the only `old` in the kernel, runs `f`, and puts it back.
    fn with_planted(&self, old: &str, new: &str, f: impl FnOnce()) {
        let path = self.dir.join(KERNEL);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {KERNEL}");
        fs::write(&path, text.replace(old, new)).unwrap();
        f();
        fs::write(&path, text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// The lines of a record that hold its cases.
fn cases(record: &Path) -> Vec<String> {
    let text = fs::read_to_string(record).unwrap();
    text.lines().filter(|line| line.contains("\"id\"")).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs Valgrind and iai-callgrind-runner; ci/test.sh runs it"]
fn a_fault_planted_in_a_copy_of_the_crate_is_found() {
    let copy = Copy::of_this_crate();
    let baseline = copy.dir.join("before.json");
    fs::copy(copy.measure(), &baseline).unwrap();
    copy.expect(GATE, 0, &["pass (exit 0): 3 of 3 cases compared"]);
    assert_eq!(cases(&baseline), cases(&copy.measure()), "counts of two runs");
    copy.expect(GATE, 0, &["no findings"]);

    let call = "let point = nearest_one::<L, D>(z, 0);";
    let twice = "let _again = std::hint::black_box(Box::new(nearest_one::<L, D>(z, 0)));";
    copy.with_planted(call, &format!("{twice} {call}"), || {
        copy.expect(GATE, 5, &["the record is of sources"]);
        copy.measure();
        let case = "lattice/nearest-d4/n10000";
        let counted = format!("{case}: instructions");
        copy.expect(GATE, 3, &[&counted, &format!("{case}: heap blocks per step 0 -> 10000")]);
    });

    copy.with_planted("y[k * n + i] = p;", "y[k * n + i] = -p;", || {
        let (code, said) = copy.cargo(BENCH);
        assert_ne!(code, Some(0), "a wrong kernel is not counted\n{said}");
        copy.expect(
            GATE,
            4,
            &["lattice/nearest-d4/n10000: twice point 0", "wrong result by tier 1"],
        );
    });
}
