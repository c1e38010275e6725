//! What has a say in a build besides its sources.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Error, compiler, tree};
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

/// Where rustup passes on which toolchain it chose, or was told to choose.
const CHOSEN: &str = "RUSTUP_TOOLCHAIN";

/// Who says which toolchain compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// Whoever started this: the same one for both sides.
    Given,
    /// The files of each side.
    Own,
}

impl Toolchain {
    /// Each side has its own where one has a file that names it, unless the user asked for another one
    /// than that of the checkout.
    pub(super) fn of(checkout: &Path, is_named: bool) -> Result<Self, Error> {
        if !is_named {
            return Ok(Self::Given);
        }
        let given = Self::Given.version(checkout)?;
        // One that is not installed was not chosen.
        let is_own = Self::Own.version(checkout).is_ok_and(|own| own == given);
        Ok(if is_own { Self::Own } else { Self::Given })
    }

    /// What the compiler says of itself that a folder has.
    fn version(self, folder: &Path) -> Result<String, Error> {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.current_dir(folder);
        if self == Self::Own {
            rustc.env_remove(CHOSEN);
        }
        compiler::version(&mut rustc)
    }

    /// Cargo in a folder.
    pub(super) fn cargo(self, folder: &Path) -> Command {
        // What rustup starts by the name alone looks for the files of the folder.
        let by_name = self == Self::Own && env::var_os(CHOSEN).is_some();
        let given = env::var_os("CARGO").filter(|_| !by_name);
        let mut cargo = Command::new(given.unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(folder);
        for (name, _) in env::vars_os() {
            if starts(&name, &OF_PROGRAMS) || starts(&name, &["CARGO_TARGET_DIR"]) {
                cargo.env_remove(name);
            }
        }
        if self == Self::Own {
            cargo.env_remove(CHOSEN);
        }
        cargo
    }
}

fn starts(name: &OsStr, heads: &[&str]) -> bool {
    let name = name.to_string_lossy();
    heads.iter().any(|head| name.starts_with(head))
}

/// All that has a say in a build besides its sources: compiler, variables and the user's settings.
/// Where no file names a compiler, it is that of the folder `home`.
pub(super) fn identity(
    checkout: &Path,
    home: &Path,
    toolchain: Toolchain,
) -> Result<String, Error> {
    let mut text = toolchain.version(checkout)?;
    if toolchain == Toolchain::Own {
        text += &toolchain.version(home).unwrap_or_default();
    }
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
