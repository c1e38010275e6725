//! Kinds of values, and the one check of a value against its kind.

use std::fmt;

use super::yaml::{Node, Value};
use crate::file::quote;
use crate::mvar::train::Criterion;

/// The kind of a value, and its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// `true` or `false`, also `yes`, `no`, `on` and `off`.
    Flag,
    /// A whole number.
    Count(u64, u64),
    /// A number.
    Number(f64, f64),
    /// One of some names.
    Name(&'static [&'static str]),
    /// Any text.
    Text,
    /// A lag, or a criterion that chooses it.
    Lag(u64),
    /// A list of numbers.
    Numbers(f64, f64),
    /// A list of whole numbers.
    Counts(u64, u64),
    /// A pair of coordinates.
    Point,
    /// A list of pairs of coordinates.
    Points,
    /// A list of some names.
    Names(&'static [&'static str]),
    /// Whatever it is.
    Any,
}

/// A value of its kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    Flag(bool),
    Count(u64),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    Counts(Vec<u64>),
    Points(Vec<[f64; 2]>),
    Names(Vec<String>),
}

impl fmt::Display for Given {
    /// Equal values have equal texts, whatever they were written as.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(x) => write!(f, "{x}"),
            Self::Count(x) => write!(f, "{x}"),
            Self::Number(x) => write!(f, "{x}"),
            Self::Text(x) => write!(f, "{x}"),
            Self::Numbers(x) => write!(f, "{x:?}"),
            Self::Counts(x) => write!(f, "{x:?}"),
            Self::Points(x) => write!(f, "{x:?}"),
            Self::Names(x) => write!(f, "{}", x.join(", ")),
        }
    }
}

impl Kind {
    /// The value, if it is of this kind.
    pub(super) fn read(self, node: &Node) -> Option<Given> {
        let items = || match &node.value {
            Value::List(nodes) => Some(nodes),
            _ => None,
        };
        let all = |read: &dyn Fn(&Node) -> Option<Given>| -> Option<Vec<Given>> {
            items()?.iter().map(read).collect()
        };
        Some(match self {
            Self::Flag => Given::Flag(flag(plain(node)?)?),
            Self::Count(least, most) => Given::Count(count(node, least, most)?),
            Self::Number(least, most) => Given::Number(number(node, least, most)?),
            Self::Name(names) => Given::Text(text(node).filter(|text| names.contains(&&**text))?),
            Self::Text => Given::Text(text(node)?),
            Self::Lag(most) => {
                let criterion = text(node).filter(|text| named(text).is_some());
                match criterion {
                    Some(name) => Given::Text(name),
                    None => Given::Count(count(node, 1, most)?),
                }
            }
            Self::Numbers(least, most) => Given::Numbers(
                items()?.iter().map(|x| number(x, least, most)).collect::<Option<_>>()?,
            ),
            Self::Counts(least, most) => Given::Counts(
                items()?.iter().map(|x| count(x, least, most)).collect::<Option<_>>()?,
            ),
            Self::Point => Given::Points(vec![point(node)?]),
            Self::Points => Given::Points(items()?.iter().map(point).collect::<Option<_>>()?),
            Self::Names(names) => {
                let names = all(&|x| Self::Name(names).read(x))?;
                Given::Names(names.into_iter().map(|name| name.to_string()).collect())
            }
            Self::Any => Given::Text(String::new()),
        })
    }

    /// What a value of this kind is, in words.
    pub(super) fn words(self) -> String {
        let range = |least: f64, most: f64| match (least, most) {
            (least, most) if most >= 1e100 && least <= -1e100 => String::new(),
            (1e-100, most) if most >= 1e100 => " above 0".to_owned(),
            (least, most) if most >= 1e100 => format!(", {least} or more"),
            (1e-100, most) => format!(" above 0 and at most {most}"),
            (least, most) => format!(" from {least} to {most}"),
        };
        let whole = |least: u64, most: u64| match most {
            MOST => format!(", {least} or more"),
            most => format!(" from {least} to {most}"),
        };
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Count(least, most) => format!("a whole number{}", whole(least, most)),
            Self::Number(least, most) => format!("a number{}", range(least, most)),
            Self::Name(names) => either(names),
            Self::Text => "a text".to_owned(),
            Self::Lag(most) => format!("a whole number from 1 to {most}, aic, bic, hqic or fpe"),
            Self::Numbers(least, most) => format!("a list of numbers{}", range(least, most)),
            Self::Counts(least, most) => format!("a list of whole numbers{}", whole(least, most)),
            Self::Point => "a list of two numbers".to_owned(),
            Self::Points => "a list of lists of two numbers".to_owned(),
            Self::Names(names) => format!("a list of {}", either(names)),
            Self::Any => "a value".to_owned(),
        }
    }
}

