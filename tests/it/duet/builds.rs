//! Builds of a revision and of the working tree.

use std::fs;
use std::process::Output;

use stepmark::gate::duet::Lock;

use crate::setup::repository::{CASE, MANIFEST, Repository, expect, main_of, stepmark};

use super::meant::main_where;

fn duet_of(toy: &Repository, args: &[&str]) -> Output {
    toy.run(&[&["duet"], args].concat())
}

#[test]
fn a_revision_is_built_and_compared_with_the_working_tree() {
    let toy = Repository::new();
    toy.commit("fn main() { std::process::exit(2) }");
    toy.commit("fn main() { does not build }");
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1100));
    // The lock is not committed, so the other build gets this one.
    let lock = toy.package().join("Cargo.lock");
    fs::write(&lock, "broken").unwrap();
    expect(&duet_of(&toy, &["HEAD~1"]), 1, &["HEAD~1 (", "tree/kernels/Cargo.lock"]);
    fs::remove_file(&lock).unwrap();
    // Without one, versions are those of the day, and nothing is kept.
    expect(
        &duet_of(&toy, &["HEAD~1"]),
        3,
        &[
            "duet: 1 case against HEAD~1 (",
            &format!("FAIL regression    {CASE}: slower: CPU and wait time +"),
            &format!("; cargo run --release -- duet HEAD~1 --exact {CASE}"),
        ],
    );
    expect(&duet_of(&toy, &["HEAD~2"]), 1, &["HEAD~2 (", "does not build", "error: expected"]);
    expect(&duet_of(&toy, &["HEAD~3"]), 1, &["it is older than paired runs"]);
    expect(
        &duet_of(&toy, &["no-such-branch"]),
        1,
        &["`no-such-branch` is no revision", "git fetch"],
    );
    expect(&duet_of(&toy, &["--", "--exec=x"]), 1, &["`--exec=x` is no revision"]);

    toy.git(&["checkout", "--quiet", "--detach"]);
    let same = "note               paired: both builds are the same, byte for byte";
    expect(
        &duet_of(&toy, &["HEAD"]),
        0,
        &[same, "pass (exit 0)", "0 slower, 0 faster", "0 not compared"],
    );
    let unknown = &duet_of(&toy, &["HEAD", "--features", "unknown"]);
    let no_build = &duet_of(&toy, &["--exe", "a", "--exe", "b", "--features", "unknown"]);
    expect(no_build, 2, &["--features is for builds"]);
    expect(unknown, 1, &["does not build", "unknown", "duet HEAD --features unknown"]);
    // A file where the worktree was is made way for.
    fs::remove_file(toy.tree().join(".git")).unwrap();
    fs::write(toy.tree().join("kernels/main.rs"), "fn main() {}").unwrap();
    toy.write(&main_of(1000));
    expect(
        &duet_of(&toy, &["HEAD~1"]),
        0,
        &["the working tree has uncommitted changes", "0 slower, 0 faster", "0 not compared"],
    );
    fs::create_dir(toy.package().join(".cargo")).unwrap();
    fs::write(toy.package().join(".cargo/config.toml"), "[term]\nquiet = true\n").unwrap();
    toy.git(&["add", ".cargo"]);
    let other = "paired: kernels/.cargo/config.toml is another in HEAD~1 (";
    expect(&duet_of(&toy, &["HEAD~1"]), 0, &[other, "0 slower, 0 faster", "0 not compared"]);
    // Older files than those of the last build are built again.
    expect(&duet_of(&toy, &["HEAD"]), 0, &["1 faster"]);

    let lock = Lock::take(&toy.package().join("target")).unwrap();
    let pid =
        format!("another paired run is under way in this checkout (pid {})", std::process::id());
    expect(&duet_of(&toy, &["HEAD"]), 1, &[&pid]);
    drop(lock);
    let file = toy.package().join("main.rs");
    expect(
        &duet_of(&toy, &["HEAD", "--target-dir", file.to_str().unwrap()]),
        1,
        &["main.rs/stepmark"],
    );
}

#[test]
fn each_side_is_built_with_the_features_that_it_names_for_pairs() {
    let toy = Repository::new();
    let manifest = |paired: &str| {
        let features = "[features]\ndefault = [\"slow\"]\nslow = []\n";
        toy.put("Cargo.toml", &format!("{MANIFEST}{features}{paired}"));
    };
    manifest("");
    toy.commit(&main_where("cfg!(feature = \"slow\")", 1100));
    expect(&duet_of(&toy, &["HEAD"]), 0, &["0 slower, 0 faster", "0 not compared"]);
    manifest("[package.metadata.stepmark]\npaired-features = []\n");
    expect(&duet_of(&toy, &["HEAD"]), 0, &["1 faster"]);
    expect(
        &duet_of(&toy, &["HEAD", "--features", "slow"]),
        0,
        &["0 slower, 0 faster", "0 not compared"],
    );
}

#[test]
fn only_the_own_package_says_something_to_this_program_by_its_metadata() {
    let toy = Repository::new();
    let other = "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                 metadata = \"x\"\n";
    toy.put("other/Cargo.toml", other);
    toy.put("other/src/lib.rs", "");
    // A lock file names what the package depends on.
    fs::remove_file(toy.package().join("Cargo.lock")).unwrap();
    let manifest = |said: &str| {
        let other = "[dependencies]\nother = { path = \"other\" }\n";
        toy.put("Cargo.toml", &format!("{MANIFEST}{other}{said}"));
    };
    manifest("");
    toy.commit(&main_of(1000));
    expect(&duet_of(&toy, &["HEAD"]), 0, &["0 slower, 0 faster", "0 not compared"]);
    manifest("[package.metadata.stepmark]\npaired-features = \"all\"\n");
    let said = "the working tree: kernels/Cargo.toml: `[package.metadata.stepmark]`: invalid type: \
                string \"all\"";
    expect(&duet_of(&toy, &["HEAD"]), 1, &[said]);
}

#[test]
fn a_revision_that_cannot_be_found_is_said_to_be_missing_and_why() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1100));
    let url = format!("file://{}", toy.dir.path().join("repository").display());
    toy.git(&["clone", "--quiet", "--depth", "1", &url, "../../shallow"]);
    let shallow = toy.dir.path().join("shallow/kernels");
    let out = stepmark(&toy.program, &shallow, &["duet", "HEAD~1"]);
    expect(&out, 1, &["`HEAD~1` is not in this shallow clone", "fetch-depth: 0"]);

    let mut without = toy.command(&["duet", "HEAD"]);
    without.env("PATH", "/nonexistent");
    without.env("CARGO", cargo());
    expect(&without.output().unwrap(), 1, &["git does not start", "--exe OLD --exe NEW"]);

    fs::remove_dir_all(toy.dir.path().join("repository/.git")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["kernels: not in a git repository"]);
    fs::write(toy.package().join("Cargo.toml"), MANIFEST.replace("stepmark", "other")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["has the program `stepmark`"]);
    fs::remove_file(toy.package().join("Cargo.toml")).unwrap();
    expect(&duet_of(&toy, &["HEAD"]), 1, &["no cargo package here", "Cargo.toml"]);
}

/// The cargo that runs this test.
fn cargo() -> String {
    std::env::var("CARGO").unwrap()
}
