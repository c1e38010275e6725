//! The build is the one that was meant: neither an old file time nor a folder around the checkout,
//! nor another checkout, changes what is compared.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime};

use stepmark::machine::TARGET;

use crate::setup::repository::{CASE, MANIFEST, Repository, command, expect, main_of, stepmark};

pub(super) const SLOWER: &str =
    "FAIL regression    mvar/step-d20-p5/n64: slower: CPU and wait time +";
pub(super) const SAME: [&str; 3] = ["0 slower, 0 faster", "0 not compared", "pass (exit 0)"];

fn duet(toy: &Repository, revision: &str) -> Output {
    toy.run(&["duet", revision])
}

/// A step takes `slow` nanoseconds where the compiler is told so, and else 1000.
pub(super) fn main_where(condition: &str, slow: u64) -> String {
    main_of(1000)
        .replace("steps * 1000", &format!("steps * if {condition} {{ {slow} }} else {{ 1000 }}"))
}

/// A program that takes its time from a package beside it, at this path.
fn main_of_dependency(toy: &Repository, path: &str) {
    let main = main_of(1000).replace("steps * 1000", "steps * dependency::STEP_NS");
    toy.put(
        "Cargo.toml",
        &format!("{MANIFEST}[dependencies]\ndependency = {{ path = {path:?} }}\n"),
    );
    toy.put("../dependency/Cargo.toml", &MANIFEST_OF_LIBRARY.replace("NAME", "dependency"));
    toy.put("../dependency/src/lib.rs", "pub const STEP_NS: u64 = 1000;\n");
    fs::remove_file(toy.package().join("Cargo.lock")).unwrap();
    toy.commit(&main);
}

pub(super) const MANIFEST_OF_LIBRARY: &str =
    "[package]\nname = \"NAME\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";

/// Makes a file as old as if it were copied with its time.
fn age(path: &Path) {
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1_000_000)).unwrap();
}

#[test]
fn a_changed_source_is_built_however_old_it_looks() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    expect(&duet(&toy, "HEAD"), 0, &SAME);
    toy.write(&main_of(1100));
    age(&toy.package().join("main.rs"));
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
    // The next bytes, with the same length and the same time.
    toy.write(&main_of(1001));
    age(&toy.package().join("main.rs"));
    expect(&duet(&toy, "HEAD"), 0, &SAME);
}

#[test]
fn two_checkouts_may_share_a_target_folder() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["clone", "--quiet", "..", "../../other"]);
    let other = toy.dir.path().join("other/kernels");
    fs::write(other.join("main.rs"), main_of(1100)).unwrap();
    let run = |folder: &Path| {
        let target = toy.dir.path().join("target");
        let mut run = command(&toy.program, folder, &["duet", "HEAD"]);
        run.env("CARGO_TARGET_DIR", target).output().unwrap()
    };
    for _ in 0..2 {
        expect(&run(&other), 3, &[SLOWER]);
        expect(&run(&toy.package()), 0, &SAME);
    }
}

#[test]
fn a_program_of_one_checkout_does_not_judge_another() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["clone", "--quiet", "..", "../../other"]);
    let other = toy.dir.path().join("other/kernels");
    let run = |package: &Path, folder: &Path| {
        let mut run = command(&toy.program, package, &["duet", "HEAD"]);
        run.current_dir(folder).output().unwrap()
    };
    let text = "this program was started for ";
    expect(&run(&toy.package(), &other), 5, &[text, "incomparable by `slower` (exit 5)"]);
    toy.put("src/x", "");
    expect(&run(&toy.package(), &toy.package().join("src")), 0, &SAME);
    // Elsewhere there is no program of this name.
    expect(&run(&toy.package(), toy.dir.path()), 0, &SAME);
    toy.write(&main_of(1001));
    let args = ["gate", "--skip", "instructions", "--filter", CASE, "--against", "HEAD"];
    let mut gate = command(&toy.program, &other, &args);
    expect(&gate.current_dir(toy.package()).output().unwrap(), 5, &[text, "(exit 5)"]);
}

#[test]
fn a_dependency_in_the_repository_is_that_of_each_side() {
    let toy = Repository::new();
    main_of_dependency(&toy, "../dependency");
    let change = "pub const STEP_NS: u64 = 1100;\n";
    toy.put("../dependency/src/lib.rs", change);
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);

    let toy = Repository::new();
    let absolute = toy.package().join("../dependency").canonicalize();
    let absolute = absolute.unwrap_or(toy.dir.path().join("repository/dependency"));
    main_of_dependency(&toy, absolute.to_str().unwrap());
    toy.put("../dependency/src/lib.rs", change);
    let texts = ["repository/dependency/Cargo.toml, which lies in this repository", "(exit 5)"];
    expect(&duet(&toy, "HEAD"), 5, &texts);

    // A source alone, without a package.
    let toy = Repository::new();
    let file = toy.dir.path().join("repository/step");
    fs::write(&file, "1000").unwrap();
    let parsed = format!("steps * include_str!({file:?}).parse::<u64>().unwrap()");
    toy.commit(&main_of(1000).replace("steps * 1000", &parsed));
    fs::write(&file, "1300").unwrap();
    let texts = [") uses ", "repository/step, which lies in this repository"];
    expect(&duet(&toy, "HEAD"), 5, &texts);
}

