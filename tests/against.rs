//! `stepmark gate --against` end to end, in a small repository.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/repository.rs"]
mod repository;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;
use stepmark::gate::duet::Lock;

use repository::{CASE, Repository, expect, main_of};

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

#[test]
fn a_branch_is_compared_with_where_it_parted_from_the_base() {
    let toy = branch();
    let against = "--skip instructions --against base";
    toy.commit(&(main_of(1000) + "// Not what `base` is.\n"));
    expect(
        &gate(&toy, against),
        0,
        &[
            "gate: 1 cases against baselines and base, without instructions (--skip instructions)",
            "paired times, seed ",
            "0 slower, 0 faster, 1 same, 0 unclear, 0 not compared",
            "pass (exit 0): 1 of 1 cases compared, no findings; decided by tiers 1, 3, 5, without",
        ],
    );

    toy.write(&main_of(1100));
    let json = toy.dir.path().join("gate.json");
    let written = format!("{against} --json {} --seed 5", json.display());
    let again = format!("; cargo run --release -- gate {against} --filter {CASE}");
    let slower = format!("FAIL regression    {CASE}: slower: thread CPU time +");
    expect(
        &gate(&toy, &written),
        3,
        &[&slower, &again, "seed 5", "regression by tier 3 (exit 3)", "uncommitted changes"],
    );
    let read = || serde_json::from_str::<Value>(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(read()["duet"]["cases"][0]["change"], "slower", "{}", read());
    let against_what = read()["duet"]["against"].as_str().unwrap().to_owned();
    assert!(against_what.starts_with("merge base with base ("), "{against_what}");

    // What else was found is not lost with the pairs.
    toy.write("fn main() { does not build }");
    let broken = "FAIL tool failure  paired: the working tree does not build; cargo run ";
    let texts = [broken, "error: expected", "tool failure by tier 3 (exit 1)"];
    expect(&gate(&toy, &written), 1, &texts);
    assert_eq!(read()["exit"], 1, "{}", read());
    let texts = ["paired: `nothing` is no revision", "tool failure by tier 3 (exit 1)"];
    expect(&gate(&toy, "--skip instructions --against nothing"), 1, &texts);

    toy.write(&main_of(1000));
    let texts = ["instructions: ", "does not exist", "1 same", "tool failure by tier 2 (exit 1)"];
    expect(&gate(&toy, "--against base"), 1, &texts);
    let _lock = Lock::take(&toy.package().join("target")).unwrap();
    expect(&gate(&toy, against), 1, &["another paired run is under way in this checkout (pid "]);
}

#[test]
fn what_pairs_do_not_tell_fails_only_where_that_is_asked_for() {
    let toy = branch();
    // Every other process is a tenth slower, and the rest are faster.
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
    toy.write(&noisy.replace("steps * 1000", "steps * 950"));
    let against = "--skip instructions --against base --max-pairs 50 --seed 5";
    let unclear = format!("{CASE}: unclear: thread CPU time ");
    let texts = [&format!("note               {unclear}"), "1 unclear", "pass (exit 0)"];
    expect(&gate(&toy, against), 0, &texts);
    let texts = [&format!("FAIL unclear       {unclear}"), "unclear by tier 3 (exit 6)"];
    expect(&gate(&toy, &format!("{against} --strict")), 6, &texts);
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
#[ignore = "takes minutes: cargo test --test against --test baselines -- --ignored --nocapture"]
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
        let mut gate = Command::new(&toy.program);
        gate.current_dir(toy.package()).args(&args).env_remove("CARGO_TARGET_DIR");
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
