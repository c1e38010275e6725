//! `stepmark gate --against` end to end, in a small repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;
use stepmark::gate::duet::Lock;
use stepmark::machine::workspace;
use stepmark::record::{self, INSTRUCTIONS, Origin, Record, WALL};

use crate::setup::bench::counted;
use crate::setup::repository::{CASE, Repository, expect, main_of, stepmark};
use crate::setup::walls::{environment, wall};

/// A branch of which `base` went on to something faster.
fn branch() -> Repository {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["branch", "change"]);
    toy.commit(&main_of(800));
    toy.git(&["branch", "base"]);
    toy.git(&["checkout", "--quiet", "change"]);
    toy
}

fn gate(toy: &Repository, args: &str) -> Output {
    let args = format!("gate --filter {CASE} {args}");
    toy.run(&args.split(' ').collect::<Vec<_>>())
}

/// An outcome as `--json` wrote it, which must have the fields of the schema.
#[track_caller]
fn outcome(file: &Path) -> Value {
    let schema: Value =
        serde_json::from_str(include_str!("../../src/report/gate.schema.json")).unwrap();
    let outcome: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let named = schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let fields: BTreeSet<_> = outcome.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, named.collect(), "{outcome:#}");
    assert_eq!(outcome["schema"], schema["properties"]["schema"]["const"], "{outcome:#}");
    outcome
}

#[test]
fn a_branch_is_compared_with_where_it_parted_from_the_base() {
    let toy = branch();
    let against = "--skip instructions --against base";
    toy.commit(&(main_of(1000) + "// Not what `base` is.\n"));
    expect(
        &gate(&toy, against),
        0,
        &[
            "gate: 1 case against baselines and base, without instructions (--skip instructions)",
            "note               paired: both builds are the same, byte for byte",
            "paired times, seed ",
            "0 slower, 0 faster, 1 same, 0 unclear, 0 not compared",
            "pass (exit 0): 1 of 1 case compared, 1 note; decided by `right`, `slower`, `self-test`, without",
        ],
    );

    toy.write(&main_of(1100));
    let json = toy.dir.path().join("gate.json");
    let written = format!("{against} --json {} --seed 5", json.display());
    let again = format!("; cargo run --release -- gate {against} --exact {CASE}");
    let slower = format!("FAIL regression    {CASE}: slower: CPU and wait time +");
    expect(
        &gate(&toy, &written),
        3,
        &[&slower, &again, "seed 5", "regression by `slower` (exit 3)", "uncommitted changes"],
    );
    let found = outcome(&json);
    assert_eq!(found["duet"]["cases"][0]["change"], "slower", "{found}");
    assert_eq!(found["duet"]["self_tests"][0]["timed"]["id"], CASE, "{found}");
    let against_what = found["duet"]["against"].as_str().unwrap();
    assert!(against_what.starts_with("merge base with base ("), "{against_what}");

    // What else was found is not lost with the pairs.
    toy.write("fn main() { does not build }");
    let broken = "FAIL tool failure  paired: the working tree does not build; cargo run ";
    let texts = [broken, "error: expected", "tool failure by `slower` (exit 1)"];
    expect(&gate(&toy, &written), 1, &texts);
    assert_eq!(outcome(&json)["verdict"], "tool-failure", "gate");
    let duet = ["duet", "nothing", "--json", json.to_str().unwrap(), "--filter", CASE];
    let again = format!("; cargo run --release -- duet nothing --filter {CASE}");
    expect(&toy.run(&duet), 1, &["duet: 0 cases against nothing", "is no revision", &again]);
    assert_eq!(outcome(&json)["verdict"], "tool-failure", "duet");
    let texts = ["paired: `nothing` is no revision", "tool failure by `slower` (exit 1)"];
    expect(&gate(&toy, "--skip instructions --against nothing"), 1, &texts);

    toy.write(&main_of(1000));
    let texts =
        ["instructions: ", "does not exist", "1 same", "tool failure by `hungrier` (exit 1)"];
    expect(&gate(&toy, "--against base"), 1, &texts);
    let _lock = Lock::take(&toy.package().join("target")).unwrap();
    expect(&gate(&toy, against), 1, &["another paired run is under way in this checkout (pid "]);
}

