//! May two records be compared?

use std::collections::BTreeSet;
use std::fmt;

use super::verdict::Findings;
use crate::exit::Exit;
use crate::machine::{self, Environment};
use crate::record::{Record, Row};

/// Rows of one case in two records.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// The baseline's.
    pub old: Row,
    /// The fresh record's.
    pub new: Row,
}

/// The code at hand, which a fresh record must be of.
pub struct Scope<'a> {
    /// The selected ids of the list, of one chapter.
    pub selected: BTreeSet<&'a str>,
    /// Whether an id that is not in the registry would be selected.
    pub would_select: &'a dyn Fn(&str) -> bool,
    /// Every id of the registry.
    pub known: BTreeSet<&'a str>,
    /// The digest of the sources.
    pub source: &'a str,
    /// The toolchain that built them: some of the fields of a record's environment.
    pub toolchain: &'a Environment,
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?} of sources {})", self.selected, self.source)
    }
}

/// The shell line that measures and records anew.
pub const MEASURE: &str = "cargo bench --no-default-features --features chapters,instructions --bench instructions && \
    cargo run --release -- record && cargo run --release -- gate";
/// The shell line that makes the record the baseline.
pub const ACCEPT: &str = "cargo run --release -- accept --reason TEXT";

/// Returns the rows of one chapter in `old`, its baseline, and `new` that may be compared.
///
/// Every field and case that stands in the way is found [`Exit::Incomparable`]; a new case, or that there
/// is no baseline of the chapter, is a note. Each selected case must have been measured, from the
/// sources at hand.
pub fn comparable(
    old: Option<&Record>,
    new: &Record,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Vec<Matched> {
    let instrument = new.instrument.as_str();
    let mut blocked = false;
    let mut differ = |about: &str, what: String, next: &str| {
        blocked |= about == instrument;
        findings.push(Exit::Incomparable, about, what, Some(next.to_owned()));
    };
    for (name, value) in &new.environment {
        if let Some(before) = old.map(|old| &old.environment[name]).filter(|old| *old != value) {
            let what = format!("{name} is `{before}` in the baseline but `{value}` in the record");
            differ(instrument, what, ACCEPT);
        }
        if machine::hides_processor(name, value) {
            let what = format!("{name} is `{value}`: it may be any processor");
            differ(instrument, what, MEASURE);
        }
        if let Some(here) = scope.toolchain.get(name).filter(|here| *here != value) {
            let what = format!("{name} is `{value}` in the record but `{here}` here");
            differ(instrument, what, MEASURE);
        }
    }
    let (olds, news) = (old.map(Record::by_id).unwrap_or_default(), new.by_id());
    let stale = |id: &&&str| news.get(**id).is_some_and(|row| row.origin.source != scope.source);
    let stale: Vec<&&str> = scope.selected.iter().filter(stale).collect();
    if let Some(first) = stale.first() {
        let what = format!(
            "the record is of sources {}, but these are {}: {} of its cases, {first} first",
            news[**first].origin.source,
            scope.source,
            stale.len()
        );
        differ(instrument, what, MEASURE);
    }
    for id in olds.keys().filter(|id| (scope.would_select)(id) && !scope.known.contains(*id)) {
        differ(id, "is gone, but the baseline has it".to_owned(), ACCEPT);
    }
    let mut matched = Vec::new();
    let mut added = Vec::new();
    for &id in &scope.selected {
        match (olds.get(id), news.get(id)) {
            (_, None) => {
                let what = format!("was not measured: the {instrument} record lacks it");
                differ(id, what, MEASURE);
            }
            (None, Some(_)) => added.push(id),
            (Some(old), Some(new)) if old.implementation != new.implementation => {
                let (old, new) = (&old.implementation, &new.implementation);
                differ(id, format!("is `{old}` in the baseline but `{new}` now"), ACCEPT);
            }
            (Some(&old), Some(&new)) => {
                matched.push(Matched { old: old.clone(), new: new.clone() });
            }
        }
    }
    for id in added {
        let next = Some(ACCEPT.to_owned());
        findings.push(Exit::Pass, id, "is new: the baseline does not have it", next);
    }
    if blocked { Vec::new() } else { matched }
}
