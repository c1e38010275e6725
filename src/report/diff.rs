//! What a record would change as the new baseline, as a table.

use super::{markdown, table};
use crate::gate::{Shift, Shifted, Tolerant};
use crate::record::{Gpu, Instructions, Peer, Wall};
use crate::stats;

/// A number of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// How many.
    Count(u64),
    /// A time, in nanoseconds.
    Time(f64),
}

impl Number {
    fn shown(self) -> String {
        match self {
            Self::Count(n) => n.to_string(),
            Self::Time(ns) => markdown::time(ns),
        }
    }

    fn value(self) -> f64 {
        match self {
            Self::Count(n) => n as f64,
            Self::Time(ns) => ns,
        }
    }
}

/// Named numbers of a case.
pub trait Columns: Tolerant {
    /// The numbers that a reader of a diff wants to see, always the same ones.
    fn columns(&self) -> Vec<(&'static str, Number)>;
}

impl Columns for Instructions {
    fn columns(&self) -> Vec<(&'static str, Number)> {
        vec![
            ("instructions", Number::Count(self.instructions)),
            ("D1 misses", Number::Count(self.d1_misses)),
            ("LL misses", Number::Count(self.ll_misses)),
            ("heap blocks", Number::Count(self.heap_blocks)),
            ("heap bytes", Number::Count(self.heap_bytes)),
        ]
    }
}

impl Columns for Wall {
    fn columns(&self) -> Vec<(&'static str, Number)> {
        vec![("median", Number::Time(self.median_ns))]
    }
}

impl Columns for Gpu {
    fn columns(&self) -> Vec<(&'static str, Number)> {
        self.0.columns()
    }
}

impl Columns for Peer {
    fn columns(&self) -> Vec<(&'static str, Number)> {
        let median = |times: &[f64]| {
            Number::Time(stats::quantile(&stats::sorted(times.iter().copied()), 0.5))
        };
        vec![("theirs", median(&self.theirs_ns)), ("ours", median(&self.ours_ns))]
    }
}

/// One line per number that differs, and one per case that is new or gone; empty if none is.
///
/// With `ratchet`, only of the cases that are tighter or new, and of those that are worse and keep
/// their baseline.
pub fn diff<M: Columns>(shifts: &[Shifted<'_, M>], ratchet: bool) -> String {
    let rows: Vec<Vec<String>> = shifts
        .iter()
        .filter(|case| !(ratchet && case.shift == Shift::Within))
        .flat_map(|case| rows(case, mark(case.shift, ratchet)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    table::aligned(&["case", "number", "old", "new", "change", ""], &rows)
}

fn mark(shift: Shift, ratchet: bool) -> &'static str {
    match (shift, ratchet) {
        (Shift::Added, _) => "new",
        (Shift::Gone, false) => "gone",
        (Shift::Gone, true) => "gone: kept",
        (Shift::Looser, false) => "LOOSER",
        (Shift::Looser, true) => "worse: kept",
        (Shift::Tighter, _) => "tighter",
        (Shift::Within, _) => "",
    }
}

fn rows<M: Columns>(case: &Shifted<'_, M>, mark: &str) -> Vec<Vec<String>> {
    let row = |name: &str, old: String, new: String, change: String| {
        vec![case.id.to_owned(), name.to_owned(), old, new, change, mark.to_owned()]
    };
    let none = || "-".to_owned();
    match (case.old, case.new) {
        (Some(old), Some(new)) => {
            let implementation = (old.implementation() != new.implementation()).then(|| {
                let [old, new] = [old, new].map(|case| case.implementation().to_owned());
                row("implementation", old, new, none())
            });
            let both = old.columns().into_iter().zip(new.columns());
            let numbers =
                both.filter(|((_, old), (_, new))| old != new).map(|((name, old), (_, new))| {
                    let (before, after) = (old.value(), new.value());
                    let percent = 100.0 * (after - before) / before;
                    let change = if before > 0.0 { format!("{percent:+.2} %") } else { none() };
                    row(name, old.shown(), new.shown(), change)
                });
            implementation.into_iter().chain(numbers).collect()
        }
        (old, new) => {
            let first = |case: Option<&M>| case.map(|case| case.columns()[0]);
            let name = first(old.or(new)).map_or("", |(name, _)| name);
            let shown = |case| first(case).map_or_else(none, |(_, number)| number.shown());
            vec![row(name, shown(old), shown(new), none())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(id: &str, instructions: u64, heap_blocks: u64) -> Instructions {
        Instructions {
            id: id.to_owned(),
            implementation: "scalar".to_owned(),
            instructions,
            d1_misses: 0,
            ll_misses: 0,
            heap_blocks,
            heap_bytes: 8 * heap_blocks,
        }
    }

    #[test]
    fn every_number_that_differs_has_a_line() {
        let (old, new) = (counted("a/b/n1", 1000, 0), counted("a/b/n1", 1020, 1));
        let shifted = |old, new, shift| Shifted { id: "a/b/n1", old, new, shift };
        let shifts = [
            shifted(Some(&old), Some(&new), Shift::Looser),
            shifted(Some(&old), Some(&old), Shift::Within),
            shifted(None, Some(&new), Shift::Added),
            shifted(Some(&old), None, Shift::Gone),
        ];
        let want = "\
case          number   old   new   change
a/b/n1  instructions  1000  1020  +2.00 %  LOOSER
a/b/n1   heap blocks     0     1        -  LOOSER
a/b/n1    heap bytes     0     8        -  LOOSER
a/b/n1  instructions     -  1020        -     new
a/b/n1  instructions  1000     -        -    gone
";
        assert_eq!(diff(&shifts, false), want, "all");
        let near = Instructions { implementation: "avx2".to_owned(), ..counted("a/b/n1", 1001, 0) };
        let within = [shifted(Some(&old), Some(&near), Shift::Within)];
        let said = diff(&within, false);
        assert!(said.contains("scalar  avx2") && said.contains("1001  +0.10 %"), "{said}");
        assert_eq!(diff(&within, true), "", "a ratchet leaves it");
        let kept = diff(&shifts, true);
        assert!(kept.contains("worse: kept") && kept.contains("gone: kept"), "{kept}");
    }

    #[test]
    fn times_are_medians_with_their_unit() {
        let old = Peer {
            id: "a/b/n1 other".to_owned(),
            implementation: "scalar".to_owned(),
            version: "other 1.0".to_owned(),
            theirs_ns: vec![3000.0, 1000.0, 2000.0],
            ours_ns: vec![1.0],
            mse: 0.0,
            flagged: 0.0,
        };
        let new = Peer { theirs_ns: vec![1000.0], ..old.clone() };
        let shift = Shift::Within;
        let shifts = [Shifted { id: &old.id, old: Some(&old), new: Some(&new), shift }];
        let said = diff(&shifts, false);
        assert!(said.contains("theirs  2.00 us  1.00 us  -50.00 %"), "{said}");
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}
