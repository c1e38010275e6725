//! Tells the crate which toolchain builds it and from which sources, so that every record can.

use std::env;
use std::path::Path;
use std::process::Command;

#[path = "src/machine/source.rs"]
mod source;

fn main() {
    for path in source::SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let version = Command::new(variable("RUSTC")).arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc prints UTF-8");
    let field = |name: &str| {
        version.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).unwrap_or("unknown")
    };
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    // Given where builds of the same sources in two folders shall be the same. Not the name of what
    // is set below: cargo also sets that for what it runs, and so for builds that a test starts.
    println!("cargo::rerun-if-env-changed=STEPMARK_BUILD_ROOT");
    let root = env::var("STEPMARK_BUILD_ROOT").unwrap_or_else(|_| variable("CARGO_MANIFEST_DIR"));
    for (name, value) in [
        ("RUSTC", field("release")),
        ("LLVM", field("LLVM version")),
        ("TARGET", &variable("TARGET")),
        ("RUSTFLAGS", &flags.replace('\u{1f}', " ")),
        ("ENCODED_RUSTFLAGS", &flags),
        ("ROOT", &root),
        ("SOURCE", &source::digest(Path::new("."))),
    ] {
        println!("cargo::rustc-env=STEPMARK_{name}={value}");
    }
}
