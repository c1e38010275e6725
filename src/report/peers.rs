//! Two Markdown tables: peers that were measured beside us, and figures from elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::results::header;
use crate::draw::Table;
use crate::draw::numbers::{three_digits, time};
use crate::record::{Record, Row};

/// A figure that was measured on another machine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    case: String,
    peer: String,
    units_per_s: f64,
    source: String,
    caveat: String,
}

fn elsewhere() -> impl Iterator<Item = Elsewhere> {
    let lines = include_str!("../../benches/peers/elsewhere.jsonl").lines();
    lines.map(|line| serde_json::from_slice(line.as_bytes()).expect("a test reads every line"))
}

const MEASURED: [&str; 7] =
    ["case", "peer", "theirs", "ours", "theirs / ours (min - max)", "their error", "flagged"];
const KNOWN: [&str; 7] = [
    "case",
    "program",
    "theirs",
    "ours, in this run",
    "theirs / ours, across machines",
    "caveat",
    "source",
];

/// The peers of one run, and below them, apart, what we know from elsewhere.
///
/// A ratio is their time over ours: above 1 we are faster.
pub fn peers(record: &Record) -> String {
    let rounds = record.cases.first().map_or(0, |case| case.count("rounds"));
    let none = || "-".to_owned();
    let mut ours = BTreeMap::new();
    let row = |case: &Row| {
        let id = case.id.split(' ').next().unwrap_or_default();
        let [ratio, min, max] =
            ["ratio", "ratio_min", "ratio_max"].map(|name| three_digits(case.number(name)));
        let said = |name, shown: fn(f64) -> String| {
            case.value(name).map_or_else(none, |value| shown(value.number()))
        };
        ours.insert(id.to_owned(), case.number("ours_ns"));
        vec![
            format!("`{id}`"),
            case.implementation.clone(),
            time(case.number("theirs_ns")),
            time(case.number("ours_ns")),
            format!("{ratio} ({min} - {max})"),
            said("mse", |mse| format!("{mse:.5}")),
            said("flagged", |share| format!("{:.1} %", 100.0 * share)),
        ]
    };
    let measured = Table::new(&MEASURED, record.cases.iter().map(row).collect());
    let row = |Elsewhere { case, peer, units_per_s, source, caveat }| {
        let their_ns = 1e9 / units_per_s;
        let ours = ours.get(case.as_str());
        let ratio = ours.map_or_else(none, |our_ns| three_digits(their_ns / our_ns));
        let ours = ours.map_or_else(none, |our_ns| time(*our_ns));
        vec![format!("`{case}`"), peer, time(their_ns), ours, ratio, caveat, source]
    };
    let known = Table::new(&KNOWN, elsewhere().map(row).collect());
    format!(
        "{} One thread; medians of {rounds} rounds, theirs and ours in turn, per unit.\n\n\
         ### Measured in this run\n\n\
         {}\n\
         Their error: mean square per coordinate of what is not flagged as overloaded.\n\n\
         ### Measured elsewhere, on other machines\n\n\
         {}",
        header(record),
        measured.markdown("llr"),
        known.markdown("llrrrl"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{PEERS, row};

    fn record(id: &str) -> Record {
        let mut case = row(
            id,
            &[
                ("theirs_ns", 22.0.into()),
                ("ours_ns", 2.0.into()),
                ("ratio_min", 10.0.into()),
                ("ratio", 15.0.into()),
                ("ratio_max", 22.0.into()),
                ("rounds", 3.into()),
                ("mse", 0.01.into()),
                ("flagged", 0.034.into()),
            ],
        );
        case.implementation = "other 1.0".to_owned();
        Record::new(&PEERS, BTreeMap::new()).with(vec![case])
    }

    #[test]
    fn ratios_are_of_rounds_and_the_two_tables_do_not_mix() {
        let text = peers(&record("a/b/n1 other"));
        let row =
            "| `a/b/n1` | other 1.0 | 22.0 ns | 2.00 ns | 15.0 (10.0 - 22.0) | 0.01000 | 3.4 % |";
        let (measured, rest) = text.split_once("### Measured elsewhere").unwrap();
        assert!(measured.contains(row) && measured.contains("3 rounds"), "{text}");
        for figure in elsewhere() {
            assert!(figure.units_per_s > 0.0 && !figure.source.is_empty(), "{}", figure.peer);
            assert!(!measured.contains(&figure.peer) && rest.contains(&figure.peer), "{text}");
        }
        assert!(rest.contains("| - | - |"), "no ratio without our time: {text}");
    }

    #[test]
    fn a_figure_from_elsewhere_is_compared_with_our_time_of_the_same_case() {
        let figure = elsewhere().next().unwrap();
        let text = peers(&record(&format!("{} other", figure.case)));
        let row = format!("| 2.00 ns | {} |", three_digits(1e9 / figure.units_per_s / 2.0));
        assert!(text.contains(&row), "`{row}` in {text}");
    }
}
