//! Entries of three elements: their names, then numbers, on one line or several.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use super::Error;
use super::text::Reader;
use crate::file::quote;

/// The numbers of an entry, and the line that it starts on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<const N: usize> {
    pub(super) line: usize,
    pub(super) values: [f64; N],
}

impl<const N: usize> Numbers<N> {
    /// Requires that the numbers are not negative, but for those at the places `free`.
    pub(super) fn check_signs(
        &self,
        reader: &Reader<'_>,
        names: &[&str; N],
        free: &[usize],
    ) -> Result<(), Error> {
        let negative = |n: &usize| self.values[*n] < 0.0 && !free.contains(n);
        match (0..N).find(negative) {
            Some(n) => {
                let found = format!("{} {}", names[n], self.values[n]);
                Err(reader.error(self.line, found, "a number that is not negative"))
            }
            None => Ok(()),
        }
    }
}

/// The entries of every three of `elements`: that of i, j and k at `(i * n + j) * n + k` of n.
/// `names` are those of the numbers. Entries of other elements are passed over.
pub(super) fn entries<const N: usize>(
    reader: &mut Reader<'_>,
    names: &[&str; N],
    elements: &[&str],
) -> Result<Vec<Numbers<N>>, Error> {
    let mut found: BTreeMap<[&str; 3], Numbers<N>> = BTreeMap::new();
    let mut known: Vec<&str> = Vec::new();
    while let Some(first) = reader.words() {
        let line = reader.line;
        let expected = || format!("three elements and the {N} numbers {}", names.join(", "));
        let mut words: Vec<_> = first.into_iter().map(|word| (line, word)).collect();
        while words.len() < 3 + N {
            let Some(more) = reader.words() else {
                let found = format!("the end of the file after {} of {} words", words.len(), 3 + N);
                return Err(reader.error(reader.line, found, expected()));
            };
            words.extend(more.into_iter().map(|word| (reader.line, word)));
        }
        if words.len() > 3 + N {
            let found = format!("{} words up to line {}", words.len(), reader.line);
            return Err(reader.error(line, found, expected()));
        }
        let key = [words[0].1, words[1].1, words[2].1];
        let mut values = [0.0; N];
        for ((value, (line, word)), name) in values.iter_mut().zip(&words[3..]).zip(names) {
            *value = reader.number_on(*line, name, word)?;
        }
        for name in key {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        if !key.iter().all(|name| elements.contains(name)) {
            continue;
        }
        match found.entry(key) {
            Place::Vacant(place) => _ = place.insert(Numbers { line, values }),
            Place::Occupied(first) => {
                let found = format!("a second entry for {}", key.join(" "));
                let expected = format!("the one of line {} alone", first.get().line);
                return Err(reader.error(line, found, expected));
            }
        }
    }
    let mut missing: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    for i in elements {
        for j in elements {
            for k in elements {
                match found.get(&[*i, *j, *k]) {
                    Some(entry) => entries.push(*entry),
                    None => missing.push(format!("{i} {j} {k}")),
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(entries);
    }
    missing.sort();
    missing.dedup();
    let found = format!("no entry for {}", missing.join(", "));
    let known = quote(&known.join(" "));
    Err(reader.unfit(found, format!("one for each three elements; the file names {known}")))
}
