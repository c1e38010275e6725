use super::*;
use proptest::prelude::*;

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
fn what_is_written_reads_back_bit_for_bit() {
    let mut frame = Frame::parse("a.extxyz", GOOD.as_bytes()).unwrap();
    frame.positions[1] = [1.0 / 3.0, -1e-17, 123_456.789];
    frame.forces = Some(vec![[0.1, f64::MIN_POSITIVE, -0.0], [2e300, 1.0, 2.0]]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.extxyz");
    frame.write(&path).unwrap();
    let again = Frame::read(&path).unwrap();
    assert_eq!(again, frame, "frame");
    assert!(again.forces.unwrap()[0][2].is_sign_negative(), "-0 keeps its sign");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_frame_that_would_not_read_back_is_not_written() {
    let good = Frame::parse("a.extxyz", GOOD.as_bytes()).unwrap();
    for (key, value) in [
        ("pbc", Value::Text("T".into())),
        ("lattice", Value::Text("1".into())),
        ("k", Value::Array("[1, 2".into())),
        ("k", Value::Array("[1] x=2".into())),
        ("k", Value::Array("[1,\n2]".into())),
        ("k", Value::Array("no array".into())),
    ] {
        let mut frame = good.clone();
        frame.info.insert(key.into(), value.clone());
        assert!(frame.to_text("b").is_err(), "{key:?}={value:?}");
    }
    let mut frame = good.clone();
    frame.unread = vec!["vel:R:1".into()];
    assert!(frame.to_text("b").is_err(), "its atoms would come to rest");
    let mut frame = good;
    frame.species[0] = "no symbol".into();
    let err = frame.to_text("b.extxyz").unwrap_err().to_string();
    assert!(err.contains("b.extxyz: found the species \"no symbol\""), "{err}");
}

#[test]
fn masses_and_every_pair_are_written_again() {
    let text = GOOD.replacen("velo:R:3", "mass:R:1:momenta:R:3", 1);
    let text = text.replacen("1 2 3\n", "28.0 1 2 3\n", 1).replacen("-1 0 0.5", "40 -1 0 0.5", 1);
    let pairs = r#"virial=[[1, 2], [3, 4]] a="b\"c" "d e"={1 2} f="_JSON {\"g\": [\"h\"]}" i= "#;
    let text = text.replacen("relaxed", pairs, 1);
    let frame = Frame::parse("a.extxyz", text.as_bytes()).unwrap();
    assert_eq!(frame.masses, Some(vec![28.0, 40.0]), "masses");
    assert_eq!(frame.info["virial"], Value::Array("[[1, 2], [3, 4]]".into()), "virial");
    assert_eq!(frame.info["f"], Value::Text(r#"_JSON {"g": ["h"]}"#.into()), "JSON");
    let again = frame.to_text("b.extxyz").unwrap();
    assert_eq!(Frame::parse("b.extxyz", again.as_bytes()).unwrap(), frame, "{again}");
    let system = frame.into_system("a.extxyz", None).unwrap();
    assert_eq!(system.masses, [28.0, 40.0], "of the system");
    let again = Frame::of(&system).to_text("b.extxyz").unwrap();
    let again = Frame::parse("b.extxyz", again.as_bytes()).unwrap();
    assert_eq!(again.into_system("b", None).unwrap(), system, "a system");
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
        (with("pos:R:3", "pos:R:3:pos:R:3"), "found Properties with pos twice"),
        (with("pos:R:3", "x:R:3"), "expected species:S:1 or Z:I:1, and pos:R:3"),
        (with("species:S:1", "name:S:1"), "expected species:S:1 or Z:I:1, and pos:R:3"),
        (with("id:I:1", "id:I:99999999999999999999"), "found Properties with \"id:I:9999"),
        (with("id:I:1", "id:I:18446744073709551615"), "found Properties with \"pos:R:3\""),
        (with("id:I:1", "id:I:0"), "found Properties with \"id:I:0\""),
        (with("id:I:1", "id:X:1"), "found Properties with \"id:X:1\""),
        (with("id:I:1:", "id:"), "found Properties with \"id:pos:R\""),
        (with("id:I:1", "mass:R:2"), "found Properties with \"mass:R:2\", expected masses:R:1"),
        (with("energy=-1.5", "pbc=F"), "found pbc twice"),
        (with("energy=-1.5", "lattice=\"1\""), "found Lattice twice"),
        (with("5.0 0 0 1.0 6.0 0 0 0 7", "5 0 0 1 6 0 0 0"), "found Lattice with 8 numbers"),
        (with("id:I:1", "momenta:R:3"), "found Properties with momenta and velo, expected one of"),
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
    assert!(err.contains("a.extxyz: found pbc [true, false, true]"), "{err}");
    let text = GOOD.replacen("Ar", "Xx", 1);
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let err = frame.into_system("a.extxyz", None).unwrap_err().to_string();
    assert!(err.contains("found the species Xx, expected a chemical element, or"), "{err}");
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
    let frame = Frame::parse("a", GOOD.replacen(" Si ", " SI ", 1).as_bytes()).unwrap();
    assert_eq!(frame.species[0], "Si", "in capitals, as some write");
}

#[test]
fn masses_are_in_amu_and_two_columns_of_them_agree() {
    let masses = |second| with_columns("mass:R:1:masses:R:1", ["28.0 28", second]);
    assert_eq!(masses("2D0 2").unwrap().masses, Some(vec![28.0, 2.0]), "the same");
    for (mass, words) in [
        ("-1", "line 3: found the mass -1 of Si, expected atomic mass units near 28.085 (QUIP"),
        ("2910.8", "found the mass 2910.8 of Si"),
        ("nan", "found \"nan\", expected a finite number for mass"),
    ] {
        let err = with_columns("mass:R:1", [mass, "2"]).unwrap_err().to_string();
        assert!(err.contains(words), "{err}");
    }
    let err = masses("2 2.1").unwrap_err().to_string();
    assert!(err.contains("line 4: found the masses 2 and 2.1"), "{err}");
}

#[test]
fn what_nobody_needs_does_not_stop_a_file() {
    assert!(with_columns("charge:R:1", ["NaN", "nan"]).is_ok(), "NaN in charges");
    assert!(with_columns("id:I:1:flag:L:1", ["1.5 maybe", "x y"]).is_ok(), "of another type");
    let many = vec!["0.5"; 100].join(" ");
    assert!(with_columns("descriptor:R:100", [&many, &many]).is_ok(), "100 columns");
    for pairs in ["virial=[[1, 2], [x, NaN]]", "energy=1 energy=2", "stress={}", "a= b=c"] {
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
    let open = GOOD.replacen("pbc=\"T T T\"", "pbc=F", 1);
    assert_eq!(Frame::parse("a", open.as_bytes()).unwrap().pbc, [false; 3], "one for all");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    let err = Frame::parse("a", pointer).unwrap_err().to_string();
    assert!(err.contains("found a Git LFS pointer, expected the file itself"), "{err}");
}

/// Two argon atoms that run towards each other at this speed.
fn moving(columns: &str, speed: f64, pairs: &str) -> String {
    format!(
        "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:{columns} {pairs}\n\
         Ar 0 0 0 {speed} 0 0\nAr 4 0 0 -{speed} 0 0\n"
    )
}

fn kelvin(text: &str, unit: Option<VelocityUnit>) -> Result<f64, String> {
    let frame = Frame::parse("a", text.as_bytes()).map_err(|e| e.to_string())?;
    let system = frame.into_system("a", unit).map_err(|e| e.to_string())?;
    Ok(system.temperature())
}

#[test]
fn velocities_are_read_in_the_unit_that_their_temperature_shows() {
    // m v^2 summed over both atoms is 3 k T: 2 * 39.948 * 4 * MVV2E / (3 k).
    let want = 8.0 * 39.948 * crate::md::MVV2E / (3.0 * crate::md::BOLTZMANN);
    let near = |got: Result<f64, String>, what: &str| {
        let got = got.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!((got / want - 1.0).abs() < 1e-12, "{what}: {got} K, expected {want} K");
    };
    let header = format!("Temperature={want}");
    for column in ["vel:R:3", "velo:R:3", "Velo:R:3", "velocities:R:3", "velocity:R:3", "v:R:3"] {
        near(kelvin(&moving(column, 2.0, &header), None), column);
        near(kelvin(&moving(column, 0.002, &header), None), column);
        near(kelvin(&moving(column, 0.002, "velocity_unit=A/fs"), None), column);
        near(kelvin(&moving(column, 2.0, ""), Some(VelocityUnit::PerPicosecond)), column);
        near(kelvin(&moving(column, 0.002, ""), Some(VelocityUnit::PerFemtosecond)), column);
        let err = kelvin(&moving(column, 0.002, ""), None).unwrap_err();
        assert!(err.contains("without a unit") && err.contains("state A/ps or A/fs"), "{err}");
    }
    near(kelvin(&moving("vx:R:1:vy:R:1:vz:R:1", 2.0, &header), None), "apart");
    // 3N degrees of freedom in place of 3N - 3, and a lower-case key.
    near(kelvin(&moving("vel:R:3", 2.0, &format!("temperature={}", want / 2.0)), None), "3N");
    let err = kelvin(&moving("vel:R:3", 2.0, &format!("Temperature={}", want * 1.1)), None);
    assert!(err.unwrap_err().contains("line 2 says"), "10 % off");
    assert_eq!(kelvin(&moving("vel:R:3", 0.0, ""), None), Ok(0.0), "at rest in any unit");
}

#[test]
fn a_stated_unit_that_the_file_contradicts_is_an_error() {
    let ps = Some(VelocityUnit::PerPicosecond);
    let want = 8.0 * 39.948 * crate::md::MVV2E / (3.0 * crate::md::BOLTZMANN);
    let err = kelvin(&moving("vel:R:3", 0.002, &format!("Temperature={want}")), ps).unwrap_err();
    assert!(err.contains("expected A/ps and the Temperature of"), "{err}");
    let err = kelvin(&moving("vel:R:3", 0.002, "velocity_unit=A/fs"), ps).unwrap_err();
    assert!(err.contains("velocity_unit in the file and the stated unit A/ps differ"), "{err}");
    let err = kelvin(&moving("vel:R:3", 0.002, "velocity_unit=nm/ps"), None).unwrap_err();
    assert!(err.contains("found velocity_unit=\"nm/ps\", expected A/ps or A/fs"), "{err}");
    assert!("m/s".parse::<VelocityUnit>().is_err(), "no unit of these");
    assert_eq!("A/fs".parse(), Ok(VelocityUnit::PerFemtosecond), "as it is written");
}

/// The momentum of an atom of 39.948 amu at 1 ASE unit of velocity, 98.227 angstrom/ps.
#[test]
fn momenta_of_ase_are_in_its_own_unit_of_time() {
    let text = moving("momenta:R:3", 39.948, "");
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let system = frame.into_system("a", None).unwrap();
    let speed = system.velocities[0][0];
    assert!((speed / 98.226_947_88 - 1.0).abs() < 1e-7, "{speed}");
    // Its kinetic energy is m/2 in eV.
    assert!((system.kinetic_energy() / 39.948 - 1.0).abs() < 1e-12, "{}", system.kinetic_energy());
}

#[test]
fn motion_that_is_not_understood_is_named() {
    for columns in ["momentum:R:3", "vel:S:3", "velocity_x:R:3", "vx:R:1:vy:R:1:w:R:1", "vel:L:3"] {
        let err = kelvin(&moving(columns, 1.0, ""), None).unwrap_err();
        assert!(err.contains("found the column v") || err.contains("found the column m"), "{err}");
        assert!(err.contains("expected velocities as velo:R:3 or vel:R:3"), "{err}");
    }
    // Beside velocities that are, a speed is not needed.
    let both = moving("vel_magnitude:R:1:vel:R:3", 1.0, "velocity_unit=A/ps");
    assert!(
        kelvin(&both.replace("Ar 0 0 0", "Ar 0 0 0 1").replace("Ar 4 0 0", "Ar 4 0 0 1"), None)
            .is_ok()
    );
    assert!(kelvin(&moving("v:R:1:w:R:2", 1.0, ""), None).is_ok(), "v alone may be a volume");
}

proptest! {
    /// Whatever is read is whole and finite; whatever is not, is an error and not a panic.
    #[test]
    fn damaged_files_are_errors_or_other_frames(
        cut in 0..=GOOD.len(),
        edits in prop::collection::vec((0..GOOD.len(), any::<u8>()), 0..4),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        if let Ok(frame) = Frame::parse("a", &bytes) {
            let n = frame.species.len();
            let placed = frame.positions.len();
            prop_assert!(n > 0 && placed == n, "{placed} of {n} atoms");
            prop_assert!(frame.positions.iter().flatten().all(|x| x.is_finite()), "not finite");
            let moving = frame.motion.as_ref();
            prop_assert!(moving.is_none_or(|motion| motion.values.len() == n), "velocities");
            let again = frame.to_text("b").map(|text| Frame::parse("b", text.as_bytes()).unwrap());
            prop_assert!(again.is_ok_and(|again| again == frame) || !frame.unread.is_empty());
            let _ = frame.into_system("a", None);
        }
    }

    #[test]
    fn foreign_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Frame::parse("a", &bytes).is_err(), "random bytes are no frame");
    }
}
