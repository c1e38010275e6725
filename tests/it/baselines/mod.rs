//! How baselines change: what `stepmark accept` takes and refuses.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use stepmark::case::{Case, Step};
use stepmark::cli::Exit;
use stepmark::record::{INSTRUCTIONS, Record, Row, WALL};

use crate::setup::bench::{Bench, Said, cases, origin, read_all, set};
use crate::setup::walls::{environment, wall};

mod results;

/// Refuses as `said` does, and leaves the baseline.
#[track_caller]
fn refused(bench: &Bench, said: &Said, exit: Exit, texts: &[&str]) {
    said.expect(exit, texts);
    assert_eq!(read(bench), bench.record, "the baseline stays");
}

/// The baselines of the instructions of all chapters.
fn read(bench: &Bench) -> Record {
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "x");
    read_all(&INSTRUCTIONS, file.parent().unwrap())
}

/// A step that is right, whatever it stands for.
struct Right(u64);

impl Step for Right {
    fn run(&mut self) {
        self.0 = 7;
    }
    fn spoil(&mut self) {
        self.0 = 0;
    }
    fn digest(&self) -> u64 {
        self.0
    }
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Cases of the same ids that do nothing: checking the real ones is what other tests do.
fn light() -> Vec<Case> {
    let of = |case: Case| Case::new(case.id.clone(), case.implementation, case.work, || Right(0));
    cases().into_iter().map(of).collect()
}

pub(super) fn accept(bench: &Bench, args: &str) -> Said {
    bench.run_with(light(), &format!("accept {args}"))
}

/// Makes the folder of the bench a repository of everything but what is built.
pub(super) fn repository(bench: &Bench) {
    fs::write(bench.dir.path().join(".gitignore"), "target\n").unwrap();
    git(bench, "init --quiet");
    commit(bench);
}

pub(super) fn commit(bench: &Bench) {
    git(bench, "add .");
    git(bench, "commit --quiet --message change");
}

pub(super) fn git(bench: &Bench, args: &str) -> String {
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
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
    refused(&bench, &accept(&bench, ""), Exit::Usage, &["--reason <TEXT>"]);
    refused(&bench, &accept(&bench, "--reason="), Exit::Usage, &["a baseline without a reason"]);
    accept(&bench, "--reason larger-blocks").expect(Exit::Pass, &["cases -> "]);
    let accepted = read(&bench);
    let reasons = accepted.cases.iter().map(|row| row.origin.reason.as_deref());
    assert!(reasons.into_iter().all(|reason| reason == Some("larger-blocks")), "{accepted:?}");
    bench.run("gate --filter mvar/step").expect(Exit::Pass, &["no findings"]);
}

#[test]
fn what_no_commit_reproduces_is_refused() {
    let bench = Bench::committed();
    let again = |bench: &Bench| accept(bench, "--reason x");
    let all = |bench: &Bench, change: fn(&mut Row)| {
        bench.measured(|record| record.cases.iter_mut().for_each(change));
    };
    all(&bench, |row| row.origin.dirty = true);
    let texts = ["was measured with uncommitted changes", "measure again"];
    refused(&bench, &again(&bench), Exit::Incomparable, &texts);
    all(&bench, |row| (row.origin.commit, row.origin.dirty) = (None, true));
    refused(&bench, &again(&bench), Exit::Incomparable, &["was measured outside git, so no"]);

    repository(&bench);
    fs::write(bench.dir.path().join("notes"), "x").unwrap();
    refused(&bench, &again(&bench), Exit::Incomparable, &["outside git, and the tree here"]);
    commit(&bench);
    again(&bench).expect(Exit::Pass, &[]);
    let accepted = read(&bench);
    let head = Some(git(&bench, "rev-parse HEAD"));
    let origin = &accepted.cases[0].origin;
    assert_eq!((&origin.commit, origin.dirty), (&head, false), "of the same sources");
}

#[test]
fn a_dirty_tree_is_refused_unless_only_baselines_differ() {
    let bench = Bench::committed();
    repository(&bench);
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| 2 * n));
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
    let at = bench.largest();
    let mut older = bench.record.clone();
    let added = older.cases.remove(at + 3).id;
    set(&mut older.cases[at], "instructions", |_| 1_000_000);
    set(&mut older.cases[at + 1], "instructions", |_| 1_000_000);
    older.cases[at + 2].id += "-gone";
    older.environment.insert("valgrind".to_owned(), "valgrind-1".to_owned());
    bench.accepted(&INSTRUCTIONS, &older.with(older.cases.clone()));
    bench.measured(|record| {
        set(&mut record.cases[at], "instructions", |_| 1_020_000);
        set(&mut record.cases[at + 1], "instructions", |_| 980_000);
    });
    let said = accept(&bench, "--reason x");
    let was = format!("valgrind was `valgrind-1`, is `{}`", bench.record.environment["valgrind"]);
    said.expect(Exit::Pass, &[&was, "1 tighter, 1 looser, 2 new, 1 gone"]);
    let line = |id: &str, words: &[&str]| {
        let lines = said.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(lines.clone().any(|line| line.starts_with(&[id]) && line.ends_with(words)), "{id}");
    };
    let id = |k: usize| bench.record.cases[at + k].id.as_str();
    line(id(0), &["1000000", "1020000", "+2.00", "%", "LOOSER"]);
    line(id(1), &["1000000", "980000", "-2.00", "%", "tighter"]);
    line(&format!("{}-gone", id(2)), &["-", "-", "gone"]);
    line(&added, &["-", "new"]);
    assert!(!said.out.contains(id(4)), "what stays has no line: {}", said.out);
}

