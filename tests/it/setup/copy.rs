//! A copy of a crate, in which a test plants faults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Dependencies as the tests have them, so that they build once; this crate not optimised, which
/// builds soon.
pub(crate) const SETTINGS: [&str; 4] = [
    "profile.test.opt-level=1",
    "profile.test.debug=false",
    "profile.test.lto=\"off\"",
    "profile.test.package.stepmark.opt-level=0",
];

/// Builds the instruction bench of this crate, and runs it.
pub(crate) const COUNT: &str = "bench --profile test --no-default-features --features chapters,instructions --bench instructions";

/// A copy, whose results go to a folder of its own.
pub(crate) struct Copy {
    pub(crate) dir: PathBuf,
    pub(crate) target: PathBuf,
    /// Where paired builds of it would have their sources.
    cache: tempfile::TempDir,
    /// More variables of its environment.
    pub(crate) env: Vec<(&'static str, OsString)>,
}

impl Copy {
    /// Copies `names` of the folder `from`.
    pub(crate) fn of(from: &str, names: &[&str]) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copies").join(from);
        let (dir, target) = (home.join("crate"), home.join("target"));
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        for name in names {
            copy(&Path::new(from).join(name), &dir.join(name));
        }
        Self { dir, target, cache: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// The cargo that runs this test.
    pub(crate) fn cargo() -> &'static Path {
        Path::new(env!("CARGO"))
    }

    /// Runs a program in the copy; returns its exit code and what it said.
    pub(crate) fn run(&self, program: &Path, args: &str) -> (Option<i32>, String) {
        let mut command = Command::new(program);
        if program == Self::cargo() {
            command.args(SETTINGS.iter().flat_map(|setting| ["--config", setting]));
        }
        command.args(args.split_whitespace()).current_dir(&self.dir);
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_NET_OFFLINE", "true");
        command.env("CARGO_INCREMENTAL", "1").env("STEPMARK_CACHE", self.cache.path());
        // Where the tests are built.
        let built = Path::new(env!("CARGO_TARGET_TMPDIR"));
        command.env("CARGO_BUILD_BUILD_DIR", built.parent().unwrap());
        command.env_remove("CARGO_MANIFEST_DIR");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let out = command.output().unwrap();
        eprintln!("{} {args}: {}", program.display(), out.status);
        let said = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs a program, and requires its exit code and what it says.
    #[track_caller]
    pub(crate) fn expect(&self, program: &Path, args: &str, code: i32, texts: &[&str]) {
        let (got, said) = self.run(program, args);
        assert_eq!(got, Some(code), "{args}\n{said}");
        for text in texts {
            assert!(said.contains(text), "`{text}` after {args}\n{said}");
        }
    }

    /// Replaces the only `old` in a file, runs `f`, and puts it back.
    pub(crate) fn with_planted(&self, file: &str, old: &str, new: &str, f: impl FnOnce()) {
        let path = self.dir.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {file}");
        fs::write(&path, text.replace(old, new)).unwrap();
        f();
        fs::write(&path, text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