/// A count without a limit of its own.
pub(super) const MOST: u64 = 1 << 40;

/// The criterion of a name.
pub(super) fn named(name: &str) -> Option<Criterion> {
    Criterion::ALL.into_iter().find(|criterion| criterion.name() == name)
}

/// The value as a message shows it.
pub(super) fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, is_plain: true } => quote(text).trim_matches('"').to_owned(),
        Value::Scalar { text, .. } => format!("the text {}", quote(text)),
        Value::List(nodes) if nodes.len() < 4 => {
            let nodes: Vec<_> = nodes.iter().map(shown).collect();
            format!("[{}]", nodes.join(", "))
        }
        Value::List(nodes) => format!("a list of {}", nodes.len()),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

fn plain(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, is_plain: true } => Some(text),
        _ => None,
    }
}

fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn count(node: &Node, least: u64, most: u64) -> Option<u64> {
    let count = plain(node)?.replace('_', "").parse().ok()?;
    (least..=most).contains(&count).then_some(count)
}

fn number(node: &Node, least: f64, most: f64) -> Option<f64> {
    let text = plain(node)?;
    // Not the words for infinity that Rust knows.
    let is_number = text.chars().all(|c| c.is_ascii_digit() || "+-._eE".contains(c));
    let number: f64 = text.replace('_', "").parse().ok().filter(|_| is_number)?;
    (least..=most).contains(&number).then_some(number)
}

fn point(node: &Node) -> Option<[f64; 2]> {
    let Value::List(nodes) = &node.value else { return None };
    let numbers: Vec<_> = nodes.iter().map(|x| number(x, -1e100, 1e100)).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::yaml::read;
    use super::*;

    /// The value of a text as a kind, as a text.
    fn of(kind: Kind, text: &str) -> Option<String> {
        kind.read(&read(text).unwrap()).map(|given| given.to_string())
    }

    #[test]
    fn each_kind_takes_its_values_and_no_others() {
        use Kind::{Count, Counts, Flag, Lag, Name, Names, Number, Numbers, Point, Points, Text};
        for (kind, fine, wrong) in [
            (Flag, &["true", "False", "yes", "off"][..], &["1", "maybe", "'true'", "[true]"][..]),
            (Count(1, 64), &["1", "64", "6_4"], &["0", "65", "1.0", "-1", "x", "'1'"]),
            (
                Number(0.0, 1.0),
                &["0", "1e-10", "1.0E-4", ".5", "1."],
                &["-1", "2", "nan", "inf", ".inf"],
            ),
            (Name(&["a", "b"]), &["a", "'b'"], &["c", "A", "[a]"]),
            (Text, &["a", "1", "'x y'"], &["[a]", "{a: b}"]),
            (Lag(50), &["5", "bic", "hqic"], &["0", "51", "best"]),
            (Numbers(0.0, 9.0), &["[]", "[1, 2.5]"], &["1", "[1, x]", "[10]", "[[1]]"]),
            (Counts(0, 9), &["[]", "[1, 9]"], &["[1.5]", "3"]),
            (Point, &["[1, 2]"], &["[1]", "[1, 2, 3]", "[[1, 2]]"]),
            (Points, &["[]", "[[1, 2], [3, 4]]"], &["[1, 2]", "[[1]]"]),
            (Names(&["a", "b"]), &["[a]", "[b, a]"], &["a", "[c]"]),
        ] {
            for text in fine {
                assert!(of(kind, text).is_some(), "{kind:?}: {text}");
            }
            for text in wrong {
                assert_eq!(of(kind, text), None, "{kind:?}: {text}");
            }
            assert!(!kind.words().is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn equal_values_have_equal_texts() {
        let number = Kind::Number(-1e100, 1e100);
        assert_eq!(of(number, "1e-4"), of(number, "0.00010"), "numbers");
        assert_eq!(of(Kind::Flag, "yes"), of(Kind::Flag, "True"), "flags");
        assert_eq!(of(Kind::Points, "[[1.0, 2]]"), of(Kind::Points, "[[1, 2.0]]"), "points");
    }

    #[test]
    fn ranges_are_said_in_words() {
        let words = |kind: Kind| kind.words();
        assert_eq!(words(Kind::Number(1e-100, 1e100)), "a number above 0");
        assert_eq!(words(Kind::Number(1e-100, 1.0)), "a number above 0 and at most 1");
        assert_eq!(words(Kind::Number(0.0, 1e100)), "a number, 0 or more");
        assert_eq!(words(Kind::Number(-1e100, 1e100)), "a number");
        assert_eq!(words(Kind::Count(1, MOST)), "a whole number, 1 or more");
        assert_eq!(words(Kind::Name(&["a", "b", "c"])), "a, b or c");
    }
}
