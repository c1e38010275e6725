//! Lines, words and numbers. A file comes from outside: every length is checked before it is used.

use std::iter::Enumerate;
use std::str::Lines;

use super::Error;
use crate::file::{is_lfs_pointer, quote};
use crate::md::files::extxyz::number;

/// Longer cutoffs are taken for other units or damage.
const LONGEST_CUTOFF: f64 = 100.0;

/// The lines of a file that are still to be read.
pub(super) struct Reader<'a> {
    file: &'a str,
    lines: Enumerate<Lines<'a>>,
    /// Bytes of the file: no more numbers can stand there.
    len: usize,
    /// Number of the line last read.
    pub(super) line: usize,
}

impl<'a> Reader<'a> {
    /// The lines of `text`.
    pub(super) fn new(file: &'a str, text: &'a str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Self { file, lines: text.lines().enumerate(), len: text.len(), line: 1 };
        if is_lfs_pointer(text.as_bytes()) {
            return Err(reader.error(
                1,
                "a Git LFS pointer",
                "the file itself; run `git lfs pull`",
            ));
        }
        let mut words = text.lines().next().unwrap_or_default().split_whitespace();
        if words.any(|word| word == "UNITS:") {
            let unit = words.next().unwrap_or_default();
            if unit != "metal" {
                return Err(reader.error(1, format!("UNITS: {unit}"), "UNITS: metal"));
            }
        }
        if text.trim().is_empty() {
            return Err(reader.error(1, "an empty file", "a potential of LAMMPS"));
        }
        reader.line = 0;
        Ok(reader)
    }

    pub(super) fn error(
        &self,
        line: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let (file, found, expected) = (self.file.to_owned(), found.into(), expected.into());
        Error::Syntax { file, line, found, expected }
    }

    pub(super) fn unfit(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::Unfit { file: self.file.to_owned(), found: found.into(), expected: expected.into() }
    }

    /// Passes lines whatever they hold.
    pub(super) fn skip(&mut self, lines: usize) {
        for (at, _) in self.lines.by_ref().take(lines) {
            self.line = at + 1;
        }
    }

    /// The words of the next line that has any before a `#`.
    pub(super) fn words(&mut self) -> Option<Vec<&'a str>> {
        for (at, line) in self.lines.by_ref() {
            self.line = at + 1;
            let words = line.split('#').next().unwrap_or_default().split_whitespace();
            let words: Vec<_> = words.collect();
            if !words.is_empty() {
                return Some(words);
            }
        }
        None
    }

    /// Does as [`Reader::words`]; at least as many as `names`, which say what they are.
    pub(super) fn header(&mut self, names: &[&str]) -> Result<Vec<&'a str>, Error> {
        let expected = || names.join(", ");
        let words =
            self.words().ok_or_else(|| self.error(self.line, "the end of the file", expected()))?;
        if words.len() < names.len() {
            return Err(self.error(self.line, quote(&words.join(" ")), expected()));
        }
        Ok(words)
    }

    /// A number on the line last read.
    pub(super) fn number(&self, what: &str, word: &str) -> Result<f64, Error> {
        self.number_on(self.line, what, word)
    }

    /// A number on any line.
    pub(super) fn number_on(&self, line: usize, what: &str, word: &str) -> Result<f64, Error> {
        let expected = || format!("a finite number for {what}");
        number(word).ok_or_else(|| self.error(line, quote(word), expected()))
    }

    /// A number above zero.
    pub(super) fn positive(&self, what: &str, word: &str) -> Result<f64, Error> {
        let x = self.number(what, word)?;
        let is_good = x.is_normal() && x > 0.0;
        is_good.then_some(x).ok_or_else(|| {
            self.error(self.line, quote(word), format!("a number above zero for {what}"))
        })
    }

    /// A number of things that the file holds.
    pub(super) fn count(&self, what: &str, word: &str, least: usize) -> Result<usize, Error> {
        let most = self.len;
        let count = word.parse().ok().filter(|n| (least..=most).contains(n));
        count.ok_or_else(|| {
            let expected = format!(
                "a whole number of {what}, at least {least} and no more than fit into the file"
            );
            self.error(self.line, quote(word), expected)
        })
    }

    /// The numbers on the next lines, the last of which ends with the last number.
    pub(super) fn values(&mut self, what: &str, count: usize) -> Result<Vec<f64>, Error> {
        let mut values = Vec::new();
        while values.len() < count {
            let got = values.len();
            let Some(words) = self.words() else {
                let found = format!("the end of the file after {got} of {count} values");
                return Err(self.error(self.line, found, format!("the {what}")));
            };
            if words.len() > count - got {
                let found = format!("{} values after {got}", words.len());
                let expected = format!("{count} for the {what}, the last at the end of a line");
                return Err(self.error(self.line, found, expected));
            }
            for word in words {
                values.push(self.number(what, word)?);
            }
        }
        Ok(values)
    }

    /// Requires that nothing follows.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.words() {
            Some(words) => {
                Err(self.error(self.line, quote(&words.join(" ")), "the end of the file"))
            }
            None => Ok(()),
        }
    }

    /// Requires a cutoff in angstrom that may be one, read on the given line.
    pub(super) fn check_cutoff(&self, line: usize, cutoff: f64) -> Result<(), Error> {
        if cutoff > 0.0 && cutoff <= LONGEST_CUTOFF {
            return Ok(());
        }
        let expected = format!("one above 0 and at most {LONGEST_CUTOFF} angstrom");
        Err(self.error(line, format!("a cutoff of {cutoff}"), expected))
    }
}
