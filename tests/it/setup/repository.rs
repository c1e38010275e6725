//! A small repository to build revisions of, and the real program on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const STEPMARK: &str = env!("CARGO_BIN_EXE_stepmark");

/// The only case of the repository: one that the real program has too.
pub(crate) const CASE: &str = "mvar/step-d20-p5/n64";

/// The real program in the folder of a package, as cargo starts it.
pub(crate) fn command(program: &Path, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).args(args).env_remove("CARGO_TARGET_DIR");
    command.env("CARGO_MANIFEST_DIR", folder);
    // Beside the folder of the program, and not where the user has his own.
    command.env("STEPMARK_CACHE", program.ancestors().nth(2).unwrap().join("cache"));
    // A folder that builds share must not make two of them one.
    command.env("CARGO_BUILD_BUILD_DIR", folder.join("target/shared"));
    command
}

/// Runs the real program in the folder of a package.
pub(crate) fn stepmark(program: &Path, folder: &Path, args: &[&str]) -> Output {
    command(program, folder, args).output().unwrap()
}

#[track_caller]
pub(crate) fn expect(out: &Output, code: i32, texts: &[&str]) {
    let said = [&out.stdout[..], &out.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(out.status.code(), Some(code), "{said}");
    for text in texts {
        assert!(said.contains(text), "`{text}` in {said}");
    }
}

/// A repository with a package in a folder, whose program `stepmark` is a worker of one case.
pub(crate) struct Repository {
    pub(crate) dir: tempfile::TempDir,
    /// A copy of the real program, run where the package is.
    pub(crate) program: PathBuf,
}

pub(crate) const MANIFEST: &str = "[package]\nname = \"toy\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
    [[bin]]\nname = \"stepmark\"\npath = \"main.rs\"\n";

/// It is not committed, so both builds are lent it.
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"toy\"\nversion = \"0.1.0\"\n";

/// A worker whose step takes STEP nanoseconds, give or take 1 %.
const MAIN: &str = r##"
use std::io::BufRead;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[2] == "--list" {
        let rest = r#""metric":"cpu-wait","memory_bound":false,"protocol":2"#;
        println!(r#"{{"id":"CASE","implementation":"scalar",{rest}}}"#);
        return;
    }
    let hello = r#""protocol":2,"id":"CASE","implementation":"scalar""#;
    println!(r#"{{{hello},"digest":"7","step_ns":1000}}"#);
    let mut seed = std::process::id() as u64;
    for line in std::io::stdin().lock().lines().map(|line| line.unwrap()) {
        if line == "end" {
            println!("right");
            return;
        }
        seed = (seed * 75 + 74) % 65537;
        let steps: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        let ns = steps * STEP + seed % 60000;
        println!("{ns} 0 {ns}");
    }
}
"##;

impl Repository {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("repository/kernels")).unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let program = dir.path().join("bin/stepmark");
        fs::copy(STEPMARK, &program).unwrap();
        let new = Self { dir, program };
        fs::write(new.package().join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(new.package().join("Cargo.lock"), LOCK).unwrap();
        fs::write(new.package().join("../.gitignore"), "target\nCargo.lock\n").unwrap();
        new.git(&["init", "--quiet", ".."]);
        new
    }

    pub(crate) fn package(&self) -> PathBuf {
        self.dir.path().join("repository/kernels")
    }

    pub(crate) fn git(&self, args: &[&str]) {
        self.text(args);
    }

    /// The output of git.
    pub(crate) fn text(&self, args: &[&str]) -> String {
        let name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let mut git = Command::new("git");
        git.current_dir(self.package()).args(name).args(args);
        let out = git.output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    pub(crate) fn write(&self, main: &str) {
        self.put("main.rs", main);
    }

    /// Writes a file of the package.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.package().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn commit(&self, main: &str) {
        self.write(main);
        self.git(&["add", "-A", ".."]);
        self.git(&["commit", "--quiet", "-m", "x"]);
    }

    /// The real program in the folder of the package.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        command(&self.program, &self.package(), args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The folder in which both sides are built.
    pub(crate) fn tree(&self) -> PathBuf {
        let mut folders = fs::read_dir(self.dir.path().join("cache")).unwrap();
        folders.next().unwrap().unwrap().path().join("tree")
    }
}

pub(crate) fn main_of(step_ns: u64) -> String {
    MAIN.replace("CASE", CASE).replace("STEP", &step_ns.to_string())
}
