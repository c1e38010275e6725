//! Good files, and the messages of bad ones.

mod damaged;
mod written;

use std::path::Path;

use super::*;
use crate::md::{Potential as _, StillingerWeber, System, boxes};
use written::{Grid, setfl};

pub(super) const SILICON_SW: &str = include_str!("../../../../../fixtures/potentials/silicon.sw");
pub(super) const SILICON_TERSOFF: &str =
    include_str!("../../../../../fixtures/potentials/silicon.tersoff");

/// The silicon of 1985 among made-up entries, on long and short lines.
pub(super) const COMPOUND_SW: &str = "# UNITS: metal
Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.3333333333333333 7.049556277 0.6022245584 4 0 0
Si Si C  2.0 0 0 23.0 0 -0.3 0 0 0 0 0
Si C  Si 2.0 0 0 23.0 0 -0.3 0 0 0 0 0
Si C  C  2.2 2.0 1.75 22.0 1.1 -0.3
         7.2 0.61 4.5 0.25 1e-4
C Si Si 2.2 2.0 1.75 22.5 1.3 -0.35 7.2 0.61 4.5 0.25 1e-4
C Si C 1.9 0 0 24.0 0 -0.35 0 0 0 0 0
C C Si 1.9 0 0 24.0 0 -0.35 0 0 0 0 0
C C C 2.4D0 1.9 1.7 25.0 1.25 -0.3 7.4 0.62 4 0 0
";

pub(super) const COMPOUND_TERSOFF: &str = "A A A 3 1 1.3 4.8 2 0 22.9 0.33 1.3 95 3 0.2 3.2 3264
A A B 1 0.9 0.4 5 2.1 -0.1 0 0 0 0 2.9 0.2 0 0
A B A 1 0.9 0.5 5 2.2 -0.2 0 0 0 0 2.8 0.1 0 0
A B B 1 0.9 0.5 5 2.2 -0.2 0.8 1e-3 1.5 110 2.8 0.1 3.1 2800
B A A 3 1.1 0.2 0 0 -0.3 0.7 1e-4 1.5 110 2.8 0.1 3.1 2800
B A B 3 1.1 0.2 0 0 -0.3 0 0 0 0 2.6 0 0 0
B B A 1 1 -0.1 3 1 -0.6 0 0 0 0 2.7 0.2 0 0
B B B 1 1 -0.1 3 1 -0.6 1 0.1 1.6 90 2.7 0.2 3.3 1800
";

fn parse(text: &str, kind: Kind, elements: &[&str]) -> Result<FilePotential, String> {
    FilePotential::parse("a", text.as_bytes(), kind, elements).map_err(|e| e.to_string())
}

fn assert_refused(text: &str, kind: Kind, elements: &[&str], want: &str) {
    let got = parse(text, kind, elements).expect_err(want);
    assert!(got.contains(want), "{got}\nlacks {want}");
    assert!(got.starts_with('a'), "{got}");
}

/// Silicon, half of which may have another name.
fn crystal(other: &str) -> System {
    let mut si = boxes::silicon_crystal(2, 5.3);
    boxes::rattle(&mut si, 5, 0.1);
    let symbols: Vec<_> = (0..si.len()).map(|i| if i % 2 == 0 { "Si" } else { other }).collect();
    System::new(si.cell, &symbols, si.masses, si.positions)
}

#[test]
fn a_file_of_silicon_gives_the_built_in_forces() {
    let file = parse(SILICON_SW, Kind::StillingerWeber, &["Si"]).unwrap();
    let si = crystal("Si");
    let (want, bound) = (StillingerWeber::SILICON.reference(si.atoms()), file.bound(si.atoms()));
    let got = file.reference(si.atoms());
    assert!((got.energy - want.energy).abs() <= bound.energy, "{} eV", got.energy);
    for ((g, w), b) in got.forces.iter().zip(&want.forces).zip(&bound.forces) {
        assert!((0..3).all(|a| (g[a] - w[a]).abs() <= b[a]), "{g:?}, expected {w:?}");
    }
    assert_eq!(file.cutoff(), StillingerWeber::SILICON.cutoff(), "cutoff");
}

