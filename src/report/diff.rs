//! A table of the changes that a record would make as the new baseline.

use crate::draw::{Table, numbers};
use crate::gate::{Shift, Shifted};
use crate::record::metric::{self, Instrument};
use crate::record::{Row, Value};

/// One line per number that differs, and one per case that is new or gone; empty if none is.
///
/// With `ratchet`, only of the cases that are tighter or new, and of those that are worse and keep
/// their baseline.
pub fn diff(instrument: &Instrument, shifts: &[Shifted<'_>], ratchet: bool) -> String {
    let rows: Vec<Vec<String>> = shifts
        .iter()
        .filter(|case| !(ratchet && case.shift == Shift::Within))
        .flat_map(|case| rows(instrument, case, mark(case.shift, ratchet)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    Table::new(&["case", "number", "old", "new", "change", ""], rows).text()
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

fn rows(instrument: &Instrument, case: &Shifted<'_>, mark: &str) -> Vec<Vec<String>> {
    let row = |name: &str, old: String, new: String, change: String| {
        vec![case.id.to_owned(), name.to_owned(), old, new, change, mark.to_owned()]
    };
    let none = || "-".to_owned();
    let value = |case: Option<&Row>, name| case.and_then(|case| case.value(name));
    let title = |name| metric::metric(name).map_or(name, |metric| metric.title);
    let (Some(old), Some(new)) = (case.old, case.new) else {
        let first = instrument.shown[0];
        let shown = |of| value(of, first).map_or_else(none, shown);
        return vec![row(title(first), shown(case.old), shown(case.new), none())];
    };
    let implementation = (old.implementation != new.implementation).then(|| {
        row("implementation", old.implementation.clone(), new.implementation.clone(), none())
    });
    let numbers = instrument.shown.iter().filter_map(|&name| {
        let (old, new) = (value(case.old, name)?, value(case.new, name)?);
        let (before, after) = (old.number(), new.number());
        let percent = 100.0 * (after - before) / before;
        let change = if before > 0.0 { format!("{percent:+.2} %") } else { none() };
        (old != new).then(|| row(title(name), shown(old), shown(new), change))
    });
    implementation.into_iter().chain(numbers).collect()
}

/// A count as it is, a time with its unit.
fn shown(value: Value) -> String {
    match value {
        Value::Count(n) => n.to_string(),
        Value::Number(ns) => numbers::time(ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{INSTRUCTIONS, PEERS, row};

    fn counted(id: &str, instructions: u64, heap_blocks: u64) -> Row {
        let mut row = crate::record::counted(id, instructions, 0);
        for (name, n) in [("heap_blocks", heap_blocks), ("heap_bytes", 8 * heap_blocks)] {
            row.metrics.insert(name.to_owned(), n.into());
        }
        row
    }

    #[test]
    fn every_number_that_differs_has_a_line() {
        let (old, new) = (counted("a/b/n1", 1000, 0), counted("a/b/n1", 1020, 1));
        let shifted = |old, new, shift| Shifted { id: "a/b/n1", old, new, shift };
        let diff = |shifts: &[Shifted<'_>], ratchet| diff(&INSTRUCTIONS, shifts, ratchet);
        let shifts = [
            shifted(Some(&old), Some(&new), Shift::Looser),
            shifted(Some(&old), Some(&old), Shift::Within),
            shifted(None, Some(&new), Shift::Added),
            shifted(Some(&old), None, Shift::Gone),
        ];
        let want = "\
case                  number   old   new   change
a/b/n1          instructions  1000  1020  +2.00 %  LOOSER
a/b/n1  heap blocks per step     0     1        -  LOOSER
a/b/n1   heap bytes per step     0     8        -  LOOSER
a/b/n1          instructions     -  1020        -     new
a/b/n1          instructions  1000     -        -    gone
";
        assert_eq!(diff(&shifts, false), want, "all");
        let near = Row { implementation: "avx2".to_owned(), ..counted("a/b/n1", 1001, 0) };
        let within = [shifted(Some(&old), Some(&near), Shift::Within)];
        let said = diff(&within, false);
        assert!(said.contains("scalar  avx2") && said.contains("1001  +0.10 %"), "{said}");
        assert_eq!(diff(&within, true), "", "a ratchet leaves it");
        let kept = diff(&shifts, true);
        assert!(kept.contains("worse: kept") && kept.contains("gone: kept"), "{kept}");
    }

    #[test]
    fn times_have_their_unit() {
        let peer = |theirs_ns: f64| {
            row("a/b/n1 other", &[("theirs_ns", theirs_ns.into()), ("ours_ns", 1.0.into())])
        };
        let (old, new) = (peer(2000.0), peer(1000.0));
        let shift = Shift::Within;
        let shifts = [Shifted { id: &old.id, old: Some(&old), new: Some(&new), shift }];
        let said = diff(&PEERS, &shifts, false);
        assert!(said.contains("theirs  2.00 us  1.00 us  -50.00 %"), "{said}");
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}
