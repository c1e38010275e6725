//! Words and quoted texts of line 2.
//!
//! ```text
//! quoted = "..." or '...'              \" is ", \\ is \, \n is a new line
//! word   = anything without blanks     \ escapes blanks, = " , { } [ ] \
//! ```
//!
//! Those are the escapes of the specification. ASE knows one, `\"`, and otherwise writes a
//! backslash as it is, even before the quote that ends the text. So a text in which a backslash
//! escapes anything else is taken as ASE writes it, and so is its JSON.

use super::{Fault, is_end, is_pair, unparted};
use crate::md::files::extxyz::quote;

/// What ASE puts before a value that it writes as JSON.
const JSON: &str = "_JSON ";

/// The text as line 2 holds it.
pub(super) fn written(text: &str) -> String {
    let slashed = if text.starts_with(JSON) { text.to_owned() } else { text.replace('\\', "\\\\") };
    format!("\"{}\"", slashed.replace('"', "\\\"").replace('\n', "\\n"))
}

/// A key or a list of columns as line 2 holds it.
pub(in super::super) fn written_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) { name.to_owned() } else { written(name) }
}

/// The text in the quotes that come first, and what follows them; `is_end` tells whether that may.
pub(super) fn quoted<'a>(
    what: &str,
    text: &'a str,
    is_end: fn(&str) -> bool,
) -> Result<(String, &'a str), Fault> {
    let fits = |end: &usize| is_end(&text[end + 1..]);
    let (plain, of_ase) = (closing(text), closing_of_ase(text, is_end));
    let is_json = text[1..].starts_with(JSON);
    let [first, second] = if is_json { [of_ase, plain] } else { [plain, of_ase] };
    let Some(end) = first.filter(fits).or_else(|| second.filter(fits)) else {
        return Err(match plain {
            Some(end) => unparted(what, &text[end + 1..]),
            None => unclosed(what, text),
        });
    };
    let content = &text[1..end];
    let unescaped = if is_json { None } else { unescaped(content, "\"'\\", Some('n')) };
    Ok((unescaped.unwrap_or_else(|| content.replace("\\\"", "\"")), &text[end + 1..]))
}

/// The fault of a text without the quote that ends it.
pub(super) fn unclosed(what: &str, text: &str) -> Fault {
    [quote(text), format!("a closing quote for {what}")]
}

/// Where the quote is that ends the text in the quotes that come first, by the specification.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, open) = chars.next()?;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            _ if c == open => return Some(at),
            _ => {}
        }
    }
    None
}

/// The same if ASE wrote it: the first quote without a backslash before it ends the text or, where
/// it cannot, the last one before it that can.
fn closing_of_ase(text: &str, is_end: fn(&str) -> bool) -> Option<usize> {
    let mut last = None;
    for (at, _) in text.match_indices('"').skip(1) {
        if is_end(&text[at + 1..]) {
            last = Some(at);
        }
        if !text[..at].ends_with('\\') {
            break;
        }
    }
    // It puts no other texts into quotes.
    last.filter(|end| {
        text.starts_with('"') && text[1..*end].contains([' ', '"', '\'', '{', '}', '[', ']'])
    })
}

/// The bare word that comes first, and what follows it.
pub(super) fn word<'a>(key: &str, text: &'a str) -> Result<(String, &'a str), Fault> {
    const ESCAPED: &str = " \t\r\x0c=\",{}[]\\";
    let mut end = text.len();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c.is_ascii_whitespace() => {
                end = at;
                break;
            }
            '"' => return Err([quote(text), format!("no quote within the value of {key}")]),
            '\\' => {
                let after = chars.as_str();
                let rest = after.trim_ascii_start();
                // As in `path=C:\ pbc=...`.
                let is_last = is_end(after) && (rest.is_empty() || is_pair(rest));
                if !is_last && after.starts_with(|c| ESCAPED.contains(c)) {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    let (word, after) = text.split_at(end);
    Ok((unescaped(word, ESCAPED, None).unwrap_or_else(|| word.to_owned()), after))
}

/// The text without its escapes: a backslash before one of `escaped` is dropped, and with `n` it
/// makes a new line; none if one stands before anything else.
fn unescaped(text: &str, escaped: &str, n: Option<char>) -> Option<String> {
    let mut content = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            content.push(c);
            continue;
        }
        match chars.next() {
            Some(c) if escaped.contains(c) => content.push(c),
            Some(c) if n == Some(c) => content.push('\n'),
            _ => return None,
        }
    }
    Some(content)
}
