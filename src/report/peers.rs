//! Two Markdown tables: peers that were measured beside us, and figures from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::markdown::{header, three_digits, time};
use crate::record::{Peer, Record};
use crate::stats;

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
    lines.map(|line| serde_json::from_str(line).expect("a test reads every line"))
}

/// The peers of one run, and below them, apart, what we know from elsewhere.
///
/// A ratio is their time over ours: above 1 we are faster.
pub fn peers(record: &Record<Peer>) -> String {
    let mut text = header(record);
    let rounds = record.cases.first().map_or(0, |case| case.ours_ns.len());
    write!(
        text,
        " One thread; medians of {rounds} rounds, theirs and ours in turn, per unit.\n\n\
         ### Measured in this run\n\n\
         | case | peer | theirs | ours | theirs / ours (min - max) | their error | flagged |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    )
    .expect("a String grows");
    let mut ours = BTreeMap::new();
    for case in &record.cases {
        let (id, _) = case.parts();
        let (their_ns, our_ns) = (median(&case.theirs_ns), median(&case.ours_ns));
        ours.insert(id, our_ns);
        let ratios = case.theirs_ns.iter().zip(&case.ours_ns).map(|(theirs, ours)| theirs / ours);
        let ratios = stats::sorted(ratios);
        writeln!(
            text,
            "| `{id}` | {} | {} | {} | {} ({} - {}) | {:.5} | {:.1} % |",
            case.version,
            time(their_ns),
            time(our_ns),
            three_digits(stats::quantile(&ratios, 0.5)),
            three_digits(ratios[0]),
            three_digits(ratios[ratios.len() - 1]),
            case.mse,
            100.0 * case.flagged,
        )
        .expect("a String grows");
    }
    text += "\nTheir error: mean square per coordinate of what is not flagged as overloaded.\n\n\
             ### Measured elsewhere, on other machines\n\n\
             | case | program | theirs | ours, in this run | theirs / ours, across machines | caveat | source |\n\
             |---|---|---:|---:|---:|---|---|\n";
    for Elsewhere { case, peer, units_per_s, source, caveat } in elsewhere() {
        let their_ns = 1e9 / units_per_s;
        let (our_time, ratio) = ours.get(case.as_str()).map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |&our_ns| (time(our_ns), three_digits(their_ns / our_ns)),
        );
        writeln!(
            text,
            "| `{case}` | {peer} | {} | {our_time} | {ratio} | {caveat} | {source} |",
            time(their_ns)
        )
        .expect("a String grows");
    }
    text
}

fn median(times: &[f64]) -> f64 {
    stats::quantile(&stats::sorted(times.iter().copied()), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SCHEMA;

    fn record(id: &str) -> Record<Peer> {
        let case = Peer {
            id: id.to_owned(),
            implementation: "avx512".to_owned(),
            version: "other 1.0".to_owned(),
            theirs_ns: vec![20.0, 30.0, 22.0],
            ours_ns: vec![2.0, 2.0, 1.0],
            mse: 0.01,
            flagged: 0.034,
        };
        Record {
            schema: SCHEMA,
            instrument: "peers".to_owned(),
            harness: "0.1.0".to_owned(),
            started: "2026-01-02T03:04:05.678Z".to_owned(),
            commit: None,
            dirty: false,
            source: "0".to_owned(),
            executable: "1".to_owned(),
            reason: None,
            environment: BTreeMap::new(),
            cases: vec![case],
        }
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
