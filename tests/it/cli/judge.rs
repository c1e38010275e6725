//! A change is judged by what held before it, wherever the command is started.

use std::fs;
use std::process::Output;

use stepmark::record::{self, INSTRUCTIONS, Origin, Record};

use crate::against::{put_walls, source};
use crate::setup::bench::{counted, origin};
use crate::setup::repository::{CASE, Repository, expect, main_of};

const TOLERANCE: &str = "ci/tolerance.json";

/// Writes the margins of a tree.
fn margins(toy: &Repository, compute_pct: f64, memory_pct: f64) {
    let text =
        format!("{{\"schema\":1,\"compute_pct\":{compute_pct:?},\"memory_pct\":{memory_pct:?}}}\n");
    fs::create_dir_all(toy.package().join("ci")).unwrap();
    fs::write(toy.package().join(TOLERANCE), text).unwrap();
}

/// A branch on `base`, whose step takes 1000 ns, with these margins if any.
fn branch(held: Option<(f64, f64)>) -> Repository {
    let toy = Repository::new();
    if let Some((compute_pct, memory_pct)) = held {
        margins(&toy, compute_pct, memory_pct);
    }
    toy.commit(&main_of(1000));
    toy.git(&["branch", "base"]);
    toy
}

fn run(toy: &Repository, args: &str) -> Output {
    toy.run(&args.split(' ').collect::<Vec<_>>())
}

const GATE: &str = "gate --skip instructions --against base --max-pairs 50 --exact";

#[test]
fn a_change_that_widens_its_margins_is_judged_by_the_old_ones() {
    let toy = branch(None);
    // Uncommitted and untracked.
    toy.write(&main_of(1060));
    margins(&toy, 12.0, 5.0);
    let asks = "note               paired: ci/tolerance.json asks for 12 % instead of 3 % (compute); \
                that holds once it is in base";
    let slower = format!("FAIL regression    {CASE}: slower: ");
    let texts = [slower.as_str(), "margin 3.00 %", asks];
    expect(&run(&toy, &format!("{GATE} {CASE}")), 3, &texts);
    expect(&run(&toy, "duet base --max-pairs 50"), 3, &texts);
    // Once it is there, it holds.
    toy.commit(&main_of(1000));
    toy.git(&["branch", "--force", "base"]);
    toy.write(&main_of(1060));
    let out = run(&toy, "duet base --max-pairs 50");
    expect(&out, 0, &["1 same"]);
    assert!(!String::from_utf8_lossy(&out.stdout).contains("asks for"), "{out:?}");
    // A narrower one holds at once.
    margins(&toy, 2.0, 5.0);
    expect(&run(&toy, "duet base --max-pairs 50"), 3, &[&slower, "margin 2.00 %"]);
}

#[test]
fn margins_that_a_change_removes_or_that_could_not_be_read_do_not_widen_others() {
    let toy = branch(Some((2.0, 2.5)));
    fs::remove_file(toy.package().join(TOLERANCE)).unwrap();
    toy.commit(&main_of(1060));
    let texts = ["margin 2.00 %", "asks for 3 % instead of 2 % (compute), 5 % instead of 2.5 %"];
    expect(&run(&toy, "duet base --max-pairs 50"), 3, &texts);
    fs::write(toy.package().join(TOLERANCE), "none").unwrap();
    toy.commit(&main_of(1000));
    toy.git(&["branch", "--force", "base"]);
    margins(&toy, 12.0, 12.0);
    toy.write(&main_of(1060));
    expect(
        &run(&toy, "duet base --max-pairs 50"),
        3,
        &["margin 3.00 %", "instead of 5 % (memory)"],
    );
}

