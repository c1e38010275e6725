//! The error rates of paired runs.

use super::results::{commit, machine};
use crate::draw::Table;
use crate::gate::calibrate::{Rates, Row};

const HEAD: [&str; 13] = [
    "change",
    "cases",
    "suites",
    "FAIL %",
    "95 %",
    "verdicts",
    "FAIL %",
    "95 %",
    "FASTER %",
    "UNCLEAR %",
    "SAME %",
    "pairs",
    "most",
];

/// The table of rates; a row without suites says `why_none` of its change instead.
pub fn calibration(rows: &[Row], why_none: &dyn Fn(&Row) -> String) -> String {
    let missing = rows.iter().filter(|row| row.verdicts == 0);
    let missing = missing.map(|row| format!("{}, {}: {}\n", row.change, row.cases, why_none(row)));
    table(rows).text() + &missing.collect::<String>()
}

/// The same table in Markdown, less the rows without suites, and what it belongs to.
pub fn rates(rates: &Rates) -> String {
    let [first, last] = rates.started.each_ref().map(|at| at.get(..16).unwrap_or(at));
    let load = rates.load.map_or(String::new(), |[least, median, most]| {
        format!(", load {least:.1} to {most:.1} (median {median:.1})")
    });
    let measured = format!(
        "{} cases a suite, from {first} to {last} UTC on {}, commit {}{load}.",
        rates.cases.len(),
        machine(&rates.environment),
        commit(rates.commit.as_deref(), rates.dirty),
    );
    format!("{measured}\n\n{}", table(&rates.rows).markdown("r"))
}

fn table(rows: &[Row]) -> Table {
    let of = |count: u64, all: u64| percent(count as f64 / all as f64);
    let line = |row: &Row| {
        vec![
            row.change.clone(),
            row.cases.clone(),
            row.suites.to_string(),
            of(row.suites_slower, row.suites),
            interval(row.suites_slower_95),
            row.verdicts.to_string(),
            of(row.slower, row.verdicts),
            interval(row.slower_95),
            of(row.faster, row.verdicts),
            of(row.unclear, row.verdicts),
            of(row.same, row.verdicts),
            format!("{:.0}", row.pairs_median),
            row.pairs_max.to_string(),
        ]
    };
    let lines = rows.iter().filter(|row| row.verdicts > 0).map(line);
    Table::new(&HEAD, lines.collect())
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// `0.0 - 1.8`
fn interval((low, high): (f64, f64)) -> String {
    format!("{} - {}", percent(low), percent(high))
}
