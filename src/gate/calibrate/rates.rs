//! How often which verdict came out, with exact intervals.

use serde::{Deserialize, Serialize};

use super::{Kind, Suite, Taken};
use crate::gate::Change;
use crate::stats::{self, Samples};

/// The confidence of the intervals.
const LEVEL: f64 = 0.95;

/// The verdicts on some cases of the suites of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The difference between the builds.
    pub change: String,
    /// Which cases.
    pub cases: String,
    /// How many suites there are.
    pub suites: u64,
    /// In how many of them some of these cases was said to be slower.
    pub suites_slower: u64,
    /// The interval of that share.
    pub suites_slower_95: (f64, f64),
    /// How many verdicts there are.
    pub verdicts: u64,
    /// How many said slower: a FAIL.
    pub slower: u64,
    /// The interval of that share.
    pub slower_95: (f64, f64),
    /// How many said faster.
    pub faster: u64,
    /// How many said unclear.
    pub unclear: u64,
    /// How many said the same.
    pub same: u64,
    /// The median of the numbers of pairs.
    pub pairs_median: f64,
    /// The largest number of pairs.
    pub pairs_max: u64,
}

/// The table: no change and moved code over all cases, each plant by class, and the cases beside
/// the plants, which are unchanged.
pub fn rows(suites: &[Suite]) -> Vec<Row> {
    let judged: Vec<(&Suite, Vec<Change>)> =
        suites.iter().map(|suite| (suite, suite.changes())).collect();
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let of_kind = |suite: &Suite| suite.kind == kind;
        if !kind.is_planted() {
            rows.push(row(&judged, kind.title(), "all", &of_kind, &|_| true));
            continue;
        }
        for (class, memory_bound) in [("compute-bound", false), ("memory-bound", true)] {
            let planted = |case: &Taken| case.is_planted() && case.memory_bound == memory_bound;
            rows.push(row(&judged, kind.title(), class, &of_kind, &planted));
        }
    }
    let with_plant = |suite: &Suite| suite.kind.is_planted();
    rows.push(row(&judged, "any plant", "the others", &with_plant, &|case| !case.is_planted()));
    rows
}

fn row(
    judged: &[(&Suite, Vec<Change>)],
    change: &str,
    cases: &str,
    counts: &dyn Fn(&Suite) -> bool,
    holds: &dyn Fn(&Taken) -> bool,
) -> Row {
    let (mut suites, mut suites_slower, mut pairs) = (0, 0, Vec::new());
    let mut found = Vec::new();
    for (suite, changes) in judged.iter().filter(|(suite, _)| counts(suite)) {
        let verdicts = suite.cases.iter().zip(changes).filter(|(case, _)| holds(case));
        let before = found.len();
        for (case, change) in verdicts {
            found.push(*change);
            pairs.push(case.pairs());
        }
        suites += 1;
        suites_slower += u64::from(found[before..].contains(&Change::Slower));
    }
    let count = |change| found.iter().filter(|found| **found == change).count() as u64;
    let (verdicts, slower) = (found.len() as u64, count(Change::Slower));
    let pairs_max = pairs.iter().max().map_or(0, |most| *most as u64);
    let pairs = Samples::new(pairs.into_iter().map(|pairs| pairs as f64));
    Row {
        change: change.to_owned(),
        cases: cases.to_owned(),
        suites,
        suites_slower,
        suites_slower_95: stats::clopper_pearson(suites_slower, suites, LEVEL),
        verdicts,
        slower,
        slower_95: stats::clopper_pearson(slower, verdicts, LEVEL),
        faster: count(Change::Faster),
        unclear: count(Change::Unclear),
        same: count(Change::Same),
        pairs_median: if pairs.is_empty() { 0.0 } else { pairs.median() },
        pairs_max,
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::tests::suite;
    use super::*;

    const FLOW: &str = "calibration/flow/n64";
    const TRIAD: &str = "calibration/triad/n400000";

    #[test]
    fn verdicts_are_counted_by_change_and_class() {
        let quiet = [("a/b/c", false, 1.0), (FLOW, false, 1.0), (TRIAD, true, 1.0)];
        let odd = [("a/b/c", false, 1.04), (FLOW, false, 0.9), (TRIAD, true, 1.0)];
        let plant = [("a/b/c", false, 1.0), (FLOW, false, 1.05), (TRIAD, true, 1.02)];
        let suites = [
            suite(Kind::None, &quiet),
            suite(Kind::None, &odd),
            suite(Kind::Plant5, &plant),
            suite(Kind::None, &quiet),
        ];
        let rows = rows(&suites);
        let named: Vec<_> = rows.iter().map(|row| (&*row.change, &*row.cases)).collect();
        let want = [
            ("no change", "all"),
            ("code moved", "all"),
            ("+2 %", "compute-bound"),
            ("+2 %", "memory-bound"),
            ("+5 %", "compute-bound"),
            ("+5 %", "memory-bound"),
            ("+10 %", "compute-bound"),
            ("+10 %", "memory-bound"),
            ("sleeps 0.3 ms", "compute-bound"),
            ("sleeps 0.3 ms", "memory-bound"),
            ("any plant", "the others"),
        ];
        assert_eq!(named, want, "rows");
        let counts = |row: &Row| {
            let Row { suites, suites_slower, verdicts, slower, faster, unclear, same, .. } = *row;
            [suites, suites_slower, verdicts, slower, faster, unclear, same]
        };
        assert_eq!(counts(&rows[0]), [3, 1, 9, 1, 1, 0, 7], "no change");
        assert_eq!(counts(&rows[1]), [0; 7], "no suites");
        assert_eq!(counts(&rows[4]), [1, 1, 1, 1, 0, 0, 0], "+5 % of the flow");
        assert_eq!(counts(&rows[5]), [1, 0, 1, 0, 0, 0, 1], "the triad");
        assert_eq!(counts(&rows[10]), [1, 0, 1, 0, 0, 0, 1], "beside the plants");
        assert_eq!((rows[0].pairs_median, rows[0].pairs_max), (50.0, 50), "pairs");
        // One of three, and one of one: (1 - p)^3 and p are 0.025 at the ends.
        let low = 1.0 - 0.975_f64.cbrt();
        assert!((rows[0].suites_slower_95.0 - low).abs() < 1e-9, "{rows:?}");
        assert!((rows[4].slower_95.0 - 0.025).abs() < 1e-9 && rows[4].slower_95.1 == 1.0, "one");
    }
}
