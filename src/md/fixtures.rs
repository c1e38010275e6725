//! The fixtures of this chapter, embedded and parsed; `fixtures/README.md` says how each was made.

use super::files::extxyz::Frame;
use super::potentials::water::{Molecule, topology};
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

/// Loads 64 molecules of water at about 300 K, with velocities, charges and bonds.
///
/// # Panics
///
/// Never: a test parses it.
pub fn water_192() -> System {
    let water = atoms("water-192.extxyz", include_bytes!("../../fixtures/water-192.extxyz"));
    let molecules = water.len() / 3;
    let charges = Molecule::SPC_FW.charges().repeat(molecules);
    System { charges, topology: topology(molecules), ..water }
}

fn atoms(file: &str, bytes: &[u8]) -> System {
    let frame = Frame::parse(file, bytes).and_then(|frame| frame.into_system(file, None));
    frame.expect("the fixture is a frame")
}
