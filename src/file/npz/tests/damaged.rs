//! Archives that were damaged on their way.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Arrays that programs of all ages and machines write: type, shape, order of columns, numbers.
const SEEDS: [(&str, &str, bool, &[u8]); 9] = [
    ("<f8", "(2, 2, 1)", true, &[1; 32]),
    (">f8", "(2L, 1L)", false, &[64; 16]),
    ("<f4", "(3,)", false, &[65; 12]),
    (">f4", "(1L,)", true, &[66; 4]),
    ("<i8", "()", false, &[1; 8]),
    (">i4", "(1,)", false, &[0, 0, 1, 2]),
    ("<u2", "(1, 1)", true, &[3, 4]),
    ("|u1", "(1L,)", false, &[200]),
    ("|i1", "()", false, &[255]),
];

/// Pieces of headers.
const PIECES: &str = "L 0 1 9999999999 18446744073709551615 -1 , ( ) < > | i f ' True";

fn seed(k: usize) -> Vec<u8> {
    let (dtype, shape, fortran, data) = SEEDS[k];
    npy(&header(shape, fortran).replace("<f8", dtype), data)
}

/// Reads `x` in three shapes and as a count; returns which of these succeed.
fn read_in_every_way(mut npz: Archive) -> [bool; 4] {
    let cube = npz.array::<f64, Ix3>("x").map(Array::into_dyn);
    let plane = npz.widened::<Ix2>("x").map(Array::into_dyn);
    let line = npz.widened::<Ix1>("x").map(Array::into_dyn);
    let is_read = [cube.is_ok(), plane.is_ok(), line.is_ok(), npz.count("x").is_ok()];
    let mut numbers = [cube, plane, line].into_iter().flatten().flatten();
    assert!(numbers.all(f64::is_finite), "NaN or infinity was read");
    is_read
}

#[test]
fn what_is_damaged_here_is_read_before() {
    let read = |k| read_in_every_way(Archive::from_bytes("t.npz", zipped(&seed(k))).unwrap());
    for k in 0..SEEDS.len() {
        let found = read(k);
        assert_eq!(found[3], k >= 4, "{:?} is a count or none", SEEDS[k]);
        assert_eq!(found[..3].contains(&true), k < 4, "{:?}: {found:?}", SEEDS[k]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(
        k in 0..=SEEDS.len(),
        cut in prop::option::weighted(0.2, any::<Index>()),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = if k < SEEDS.len() { zipped(&seed(k)) } else { good() };
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        if let Ok(mut npz) = Archive::from_bytes("m.npz", bytes) {
            for name in npz.names() {
                let _ = npz.array::<f64, Ix2>(&name);
                let _ = npz.count(&name);
                let _ = npz.widened::<Ix1>(&name);
            }
        }
    }

    /// Past the checksums of the archive.
    #[test]
    fn no_member_makes_it_panic(
        k in 0..SEEDS.len(),
        cut in prop::option::weighted(0.2, any::<Index>()),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        pieces in prop::collection::vec((any::<Index>(), 0..3_usize, select(PIECES.split(' ').collect::<Vec<_>>())), 0..3),
    ) {
        let mut member = seed(k);
        // Most of it is the header, of which the first ten bytes are its length.
        for (at, value) in flips {
            let at = at.index(member.len());
            member[at] = value;
        }
        for (at, removed, piece) in pieces {
            let at = 10 + at.index(member.len() - 10);
            let end = (at + removed).min(member.len());
            let [added, gone] = [piece.len(), end - at].map(|n| u16::try_from(n).unwrap());
            member.splice(at..end, piece.bytes());
            let len = u16::from_le_bytes([member[8], member[9]]);
            let len = len.wrapping_add(added).wrapping_sub(gone);
            member[8..10].copy_from_slice(&len.to_le_bytes());
        }
        member.truncate(cut.map_or(member.len(), |cut| cut.index(member.len())));
        let _ = read_in_every_way(Archive::from_bytes("m.npz", zipped(&member)).unwrap());
    }
}
