//! Files that were damaged on their way.

use super::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Good files with columns and values of every kind.
const SEEDS: [&str; 6] = [
    GOOD,
    // Of ASE.
    "2
Lattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3:Z:I:1:masses:R:1:momenta:R:3:forces:R:3 \
energy=-1.25 dipole=\"1.0 2.0 3.0\" names=\"_JSON [\\\"a\\\", \\\"b c\\\"]\" \
nested=\"_JSON {\\\"a\\\": [1, {\\\"b\\\": \\\"C:\\x y\\\\\"}]}\" path=a\\b empty= flag=T \"with space\"=3 \
pbc=\"T T T\"
Si 0 0.5 1e-3 14 28.0 1.5 -2 0.25 0.1 0.2 NaN
Ar 2 2.5 -3.5 18 39.948 -1.5 2 -0.25 1 2 3
",
    // Of LAMMPS, with arrays.
    "2
Timestep=0 pbc=[T, T, T] Lattice={5 0 0 1 5 0 0 0 5} Temperature=3.4D2 virial=[[1, 2], [3, 4]] \
Properties=species:S:1:pos:R:3:vx:R:1:vy:R:1:vz:R:1:mass:R:1:force:R:3:forces:R:3
Ar 0 0 0 0.01 0.02 -0.03 39.948 1 2 x 4 5 6
Ar 2 2 2 -0.01 -0.02 0.03 39.948 7 8 9 1 2 3
",
    // Numbers without symbols, and what comes twice.
    "1
Properties=Z:I:1:pos:R:3:velo:R:3:tag:S:1 Temperature=300 Temperature=301 velocity_unit=A/fs \
velocity_unit=A/ps pbc=T pbc=\"1 1 1\" Lattice='9 0 0 0 9 0 0 0 9' a={hello [world} b=\"x \\\"y\\\"\"
14 0 0 0 1d-3 2E-3 .5 x
",
    // What is kept unread.
    "\u{feff}2\r
Lattice=[[9, 0, 0], [0, 9, 0], [0, 0, 9]] Properties=\"species:S:1:m:R:1:my vel:S:3:pos:I:3\"\r
CA 12.5 a b c 0 0 0\r
Xx NaN 1 2 3 4 4 4\r
",
    "1\nLattice=\"5 0 0 0 5 0 0 0 5\"\nSi 0 0 0\n",
];

/// Pieces that the grammar gives a meaning, or that reach its limits.
const PIECES: [&str; 32] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "=",
    " ",
    ",",
    ":",
    "\n",
    "\r",
    "\u{feff}",
    "NaN",
    "-",
    "0",
    "1d5",
    "e308",
    "18446744073709551615",
    ":vel:R:3",
    ":masses:R:1",
    ":Z:I:1",
    ":R:0",
    "_JSON ",
    " pbc=F",
    " Temperature=9",
    " velocity_unit=A/fs",
    " a={1 [2} ",
    " b=[[1, 2], {\"]\"}] ",
    "\\\"",
    "x=",
];

#[test]
fn what_is_damaged_here_is_good_before() {
    for seed in SEEDS {
        let frame = Frame::parse("a", seed.as_bytes()).unwrap();
        let text = frame.to_text("b").unwrap();
        assert_eq!(Frame::parse("b", text.as_bytes()).unwrap(), frame, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever is read is whole and finite, and can be written again; whatever is not, is an error
    /// and not a panic.
    #[test]
    fn damaged_files_are_errors_or_other_frames(
        seed in select(&SEEDS[..]),
        cut in prop::option::weighted(0.1, any::<Index>()),
        edits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..2),
        pieces in prop::collection::vec((any::<Index>(), 0..3_usize, select(&PIECES[..])), 0..4),
    ) {
        let mut bytes = seed.as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for (at, removed, piece) in pieces {
            let at = at.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        if let Ok(frame) = Frame::parse("a", &bytes) {
            let n = frame.species.len();
            let lengths = [
                Some(frame.positions.len()),
                frame.masses.as_ref().map(Vec::len),
                frame.motion.as_ref().map(|motion| motion.values.len()),
                frame.forces.as_ref().map(Vec::len),
            ];
            let unread = frame.unread.iter().map(|column| column.fields.len());
            let mut lengths = lengths.into_iter().flatten().chain(unread);
            prop_assert!(n > 0 && lengths.all(|len| len == n), "{:?}", frame);
            let motion = frame.motion.iter().flat_map(|motion| &motion.values);
            let vectors = frame.positions.iter().chain(motion).chain(frame.forces.iter().flatten());
            let mut numbers = vectors.flatten().chain(frame.masses.iter().flatten());
            prop_assert!(numbers.all(|x| x.is_finite()), "{:?}", frame);
            let text = frame.to_text("b").unwrap();
            prop_assert_eq!(&Frame::parse("b", text.as_bytes()).unwrap(), &frame);
            for unit in [None, Some(VelocityUnit::PerPicosecond), Some(VelocityUnit::PerFemtosecond)] {
                if let Ok(system) = frame.clone().into_system("a", unit) {
                    let velocities = system.velocities.as_flattened();
                    prop_assert!(velocities.iter().all(|v| v.is_finite()), "{:?}", velocities);
                    prop_assert!(system.temperature().is_finite(), "{:?}", system);
                }
            }
        }
    }

    #[test]
    fn foreign_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Frame::parse("a", &bytes).is_err(), "random bytes are no frame");
    }
}
