//! What has a say in a build besides the sources of its side: manifests elsewhere, settings, compilers,
//! profiles; and what lies in a checkout but is no source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::setup::repository::{CASE, MANIFEST, Repository, expect, main_of, stepmark};
use crate::setup::script::executable;

use super::meant::{MANIFEST_OF_LIBRARY, SAME, SLOWER, main_where, said};

fn duet(toy: &Repository) -> Output {
    toy.run(&["duet", "HEAD"])
}

/// Requires that nothing is built, since all that has a say is as it was.
#[track_caller]
fn is_known(out: &Output) {
    expect(out, 0, &SAME);
    assert!(!said(out).contains("stepmark: building"), "{}", said(out));
}

const BUILDS: [&str; 2] = ["stepmark: building HEAD (", SAME[0]];

#[test]
fn manifests_outside_the_repository_count_as_sources_there_do() {
    let toy = Repository::new();
    let outside = toy.dir.path().join("outside");
    let put = |path: &str, text: &str| {
        let path = outside.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let manifest = |features: &str| {
        let of = MANIFEST_OF_LIBRARY.replace("NAME", "outside");
        let of = of.replace("edition = \"2021\"", "edition.workspace = true");
        format!("{of}[features]\ndefault = [{features}]\nslow = []\n")
    };
    let workspace = |edition: u32| {
        format!(
            "[workspace]\nmembers = [\"a\"]\nresolver = \"2\"\n\
             [workspace.package]\nedition = \"{edition}\"\n"
        )
    };
    put("Cargo.toml", &workspace(2021));
    put("a/Cargo.toml", &manifest(""));
    let step = "pub const STEP_NS: u64 = if cfg!(feature = \"slow\") { 2000 } else { 1000 };\n";
    put("a/src/lib.rs", step);
    let path = outside.join("a");
    toy.put("Cargo.toml", &format!("{MANIFEST}[dependencies]\noutside = {{ path = {path:?} }}\n"));
    let lock = "version = 4\n\n[[package]]\nname = \"outside\"\nversion = \"1.0.0\"\n\n\
                [[package]]\nname = \"toy\"\nversion = \"0.1.0\"\ndependencies = [\n \"outside\",\n]\n";
    toy.put("Cargo.lock", lock);
    toy.commit(&main_of(1000).replace("steps * 1000", "steps * outside::STEP_NS"));
    let note = "/outside/a lies outside the repository: the same for both builds, digest ";
    expect(&duet(&toy), 0, &[note, BUILDS[0], BUILDS[1]]);
    is_known(&duet(&toy));
    put("a/Cargo.toml", &manifest("\"slow\""));
    expect(&duet(&toy), 0, &[note, BUILDS[0], BUILDS[1]]);
    is_known(&duet(&toy));
    put("Cargo.toml", &workspace(2018));
    expect(&duet(&toy), 0, &[note, BUILDS[0], BUILDS[1]]);
    is_known(&duet(&toy));
}

#[test]
fn settings_that_are_not_committed_are_named() {
    let toy = Repository::new();
    toy.commit(&main_where("cfg!(slow)", 1100));
    let slow = "[build]\nrustflags = [\"--cfg\", \"slow\"]\n";
    for place in [".cargo/config.toml", "../.cargo/config.toml", ".cargo/config"] {
        toy.put(place, slow);
        let name = if place.starts_with("..") { &place[3..] } else { &format!("kernels/{place}") };
        let other = format!("paired: {name} is another in HEAD (");
        expect(&duet(&toy), 3, &[SLOWER, &other]);
        fs::write(toy.dir.path().join("repository/.git/info/exclude"), ".cargo\n").unwrap();
        let ignored = format!("{name} is ignored by git, so neither build reads it");
        let out = duet(&toy);
        expect(&out, 0, &[&ignored, SAME[0]]);
        assert!(!said(&out).contains("is another in"), "neither has it: {}", said(&out));
        fs::remove_file(toy.dir.path().join("repository/.git/info/exclude")).unwrap();
        fs::remove_file(toy.package().join(place)).unwrap();
    }
}

/// The compiler beside the cargo that runs this test.
fn rustc() -> PathBuf {
    Path::new(&std::env::var("CARGO").unwrap()).with_file_name("rustc")
}

/// A folder that is first on the path, in which rustup seems to be: the toolchain `slow` compiles with
/// `--cfg slow`, and `missing` is not installed.
fn rustup(toy: &Repository) -> impl Fn(&str) -> Output + use<'_> {
    let bin = toy.dir.path().join("rustup");
    fs::create_dir(&bin).unwrap();
    let choose = "t=$RUSTUP_TOOLCHAIN; [ \"$t\" ] || t=$(cat rust-toolchain 2>/dev/null) || t=usual\n\
                  [ $t = missing ] && { echo 'error: it is not installed' >&2; exit 1; }\n";
    let rustc = rustc();
    let rustc = rustc.display();
    let script = format!(
        "#!/bin/sh\n{choose}case $*$t in *-vVslow) {rustc} -vV; echo slow;; *-vV*) {rustc} -vV;; \
         *slow) exec {rustc} \"$@\" --cfg slow;; *) exec {rustc} \"$@\";; esac\n"
    );
    executable(&bin, "rustc", &script);
    let cargo = std::env::var("CARGO").unwrap();
    let script = format!("#!/bin/sh\n{choose}RUSTUP_TOOLCHAIN=$t exec {cargo} \"$@\"\n");
    executable(&bin, "cargo", &script);
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)));
    let path = path.unwrap();
    move |chosen| {
        let mut run = toy.command(&["duet", "HEAD"]);
        run.env("PATH", &path).env("RUSTUP_TOOLCHAIN", chosen).output().unwrap()
    }
}

