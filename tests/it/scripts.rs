//! The files beside the code: what the scripts do, and what the committed ones say.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use stepmark::machine;
use tempfile::TempDir;

use crate::setup::script::executable;

/// A folder with `ci/gate.sh`, and with the only programs that it finds.
struct Checkout(TempDir);

impl Checkout {
    fn new(programs: &[&str]) -> Self {
        let new = Self(tempfile::tempdir().unwrap());
        let dir = new.0.path();
        for folder in ["bin", "ci"] {
            fs::create_dir(dir.join(folder)).unwrap();
        }
        symlink(fs::canonicalize("ci/gate.sh").unwrap(), dir.join("ci/gate.sh")).unwrap();
        let path = env::var_os("PATH").unwrap();
        for program in [&["bash", "dirname", "mkdir"], programs].concat() {
            let mut all = env::split_paths(&path).map(|folder| folder.join(program));
            symlink(all.find(|file| file.is_file()).unwrap(), dir.join("bin").join(program))
                .unwrap();
        }
        new
    }

    /// The script, for which `stepmark` is the command.
    fn gate(&self, stepmark: &str, args: &[&str]) -> Command {
        let mut gate = Command::new(self.0.path().join("ci/gate.sh"));
        gate.args(args).env("PATH", self.0.path().join("bin")).env("STEPMARK", stepmark);
        gate.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
        gate
    }
}

#[track_caller]
fn ends(out: &Output, code: i32, text: &str) {
    let said = String::from_utf8([&out.stdout[..], &out.stderr[..]].concat()).unwrap();
    assert_eq!(out.status.code(), Some(code), "{said}");
    assert!(said.contains(text), "`{text}` in {said}");
}

#[test]
fn the_gate_needs_valgrind_unless_nothing_is_counted() {
    let checkout = Checkout::new(&[]);
    let run = |args: &[&str]| checkout.gate("echo", args).output().unwrap();
    ends(&run(&[]), 1, "gate.sh: no valgrind; ci/install.sh installs it");
    for skip in [&["--skip", "instructions"][..], &["--skip=instructions"]] {
        let args = [skip, &["--against", "main"]].concat();
        ends(&run(&args), 0, &format!("gate {}\n", args.join(" ")));
    }
    fs::write(
        checkout.0.path().join("stepmark.sh"),
        "[ \"$1 $2 ${4%%/*}\" = 'list --cpu stream' ] || echo \"$@\"",
    )
    .unwrap();
    for select in [["--filter", "stream/"], ["--exact", "stream/read/mib128"]] {
        let timed = checkout.gate("bash stepmark.sh", &select).output().unwrap();
        ends(&timed, 0, &format!("gate {}\n", select.join(" ")));
    }
    ends(&checkout.gate("false", &[]).output().unwrap(), 1, "");
}

#[test]
fn a_second_gate_is_told_of_the_first_and_a_killed_one_leaves_no_lock() {
    let checkout = Checkout::new(&["flock"]);
    fs::write(checkout.0.path().join("wait.sh"), "echo waits; read -r || true").unwrap();
    let gate = || checkout.gate("bash wait.sh", &["--skip", "instructions"]);
    let mut first = gate().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdin, stdout) = (first.stdin.take(), first.stdout.take());
    let said = BufReader::new(stdout.unwrap()).lines().next();
    assert_eq!(said.unwrap().unwrap(), "waits", "under way");
    ends(&gate().output().unwrap(), 1, "gate.sh: another gate.sh is under way in this checkout");
    // A program that it started goes on waiting, and does not hold the lock.
    first.kill().unwrap();
    first.wait().unwrap();
    ends(&gate().output().unwrap(), 0, "waits");
    drop(stdin);
}

