//! What `--json` writes.

use serde::Serialize;

use crate::gate::calibrate::{Margins, Row, SCHEMA, Suite};
use crate::machine::Environment;
use crate::stats;

/// The rates, and what they belong to.
#[derive(Debug, Serialize)]
pub(super) struct Rates {
    schema: u32,
    harness: &'static str,
    /// When the first and the last suite started, in UTC.
    started: [String; 2],
    /// The least, the median and the most of the loads of one minute.
    load: Option<[f64; 3]>,
    commit: Option<String>,
    dirty: bool,
    source: String,
    executable: String,
    environment: Environment,
    cases: Vec<String>,
    margins: Option<Margins>,
    rows: Vec<Row>,
}

impl Rates {
    pub(super) fn new(suites: &[Suite], rows: Vec<Row>, margins: Option<Margins>) -> Self {
        let first = suites.first().expect("there are suites");
        let started = || suites.iter().map(|suite| &suite.started);
        let range = [started().min(), started().max()];
        let load = stats::sorted(suites.iter().filter_map(|suite| Some(suite.load?[0])));
        let quantile = |p| stats::quantile(&load, p);
        Self {
            schema: SCHEMA,
            harness: env!("CARGO_PKG_VERSION"),
            started: range.map(|at| at.expect("there are suites").clone()),
            load: (!load.is_empty()).then(|| [0.0, 0.5, 1.0].map(quantile)),
            commit: first.commit.clone(),
            dirty: suites.iter().any(|suite| suite.dirty),
            source: first.source.clone(),
            executable: first.executables[0].clone(),
            environment: first.environment.clone(),
            cases: first.cases.iter().map(|case| case.id.clone()).collect(),
            margins,
            rows,
        }
    }
}
