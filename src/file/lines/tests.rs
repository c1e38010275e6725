use std::fs;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// A finished point of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    run: String,
    nth: u32,
    values: Vec<f64>,
}

fn point(nth: u32) -> Point {
    Point { run: "r\u{e9}sum\u{e9}".to_owned(), nth, values: vec![-0.5, -1e-300, 12.0] }
}

/// Requires points of one run that are not of a hundred or more.
fn check(point: &Point, before: &[Point]) -> Result<(), String> {
    match before.first() {
        _ if point.nth >= 100 => Err(format!("point {} cannot be", point.nth)),
        Some(first) if first.run != point.run => Err(format!("{} is another run", point.run)),
        _ => Ok(()),
    }
}

fn bytes(points: &[Point]) -> Vec<u8> {
    points.iter().flat_map(|point| text(point).unwrap().into_bytes()).collect()
}

fn refused(bytes: &[u8]) -> String {
    read(Path::new("f.jsonl"), bytes, check).unwrap_err().to_string()
}

#[test]
fn a_killed_run_loses_only_the_line_that_was_not_finished() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.jsonl");
    let (mut file, held) = LineFile::open::<Point>(&path, check).unwrap();
    assert_eq!(held, Lines { values: Vec::new(), torn_len_bytes: 0 }, "a new file");
    file.append(&point(0), &[]).unwrap();
    drop(file);

    let whole = fs::read(&path).unwrap();
    for cut in 1..whole.len() {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        let (mut file, held) = LineFile::open(&path, check).unwrap();
        assert_eq!((&*held.values, held.torn_len_bytes), (&[point(0)][..], cut), "cut at {cut}");
        file.append(&point(1), &held.values).unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), bytes(&[point(0), point(1)]), "cut at {cut}");
    }
}

#[test]
fn zeros_behind_the_lines_are_not_there() {
    let zeros = [&bytes(&[point(0), point(1)])[..], &[0; 5]].concat();
    let found = read(Path::new("f.jsonl"), &zeros, check).unwrap();
    assert_eq!(found, Lines { values: vec![point(0), point(1)], torn_len_bytes: 0 });
}

#[test]
fn only_one_process_appends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.jsonl");
    let (file, _) = LineFile::open::<Point>(&path, check).unwrap();
    let err = LineFile::open::<Point>(&path, check).unwrap_err().to_string();
    assert!(err.contains("points.jsonl: another run writes to it"), "{err}");
    let from = [path.clone()];
    let err = merge(&dir.path().join("all"), &from, |point| point.nth, check).unwrap_err();
    assert!(matches!(err, Error::Busy { .. }), "{err}");
    // A process has it so where another thread is just starting.
    let _inherited = file.file.file.0.try_clone().unwrap();
    drop(file);
    LineFile::open::<Point>(&path, check).unwrap();
}

#[test]
fn a_file_that_is_held_has_no_run_and_others_may_hold_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.jsonl");
    assert!(hold(&path).unwrap().is_none() && !path.exists(), "no file");
    assert!(hold(dir.path()).unwrap().is_none(), "a folder");
    let file = Growing::open(&path).unwrap();
    let err = hold(&path).unwrap_err().to_string();
    assert!(err.contains("points.jsonl: another run writes to it"), "{err}");
    drop(file);
    let both = [(); 2].map(|()| hold(&path).unwrap().unwrap());
    let err = Growing::open(&path).unwrap_err();
    assert!(matches!(err, Error::Busy { .. }), "{err}");
    drop(both);
    Growing::open(&path).unwrap();
}

#[test]
fn a_line_that_is_invalid_or_foreign_is_refused_with_its_number() {
    let first = bytes(&[point(0)]);
    for (second, why) in [
        ("\n", "EOF while parsing a value at column 0"),
        ("{}\n", "missing field `run`"),
        ("{\"run\":\"a\",\"nth\":1,\"values\":[],\"more\":1}\n", "unknown field `more`"),
        ("{\"run\":\"a\",\"nth\":1,\"values\":[]}{}\n", "trailing characters"),
        ("{\"run\":\"a\",\"nth\":1,\"values\":[]}\n", "a is another run"),
        ("{\"run\":\"a\",\"nth\":100,\"values\":[]}\n", "point 100 cannot be"),
        // Without its end, too, a line of something else is none that a killed run left.
        ("hello", "expected value"),
        ("{\"schema\":1}", "unknown field `schema`"),
        ("{\"run\":\"a\",\"nth\":1,\"values\":[]}-", "trailing characters"),
    ] {
        let err = refused(&[&first, second.as_bytes()].concat());
        assert!(err.starts_with("f.jsonl, line 2: ") && err.contains(why), "{why}: {err}");
    }
    let latin = [&first[..], b"{\"run\":\"\xe9\"}\n"].concat();
    assert!(refused(&latin).contains("line 2: invalid unicode"), "{}", refused(&latin));
}

#[test]
fn a_file_of_something_else_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes");
    for content in ["hello", "hello\n", "{\"a\":1}", "{\n", "\u{7f}ELF"] {
        fs::write(&path, content).unwrap();
        LineFile::open::<Point>(&path, check).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "untouched");
    }
}

