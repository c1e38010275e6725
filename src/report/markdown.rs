//! A Markdown table of a wall record, with the instruction counts beside it.

use std::fmt::Write as _;

use crate::machine::Environment;
use crate::record::{Instructions, Measure, Record, Wall};

/// What one run of a case does, to turn its time into a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// How many units one run handles.
    pub units: u64,
    /// The unit's name, in the singular.
    pub unit: &'static str,
}

/// One row per wall time; instruction counts where there are any.
///
/// `unit` says what a case does; a case that it does not know has no rate.
pub fn table(
    wall: &Record<Wall>,
    counts: Option<&Record<Instructions>>,
    unit: impl Fn(&str) -> Option<Unit>,
) -> String {
    let counts = counts.map(Record::by_id).unwrap_or_default();
    let samples = wall.cases.first().map_or(0, |case| case.samples);
    let mut text = format!("{} Medians of {samples} samples.\n", header(wall));
    text +=
        "\n| case | implementation | median | p5 - p95 | per unit | instructions | heap blocks |\n";
    text += "|---|---|---:|---:|---:|---:|---:|\n";
    for case in &wall.cases {
        let per_unit = unit(&case.id).map_or_else(
            || "-".to_owned(),
            |Unit { units, unit }| format!("{} / {unit}", time(case.median_ns / units as f64)),
        );
        let (instructions, heap) = counts.get(case.id.as_str()).map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |counts| (thousands(counts.instructions), counts.heap_blocks.to_string()),
        );
        writeln!(
            text,
            "| `{}` | {} | {} | {} - {} | {per_unit} | {instructions} | {heap} |",
            case.id,
            case.implementation,
            time(case.median_ns),
            time(case.p05_ns),
            time(case.p95_ns),
        )
        .expect("a String grows");
    }
    text
}

/// Where and when a record with the environment of wall times was measured.
pub(super) fn header<M: Measure>(record: &Record<M>) -> String {
    let date = record.started.split('T').next().unwrap_or("unknown");
    let place = place(&record.environment, record.commit.as_deref(), record.dirty);
    format!("Measured {date} on {place}.")
}

/// The machine, the compiler and the commit.
pub(super) fn place(environment: &Environment, commit: Option<&str>, dirty: bool) -> String {
    let get = |name: &str| environment.get(name).map_or("unknown", String::as_str);
    let commit = commit.map_or("unknown", |commit| commit.get(..12).unwrap_or(commit));
    let vm = if get("virtualised") == "true" { ", virtual machine" } else { "" };
    format!(
        "{} (family {}, model {}, {} cores{vm}; {}), {}, {}, rustc {}, commit {commit}{}",
        get("cpu_name"),
        get("cpu_family"),
        get("cpu_model"),
        get("cpu_cores"),
        get("dispatch"),
        get("kernel"),
        get("libc"),
        get("rustc"),
        if dirty { " with changes" } else { "" },
    )
}

/// Three significant digits and the unit that fits.
pub(super) fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A value below 1000 to three digits, or two decimals.
pub(super) fn three_digits(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}")
}

/// `1,234,567`
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|g| std::str::from_utf8(g).expect("ASCII"))
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_the_unit_that_fits() {
        let got = [0.5, 9.994, 12.34, 999.0, 1234.0, 5.678e6, 2e9].map(time);
        assert_eq!(
            got,
            ["0.50 ns", "9.99 ns", "12.3 ns", "999 ns", "1.23 us", "5.68 ms", "2.00 s"],
            "times"
        );
        assert_eq!([7, 1234, 1_000_000].map(thousands), ["7", "1,234", "1,000,000"], "groups");
    }
}
