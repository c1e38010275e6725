//! The rates as `baselines/` holds them.

use serde::{Deserialize, Serialize};

use super::{Row, Suite};
use crate::machine::Environment;
use crate::stats::Samples;

/// The name of the file.
pub const RATES_FILE: &str = "error-rates.json";

/// The version of the file.
pub const RATES_SCHEMA: u32 = 2;

/// The rates, and what they belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// [`RATES_SCHEMA`].
    pub schema: u32,
    /// The version of this crate.
    pub harness: String,
    /// When the first and the last suite started, in UTC.
    pub started: [String; 2],
    /// The least, the median and the most of the loads of one minute.
    pub load: Option<[f64; 3]>,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it at some time.
    pub dirty: bool,
    /// Digest of the sources of the executable.
    pub source: String,
    /// Digest of the old executable of the first suite.
    pub executable: String,
    /// Fields of the environment that times depend on.
    pub environment: Environment,
    /// The cases of a suite.
    pub cases: Vec<String>,
    /// The rates.
    pub rows: Vec<Row>,
}

impl Rates {
    /// The rates of suites.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn new(suites: &[Suite], rows: Vec<Row>) -> Self {
        let first = suites.first().expect("there are suites");
        let started = || suites.iter().map(|suite| &suite.started);
        let range = [started().min(), started().max()];
        let load = Samples::new(suites.iter().filter_map(|suite| Some(suite.load?[0])));
        Self {
            schema: RATES_SCHEMA,
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            started: range.map(|at| at.expect("there are suites").clone()),
            load: (!load.is_empty()).then(|| [load.min(), load.median(), load.max()]),
            commit: first.commit.clone(),
            dirty: suites.iter().any(|suite| suite.dirty),
            source: first.source.clone(),
            executable: first.executables[0].clone(),
            environment: first.environment.clone(),
            cases: first.cases.iter().map(|case| case.id.clone()).collect(),
            rows,
        }
    }
}