#[test]
fn a_ratchet_takes_gains_and_loosens_nothing() {
    let bench = Bench::committed();
    let at = bench.largest();
    bench.measured(|record| {
        set(&mut record.cases[at], "instructions", |n| n + n / 50);
        set(&mut record.cases[at + 1], "instructions", |n| n - n / 50);
        set(&mut record.cases[at + 2], "instructions", |n| n + 1);
    });
    let fresh =
        Record::read(&INSTRUCTIONS, &bench.fresh(&INSTRUCTIONS, bench.record.cases[at].chapter()))
            .unwrap();
    let said = accept(&bench, "--ratchet --reason x");
    said.expect(Exit::Pass, &["worse: kept", "tighter", "1 tighter, 1 looser, 0 new, 0 gone"]);
    let mut want = bench.record.cases.clone();
    want[at + 1] = fresh.cases[1].clone();
    want[at + 1].origin.reason = Some("x".to_owned());
    let accepted = read(&bench);
    assert_eq!(accepted.cases, want, "only the gain");

    let again = accept(&bench, "--ratchet --reason y");
    again.expect(Exit::Pass, &["its baseline stays: no case is tighter or new"]);
    bench.measured(|record| {
        record.environment.insert("valgrind".to_owned(), "valgrind-1".to_owned());
    });
    let other = accept(&bench, "--ratchet --reason y");
    other.expect(Exit::Incomparable, &["but `valgrind-1` in the record", "without --ratchet"]);
    assert_eq!(read(&bench), accepted, "the baseline stays");
}

#[test]
fn a_baseline_that_cannot_be_read_is_replaced_but_not_ratcheted() {
    let bench = Bench::committed();
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "mvar");
    let text = fs::read_to_string(&file).unwrap();
    let other = text.replace("\"schema\": 2", "\"schema\": 1");
    for (bad, exit) in [(other.as_str(), Exit::Incomparable), ("garbage", Exit::Failure)] {
        fs::write(&file, bad).unwrap();
        accept(&bench, "--ratchet --reason x").expect(exit, &["mvar.json"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), bad, "it stays");
        accept(&bench, "--reason x --filter step-d20").expect(Exit::Failure, &["mvar.json"]);
        accept(&bench, "--reason x").expect(Exit::Pass, &["replaces what cannot be read"]);
        let rows = Record::read(&INSTRUCTIONS, &file).unwrap().cases;
        let of_chapter = |row: &&Row| row.chapter() == "mvar";
        assert_eq!(rows.len(), bench.record.cases.iter().filter(of_chapter).count(), "the new one");
    }
    fs::remove_file(&file).unwrap();
    accept(&bench, "--ratchet --reason x").expect(Exit::Pass, &["there was no baseline"]);
}

/// The rows of the baseline of a chapter, by their ids and reasons.
fn reasons(bench: &Bench, chapter: &str) -> Vec<(String, Option<String>)> {
    let rows = read(bench).cases.into_iter().filter(|row| row.chapter() == chapter);
    rows.map(|row| (row.id, row.origin.reason)).collect()
}

#[test]
fn a_filter_changes_the_lines_of_its_cases_alone() {
    let bench = Bench::committed();
    let file = |chapter| fs::read(bench.baseline(&INSTRUCTIONS, &bench.record, chapter)).unwrap();
    let others = || ["lattice", "lstm", "md"].map(file);
    let before = others();
    // Other chapters are of other sources: their lines are left alone, too.
    bench.measured(|record| {
        for row in record.cases.iter_mut() {
            match row.chapter() {
                "mvar" => set(row, "instructions", |n| 2 * n),
                _ => row.origin.source = "of before".to_owned(),
            }
        }
    });
    let texts = ["instructions/mvar: 0 tighter, 1 looser, 0 new, 0 gone"];
    accept(&bench, "--reason one --filter mvar/step").expect(Exit::Pass, &texts);
    for (id, reason) in reasons(&bench, "mvar") {
        let want = id.starts_with("mvar/step").then(|| "one".to_owned());
        assert_eq!(reason, want, "{id}");
    }
    let damaged = bench.fresh(&INSTRUCTIONS, "lstm");
    let whole = fs::read(&damaged).unwrap();
    fs::write(&damaged, "{").unwrap();
    accept(&bench, "--reason all").expect(Exit::Failure, &["lstm.json"]);
    accept(&bench, "--reason all --filter mvar/").expect(Exit::Pass, &["looser"]);
    fs::write(&damaged, whole).unwrap();
    assert!(reasons(&bench, "mvar").iter().all(|(_, reason)| reason.as_deref() == Some("all")));
    assert_eq!(others(), before, "other chapters");
    let said = accept(&bench, "--reason all");
    said.expect(Exit::Pass, &["instructions/lattice: its baseline stays", "is of other sources"]);
    assert_eq!(others(), before, "other chapters");
}

