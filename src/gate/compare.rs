//! Compares two records; pure.

use std::collections::BTreeSet;
use std::fmt;

use super::verdict::{Exit, Findings};
use crate::machine::Environment;
use crate::record::{Instructions, Measure, Record, Wall};

/// More instructions than this fail: 0.5 %, in units of 1e-4.
const INSTRUCTIONS_FAIL: i128 = 50;
/// More or fewer than this are worth a note: 0.05 %.
const INSTRUCTIONS_NOTE: i128 = 5;

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
pub const MEASURE: &str = "ci/gate.sh";
/// The shell line that makes the record the baseline.
const ACCEPT: &str = "cargo run --release -- accept";

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
    if pairs.is_empty() {
        let what = "no selected case is in both the record and the baseline".to_owned();
        differ(M::INSTRUMENT, what, ACCEPT);
    }
    for id in added {
        let next = Some(ACCEPT.to_owned());
        findings.push(Exit::Pass, id, "is new: the baseline does not have it", next);
    }
    if blocked { Vec::new() } else { pairs }
}

/// Tier 2: the deterministic counts of one case against their limits.
///
/// `reproduce` is the shell line that shows a failure again.
pub fn instructions(
    old: &Instructions,
    new: &Instructions,
    reproduce: &str,
    findings: &mut Findings,
) {
    let accept = Some(format!("to keep the gain: {ACCEPT}"));
    let (before, after) = (i128::from(old.instructions), i128::from(new.instructions));
    let (change, percent) = ((after - before) * 10_000, percent(before, after));
    let what = |limit: &str| format!("instructions {before} -> {after} ({percent}{limit})");
    let reproduce = Some(reproduce.to_owned());
    if change > before * INSTRUCTIONS_FAIL {
        findings.push(Exit::Regression, &old.id, what(", limit +0.50 %"), reproduce.clone());
    } else if change < -before * INSTRUCTIONS_FAIL {
        findings.push(Exit::Pass, &old.id, what(""), accept.clone());
    } else if change.abs() > before * INSTRUCTIONS_NOTE {
        findings.push(Exit::Pass, &old.id, what(""), None);
    }
    for (name, before, after) in [
        ("heap blocks per step", old.heap_blocks, new.heap_blocks),
        ("heap bytes per step", old.heap_bytes, new.heap_bytes),
    ] {
        let what = format!("{name} {before} -> {after}");
        match after.cmp(&before) {
            std::cmp::Ordering::Greater => {
                findings.push(Exit::Regression, &old.id, what + " (exact)", reproduce.clone());
            }
            std::cmp::Ordering::Less => {
                findings.push(Exit::Pass, &old.id, what, accept.clone());
            }
            std::cmp::Ordering::Equal => {}
        }
    }
}

/// The median wall time of one case beside its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// The case.
    pub id: String,
    /// New median over old median: above 1 is slower.
    pub ratio: f64,
    /// Whether the ranges between the 5 % and 95 % quantiles overlap.
    pub overlap: bool,
}

/// The wall times of comparable pairs; they inform and never fail.
pub fn ratios(pairs: &[(&Wall, &Wall)]) -> Vec<Ratio> {
    let ratio = |(old, new): &(&Wall, &Wall)| Ratio {
        id: old.id.clone(),
        ratio: new.median_ns / old.median_ns,
        overlap: new.p05_ns <= old.p95_ns && old.p05_ns <= new.p95_ns,
    };
    pairs.iter().map(ratio).collect()
}

fn percent(before: i128, after: i128) -> String {
    format!("{:+.2} %", (after - before) as f64 / before as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(instructions: u64, heap_blocks: u64, heap_bytes: u64) -> Instructions {
        Instructions {
            id: "a/b/n1".to_owned(),
            implementation: "scalar".to_owned(),
            instructions,
            d1_misses: 0,
            ll_misses: 0,
            heap_blocks,
            heap_bytes,
        }
    }

    fn compared(old: &Instructions, new: &Instructions) -> (Exit, Vec<String>) {
        let mut findings = Findings::default();
        instructions(old, new, "cargo bench", &mut findings);
        (findings.exit(), findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_limit_is_half_a_percent_and_not_a_count_more() {
        let old = counts(1_000_000, 0, 0);
        for (now, exit, lines) in [
            (1_000_000, Exit::Pass, 0),
            (1_000_500, Exit::Pass, 0),
            (1_000_501, Exit::Pass, 1),
            (1_005_000, Exit::Pass, 1),
            (1_005_001, Exit::Regression, 1),
            (1_020_000, Exit::Regression, 1),
            (999_499, Exit::Pass, 1),
            (990_000, Exit::Pass, 1),
            (u64::MAX, Exit::Regression, 1),
        ] {
            let (got, said) = compared(&old, &counts(now, 0, 0));
            assert_eq!((got, said.len()), (exit, lines), "{now}: {said:?}");
        }
        let (_, said) = compared(&old, &counts(1_020_000, 0, 0));
        assert!(said[0].ends_with("(+2.00 %, limit +0.50 %); cargo bench"), "{said:?}");
        let (_, said) = compared(&old, &counts(990_000, 0, 0));
        assert!(said[0].ends_with("-- accept"), "the ratchet: {said:?}");
    }

    #[test]
    fn the_heap_is_exact() {
        let old = counts(1000, 1, 64);
        for (blocks, bytes, exit) in [
            (1, 64, Exit::Pass),
            (2, 64, Exit::Regression),
            (1, 65, Exit::Regression),
            (0, 0, Exit::Pass),
        ] {
            let (got, said) = compared(&old, &counts(1000, blocks, bytes));
            assert_eq!(got, exit, "{said:?}");
        }
    }

    #[test]
    fn wall_times_give_a_ratio_and_whether_the_ranges_meet() {
        let wall = |median_ns: f64| Wall {
            id: "a/b/n1".to_owned(),
            implementation: "scalar".to_owned(),
            p05_ns: median_ns * 0.9,
            p25_ns: median_ns,
            median_ns,
            p75_ns: median_ns,
            p95_ns: median_ns * 1.1,
            samples: 10,
        };
        let (old, near, far) = (wall(100.0), wall(110.0), wall(200.0));
        let got = ratios(&[(&old, &near), (&old, &far)]);
        assert_eq!(
            got.iter().map(|r| (r.ratio, r.overlap)).collect::<Vec<_>>(),
            [(1.1, true), (2.0, false)],
            "ratios"
        );
    }
}