#[test]
fn where_no_commit_is_in_common_there_is_nothing_to_compare_with() {
    let toy = branch();
    let url = format!("file://{}", toy.dir.path().join("repository").display());
    let clone = ["clone", "--quiet", "--depth", "1", "--no-single-branch", &url, "../../shallow"];
    toy.git(&clone);
    let shallow = toy.dir.path().join("shallow/kernels");
    let args = ["gate", "--filter", CASE, "--skip", "instructions", "--against", "origin/base"];
    let texts = [
        "this shallow clone lacks the commit at which `origin/base` and HEAD parted",
        "fetch-depth: 0",
    ];
    expect(&stepmark(&toy.program, &shallow, &args), 1, &texts);
    toy.git(&["checkout", "--quiet", "--orphan", "other"]);
    // The same sources in the same second would be the same commit.
    toy.commit(&main_of(900));
    let texts = ["`base` and HEAD have no commit in common", "tool failure by `slower` (exit 1)"];
    expect(&gate(&toy, "--skip instructions --against base"), 1, &texts);
}

#[test]
#[cfg(feature = "cuda")]
fn a_case_on_a_gpu_is_compared_though_only_pairs_know_it() {
    let toy = Repository::new();
    let mut cases = stepmark::registry::cases();
    cases.retain(stepmark::case::Case::is_on_device);
    let id = cases.swap_remove(0).id;
    let on_gpu = |step_ns| main_of(step_ns).replace(CASE, &id).replace("cpu-wait", "cuda-event");
    toy.commit(&on_gpu(1000));
    toy.git(&["branch", "base"]);
    toy.commit(&on_gpu(1100));
    let against = format!("gate --skip instructions --against base --filter {id}");
    let slower = format!("FAIL regression    {id}: slower: CUDA event time +");
    let again = format!("; cargo run --release -- {against}").replace("--filter", "--exact");
    let run = |args: &str| toy.run(&args.split(' ').collect::<Vec<_>>());
    expect(&run(&against), 3, &["gate: 1 case against", &slower, &again, "1 of 1 case compared"]);
    expect(&run(&format!("gate --filter {id}")), 2, &["which need --against REV"]);
}

#[test]
fn a_removed_case_fails_unless_that_is_allowed() {
    let toy = Repository::new();
    let one = main_of(1000);
    let listed = one.lines().find(|line| line.contains("{rest}")).unwrap();
    let gone = listed.replace(CASE, &format!("{CASE}-gone"));
    toy.commit(&one.replace(listed, &format!("{listed}\n{gone}")));
    toy.git(&["branch", "base"]);
    toy.commit(&one);
    for command in ["gate --skip instructions --against base", "duet base"] {
        let args = format!("{command} --filter {CASE}");
        let run = |more: &str| toy.run(&(args.clone() + more).split(' ').collect::<Vec<_>>());
        let fails = format!("FAIL incomparable  {CASE}-gone: is gone");
        let allow = format!("; cargo run --release -- {args} --allow-removed");
        expect(&run(""), 5, &[&fails, &allow, "incomparable by `slower` (exit 5)"]);
        let note = format!("note               {CASE}-gone: is gone");
        expect(&run(" --allow-removed"), 0, &[&note, "pass (exit 0)"]);
    }
}

/// Pairs of it are unclear: every other process is a tenth slower, and the rest are faster.
fn noisy(toy: &Repository) -> String {
    let count = toy.dir.path().join("count");
    fs::write(&count, "").unwrap();
    let start = format!(
        "let count = {count:?};
         let mut bytes = std::fs::read(count).unwrap();
         bytes.push(b'x');
         std::fs::write(count, &bytes).unwrap();
         let mut seed = 0;"
    );
    let main = main_of(1000).replace("let mut seed = std::process::id() as u64;", &start);
    let noisy = main.replace("seed % 60000", "if bytes.len() % 2 == 0 { 300_000 } else { 0 }");
    noisy.replace("steps * 1000", "steps * 950")
}