/// The energy of the paper is 4.63 eV at 5.432 angstrom.
#[test]
fn a_file_of_tersoff_gives_the_published_energy() {
    let file = parse(SILICON_TERSOFF, Kind::Tersoff, &["Si"]).unwrap();
    let si = boxes::silicon_crystal(2, 5.432);
    let energy = file.reference(si.atoms()).energy / si.len() as f64;
    assert!((energy + 4.63).abs() < 0.002, "{energy} eV");
    assert!((file.cutoff() - 3.0).abs() < 1e-15, "{}", file.cutoff());
}

/// Whichever order the species have, and whatever else is in the file.
#[test]
fn elements_are_found_by_their_names() {
    for (text, kind, first, second) in [
        (COMPOUND_SW, Kind::StillingerWeber, "Si", "C"),
        (COMPOUND_TERSOFF, Kind::Tersoff, "A", "B"),
    ] {
        let one = parse(text, kind, &[first, second]).unwrap();
        let other = parse(text, kind, &[second, first]).unwrap();
        let mut mixed = crystal("C");
        let want = one.reference(mixed.atoms());
        mixed.species.iter_mut().for_each(|s| *s = 1 - *s);
        assert_eq!(other.reference(mixed.atoms()).forces, want.forces, "{kind} the other way");
        let alone = parse(text, kind, &[first]).unwrap();
        let twice = parse(text, kind, &[first, first]).unwrap();
        let energy = twice.reference(mixed.atoms()).energy;
        assert_eq!(energy, alone.reference(crystal("Si").atoms()).energy, "{kind} by two names");
        assert!((energy - want.energy).abs() > 1.0, "{kind}: the second element does nothing");
    }
}

/// Entries that agree need no word; of those that do not, a pair takes one by its atoms, as LAMMPS does,
/// and an angle the mean.
#[test]
fn entries_that_differ_where_lammps_takes_one_are_told() {
    let (sw, tersoff) = (Kind::StillingerWeber, Kind::Tersoff);
    let notes = |text: &str, kind: Kind, elements: &[&str]| {
        parse(text, kind, elements).unwrap().notes(elements)
    };
    let (si, both) = (&["Si"][..], &["Si", "C"][..]);
    assert!(notes(COMPOUND_SW, sw, si).is_empty(), "one element");
    assert!(notes(COMPOUND_SW, sw, both).is_empty(), "what differs is of angles at other atoms");
    let steep = COMPOUND_SW.replace(
        "C Si Si 2.2 2.0 1.75 22.5 1.3 -0.35 7.2",
        "C Si Si 2.2 2.0 1.75 22.5 1.3 -0.35 7.3",
    );
    let want = "the entries Si C C and C Si Si differ: a pair takes one of both by the numbers of its \
                atoms, as in LAMMPS, so that the energy depends on their order";
    assert_eq!(notes(&steep, sw, both), [want], "A");
    assert!(notes(&steep, sw, si).is_empty(), "they are not used");
    let bent = COMPOUND_SW.replace("Si C  Si 2.0 0 0 23.0", "Si C  Si 2.0 0 0 24.0");
    let want = "the entries Si Si C and Si C Si differ: an angle takes the mean of both, where LAMMPS \
                takes one by the order of its list";
    assert_eq!(notes(&bent, sw, both), [want], "lambda");
    let all =
        bent.replace("C C Si 1.9 0 0 24.0", "C C Si 1.9 0 0 25.0").replace("7.2 0.61", "7 0.61");
    let all = all.replacen("         7 0.61", "         7.2 0.61", 1);
    let got = notes(&all, sw, both);
    let want = "the entries Si Si C and Si C Si, C Si C and C C Si differ: an angle ";
    assert!(got[0].starts_with("the entries Si C C and C Si Si differ: a pair "), "{got:?}");
    assert!(got[1].starts_with(want) && got.len() == 2, "{got:?}");
    let got = notes(COMPOUND_TERSOFF, tersoff, &["B", "A"]);
    assert!(got.is_empty(), "only what decides the repulsion is told: {got:?}");
    let strong = COMPOUND_TERSOFF.replace("2.8 0.1 3.1 2800\nB A B", "2.8 0.1 3.1 2801\nB A B");
    let got = notes(&strong, tersoff, &["B", "A"]);
    assert!(got[0].starts_with("the entries B A A and A B B differ: a pair "), "A: {got:?}");
    // Angles have the same energy in every order of the atoms.
    let potential = parse(&bent, sw, both).unwrap();
    let mixed = crystal("C");
    let mut turned = mixed.clone();
    turned.positions.reverse();
    turned.species.reverse();
    let [one, other] = [mixed, turned].map(|s| potential.reference(s.atoms()).energy);
    assert!((one - other).abs() < 1e-11 * one.abs(), "{one} eV and {other} eV");
}

