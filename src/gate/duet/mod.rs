//! Two builds side by side: pairs of samples, taken in turn, until each case is settled.
//!
//! A block is one process of each build for one case: five rounds of one sample of about 3 ms
//! each, in random order. Blocks of all cases are interleaved in random order, so that noise that
//! lasts spreads over the cases. After each look at the samples only the cases that are not
//! settled go on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use serde::Serialize;

use super::{Change, Dropped, Duet, Metric, SelfTest, Timed, Tolerance};
use crate::case;
use crate::stats;

pub mod build;
pub(crate) mod clock;
pub mod decide;
mod error;
mod findings;
pub mod lock;
mod process;
pub mod protocol;
pub mod right;
mod schedule;
mod subject;
mod suite;

pub use build::{Builds, Checkout};
use decide::{Judged, LOOKS};
pub use error::Error;
pub use findings::findings;
pub use lock::Lock;
pub use process::Limits;
use protocol::{FIRST, Listed, PROTOCOL};
pub use right::Checker;
pub use schedule::judge_samples;
use schedule::{Runner, Sides, judge};
use subject::Subject;
pub use suite::suite;

/// Samples of each build in a block.
pub const ROUNDS: usize = 5;

/// More log ratios of one sign than this share, and a build differs from itself.
const ONE_SIDED: f64 = 0.9;

/// A build: its executable, and what its workers are told beside the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The executable.
    pub exe: PathBuf,
    /// More arguments of every worker.
    pub args: Vec<String>,
}

impl Build {
    /// The executable alone.
    pub fn new(exe: impl Into<PathBuf>) -> Self {
        Self { exe: exe.into(), args: Vec::new() }
    }

    /// The same, whose workers speak a version of the protocol, at most the one that they know.
    fn speaking(&self, protocol: u32, known: u32) -> Self {
        let mut build = self.clone();
        if protocol < known {
            build.args.extend(["--protocol".to_owned(), protocol.to_string()]);
        }
        build
    }
}

/// Two builds to compare, and the way to do it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The old build.
    pub old: Build,
    /// The new build.
    pub new: Build,
    /// Name of the old build: a revision and its commit, or a file.
    pub against: String,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// How many looks to take at most, of [`LOOKS`].
    pub looks: usize,
    /// How much slower is too slow.
    pub tolerance: Tolerance,
    /// Whether a case whose output bits are part of its definition may have others.
    pub allow_changed: bool,
    /// How long a worker may take.
    pub limits: Limits,
}

/// The verdicts of a run, and what they rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The verdicts.
    pub duet: Duet,
    /// The samples, in the order of the verdicts.
    pub samples: Vec<Samples>,
}

/// The raw samples of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Samples {
    /// The case.
    pub id: String,
    /// The clock.
    pub metric: Metric,
    /// How much slower is too slow, as a share.
    pub margin: f64,
    /// How many steps each sample took.
    pub steps: u64,
    /// Block by block, pair by pair: nanoseconds of the old build, then of the new one.
    pub blocks: Vec<[[u64; 2]; ROUNDS]>,
    /// The part of each that was waited rather than computed; 0 by another clock.
    pub waited: Vec<[[u64; 2]; ROUNDS]>,
}

impl Samples {
    /// Logs of new over old, block by block.
    pub fn log_ratios(&self) -> Vec<Vec<f64>> {
        let ratio = |[old, new]: &[u64; 2]| (*new as f64 / *old as f64).ln();
        self.blocks.iter().map(|block| block.iter().map(ratio).collect()).collect()
    }

    /// Median time of a step, in nanoseconds, of the old build (0) or the new one (1).
    fn median_ns(&self, build: usize) -> f64 {
        self.median_of(&self.blocks, build)
    }

    /// The same of what it waited.
    fn median_waited_ns(&self, build: usize) -> f64 {
        self.median_of(&self.waited, build)
    }

    fn median_of(&self, blocks: &[[[u64; 2]; ROUNDS]], build: usize) -> f64 {
        let times = blocks.iter().flatten().map(|pair| pair[build] as f64);
        stats::Samples::new(times).median() / self.steps as f64
    }
}