#[test]
fn what_pairs_do_not_tell_fails_only_where_that_is_asked_for() {
    let toy = branch();
    toy.write(&noisy(&toy));
    let against = "--skip instructions --against base --max-pairs 50 --seed 5";
    let unclear = format!("{CASE}: unclear: CPU and wait time ");
    let texts = [&format!("note               {unclear}"), "1 unclear", "pass (exit 0)"];
    expect(&gate(&toy, against), 0, &texts);
    let again = "gate --skip instructions --against base --exact";
    let again = format!("; cargo run --release -- {again} {CASE} --strict --max-pairs 50");
    let texts = [&format!("FAIL unclear       {unclear}"), &again, "unclear by `slower` (exit 6)"];
    expect(&gate(&toy, &format!("{against} --strict")), 6, &texts);
}

/// Saved wall times of a chapter, and fresh ones that are three times as long.
pub(crate) fn put_walls(toy: &Repository, ids: &[&str], source: &str) {
    let (source, started) = (source.to_owned(), "2026-01-02T03:04:05Z".to_owned());
    let origin = Origin { commit: None, dirty: false, source, started, reason: None };
    let of = |median_ns: f64| {
        let rows = ids.iter().map(|id| wall(id, median_ns, &origin)).collect();
        Record::new(&WALL, environment()).with(rows)
    };
    let old = of(100.0);
    let baselines = toy.package().join("baselines");
    old.write(&record::baseline(&baselines, &WALL, &old.environment, "mvar")).unwrap();
    of(300.0).write(&record::fresh(&toy.package().join("target"), &WALL, "mvar")).unwrap();
}

/// The digest of the sources as they are now.
pub(crate) fn source(toy: &Repository) -> String {
    workspace::sources_of(&toy.package()).unwrap()
}

#[test]
fn saved_times_never_decide_but_what_is_gone_from_them_does() {
    let toy = branch();
    // A case that the real program has too, and no build of the repository.
    let other = "mvar/rollout-d20-p5/n100";
    let against = "gate --skip instructions --against base --filter";
    let pairs = "--max-pairs 50 --seed 5";
    let run = |filter: &str| {
        toy.run(&format!("{against} {filter} {pairs}").split(' ').collect::<Vec<_>>())
    };
    let unclear = |id: &str| format!("3.000x  UNCLEAR  {id}");

    toy.write(&noisy(&toy));
    put_walls(&toy, &[other, CASE], &source(&toy));
    let texts = ["1 unclear", "wall times (inform only): 1 of 1 case", &unclear(CASE), "pass"];
    expect(&run(CASE), 0, &texts);

    toy.write(&main_of(1000));
    put_walls(&toy, &[other, CASE], &source(&toy));
    expect(&run("d20-p5"), 0, &["1 same", &unclear(CASE), &unclear(other), "pass (exit 0)"]);

    let gone = format!("{CASE}-gone");
    put_walls(&toy, &[CASE, &gone], "of other sources");
    expect(&gate(&toy, "--skip instructions"), 5, &["nothing that decides was compared"]);
    put_walls(&toy, &[CASE, &gone], &source(&toy));
    let found = format!("FAIL incomparable  {gone}: is gone, but the baseline has it");
    let texts = [found.as_str(), "incomparable by `comparable` (exit 5)"];
    expect(&gate(&toy, "--skip instructions"), 5, &texts);
    expect(&run(&format!("{CASE} --allow-removed")), 0, &["1 same", "pass (exit 0)"]);
}

/// Writes baselines of counts of a toolchain.
fn put_counts(folder: &Path, toolchain: &str, counts: &[(&str, u64)]) {
    let fields = INSTRUCTIONS.fields.iter();
    let fields = fields.map(|name| ((*name).to_owned(), toolchain.to_owned())).collect();
    let rows = counts.iter().map(|&(id, count)| counted(id, "portable", count)).collect();
    let record = Record::new(&INSTRUCTIONS, fields).with(rows);
    record.write(&record::baseline(folder, &INSTRUCTIONS, &record.environment, "mvar")).unwrap();
}

