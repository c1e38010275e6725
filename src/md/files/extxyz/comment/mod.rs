//! Line 2: pairs of a key and a value.
//!
//! ```text
//! line   = { key [ = value ] }         blanks around = are allowed
//! key    = word | quoted
//! value  = word | quoted | array       none before another pair or the end: the empty text
//! array  = [..] or {..}                as deep as it goes, kept as it stands
//! ```
//!
//! A key alone is true. A bare word may hold `=` and commas, as ASE writes it. Braces may also be
//! quotes, as in older files: where brackets within them have no partner, the first `}` ends them.
//!
//! | module | holds |
//! |---|---|
//! | `text` | words, quotes and their escapes |

#[cfg(test)]
mod tests;
mod text;

pub(super) use text::written_name;

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

    /// Whether it says the same: the same text, or the same numbers in the same shape.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let numbers = self.numbers().filter(|_| self.is_nested() == other.is_nested());
        self.text() == other.text() || numbers.is_some() && numbers == other.numbers()
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
            Self::Text(text) => text::written(text),
            Self::Array(text) => text.clone(),
        }
    }
}

/// A finite number; Fortran writes D for the exponent of some.
pub(in crate::md::files) fn number(word: &str) -> Option<f64> {
    let parsed = word.parse::<f64>();
    let parsed = parsed.or_else(|_| word.replacen(['d', 'D'], "e", 1).parse());
    parsed.ok().filter(|x| x.is_finite())
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
        return text::quoted("a key", text, is_end_of_key);
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
    if is_empty {
        return Ok((Value::Text(String::new()), start));
    }
    if is_array {
        let (array, after) = start.split_at(array(key, start)?);
        return Ok((Value::Array(array.to_owned()), after));
    }
    let (text, after) = if start.starts_with(['"', '\'']) {
        text::quoted(key, start, is_end)?
    } else {
        text::word(key, start)?
    };
    Ok((Value::Text(text), after))
}

/// Whether a key and `=` come first.
fn is_pair(text: &str) -> bool {
    key(text).is_ok_and(|(_, after)| after.trim_ascii_start().starts_with('='))
}

/// Whether a blank or the end comes first.
fn is_end(text: &str) -> bool {
    text.is_empty() || text.starts_with(|c: char| c.is_ascii_whitespace())
}

fn is_end_of_key(text: &str) -> bool {
    is_end(text) || text.starts_with('=')
}

/// The fault of a text that goes on where it has ended.
fn unparted(what: &str, after: &str) -> Fault {
    [
        format!("{} right behind the quote or bracket that ends {what}", super::quote(after)),
        "a blank; is a quote missing before it?".to_owned(),
    ]
}

/// The length of the array that comes first.
fn array(key: &str, text: &str) -> Result<usize, Fault> {
    let len = nested(key, text).or_else(|fault| braced(text).ok_or(fault))?;
    if is_end(&text[len..]) { Ok(len) } else { Err(unparted(key, &text[len..])) }
}

/// The same where braces stand for quotes, without others in them.
fn braced(text: &str) -> Option<usize> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    (is_end(after) && !inner.contains('"')).then_some(inner.len() + 2)
}

/// The same where every bracket has its partner.
fn nested(key: &str, text: &str) -> Result<usize, Fault> {
    let mut closing = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '[' => closing.push(']'),
            '{' => closing.push('}'),
            ']' | '}' if closing.pop() != Some(c) => break,
            ']' | '}' if closing.is_empty() => return Ok(at + 1),
            '"' => {
                let Some(end) = text::closing(&text[at..]) else {
                    return Err(text::unclosed(key, &text[at..]));
                };
                // The next character is the one behind the quotes.
                while chars.clone().next().is_some_and(|(next, _)| next <= at + end) {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    Err([super::quote(text), format!("closing brackets for {key}, each of its kind")])
}
