//! Who is sampled when: blocks of pairs in random order, until every case is settled.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::decide::{self, Evidence, Judged, LOOKS, Look};
use super::process::{Answer, Limits, Process};
use super::protocol::Listed;
use super::{Build, Error, ROUNDS, Samples};
use crate::case;
use crate::gate::{Change, Dropped, Exit, Metric, Timed, Tolerance};
use crate::record;

/// A sample takes about so long, unless one step takes longer.
const SAMPLE_NS: f64 = 3e6;

/// A self-test prefers a case whose step is shorter.
const SHORT_NS: f64 = 1e6;

/// A case between two builds: what is known of it so far.
pub(super) struct Subject {
    pub(super) samples: Samples,
    /// Why it is not compared.
    pub(super) dropped: Option<Dropped>,
    /// Of the right outputs, by build.
    digests: [Option<String>; 2],
    settled: bool,
    /// New over old at the last look, be that certain or not.
    ratio: f64,
    /// Time of its blocks so far.
    took: Duration,
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
        };
        let digests = [None, None];
        let took = Duration::ZERO;
        Self { samples, dropped: None, digests, settled: false, ratio: 1.0, took, grain_ns: 0 }
    }

    fn drop(&mut self, build: usize, why: String) {
        let (exit, build) =
            if build == 1 { (Exit::Wrong, "NEW") } else { (Exit::Incomparable, "OLD") };
        let why = format!("the answer of {build} is wrong: {why}");
        self.dropped = Some(Dropped { id: self.samples.id.clone(), exit, why });
    }

    /// Estimates the time of the remaining blocks of `look`.
    fn rest(&self, look: &Look) -> Duration {
        let blocks = self.samples.blocks.len();
        let more = look.blocks.saturating_sub(blocks) as f64 / blocks.max(1) as f64;
        self.took.mul_f64(more)
    }

    /// New over old at the last look, as a part of what it may be.
    fn of_margin(&self) -> f64 {
        self.ratio / (1.0 + self.samples.margin)
    }

    /// Whether to go on to `look`, which is to take no longer than `limit`.
    ///
    /// A case that seems slower gets to the second look in any case: the first is too few blocks for a
    /// failure among many cases, the second is not.
    fn is_open(&self, look: &Look, limit: Duration) -> bool {
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

/// Takes samples of two builds.
pub(super) struct Runner<'a> {
    /// Old and new.
    pub(super) builds: [&'a Build; 2],
    pub(super) limits: Limits,
    /// Into how many parts the first sample of a case is divided, to round all to whole parts.
    pub(super) parts: Option<u64>,
    pub(super) rng: Xoshiro256PlusPlus,
}

impl Runner<'_> {
    /// One subject of each chapter, and one of its cases on a GPU: the first with a short step, or
    /// else the one with the shortest.
    pub(super) fn of_each_chapter(
        &mut self,
        cases: &[Listed],
        tolerance: &Tolerance,
    ) -> Result<Vec<Subject>, Error> {
        fn chapter(case: &Listed) -> (&str, bool) {
            (record::chapter(&case.id), case.metric == Metric::CudaEvent)
        }
        let mut chosen = Vec::new();
        for cases in cases.chunk_by(|a, b| chapter(a) == chapter(b)) {
            let mut best: Option<(f64, &Listed)> = None;
            for case in cases {
                let mut worker = Process::start(self.builds[1], &case.id, None, self.limits)?;
                // A wrong answer is found again, and told, when the builds are compared.
                let Answer::Right(hello) = worker.hello()? else { continue };
                if best.is_none_or(|(step_ns, _)| hello.step_ns < step_ns) {
                    best = Some((hello.step_ns, case));
                }
                if hello.step_ns < SHORT_NS {
                    break;
                }
            }
            chosen.extend(best.map(|(_, case)| Subject::new(case, tolerance)));
        }
        Ok(chosen)
    }

    /// Samples the subjects until each is settled or dropped, takes too long, or the last look
    /// is over; judges those that are not dropped, in their order.
    pub(super) fn settle(
        &mut self,
        subjects: &mut [Subject],
        looks: &[Look],
        watch: &mut dyn FnMut(&str),
    ) -> Result<Vec<Judged>, Error> {
        let mut judged = Vec::new();
        let mut blocks = 0;
        for look in looks {
            let mut open: Vec<_> =
                subjects.iter_mut().filter(|s| s.is_open(look, self.limits.look)).collect();
            if look.blocks > LOOKS[1].blocks {
                let all = open.len();
                open = affordable(open, look, self.limits.last_look);
                if open.len() < all {
                    let (stay, most) = (all - open.len(), self.limits.last_look.as_secs());
                    let stay = case::count(stay);
                    watch(&format!("{stay} left unclear: the last look takes {most} s"));
                }
            }
            if open.is_empty() {
                break;
            }
            watch(&format!("{} pairs of {}", look.blocks * ROUNDS, case::count(open.len())));
            while blocks < look.blocks {
                open.shuffle(&mut self.rng);
                for subject in open.iter_mut().filter(|s| s.dropped.is_none()) {
                    let start = Instant::now();
                    self.block(subject)?;
                    subject.took += start.elapsed();
                }
                blocks += 1;
            }
            judged = judge(subjects);
            for (subject, judged) in
                subjects.iter_mut().filter(|s| s.dropped.is_none()).zip(&judged)
            {
                subject.settled |= judged.change != Change::Unclear;
                subject.ratio = judged.ratio;
            }
        }
        Ok(judged)
    }

    /// Takes one block of a subject, from a fresh process of each build.
    fn block(&mut self, subject: &mut Subject) -> Result<(), Error> {
        let id = &subject.samples.id;
        let start = |build: usize| {
            Process::start(self.builds[build], id, subject.digests[build].as_deref(), self.limits)
        };
        let mut workers = if self.rng.random() {
            let old = start(0)?;
            [old, start(1)?]
        } else {
            let new = start(1)?;
            [start(0)?, new]
        };
        // The least: something else may have run while one of them was tried.
        let mut step_ns = f64::INFINITY;
        for build in [1, 0] {
            match workers[build].hello()? {
                Answer::Wrong(why) => {
                    subject.drop(build, why);
                    return Ok(());
                }
                Answer::Right(hello) => {
                    step_ns = step_ns.min(hello.step_ns);
                    subject.digests[build] = Some(hello.digest).filter(|digest| !digest.is_empty());
                }
            }
        }
        let samples = &mut subject.samples;
        if samples.steps == 0 {
            samples.steps = steps(step_ns);
        }
        let mut block = [[0; 2]; ROUNDS];
        for pair in &mut block {
            for build in if self.rng.random() { [0, 1] } else { [1, 0] } {
                let ns = workers[build].sample(samples.steps, samples.metric)?;
                if let (0, Some(parts)) = (subject.grain_ns, self.parts) {
                    subject.grain_ns = (ns / parts).max(1);
                }
                pair[build] = rounded(ns, subject.grain_ns.max(1));
            }
        }
        samples.blocks.push(block);
        let [old, new] = workers;
        for (build, worker) in [(1, new), (0, old)] {
            if let Answer::Wrong(why) = worker.end()? {
                subject.drop(build, why);
                break;
            }
        }
        Ok(())
    }
}