#[test]
fn another_environment_needs_the_whole_chapter() {
    let bench = Bench::committed();
    bench.measured(|record| {
        record.environment.insert("valgrind".to_owned(), "valgrind-9".to_owned());
    });
    let said = accept(&bench, "--reason x --filter mvar/step");
    let texts = ["valgrind is `", "but", "another environment needs the whole chapter"];
    refused(&bench, &said, Exit::Incomparable, &[texts[0], texts[2]]);
    accept(&bench, "--reason x --filter mvar/").expect(Exit::Pass, &["is `valgrind-9`"]);
}

#[test]
fn a_chapter_without_cases_loses_its_baseline() {
    let bench = Bench::committed();
    let file = bench.baseline(&INSTRUCTIONS, &bench.record, "gone");
    let mut row = bench.record.cases[0].clone();
    row.id = "gone/kernel/n1".to_owned();
    bench.record.with(vec![row]).write(&file).unwrap();
    let gone = "gone/kernel/n1: is gone, but the baseline has it";
    bench.run("gate").expect(Exit::Incomparable, &[gone]);
    accept(&bench, "--reason x --filter mvar/").expect(Exit::Pass, &[]);
    assert!(file.exists(), "not selected");
    accept(&bench, "--reason x").expect(Exit::Pass, &["removed, its chapter has no cases"]);
    assert!(!file.exists(), "removed");
}

/// Wall times of every case, and of one that is only timed.
pub(super) fn walls(bench: &Bench) -> Record {
    let mut cases: Vec<_> =
        bench.record.cases.iter().map(|row| wall(&row.id, 1000.0, &row.origin)).collect();
    cases.push(wall("test/only-timed/n1", 1000.0, &origin()));
    Record::new(&WALL, environment()).with(cases)
}

#[test]
fn wall_times_without_a_self_test_are_refused() {
    let bench = Bench::committed();
    let mut walls = walls(&bench);
    walls.cases.retain(|case| case.chapter() == "mvar");
    bench.put(&WALL, &walls);
    // The program that runs now, a test, has no worker to compare with itself.
    refused(&bench, &accept(&bench, "--reason x"), Exit::Failure, &["the worker of --list said"]);
    assert!(!bench.baseline(&WALL, &walls, "mvar").exists(), "no baseline of wall times");
    bench.put(&WALL, &walls.with(Vec::new()));
    accept(&bench, "--reason x").expect(Exit::Pass, &["cases -> "]);
}

#[test]
#[ignore = "takes minutes: cargo test --test it -- --ignored --nocapture killed"]
fn an_accept_killed_at_any_of_ten_moments_leaves_the_old_baseline_or_the_new_one() {
    let bench = Bench::committed();
    bench.measured(|record| set(&mut record.cases[0], "instructions", |n| n + 1));
    let (target, baselines) = (bench.target(), bench.baselines());
    let mut accept = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    accept.args(["accept", "--reason", "x"]).current_dir(&bench.dir).stdout(Stdio::null());
    accept.arg("--target-dir").arg(target).arg("--baseline").arg(baselines);
    let start = Instant::now();
    assert!(accept.status().unwrap().success(), "accepted");
    let whole = start.elapsed();
    let accepted = read(&bench);
    assert_ne!(accepted.cases, bench.record.cases, "another baseline");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for k in 0..10 {
        bench.accepted(&INSTRUCTIONS, &bench.record);
        // Files are written in the last moments.
        let share = if k < 5 { rng.random() } else { rng.random_range(0.97..1.01) };
        let mut accept = accept.spawn().unwrap();
        std::thread::sleep(whole.mul_f64(share));
        accept.kill().unwrap();
        accept.wait().unwrap();
        let (now, rows) = (read(&bench), [&bench.record, &accepted]);
        for (k, row) in now.cases.iter().enumerate() {
            let same = |other: &&Record| other.cases[k].metrics == row.metrics;
            assert!(rows.iter().any(same), "neither after {share} of it: {row:?}");
        }
    }
    assert!(accept.status().unwrap().success(), "the next one works");
    println!("10 kills within {whole:?}: the baseline was the old one or the new one");
}