/// sigma a + min(gamma, 1) sigma / ln(tol), and at most 0.01 of tolerance.
#[test]
fn a_tolerance_shortens_the_cutoff() {
    let with = |tolerance: &str, gamma: &str| {
        let text = SILICON_SW.replace("  0  # tol", &format!("  {tolerance}  # tol"));
        let text = text.replace("1.20 -0.3", &format!("{gamma} -0.3"));
        parse(&text, Kind::StillingerWeber, &["Si"]).unwrap().cutoff()
    };
    let whole = 1.8 * 2.0951;
    assert_eq!(with("0", "1.2"), whole, "none");
    assert!((with("1e-4", "1.2") - (whole - 2.0951 / 1e4_f64.ln())).abs() < 1e-14, "1e-4");
    assert!((with("0.5", "1.2") - (whole - 2.0951 / 100_f64.ln())).abs() < 1e-14, "0.5");
    assert!((with("1e-4", "0.5") - (whole - 0.5 * 2.0951 / 1e4_f64.ln())).abs() < 1e-14, "0.5");
}

#[test]
fn entries_that_are_wrong_are_refused_by_line() {
    let (sw, tersoff) = (Kind::StillingerWeber, Kind::Tersoff);
    let si = &["Si"][..];
    let both = &["Si", "C"][..];
    let edit = |from: &str, to: &str| SILICON_SW.replacen(from, to, 1);
    assert_refused(&edit("21.0", "x"), sw, si, "a, line 7: found \"x\", expected a finite number");
    assert_refused(&edit("21.0", "nan"), sw, si, "expected a finite number for lambda");
    assert_refused(&edit("21.0", "1e400"), sw, si, "found \"1e400\"");
    assert_refused(
        &edit("21.0", "-21"),
        sw,
        si,
        "line 7: found lambda -21, expected a number that",
    );
    assert_refused(&edit("  0  #", "  #"), sw, si, "the end of the file after 13 of 14 words");
    assert_refused(&edit("4 0 ", "4 0 1 2"), sw, si, "line 7: found 15 words up to line 8");
    assert_refused(&edit("2.0951 1.80", "-2.0951 1.80"), sw, si, "found sigma -2.0951");
    assert_refused(
        &edit("2.0951 1.80", "2e3 1.80"),
        sw,
        si,
        "a cutoff of 3600, expected one above 0",
    );
    assert_refused(&edit("1.80", "0.1").replace("  0  #", "  0.01  #"), sw, si, "a cutoff of -0.2");
    assert_refused(&edit("2.0951 1.80", "0 1.80"), sw, si, "no pair with a sigma a above 0");
    let twice = format!("{SILICON_SW}{SILICON_SW}");
    assert_refused(
        &twice,
        sw,
        si,
        "line 16: found a second entry for Si Si Si, expected the one of",
    );
    let edit = |from: &str, to: &str| SILICON_TERSOFF.replacen(from, to, 1);
    for (from, to, want) in [
        ("Si  3 1", "Si  2 1", "line 7: found m 2, expected 1 or 3"),
        ("16.217", "0", "found c 100390 with d 0"),
        ("0.78734", "0", "found n 0, expected a number above zero"),
        ("2.85 0.15", "0.1 0.15", "found D 0.15 with R 0.1"),
        ("2.85 0.15", "0 0", "no pair with an R + D above 0"),
        ("2.85 0.15", "285 15", "a cutoff of 300"),
        ("1.7322", "-1.7322", "found lambda2 -1.7322"),
        ("1830.8", "", "the end of the file after 16 of 17 words"),
    ] {
        assert_refused(&edit(from, to), tersoff, si, want);
    }
    assert_refused(SILICON_SW, sw, &[], "no elements to look for");
    assert_refused(
        SILICON_SW,
        sw,
        both,
        "a: found no entry for C C C, C C Si, C Si C, C Si Si, Si C C, Si C Si, Si Si C, expected \
         one for each three elements; the file names \"Si\"",
    );
    let lines: Vec<_> = COMPOUND_SW.lines().filter(|line| !line.starts_with("C Si C")).collect();
    assert_refused(&lines.join("\n"), sw, both, "a: found no entry for C Si C, expected");
    // It names no element that is wanted.
    let other = format!("{SILICON_SW}Ge Ge Ge 1 2 3 4 5 x 7 8 9 10 11");
    assert_refused(&other, sw, si, "line 10: found \"x\"");
    assert!(parse(&other.replace('x', "6"), sw, si).is_ok(), "other elements");
}

