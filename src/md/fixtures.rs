//! The fixtures of this chapter, embedded and parsed; `fixtures/README.md` says how each was made.

use super::files::extxyz::Frame;
use super::system::System;

/// Loads 512 atoms of silicon at about 300 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn silicon_512() -> System {
    atoms("silicon-512.extxyz", include_bytes!("../../fixtures/silicon-512.extxyz"))
}

/// Loads 256 atoms of solid argon at about 82 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn argon_256() -> System {
    atoms("argon-256.extxyz", include_bytes!("../../fixtures/argon-256.extxyz"))
}

fn atoms(file: &str, bytes: &[u8]) -> System {
    let frame = Frame::parse(file, bytes).and_then(|frame| frame.into_system(file, None));
    frame.expect("the fixture is a frame")
}
