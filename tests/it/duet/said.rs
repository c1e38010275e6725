//! The messages where there is no build, or none that can be trusted.

use std::fs;
use std::path::Path;
use std::process::Output;

use stepmark::machine::{Environment, workspace};
use stepmark::record::INSTRUCTIONS;
use stepmark::run::{self, Digests, Run, Warm};

use crate::setup::repository::{CASE, Repository, expect, main_of, stepmark};

fn duet(toy: &Repository, revision: &str) -> Output {
    toy.run(&["duet", revision])
}

#[test]
fn a_file_that_git_ignores_is_in_neither_build() {
    let toy = Repository::new();
    toy.put("../.gitignore", "target\nCargo.lock\nsecret\ngenerated.rs\n");
    toy.put("../secret", "1000");
    toy.put("generated.rs", "");
    let include = |text: &str| main_of(1000) + text;
    toy.commit(&include("const _: &str = include_str!(\"../secret\");\n"));
    let texts = ["does not build", "secret is ignored by git, so neither side has it; commit it"];
    expect(&duet(&toy, "HEAD"), 1, &texts);
    toy.commit(&include("mod generated;\n"));
    let text = "kernels/generated.rs is ignored by git";
    expect(&duet(&toy, "HEAD"), 1, &["does not build", text]);
}

#[test]
fn a_pointer_of_lfs_is_no_source() {
    let toy = Repository::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n";
    toy.put("step", pointer);
    toy.put("picture", pointer);
    toy.commit(&(main_of(1000) + "const _: &str = include_str!(\"step\");\n"));
    let texts = ["was built from kernels/step, which is a Git LFS pointer", "git lfs fetch"];
    expect(&duet(&toy, "HEAD"), 1, &texts);
    // Others are nobody's business.
    toy.commit(&main_of(1000));
    expect(&duet(&toy, "HEAD"), 0, &["0 slower, 0 faster", "0 not compared"]);
}

#[test]
fn a_large_file_that_is_copied_is_worth_a_word() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    let large = fs::File::create(toy.package().join("samples.bin")).unwrap();
    large.set_len(65 << 20).unwrap();
    let text = "copies kernels/samples.bin (65 MiB), which is neither committed nor ignored";
    expect(&duet(&toy, "HEAD"), 0, &[text, "0 slower, 0 faster", "0 not compared"]);
}

#[test]
fn a_cache_that_cannot_be_made_is_named_with_the_way_out() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    let text = "cannot be made; name a folder that can be written by STEPMARK_CACHE";
    let mut run = toy.command(&["duet", "HEAD"]);
    run.env("STEPMARK_CACHE", "/proc/cache");
    expect(&run.output().unwrap(), 1, &["/proc/cache/", text]);
    run.env_remove("STEPMARK_CACHE").env_remove("XDG_CACHE_HOME").env("HOME", "/proc/home");
    expect(&run.output().unwrap(), 1, &["/proc/home/.cache/stepmark/", text]);
}

#[test]
fn git_itself_says_why() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1001));
    expect(
        &duet(&toy, ":/x"),
        0,
        &["1 case against :/x (", "0 slower, 0 faster", "0 not compared"],
    );
    expect(&duet(&toy, ":/nothing"), 1, &["`:/nothing` is no revision", "git fetch"]);
    // A blob of the revision is gone.
    let blob = toy.text(&["rev-parse", "HEAD~1:kernels/main.rs"]);
    let object = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    fs::remove_file(toy.dir.path().join("repository").join(object)).unwrap();
    expect(
        &duet(&toy, "HEAD~1"),
        1,
        &["paired: `git read-tree --reset -u ", "`: error: unable to read "],
    );

    let mut other = toy.command(&["duet", "HEAD"]);
    other.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let texts = ["belongs to another user", "git config --global --add safe.directory "];
    expect(&other.output().unwrap(), 1, &texts);
    let mut accept = toy.command(&["accept", "--reason", "why"]);
    accept.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    expect(&accept.output().unwrap(), 1, &texts);
}

