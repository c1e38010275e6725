//! Kernels of one's own: another crate, `examples/fir`, gets the command and the bench over its own
//! list, and a verdict on its own sources; a workload in this one is a folder and two lines.

use std::path::Path;
use std::{env, fs};

use stepmark::record::{self, Record, WALL};

use crate::setup::copy::{COUNT, Copy};

const FIXTURE: &str = "examples/fir";
const KERNEL: &str = "src/filter.rs";

/// Uses up any stack.
const OVERFLOW: &str = "fn deep(n: u64) -> u64 { 1 + std::hint::black_box(deep(n + 1)) } \
                        std::hint::black_box(deep(0))";

/// A copy that depends on the stepmark of this folder.
fn copy() -> Copy {
    let copy = Copy::of(FIXTURE, &["src", "benches", "Cargo.toml"]);
    let manifest = fs::read_to_string(copy.dir.join("Cargo.toml")).unwrap();
    let here = format!("{:?}", env!("CARGO_MANIFEST_DIR"));
    let manifest = manifest.replace("\"../..\"", &here);
    // Its kernel is optimised, unlike what is around it.
    let manifest = format!("{manifest}\n[profile.test.package]\nfir.opt-level = 2\n");
    fs::write(copy.dir.join("Cargo.toml"), manifest).unwrap();
    // The versions that are there: nothing is fetched.
    fs::copy("Cargo.lock", copy.dir.join("Cargo.lock")).unwrap();
    copy
}

/// Runs the command of the crate, built from its sources.
#[track_caller]
fn run(copy: &Copy, args: &str, code: i32, texts: &[&str]) {
    copy.expect(Copy::cargo(), &format!("run --profile test --quiet -- {args}"), code, texts);
}

/// Runs the wall bench, shortly.
fn bench(filter: &str) -> String {
    format!(
        "bench --profile test --bench wall -- --warm-up-time 0.05 --measurement-time 0.1 \
         --sample-size 10 {filter}"
    )
}