#[test]
fn a_clean_tree_has_nothing_to_compare_with_itself() {
    let toy = branch(None);
    let json = toy.dir.path().join("gate.json");
    let gate = format!("{GATE} {CASE} --json {}", json.display());
    let texts = [
        "FAIL incomparable  paired: nothing has changed since merge base with base (",
        "it is HEAD, and the tree is clean",
        "--against HEAD~1",
        "incomparable by `slower` (exit 5)",
    ];
    expect(&run(&toy, &gate), 5, &texts);
    assert!(fs::read_to_string(&json).unwrap().contains("\"verdict\": \"incomparable\""), "json");
    expect(&run(&toy, &gate.replace("base", "HEAD")), 5, &texts[1..]);
    // `base` went on, and this branch has nothing of its own.
    toy.commit(&main_of(800));
    toy.git(&["branch", "--force", "base"]);
    toy.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    expect(&run(&toy, &gate), 5, &texts);
    // That is a comparison of its own.
    expect(&run(&toy, "duet HEAD --max-pairs 50"), 0, &["the same, byte for byte"]);
    toy.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing changed"]);
    expect(&run(&toy, &gate), 0, &["the same, byte for byte", "pass (exit 0)"]);
}

#[test]
fn a_revision_that_is_none_is_said_before_anything_is_built_or_checked() {
    let toy = branch(None);
    toy.write(&main_of(1060));
    let out = run(&toy, &format!("gate --against nothing --exact {CASE}"));
    let texts = ["FAIL tool failure  paired: `nothing` is no revision", "by `slower` (exit 1)"];
    expect(&out, 1, &texts);
    let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert!(!said.contains("building") && !said.contains("cargo bench"), "{said}");
    let out = run(&toy, "duet nothing");
    expect(&out, 1, &texts);
    assert!(out.stderr.is_empty(), "{out:?}");
}

#[test]
fn a_case_without_a_verdict_is_not_timed_and_gives_the_verdict_of_the_gate() {
    let toy = branch(None);
    toy.write(&main_of(1060));
    let out = run(&toy, &format!("{GATE} {CASE} --check-timeout 0.000001"));
    let again = format!("; cargo run --release -- check --exact {CASE} --check-timeout 0.000001\n");
    let fails = format!("FAIL tool failure  {CASE}: no ");
    let texts =
        [fails.as_str(), &again, "by `right` (exit 1): 0 of 1 case compared, 1 tool failure"];
    expect(&out, 1, &texts);
    let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    assert!(!said.contains("building") && !said.contains("regression"), "{said}");
    // A margin that is none does not hide what else is found.
    margins(&toy, 1.0, 5.0);
    let texts = ["FAIL tool failure  paired: ci/tolerance.json: compute_pct is 1", "wall times"];
    expect(&run(&toy, &format!("{GATE} {CASE}")), 1, &texts);
}

/// Counts of some cases as a baseline of the tree.
fn put_counts(toy: &Repository, counts: &[(&str, u64)]) {
    let environment = INSTRUCTIONS.fields.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
    let rows = counts.iter().map(|&(id, count)| {
        let mut row = counted(id, "portable", count);
        row.origin = Origin { reason: Some("a better answer".to_owned()), ..origin() };
        row
    });
    let record = Record::new(&INSTRUCTIONS, environment.collect()).with(rows.collect());
    let baselines = toy.package().join("baselines");
    record
        .write(&record::baseline(&baselines, &INSTRUCTIONS, &record.environment, "mvar"))
        .unwrap();
}

#[test]
fn baselines_of_counts_that_a_change_loosens_are_listed() {
    let toy = Repository::new();
    let other = "mvar/rollout-d20-p5/n100";
    put_counts(&toy, &[(CASE, 100_000), (other, 100_000)]);
    toy.commit(&main_of(1000));
    toy.git(&["branch", "base"]);
    let gate = |filter: &str| run(&toy, &format!("{GATE} {filter}").replace("--exact", "--filter"));
    put_counts(&toy, &[(CASE, 100_400), (other, 90_000)]);
    let out = gate(CASE);
    expect(&out, 0, &["pass (exit 0)"]);
    assert!(!String::from_utf8_lossy(&out.stdout).contains("LOOSER"), "within: {out:?}");
    put_counts(&toy, &[(CASE, 110_000)]);
    let looser =
        format!("note               {CASE}: LOOSER baseline than in merge base with base (");
    let texts = [
        looser.as_str(),
        "instructions 100000 -> 110000 (+10.00 %, limit +0.50 %); reason: a better answer",
    ];
    expect(&gate(CASE), 0, &texts);
    let gone =
        format!("note               {other}: LOOSER: baselines/x-rustc-x/instructions/mvar.json");
    expect(&gate("d20-p5"), 0, &[&looser, &gone]);
    fs::remove_dir_all(toy.package().join("baselines")).unwrap();
    expect(&gate("d20-p5"), 0, &[&gone, &gone.replace(other, CASE)]);
}