#[test]
fn baselines_beside_the_package_and_those_of_a_new_toolchain_are_held_against_the_old_ones() {
    let toy = Repository::new();
    let (other, folder) = ("mvar/rollout-d20-p5/n100", toy.package().join("../shared/counts"));
    put_counts(&folder, "x", &[(CASE, 100_000), (other, 100_000)]);
    toy.commit(&main_of(1000));
    toy.git(&["branch", "base"]);
    let gate = |baselines: &str| {
        let args = "gate --skip instructions --against base --max-pairs 50 --filter d20-p5";
        let args: Vec<_> = args.split(' ').chain(["--baseline", baselines]).collect();
        let out = toy.run(&args);
        (String::from_utf8_lossy(&out.stdout).into_owned(), out)
    };
    put_counts(&folder, "x", &[(CASE, 110_000), (other, 100_000)]);
    let looser = format!("note               {CASE}: LOOSER baseline than in merge base with base");
    let texts = [&*looser, "instructions 100000 -> 110000 (+10.00 %"];
    let (said, out) = gate("../shared/counts");
    expect(&out, 0, &texts);
    assert_eq!(said.matches("LOOSER").count(), 1, "{said}");

    fs::remove_dir_all(&folder).unwrap();
    put_counts(&folder, "y", &[(CASE, 110_000), (other, 100_000)]);
    let (said, out) = gate("../shared/counts");
    expect(&out, 0, &texts);
    assert_eq!(said.matches("LOOSER").count(), 1, "{said}");
    put_counts(&folder, "y", &[(CASE, 100_000)]);
    let (said, out) = gate("../shared/counts");
    let lacks =
        format!("{other}: LOOSER: ../shared/counts/y-rustc-y/instructions/mvar.json lacks it");
    expect(&out, 0, &[&lacks]);
    assert_eq!(said.matches("LOOSER").count(), 1, "{said}");

    fs::rename(&folder, toy.dir.path().join("counts")).unwrap();
    let text =
        "counts lies outside the repository, so nothing tells whether these baselines are looser";
    expect(&gate("../../counts").1, 0, &[text]);
}

/// Requires that soon no process runs a program of this folder.
#[track_caller]
fn no_process_of(folder: &Path) {
    let runs = |process: &Path| {
        fs::read_link(process.join("exe")).is_ok_and(|exe| exe.starts_with(folder))
    };
    let start = Instant::now();
    loop {
        let mut all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let Some(left) = all.find(|process| runs(process)) else { return };
        assert!(start.elapsed() < Duration::from_secs(5), "{} lives", left.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "takes minutes: cargo test --test it -- --ignored --nocapture killed"]
fn a_gate_killed_at_any_of_forty_moments_leaves_nothing_behind() {
    let toy = branch();
    let args = format!("gate --filter {CASE} --skip instructions --against base --json gate.json");
    let args: Vec<&str> = args.split(' ').collect();
    let passes = || {
        let start = Instant::now();
        expect(&toy.run(&args), 0, &["pass (exit 0)"]);
        start.elapsed()
    };
    passes();
    let whole = passes();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for k in 0..40 {
        // Some of the kills interrupt a build.
        if k % 4 == 0 {
            toy.write(&(main_of(1000) + &format!("// Kill {k}.\n")));
        }
        let mut gate = toy.command(&args);
        let mut gate = gate.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let delay = whole.mul_f64(rng.random());
        std::thread::sleep(delay);
        gate.kill().unwrap();
        gate.wait().unwrap();
        no_process_of(toy.dir.path());
        if let Ok(text) = fs::read_to_string(toy.package().join("gate.json")) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
        passes();
    }
    println!("40 kills within {whole:?}: no worker left, no half result, each next run passed");
}
