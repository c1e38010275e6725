//! The error rates of paired runs, and the margins that follow.

use super::table;
use crate::gate::calibrate::{Chosen, Margins, Row};

/// The table of rates; a row without suites says `why_none` of its change instead.
pub fn calibration(rows: &[Row], why_none: &dyn Fn(&Row) -> String) -> String {
    let head = [
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
    let (mut lines, mut missing) = (Vec::new(), String::new());
    for row in rows {
        if row.verdicts == 0 {
            missing += &format!("{}, {}: {}\n", row.change, row.cases, why_none(row));
            continue;
        }
        let of = |count: u64, all: u64| percent(count as f64 / all as f64);
        lines.push(vec![
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
        ]);
    }
    table::aligned(&head, &lines) + &missing
}

/// What is said of the margins, a line for each class and one of what they rest on.
pub fn margins(margins: &Margins) -> String {
    let class = |name: &str, chosen: &Chosen| {
        let tried = chosen
            .false_alarms
            .iter()
            .map(|(percent, alarms)| format!("{alarms} of {} at {percent} %", chosen.verdicts));
        let tried = tried.collect::<Vec<_>>().join(", ");
        let percent = chosen.percent.map_or("none".to_owned(), |percent| format!("{percent} %"));
        format!("margin of {name} cases: {percent}; false alarms: {tried}\n")
    };
    class("compute-bound", &margins.compute)
        + &class("memory-bound", &margins.memory)
        + &format!(
            "chosen by judging the samples of {} unchanged suites again at each margin; pairs were \
             taken at the margins of the time\n",
            margins.suites
        )
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// `0.0 - 1.8`
fn interval((low, high): (f64, f64)) -> String {
    format!("{} - {}", percent(low), percent(high))
}