#[test]
#[ignore = "builds another crate and all its dependencies; ci/test.sh runs it"]
fn a_crate_with_its_own_kernels_gets_the_command_over_its_own_cases() {
    let copy = copy();
    run(&copy, "list", 0, &["fir/filter-k8/n1000\nfir/filter-k8/n10000\nfir/filter-k64/n1000\n"]);
    run(&copy, "check", 0, &["ok     fir/filter-k64/n1000", "3 cases, 0 wrong"]);
    run(&copy, "check --filter lattice", 2, &["no case id contains `lattice`"]);
    let (_, help) = copy.run(Copy::cargo(), "run --profile test --quiet -- --help");
    assert!(help.contains("\n  history ") && !help.contains("\n  profile "), "{help}");
    run(&copy, "profile lattice", 2, &["unrecognized subcommand 'profile'"]);
    let (_, tree) = copy.run(Copy::cargo(), "tree --edges normal --prefix none");
    assert!(tree.contains("\nstepmark v") && tree.contains("\nclap v"), "{tree}");
    for heavy in ["criterion", "cudarc", "dejavu", "ndarray", "plotters", "png", "safetensors"] {
        assert!(!tree.contains(&format!("\n{heavy} v")), "{tree}");
    }

    let body = "y.fill(0.0);";
    let right = "ok     fir/filter-k8/n1000";
    for (fault, code, texts) in [
        ("std::process::exit(0)", 4, ["exit status: 0", "3 cases, 1 wrong\n"]),
        (
            "panic!(\"out of range\")",
            4,
            ["panicked: out of range (src/filter.rs:", "3 cases, 1 wrong\n"],
        ),
        ("std::process::abort()", 4, ["signal: 6", "3 cases, 1 wrong\n"]),
        (OVERFLOW, 4, ["has overflowed its stack", "3 cases, 1 wrong\n"]),
        ("println!(\"right\")", 4, ["wrote to the standard output", "3 cases, 1 wrong\n"]),
        ("loop {}", 1, ["no verdict within 5 s", "3 cases, 0 wrong, 1 without a verdict\n"]),
    ] {
        let planted = format!("if h.len() == 64 {{ {fault}; }} {body}");
        copy.with_planted(KERNEL, body, &planted, || {
            let case = "fir/filter-k64/n1000: ";
            run(&copy, "check --check-timeout 5", code, &[right, case, texts[0], texts[1]]);
        });
    }
    for (fault, code, texts) in [
        ("std::process::exit(0)", 4, ["exit status: 0", "wrong result by `right` (exit 4)"]),
        ("loop {}", 1, ["no verdict within 5 s", "tool failure by `right` (exit 1)"]),
    ] {
        let planted = format!("if h.len() == 64 {{ {fault}; }} {body}");
        copy.with_planted(KERNEL, body, &planted, || {
            let gate = "gate --skip instructions --check-timeout 5";
            let again = "check --exact fir/filter-k64/n1000 --check-timeout 5\n";
            run(&copy, gate, code, &[texts[0], again, texts[1]]);
        });
    }

    copy.with_planted(KERNEL, "*y += h * x", "*y -= h * x", || {
        run(&copy, "check", 4, &["WRONG  fir/filter-k8/n1000: y[0] is ", "3 cases, 3 wrong"]);
        let (code, said) = copy.run(Copy::cargo(), &bench(""));
        assert_ne!(code, Some(0), "{said}");
        assert!(said.contains("fir/filter-k8/n1000 is wrong, so it is not timed"), "{said}");
        assert!(!said.contains("time:   ["), "{said}");
    });

    copy.expect(Copy::cargo(), &bench("no-such-case"), 2, &["no case matches"]);
    let quick = "bench --profile test --bench wall -- --quick filter-k64";
    copy.expect(Copy::cargo(), quick, 0, &["fir/filter-k64/n1000"]);
    let again = "without --quick; `cargo bench --bench wall` measures again: fir/filter-k64/n1000";
    run(&copy, "record", 5, &[again, "nothing was recorded; run `cargo bench --bench wall`"]);
    copy.expect(Copy::cargo(), &bench(""), 0, &["fir/filter-k64/n1000"]);
    run(&copy, "record", 0, &["wall/fir: 3 cases"]);
    let walls = Record::read(&WALL, &record::fresh(&copy.target, &WALL, "fir")).unwrap();
    let baselines = copy.dir.join("baselines");
    walls.write(&record::baseline(&baselines, &WALL, &walls.environment, "fir")).unwrap();
    let gate = "gate --skip instructions";
    run(&copy, gate, 0, &["3 cases against baselines", "advisory (exit 0)"]);

    let program = copy.target.join("debug/fir");
    let old = copy.dir.join("old");
    fs::copy(&program, &old).unwrap();
    copy.with_planted(KERNEL, "*y += h * x", "*y += std::hint::black_box(h) * x", || {
        run(&copy, "check", 0, &["0 wrong"]);
        let pair = format!("duet --exe {} --exe", old.display());
        let slower = "FAIL regression    fir/filter-k64/n1000: slower: CPU and wait time +";
        copy.expect(&program, &format!("{pair} {}", program.display()), 3, &[slower]);
        copy.expect(&program, &format!("{pair} {}", old.display()), 0, &["3 cases"]);
    });
    copy.expect(&program, "check", 0, &["0 wrong"]);
    copy.expect(&program, gate, 5, &["cargo did not start this executable"]);
    copy.with_planted(KERNEL, "*y += h * x", "*y += x * h", || {
        run(&copy, gate, 5, &["the record is of sources"]);
    });

    fs::remove_dir_all(baselines).unwrap();
    let next = "; cargo run --release -- gate --skip instructions --against REV\n";
    let none = "nothing that decides was compared, and no saved times inform: no baseline ";
    run(&copy, gate, 5, &[none, next]);
    // It starts, and asks for a revision.
    run(&copy, "gate --skip instructions --against REV", 1, &["FAIL tool failure  paired: "]);
}

/// A kernel with its reference.
const TOY: &str = "\
//! Numbers doubled.

mod cases;

pub use cases::cases;

