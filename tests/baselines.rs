//! How baselines change: what `stepmark accept` takes and refuses, and what README shows of them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/walls.rs"]
mod walls;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use stepmark::case::Case;
use stepmark::cli::Exit;
use stepmark::record::{Instructions, Measure, Record, Wall};
use stepmark::registry;

use common::{Bench, Said, cases, path};
use walls::{environment, wall};

/// Refuses as `said` does, and leaves the baseline.
#[track_caller]
fn refused(bench: &Bench, said: &Said, exit: Exit, texts: &[&str]) {
    said.expect(exit, texts);
    let kept = Record::read(&bench.baseline()).unwrap();
    assert_eq!(kept, bench.record, "the baseline stays");
}

/// One small case: checking all of them is what other tests do.
fn one() -> Vec<Case> {
    let mut cases = cases();
    cases.retain(|case| case.id == "mvar/step-d20-p5/n64");
    assert_eq!(cases.len(), 1, "the case");
    cases
}

fn accept(bench: &Bench, args: &str) -> Said {
    bench.run_with(one(), &format!("accept {args}"))
}

/// Makes the folder of the bench a repository of everything but what is built.
fn repository(bench: &Bench) {
    fs::write(bench.dir.path().join(".gitignore"), "target\n").unwrap();
    git(bench, "init --quiet");
    commit(bench);
}

fn commit(bench: &Bench) {
    git(bench, "add .");
    git(bench, "commit --quiet --message change");
}

fn git(bench: &Bench, args: &str) -> String {
    let mut git = Command::new("git");
    git.current_dir(&bench.dir).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]);
    // A hook's variables name the repository that the hook belongs to.
    git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
    let out = git.args(args.split(' ')).output().unwrap();
    assert!(out.status.success(), "git {args}: {out:?}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_reason_is_asked_for_and_kept() {
    let bench = Bench::committed();
    bench.measured(|record| record.cases[0].instructions *= 2);
    refused(&bench, &accept(&bench, ""), Exit::Usage, &["--reason <TEXT>"]);
    refused(&bench, &accept(&bench, "--reason="), Exit::Usage, &["a baseline without a reason"]);
    accept(&bench, "--reason larger-blocks").expect(Exit::Pass, &["cases -> "]);
    let accepted = Record::<Instructions>::read(&bench.baseline()).unwrap();
    assert_eq!(accepted.reason.as_deref(), Some("larger-blocks"), "reason");
    bench.run("gate --filter mvar/step").expect(Exit::Pass, &["no findings"]);
}

#[test]
fn what_no_commit_reproduces_is_refused() {
    let bench = Bench::committed();
    let again = |bench: &Bench| accept(bench, "--reason x");
    bench.measured(|record| record.dirty = true);
    let texts = ["instructions.json was measured with uncommitted changes", "measure again"];
    refused(&bench, &again(&bench), Exit::Incomparable, &texts);
    bench.measured(|record| (record.commit, record.dirty) = (None, true));
    refused(&bench, &again(&bench), Exit::Incomparable, &["was measured outside git, so no"]);

    repository(&bench);
    fs::write(bench.dir.path().join("notes"), "x").unwrap();
    refused(&bench, &again(&bench), Exit::Incomparable, &["outside git, and the tree here"]);
    commit(&bench);
    again(&bench).expect(Exit::Pass, &[]);
    let accepted = Record::<Instructions>::read(&bench.baseline()).unwrap();
    let head = Some(git(&bench, "rev-parse HEAD"));
    assert_eq!((accepted.commit, accepted.dirty), (head, false), "of the same sources");
}

#[test]
fn a_dirty_tree_is_refused_unless_only_baselines_differ() {
    let bench = Bench::committed();
    repository(&bench);
    bench.measured(|record| record.cases[0].instructions *= 2);
    fs::write(bench.dir.path().join("notes"), "x").unwrap();
    let said = accept(&bench, "--reason x");
    refused(&bench, &said, Exit::Incomparable, &["uncommitted changes outside", "a commit of"]);
    fs::remove_file(bench.dir.path().join("notes")).unwrap();
    accept(&bench, "--reason x").expect(Exit::Pass, &["1 looser"]);
    assert!(!git(&bench, "status --porcelain").is_empty(), "the baseline is a change");
    accept(&bench, "--reason again").expect(Exit::Pass, &["0 looser"]);
}

