//! Tersoff files.

use super::Error;
use super::text::Reader;
use super::triplets::{Numbers, entries};
use crate::md::potentials::Tersoff;
use crate::md::potentials::tersoff::Entry;

const NAMES: [&str; 14] = [
    "m",
    "gamma",
    "lambda3",
    "c",
    "d",
    "costheta0",
    "n",
    "beta",
    "lambda2",
    "B",
    "R",
    "D",
    "lambda1",
    "A",
];

/// The potential of `elements`.
pub(super) fn read(reader: &mut Reader<'_>, elements: &[&str]) -> Result<Tersoff, Error> {
    let n = elements.len();
    let mut all = Vec::new();
    for (at, numbers) in entries(reader, &NAMES, elements)?.iter().enumerate() {
        numbers.check_signs(reader, &NAMES, &[2, 5])?;
        let is_pair = at / n % n == at % n;
        all.push(entry(reader, numbers, is_pair)?);
    }
    if all.iter().all(|entry| entry.cutoff() == 0.0) {
        return Err(reader.unfit("no pair with an R + D above 0", "one that interacts"));
    }
    Ok(Tersoff::new(n, all))
}

fn entry(reader: &Reader<'_>, numbers: &Numbers<14>, is_pair: bool) -> Result<Entry, Error> {
    let [
        m,
        gamma,
        lambda3,
        c,
        d,
        cos0,
        n,
        beta,
        lambda2,
        attraction,
        middle,
        width,
        lambda1,
        repulsion,
    ] = numbers.values;
    let refuse = |found: String, expected: &str| Err(reader.error(numbers.line, found, expected));
    if m != 1.0 && m != 3.0 {
        return refuse(format!("m {m}"), "1 or 3");
    }
    if d == 0.0 && c != 0.0 {
        return refuse(format!("c {c} with d 0"), "a d above zero");
    }
    if is_pair && n == 0.0 && beta * attraction != 0.0 {
        return refuse("n 0".to_owned(), "a number above zero where neither beta nor B is zero");
    }
    if width > middle {
        return refuse(format!("D {width} with R {middle}"), "a D not above R");
    }
    let entry = Entry {
        is_cubic: m == 3.0,
        gamma,
        lambda3,
        c,
        // Without c nothing depends on it.
        d: if d == 0.0 { 1.0 } else { d },
        cos0,
        n,
        beta,
        lambda2,
        attraction,
        middle,
        width,
        lambda1,
        repulsion,
    };
    if entry.cutoff() != 0.0 {
        reader.check_cutoff(numbers.line, entry.cutoff())?;
    }
    Ok(entry)
}