#[test]
fn no_line_is_written_that_would_be_refused_when_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.jsonl");
    let (mut file, _) = LineFile::open::<Point>(&path, check).unwrap();
    let held = [point(0)];
    file.append(&held[0], &[]).unwrap();
    for (bad, why) in [
        (Point { values: vec![f64::NAN], ..point(1) }, "line 2: invalid type: null"),
        (Point { run: "b".to_owned(), ..point(1) }, "line 2: b is another run"),
        (point(100), "line 2: point 100 cannot be"),
    ] {
        let err = file.append(&bad, &held).unwrap_err().to_string();
        assert!(err.contains(why), "{err}");
    }
    file.append(&point(2), &held).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&[point(0), point(2)]), "the good ones");
}

#[test]
fn merged_lines_are_in_the_order_of_their_keys_whatever_that_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, none] = ["a", "b", "none"].map(|name| dir.path().join(name));
    let torn = &bytes(&[point(7)])[..9];
    fs::write(&a, [&bytes(&[point(5), point(1)]), torn].concat()).unwrap();
    fs::write(&b, bytes(&[point(3), point(0), point(9)])).unwrap();
    fs::write(&none, "").unwrap();
    let all = [0, 1, 3, 5, 9].map(point);
    let orders = [[&a, &b, &none], [&b, &none, &a]];
    for (nth, from) in orders.into_iter().enumerate() {
        let (into, from) = (dir.path().join(format!("all{nth}")), from.map(Clone::clone));
        let merged = merge(&into, &from, |point| point.nth, check).unwrap();
        assert_eq!(merged, Lines { values: all.to_vec(), torn_len_bytes: 9 }, "merged");
        assert_eq!(fs::read(&into).unwrap(), bytes(&all), "the new file");
        let err = merge(&into, &from, |point| point.nth, check).unwrap_err();
        let exists = |why: &io::Error| why.kind() == io::ErrorKind::AlreadyExists;
        let refused = matches!(&err, Error::Io { path, source } if *path == into && exists(source));
        assert!(refused, "{err:?}");
        assert_eq!(fs::read(&into).unwrap(), bytes(&all), "a file that is there stays");
    }
    assert!(fs::read(&a).unwrap().ends_with(torn), "the files stay as they are");
}

#[test]
fn lines_that_do_not_belong_together_are_not_merged() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, into] = ["a", "b", "all"].map(|name| dir.path().join(name));
    fs::write(&a, bytes(&[point(0), point(1)])).unwrap();
    let from = [a.clone(), b.clone()];
    let refused = |second: &[u8], why: &str| {
        fs::write(&b, second).unwrap();
        let err = merge(&into, &from, |point| point.nth, check).unwrap_err().to_string();
        assert!(err.contains(why), "{why}: {err}");
        assert!(!into.exists(), "{why}: no new file");
    };
    let places = format!("b, line 2: the same as {}, line 2, is of", a.display());
    refused(&bytes(&[point(2), point(1)]), &places);
    let other = Point { run: "b".to_owned(), ..point(3) };
    refused(&bytes(&[point(2), other]), "b, line 2: b is another run");
    refused(b"{}\n", "b, line 1: missing field");
    fs::remove_file(&b).unwrap();
    let err = merge(&into, &from, |point: &Point| point.nth, check).unwrap_err();
    assert!(matches!(&err, Error::Io { path, .. } if *path == b), "{err}");
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let point = (any::<u32>(), prop::collection::vec(-1e300..1e300_f64, 0..3))
        .prop_map(|(nth, values)| Point { values, ..point(nth % 100) });
    prop::collection::vec(point, 0..5)
}

proptest! {
    #[test]
    fn any_truncation_of_a_good_file_has_the_whole_lines_before_it(points in points()) {
        let good = bytes(&points);
        for cut in 0..=good.len() {
            let whole = good[..cut].iter().filter(|byte| **byte == b'\n').count();
            let held = read::<Point>(Path::new("f"), &good[..cut], check).unwrap();
            prop_assert_eq!(&held.values, &points[..whole], "cut at {}", cut);
            prop_assert_eq!(held.torn_len_bytes, cut - bytes(&points[..whole]).len());
        }
    }

    #[test]
    fn no_changed_byte_is_a_panic(points in points(), at in any::<prop::sample::Index>(), to: u8) {
        let mut bad = bytes(&points);
        prop_assume!(!bad.is_empty());
        let at = at.index(bad.len());
        bad[at] = to;
        // The lines before it are read, or one from its own on is named.
        let line = bad[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        match read::<Point>(Path::new("f"), &bad, check) {
            Ok(held) => prop_assert_eq!(&held.values[..line - 1], &points[..line - 1]),
            Err(Error::Invalid { line: named, .. }) => prop_assert!(named >= line),
            // Of another run than the first: all others, if it was the first that changed.
            Err(Error::Foreign { line: named, .. }) => prop_assert!(named >= line),
            Err(err) => prop_assert!(false, "{}", err),
        }
    }
}