#[test]
fn the_comment_on_a_pull_request_is_the_verdict_or_says_that_there_is_none() {
    let workflow = fs::read_to_string(".github/workflows/gate.yml").unwrap();
    let step = workflow.split("\n      - name: Comment").nth(1).unwrap();
    let script = step.split("run: |\n").nth(1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let comment = || {
        // Prints the ids of comments that are there, or else its arguments and the comment.
        let gh = "gh() { case $* in *paginate*) cat ids;; *) echo \"$*\"; cat comment.md;; esac; }";
        let mut bash = Command::new("bash");
        bash.args(["-euc", &format!("{gh}\n{script}")]).current_dir(&dir);
        bash.env("RUN", "https://github.com/o/r/actions/runs/7")
            .env("NUMBER", "1")
            .env("GH_REPO", "o/r");
        bash.output().unwrap()
    };
    fs::write(dir.path().join("ids"), "").unwrap();
    let none = "[the run](https://github.com/o/r/actions/runs/7) ended without a verdict\n";
    ends(&comment(), 0, none);
    fs::write(dir.path().join("gate.md"), "### pass\n").unwrap();
    let first = "pr comment 1 --body-file comment.md\n<!-- stepmark gate -->\n### pass\n";
    ends(&comment(), 0, first);
    fs::write(dir.path().join("ids"), "23\n42\n").unwrap();
    let changed = "api --method PATCH repos/o/r/issues/comments/23 --field body=@comment.md\n";
    ends(&comment(), 0, changed);
}

#[test]
fn a_filter_that_matches_no_test_fails() {
    let filtered = |filters: &[&str], prints: &str, code: i32| {
        let script = format!("echo 'test result: {code}'; printf '%b' '{prints}'; exit {code}");
        let mut run = Command::new("ci/filtered.sh");
        run.args(filters).args(["--", "bash", "-c", &script]).output().unwrap()
    };
    let two = "test a::first ... ok\\ntest a::second ... with words\\nok\\n";
    ends(&filtered(&[], two, 0), 0, "test a::first ... ok\n");
    ends(&filtered(&["a::", "second"], two, 0), 0, "test a::first ... ok\n");
    ends(&filtered(&["first", "third"], two, 0), 1, "no test has `third` in its name");
    ends(&filtered(&["first"], two, 101), 101, "test a::first ... ok\n");
    let none = ["", "running 0 tests\\n", "test a::first ... ignored, takes hours\\n"];
    for prints in none {
        ends(&filtered(&[], prints, 0), 1, "no test ran: bash -c");
        ends(&filtered(&["first"], prints, 0), 1, "no test ran: bash -c");
    }
    // The filters reach the command.
    let echo = ["one", "two", "--", "echo", "test a ..."];
    ends(&Command::new("ci/filtered.sh").args(echo).output().unwrap(), 0, "test a ... one two\n");
    let no_command = Command::new("ci/filtered.sh").args(["first", "--"]).output().unwrap();
    ends(&no_command, 2, "ci/filtered.sh [FILTER..] -- COMMAND");
}

#[test]
fn a_run_of_all_steps_counts_each_and_its_tests_and_fails_where_one_did() {
    let dir = tempfile::tempdir().unwrap();
    for folder in [".ci", "ci", "bin"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let run = fs::read_to_string(".ci/run").unwrap();
    executable(dir.path(), ".ci/run", &run);
    executable(dir.path(), "bin/cargo", "#!/bin/sh\n");
    let path = env::split_paths(&env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let path = env::join_paths([vec![dir.path().join("bin")], path].concat()).unwrap();
    let ran = |bad: &str, said: &str, exit: i32| {
        for step in ["install", "lint", "ptx", "test", "schema", "cuda", "scaling", "bench", "gate"]
        {
            let (said, exit) = if step == bad { (said, exit) } else { ("done", 0) };
            let script = format!("echo '{said}'; exit {exit}\n");
            fs::write(dir.path().join(format!("ci/{step}.sh")), script).unwrap();
        }
        Command::new(dir.path().join(".ci/run")).env("PATH", &path).output().unwrap()
    };
    ends(&ran("", "", 0), 0, "\n9 passed, 0 failed\n");
    let tests = "test result: ok. 30 passed; 0 failed; 1 ignored\n\
                 test result: FAILED. 4 passed; 2 failed; 0 ignored";
    for step in ["test", "cuda", "gate"] {
        ends(&ran(step, tests, 0), 1, "\n43 passed, 2 failed\n");
        let failed = ran(step, "wrong", 3);
        ends(&failed, 1, "\n8 passed, 1 failed\n");
        ends(&failed, 1, &format!("wrong\n== ci/{step}.sh FAILED after "));
    }
}

/// Filters of tests, or `--ignored`, which chooses some as well.
#[test]
fn whatever_chooses_tests_in_ci_fails_where_there_are_none() {
    let mut seen = 0;
    for file in files("ci").into_iter().chain(files(".github/workflows")) {
        let text = fs::read_to_string(&file).unwrap().replace("\\\n", " ");
        let ours = file.extension().is_some_and(|end| end != "md");
        for line in text.lines().filter(|line| ours && !line.trim_start().starts_with('#')) {
            let starts = ["cargo test", "bin/test\"", "bin/test"];
            let rest = starts.iter().find_map(|start| line.split_once(start));
            let Some((before, rest)) = rest else { continue };
            let words = rest.split(['>', '|', '&', ';']).next().unwrap().trim();
            assert!(
                words.is_empty() || before.contains("filtered.sh"),
                "{}: {line}",
                file.display()
            );
            seen += usize::from(before.contains("filtered.sh"));
        }
    }
    assert!(seen >= 5, "{seen} commands: two in cuda.sh, one in gpu.sh, two in test.sh");
}

/// The files of a folder.
fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// The tools underneath fail on `--quick` or a test that is not theirs.
#[test]
fn a_command_that_builds_the_instruction_bench_names_what_it_runs() {
    let some =
        ["src/README.md", "src/record/metric.rs", "src/gate/comparable.rs"].map(PathBuf::from);
    let all = some.into_iter().chain(files("ci")).chain(files(".github/workflows"));
    let mut seen = 0;
    for file in all {
        let text = fs::read_to_string(&file).unwrap();
        let commands = text.split("cargo ").filter_map(|command| command.lines().next());
        let builds = |command: &&str| {
            let runs = command.starts_with("bench") || command.starts_with("test");
            runs && command.contains(",instructions")
        };
        for command in commands.filter(builds) {
            let names = ["--bench ", "--test "].iter().any(|name| command.contains(name));
            assert!(names, "cargo {command}: {}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} commands: src/README, gate.sh and two messages have one each");
}

/// Criterion ends well where a saved baseline is missing, or what it measured is slower.
#[test]
fn no_command_relies_on_criterions_own_baselines() {
    let some = ["README.md", "src/README.md", "src/collect/criterion.rs"].map(PathBuf::from);
    for file in some.into_iter().chain(files("ci")).chain(files(".github/workflows")) {
        let text = fs::read_to_string(&file).unwrap();
        let benches = text.split("cargo bench").skip(1).filter_map(|rest| rest.lines().next());
        for command in benches {
            assert!(!command.contains("-baseline"), "{}: {command}", file.display());
        }
    }
}

#[test]
fn what_is_committed_tells_no_folder_process_clock_or_host_of_a_machine() {
    let folders = fs::read_dir("baselines").unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    let below = |path: &PathBuf| {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let inner = folders.iter().flat_map(below).filter(|path| path.is_dir());
    let committed = folders.iter().cloned().chain(inner).flat_map(files);
    let json = committed.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut texts: Vec<String> = json.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(texts.len() >= 2, "counts and wall times of some machine");
    let here = machine::wall();
    texts.push(format!("{here:?}"));
    for text in texts {
        let text = text.to_lowercase();
        for no in ["/home/", "/root/", "/users/", "/tmp/", "\"pid\"", "mhz", "bogomips", "\"host"] {
            assert!(!text.contains(no), "{no} in {text}");
        }
    }
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap();
    let rates = cpu.lines().filter(|line| line.contains("MHz") || line.contains("bogomips"));
    let rates = rates.filter_map(|line| line.split(':').nth(1));
    for fact in rates.chain([name.as_str()]) {
        assert!(here.values().all(|value| value != fact.trim()), "{fact} in {here:?}");
    }
}

#[test]
fn a_planted_fault_replaces_text_that_is_there() {
    // `plant` of ci/whole.sh, as far as what it looks for.
    let plant = "plant() { echo \"$1\"; grep -qF -- \"$7\" \"$6\" || { echo \"no $7\"; exit 1; }; }\n\
                 for faults in src/*/planted.sh; do source \"$faults\"; done";
    let out = Command::new("bash").args(["-c", plant]).output().unwrap();
    ends(&out, 0, "locality\n");
}
