//! Line 2: pairs of a key and a value.
//!
//! ```text
//! line   = { key [ = value ] }         blanks around = are allowed
//! key    = word | quoted
//! value  = word | quoted | array       none at all before another pair: the empty text
//! quoted = "..." or '...'              \" is ", \\ is \, \n is a new line, \x is x
//! array  = [..] or {..}                as deep as it goes, kept as it stands
//! ```
//!
//! A key alone is true. A bare word may hold `=` and commas, as ASE writes it.

/// The value of a pair of line 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a number or numbers with blanks between them, without quotes and escapes.
    Text(String),
    /// An array in brackets or braces, with these.
    Array(String),
}

impl Value {
    /// Its characters: of an array with the brackets.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Array(text) => text,
        }
    }

    /// Its numbers, if it holds nothing else.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        self.words().map(number).collect()
    }

    /// Whether arrays stand in the array.
    pub(super) fn is_nested(&self) -> bool {
        matches!(self, Self::Array(text) if text[1..].contains(['[', '{']))
    }

    /// What blanks, commas and brackets part.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let is_gap = |c: char| c.is_ascii_whitespace() || ",[]{}".contains(c);
        self.text().split(is_gap).filter(|word| !word.is_empty())
    }

    /// As line 2 holds it.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => quoted_text(text),
            Self::Array(text) => text.clone(),
        }
    }
}

/// A finite number; Fortran writes D for the exponent of some.
pub(super) fn number(word: &str) -> Option<f64> {
    let parsed = word.parse::<f64>();
    let parsed = parsed.or_else(|_| word.replacen(['d', 'D'], "e", 1).parse());
    parsed.ok().filter(|x| x.is_finite())
}

/// A key as line 2 holds it.
pub(super) fn written_key(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !key.is_empty() && key.chars().all(is_plain) { key.to_owned() } else { quoted_text(key) }
}

fn quoted_text(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

/// What was found in place of what was expected.
pub(super) type Fault = [String; 2];

/// The pairs, in their order; a key may come twice.
pub(super) fn pairs(line: &str) -> Result<Vec<(String, Value)>, Fault> {
    let mut pairs = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let (name, after) = key(rest)?;
        let (value, after) = match after.trim_ascii_start().strip_prefix('=') {
            None => (Value::Text("T".to_owned()), after),
            Some(after) => value(&name, after)?,
        };
        pairs.push((name, value));
        rest = after.trim_ascii_start();
    }
    Ok(pairs)
}

/// A key, and what follows it: a blank, `=` or nothing.
fn key(text: &str) -> Result<(String, &str), Fault> {
    if text.starts_with(['"', '\'']) {
        let (key, after) = quoted("a key", text)?;
        return Ok((key, parted("a key", after, true)?));
    }
    let end = text.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(text.len());
    let (key, after) = text.split_at(end);
    if key.is_empty() || key.contains('"') {
        let expected = "key=value; is a quote missing before it?";
        return Err([super::quote(text), expected.to_owned()]);
    }
    Ok((key.to_owned(), after))
}

/// The value of `key` at the start of `text`, and what follows it: a blank or nothing.
fn value<'a>(key: &str, text: &'a str) -> Result<(Value, &'a str), Fault> {
    let start = text.trim_ascii_start();
    let is_array = start.starts_with(['[', '{']);
    let is_empty = start.is_empty() || start.len() < text.len() && !is_array && is_pair(start);
    let (value, after) = if is_empty {
        return Ok((Value::Text(String::new()), start));
    } else if is_array {
        let (array, after) = start.split_at(array(key, start)?);
        (Value::Array(array.to_owned()), after)
    } else if start.starts_with(['"', '\'']) {
        let (text, after) = quoted(key, start)?;
        (Value::Text(text), after)
    } else {
        let (text, after) = word(key, start)?;
        (Value::Text(text), after)
    };
    Ok((value, parted(key, after, false)?))
}

/// Whether a key and `=` come first.
fn is_pair(text: &str) -> bool {
    key(text).is_ok_and(|(_, after)| after.trim_ascii_start().starts_with('='))
}

/// Requires that a blank, the end or, behind a key, `=` comes first.
fn parted<'a>(what: &str, after: &'a str, is_key: bool) -> Result<&'a str, Fault> {
    match after.chars().next() {
        Some(c) if !(c.is_ascii_whitespace() || is_key && c == '=') => Err([
            format!("{} right behind the quote or bracket that ends {what}", super::quote(after)),
            "a blank; is a quote missing before it?".to_owned(),
        ]),
        _ => Ok(after),
    }
}

/// The text in the quotes that come first, and what follows them.
fn quoted<'a>(what: &str, text: &'a str) -> Result<(String, &'a str), Fault> {
    let mut chars = text.char_indices();
    let open = chars.next().map(|(_, c)| c);
    let mut content = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, 'n')) => content.push('\n'),
                Some((_, c)) => content.push(c),
                None => break,
            },
            _ if Some(c) == open => return Ok((content, &text[at + c.len_utf8()..])),
            _ => content.push(c),
        }
    }
    Err([super::quote(text), format!("a closing quote for {what}")])
}

/// The length of the array that comes first.
fn array(key: &str, text: &str) -> Result<usize, Fault> {
    let mut closing = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '[' => closing.push(']'),
            '{' => closing.push('}'),
            ']' | '}' if closing.pop() != Some(c) => break,
            ']' | '}' if closing.is_empty() => return Ok(at + 1),
            '"' => {
                let (_, after) = quoted(key, &text[at..])?;
                let end = text.len() - after.len();
                // The next character is the one behind the quotes.
                while chars.clone().next().is_some_and(|(next, _)| next < end) {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    Err([super::quote(text), format!("closing brackets for {key}, each of its kind")])
}

/// The bare word that comes first, and what follows it.
fn word<'a>(key: &str, text: &'a str) -> Result<(String, &'a str), Fault> {
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c.is_ascii_whitespace() => return Ok((content, &text[at..])),
            '"' => {
                let expected = format!("no quote within the value of {key}");
                return Err([super::quote(text), expected]);
            }
            '\\' => match chars.clone().next() {
                Some((_, next)) if next.is_ascii_whitespace() || "=\",{}[]\\".contains(next) => {
                    content.push(next);
                    chars.next();
                }
                // ASE leaves a backslash as it is.
                _ => content.push('\\'),
            },
            _ => content.push(c),
        }
    }
    Ok((content, ""))
}

#[cfg(test)]
mod tests {
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
            ("  ", &[]),
        ] {
            let got = all(line);
            let got: Vec<_> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(got, want, "{line}");
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
            let written = |(k, v): &(String, Value)| format!("{}={}", written_key(k), v.written());
            let line = all.iter().map(written).collect::<Vec<_>>().join(" ");
            prop_assert!(!line.contains('\n'), "{}", line);
            prop_assert_eq!(pairs(&line), Ok(all));
            let _ = pairs(&(line + &damage));
            let _ = pairs(&damage);
        }

        /// Of quotes, brackets and blanks: each is a list of pairs or a fault.
        #[test]
        fn no_line_makes_it_panic(line in r#"[a1 ="'\\\[\]{},n]{0,40}"#) {
            if let Ok(all) = pairs(&line) {
                let written = |(k, v): &(String, Value)| format!("{}={}", written_key(k), v.written());
                let again = all.iter().map(written).collect::<Vec<_>>().join(" ");
                prop_assert_eq!(pairs(&again), Ok(all));
            }
        }
    }
}
