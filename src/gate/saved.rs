//! Tier 4: wall times against a baseline saved on the same machine; pure.
//!
//! Two runs of one build, hours apart, differ by more than any margin worth having, so ranges that
//! lie apart are not yet a change: they decide only where the same run's self-test passed, and its
//! pairs do not say otherwise.

use std::fmt;

use super::paired::Change;
use super::verdict::Findings;
use crate::exit::Exit;
use crate::record::Row;

/// How far medians may lie apart and still be the same, and how far apart ranges must lie: 5 %,
/// the margin of memory-bound cases.
const MARGIN: f64 = 0.05;

/// The wall time of one case beside its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// The case.
    pub id: String,
    /// New median over old median: above 1 is slower.
    pub ratio: f64,
    /// Whether the ranges between the 5 % and 95 % quantiles overlap.
    pub overlap: bool,
    /// What follows.
    pub change: Change,
}

impl fmt::Display for Ratio {
    /// `  1.020x  SAME     a/b/n1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, ratio, overlap, change } = self;
        let (word, why) = match change {
            Change::Slower => ("SLOWER", "  (5-95 % ranges apart)"),
            Change::Faster => ("FASTER", "  (5-95 % ranges apart)"),
            Change::Same => ("SAME", ""),
            Change::Unclear if *overlap => ("UNCLEAR", ""),
            Change::Unclear => {
                ("UNCLEAR", "  (5-95 % ranges apart; a saved time alone cannot tell why)")
            }
        };
        write!(f, "{ratio:>6.3}x  {word:<7}  {id}{why}")
    }
}

/// The wall times of pairs from one machine, as [`super::comparable`] returns them.
///
/// `self_test` says how this run's comparison of the new build with itself ended. Without one,
/// ranges that lie apart are [`Change::Unclear`]; after one that failed, everything is.
pub(super) fn ratios(pairs: &[(&Row, &Row)], self_test: Option<bool>) -> Vec<Ratio> {
    let ratio = |&(old, new): &(&Row, &Row)| {
        let change = match (apart(old, new), self_test) {
            (_, Some(false)) => Change::Unclear,
            (Change::Slower | Change::Faster, None) => Change::Unclear,
            (change, _) => change,
        };
        Ratio {
            id: old.id.clone(),
            ratio: new.number("median_ns") / old.number("median_ns"),
            overlap: overlap(old, new),
            change,
        }
    };
    pairs.iter().map(ratio).collect()
}

/// Tier 4: every case that is [`Change::Slower`] is a regression.
///
/// `reproduce` is the shell line that measures a case again.
pub(super) fn slower(
    ratios: &[Ratio],
    reproduce: impl Fn(&str) -> String,
    findings: &mut Findings,
) {
    for Ratio { id, ratio, .. } in ratios.iter().filter(|ratio| ratio.change == Change::Slower) {
        let what = format!(
            "{ratio:.3} times the baseline's wall time, 5-95 % ranges more than {:.0} % apart",
            100.0 * MARGIN
        );
        findings.push(Exit::Regression, id, what, Some(reproduce(id)));
    }
}

/// What the quantiles say by themselves: noise of the machine included.
pub(super) fn apart(old: &Row, new: &Row) -> Change {
    let (ratio, most) = (new.number("median_ns") / old.number("median_ns"), 1.0 + MARGIN);
    if new.number("p05_ns") > old.number("p95_ns") * most {
        Change::Slower
    } else if old.number("p05_ns") > new.number("p95_ns") * most {
        Change::Faster
    } else if overlap(old, new) && ratio.max(1.0 / ratio) <= most {
        Change::Same
    } else {
        Change::Unclear
    }
}

fn overlap(old: &Row, new: &Row) -> bool {
    new.number("p05_ns") <= old.number("p95_ns") && old.number("p05_ns") <= new.number("p95_ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles at 5 %, 50 % and 95 %.
    fn wall(p05_ns: f64, median_ns: f64, p95_ns: f64) -> Row {
        let mut row = crate::record::wall("a/b/n1", median_ns);
        for (name, ns) in [("p05_ns", p05_ns), ("p95_ns", p95_ns)] {
            row.metrics.insert(name.to_owned(), ns.into());
        }
        row
    }

    fn of(old: &Row, new: &Row, self_test: Option<bool>) -> Ratio {
        ratios(&[(old, new)], self_test).remove(0)
    }

    #[test]
    fn what_could_be_noise_is_unclear() {
        let old = wall(90.0, 100.0, 110.0);
        for (new, change, overlap) in [
            (wall(90.0, 100.0, 110.0), Change::Same, true),
            (wall(95.0, 105.0, 115.0), Change::Same, true),
            (wall(95.0, 105.1, 115.0), Change::Unclear, true),
            (wall(86.0, 95.3, 99.0), Change::Same, true),
            (wall(86.0, 95.2, 99.0), Change::Unclear, true),
            // Apart, but by no more than the margin.
            (wall(115.5, 120.0, 130.0), Change::Unclear, false),
            (wall(115.6, 120.0, 130.0), Change::Slower, false),
            (wall(75.0, 80.0, 85.8), Change::Unclear, false),
            (wall(75.0, 80.0, 85.7), Change::Faster, false),
        ] {
            let got = of(&old, &new, Some(true));
            assert_eq!((got.change, got.overlap), (change, overlap), "{new:?}");
            assert_eq!(got.ratio, new.number("median_ns") / 100.0, "ratio");
        }
    }

    #[test]
    fn ranges_apart_decide_only_after_a_self_test_that_passed() {
        let (old, new) = (wall(90.0, 100.0, 110.0), wall(190.0, 200.0, 210.0));
        for (self_test, change, failures) in [
            (Some(true), Change::Slower, 1),
            (None, Change::Unclear, 0),
            (Some(false), Change::Unclear, 0),
        ] {
            let got = of(&old, &new, self_test);
            assert_eq!(got.change, change, "{self_test:?}");
            let faster = of(&new, &old, self_test);
            assert_eq!(faster.change == Change::Faster, self_test == Some(true), "{faster}");
            let mut findings = Findings::default();
            slower(&[got, faster], |id| format!("cargo bench -- {id}"), &mut findings);
            assert_eq!(findings.count(Exit::Regression), failures, "{findings:?}");
            for finding in findings.iter() {
                let said = finding.to_string();
                assert!(said.contains("a/b/n1: 2.000 times"), "{said}");
                assert!(said.ends_with("more than 5 % apart; cargo bench -- a/b/n1"), "{said}");
            }
        }
        assert_eq!(of(&old, &old, None).change, Change::Same, "no self-test");
        assert_eq!(of(&old, &old, Some(false)).change, Change::Unclear, "a machine not to trust");
    }

    #[test]
    fn a_line_says_why_it_is_unclear() {
        let (old, new) = (wall(90.0, 100.0, 110.0), wall(190.0, 200.0, 210.0));
        assert_eq!(of(&old, &old, None).to_string(), " 1.000x  SAME     a/b/n1", "same");
        assert_eq!(
            of(&old, &new, None).to_string(),
            " 2.000x  UNCLEAR  a/b/n1  (5-95 % ranges apart; a saved time alone cannot tell why)",
            "unclear"
        );
        assert!(of(&old, &new, Some(true)).to_string().contains("SLOWER   a/b/n1  ("), "slower");
    }
}