#[test]
fn each_side_is_compiled_by_the_toolchain_that_its_file_names() {
    let toy = Repository::new();
    let duet = rustup(&toy);
    toy.put("rust-toolchain", "fast\n");
    toy.commit(&main_where("cfg!(slow)", 1100));
    expect(&duet("fast"), 0, &SAME);
    toy.put("rust-toolchain", "slow\n");
    // As rustup passes on what the file says.
    let other = "kernels/rust-toolchain is another in HEAD (";
    expect(&duet("slow"), 3, &[SLOWER, other]);
    // As the user says, for both.
    expect(&duet("fast"), 0, &[SAME[0], other]);
    toy.put("rust-toolchain", "missing\n");
    expect(&duet("slow"), 0, &[SAME[0], other]);
    expect(&duet("missing"), 1, &["`rustc -vV` fails: error: it is not installed"]);
    // A change that brings the first such file.
    fs::remove_file(toy.package().join("rust-toolchain")).unwrap();
    toy.commit(&main_where("cfg!(slow)", 1100));
    expect(&duet("usual"), 0, &SAME);
    toy.put("rust-toolchain", "slow\n");
    expect(&duet("slow"), 3, &[SLOWER, other]);
}

#[test]
fn a_compiler_that_settings_name_is_asked_again() {
    let toy = Repository::new();
    let compiler = |version: &str| {
        let rustc = rustc();
        let rustc = rustc.display();
        let script = format!(
            "#!/bin/sh\n[ \"$*\" = -vV ] && {{ {rustc} -vV; echo {version}; exit; }}\n\
             exec {rustc} \"$@\"\n"
        );
        executable(toy.dir.path(), "compiler", &script)
    };
    let settings = format!("[build]\nrustc = {:?}\n", compiler("first"));
    toy.put(".cargo/config.toml", &settings);
    toy.commit(&main_of(1000));
    expect(&duet(&toy), 0, &BUILDS);
    is_known(&duet(&toy));
    compiler("second");
    expect(&duet(&toy), 0, &BUILDS);
    is_known(&duet(&toy));
    let failing =
        executable(toy.dir.path(), "failing", "#!/bin/sh\necho no such host >&2\nexit 1\n");
    let out = toy.command(&["duet", "HEAD"]).env("RUSTC", failing).output().unwrap();
    expect(&out, 1, &["`rustc -vV` fails: no such host"]);
}

#[test]
fn each_side_is_optimised_as_it_says() {
    let toy = Repository::new();
    let script = "fn main() { println!(\"cargo:rustc-env=OPT={}\", \
                  std::env::var(\"OPT_LEVEL\").unwrap()) }\n";
    toy.put("build.rs", script);
    toy.commit(&main_where("env!(\"OPT\") == \"1\"", 1100));
    let profile = "[profile.bench]\nopt-level = 1\n";
    toy.put("Cargo.toml", &format!("{MANIFEST}{profile}"));
    expect(&duet(&toy), 3, &[SLOWER]);
    toy.put("Cargo.toml", MANIFEST);
    toy.put(".cargo/config.toml", profile);
    let other = "kernels/.cargo/config.toml is another in HEAD (";
    expect(&duet(&toy), 3, &[SLOWER, other]);
    fs::remove_dir_all(toy.package().join(".cargo")).unwrap();
    // Above the checkout they hold for neither.
    let above = toy.dir.path().join(".cargo");
    fs::create_dir(&above).unwrap();
    fs::write(above.join("config.toml"), profile).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let mut run = toy.command(&["duet", "HEAD"]);
    let note = "/.cargo/config.toml lies outside the repository, so neither build reads it";
    expect(&run.env("STEPMARK_CACHE", cache.path()).output().unwrap(), 0, &[note, SAME[0]]);
}

