//! Who is sampled when: blocks of pairs in random order, until every case is settled.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::decide::{self, Evidence, Judged, LOOKS, Look};
use super::process::{Limits, Lost, Process};
use super::protocol::{LEAD, Listed};
use super::subject::Subject;
use super::{Build, ROUNDS, Samples};
use crate::case;
use crate::gate::{Change, Dropped, Exit, Metric, Tolerance};
use crate::record;

/// A sample takes about so long, unless one step takes longer.
const SAMPLE_NS: f64 = 3e6;

/// A step is tried for about so long.
const TRIAL_NS: u64 = 1_000_000;

/// A self-test prefers a case whose step is shorter.
const SHORT_NS: f64 = 1e6;

/// The builds that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// Two, of which the second one is new.
    OldAndNew,
    /// Both are the new one.
    New,
}

impl Sides {
    /// The name of the first or the second one.
    fn name(self, build: usize) -> &'static str {
        if build == 0 && self == Self::OldAndNew { "OLD" } else { "NEW" }
    }
}

/// Takes samples of two builds.
pub(super) struct Runner {
    pub(super) builds: [Build; 2],
    pub(super) sides: Sides,
    /// The version of the protocol that both speak.
    pub(super) protocol: u32,
    pub(super) limits: Limits,
    /// Whether a case whose output bits are part of its definition may have others.
    pub(super) allow_changed: bool,
    /// Into how many parts the first sample of a case is divided, to round all to whole parts.
    pub(super) parts: Option<u64>,
    pub(super) rng: Xoshiro256PlusPlus,
}

/// A worker that has no answer: that of the first build or of the second one.
type LostBy = (usize, Lost);

impl Runner {
    /// Chooses a subject of each chapter, and one of its cases on a GPU: the first with a short step, or
    /// else the one with the shortest. Drops the cases whose workers have no answer.
    pub(super) fn of_each_chapter(
        &mut self,
        cases: &[Listed],
        tolerance: &Tolerance,
    ) -> (Vec<Subject>, Vec<Dropped>) {
        fn chapter(case: &Listed) -> (&str, bool) {
            (record::chapter(&case.id), case.metric == Metric::CudaEvent)
        }
        let (mut chosen, mut dropped) = (Vec::new(), Vec::new());
        for cases in cases.chunk_by(|a, b| chapter(a) == chapter(b)) {
            let mut best: Option<(f64, &Listed)> = None;
            for case in cases {
                let hello = self
                    .start(1, &case.id, None)
                    .and_then(|mut worker| worker.hello().map_err(|lost| (1, lost)));
                let hello = match hello {
                    Ok(hello) => hello,
                    Err(lost) => {
                        dropped.push(self.dropped(&case.id, lost));
                        continue;
                    }
                };
                if best.is_none_or(|(step_ns, _)| hello.step_ns < step_ns) {
                    best = Some((hello.step_ns, case));
                }
                if hello.step_ns < SHORT_NS {
                    break;
                }
            }
            chosen.extend(best.map(|(_, case)| Subject::new(case, tolerance)));
        }
        (chosen, dropped)
    }

    fn start(&self, build: usize, id: &str, digest: Option<&str>) -> Result<Process, LostBy> {
        let worker = Process::start(&self.builds[build], id, digest, self.limits, self.protocol);
        worker.map_err(|err| (build, err.into()))
    }

    /// What it means for a case that a worker has no answer: that of the old build may be at fault.
    fn dropped(&self, id: &str, (build, lost): LostBy) -> Dropped {
        let name = self.sides.name(build);
        let (exit, why) = lost.of_case(name);
        let exit = if name == "OLD" { Exit::Incomparable } else { exit };
        Dropped { id: id.to_owned(), exit, why }
    }

    /// Samples the subjects until each is settled or dropped, takes too long, or the last look
    /// is over; judges those that are not dropped, in their order.
    pub(super) fn settle(
        &mut self,
        subjects: &mut [Subject],
        looks: &[Look],
        watch: &mut dyn FnMut(&str),
    ) -> Vec<Judged> {
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
                    if let Err(lost) = self.block(subject) {
                        subject.dropped = Some(self.dropped(&subject.samples.id, lost));
                    }
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
        judged
    }

