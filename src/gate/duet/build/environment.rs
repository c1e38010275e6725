//! What has a say in a build besides its sources.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Error, tree};
use crate::machine;

/// Functions start with a cache line of 64 bytes. Without it, code that moves elsewhere in an
/// executable moves loops across cache lines, which took up to 18 % of the time of a kernel.
pub(super) const ALIGNED: &str = "-Cllvm-args=-align-all-functions=6";

/// Variables that cargo sets for what it runs, which are none of the user's.
const OF_PROGRAMS: [&str; 9] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
    "STEPMARK_",
];

/// Variables that say where something is put or shown, and not what is built.
const HARMLESS: [&str; 10] = [
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_TERM_",
    "CARGO_NET_",
    "CARGO_HTTP_",
    // With passwords.
    "CARGO_REGISTR",
    "CARGO_CREDENTIAL",
];

/// What begins with one of these has a say in a build.
const TELLING: [&str; 16] = [
    "CARGO_",
    "RUSTFLAGS",
    "RUSTC",
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "HOST_",
    "TARGET_",
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG",
    "CMAKE",
];

/// The cargo that runs this, or else the one on the path, in a folder.
pub(super) fn command(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder);
    for (name, _) in env::vars_os() {
        if starts(&name, &OF_PROGRAMS) || starts(&name, &["CARGO_TARGET_DIR"]) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn starts(name: &OsStr, heads: &[&str]) -> bool {
    let name = name.to_string_lossy();
    heads.iter().any(|head| name.starts_with(head))
}

/// All that has a say in a build besides its sources: compiler, variables and the user's settings.
pub(super) fn identity(checkout: &Path) -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").current_dir(checkout).output();
    let version = version.map_err(Error::NoRustc)?;
    let mut text = String::from_utf8_lossy(&version.stdout).into_owned();
    let is_told = |name: &OsStr| {
        starts(name, &TELLING) && !starts(name, &OF_PROGRAMS) && !starts(name, &HARMLESS)
    };
    let mut variables: Vec<_> = env::vars_os().filter(|(name, _)| is_told(name)).collect();
    variables.sort();
    for (name, value) in variables {
        // Digests, since some values are secrets.
        let value = machine::digest(value.as_encoded_bytes());
        text += &format!("{}={value}\n", name.display());
    }
    for name in ["config.toml", "config"] {
        let settings = fs::read(tree::cargo_home().join(name)).unwrap_or_default();
        text += &format!("{name} {}\n", machine::digest(&settings));
    }
    // What `target-cpu=native` means.
    Ok(text + &machine::dispatch_bits() + ALIGNED)
}
