//! Two profiles of one chapter beside each other: what became slower, and what else changed.
//!
//! A file is known by its keys. Entries of the same name, which holds the case, its sizes and the
//! model, are compared. The ratio is that of the second file over the first, so that above 1 is
//! slower.
//!
//! | a file holds | the interval of a ratio, at 95 % |
//! | --- | --- |
//! | samples | shift of their logarithms by rank sums; steps of MD by the means of blocks, which hold rebuilds of the list, too |
//! | mean and deviation | by Student's t, of the logarithms of both means |
//! | an interval | as if errors were normal |
//! | one number | none |
//!
//! These intervals hold what varied within each run. What differs from one process to the next, such
//! as where its memory lies, is in none of them: `stepmark duet` measures that.
//!
//! | module | holds |
//! | --- | --- |
//! | `entry` | entries, and how two of them compare |
//! | `file`, `keys` | reads a file, and finds the profiles in it |
//! | `lattice`, `rom`, `md` | the entries of a profile, by its keys |
//! | `text` | the comparison for people |

mod entry;
mod file;
mod keys;
mod lattice;
mod md;
mod rom;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use entry::{Entry, geometric_mean};
pub use entry::{Row, Unit, Verdict};
use file::Profile;
pub use text::text;

/// The number of the form of the JSON.
const SCHEMA: u32 = 1;

/// Why two files are not compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A file is no JSON.
    #[error("{}: no JSON: {why}; expected a profile that `stepmark profile` wrote", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// The flaw.
        why: serde_json::Error,
    },
    /// A file holds no profile.
    #[error(
        "{}: no profile by its keys; expected a *_results_*.json of `profile lattice`, a \
         runtime_*.json or pipeline_summary.json of `profile rom`, or a *_profile.json of `profile md`",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file belongs to a profile, and holds no times.
    #[error("{}: {what}; give {instead}", path.display())]
    NoTimes {
        /// The file.
        path: PathBuf,
        /// The contents.
        what: &'static str,
        /// A file of the same run that can be compared.
        instead: &'static str,
    },
    /// Two files are of different chapters.
    #[error(
        "{} is a profile of {first}, and {} one of {second}; give two profiles of one chapter",
        a.display(),
        b.display()
    )]
    Chapters {
        /// The first file.
        a: PathBuf,
        /// Its chapter.
        first: &'static str,
        /// The second file.
        b: PathBuf,
        /// Its chapter.
        second: &'static str,
    },
    /// A number of a file makes no sense.
    #[error("{}: {id}: found {found}, expected positive numbers", path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// The entry.
        id: String,
        /// The number.
        found: f64,
    },
    /// No entry is in both files.
    #[error(
        "nothing to compare: {} has {}, and {} has {}; give two profiles of the same cases",
        a.display(),
        named(only_a),
        b.display(),
        named(only_b)
    )]
    Nothing {
        /// The first file.
        a: PathBuf,
        /// Its entries.
        only_a: Vec<String>,
        /// The second file.
        b: PathBuf,
        /// Its entries.
        only_b: Vec<String>,
    },
}

/// Up to three names.
fn named(all: &[String]) -> String {
    let few: Vec<_> = all.iter().take(3).map(|name| format!("`{name}`")).collect();
    let more = if all.len() > 3 { format!(" and {} more", all.len() - 3) } else { String::new() };
    if few.is_empty() { "nothing else".to_owned() } else { few.join(", ") + &more }
}

/// A circumstance in which two profiles differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// The value in the first file; null where it holds none.
    pub a: Option<String>,
    /// The value in the second.
    pub b: Option<String>,
}

/// A mean of ratios, with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The geometric mean.
    pub ratio: f64,
    /// The lower end; null where a ratio has none.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The number of ratios.
    pub entries: usize,
}

/// Two profiles beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The number of this form.
    pub schema: u32,
    /// `lattice`, `rom` or `md`.
    pub chapter: &'static str,
    /// The first file.
    pub a: PathBuf,
    /// The second file.
    pub b: PathBuf,
    /// The margin within which times count as the same, percent.
    pub margin_pct: f64,
    /// Times.
    pub times: Vec<Row>,
    /// The geometric mean of their ratios; null where there are none.
    pub geometric_mean: Option<Mean>,
    /// All else that is one number in each file, such as memory and errors.
    pub others: Vec<Row>,
    /// Circumstances that differ.
    pub changed: Vec<Changed>,
    /// Whether both files say which machine they are of.
    pub knows_machines: bool,
    /// Entries of the first file alone.
    pub only_in_a: Vec<String>,
    /// Entries of the second file alone.
    pub only_in_b: Vec<String>,
}

impl Comparison {
    /// Whether some time has this verdict.
    pub fn has(&self, verdict: Verdict) -> bool {
        self.times.iter().any(|row| row.verdict == Some(verdict))
    }
}

/// Compares two profiles; times count as the same within `margin_pct` percent.
///
/// # Errors
///
/// If a file cannot be read, or is no profile, or if the two have nothing in common.
pub fn compare(a: &Path, b: &Path, margin_pct: f64) -> Result<Comparison, Error> {
    let (first, second) = (file::read(a)?, file::read(b)?);
    if first.chapter != second.chapter {
        return Err(Error::Chapters {
            a: a.to_owned(),
            first: first.chapter,
            b: b.to_owned(),
            second: second.chapter,
        });
    }
    let names = |profile: &Profile| -> Vec<String> {
        profile.entries.iter().map(|entry| entry.id.clone()).collect()
    };
    let missing = |from: &Profile, other: &Profile| -> Vec<String> {
        names(from).into_iter().filter(|id| other.entry(id).is_none()).collect()
    };
    let (only_in_a, only_in_b) = (missing(&first, &second), missing(&second, &first));
    let pairs = first.entries.iter().filter_map(|entry| Some((entry, second.entry(&entry.id)?)));
    let (times, others): (Vec<_>, Vec<_>) = pairs.partition(|(entry, _)| entry.is_timed);
    if times.is_empty() {
        let (a, b) = (a.to_owned(), b.to_owned());
        let timed = |profile: &Profile| {
            let timed = profile.entries.iter().filter(|entry| entry.is_timed);
            timed.map(|entry| entry.id.clone()).collect()
        };
        return Err(Error::Nothing { a, only_a: timed(&first), b, only_b: timed(&second) });
    }
    let margin = (1e-2 * margin_pct).ln_1p();
    let rows = |pairs: Vec<(&Entry, &Entry)>| -> Vec<Row> {
        pairs.into_iter().map(|(a, b)| entry::row(a, b, margin)).collect()
    };
    let (times, others) = (rows(times), rows(others));
    let knows = |profile: &Profile| profile.conditions.contains_key("cpu_name");
    Ok(Comparison {
        schema: SCHEMA,
        chapter: first.chapter,
        a: a.to_owned(),
        b: b.to_owned(),
        margin_pct,
        geometric_mean: geometric_mean(&times),
        times,
        others,
        changed: changed(&first, &second),
        knows_machines: knows(&first) && knows(&second),
        only_in_a,
        only_in_b,
    })
}

/// Circumstances that differ, or that only one of the files holds.
fn changed(a: &Profile, b: &Profile) -> Vec<Changed> {
    let mut names: Vec<&String> = a.conditions.keys().chain(b.conditions.keys()).collect();
    names.sort();
    names.dedup();
    let of = |name: &String| {
        let (a, b) = (a.conditions.get(name).cloned(), b.conditions.get(name).cloned());
        (a != b).then(|| Changed { name: name.clone(), a, b })
    };
    names.into_iter().filter_map(of).collect()
}