#[test]
fn comments_units_and_ends_of_lines_are_what_they_are_elsewhere() {
    let sw = Kind::StillingerWeber;
    let want = parse(SILICON_SW, sw, &["Si"]).unwrap();
    let latin = [b"# M\xfcller\n", SILICON_SW.as_bytes()].concat();
    let windows = format!("\u{feff}{}", SILICON_SW.replace('\n', "\r\n"));
    for bytes in [&latin[..], windows.as_bytes()] {
        assert_eq!(FilePotential::parse("a", bytes, sw, &["Si"]).unwrap(), want, "the same");
    }
    for (units, found) in [("real", "UNITS: real"), ("Metal", "UNITS: Metal"), ("", "UNITS: ,")] {
        let text = SILICON_SW.replacen("metal", units, 1);
        assert_refused(&text, sw, &["Si"], &format!("a, line 1: found {found}"));
    }
    let below = SILICON_SW.replacen("UNITS: metal", "\n# UNITS: real", 1);
    assert_eq!(parse(&below, sw, &["Si"]), Ok(want), "only the first line counts");
    assert_refused("", sw, &["Si"], "a, line 1: found an empty file");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    assert_refused(pointer, sw, &["Si"], "found a Git LFS pointer");
}

#[test]
fn kinds_are_known_by_name() {
    for (name, kind) in [
        ("x/Si.sw", Kind::StillingerWeber),
        ("SiC_1989.tersoff", Kind::Tersoff),
        ("Cu_u3.eam", Kind::Funcfl),
        ("NiAlH_jea.eam.alloy", Kind::Setfl),
        ("a.b.setfl", Kind::Setfl),
        ("FeP_mm.EAM.FS", Kind::FinnisSinclair),
    ] {
        assert_eq!(Kind::of(Path::new(name)), Some(kind), "{name}");
        assert_eq!(kind.to_string().parse(), Ok(kind), "{kind}");
    }
    for name in ["Si.tersoff.mod", "SiC.tersoff.zbl", "sw", "a.eam.fs/", "..", ""] {
        let known = Kind::of(Path::new(name));
        assert_eq!(known, (name == "a.eam.fs/").then_some(Kind::FinnisSinclair), "{name}");
    }
    let err = "tersoff/mod".parse::<Kind>().unwrap_err();
    assert_eq!(err, "found tersoff/mod, expected one of sw, tersoff, eam, eam/alloy, eam/fs");
}

#[test]
fn files_are_read_by_what_their_names_show() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, kind| {
        let path = folder.path().join(name);
        std::fs::write(&path, SILICON_SW).unwrap();
        FilePotential::read(&path, kind, &["Si"]).map_err(|e| e.to_string())
    };
    let want = read("Si.sw", None).unwrap();
    assert_eq!(read("Si.txt", Some(Kind::StillingerWeber)).unwrap(), want, "by kind");
    let err = read("Si.txt", None).unwrap_err();
    assert!(
        err.contains("Si.txt: found a name without a known ending, expected one of .sw"),
        "{err}"
    );
    let err = FilePotential::read(folder.path(), Some(Kind::Setfl), &["Si"]).unwrap_err();
    assert!(err.to_string().contains("cannot be read"), "{err}");
    let err = FilePotential::read(&folder.path().join("b.sw"), None, &["Si"]).unwrap_err();
    assert!(err.to_string().contains("b.sw: cannot be read"), "{err}");
}

#[test]
fn a_table_of_aluminium_gives_its_forces() {
    written::assert_like_aluminium(&setfl(Grid { points: 2000, ..Grid::SMALL }), Kind::Setfl);
}
