//! One suite: its samples, and the verdicts that follow from them.

use std::array;

use serde::{Deserialize, Serialize};

use super::{Kind, PLANTED};
use crate::gate::duet::decide::LOOKS;
use crate::gate::duet::{ROUNDS, Samples, judge_samples};
use crate::gate::{Change, Metric};
use crate::machine::Environment;

/// The version of a line of the file.
pub const SCHEMA: u32 = 1;

/// Samples are rounded to a 500th before they are judged, a quarter of what the code's place moves
/// them by, so that the file stays small and whoever has it gets the same verdicts.
pub const PARTS: u64 = 500;

/// One paired run over all cases of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The difference between the builds.
    pub kind: Kind,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// When it started, in UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many processes wanted to run when it started, on average over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// The commit that was checked out; absent outside git.
    pub commit: Option<String>,
    /// Whether the tree differed from it.
    pub dirty: bool,
    /// Digest of the sources of the executable.
    pub source: String,
    /// Digests of the executables, old and new.
    pub executables: [String; 2],
    /// Fields of the environment that times depend on.
    pub environment: Environment,
    /// The samples, case by case.
    pub cases: Vec<Taken>,
}

/// The samples of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The case.
    pub id: String,
    /// Whether it waits for memory rather than computes.
    pub memory_bound: bool,
    /// The clock.
    pub metric: Metric,
    /// How much slower was too slow, as a share.
    pub margin: f64,
    /// How many steps each sample took.
    pub steps: u64,
    /// Resolution of the samples, in nanoseconds: the first one divided by [`PARTS`].
    pub unit_ns: u64,
    /// Block by block: samples of the old build and the new one in turn.
    pub blocks: Vec<[u64; 2 * ROUNDS]>,
}

impl Taken {
    /// The samples of a case, which are multiples of `unit_ns`.
    pub fn new(samples: Samples, unit_ns: u64, memory_bound: bool) -> Self {
        let Samples { id, metric, margin, steps, blocks, waited: _ } = samples;
        let block =
            |block: [[u64; 2]; ROUNDS]| array::from_fn(|at| block.as_flattened()[at] / unit_ns);
        let blocks = blocks.into_iter().map(block).collect();
        Self { id, memory_bound, metric, margin, steps, unit_ns, blocks }
    }

    /// The same samples in nanoseconds.
    fn samples(&self) -> Samples {
        let block = |block: &[u64; 2 * ROUNDS]| {
            array::from_fn(|pair| [0, 1].map(|build| block[2 * pair + build] * self.unit_ns))
        };
        Samples {
            id: self.id.clone(),
            metric: self.metric,
            margin: self.margin,
            steps: self.steps,
            blocks: self.blocks.iter().map(block).collect(),
            waited: Vec::new(),
        }
    }

    /// Whether suites plant a slowdown in it.
    pub fn is_planted(&self) -> bool {
        self.id.starts_with(PLANTED)
    }

    /// How many pairs were taken.
    pub fn pairs(&self) -> usize {
        self.blocks.len() * ROUNDS
    }
}

impl Suite {
    /// The verdict on each case, in their order.
    pub fn changes(&self) -> Vec<Change> {
        let all: Vec<Samples> = self.cases.iter().map(Taken::samples).collect();
        judge_samples(all.iter()).into_iter().map(|judged| judged.change).collect()
    }

    /// Returns the reason why it cannot be judged, if there is one.
    pub(super) fn flaw(&self) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("schema {}, expected {SCHEMA}", self.schema));
        }
        if self.cases.is_empty() {
            return Some("no cases".to_owned());
        }
        let can_be = |case: &Taken| {
            let len = case.blocks.len();
            let possible = 1..=1_u64 << 30;
            LOOKS.iter().any(|look| look.blocks == len)
                && case.blocks.as_flattened().iter().all(|time| possible.contains(time))
                && possible.contains(&case.unit_ns)
                && case.margin > 0.0
                && case.margin < 1.0
        };
        self.cases
            .iter()
            .find(|case| !can_be(case))
            .map(|case| format!("{}: samples, blocks or a margin that cannot be", case.id))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A suite of cases with an id, whether it is memory-bound, and how much slower it became.
    pub(crate) fn suite(kind: Kind, cases: &[(&str, bool, f64)]) -> Suite {
        let taken = |&(id, memory_bound, ratio): &(&str, bool, f64)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let block = |b: u64| {
                array::from_fn(|at| {
                    let old = 10_000 + 7 * b + at as u64;
                    if at % 2 == 0 { old } else { (old as f64 * ratio).round() as u64 }
                })
            };
            Taken {
                id: id.to_owned(),
                memory_bound,
                metric: Metric::CpuWait,
                margin: if memory_bound { 0.05 } else { 0.03 },
                steps: 1,
                unit_ns: 300,
                blocks: (0..10).map(block).collect(),
            }
        };
        Suite {
            schema: SCHEMA,
            kind,
            seed: 1,
            started: "2026-01-02T03:04:05Z".to_owned(),
            seconds: 20.0,
            load: Some([1.0, 2.0, 3.0]),
            commit: None,
            dirty: true,
            source: "0".to_owned(),
            executables: ["1".to_owned(), "1".to_owned()],
            environment: Environment::new(),
            cases: cases.iter().map(taken).collect(),
        }
    }

    #[test]
    fn verdicts_follow_from_the_samples_and_the_margins() {
        let suite = suite(Kind::None, &[("a/b/c", false, 1.04), ("a/b/d", true, 0.9)]);
        assert_eq!(suite.changes(), [Change::Slower, Change::Faster], "at 3 % and 5 %");
        let mut wide = suite.clone();
        wide.cases.iter_mut().for_each(|case| case.margin = 0.2);
        assert_eq!(wide.changes(), [Change::Same, Change::Same], "at 20 %");
        let text = serde_json::to_string(&suite).unwrap();
        let again: Suite = serde_json::from_str(&text).unwrap();
        assert_eq!((again.changes(), &again), (suite.changes(), &suite), "from the file");
    }

    #[test]
    fn samples_come_back_as_they_were_judged() {
        let blocks = vec![[[3000, 3300], [6000, 300], [300, 300], [900, 600], [300, 1200]]; 10];
        let samples = Samples {
            id: "a/b/c".to_owned(),
            metric: Metric::Wall,
            margin: 0.03,
            steps: 5,
            blocks,
            waited: Vec::new(),
        };
        let taken = Taken::new(samples.clone(), 300, false);
        assert_eq!(taken.blocks[0], [10, 11, 20, 1, 1, 1, 3, 2, 1, 4], "old and new in turn");
        assert_eq!((taken.samples(), taken.pairs()), (samples, 50), "back");
    }

    #[test]
    fn samples_that_cannot_be_are_flaws() {
        let good = suite(Kind::None, &[("a/b/c", false, 1.0)]);
        assert_eq!(good.flaw(), None, "none");
        let spoils: [fn(&mut Suite); 7] = [
            |suite| suite.schema = 2,
            |suite| suite.cases.clear(),
            |suite| suite.cases[0].blocks.truncate(9),
            |suite| suite.cases[0].blocks[3][2] = 0,
            |suite| suite.cases[0].unit_ns = 0,
            |suite| suite.cases[0].margin = -0.01,
            |suite| suite.cases[0].margin = f64::NAN,
        ];
        for spoil in spoils {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(bad.flaw().is_some(), "{bad:?}");
        }
    }
}
