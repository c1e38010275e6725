//! Tier 0: may two records be compared?

use std::collections::BTreeSet;
use std::fmt;

use super::verdict::Findings;
use crate::exit::Exit;
use crate::machine::{self, Environment};
use crate::record::{Measure, Record};

/// What a fresh record must be of, for its numbers to say something about the code at hand.
pub struct Scope<'a> {
    /// The selected ids of the registry.
    pub selected: BTreeSet<&'a str>,
    /// Whether an id that is not in the registry would be selected.
    pub would_select: &'a dyn Fn(&str) -> bool,
    /// Every id of the registry.
    pub known: BTreeSet<&'a str>,
    /// The digest of the sources.
    pub source: &'a str,
    /// What built them: some of the fields of a record's environment.
    pub toolchain: &'a Environment,
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?} of sources {})", self.selected, self.source)
    }
}

/// The shell line that measures and records anew.
pub const MEASURE: &str = "cargo bench --features instructions --bench instructions && \
    cargo run --release -- record && cargo run --release -- gate";
/// The shell line that makes the record the baseline.
pub const ACCEPT: &str = "cargo run --release -- accept --reason TEXT";

/// Tier 0: the pairs of cases of `old` and `new` that may be compared.
///
/// Every field and case that stands in the way is found [`Exit::Incomparable`]; a new case is a
/// note. Each selected case must have been measured.
pub fn comparable<'a, M: Measure>(
    old: &'a Record<M>,
    new: &'a Record<M>,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Vec<(&'a M, &'a M)> {
    let mut blocked = false;
    let mut differ = |about: &str, what: String, next: &str| {
        blocked |= about == M::INSTRUMENT;
        findings.push(Exit::Incomparable, about, what, Some(next.to_owned()));
    };
    for (name, value) in &new.environment {
        let before = &old.environment[name];
        if value != before {
            let what = format!("{name} is `{before}` in the baseline but `{value}` in the record");
            differ(M::INSTRUMENT, what, ACCEPT);
        }
        if machine::hides_processor(name, value) {
            let what = format!("{name} is `{value}`: it may be any processor");
            differ(M::INSTRUMENT, what, MEASURE);
        }
        if let Some(here) = scope.toolchain.get(name).filter(|here| *here != value) {
            let what = format!("{name} is `{value}` in the record but `{here}` here");
            differ(M::INSTRUMENT, what, MEASURE);
        }
    }
    if new.source != scope.source {
        let what =
            format!("the record is of sources {}, but these are {}", new.source, scope.source);
        differ(M::INSTRUMENT, what, MEASURE);
    }
    let (olds, news) = (old.by_id(), new.by_id());
    for id in olds.keys().filter(|id| (scope.would_select)(id) && !scope.known.contains(*id)) {
        differ(id, "is gone, but the baseline has it".to_owned(), ACCEPT);
    }
    let mut pairs = Vec::new();
    let mut added = Vec::new();
    for &id in &scope.selected {
        match (olds.get(id), news.get(id)) {
            (_, None) => {
                let what = format!("was not measured: the {} record lacks it", M::INSTRUMENT);
                differ(id, what, MEASURE);
            }
            (None, Some(_)) => added.push(id),
            (Some(old), Some(new)) if old.implementation() != new.implementation() => {
                let (old, new) = (old.implementation(), new.implementation());
                differ(id, format!("is `{old}` in the baseline but `{new}` now"), ACCEPT);
            }
            (Some(old), Some(new)) => pairs.push((*old, *new)),
        }
    }
    if pairs.is_empty() && !scope.selected.is_empty() {
        let what = "no selected case is in both the record and the baseline".to_owned();
        differ(M::INSTRUMENT, what, ACCEPT);
    }
    for id in added {
        let next = Some(ACCEPT.to_owned());
        findings.push(Exit::Pass, id, "is new: the baseline does not have it", next);
    }
    if blocked { Vec::new() } else { pairs }
}
