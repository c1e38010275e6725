//! The files that a verdict is written to, and what is left where there is none.

use std::fs;
use std::process::Command;

use stepmark::cli::{self, Exit, Suite};

use crate::setup::bench::{Bench, few, path, set};

#[test]
fn the_outputs_tell_what_the_terminal_tells() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    let folder = bench.dir.path();
    let options: Vec<String> = ["json", "markdown", "junit", "bencher"]
        .iter()
        .map(|name| format!("--{name} {}", folder.join(name).display()))
        .collect();
    bench.run(&format!("gate --filter mvar/ {}", options.join(" "))).expect(Exit::Pass, &[]);
    let said = bench.run(&format!("gate {}", options.join(" ")));
    said.expect(Exit::Regression, &["regression by `hungrier` (exit 3)"]);
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let json = |name: &str| serde_json::from_str::<serde_json::Value>(&text(name)).unwrap();
    let outcome = json("json");
    assert_eq!((&outcome["exit"], &outcome["verdict"]), (&3.into(), &"regression".into()));
    assert_eq!(outcome["selected"].as_array().unwrap().len(), few().len(), "of the last run");
    assert_eq!(outcome["findings"][0]["about"], bench.first(), "{outcome:#}");
    let next = outcome["findings"][0]["next"].as_str().unwrap();
    assert!(said.out.contains(next) && text("markdown").contains(next), "`{next}`");
    assert!(text("markdown").starts_with("### :x: stepmark gate: regression (exit 3)"));
    assert_eq!(text("junit").matches("<failure").count(), 1, "{}", text("junit"));
    let twice = outcome["counts"][0]["new"]["instructions"].as_f64();
    assert_eq!(json("bencher")[bench.first()]["instructions"]["value"].as_f64(), twice);
}

#[test]
fn a_failure_of_the_tool_is_told_by_the_outputs_too() {
    let bench = Bench::of_few();
    bench.measured(|record| record.cases.clear());
    let file = bench.dir.path().join("outcome.json");
    bench.run(&format!("gate --json {}", path(&file))).expect(Exit::Failure, &["tool failure"]);
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("\"verdict\": \"tool-failure\""), "{text}");
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure_before_anything_runs() {
    let bench = Bench::of_few();
    let (good, bad) = (bench.dir.path().join("good.json"), bench.dir.path().join("no/such.md"));
    fs::write(&good, "of an earlier run").unwrap();
    let said = bench.run(&format!("gate --json {} --markdown {}", path(&good), path(&bad)));
    said.expect(Exit::Failure, &["cannot write", "no/such.md", "a folder that exists"]);
    assert_eq!(said.out, "", "nothing ran");
    assert_eq!(fs::read_to_string(&good).unwrap(), "of an earlier run", "as it was");
    assert!(!bad.parent().unwrap().exists(), "no folder is made");

    let said = bench.run(&format!("gate --json {}", bench.dir.path().display()));
    said.expect(Exit::Failure, &["cannot write", "it is no plain file"]);
    let said = bench.run(&format!("gate --json {0} --junit {0}", path(&good)));
    said.expect(Exit::Usage, &["two outputs go to", "good.json"]);
}

#[test]
fn what_an_earlier_run_wrote_is_gone_however_this_one_ends() {
    let bench = Bench::of_few();
    let file = bench.dir.path().join("outcome.json");
    for args in ["gate --filter no-such-case", "gate --strict", "duet --exe one"] {
        fs::write(&file, "of an earlier run").unwrap();
        bench.run(&format!("{args} --json {}", path(&file))).expect(Exit::Usage, &[]);
        assert!(!file.exists(), "{args}");
    }
    fs::write(&file, "of an earlier run").unwrap();
    // Cargo did not start it.
    let mut gate = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    gate.args(["gate", "--json"]).arg(&file).env_remove("CARGO_MANIFEST_DIR");
    assert_eq!(gate.output().unwrap().status.code(), Some(5), "it may be older than the sources");
    assert!(!file.exists(), "stale");
}

#[test]
fn a_target_that_cannot_be_a_folder_is_a_failure_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    fs::write(&target, "").unwrap();
    for args in ["record", "gate --against HEAD", "duet HEAD"] {
        let mut stepmark = Command::new(env!("CARGO_BIN_EXE_stepmark"));
        let out = stepmark.args(args.split(' ')).arg("--target-dir").arg(&target).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{args}: {out:?}");
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(said.contains(&path(&target.join("stepmark"))), "{args}: {said}");
    }
}

#[test]
#[cfg(unix)]
fn the_shell_line_of_a_failure_holds_a_folder_with_blanks_as_one_word() {
    let bench = Bench::of_few();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    let folder = path(&bench.dir.path().join("what's a baseline"));
    fs::rename(bench.baselines(), &folder).unwrap();
    let target = path(&bench.target());
    let args = ["stepmark", "gate", "--filter", bench.first(), "--baseline", &folder];
    let args = [&args[..], &["--target-dir", &target]].concat();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { cases: few(), ..Suite::default() };
    assert_eq!(cli::run(&suite, args, &mut out, &mut err), Exit::Regression, "planted");
    let out = String::from_utf8(out).unwrap();
    let line = out.lines().find(|line| line.starts_with("FAIL")).unwrap();
    let (_, shell) = line.rsplit_once("; ").unwrap();
    let script = format!("cargo() {{ printf '<%s>' \"$@\"; }}; {shell}");
    let words = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
    let words = String::from_utf8(words).unwrap();
    let want = format!("<gate><--exact><{}><--baseline><{folder}>", bench.first());
    assert!(words.ends_with(&want), "{words} of {shell}");
}

#[test]
fn annotations_are_for_github_alone() {
    let bench = Bench::committed();
    let id = "mvar/step-d20-p5/n64";
    bench.measured(|record| {
        let case = record.cases.iter_mut().find(|case| case.id == id).unwrap();
        set(case, "instructions", |n| 2 * n);
    });
    let run = |actions: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_stepmark"))
            .args(["gate", "--filter", id, "--baseline", &path(&bench.baselines())])
            .args(["--target-dir", &path(&bench.target())])
            .env("GITHUB_ACTIONS", actions)
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(3), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let (there, elsewhere) = (run("true"), run("false"));
    let line = there.strip_prefix(&elsewhere).expect("annotations come last");
    let want = format!("::error title=regression%3A {id}::instructions ");
    assert!(line.starts_with(&want) && line.contains("+100.00 %25"), "{there}");
}
