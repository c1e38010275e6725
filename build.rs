//! Tells the crate which toolchain builds it and from which sources, so that every record can.

use std::env;
use std::path::Path;
use std::process::Command;

#[path = "src/machine/source.rs"]
mod source;

fn main() {
    let root = Path::new(".");
    for path in source::SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    for path in source::files(root, &[], &[]) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let version = Command::new(variable("RUSTC")).arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc prints UTF-8");
    let field = |name: &str| {
        version.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).unwrap_or("unknown")
    };
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    for (name, value) in [
        ("RUSTC", field("release")),
        ("LLVM", field("LLVM version")),
        ("TARGET", &variable("TARGET")),
        ("RUSTFLAGS", &flags.replace('\u{1f}', " ")),
        ("ROOT", &variable("CARGO_MANIFEST_DIR")),
        ("SOURCE", &source::digest(root, &[], &[])),
    ] {
        println!("cargo::rustc-env=STEPMARK_{name}={value}");
    }
}
