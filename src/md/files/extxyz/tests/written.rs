//! What is written reads back.

use super::*;

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
    let other = "b.extxyz: found a frame that would read back as another one, expected one whose \
                 columns keep their meaning in a file";
    type Change = fn(&mut Frame);
    let cases: [(Change, &str); 9] = [
        (
            |frame| frame.species[0] = "no symbol".to_owned(),
            "b.extxyz: found the species \"no symbol\", expected one to three letters",
        ),
        (
            |frame| _ = frame.species.pop(),
            "b.extxyz: found 1 species for 2 positions, expected one for each atom",
        ),
        (
            |frame| frame.masses = Some(vec![1.0; 3]),
            "b.extxyz: found 3 masses for 2 positions, expected one for each atom",
        ),
        (
            |frame| frame.motion.as_mut().unwrap().values.clear(),
            "b.extxyz: found 0 velocities for 2 positions, expected one for each atom",
        ),
        (
            |frame| frame.forces = Some(Vec::new()),
            "b.extxyz: found 0 forces for 2 positions, expected one for each atom",
        ),
        (
            |frame| frame.unread = vec![unread("m:R:1", About::Mass, &["1"])],
            "b.extxyz: found 1 m:R:1 for 2 positions, expected one for each atom",
        ),
        (
            |frame| frame.positions[1][2] = f64::NAN,
            "b.extxyz, line 4: found \"NaN\", expected a finite number for pos",
        ),
        (|frame| frame.motion.as_mut().unwrap().column = "charge".to_owned(), other),
        (|frame| frame.unread = vec![unread("m:R:1", About::Motion, &["1", "2"])], other),
    ];
    for (change, want) in cases {
        let mut frame = good.clone();
        change(&mut frame);
        assert_eq!(frame.to_text("b.extxyz").unwrap_err().to_string(), want);
    }
    let mut frame = good;
    frame.motion.as_mut().unwrap().values.clear();
    assert!(frame.into_system("b", None).is_err(), "nor is it a system");
}

fn unread(declared: &str, about: About, fields: &[&str]) -> Unread {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    Unread { declared: declared.to_owned(), about, fields }
}

#[test]
fn columns_that_were_not_understood_are_written_again() {
    for (column, fields, about) in [
        ("momentum:R:3", "1 2 3", About::Motion),
        ("vel:S:2", "a b", About::Motion),
        ("m:R:1", "28.0", About::Mass),
        ("forces:R:3", "1 NaN 0.50", About::Forces),
        ("my vel:S:1", "x", About::Motion),
        ("px:R:1", "1", About::Other),
        ("tags:I:1", "007", About::Other),
        ("note:S:1", "\u{e9}", About::Other),
    ] {
        let text = GOOD.replacen("id:I:1:pos:R:3:species:S:1:velo:R:3", "COLUMNS", 1);
        let columns = format!("\"{column}:pos:R:3:species:S:1:charge:R:3\"");
        let text = text.replacen("COLUMNS", &columns, 1);
        let text = text.replacen("\n1 0.5", &format!("\n{fields} 0.5"), 1);
        let text = text.replacen("\n2 4.0", &format!("\n{fields} 4.0"), 1);
        let frame = Frame::parse("a", text.as_bytes()).unwrap();
        let want = unread(column, about, &[fields, fields]);
        let charge = unread("charge:R:3", About::Other, &["1 2 3", "-1 0 0.5"]);
        assert_eq!(frame.unread.len(), 2, "{column}");
        assert!(frame.unread.contains(&want) && frame.unread.contains(&charge), "{column}");
        let again = frame.to_text("b").unwrap();
        assert_eq!(Frame::parse("b", again.as_bytes()).unwrap(), frame, "{again}");
    }
    // Two columns of forces: the first that is whole is read, and the other one kept.
    for (first, forces, kept) in [
        ("x 2 3", [[1.0, 2.0, 3.0], [1.0; 3]], ["x 2 3", "-1 0 0.5"]),
        ("4 5 6", [[4.0, 5.0, 6.0], [-1.0, 0.0, 0.5]], ["1 2 3", "1 1 1"]),
    ] {
        let text = GOOD.replacen("velo:R:3", "forces:R:3:force:R:3", 1);
        let text = text.replacen("1 2 3\n", &format!("{first} 1 2 3\n"), 1);
        let text = text.replacen("-1 0 0.5", "-1 0 0.5 1 1 1", 1);
        let frame = Frame::parse("a", text.as_bytes()).unwrap();
        assert_eq!(frame.forces, Some(forces.to_vec()), "{first}");
        let other = frame.unread.iter().find(|column| column.about == About::Forces).unwrap();
        assert_eq!(other.fields, kept, "{first}");
        let again = frame.to_text("b").unwrap();
        assert_eq!(Frame::parse("b", again.as_bytes()).unwrap(), frame, "{again}");
    }
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