#[test]
fn an_unknown_revision_of_a_shallow_clone_is_told_from_one_that_parted_before() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["branch", "base"]);
    toy.commit(&main_of(1001));
    toy.git(&["checkout", "--quiet", "base"]);
    toy.commit(&main_of(1002));
    let url = format!("file://{}", toy.dir.path().join("repository").display());
    let clone = ["clone", "--quiet", "--depth", "1", "--no-single-branch", &url, "../../shallow"];
    toy.git(&clone);
    let shallow = toy.dir.path().join("shallow/kernels");
    let gate = |against: &str| {
        let args = ["gate", "--filter", CASE, "--skip", "instructions", "--against", against];
        stepmark(&toy.program, &shallow, &args)
    };
    let parted = "lacks the commit at which `origin/master` and HEAD parted";
    expect(&gate("origin/master"), 1, &[parted, "git fetch --unshallow"]);
    expect(&gate("origin/none"), 1, &["`origin/none` is not in this shallow clone", "git fetch"]);
}

/// A program as cargo leaves it, with the list of its sources beside it.
#[test]
fn an_executable_that_is_older_than_its_sources_judges_nothing() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    let list = |source: &Path| {
        let text = format!("{}: {}\n", toy.program.display(), source.display());
        fs::write(toy.program.with_extension("d"), text).unwrap();
    };
    list(&toy.package().join("main.rs"));
    let gate = || toy.run(&["gate", "--skip", "instructions", "--filter", CASE]);
    let fine = ["nothing that decides was compared"];
    expect(&gate(), 5, &fine);
    expect(&gate(), 5, &fine);
    toy.put("data", "no source of the program");
    expect(&gate(), 5, &fine);
    toy.write(&main_of(1100));
    let stale = ["built before ", "kernels/main.rs changed", "cargo clean -p toy --profile bin"];
    expect(&gate(), 5, &stale);
    // Built again, it is another one.
    let program = fs::File::options().append(true).open(&toy.program).unwrap();
    program.set_modified(std::time::SystemTime::now()).unwrap();
    drop(program);
    expect(&gate(), 5, &fine);
}

#[test]
fn baselines_and_samples_are_those_of_the_package_from_any_folder_of_it() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.put("ci/tolerance.json", "no margins");
    toy.put("src/x", "");
    let package = toy.package();
    let run_in =
        |folder: &Path, args: &[&str]| toy.command(args).current_dir(folder).output().unwrap();
    for folder in [&package, &package.join("src")] {
        let duet = run_in(folder, &["duet", "HEAD"]);
        expect(&duet, 1, &["ci/tolerance.json"]);
    }
    let gate = ["gate", "--skip", "instructions", "--filter", CASE];
    let there = format!("against {}/baselines", package.canonicalize().unwrap().display());
    expect(&run_in(&package.join("src"), &gate), 5, &[&there]);
    expect(&run_in(&package, &gate), 5, &["against baselines"]);

    // Cargo was started in the workspace, and told a folder from there.
    let target = toy.dir.path().join("repository/target");
    fs::create_dir_all(target.join("release")).unwrap();
    fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
    let program = target.join("release/stepmark");
    fs::copy(&toy.program, &program).unwrap();
    let mut record = crate::setup::repository::command(&program, &package, &["record"]);
    record.env("CARGO_TARGET_DIR", "target");
    let text = format!("no run of `wall` in {}", target.canonicalize().unwrap().display());
    expect(&record.output().unwrap(), 5, &[&text]);
    // The runner of the counts, which cargo starts in the package, takes it from there.
    let source = workspace::sources_of(&package).unwrap();
    let counted = Run::begin(source, Environment::new());
    counted.open(&target, INSTRUCTIONS.name, "mvar", &Digests::new()).unwrap();
    let warm = Warm {
        id: CASE.to_owned(),
        position: 0,
        package: "toy".to_owned(),
        implementation: "scalar".to_owned(),
        dispatch: "scalar".to_owned(),
        heap_blocks: 0,
        heap_bytes: 0,
        control_blocks: 1,
    };
    run::write(&target, INSTRUCTIONS.name, CASE, &warm).unwrap();
    let there = "stepmark: tool failure: target/iai/toy/instructions/instructions/step.case_0/";
    expect(&record.output().unwrap(), 1, &[there]);
}
