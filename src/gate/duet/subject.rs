//! A case between two builds: its samples so far, and whether it goes on.

use std::time::Duration;

use super::decide::{self, Judged, LOOKS, Look};
use super::protocol::Listed;
use super::{ROUNDS, Samples};
use crate::gate::{Dropped, Timed, Tolerance};

/// A case between two builds: what is known of it so far.
pub(super) struct Subject {
    pub(super) samples: Samples,
    /// Why it is not compared.
    pub(super) dropped: Option<Dropped>,
    /// Everything else there is to say of it.
    pub(super) notes: Vec<String>,
    /// Whether its output bits are part of its definition.
    pub(super) exact: bool,
    /// Of the right outputs, by build.
    pub(super) digests: [Option<String>; 2],
    pub(super) settled: bool,
    /// New over old at the last look, be that certain or not.
    pub(super) ratio: f64,
    /// Time of its blocks so far.
    pub(super) took: Duration,
    /// Resolution of its samples; zero before the first.
    pub(super) grain_ns: u64,
}

impl Subject {
    pub(super) fn new(case: &Listed, tolerance: &Tolerance) -> Self {
        let samples = Samples {
            id: case.id.clone(),
            metric: case.metric,
            margin: tolerance.margin(case.memory_bound),
            steps: 0,
            blocks: Vec::new(),
            waited: Vec::new(),
        };
        Self {
            samples,
            dropped: None,
            notes: Vec::new(),
            exact: case.exact,
            digests: [None, None],
            settled: false,
            ratio: 1.0,
            took: Duration::ZERO,
            grain_ns: 0,
        }
    }

    /// Estimates the time of the remaining blocks of `look`.
    pub(super) fn rest(&self, look: &Look) -> Duration {
        let blocks = self.samples.blocks.len();
        let more = look.blocks.saturating_sub(blocks) as f64 / blocks.max(1) as f64;
        self.took.mul_f64(more)
    }

    /// New over old at the last look, as a part of what it may be.
    pub(super) fn of_margin(&self) -> f64 {
        self.ratio / (1.0 + self.samples.margin)
    }

    /// Whether to go on to `look`, which is to take no longer than `limit`.
    ///
    /// A case that seems slower gets to the second look in any case: the first is too few blocks for a
    /// failure among many cases, the second is not.
    pub(super) fn is_open(&self, look: &Look, limit: Duration) -> bool {
        let must = self.of_margin() > 1.0 && look.blocks <= LOOKS[1].blocks;
        let in_time = must || self.rest(look) <= limit;
        self.dropped.is_none() && !self.settled && in_time
    }

    /// Its times and the verdict on them.
    pub(super) fn timed(&self, judged: Judged, seed: u64) -> Timed {
        let Judged { ratio, slower_p, slower_q, faster_p, faster_q, change } = judged;
        let samples = &self.samples;
        let (low, high) = decide::interval(&samples.log_ratios(), seed);
        Timed {
            id: samples.id.clone(),
            metric: samples.metric,
            margin: samples.margin,
            pairs: samples.blocks.len() * ROUNDS,
            old_ns: samples.median_ns(0),
            new_ns: samples.median_ns(1),
            old_waited_ns: samples.median_waited_ns(0),
            new_waited_ns: samples.median_waited_ns(1),
            ratio,
            low,
            high,
            slower_p,
            slower_q,
            faster_p,
            faster_q,
            change,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::protocol::PROTOCOL;
    use super::*;
    use crate::gate::{Exit, Metric};

    const LIMIT: Duration = Duration::from_secs(30);

    /// A case after so many blocks, which took so long.
    pub(crate) fn subject(blocks: usize, took: Duration) -> Subject {
        let (id, implementation) = ("a/b/n1".to_owned(), "scalar".to_owned());
        let case = Listed {
            id,
            implementation,
            metric: Metric::CpuWait,
            memory_bound: false,
            units: None,
            flops: None,
            bytes: None,
            exact: false,
            protocol: PROTOCOL,
        };
        let mut subject = Subject::new(&case, &Tolerance::default());
        subject.samples.blocks = vec![[[1; 2]; ROUNDS]; blocks];
        subject.took = took;
        subject
    }

    #[test]
    fn a_case_stays_where_another_look_would_take_over_thirty_seconds() {
        let is_open = |blocks, look: usize, took_ms| {
            subject(blocks, Duration::from_millis(took_ms)).is_open(&LOOKS[look], LIMIT)
        };
        assert!(is_open(0, 0, 0), "the first look is always taken");
        assert!(is_open(10, 1, 30_000) && !is_open(10, 1, 30_001), "as many again");
        assert!(is_open(20, 2, 10_000) && !is_open(20, 2, 10_001), "three times as many");
        let mut slower = subject(10, Duration::from_secs(60));
        slower.ratio = 1.04;
        assert!(slower.is_open(&LOOKS[1], LIMIT), "what seems slower is looked at twice");
        assert!(!slower.is_open(&LOOKS[2], LIMIT), "and no more");
        let mut settled = subject(10, Duration::ZERO);
        settled.settled = true;
        assert!(!settled.is_open(&LOOKS[1], LIMIT), "settled");
        let mut wrong = subject(10, Duration::ZERO);
        let (id, why) = ("a/b/n1".to_owned(), "y[0] is 1".to_owned());
        wrong.dropped = Some(Dropped { id, exit: Exit::Wrong, why });
        assert!(!wrong.is_open(&LOOKS[1], LIMIT), "dropped");
    }
}
