//! One line of a record: a case and its numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metric::{self, Instrument, Unit};

/// A number as files hold it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// How many.
    Count(u64),
    /// Anything else, finite.
    Number(f64),
}

impl Value {
    /// The value as a float.
    pub fn number(self) -> f64 {
        match self {
            Self::Count(n) => n as f64,
            Self::Number(x) => x,
        }
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Count(n)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

/// The run that measured a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it, apart from `baselines/`.
    pub dirty: bool,
    /// Digest of the sources that were measured.
    pub source: String,
    /// When the run started, in UTC.
    pub started: String,
    /// Why the row became a baseline; absent from a row that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The numbers of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The case; of a peer, the case and the peer with a blank between them.
    pub id: String,
    /// Which implementation was measured.
    pub implementation: String,
    /// The numbers by the name of their metric.
    pub metrics: BTreeMap<String, Value>,
    /// The run that measured them.
    pub origin: Origin,
}

impl Row {
    /// The chapter of the case: the first part of the id.
    pub fn chapter(&self) -> &str {
        super::chapter(&self.id)
    }

    /// The value of a metric.
    ///
    /// # Panics
    ///
    /// If the row lacks it: a row that was read holds every metric of its instrument.
    pub fn number(&self, name: &str) -> f64 {
        self.value(name).unwrap_or_else(|| panic!("{} has no {name}", self.id)).number()
    }

    /// The value of a metric that counts.
    ///
    /// # Panics
    ///
    /// If the row lacks it, or it is no count.
    pub fn count(&self, name: &str) -> u64 {
        match self.value(name) {
            Some(Value::Count(n)) => n,
            found => panic!("{}: {name} is {found:?}, no count", self.id),
        }
    }

    /// The value of a metric, if the row has it.
    pub fn value(&self, name: &str) -> Option<Value> {
        self.metrics.get(name).copied()
    }

    /// Makes whole numbers that are no counts floats again: JSON does not tell them apart.
    pub(super) fn restore(&mut self) {
        for (name, value) in &mut self.metrics {
            if metric::metric(name).is_some_and(|metric| !metric.unit.is_integer()) {
                *value = Value::Number(value.number());
            }
        }
    }

