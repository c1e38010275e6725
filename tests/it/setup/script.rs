//! Programs in the shell that stand in for ours.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes a script from another process: a child that another test starts just then would keep the
/// file open here, and what is open for writing does not start.
pub(crate) fn executable(dir: &Path, name: &str, script: &str) -> PathBuf {
    let path = dir.join(name);
    let write = r#"printf %s "$1" > "$0" && chmod +x "$0""#;
    let status = Command::new("sh").args(["-c", write]).arg(&path).arg(script).status();
    assert!(status.unwrap().success(), "{} is written", path.display());
    path
}

/// A program whose workers say that samples took 1.9 times as long as those of `program`, by the clock
/// of the case: less than a clock that jumped.
pub(crate) fn slower(dir: &Path, program: &Path) -> PathBuf {
    let plant = "case $line in [0-9]*) set -- $line; t=$1; shift; echo \"$((t * 19 / 10)) $*\";; \
                 *) printf '%s\\n' \"$line\";; esac";
    let program = program.display();
    let script =
        format!("#!/bin/sh\n{program} \"$@\" | while IFS= read -r line; do {plant}; done\n");
    executable(dir, "slow", &script)
}