/// Those that seem slowest, as many as `look` can take within a limit.
fn affordable<'a>(
    mut subjects: Vec<&'a mut Subject>,
    look: &Look,
    limit: Duration,
) -> Vec<&'a mut Subject> {
    subjects.sort_by(|a, b| b.of_margin().total_cmp(&a.of_margin()));
    let mut left = limit;
    subjects.retain(|subject| {
        let after = left.checked_sub(subject.rest(look));
        left = after.unwrap_or(left);
        after.is_some()
    });
    subjects
}

/// How many steps a sample takes, the same for both builds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 1..=3e6")]
fn steps(step_ns: f64) -> u64 {
    (SAMPLE_NS / step_ns.max(1.0)).round().max(1.0) as u64
}

/// The nearest multiple of `grain_ns`, but never zero.
fn rounded(ns: u64, grain_ns: u64) -> u64 {
    ((ns + grain_ns / 2) / grain_ns).max(1) * grain_ns
}

/// Judges the subjects that are not dropped.
pub(super) fn judge(subjects: &[Subject]) -> Vec<Judged> {
    judge_samples(subjects.iter().filter(|s| s.dropped.is_none()).map(|s| &s.samples))
}

/// Judges the samples of one run together.
///
/// # Panics
///
/// If the number of blocks of a case is that of no look, or a sample is zero.
pub fn judge_samples<'a>(all: impl Iterator<Item = &'a Samples> + Clone) -> Vec<Judged> {
    let ratios: Vec<_> = all.clone().map(Samples::log_ratios).collect();
    let evidence: Vec<Evidence<'_>> =
        all.zip(&ratios).map(|(s, log_ratios)| Evidence { log_ratios, margin: s.margin }).collect();
    decide::judge(&evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// A case after so many blocks, which took so long.
    fn subject(blocks: usize, took: Duration) -> Subject {
        let (id, implementation) = ("a/b/n1".to_owned(), "scalar".to_owned());
        let metric = Metric::ThreadCpu;
        let case = Listed { id, implementation, metric, memory_bound: false, units: None };
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
        wrong.drop(1, "y[0] is 1".to_owned());
        assert!(!wrong.is_open(&LOOKS[1], LIMIT), "dropped");
    }

    #[test]
    fn the_last_look_is_at_the_slowest_that_fit() {
        let of = |(seconds, ratio)| {
            let mut subject = subject(20, Duration::from_secs(seconds));
            subject.ratio = ratio;
            subject
        };
        let mut all = [(1, 1.04), (9, 1.01), (1, 1.0), (2, 1.03)].map(of);
        // Within its margin, which is wider.
        all[0].samples.margin = 0.05;
        let mut ratios = |limit| -> Vec<f64> {
            let limit = Duration::from_secs(limit);
            let some = affordable(all.iter_mut().collect(), &LOOKS[2], limit);
            some.iter().map(|subject| subject.ratio).collect()
        };
        assert_eq!(ratios(39), [1.03, 1.04, 1.01, 1.0], "three times 13 s");
        assert_eq!(ratios(38), [1.03, 1.04, 1.01], "one too many");
        assert_eq!(ratios(12), [1.03, 1.04, 1.0], "what is large makes way");
        assert!(ratios(2).is_empty(), "none");
    }

    #[test]
    fn a_sample_is_three_milliseconds_of_steps_and_at_least_one() {
        assert_eq!([0.5, 1e3, 7e5, 1e9].map(steps), [3_000_000, 3000, 4, 1], "steps");
    }
}