/// Runs the program in a folder of the package, as if cargo had started it there.
fn run_in(toy: &Repository, folder: &str, args: &str) -> Output {
    let mut stepmark = toy.command(&args.split(' ').collect::<Vec<_>>());
    stepmark.current_dir(toy.package().join(folder));
    stepmark.arg("--target-dir").arg(toy.package().join("target")).output().unwrap()
}

#[test]
fn the_folder_that_a_command_is_started_in_changes_no_verdict() {
    let toy = branch(Some((2.0, 5.0)));
    fs::create_dir(toy.package().join("deep")).unwrap();
    toy.write(&main_of(1060));
    put_walls(&toy, &[CASE], &source(&toy));
    let out = |folder| run_in(&toy, folder, &format!("{GATE} {CASE}"));
    for folder in [".", "deep"] {
        let texts =
            ["margin 2.00 %", &format!("3.000x  UNCLEAR  {CASE}"), "regression by `slower`"];
        expect(&out(folder), 3, &texts);
    }
    // A folder that is named is named from here.
    let elsewhere = format!("{GATE} {CASE} --baseline baselines");
    let none = "no baseline baselines/".to_owned();
    expect(&run_in(&toy, "deep", &elsewhere), 3, &[&none]);
    expect(&run_in(&toy, ".", &elsewhere), 3, &[&format!("3.000x  UNCLEAR  {CASE}")]);
}

#[test]
fn a_filter_of_a_case_that_only_the_old_build_has_says_so() {
    let toy = Repository::new();
    let gone = format!("{CASE}-gone");
    toy.commit(&main_of(1000).replace(CASE, &gone));
    toy.git(&["branch", "base"]);
    toy.commit(&main_of(1000));
    let is_gone = format!("FAIL incomparable  {gone}: is gone, but merge base with base (");
    expect(&run(&toy, &format!("{GATE} {gone}")), 5, &[&is_gone]);
    let is_gone = format!("FAIL incomparable  {gone}: is gone, but base (");
    expect(&run(&toy, &format!("duet base --exact {gone}")), 5, &[&is_gone]);
    let none = format!("no case id of either build is `{gone}-too`");
    for command in [GATE, "duet base --exact"] {
        expect(&run(&toy, &format!("{command} {gone}-too")), 2, &[&none]);
    }
}

#[test]
fn accept_writes_to_the_baselines_of_the_package_wherever_it_is_started() {
    let toy = branch(None);
    fs::create_dir(toy.package().join("deep")).unwrap();
    let source = source(&toy);
    let mut row = counted(CASE, "portable", 1000);
    row.origin.source = source;
    let environment = INSTRUCTIONS.fields.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
    let record = Record::new(&INSTRUCTIONS, environment.collect()).with(vec![row]);
    record.write(&record::fresh(&toy.package().join("target"), &INSTRUCTIONS, "mvar")).unwrap();
    let file = "baselines/x-rustc-x/instructions/mvar.json";
    let accept = format!("accept --exact {CASE} --reason why");
    expect(&run_in(&toy, "deep", &accept), 0, &["1 case -> ", file]);
    assert!(toy.package().join(file).is_file() && !toy.package().join("deep/baselines").exists());
    fs::remove_dir_all(toy.package().join("baselines")).unwrap();
    expect(&run_in(&toy, "deep", &format!("{accept} --baseline here")), 0, &["here/x-rustc-x/"]);
    assert!(toy.package().join("deep/here").is_dir(), "as it was named");
}