#[test]
fn what_lies_outside_the_repository_is_the_same_for_both_and_noted() {
    let toy = Repository::new();
    let outside = toy.dir.path().join("outside");
    fs::create_dir_all(outside.join("src")).unwrap();
    fs::write(outside.join("Cargo.toml"), MANIFEST_OF_LIBRARY.replace("NAME", "outside")).unwrap();
    fs::write(outside.join("src/lib.rs"), "pub const STEP_NS: u64 = 1000;\n").unwrap();
    let manifest = format!("{MANIFEST}[dependencies]\noutside = {{ path = {outside:?} }}\n");
    toy.put("Cargo.toml", &manifest);
    fs::remove_file(toy.package().join("Cargo.lock")).unwrap();
    toy.commit(&main_of(1000).replace("steps * 1000", "steps * outside::STEP_NS"));
    let lock = "[[package]]\nname = \"outside\"\nversion = \"1.0.0\"\n\n";
    toy.put(
        "Cargo.lock",
        &format!(
            "version = 4\n\n{lock}[[package]]\nname = \"toy\"\n\
        version = \"0.1.0\"\ndependencies = [\n \"outside\",\n]\n"
        ),
    );
    let note = "/outside lies outside the repository: the same for both builds, digest ";
    expect(&duet(&toy, "HEAD"), 0, &[note, SAME[0]]);
    let again = duet(&toy, "HEAD");
    expect(&again, 0, &[note]);
    assert!(!said(&again).contains("building"), "{}", said(&again));
    // A build of other ones is not used.
    fs::write(outside.join("src/lib.rs"), "pub const STEP_NS: u64 = 2000;\n").unwrap();
    let changed = duet(&toy, "HEAD");
    expect(&changed, 0, &[note, SAME[0], "stepmark: building HEAD ("]);
}

pub(super) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

#[test]
fn each_side_is_built_with_its_own_flags_and_profile() {
    let of_target = format!("target.{TARGET}");
    for place in ["build", &of_target, "target.'cfg(unix)'"] {
        let toy = Repository::new();
        toy.put(".cargo/config.toml", "");
        toy.commit(&main_where("cfg!(slow)", 1100));
        let setting = format!("[{place}]\nrustflags = [\"--cfg\", \"slow\"]\n");
        toy.put(".cargo/config.toml", &setting);
        let note = "kernels/.cargo/config.toml is another in HEAD (";
        expect(&duet(&toy, "HEAD"), 3, &[SLOWER, note]);
        // The flags are gone again.
        toy.commit(&main_where("cfg!(slow)", 900));
        toy.put(".cargo/config.toml", "");
        expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
    }
    let toy = Repository::new();
    toy.commit(&main_where("cfg!(debug_assertions)", 1100));
    let profile = "[profile.bench]\ndebug-assertions = true\n";
    toy.put("Cargo.toml", &format!("{MANIFEST}{profile}"));
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
    // A variable holds for both, before all settings.
    toy.put("Cargo.toml", MANIFEST);
    let mut flagged = toy.command(&["duet", "HEAD"]);
    expect(&flagged.env("RUSTFLAGS", "--cfg slow").output().unwrap(), 0, &SAME);
}

#[test]
fn functions_of_both_sides_start_with_a_cache_line_whatever_flags_there_are() {
    let of_target = format!("target.{TARGET}");
    for place in ["build", &of_target] {
        let toy = Repository::new();
        // Compiled only where the flags of both are there.
        let wrapper = toy.dir.path().join("rustc");
        let script = "#!/bin/sh\ncase \"$*\" in *' --crate-name stepmark '*|'--crate-name stepmark '*)\n\
            case \"$*\" in *cfg?slow*align-all-functions=6*) ;; *align-all-functions=6*cfg?slow*) ;; *)\n\
            echo 'error: flags are missing' >&2; exit 1;; esac;; esac\nexec rustc \"$@\"\n";
        let wrapper = crate::setup::script::executable(wrapper.parent().unwrap(), "rustc", script);
        toy.put(".cargo/config.toml", &format!("[{place}]\nrustflags = [\"--cfg=slow\"]\n"));
        toy.commit(&main_of(1000));
        let mut run = toy.command(&["duet", "HEAD"]);
        expect(&run.env("RUSTC", wrapper).output().unwrap(), 0, &SAME);
    }
}

