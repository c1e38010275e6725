//! The comparison for people.

use super::entry::{Row, Unit};
use super::{Changed, Comparison, Mean, named};
use crate::draw::Table;
use crate::draw::numbers::{count, short, time};

fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => time(1e9 * value),
        Unit::Bytes if value >= 1e3 => format!("{}B", count(value)),
        Unit::Bytes => format!("{value:.0} B"),
        Unit::Rate => format!("{}B/s", count(value)),
        Unit::Number => short(value),
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn interval(low: Option<f64>, high: Option<f64>) -> String {
    low.zip(high).map_or_else(|| "-".to_owned(), |(low, high)| format!("{low:.3} to {high:.3}"))
}

/// The whole comparison.
pub fn text(found: &Comparison) -> String {
    let Comparison { chapter, a, b, margin_pct, times, others, .. } = found;
    let mut text = format!("{chapter}\nA: {}\nB: {}\n\n", a.display(), b.display());
    let row = |row: &Row| {
        let word = row.verdict.map_or("", |verdict| verdict.name()).to_owned();
        let both = [row.a, row.b].map(|number| value(row.unit, number));
        let ends = interval(row.low, row.high);
        [&[row.id.clone()][..], &both, &[ratio(row.ratio), ends, word, row.by.clone()]].concat()
    };
    let head = ["time", "A", "B", "B over A", "95 % interval", "verdict", "by"];
    text += &Table::new(&head, times.iter().map(row).collect()).text();
    if let Some(Mean { ratio: mean, low, high, entries }) = found.geometric_mean {
        let ends = match low.zip(high) {
            Some(_) => format!(" ({})", interval(low, high)),
            None => ", without an interval".to_owned(),
        };
        text += &format!("\ngeometric mean of {entries}: {mean:.3}{ends}\n");
    }
    text += &format!(
        "slower, faster: the whole interval lies beyond {margin_pct} %; same: it lies within; unclear: \
         neither\n"
    );
    if !others.is_empty() {
        let row = |row: &Row| {
            let both = [row.a, row.b].map(|number| value(row.unit, number));
            [&[row.id.clone()][..], &both, &[ratio(row.ratio)]].concat()
        };
        let table = Table::new(
            &["one number each", "A", "B", "B over A"],
            others.iter().map(row).collect(),
        );
        text += &format!("\n{}", table.text());
    }
    text.push('\n');
    for Changed { name, a, b } in &found.changed {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".to_owned());
        text += &format!("changed: {name}: {} -> {}\n", said(a), said(b));
    }
    if found.changed.is_empty() {
        text += "changed: nothing that the files say\n";
    }
    if !found.knows_machines {
        text += "the files do not both say which machine they are of\n";
    }
    for (side, only) in [("A", &found.only_in_a), ("B", &found.only_in_b)] {
        if !only.is_empty() {
            text += &format!("only in {side}: {}\n", named(only));
        }
    }
    text + "intervals hold what varied within each run, not what differs from one process to the next\n"
}