#[test]
fn a_package_that_cargo_does_not_compile_is_no_build() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    // It forgets nothing, and takes every file for old.
    let script = format!(
        "#!/bin/sh\ncase $1 in\nclean) exit 0;;\nbuild) find . -type f -exec touch -d 2001-01-01 {{}} +;;\n\
         esac\nexec {} \"$@\"\n",
        std::env::var("CARGO").unwrap()
    );
    let cargo = executable(toy.dir.path(), "cargo", &script);
    let run = |flags: &str| {
        let mut run = toy.command(&["duet", "HEAD"]);
        run.env("CARGO", &cargo).env("CFLAGS", flags).output().unwrap()
    };
    expect(&run("-g"), 0, &SAME);
    let fresh = ["HEAD (", ": cargo took ", "toy", " for unchanged and did not compile it"];
    expect(&run("-O"), 1, &fresh);
}

#[test]
fn what_cargo_builds_is_no_part_of_the_tree_though_git_does_not_ignore_it() {
    let toy = Repository::new();
    fs::write(toy.package().join("../.gitignore"), "Cargo.lock\n").unwrap();
    toy.commit(&main_of(1000));
    toy.write(&main_of(1001));
    let out = duet(&toy);
    expect(&out, 0, &SAME);
    let target = toy.package().join("target");
    fs::write(target.join("CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n")
        .unwrap();
    fs::File::create(target.join("large")).unwrap().set_len(65 << 20).unwrap();
    let first = duet(&toy);
    expect(&first, 0, &SAME);
    assert!(!said(&first).contains("stepmark: copies "), "{}", said(&first));
    assert!(!toy.tree().join("kernels/target").exists(), "not laid out");
    is_known(&duet(&toy));
    // What is committed there counts.
    toy.put("target/step", "1000");
    toy.git(&["add", "--force", "target/step"]);
    let step = "steps * include_str!(\"target/step\").parse::<u64>().unwrap()";
    toy.write(&main_of(1000).replace("steps * 1000", step));
    toy.git(&["commit", "--quiet", "--all", "-m", "x"]);
    toy.put("target/step", "1100");
    expect(&duet(&toy), 3, &[SLOWER]);
}

#[test]
fn a_repository_within_that_is_no_submodule_is_named_and_in_neither_build() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["init", "--quiet", "nested"]);
    toy.put("nested/step", "1000");
    let text = "kernels/nested is a repository of its own and no submodule, so neither side has it";
    // Without a commit, with one, and with another.
    expect(&duet(&toy), 0, &[text, SAME[0]]);
    for _ in 0..2 {
        toy.git(&["-C", "nested", "add", "."]);
        toy.git(&["-C", "nested", "commit", "--quiet", "--allow-empty", "-m", "x"]);
        is_known(&duet(&toy));
    }
    let step = "steps * include_str!(\"nested/step\").parse::<u64>().unwrap()";
    toy.write(&main_of(1000).replace("steps * 1000", step));
    toy.git(&["commit", "--quiet", "--all", "-m", "x"]);
    expect(&duet(&toy), 1, &["does not build", text, "git submodule add"]);
}

#[test]
fn the_sources_of_a_checkout_that_is_gone_go() {
    let toy = Repository::new();
    toy.commit(&main_of(1000));
    toy.git(&["clone", "--quiet", "..", "../../other"]);
    let other = toy.dir.path().join("other");
    let count = || fs::read_dir(toy.dir.path().join("cache")).unwrap().count();
    expect(&stepmark(&toy.program, &other.join("kernels"), &["duet", "HEAD"]), 0, &SAME);
    expect(&duet(&toy), 0, &SAME);
    is_known(&duet(&toy));
    assert_eq!(count(), 2, "one for each");
    let moved = toy.dir.path().join("moved");
    fs::rename(&other, &moved).unwrap();
    is_known(&duet(&toy));
    assert_eq!(count(), 1, "the other checkout is no longer there");
    expect(&stepmark(&toy.program, &moved.join("kernels"), &["duet", "HEAD"]), 0, &SAME);
    assert_eq!(count(), 2, "it is elsewhere");
}

#[test]
fn margins_are_those_of_the_package_that_is_built() {
    let toy = Repository::new();
    toy.put("../Cargo.toml", "[workspace]\nmembers = [\"kernels\", \"other\"]\nresolver = \"2\"\n");
    toy.put("../other/Cargo.toml", &MANIFEST_OF_LIBRARY.replace("NAME", "other"));
    toy.put("../other/src/lib.rs", "");
    let lock = "version = 4\n\n[[package]]\nname = \"other\"\nversion = \"1.0.0\"\n\n\
                [[package]]\nname = \"toy\"\nversion = \"0.1.0\"\n";
    toy.put("../Cargo.lock", lock);
    toy.put("../other/ci/tolerance.json", "no margins");
    toy.commit(&main_of(1000));
    toy.write(&main_of(1100));
    let mut run: Command = toy.command(&["duet", "HEAD", "--filter", CASE]);
    run.env_remove("CARGO_MANIFEST_DIR").current_dir(toy.package().join("../other"));
    expect(&run.output().unwrap(), 3, &[SLOWER, "margin 3.00 %"]);
    toy.put("ci/tolerance.json", "no margins");
    expect(&run.output().unwrap(), 1, &["kernels/ci/tolerance.json"]);
}