#[test]
fn what_changes_is_a_table() {
    let bench = Bench::committed();
    let mut older = bench.record.clone();
    let added = older.cases.remove(3).id;
    older.cases[0].instructions = 1_000_000;
    older.cases[1].instructions = 1_000_000;
    older.environment.insert("valgrind".to_owned(), "valgrind-1".to_owned());
    older.write(&bench.baseline()).unwrap();
    bench.measured(|record| {
        record.cases[0].instructions = 1_020_000;
        record.cases[1].instructions = 980_000;
        record.cases.remove(2);
    });
    let said = accept(&bench, "--reason x");
    let was = format!("valgrind was `valgrind-1`, is `{}`", bench.record.environment["valgrind"]);
    said.expect(Exit::Pass, &[&was, "1 tighter, 1 looser, 1 new, 1 gone"]);
    let line = |id: &str, words: &[&str]| {
        let lines = said.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(lines.clone().any(|line| line.starts_with(&[id]) && line.ends_with(words)), "{id}");
    };
    let id = |k: usize| bench.record.cases[k].id.as_str();
    line(id(0), &["1000000", "1020000", "+2.00", "%", "LOOSER"]);
    line(id(1), &["1000000", "980000", "-2.00", "%", "tighter"]);
    line(id(2), &["-", "-", "gone"]);
    line(&added, &["-", "new"]);
    assert!(!said.out.contains(id(4)), "what stays has no line: {}", said.out);
}

#[test]
fn a_ratchet_takes_gains_and_loosens_nothing() {
    let bench = Bench::committed();
    bench.measured(|record| {
        record.cases[0].instructions += record.cases[0].instructions / 50;
        record.cases[1].instructions -= record.cases[1].instructions / 50;
        record.cases[2].instructions += 1;
    });
    let fresh = Record::<Instructions>::read(&bench.fresh::<Instructions>()).unwrap();
    let said = accept(&bench, "--ratchet --reason x");
    said.expect(Exit::Pass, &["worse: kept", "tighter", "1 tighter, 1 looser, 0 new, 0 gone"]);
    let mut want = bench.record.cases.clone();
    want[1] = fresh.cases[1].clone();
    let accepted = Record::<Instructions>::read(&bench.baseline()).unwrap();
    assert_eq!(accepted.cases, want, "only the gain");

    let text = fs::read(bench.baseline()).unwrap();
    let again = accept(&bench, "--ratchet --reason y");
    again.expect(Exit::Pass, &["its baseline stays: no case is tighter or new"]);
    bench.measured(|record| {
        record.environment.insert("valgrind".to_owned(), "valgrind-1".to_owned());
    });
    let other = accept(&bench, "--ratchet --reason y");
    other.expect(Exit::Incomparable, &["but `valgrind-1` in the record", "without --ratchet"]);
    assert_eq!(fs::read(bench.baseline()).unwrap(), text, "the baseline stays");
}

#[test]
fn a_baseline_that_cannot_be_read_is_replaced_but_not_ratcheted() {
    let bench = Bench::committed();
    let text = fs::read_to_string(bench.baseline()).unwrap();
    let other = text.replace("\"schema\": 1", "\"schema\": 2");
    for (bad, exit) in [(other.as_str(), Exit::Incomparable), ("garbage", Exit::Failure)] {
        fs::write(bench.baseline(), bad).unwrap();
        accept(&bench, "--ratchet --reason x").expect(exit, &["instructions.json"]);
        assert_eq!(fs::read_to_string(bench.baseline()).unwrap(), bad, "it stays");
        accept(&bench, "--reason x").expect(Exit::Pass, &["replaces what cannot be read"]);
        let accepted = Record::<Instructions>::read(&bench.baseline()).unwrap();
        assert_eq!(accepted.cases, bench.record.cases, "the new one");
    }
    fs::remove_file(bench.baseline()).unwrap();
    accept(&bench, "--ratchet --reason x").expect(Exit::Pass, &["there was no baseline"]);
}