/// Compares the cases that `selects` takes; `watch` is told what goes on.
///
/// # Errors
///
/// If a build does not list its cases.
pub fn run(
    plan: &Plan,
    selects: &dyn Fn(&str) -> bool,
    watch: &mut dyn FnMut(&str),
) -> Result<Sampled, Error> {
    let list = |build| -> Result<Vec<Listed>, Error> {
        let mut cases = process::list(build, plan.limits)?;
        cases.retain(|case| selects(&case.id));
        Ok(cases)
    };
    let (old, new) = (list(&plan.old)?, list(&plan.new)?);
    let lacks = |cases: &[Listed], wanted: &Listed| !cases.iter().any(|case| case.is_same(wanted));
    let only = |these: &[Listed], those: &[Listed]| {
        let ids = these.iter().filter(|case| lacks(those, case)).map(|case| case.id.clone());
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (added, removed) = (only(&new, &old), only(&old, &new));
    let (speaks, protocol) = common_protocol(&old, &new);
    let mut notes = differences(&old, &new);
    let mut common: Vec<Listed> = new.into_iter().filter(|case| !lacks(&old, case)).collect();
    for case in &mut common {
        let before =
            |what: fn(&Listed) -> bool| old.iter().any(|old| old.id == case.id && what(old));
        // A change can give itself neither the wider margin nor other bits.
        let (memory_bound, exact) = (before(|old| old.memory_bound), before(|old| old.exact));
        case.memory_bound &= memory_bound;
        case.exact |= exact;
        if protocol == FIRST && case.metric == Metric::CpuWait {
            case.metric = Metric::ThreadCpu;
        }
    }
    let about = |note: &str| ("paired".to_owned(), note.to_owned());
    if common.iter().any(|case| case.metric == Metric::ThreadCpu) {
        notes.push(about(BY_THREAD));
    }
    if common.iter().any(|case| case.metric == Metric::CpuWait) {
        notes.extend(clock::blind_spot().map(about));
    }
    watch(&format!("{}: one of each chapter against itself", case::count(common.len())));
    let [old, new] = [(&plan.old, speaks[0]), (&plan.new, speaks[1])]
        .map(|(build, speaks)| build.speaking(protocol, speaks));
    let mut runner = Runner {
        builds: [new.clone(), new.clone()],
        sides: Sides::New,
        protocol,
        limits: plan.limits,
        allow_changed: plan.allow_changed,
        parts: None,
        rng: Xoshiro256PlusPlus::seed_from_u64(plan.seed),
    };
    let tests = self_tests(&mut runner, &common, &plan.tolerance, plan.seed);

    (runner.builds, runner.sides) = ([old, new], Sides::OldAndNew);
    let mut subjects: Vec<_> =
        common.iter().map(|case| Subject::new(case, &plan.tolerance)).collect();
    for subject in &mut subjects {
        // It has no answer, so it is not asked again.
        let lost = tests.dropped.iter().find(|dropped| dropped.id == subject.samples.id);
        subject.dropped = lost.cloned();
    }
    let looks = &LOOKS[..plan.looks.clamp(1, LOOKS.len())];
    let judged = runner.settle(&mut subjects, looks, watch);
    for Subject { samples, notes: of_case, .. } in &mut subjects {
        notes.extend(of_case.drain(..).map(|note| (samples.id.clone(), note)));
    }
    let mut dropped = Vec::new();
    let (cases, samples): (Vec<_>, _) =
        verdicts(subjects, judged, plan.seed, &mut dropped).into_iter().unzip();
    let (against, seed) = (plan.against.clone(), plan.seed);
    // Without times there is nothing to trust or not.
    let advisory = if cases.is_empty() { None } else { advisory(&tests.timed) };
    let self_tests = tests.timed;
    let duet = Duet { against, seed, advisory, self_tests, cases, added, removed, dropped, notes };
    Ok(Sampled { duet, samples })
}

/// Said where one build knows no other clock.
const BY_THREAD: &str = "a build is of an older stepmark: both are timed by the CPU time of one \
                         thread, which sees neither waits nor other threads";

/// The latest version of the protocol that each of two builds speaks, and that both do.
fn common_protocol(old: &[Listed], new: &[Listed]) -> ([u32; 2], u32) {
    let speaks =
        [old, new].map(|cases| cases.iter().map(|case| case.protocol).min().unwrap_or(PROTOCOL));
    (speaks, speaks[0].min(speaks[1]).min(PROTOCOL))
}

/// What else than its time differs in a case between two builds.
fn differences(old: &[Listed], new: &[Listed]) -> Vec<(String, String)> {
    let mut notes = Vec::new();
    for before in old {
        let Some(after) = new.iter().find(|case| case.id == before.id) else { continue };
        let mut note = |what: String| notes.push((after.id.clone(), what));
        if after.implementation != before.implementation {
            let (old, new) = (&before.implementation, &after.implementation);
            note(format!("is `{old}` in OLD but `{new}` in NEW"));
        }
        let (old, new) = (before.work(), after.work());
        if !after.is_same(before) && old != new {
            note(format!("does {old} a step in OLD but {new} in NEW"));
        }
        let is_wall = |case: &Listed| case.metric == Metric::Wall;
        if is_wall(after) != is_wall(before) {
            let (old, new) = (before.metric, after.metric);
            note(format!("is timed by {new}, as NEW says, where OLD says {old}"));
        }
    }
    notes
}

/// Compares a build with itself, one case of each chapter: why its times on this machine now are
/// not to be trusted, if so. Where no case can be compared, they are not. A GPU is left out.
///
/// # Errors
///
/// Those of [`run`].
pub fn self_test(build: &Build, tolerance: &Tolerance) -> Result<Option<String>, Error> {
    let (limits, seed) = (Limits::default(), 1);
    let mut cases = process::list(build, limits)?;
    cases.retain(|case| case.metric != Metric::CudaEvent);
    let (_, protocol) = common_protocol(&cases, &cases);
    let mut runner = Runner {
        builds: [build.clone(), build.clone()],
        sides: Sides::New,
        protocol,
        limits,
        allow_changed: false,
        parts: None,
        rng: Xoshiro256PlusPlus::seed_from_u64(seed),
    };
    Ok(advisory(&self_tests(&mut runner, &cases, tolerance, seed).timed))
}

/// Cases between a build and itself.
struct SelfTests {
    timed: Vec<SelfTest>,
    /// Those that it gives no right answer of.
    dropped: Vec<Dropped>,
}

/// One case of each chapter, between the builds of a runner.
fn self_tests(
    runner: &mut Runner,
    cases: &[Listed],
    tolerance: &Tolerance,
    seed: u64,
) -> SelfTests {
    let (mut chosen, mut dropped) = runner.of_each_chapter(cases, tolerance);
    runner.settle(&mut chosen, &LOOKS[..1], &mut |_| ());
    // Each by itself: to miss a machine that moves is worse than to suspect a steady one.
    let judged = chosen.iter().flat_map(|subject| judge(slice::from_ref(subject))).collect();
    let of = |(timed, samples): (Timed, Samples)| {
        let one_sided = decide::one_sided(&samples.log_ratios());
        SelfTest { timed, one_sided }
    };
    let timed = verdicts(chosen, judged, seed, &mut dropped).into_iter().map(of).collect();
    SelfTests { timed, dropped }
}

/// The verdicts with their samples, sorted by id.
fn verdicts(
    subjects: Vec<Subject>,
    judged: Vec<Judged>,
    seed: u64,
    dropped: &mut Vec<Dropped>,
) -> Vec<(Timed, Samples)> {
    let mut judged = judged.into_iter();
    let mut timed = Vec::new();
    for subject in subjects {
        if let Some(why) = subject.dropped {
            dropped.push(why);
        } else {
            let judged = judged.next().expect("one for each case that was not dropped");
            timed.push((subject.timed(judged, seed), subject.samples));
        }
    }
    timed.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    timed
}

/// Why the verdicts only inform: what a build differs from itself in, or that nobody knows.
fn advisory(self_tests: &[SelfTest]) -> Option<String> {
    if self_tests.is_empty() {
        return Some("no case could be compared with itself".to_owned());
    }
    let odd = self_tests.iter().find_map(|SelfTest { timed, one_sided }| {
        if matches!(timed.change, Change::Slower | Change::Faster) {
            return Some(format!("{} is {:.3}x as slow as itself", timed.id, timed.ratio));
        }
        (*one_sided > ONE_SIDED).then(|| {
            let percent = 100.0 * one_sided;
            format!("{percent:.0} % of the samples of {} lean to one side", timed.id)
        })
    });
    odd.map(|odd| format!("{odd}, though both builds are the new one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::timed_case;

    #[test]
    fn a_build_that_differs_from_itself_makes_the_verdicts_advisory() {
        let test = |change, one_sided| {
            advisory(&[SelfTest { timed: timed_case("a/b/n1", 1.1, change), one_sided }])
        };
        assert_eq!(test(Change::Same, 0.9), None, "nine of ten may lean");
        assert_eq!(test(Change::Unclear, 0.5), None, "noise");
        let slower = test(Change::Slower, 0.9).unwrap();
        assert!(slower.starts_with("a/b/n1 is 1.100x as slow as itself"), "{slower}");
        assert!(test(Change::Faster, 0.9).is_some(), "faster than itself");
        let leaning = test(Change::Same, 0.92).unwrap();
        assert!(leaning.starts_with("92 % of the samples of a/b/n1 lean"), "{leaning}");
    }
}
