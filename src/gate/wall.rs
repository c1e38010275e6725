//! Wall times beside a baseline saved on the same machine: they inform, and decide nothing.
//!
//! Two runs of one build, hours apart, differ by more than any margin worth having, so a saved time
//! cannot tell a change from a busy neighbour.

use std::fmt;

use super::timed::Change;
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
    /// Whether the ranges overlap and the medians lie within 5 %; else the times do not tell.
    pub same: bool,
}

impl Ratio {
    /// The wall time of a case beside its baseline, both of one machine.
    pub fn new(old: &Row, new: &Row) -> Self {
        Self {
            id: old.id.clone(),
            ratio: new.number("median_ns") / old.number("median_ns"),
            overlap: overlap(old, new),
            same: apart(old, new) == Change::Same,
        }
    }
}

impl fmt::Display for Ratio {
    /// `  1.020x  SAME     a/b/n1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, ratio, overlap, same } = self;
        let word = if *same { "SAME" } else { "UNCLEAR" };
        let why = match overlap {
            true => "",
            false => "  (5-95 % ranges apart; a saved time alone cannot tell why)",
        };
        write!(f, "{ratio:>6.3}x  {word:<7}  {id}{why}")
    }
}

/// The comparison of the quantiles by themselves: noise of the machine included.
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

    #[test]
    fn what_could_be_noise_is_not_the_same_and_ranges_apart_are_a_shift() {
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
            let got = Ratio::new(&old, &new);
            assert_eq!((apart(&old, &new), got.overlap), (change, overlap), "{new:?}");
            assert_eq!(got.same, change == Change::Same, "{new:?}");
            assert_eq!(got.ratio, new.number("median_ns") / 100.0, "ratio");
        }
    }

    #[test]
    fn a_line_says_why_it_is_unclear() {
        let (old, new) = (wall(90.0, 100.0, 110.0), wall(190.0, 200.0, 210.0));
        let said = |old, new| Ratio::new(old, new).to_string();
        assert_eq!(said(&old, &old), " 1.000x  SAME     a/b/n1", "same");
        assert_eq!(
            said(&old, &new),
            " 2.000x  UNCLEAR  a/b/n1  (5-95 % ranges apart; a saved time alone cannot tell why)",
            "unclear"
        );
    }
}
