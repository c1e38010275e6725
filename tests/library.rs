//! Another crate with kernels of its own, `fixtures/crate-fir`: it gets the command and the bench
//! over its own list, and a verdict on its own sources.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use stepmark::record::{Record, Wall};

const FIXTURE: &str = "fixtures/crate-fir";
const KERNEL: &str = "src/filter.rs";

/// A copy of the crate that builds into a folder of its own, which is kept so that dependencies
/// build once.
struct Copy {
    dir: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of_the_crate() -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library");
        let (dir, target) = (home.join("crate"), home.join("target"));
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        for file in [KERNEL, "src/lib.rs", "src/main.rs", "benches/wall.rs"] {
            fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
            fs::copy(Path::new(FIXTURE).join(file), dir.join(file)).unwrap();
        }
        let manifest = fs::read_to_string(Path::new(FIXTURE).join("Cargo.toml")).unwrap();
        let manifest = manifest.replace("\"../..\"", &format!("{:?}", env!("CARGO_MANIFEST_DIR")));
        fs::write(dir.join("Cargo.toml"), manifest).unwrap();
        // The versions that are there: nothing is fetched.
        fs::copy("Cargo.lock", dir.join("Cargo.lock")).unwrap();
        Self { dir, target }
    }

    /// Runs a program in the copy, and requires its exit code and what it says.
    #[track_caller]
    fn expect(&self, program: &Path, args: &str, code: i32, texts: &[&str]) {
        let out = Command::new(program)
            .args(args.split_whitespace())
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_NET_OFFLINE", "true")
            // It is this test that cargo started.
            .env_remove("CARGO_MANIFEST_DIR")
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(out.status.code(), Some(code), "{args}\n{said}");
        for text in texts {
            assert!(said.contains(text), "`{text}` after {args}\n{said}");
        }
    }

    /// Runs the command of the crate, built from its sources.
    #[track_caller]
    fn run(&self, args: &str, code: i32, texts: &[&str]) {
        self.expect(Path::new(env!("CARGO")), &format!("run --quiet -- {args}"), code, texts);
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

#[test]
#[ignore = "builds another crate and all its dependencies; ci/test.sh runs it"]
fn a_crate_with_its_own_kernels_gets_the_command_over_its_own_cases() {
    let copy = Copy::of_the_crate();
    copy.run("list", 0, &["fir/filter-k8/n1000\nfir/filter-k8/n10000\nfir/filter-k64/n1000\n"]);
    copy.run("check", 0, &["ok     fir/filter-k64/n1000", "3 cases, 0 wrong"]);
    copy.run("check --filter lattice", 2, &["no case id contains `lattice`"]);
    copy.with_planted("*y += h * x", "*y -= h * x", || {
        copy.run("check", 4, &["WRONG  fir/filter-k8/n1000: y[0] is ", "3 cases, 3 wrong"]);
    });

    let bench = "bench --profile dev --bench wall -- --warm-up-time 0.05 --measurement-time 0.1 \
                 --sample-size 10";
    copy.expect(Path::new(env!("CARGO")), bench, 0, &["fir/filter-k64/n1000"]);
    copy.run("record", 0, &["wall: 3 cases"]);
    let record = Record::<Wall>::read(&copy.target.join("stepmark/wall.json")).unwrap();
    let baselines = copy.dir.join("baselines");
    record.write(&record.baseline(&baselines)).unwrap();
    let gate = "gate --skip instructions";
    copy.run(gate, 0, &["3 cases against baselines", "pass (exit 0)"]);

    let program = copy.target.join("debug/crate-fir");
    copy.expect(&program, "check", 0, &["0 wrong"]);
    copy.expect(&program, gate, 5, &["cargo did not start this executable"]);
    copy.with_planted("*y += h * x", "*y += x * h", || {
        copy.run(gate, 5, &["the record is of sources"]);
    });
}

/// The code in README is that of the crate, so that it builds and is right.
#[test]
fn what_the_readme_shows_is_in_the_crate() {
    let readme = fs::read_to_string("README.md").unwrap();
    let section = readme.split("\n## Gate your own crate\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let files = ["src/lib.rs", "src/main.rs", "benches/wall.rs"];
    let blocks: Vec<&str> =
        section.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 3, "cases, main and bench");
    for (block, file) in blocks.iter().zip(files) {
        let text = fs::read_to_string(Path::new(FIXTURE).join(file)).unwrap();
        assert!(text.contains(block), "not in {FIXTURE}/{file}:\n{block}");
    }
}
