use super::*;

mod damaged;
mod motion;
mod written;

const GOOD: &str = "2
Lattice=\"5.0 0 0 1.0 6.0 0 0 0 7\" Properties=id:I:1:pos:R:3:species:S:1:velo:R:3 \
energy=-1.5 note=\"two words\" relaxed velocity_unit=A/ps pbc=\"T T T\"
1 0.5 1e-3 -2 Si 1 2 3
2 4.0 .25 2 Ar -1 0 0.5
";

fn error(text: &str) -> String {
    Frame::parse("a.extxyz", text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn columns_come_in_any_order_and_other_pairs_are_kept() {
    let frame = Frame::parse("a.extxyz", GOOD.as_bytes()).unwrap();
    assert_eq!(frame.cell.rows(), [[5.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.0, 0.0, 7.0]], "cell");
    assert_eq!(frame.species, ["Si", "Ar"], "species");
    assert_eq!(frame.positions, [[0.5, 1e-3, -2.0], [4.0, 0.25, 2.0]], "positions");
    let motion = frame.motion.clone().expect("velocities");
    assert_eq!(motion.column, "velo", "their name");
    assert_eq!(motion.values, [[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]], "velocities");
    assert_eq!((frame.forces.as_ref(), frame.pbc), (None, [true; 3]), "forces and pbc");
    let info: Vec<_> = frame.info.iter().map(|(k, v)| format!("{k}={}", v.text())).collect();
    let want = ["energy=-1.5", "note=two words", "relaxed=T", "velocity_unit=A/ps"];
    assert_eq!(info, want, "info");
    let system = frame.into_system("a.extxyz", None).unwrap();
    assert_eq!(system.masses, [28.085, 39.948], "masses");
}

#[test]
fn errors_name_file_line_found_and_expected() {
    let with = |from: &str, to: &str| error(&GOOD.replacen(from, to, 1));
    for (got, want) in [
        (error(""), "a.extxyz, line 1: found an empty file, expected the number of atoms"),
        (error("hello"), "line 1: found \"hello\", expected the number of atoms, at least 1"),
        (error("0\n\n"), "line 1: found \"0\""),
        (error("-2\nx\n"), "line 1: found \"-2\""),
        (error("2\n"), "line 2: found the end of the file"),
        (with("2\n", "3\n"), "line 5: found the end of the file after 2 of 3 atoms"),
        (with("2\n", "18446744073709551615\n"), "after 2 of 18446744073709551615 atoms"),
        (with("2\n", "1\n"), "line 4: found a second frame or a trailing line, \"2 4.0 .25 2 Ar"),
        (error(&format!("{GOOD}\n \n{GOOD}")), "line 7: found a second frame or a trailing line"),
        (with("Lattice", "Lettuce"), "line 2: found no Lattice"),
        (with("5.0 0 0", "5.0 0"), "line 2: found Lattice with 8 numbers"),
        (with("5.0 0 0", "NaN 0 0"), "found \"NaN\", expected a finite number for Lattice"),
        (with("5.0 0 0", "0 0 0"), "line 2: Lattice: the lattice vectors"),
        (with("words\"", "words"), "line 2: found \"T T T\\\"\" right behind the quote"),
        (with("pbc=\"T T T\"", "pbc=\"T T\""), "found pbc=\"T T\", expected three of T and F"),
        (with("pos:R:3", "pos:R:2"), "found Properties with \"pos:R:2\", expected pos:R:3"),
        (with("pos:R:3", "pos:R:3:pos:R:3"), "\"pos:R:3\" and \"pos:R:3\", expected one of"),
        (with("pos:R:3", "x:R:3"), "expected species:S:1 or Z:I:1, and pos:R:3"),
        (with("species:S:1", "name:S:1"), "expected species:S:1 or Z:I:1, and pos:R:3"),
        (with("id:I:1", "id:I:99999999999999999999"), "found Properties with \"id:I:9999"),
        (with("id:I:1", "id:I:18446744073709551615"), "found Properties with \"pos:R:3\""),
        (with("id:I:1", "id:I:0"), "found Properties with \"id:I:0\""),
        (with("id:I:1", "id:X:1"), "found Properties with \"id:X:1\""),
        (with("id:I:1:", "id:"), "found Properties with \"id:pos:R\""),
        (with("id:I:1", "mass:R:2"), "found Properties with \"mass:R:2\", expected masses:R:1"),
        (
            with("energy=-1.5", "pbc=F"),
            "line 2: found pbc=\"F\" and pbc=\"T T T\", expected one of the two",
        ),
        (
            with("energy=-1.5", "lattice=\"1 2\""),
            "line 2: found Lattice=\"5.0 0 0 1.0 6.0 0 0 0 7\" and Lattice=\"1 2\", expected one of",
        ),
        (with("5.0 0 0 1.0 6.0 0 0 0 7", "5 0 0 1 6 0 0 0"), "found Lattice with 8 numbers"),
        (
            with("id:I:1", "momenta:R:3"),
            "Properties with \"momenta:R:3\" and \"velo:R:3\", expected one",
        ),
        (with("0.5 1e-3", "inf 1e-3"), "line 3: found \"inf\", expected a finite number for pos"),
        (with("0.5 1e-3", "1e7 1e-3"), "line 3: found the position"),
        (with("0.5 1e-3", "0.5"), "line 3: found 7 columns, expected 8, as Properties says"),
        (with("2 Ar", "2 4r"), "line 4: found \"4r\", expected a chemical symbol"),
    ] {
        assert!(got.contains(want) && got.starts_with("a.extxyz"), "{got}\nlacks {want}");
    }
    let err = Frame::parse("a.extxyz", b"1\n\xff\n").unwrap_err().to_string();
    assert!(err.contains("line 2: found bytes that are not UTF-8"), "{err}");
    let err = Frame::read(Path::new("/nowhere/a.extxyz")).unwrap_err().to_string();
    assert!(err.starts_with("/nowhere/a.extxyz: cannot be read"), "{err}");
}

#[test]
fn a_frame_that_is_not_periodic_or_of_unknown_species_is_no_system() {
    let text = GOOD.replacen("T T T", "T F T", 1);
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let err = frame.into_system("a.extxyz", None).unwrap_err().to_string();
    let want = "a.extxyz: found pbc=\"T F T\", expected a cell periodic along all three vectors";
    assert_eq!(err, want);
    let text = GOOD.replacen("Ar", "Xx", 1);
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let err = frame.into_system("a.extxyz", None).unwrap_err().to_string();
    let want = "a.extxyz: found the species Xx, expected the symbol of an element in its own case, \
                as Ca, or a column Z or masses";
    assert_eq!(err, want);
}

/// The frame with other columns in place of `id:I:1`, whose values stand at the start of a line.
fn with_columns(columns: &str, values: [&str; 2]) -> Result<Frame, Error> {
    let text = GOOD.replacen("id:I:1", columns, 1);
    let text = text.replacen("\n1 0.5", &format!("\n{} 0.5", values[0]), 1);
    Frame::parse("a", text.replacen("\n2 4.0", &format!("\n{} 4.0", values[1]), 1).as_bytes())
}

#[test]
fn atomic_numbers_are_read_and_checked_against_the_species() {
    let only = GOOD.replacen("id:I:1", "Z:I:1", 1).replacen("species:S:1", "name:S:1", 1);
    let only = only.replacen("\n1 0.5", "\n14 0.5", 1).replacen("\n2 4.0", "\n18 4.0", 1);
    let frame = Frame::parse("a", only.as_bytes()).unwrap();
    assert_eq!(frame.species, ["Si", "Ar"], "by number");
    assert!(with_columns("Z:I:1", ["14", "18"]).is_ok(), "both");
    let err = with_columns("Z:I:1", ["14", "13"]).unwrap_err().to_string();
    assert!(err.contains("line 4: found the species Ar with the atomic number of Al"), "{err}");
    for z in ["0", "119", "-1", "x"] {
        let err = with_columns("Z:I:1", [z, "18"]).unwrap_err().to_string();
        assert!(err.contains("expected an atomic number from 1 to 118"), "{err}");
    }
}

/// CA is carbon in a protein, and calcium to who takes capitals for an element.
#[test]
fn a_label_is_no_element_unless_an_atomic_number_says_which() {
    for label in ["CA", "SI", "si", "ca", "HO"] {
        let labelled = GOOD.replacen(" Si ", &format!(" {label} "), 1);
        let frame = Frame::parse("a", labelled.as_bytes()).unwrap();
        assert_eq!(frame.species[0], label, "as it stands");
        let err = frame.into_system("a", None).unwrap_err().to_string();
        let want =
            format!("a: found the species {label}, expected the symbol of an element in its");
        assert!(err.starts_with(&want), "{err}");
        let heavy = labelled.replacen("id:I:1", "mass:R:1", 1).replacen("\n2 4.0", "\n40 4.0", 1);
        let heavy = Frame::parse("a", heavy.replacen("\n1 0.5", "\n12.5 0.5", 1).as_bytes());
        let system = heavy.unwrap().into_system("a", None).unwrap();
        assert_eq!(system.masses, [12.5, 40.0], "of {label}");
    }
    let numbered = |label: &str| {
        let text = GOOD.replacen("id:I:1", "Z:I:1", 1).replacen(" Si ", &format!(" {label} "), 1);
        let text = text.replacen("\n1 0.5", "\n6 0.5", 1).replacen("\n2 4.0", "\n18 4.0", 1);
        Frame::parse("a", text.as_bytes()).map(|frame| frame.species).map_err(|e| e.to_string())
    };
    for label in ["C", "CA", "c", "HB12", "C_1"] {
        assert_eq!(numbered(label).unwrap(), ["C", "Ar"], "{label}");
    }
    let want =
        "a, line 3: found the species Ca with the atomic number of C, expected the same element";
    assert_eq!(numbered("Ca").unwrap_err(), want);
}

#[test]
fn masses_are_in_amu_and_two_columns_of_them_agree() {
    let masses = |second| with_columns("mass:R:1:masses:R:1", ["28.0 28", second]);
    assert_eq!(masses("36D0 36").unwrap().masses, Some(vec![28.0, 36.0]), "the same");
    // Of QUIP, of no sign, in kg, in masses of the electron, and in those of argon.
    for mass in ["2910.8", "-1", "0", "4.66e-26", "51196.7", "0.703"] {
        let err = with_columns("mass:R:1", [mass, "36"]).unwrap_err().to_string();
        let want = format!(
            "a, line 3: found the mass {mass} of Si, expected atomic mass units near 28.085 \
             (QUIP's own unit is 103.6 times as large)"
        );
        assert_eq!(err, want);
    }
    let err = with_columns("mass:R:1", ["nan", "36"]).unwrap_err().to_string();
    assert_eq!(err, "a, line 3: found \"nan\", expected a finite number for mass");
    let err = masses("36 36.1").unwrap_err().to_string();
    assert_eq!(err, "a, line 4: found the masses 36 and 36.1, expected the same in both columns");
    // Deuterium, a heavy hydrogen and a bead of several atoms are what they are.
    for (species, mass) in [("H", "2.014"), ("H", "4"), ("W", "72"), ("Bd", "72")] {
        let text = format!(
            "1\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:atomic_mass:R:1\n\
             {species} 0 0 0 {mass}\n"
        );
        let system = Frame::parse("a", text.as_bytes()).unwrap().into_system("a", None).unwrap();
        assert_eq!(system.masses, [mass.parse::<f64>().unwrap()], "{species}");
    }
}

#[test]
fn a_column_that_may_be_masses_is_refused_by_name_where_none_are() {
    for column in ["m:R:1", "mass_amu:R:1", "atomic_weight:R:1"] {
        let frame = with_columns(column, ["28", "40"]).unwrap();
        let err = frame.into_system("a", None).unwrap_err().to_string();
        let want = "expected masses in amu as masses:R:1, or no such column";
        assert_eq!(err, format!("a: found the column {column}, {want}"));
        let both = with_columns(&format!("{column}:masses:R:1"), ["7 28", "7 36"]).unwrap();
        assert_eq!(both.into_system("a", None).unwrap().masses, [28.0, 36.0], "beside {column}");
    }
}

#[test]
fn what_nobody_needs_does_not_stop_a_file() {
    assert!(with_columns("charge:R:1", ["NaN", "nan"]).is_ok(), "NaN in charges");
    assert!(with_columns("id:I:1:flag:L:1", ["1.5 maybe", "x y"]).is_ok(), "of another type");
    let many = vec!["0.5"; 100].join(" ");
    assert!(with_columns("descriptor:R:100", [&many, &many]).is_ok(), "100 columns");
    for column in ["moment:R:1", "id:I:1:ID:I:1", "forces:R:1"] {
        let fields = vec!["x"; column.matches(':').count() / 2].join(" ");
        let system = with_columns(column, [&fields, &fields]).unwrap().into_system("a", None);
        assert!(system.is_ok(), "{column}");
    }
    for fields in ["NaN 1 2", "1 inf 2", "1 2 ********"] {
        let frame = with_columns("forces:R:3", ["1 2 3", fields]).unwrap();
        assert_eq!(frame.forces, None, "not all are numbers");
        assert!(frame.into_system("a", None).is_ok(), "forces of {fields}");
    }
    for pairs in [
        "virial=[[1, 2], [x, NaN]]",
        "energy=1 energy=2",
        "stress={}",
        "a= b=c",
        "s={hello [world}",
        r"bs=\",
        r#"p="C:\my dir\""#,
    ] {
        let text = GOOD.replacen("relaxed", pairs, 1);
        assert!(Frame::parse("a", text.as_bytes()).is_ok(), "{pairs}");
    }
    let plain = "1\nLattice=\"5 0 0 0 5 0 0 0 5\"\nSi 0 0 0\n";
    assert_eq!(Frame::parse("a", plain.as_bytes()).unwrap().species, ["Si"], "no Properties");
}

#[test]
fn the_cell_is_read_however_it_is_written() {
    let cell = |lattice: &str| {
        let text = GOOD.replacen("\"5.0 0 0 1.0 6.0 0 0 0 7\"", lattice, 1);
        Frame::parse("a", text.as_bytes()).map(|frame| frame.cell.rows())
    };
    let want = [[5.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.0, 0.0, 7.0]];
    for lattice in ["{5 0 0 1 6 0 0 0 7}", "[5, 0, 0, 1, 6, 0, 0, 0, 7]", "'5D0 0 0 1 6 0 0 0 7.'"]
    {
        assert_eq!(cell(lattice).unwrap(), want, "{lattice}");
    }
    let diagonal = [[5.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0, 0.0, 7.0]];
    assert_eq!(cell("[[5, 0, 0], [0, 6, 0], [0, 0, 7]]").unwrap(), diagonal, "nested");
    let err = cell("[[5, 0, 0], [1, 6, 0], [0, 0, 7]]").unwrap_err().to_string();
    assert!(err.contains("found a nested Lattice that is not symmetric"), "{err}");
    let marked = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let marked = marked.replacen("pbc=\"T T T\"", "PBC=[TRUE, true, 1]", 1);
    let frame = Frame::parse("a", marked.as_bytes()).unwrap();
    assert_eq!((frame.cell.rows(), frame.pbc), (want, [true; 3]), "BOM and Windows lines");
    for (word, want) in [("T True true TRUE 1", true), ("F False false FALSE 0", false)] {
        for word in word.split(' ') {
            let text = GOOD.replacen("pbc=\"T T T\"", &format!("pbc={word}"), 1);
            let frame = Frame::parse("a", text.as_bytes()).unwrap();
            assert_eq!(frame.pbc, [want; 3], "one {word} for all");
        }
    }
    for again in
        ["PBC=[TRUE, true, 1]", "pbc=T", "pbc=T pbc='T T T'", "lattice=[5, 0, 0, 1, 6, 0, 0, 0, 7]"]
    {
        let text = GOOD.replacen("relaxed", again, 1);
        let frame = Frame::parse("a", text.as_bytes()).unwrap();
        assert_eq!((frame.cell.rows(), frame.pbc), (want, [true; 3]), "{again}, the same");
    }
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    let err = Frame::parse("a", pointer).unwrap_err().to_string();
    assert!(err.contains("found a Git LFS pointer, expected the file itself"), "{err}");
}