/// Wall times of every case, and of one that is only timed.
fn walls(bench: &Bench) -> Record<Wall> {
    let wall = |id: &str| wall(id, 1000.0);
    let mut cases: Vec<_> = bench.record.cases.iter().map(|case| wall(&case.id)).collect();
    cases.push(wall("test/only-timed/n1"));
    bench.record.beside(environment(), cases)
}

#[test]
fn wall_times_without_a_self_test_are_refused() {
    let bench = Bench::committed();
    let mut walls = walls(&bench);
    walls.cases.retain(|case| case.id == one()[0].id);
    walls.write(&bench.fresh::<Wall>()).unwrap();
    // What runs now, a test, has no worker to compare with itself.
    refused(&bench, &accept(&bench, "--reason x"), Exit::Failure, &["the worker of --list said"]);
    assert!(!walls.baseline(&bench.baselines()).exists(), "no baseline of wall times");
    fs::remove_file(bench.fresh::<Wall>()).unwrap();
    accept(&bench, "--reason x").expect(Exit::Pass, &["cases -> "]);
}

/// As `stepmark calibrate --json` writes them.
const RATES: &str = r#"{
    "schema": 1, "harness": "0.1.0", "started": ["2026-01-02T03:04:05Z", "2026-01-02T04:05:06Z"],
    "load": [0.1, 0.2, 0.3], "commit": null, "dirty": false, "source": "0", "executable": "1",
    "environment": {}, "cases": ["a/b/c"], "margins": null, "rows": [{
        "change": "no change", "cases": "all", "suites": 20, "suites_slower": 1,
        "suites_slower_95": [0.001, 0.249], "verdicts": 420, "slower": 1,
        "slower_95": [0.0001, 0.013], "faster": 0, "unclear": 9, "same": 410,
        "pairs_median": 50.0, "pairs_max": 400
    }]
}"#;

#[test]
fn results_in_a_text_are_those_of_the_baselines_or_stale() {
    let bench = Bench::committed();
    let walls = walls(&bench);
    let folder = bench.baselines().join(Wall::folder(&walls.environment));
    let text = bench.dir.path().join("README.md");
    let splice = |more: &str| {
        let (text, baselines) = (path(&text), path(&bench.baselines()));
        bench.run(&format!("report --splice {text} --baseline {baselines} {more}"))
    };
    let around = ["# Title\n\n<!-- results -->\n", "old\n", "<!-- /results -->\n\nEnd\n"];
    fs::write(&text, around.concat()).unwrap();
    splice("").expect(Exit::Incomparable, &["holds no wall times"]);
    walls.write(&folder.join("wall.json")).unwrap();

    let stale = format!("cargo run --release -- report --splice {}", text.display());
    splice("--check").expect(Exit::Incomparable, &["are not those of the baselines", &stale]);
    assert_eq!(fs::read_to_string(&text).unwrap(), around.concat(), "a check writes nothing");
    splice("").expect(Exit::Pass, &[&format!("results of {} cases", bench.record.cases.len())]);
    splice("--check").expect(Exit::Pass, &[]);
    let new = fs::read_to_string(&text).unwrap();
    assert!(new.starts_with(around[0]) && new.ends_with(around[2]), "{new}");
    let row = format!("| `{}` | scalar | 1.00 us | 900 ns - 1.10 us |", bench.first());
    assert!(new.contains(&row) && !new.contains("only-timed"), "`{row}` in {new}");

    fs::write(&text, new + "<!-- error rates -->\n").unwrap();
    splice("").expect(Exit::Incomparable, &["error-rates.json: No such file"]);
    fs::write(folder.join("error-rates.json"), "{}").unwrap();
    splice("")
        .expect(Exit::Failure, &["error-rates.json: missing field", "ci/calibrate.sh --json"]);
    let newer = RATES.replace("\"schema\": 1", "\"schema\": 2");
    fs::write(folder.join("error-rates.json"), newer).unwrap();
    splice("").expect(Exit::Incomparable, &["error-rates.json: schema 2, expected 1"]);
    fs::write(folder.join("error-rates.json"), RATES).unwrap();
    splice("").expect(Exit::Failure, &["README.md: 0 lines are `<!-- /error rates -->`"]);
    fs::write(&text, fs::read_to_string(&text).unwrap() + "<!-- /error rates -->\n").unwrap();
    splice("").expect(Exit::Pass, &[]);
    splice("--check").expect(Exit::Pass, &[]);
    let rates = fs::read_to_string(&text).unwrap();
    assert!(rates.contains("| no change | all | 20 | 5.0 | 0.1 - 24.9 | 420 |"), "{rates}");

    let slower = bench.record_of(|record| record.cases[0].instructions *= 2);
    slower.write(&bench.baseline()).unwrap();
    splice("--check").expect(Exit::Incomparable, &[&stale]);
    fs::remove_file(bench.baseline()).unwrap();
    splice("--check").expect(Exit::Incomparable, &["instructions.json: no such file"]);
}