/// Writes twice of each `x`.
pub fn double(x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = 2.0 * x;
    }
}

fn double_scalar(x: f32) -> f32 {
    x + x
}
";

/// Its case, whose `WORK` is told as that of the chapter `stream`.
const TOY_CASES: &str = "\
//! The case of this chapter.

use super::{double, double_scalar};
use crate::case::{Case, Step, Work};
use crate::{close, input};

/// Every case of the chapter.
pub fn cases() -> Vec<Case> {
    let bytes = 8_000;
WORK
    let prepare = || Doubled { x: input::uniform(1, 1000, -1.0, 1.0), y: vec![0.0; 1000] };
    vec![Case::new(\"toy/double/n1000\", \"portable\", work, prepare)]
}

struct Doubled {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Step for Doubled {
    fn run(&mut self) {
        double(&self.x, &mut self.y);
    }

    fn spoil(&mut self) {
        self.y.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let expected: Vec<f32> = self.x.iter().map(|x| double_scalar(*x)).collect();
        close::bits(\"y\", &self.y, &expected)
    }
}
";

#[test]
#[ignore = "builds this crate again; ci/test.sh runs it"]
fn a_workload_is_a_folder_two_lines_and_the_generated_list() {
    let folders = ["src", "benches", "fixtures", "tests", "ci", ".cargo"];
    let files = ["Cargo.toml", "Cargo.lock", "build.rs"];
    let copy = Copy::of(".", &[&folders[..], &files].concat());
    let stream = fs::read_to_string("src/stream/cases.rs").unwrap();
    let work = stream.lines().find(|line| line.starts_with("    let work = Work {")).unwrap();
    fs::create_dir(copy.dir.join("src/toy")).unwrap();
    fs::write(copy.dir.join("src/toy/mod.rs"), TOY).unwrap();
    fs::write(copy.dir.join("src/toy/cases.rs"), TOY_CASES.replace("WORK", work)).unwrap();
    let module = "#[cfg(feature = \"chapters\")]\npub mod stream;";
    let cases = "    (crate::stream::cases, Vec::new),\n";
    let both = format!("{module}\n{}", module.replace("stream", "toy"));
    copy.with_planted("src/lib.rs", module, &both, || {
        let both = format!("{cases}{}", cases.replace("stream", "toy"));
        copy.with_planted("src/registry.rs", cases, &both, || {
            // With what the end-to-end test builds, so that a second build is a short one.
            let program = copy.target.join("debug/stepmark");
            let built = format!("{COUNT} --no-run");
            copy.expect(Copy::cargo(), &built, 0, &["Finished"]);
            let (code, ids) = copy.run(&program, "list --cpu");
            assert_eq!(code, Some(0), "{ids}");
            assert!(ids.ends_with("\ntoy/double/n1000\n"), "{ids}");
            fs::write(copy.dir.join("benches/cases.txt"), ids).unwrap();
            copy.expect(Copy::cargo(), &built, 0, &["Finished"]);
            let right = ["ok     toy/double/n1000", "1 case, 0 wrong"];
            copy.expect(&program, "check --filter toy/", 0, &right);
            // These read the sources of the folder that they run in.
            let layers = "test layers::nobody_uses_what_the_layers_forbid ... ok";
            copy.expect(&env::current_exe().unwrap(), "layers::", 0, &[layers]);
            let without = "check --profile test --no-default-features --lib";
            copy.expect(Copy::cargo(), without, 0, &["Finished"]);
        });
    });
}

/// The code in its README is that of the crate, so that it builds and is right.
#[test]
fn what_the_readme_shows_is_in_the_crate() {
    let readme = fs::read_to_string(Path::new(FIXTURE).join("README.md")).unwrap();
    let files = ["src/lib.rs", "src/main.rs", "benches/wall.rs"];
    let blocks: Vec<&str> =
        readme.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 3, "cases, main and bench");
    for (block, file) in blocks.iter().zip(files) {
        let text = fs::read_to_string(Path::new(FIXTURE).join(file)).unwrap();
        assert!(text.contains(block), "not in {FIXTURE}/{file}:\n{block}");
    }
}
