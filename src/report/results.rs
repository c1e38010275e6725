//! The results of a chapter as a Markdown table, times with the instruction counts beside them.

use std::collections::BTreeSet;

use crate::draw::Table;
use crate::draw::numbers::{thousands, three_digits, time};
use crate::machine::Environment;
use crate::record::{Record, Row};

/// Work of one run of a case, which turns its time into rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How many units one run handles.
    pub units: u64,
    /// The unit's name, in the singular.
    pub unit: &'static str,
    /// Floating-point operations of one run; 0 for integer kernels.
    pub flops: u64,
}

const HEAD: [&str; 8] = [
    "case",
    "implementation",
    "median",
    "p5 - p95",
    "per unit",
    "GFLOP/s",
    "instructions",
    "heap blocks",
];

/// One row per time of a chapter; counts, rates and operations where they are known.
///
/// `work` says what a case does; a case that it does not know has no rate.
pub fn table(
    times: &Record,
    counts: Option<&Record>,
    work: impl Fn(&str) -> Option<Work>,
) -> String {
    let counts = counts.map(Record::by_id).unwrap_or_default();
    let samples = times.cases.first().map_or(0, |case| case.count("samples"));
    let row = |case: &Row| {
        let ns = case.number("median_ns");
        let none = || "-".to_owned();
        let work = work(&case.id);
        let per_unit = work.map_or_else(none, |Work { units, unit, .. }| {
            format!("{} / {unit}", time(ns / units as f64))
        });
        let gflops = work.filter(|work| work.flops > 0);
        let gflops = gflops.map_or_else(none, |work| three_digits(work.flops as f64 / ns));
        let counted = |name, shown: fn(u64) -> String| {
            counts.get(case.id.as_str()).map_or_else(none, |row| shown(row.count(name)))
        };
        vec![
            format!("`{}`", case.id),
            case.implementation.clone(),
            time(ns),
            format!("{} - {}", time(case.number("p05_ns")), time(case.number("p95_ns"))),
            per_unit,
            gflops,
            counted("instructions", thousands),
            counted("heap_blocks", |n| n.to_string()),
        ]
    };
    let table = Table::new(&HEAD, times.cases.iter().map(row).collect());
    format!("{} Medians of {samples} samples.\n\n{}", header(times), table.markdown("llr"))
}

/// Where and when the rows of a record with the environment of wall times were measured.
pub(super) fn header(record: &Record) -> String {
    let all = |of: &dyn Fn(&Row) -> String| {
        let values: BTreeSet<String> = record.cases.iter().map(of).collect();
        values.into_iter().collect::<Vec<_>>().join(", ")
    };
    let dates = all(&|row| row.origin.started.split('T').next().unwrap_or("unknown").to_owned());
    let commits = all(&|row| commit(row.origin.commit.as_deref(), row.origin.dirty));
    format!("Measured {dates} on {}, commit {commits}.", machine(&record.environment))
}

/// The first digits of a commit, and whether the tree differed from it.
pub(super) fn commit(commit: Option<&str>, dirty: bool) -> String {
    let commit = commit.map_or("unknown", |commit| commit.get(..12).unwrap_or(commit));
    format!("{commit}{}", if dirty { " with changes" } else { "" })
}

/// The machine and the compiler.
pub(super) fn machine(environment: &Environment) -> String {
    let get = |name: &str| environment.get(name).map_or("unknown", String::as_str);
    let vm = if get("virtualised") == "true" { ", virtual machine" } else { "" };
    format!(
        "{} (family {}, model {}, {} cores{vm}; {}), {}, {}, rustc {}",
        get("cpu_name"),
        get("cpu_family"),
        get("cpu_model"),
        get("cpu_cores"),
        get("dispatch"),
        get("kernel"),
        get("libc"),
        get("rustc"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{WALL, counted, wall};

    #[test]
    fn rates_are_of_what_a_case_does() {
        let environment = [("cpu_name".to_owned(), "A".to_owned())].into();
        let walls = Record::new(&WALL, environment);
        let walls = walls.with(vec![wall("a/b/n1", 1000.0), wall("a/b/n2", 1000.0)]);
        let counts = walls.with(vec![counted("a/b/n1", 12_345, 0)]);
        let work =
            |id: &str| (id == "a/b/n1").then_some(Work { units: 10, unit: "step", flops: 25_000 });
        let text = table(&walls, Some(&counts), work);
        let row = "| `a/b/n1` | scalar | 1.00 us | 900 ns - 1.10 us | 100 ns / step | 25.0 | \
                   12,345 | 0 |";
        assert!(text.contains(row), "`{row}` in {text}");
        assert!(
            text.contains("| `a/b/n2` | scalar | 1.00 us | 900 ns - 1.10 us | - | - | - | - |")
        );
        assert!(text.starts_with("Measured 2026-01-02 on A (family unknown"), "{text}");
    }
}