#[test]
fn no_folder_around_the_checkout_has_a_say() {
    let toy = Repository::new();
    toy.commit(&main_where("cfg!(slow) || cfg!(debug_assertions)", 1100));
    let above = toy.dir.path().join(".cargo");
    fs::create_dir(&above).unwrap();
    fs::write(above.join("config.toml"), "[build]\nrustflags = [\"--cfg\", \"slow\"]\n").unwrap();
    // It also lies above the folder of the sources, which is beside the repository here.
    let mut run = toy.command(&["duet", "HEAD"]);
    let texts = ["/.cargo/config.toml lies above ", "STEPMARK_CACHE", "(exit 5)"];
    expect(&run.output().unwrap(), 5, &texts);
    let cache = tempfile::tempdir().unwrap();
    run.env("STEPMARK_CACHE", cache.path());
    let note = "/.cargo/config.toml lies outside the repository, so neither build reads it";
    expect(&run.output().unwrap(), 0, &[note, SAME[0]]);
    // That of the user holds for both.
    run.env("CARGO_HOME", &above);
    expect(&run.output().unwrap(), 0, &SAME);

    fs::remove_dir_all(&above).unwrap();
    let manifest = toy.dir.path().join("Cargo.toml");
    let members = "[workspace]\nmembers = [\"repository/kernels\"]\nresolver = \"2\"\n\
        [profile.bench]\ndebug-assertions = true\n";
    fs::write(&manifest, members).unwrap();
    let texts = ["a workspace outside its repository, ", "/Cargo.toml", "(exit 5)"];
    expect(&duet(&toy, "HEAD"), 5, &texts);
    fs::remove_file(&manifest).unwrap();
    expect(&duet(&toy, "HEAD"), 0, &SAME);

    let mut inside = toy.command(&["duet", "HEAD"]);
    inside.env("STEPMARK_CACHE", toy.package().join("target/cache"));
    expect(&inside.output().unwrap(), 5, &["repository lies above "]);
}

#[test]
fn a_workspace_may_come_or_go_with_the_change() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.put("Cargo.toml", &format!("{MANIFEST}[workspace]\n"));
    expect(&duet(&toy, "HEAD"), 0, &SAME);
    toy.put("Cargo.toml", MANIFEST);
    toy.put("../Cargo.toml", "[workspace]\nmembers = [\"kernels\"]\nresolver = \"2\"\n");
    expect(&duet(&toy, "HEAD"), 0, &SAME);
    toy.commit(&main_of(1000));
    toy.write(&main_of(1100));
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
}

#[test]
fn a_state_that_was_built_is_not_built_again_and_the_oldest_go() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.commit(&main_of(1001));
    let first = duet(&toy, "HEAD~1");
    expect(&first, 0, &["builds HEAD~1 and then the working tree in ", "may take minutes"]);
    let texts = ["stepmark: building HEAD~1 (", "stepmark: building the working tree\n"];
    expect(&first, 0, &texts);
    let second = duet(&toy, "HEAD~1");
    assert!(!said(&second).contains("stepmark: build"), "{}", said(&second));
    // Other features, other executables; the tree need not even be there.
    fs::remove_dir_all(toy.tree()).unwrap();
    expect(&duet(&toy, "HEAD~1"), 0, &SAME);
    toy.put("Cargo.toml", &format!("{MANIFEST}[features]\nx = []\n"));
    let other = toy.run(&["duet", "HEAD", "--features", ""]);
    let texts = ["stepmark: building the working tree\n", "uncommitted changes"];
    expect(&other, 0, &texts);
    assert!(!said(&other).contains("building HEAD"), "{}", said(&other));
    expect(&toy.command(&["duet", "HEAD~1"]).env("CFLAGS", "-g").output().unwrap(), 0, &texts[..1]);
    let kept = |toy: &Repository| {
        let exe = fs::read_dir(toy.package().join("target/stepmark/duet/exe")).unwrap();
        exe.filter(|entry| entry.as_ref().unwrap().path().extension().is_none()).count()
    };
    for step_ns in 1002..1008 {
        toy.write(&main_of(step_ns));
        expect(&duet(&toy, "HEAD"), 0, &SAME);
    }
    assert_eq!(kept(&toy), 8, "executables");
}

