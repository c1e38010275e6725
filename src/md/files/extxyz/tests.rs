use super::*;
use proptest::prelude::*;

const GOOD: &str = "2
Lattice=\"5.0 0 0 1.0 6.0 0 0 0 7\" Properties=id:I:1:pos:R:3:species:S:1:velo:R:3 \
energy=-1.5 note=\"two words\" relaxed pbc=\"T T T\"
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
    assert_eq!(frame.velocities, Some(vec![[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]]), "velocities");
    assert_eq!((frame.forces.as_ref(), frame.pbc), (None, [true; 3]), "forces and pbc");
    let info: Vec<_> = frame.info.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(info, ["energy=-1.5", "note=two words", "relaxed=T"], "info");
    let system = frame.into_system("a.extxyz").unwrap();
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
    for (key, value) in [("pbc", "T"), ("a b", "x"), ("", "x"), ("k", "a\"b"), ("k", "a\nb")] {
        let mut frame = good.clone();
        frame.info.insert(key.into(), value.into());
        assert!(frame.to_text("b").is_err(), "{key:?}={value:?}");
    }
    let mut frame = good;
    frame.species[0] = "no symbol".into();
    let err = frame.to_text("b.extxyz").unwrap_err().to_string();
    assert!(err.contains("b.extxyz: found the species \"no symbol\""), "{err}");
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
        (with("1 0.5", "1.5 0.5"), "line 3: found \"1.5\", expected an integer for id"),
        (with("id:I", "id:L"), "line 4: found \"2\", expected T or F for id"),
        (with("Lattice", "Lettuce"), "line 2: found no Lattice"),
        (with("5.0 0 0", "5.0 0"), "line 2: found Lattice with 8 numbers"),
        (with("5.0 0 0", "NaN 0 0"), "found \"NaN\", expected a finite number for Lattice"),
        (with("5.0 0 0", "0 0 0"), "line 2: Lattice: the lattice vectors"),
        (with("words\"", "words"), "expected"),
        (with("pbc=\"T T T\"", "pbc=\"T T\""), "found pbc=\"T T\", expected three of T and F"),
        (with("pos:R:3", "pos:R:2"), "found Properties="),
        (with("pos:R:3", "pos:R:3:pos:R:3"), "found Properties="),
        (with("id:I:1", "id:I:99999999999999999999"), "found Properties="),
        (with("id:I:1", "id:X:1"), "found Properties="),
        (with("id:I:1:", "id:"), "found Properties="),
        (with("energy=-1.5", "energy=1 energy=2"), "found \"energy\" twice"),
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
    let err = frame.into_system("a.extxyz").unwrap_err().to_string();
    assert!(err.contains("a.extxyz: found pbc [true, false, true]"), "{err}");
    let text = GOOD.replacen("Ar", "Xx", 1);
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let err = frame.into_system("a.extxyz").unwrap_err().to_string();
    assert!(err.contains("found the species Xx, expected one of H, O"), "{err}");
}

#[test]
fn a_frame_with_momenta_alone_is_no_system() {
    let text = GOOD.replacen("velo:R:3", "momenta:R:3", 1);
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    assert!(frame.momenta && frame.velocities.is_none(), "no velocities");
    let err = frame.into_system("a.extxyz").unwrap_err().to_string();
    assert!(err.contains("a.extxyz: found the columns momenta without velo, expected"), "{err}");
    let both = GOOD.replacen("velo:R:3", "velo:R:3:momenta:R:1", 1);
    let both = both.replacen("1 2 3\n", "1 2 3 7\n", 1).replacen("0 0.5\n", "0 0.5 7\n", 1);
    let frame = Frame::parse("a", both.as_bytes()).unwrap();
    assert_eq!(frame.into_system("a").unwrap().velocities[0], [1.0, 2.0, 3.0], "velo counts");
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
            prop_assert!(frame.velocities.is_none_or(|v| v.len() == n), "velocities");
        }
    }

    #[test]
    fn foreign_bytes_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Frame::parse("a", &bytes).is_err(), "random bytes are no frame");
    }
}
