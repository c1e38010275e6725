//! Paired runs end to end: workers that do what they should not, and builds of a small repository.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use stepmark::gate::duet::{self, Build, Error, Limits, Plan, Sampled};
use stepmark::gate::{Change, Exit, Tolerance};

use crate::setup::repository::STEPMARK;
use crate::setup::script::executable;

mod builds;
mod differences;
mod kernels;
mod meant;
mod said;
mod surroundings;
mod verdicts;
mod workers;

/// A worker in the shell: a step takes 1000 ns, give or take 1 %.
#[derive(Clone)]
pub(super) struct Fake {
    list: String,
    hello: String,
    sample: String,
    end: String,
}

impl Fake {
    fn new(step_ns: u64) -> Self {
        let hello =
            r#"{"protocol":2,"id":"%s","implementation":"scalar","digest":"7","step_ns":1000}"#;
        let jitter = "seed=$(((seed * 75 + 74) % 65537)); d=$((seed % 60000 - 30000))";
        Self {
            list: format!("{}; {}", Self::listed("toy/a/n1"), Self::listed("toy/b/n1")),
            hello: format!("printf '{hello}\\n' \"$1\""),
            sample: format!("{jitter}; t=$((steps * {step_ns} + d)); echo \"$t 0 $t\""),
            end: "echo right".to_owned(),
        }
    }

    /// The same, as a build of the first version of the protocol that knows no other.
    fn older(self) -> Self {
        let no_other = "case $* in *--protocol*) exit 2;; esac";
        Self {
            list: self.list.replace("cpu-wait", "thread-cpu").replace(",\"protocol\":2", ""),
            hello: format!(
                "{no_other}; {}",
                self.hello.replace("\"protocol\":2", "\"protocol\":1")
            ),
            sample: self.sample.replace("$t 0 $t", "$t $t"),
            ..self
        }
    }

    /// Knows as `n` how many samples were taken before of all such workers, by a file in `dir`.
    fn counting(dir: &Path, sample: &str) -> Self {
        let count = dir.join("count");
        fs::write(&count, "0\n").unwrap();
        let next = format!("read -r n < {0}; n=$((n + 1)); echo $n > {0}", count.display());
        Self { sample: format!("{next}; {sample}"), ..Self::new(1000) }
    }

    /// Differs from itself by a tenth: of two workers that are told no digest, one says an odd one,
    /// with which it is slower, and so are those that are told this digest later.
    fn unlike_itself(dir: &Path) -> Self {
        let mut fake = Self::new(1000);
        let count =
            format!("n=1; until mkdir {}/$n 2>/dev/null; do n=$((n + 1)); done", dir.display());
        let hello = fake.hello.replace("\"7\"", "\"'$n'\"");
        fake.hello = format!("n=$3; [ \"$n\" ] || {{ {count}; }}; {hello}");
        fake.sample = fake.sample.replace("1000 ", "(1000 + n % 2 * 100) ");
        fake
    }

    fn listed(id: &str) -> String {
        let rest = r#""metric":"cpu-wait","memory_bound":false,"protocol":2"#;
        format!(r#"echo '{{"id":"{id}","implementation":"scalar",{rest}}}'"#)
    }

    fn write(&self, dir: &Path, name: &str) -> PathBuf {
        let Self { list, hello, sample, end } = self;
        let script = format!(
            "#!/bin/sh\nshift\nif [ \"$1\" = --list ]; then {list}; exit; fi\nseed=$$\n{hello}\n\
             while read -r request steps lead; do\n\
             if [ \"$request\" = end ]; then {end}; exit; fi\n{sample}\ndone\n"
        );
        executable(dir, name, &script)
    }
}

/// Lists a case on a GPU.
pub(super) fn on_gpu(id: &str) -> String {
    Fake::listed(id).replace("cpu-wait", "cuda-event")
}

pub(super) fn plan(dir: &Path, old: &Fake, new: &Fake) -> Plan {
    Plan {
        old: Build::new(old.write(dir, "old")),
        new: Build::new(new.write(dir, "new")),
        against: "old".to_owned(),
        seed: 1,
        looks: 2,
        tolerance: Tolerance::default(),
        allow_changed: false,
        limits: Limits {
            prepare: Duration::from_secs(20),
            sample: Duration::from_secs(20),
            ..Limits::default()
        },
    }
}

pub(super) fn run(plan: &Plan) -> Result<Sampled, Error> {
    duet::run(plan, &|_| true, &mut |_| ())
}

pub(super) fn against(old: &Fake, new: &Fake) -> Result<Sampled, Error> {
    let dir = tempfile::tempdir().unwrap();
    run(&plan(dir.path(), old, new))
}

pub(super) fn changes(run: &Sampled) -> Vec<Change> {
    run.duet.cases.iter().map(|case| case.change).collect()
}

/// The real program on two executables, in a folder of its own.
pub(super) fn program(dir: &Path, old: impl AsRef<OsStr>, new: impl AsRef<OsStr>) -> Command {
    let mut program = Command::new(STEPMARK);
    program.current_dir(dir).env("CARGO_MANIFEST_DIR", dir);
    program.args(["duet", "--target-dir", "target", "--exe"]);
    program.arg(old).arg("--exe").arg(new);
    program
}

/// The findings of a run, as they are printed, and the exit code.
pub(super) fn findings(run: &Sampled) -> (Exit, String) {
    findings_if(run, false, false)
}

pub(super) fn findings_if(run: &Sampled, strict: bool, allow_removed: bool) -> (Exit, String) {
    let again = |id: Option<&str>| format!("again --filter {}", id.unwrap_or("toy/"));
    let findings = duet::findings(&run.duet, strict, allow_removed, &again);
    let lines = findings.iter().map(|finding| format!("{finding}\n"));
    (findings.exit(), lines.collect())
}

#[track_caller]
pub(super) fn fails(new: &Fake, texts: &[&str]) {
    let err = against(&Fake::new(1000), new).unwrap_err().to_string();
    for text in [&["new"], texts].concat() {
        assert!(err.contains(text), "`{text}` in {err}");
    }
}
