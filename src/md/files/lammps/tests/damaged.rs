//! Files that were damaged on their way.

use super::written::{Grid, constant, funcfl, setfl};
use super::*;
use crate::md::{Cell, Field};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Good files of every kind, with elements of theirs.
fn seeds() -> Vec<(Kind, String, [&'static str; 2])> {
    vec![
        (Kind::StillingerWeber, SILICON_SW.to_owned(), ["Si"; 2]),
        (Kind::StillingerWeber, COMPOUND_SW.to_owned(), ["Si", "C"]),
        (Kind::Tersoff, SILICON_TERSOFF.to_owned(), ["Si"; 2]),
        (Kind::Tersoff, COMPOUND_TERSOFF.to_owned(), ["B", "A"]),
        (Kind::Funcfl, funcfl(Grid::SMALL), ["Al"; 2]),
        (Kind::Setfl, setfl(Grid::SMALL), ["Al"; 2]),
        (Kind::Setfl, constant(false), ["B", "A"]),
        (Kind::FinnisSinclair, constant(true), ["A", "B"]),
    ]
}

/// Pieces that have a meaning, or reach limits.
const PIECES: [&str; 24] = [
    " ",
    "\n",
    "\r\n",
    "#",
    "UNITS: real\n",
    "Si",
    " Al",
    "C C C",
    "\u{feff}",
    "NaN",
    "inf",
    "-",
    "0",
    "1d5",
    "e308",
    "e-320",
    ".",
    "18446744073709551615",
    "1000000000",
    "8",
    "13 27 4 fcc\n",
    " 0 0 0",
    "\t",
    "\0",
];

#[test]
fn what_is_damaged_here_is_good_before() {
    for (kind, text, elements) in seeds() {
        assert!(
            parse(&text, kind, &elements).is_ok(),
            "{kind}: {:?}",
            parse(&text, kind, &elements)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever is read has a cutoff that may be one. Its fast form gives a small box the energy of the
    /// reference, or says what is not finite. Whatever is not read is an error that names the file.
    #[test]
    fn damaged_files_are_errors_or_other_potentials(
        seed in any::<Index>(),
        cut in prop::option::weighted(0.1, any::<Index>()),
        edits in prop::collection::vec((any::<Index>(), any::<u8>()), 0..2),
        pieces in prop::collection::vec((any::<Index>(), 0..4_usize, select(&PIECES[..])), 0..4),
    ) {
        let seeds = seeds();
        let (kind, text, elements) = seed.get(&seeds);
        let mut bytes = text.as_bytes().to_vec();
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
        match FilePotential::parse("a", &bytes, *kind, elements) {
            Ok(potential) => {
                prop_assert!((0.0..=100.0).contains(&potential.cutoff()), "{}", potential.cutoff());
                // So thin a cell is still allowed.
                let edge = (potential.cutoff() / 3.0).max(5.0);
                let cell = Cell::orthorhombic([edge; 3]).unwrap();
                let x = vec![[0.0; 3], [2.4, 0.0, 0.0], [0.0, 2.3, 0.1]];
                let three = System::new(cell, &["X", "X", "Y"], vec![1.0; 3], x);
                let field = Field::new(potential.clone(), &three, 0.5).unwrap();
                let (got, want) = (field.forces(), potential.reference(three.atoms()));
                let bound = potential.bound(three.atoms()).energy;
                prop_assert_eq!(got.forces.len(), 3);
                if bound.is_finite() && want.fault().is_none() {
                    prop_assert!(got.fault().is_none(), "{:?}", got.fault());
                    let off = (got.energy - want.energy).abs();
                    prop_assert!(off <= bound, "{} of {} eV, not {}", off, got.energy, bound);
                }
            }
            Err(err) => prop_assert!(err.to_string().starts_with('a'), "{}", err),
        }
    }

    #[test]
    fn foreign_bytes_are_errors(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        seed in any::<Index>(),
    ) {
        let seeds = seeds();
        let (kind, _, elements) = seed.get(&seeds);
        prop_assert!(FilePotential::parse("a", &bytes, *kind, elements).is_err(), "random bytes");
    }
}