#[test]
fn the_results_in_readme_are_those_of_the_baselines() {
    let check = "report --splice README.md --check";
    Bench::committed().run_with(registry::cases(), check).expect(Exit::Pass, &[]);
}

#[test]
fn a_text_without_a_place_for_results_or_a_choice_of_machines_is_an_error() {
    let bench = Bench::committed();
    let walls = walls(&bench);
    walls.write(&bench.baselines().join("one/wall.json")).unwrap();
    let text = bench.dir.path().join("README.md");
    let splice = |more: &str| {
        let (text, baselines) = (path(&text), path(&bench.baselines()));
        bench.run(&format!("report --splice {text} --baseline {baselines} {more}"))
    };
    splice("").expect(Exit::Failure, &["README.md: No such file"]);
    for (bad, message) in [
        ("# Title\n", "README.md: 0 lines are `<!-- results -->`"),
        ("<!-- results -->\n", "README.md: 0 lines are `<!-- /results -->`"),
        (
            "<!-- results -->\n<!-- results -->\n<!-- /results -->\n",
            "2 lines are `<!-- results -->",
        ),
        ("<!-- /results -->\n<!-- results -->\n", "comes before"),
    ] {
        fs::write(&text, bad).unwrap();
        splice("").expect(Exit::Failure, &[message]);
        assert_eq!(fs::read_to_string(&text).unwrap(), bad, "untouched");
    }
    fs::write(&text, "<!-- results -->\n<!-- /results -->\n").unwrap();
    let two = bench.baselines().join("two/wall.json");
    walls.write(&two).unwrap();
    splice("").expect(Exit::Incomparable, &["one/wall.json", "two/wall.json", "--wall FILE"]);
    splice(&format!("--wall {}", path(&two))).expect(Exit::Pass, &["results of"]);
    bench.run("report --check").expect(Exit::Usage, &["--splice"]);
}

#[test]
#[ignore = "takes minutes: cargo test --test against --test baselines -- --ignored --nocapture"]
fn an_accept_killed_at_any_of_ten_moments_leaves_the_old_baseline_or_the_new_one() {
    let bench = Bench::committed();
    bench.measured(|record| record.cases[0].instructions += 1);
    let (target, baselines) = (bench.dir.path().join("target"), bench.baselines());
    let mut accept = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    accept.args(["accept", "--reason", "x"]).current_dir(&bench.dir).stdout(Stdio::null());
    accept.arg("--target-dir").arg(target).arg("--baseline").arg(baselines);
    let start = Instant::now();
    assert!(accept.status().unwrap().success(), "accepted");
    let whole = start.elapsed();
    let read = || Record::<Instructions>::read(&bench.baseline()).unwrap();
    let accepted = read();
    assert_ne!(accepted.cases, bench.record.cases, "another baseline");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for k in 0..10 {
        bench.record.write(&bench.baseline()).unwrap();
        // Files are written in the last moments.
        let share = if k < 5 { rng.random() } else { rng.random_range(0.97..1.01) };
        let mut accept = accept.spawn().unwrap();
        std::thread::sleep(whole.mul_f64(share));
        accept.kill().unwrap();
        accept.wait().unwrap();
        assert!([&bench.record, &accepted].contains(&&read()), "neither after {share} of it");
    }
    assert!(accept.status().unwrap().success(), "the next one works");
    println!("10 kills within {whole:?}: the baseline was the old one or the new one");
}