    /// Takes one block of a subject, from a fresh process of each build.
    fn block(&mut self, subject: &mut Subject) -> Result<(), LostBy> {
        let id = &subject.samples.id;
        let old_first = self.rng.random();
        let start = |build: usize| self.start(build, id, subject.digests[build].as_deref());
        let mut workers = if old_first {
            let old = start(0)?;
            [old, start(1)?]
        } else {
            let new = start(1)?;
            [start(0)?, new]
        };
        let is_first = subject.samples.blocks.is_empty();
        let mut step_ns = [0.0; 2];
        for build in [1, 0] {
            let hello = workers[build].hello().map_err(|lost| (build, lost))?;
            step_ns[build] = hello.step_ns;
            subject.digests[build] = Some(hello.digest).filter(|digest| !digest.is_empty());
            if is_first && build == 1 && hello.threads {
                subject.notes.push(THREADS.to_owned());
            }
        }
        if is_first {
            let metric = subject.samples.metric;
            subject.samples.steps = steps(slower_step_ns(&mut workers, step_ns, metric)?);
            self.compare_digests(subject);
            if subject.dropped.is_some() {
                return Ok(());
            }
        }
        let samples = &mut subject.samples;
        let (mut block, mut waited) = ([[0; 2]; ROUNDS], [[0; 2]; ROUNDS]);
        for (pair, waited) in block.iter_mut().zip(&mut waited) {
            for build in if self.rng.random() { [0, 1] } else { [1, 0] } {
                // As many calls before as after would hide what goes wrong at some of them.
                let lead = self.rng.random_range(0..=LEAD.min(samples.steps));
                let cost = workers[build].sample(samples.steps, lead, samples.metric);
                let cost = cost.map_err(|lost| (build, lost))?;
                if let (0, Some(parts)) = (subject.grain_ns, self.parts) {
                    subject.grain_ns = (cost.ns / parts).max(1);
                }
                pair[build] = rounded(cost.ns, subject.grain_ns.max(1));
                waited[build] = cost.waited_ns;
            }
        }
        samples.blocks.push(block);
        samples.waited.push(waited);
        let [old, new] = workers;
        for (build, worker) in [(1, new), (0, old)] {
            worker.end().map_err(|lost| (build, lost))?;
        }
        Ok(())
    }

    /// Compares the output bits of two builds, both of which their checks approve of.
    fn compare_digests(&self, subject: &mut Subject) {
        let [Some(old), Some(new)] = &subject.digests else { return };
        if old == new || self.sides == Sides::New {
            return;
        }
        let what = format!("leaves other bits in NEW ({new}) than in OLD ({old})");
        if subject.exact && !self.allow_changed {
            let why = format!("{what}, which its definition fixes; --allow-changed accepts them");
            let (id, exit) = (subject.samples.id.clone(), Exit::Incomparable);
            subject.dropped = Some(Dropped { id, exit, why });
        } else {
            subject.notes.push(what);
        }
    }
}

/// The time of a step of the slower one of two builds: a sample of the other may be short, but none
/// takes minutes. A worker that lost its processor while it tried a step says too much, so that it is
/// asked where the two differ.
fn slower_step_ns(
    workers: &mut [Process; 2],
    step_ns: [f64; 2],
    metric: Metric,
) -> Result<f64, LostBy> {
    let slower = usize::from(step_ns[1] > step_ns[0]);
    let (mut least_ns, other_ns) = (step_ns[slower], step_ns[1 - slower]);
    let mut steps = 1;
    while least_ns > 2.0 * other_ns {
        let cost = workers[slower].sample(steps, 0, metric).map_err(|lost| (slower, lost))?;
        least_ns = least_ns.min(cost.ns as f64 / steps as f64);
        if cost.ns >= TRIAL_NS {
            break;
        }
        steps *= 2;
    }
    Ok(least_ns.max(other_ns))
}

/// Said of a case whose worker computes on other threads, too.
const THREADS: &str = "runs on several threads but does not say so: the CPU time of all of them \
                       counts; `.threaded()` has the case timed by the wall";

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
    use super::super::subject::tests::subject;
    use super::*;

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
