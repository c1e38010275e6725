use super::*;
use proptest::prelude::*;

fn all(line: &str) -> Vec<(String, String)> {
    let pairs = pairs(line).unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
    pairs.into_iter().map(|(key, value)| (key, value.text().to_owned())).collect()
}

#[test]
fn what_ase_and_the_specification_write_is_read() {
    for (line, want) in [
        (r#"a=1 b="two words" c"#, &[("a", "1"), ("b", "two words"), ("c", "T")][..]),
        ("energy= -1 e = 2 f =3", &[("energy", "-1"), ("e", "2"), ("f", "3")]),
        ("dipole=[1, 2, 3] x=1", &[("dipole", "[1, 2, 3]"), ("x", "1")]),
        (
            "v=[[1, 2], [3, 4]] w={1 2 3} u={T F}",
            &[("v", "[[1, 2], [3, 4]]"), ("w", "{1 2 3}"), ("u", "{T F}")],
        ),
        (r#"s=["a, b", "c]"] t=[a, "b"]"#, &[("s", r#"["a, b", "c]"]"#), ("t", r#"[a, "b"]"#)]),
        (r#"q="esc\"aped" n="one\ntwo""#, &[("q", "esc\"aped"), ("n", "one\ntwo")]),
        (r#""with space"=3 "a\"b" = 4"#, &[("with space", "3"), ("a\"b", "4")]),
        (
            r#"d="_JSON {\"a\": [1]}" e={_JSON {"b" : 1}}"#,
            &[("d", r#"_JSON {"a": [1]}"#), ("e", r#"{_JSON {"b" : 1}}"#)],
        ),
        // An empty text as ASE writes it, and other characters that it leaves bare.
        (
            r#"empty= "k 1"=3 x= y=4 z="#,
            &[("empty", ""), ("k 1", "3"), ("x", ""), ("y", "4"), ("z", "")],
        ),
        (
            r"s=a=b c=a,b back=a\b path=a/b@c",
            &[("s", "a=b"), ("c", "a,b"), ("back", r"a\b"), ("path", "a/b@c")],
        ),
        (
            "p='F F F' \t 2body=33.3 hyphen-ated=x",
            &[("p", "F F F"), ("2body", "33.3"), ("hyphen-ated", "x")],
        ),
        ("a=1 a=2", &[("a", "1"), ("a", "2")]),
        // Braces as quotes.
        (
            "a={hello [world} b={x]} c={1 2}",
            &[("a", "{hello [world}"), ("b", "{x]}"), ("c", "{1 2}")],
        ),
        ("  ", &[]),
    ] {
        let got = all(line);
        let got: Vec<_> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, want, "{line}");
    }
}

#[test]
fn a_backslash_of_ase_is_kept_and_ends_no_pair_but_its_own() {
    for (line, want) in [
        (r#"bs=\ pbc="F F F""#, &[("bs", r"\"), ("pbc", "F F F")][..]),
        (r#"p=C:\dir\ pbc="T T T""#, &[("p", r"C:\dir\"), ("pbc", "T T T")]),
        (r#"p="C:\my dir\" pbc="T T T""#, &[("p", r"C:\my dir\"), ("pbc", "T T T")]),
        (r#"a="x y\" b="u v\" c=1"#, &[("a", r"x y\"), ("b", r"u v\"), ("c", "1")]),
        (r#"a="x \" b="" c="d e""#, &[("a", r"x \"), ("b", ""), ("c", "d e")]),
        (r#"q="a\\"b c" p="1 2""#, &[("q", r#"a\"b c"#), ("p", "1 2")]),
        (r#"t="a \"b c\" C:\" x="1 2""#, &[("t", r#"a "b c" C:\"#), ("x", "1 2")]),
        (r#"p="C:\my dir" u=\\host\d"#, &[("p", r"C:\my dir"), ("u", r"\\host\d")]),
        (r#""my k\"=3 k\=4"#, &[(r"my k\", "3"), (r"k\", "4")]),
        (r"bs=\", &[("bs", r"\")]),
        // JSON of a path, and of a text with a quote.
        (
            r#"d="_JSON {\"a\": \"C:\\x y\\\"}" p=1"#,
            &[("d", r#"_JSON {"a": "C:\\x y\\"}"#), ("p", "1")],
        ),
        (
            r#"d="_JSON {\"a\": \"5\\" disk\"}" p="1 2""#,
            &[("d", r#"_JSON {"a": "5\" disk"}"#), ("p", "1 2")],
        ),
        // Escapes of the specification.
        (r"a=one\ two b=x\=y\,z c\", &[("a", "one two"), ("b", "x=y,z"), (r"c\", "T")]),
        (r#"a="\\ \"" b='\'' c="\\""#, &[("a", r#"\ ""#), ("b", "'"), ("c", r"\")]),
    ] {
        let got = all(line);
        let borrowed: Vec<_> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(borrowed, want, "{line}");
        let written = |(k, v): &(String, Value)| format!("{}={}", written_name(k), v.written());
        let again: Vec<_> = pairs(line).unwrap().iter().map(written).collect();
        assert_eq!(all(&again.join(" ")), got, "written again");
    }
}

#[test]
fn what_is_not_closed_is_named() {
    for (line, words) in [
        (r#"a=1 note="two words"#, ["\"two words", "closing quote for note"]),
        (r#"note="two pbc="T T T""#, ["\"T T T", "is a quote missing"]),
        (r#"note=two words" x=1"#, ["words", "is a quote missing"]),
        (r#"s=abc"def"#, ["abc", "no quote within the value of s"]),
        ("a={1, 2]", ["{1, 2]", "brackets for a"]),
        (r#"a={"b} c=1"#, ["b} c=1", "closing quote for a"]),
        ("a={b [c}d", ["{b [c}d", "brackets for a"]),
        ("a={1}2", ["\"2\" right behind", "a blank"]),
        ("a=[[1, 2], [3, 4]", ["[[1, 2]", "brackets for a"]),
        (r#"a=["b]"#, ["b]", "closing quote for a"]),
        (r#""key=3"#, ["key=3", "closing quote for a key"]),
        ("= 3", ["= 3", "key=value"]),
        (r#"a="\"#, ["a closing quote", "for a"]),
    ] {
        let fault = pairs(line).expect_err(line).join("; expected ");
        assert!(words.iter().all(|word| fault.contains(word)), "{line}: {fault}");
    }
}

#[test]
fn numbers_are_read_with_the_exponents_of_fortran() {
    let numbers = |text: &str| Value::Array(text.to_owned()).numbers();
    assert_eq!(numbers("[1, -2.5D0, 3d-1]"), Some(vec![1.0, -2.5, 0.3]), "D and d");
    assert_eq!(numbers("{1 .5 5.}"), Some(vec![1.0, 0.5, 5.0]), "blanks");
    for bad in ["[1, x]", "[NaN]", "[1d5e3]", "[inf]", "[d]"] {
        assert_eq!(numbers(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        all in prop::collection::vec((".{0,6}", "[ -~\n]{0,8}"), 0..5),
        damage in ".{0,20}",
    ) {
        let all: Vec<_> = all.into_iter().map(|(k, v)| (k, Value::Text(v))).collect();
        let written = |(k, v): &(String, Value)| format!("{}={}", written_name(k), v.written());
        let line = all.iter().map(written).collect::<Vec<_>>().join(" ");
        prop_assert!(!line.contains('\n'), "{}", line);
        prop_assert_eq!(pairs(&line), Ok(all));
        let _ = pairs(&(line + &damage));
        let _ = pairs(&damage);
    }

    #[test]
    fn json_is_written_as_ase_does_and_read_again(
        all in prop::collection::vec("[a-c \\\\\"'{}=]{0,8}", 0..4),
    ) {
        let json = format!("_JSON {}", serde_json::to_string(&all).unwrap());
        let value = Value::Text(json.clone());
        let quotes = json.matches('"').count();
        let slashes = |text: &str| text.matches('\\').count();
        prop_assert_eq!(slashes(&value.written()), slashes(&json) + quotes);
        let line = format!("a={} pbc=\"T T T\"", value.written());
        let pbc = ("pbc".to_owned(), Value::Text("T T T".to_owned()));
        prop_assert_eq!(pairs(&line), Ok(vec![("a".to_owned(), value), pbc]));
    }

    /// Of quotes, brackets and blanks: each is a list of pairs or a fault.
    #[test]
    fn no_line_makes_it_panic(line in r#"[a1 ="'\\\[\]{},n]{0,40}"#) {
        if let Ok(all) = pairs(&line) {
            let written = |(k, v): &(String, Value)| format!("{}={}", written_name(k), v.written());
            let again = all.iter().map(written).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(pairs(&again), Ok(all));
        }
    }
}
