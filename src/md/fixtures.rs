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

/// Loads 500 atoms of aluminium at about 300 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn aluminium_500() -> System {
    atoms("aluminium-500.extxyz", include_bytes!("../../fixtures/aluminium-500.extxyz"))
}

/// Loads 1024 atoms of iron at about 300 K, with velocities.
///
/// # Panics
///
/// Never: a test parses it.
pub fn iron_1024() -> System {
    atoms("iron-1024.extxyz", include_bytes!("../../fixtures/iron-1024.extxyz"))
}

/// Loads 64 molecules of water at about 300 K, with velocities, charges and bonds.
///
/// # Panics
///
/// Never: a test parses it.
pub fn water_192() -> System {
    molecules("water-192.extxyz", include_bytes!("../../fixtures/water-192.extxyz"))
}

/// Loads 216 molecules of water in the same way.
///
/// # Panics
///
/// Never: a test parses it.
pub fn water_648() -> System {
    molecules("water-648.extxyz", include_bytes!("../../fixtures/water-648.extxyz"))
}

/// Three atoms each, with the charges and bonds of SPC/Fw.
fn molecules(file: &str, bytes: &[u8]) -> System {
    let water = atoms(file, bytes);
    let molecules = water.len() / 3;
    let charges = Molecule::SPC_FW.charges().repeat(molecules);
    System { charges, topology: topology(molecules), ..water }
}

fn atoms(file: &str, bytes: &[u8]) -> System {
    let frame = Frame::parse(file, bytes).and_then(|frame| frame.into_system(file, None));
    frame.expect("the fixture is a frame")
}