#[test]
fn nothing_of_the_repository_changes() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.write(&main_of(1001));
    toy.put("new.rs", "// Not committed.\n");
    toy.git(&["add", "main.rs"]);
    let top = toy.dir.path().join("repository");
    let state = || {
        let index = fs::read(top.join(".git/index")).unwrap();
        let objects = walk(&top.join(".git/objects"));
        (index, objects)
    };
    let before = state();
    expect(&duet(&toy, "HEAD"), 0, &["uncommitted changes", SAME[0]]);
    assert_eq!(state(), before, "index and objects");
    toy.git(&["gc", "--quiet"]);
    toy.git(&["fsck", "--strict"]);
    let home = toy.tree().join("..");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&home).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "only the user looks in");
    }
}

/// The files in a folder, and in those within.
fn walk(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(walk(&path)) } else { all.push(path.display().to_string()) }
    }
    all.sort();
    all
}

#[test]
fn a_submodule_is_at_the_commit_of_each_side() {
    let toy = Repository::new();
    let module = toy.dir.path().join("module");
    let git = |args: &[&str]| {
        let module = module.to_str().unwrap();
        toy.git(&[&["-C", module][..], args].concat());
    };
    let commit = |step_ns: u64| {
        fs::write(module.join("step"), step_ns.to_string()).unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "x"]);
    };
    fs::create_dir(&module).unwrap();
    git(&["init", "--quiet"]);
    commit(1000);
    let file = ["-c", "protocol.file.allow=always", "submodule", "--quiet"];
    let submodule = |args: &[&str]| toy.git(&[&file[..], args].concat());
    submodule(&["add", module.to_str().unwrap(), "sub"]);
    let step = "steps * include_str!(\"sub/step\").parse::<u64>().unwrap()";
    toy.commit(&main_of(1000).replace("steps * 1000", step));
    expect(&duet(&toy, "HEAD"), 0, &SAME);
    commit(1100);
    submodule(&["update", "--remote"]);
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
    toy.git(&["commit", "--quiet", "-am", "the submodule goes on"]);
    expect(&duet(&toy, "HEAD~1"), 3, &[SLOWER]);
    expect(&duet(&toy, "HEAD"), 0, &SAME);
    // Its files count as they are.
    toy.put("sub/step", "1210");
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
    toy.put("sub/step", "1100");

    let head = toy.text(&["rev-parse", "HEAD:kernels/sub"]);
    toy.git(&["clone", "--quiet", "..", "../../clone"]);
    let clone = toy.dir.path().join("clone/kernels");
    let text =
        "the submodule kernels/sub is not here; run `git submodule update --init kernels/sub`";
    expect(&stepmark(&toy.program, &clone, &["duet", "HEAD"]), 1, &["does not build", text]);
    // One that is here lacks the commit.
    let missing = "0123456789012345678901234567890123456789";
    toy.git(&["update-index", "--cacheinfo", &format!("160000,{missing},kernels/sub")]);
    toy.git(&["commit", "--quiet", "-m", "a commit that nobody has"]);
    let fetch = format!("run `git -C kernels/sub fetch origin {missing}`");
    expect(&duet(&toy, "HEAD"), 1, &["kernels/sub lacks commit", &fetch]);
    toy.git(&["update-index", "--cacheinfo", &format!("160000,{head},kernels/sub")]);
}

#[test]
fn what_is_vendored_is_compiled_for_each_side() {
    let toy = Repository::new();
    let config = "[source.crates-io]\nreplace-with = \"vendored\"\n\
        [source.vendored]\ndirectory = \"vendor\"\n";
    toy.put(".cargo/config.toml", config);
    toy.put("Cargo.toml", &format!("{MANIFEST}[dependencies]\nquick = \"1\"\n"));
    toy.put("vendor/quick/Cargo.toml", &MANIFEST_OF_LIBRARY.replace("NAME", "quick"));
    toy.put("vendor/quick/.cargo-checksum.json", "{\"files\":{}}");
    toy.put("vendor/quick/src/lib.rs", "pub const STEP_NS: u64 = 1000;\n");
    fs::remove_file(toy.package().join("Cargo.lock")).unwrap();
    toy.commit(&main_of(1000).replace("steps * 1000", "steps * quick::STEP_NS"));
    toy.put("vendor/quick/src/lib.rs", "pub const STEP_NS: u64 = 1100;\n");
    expect(&duet(&toy, "HEAD"), 3, &[SLOWER]);
}

#[test]
fn a_sparse_checkout_has_all_that_is_committed() {
    let toy = Repository::new();
    toy.put("step", "1000");
    let step = "steps * include_str!(\"step\").parse::<u64>().unwrap()";
    toy.commit(&main_of(1000).replace("steps * 1000", step));
    toy.git(&["-C", "..", "sparse-checkout", "set", "--no-cone", "/*", "!/kernels/step"]);
    assert!(!toy.package().join("step").exists(), "left out");
    expect(&duet(&toy, "HEAD"), 0, &SAME);
}