    /// Says why the row cannot be one of the instrument, if so.
    pub fn flaw(&self, instrument: &Instrument) -> Option<String> {
        let known = |name: &&str| self.metrics.contains_key(*name);
        if let Some(lacks) = instrument.metrics.iter().find(|name| !known(name)) {
            return Some(format!("{} without {lacks}", self.id));
        }
        for (name, value) in &self.metrics {
            let of = instrument.metrics.iter().chain(instrument.optional);
            let metric = of.clone().any(|other| other == name).then(|| metric::metric(name));
            let Some(metric) = metric.flatten() else {
                return Some(format!("{}: unknown metric `{name}`", self.id));
            };
            if !is_plausible(metric.unit, *value) {
                return Some(format!("{}: {name} is {}", self.id, value.number()));
            }
        }
        let ascending: Vec<f64> = instrument.ascending.iter().map(|n| self.number(n)).collect();
        if !ascending.is_sorted() {
            return Some(format!("{}: {} out of order", self.id, instrument.ascending.join(", ")));
        }
        let words = self.id.split(' ').filter(|word| !word.is_empty()).count();
        let blanks = self.id.matches(char::is_whitespace).count();
        (words != instrument.words || blanks + 1 != instrument.words)
            .then(|| format!("`{}`, which is no id of this instrument", self.id))
    }
}

/// Whether a metric can have such a value.
fn is_plausible(unit: Unit, value: Value) -> bool {
    let x = value.number();
    let fits = match unit {
        Unit::Positive | Unit::Ns | Unit::Ratio => x > 0.0,
        Unit::Share => (0.0..1.0).contains(&x),
        Unit::Count | Unit::Square => x >= 0.0,
    };
    fits && x.is_finite() && (!unit.is_integer() || matches!(value, Value::Count(_)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::metric::{INSTRUCTIONS, PEERS, WALL};
    use super::*;

    /// A row that nothing measured.
    pub(crate) fn row(id: &str, numbers: &[(&str, Value)]) -> Row {
        Row {
            id: id.to_owned(),
            implementation: "scalar".to_owned(),
            metrics: numbers.iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
            origin: Origin {
                commit: None,
                dirty: false,
                source: "0".to_owned(),
                started: "2026-01-02T03:04:05.678Z".to_owned(),
                reason: None,
            },
        }
    }

    /// Counts that nothing measured.
    pub(crate) fn counted(id: &str, instructions: u64, d1_misses: u64) -> Row {
        row(
            id,
            &[
                ("instructions", instructions.into()),
                ("d1_misses", d1_misses.into()),
                ("ll_misses", 0.into()),
                ("heap_blocks", 0.into()),
                ("heap_bytes", 0.into()),
            ],
        )
    }

    /// Wall times that nothing measured, with ranges of 10 % on both sides.
    pub(crate) fn wall(id: &str, median_ns: f64) -> Row {
        row(
            id,
            &[
                ("p05_ns", (0.9 * median_ns).into()),
                ("p25_ns", (0.95 * median_ns).into()),
                ("median_ns", median_ns.into()),
                ("p75_ns", (1.05 * median_ns).into()),
                ("p95_ns", (1.1 * median_ns).into()),
                ("samples", 60.into()),
            ],
        )
    }

    fn with(row: &Row, name: &str, value: impl Into<Value>) -> Row {
        let mut row = row.clone();
        row.metrics.insert(name.to_owned(), value.into());
        row
    }

    #[test]
    fn wall_times_that_cannot_be_are_refused() {
        let wall = wall("a/b/n1", 3.0);
        assert_eq!(wall.flaw(&WALL), None, "these can be");
        for wrong in [
            with(&wall, "median_ns", 4.5),
            with(&wall, "p05_ns", 0.0),
            with(&wall, "p05_ns", f64::NAN),
            with(&wall, "p95_ns", f64::INFINITY),
            with(&wall, "samples", 0),
            with(&wall, "samples", 60.0),
            with(&wall, "unknown", 1.0),
            with(&wall, "instructions", 1),
            Row { id: "a/b/n1 other".to_owned(), ..wall.clone() },
        ] {
            assert!(wrong.flaw(&WALL).is_some(), "{wrong:?}");
        }
        let mut lacking = wall;
        lacking.metrics.remove("p25_ns");
        assert_eq!(lacking.flaw(&WALL).as_deref(), Some("a/b/n1 without p25_ns"), "one less");
    }

    #[test]
    fn a_step_without_instructions_is_refused_and_one_without_misses_is_not() {
        assert_eq!(counted("a/b/n1", 1, 0).flaw(&INSTRUCTIONS), None, "no misses");
        assert!(counted("a/b/n1", 0, 0).flaw(&INSTRUCTIONS).is_some(), "nothing ran");
    }

    #[test]
    fn a_comparison_that_cannot_be_is_refused() {
        let peer = row(
            "a/b/n1 other",
            &[
                ("theirs_ns", 2.0.into()),
                ("ours_ns", 1.0.into()),
                ("ratio_min", 1.5.into()),
                ("ratio", 2.0.into()),
                ("ratio_max", 2.5.into()),
                ("rounds", 3.into()),
            ],
        );
        assert_eq!(peer.flaw(&PEERS), None, "this can be");
        assert_eq!(with(&peer, "mse", 0.0).flaw(&PEERS), None, "with its error");
        for wrong in [
            Row { id: "a/b/n1".to_owned(), ..peer.clone() },
            Row { id: "a/b/n1 ".to_owned(), ..peer.clone() },
            Row { id: "a/b/n1 an other".to_owned(), ..peer.clone() },
            with(&peer, "ours_ns", 0.0),
            with(&peer, "ratio", 3.0),
            with(&peer, "rounds", 0),
            with(&peer, "mse", f64::NAN),
            with(&peer, "flagged", 1.0),
        ] {
            assert!(wrong.flaw(&PEERS).is_some(), "{wrong:?}");
        }
    }
}
