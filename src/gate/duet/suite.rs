//! One run over given cases, without self-tests: what error rates are measured with.

use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

use super::decide::LOOKS;
use super::protocol::{Listed, PROTOCOL};
use super::schedule::{Runner, Sides};
use super::subject::Subject;
use super::{Build, Limits, Samples};
use crate::gate::{Dropped, Tolerance};

/// Samples `cases` of two builds of one tree, as [`run`](super::run) does, with all its looks.
///
/// Before they are judged, the samples of a case are rounded to multiples of what is returned
/// beside them, in nanoseconds: its first sample divided by `parts`.
///
/// [`judge_samples`](super::judge_samples) gives the verdicts that the run went by.
///
/// # Errors
///
/// The first case of which a build answers wrongly, or not at all.
pub fn suite(
    builds: [&Build; 2],
    cases: &[Listed],
    tolerance: &Tolerance,
    seed: u64,
    parts: u64,
) -> Result<Vec<(Samples, u64)>, Dropped> {
    let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut runner = Runner {
        builds: builds.map(Clone::clone),
        sides: Sides::New,
        protocol: PROTOCOL,
        limits: Limits { last_look: Duration::MAX, ..Limits::default() },
        allow_changed: false,
        parts: Some(parts),
        rng,
    };
    let mut subjects: Vec<_> = cases.iter().map(|case| Subject::new(case, tolerance)).collect();
    runner.settle(&mut subjects, &LOOKS, &mut |_| ());
    let sampled = subjects.into_iter().map(|subject| match subject.dropped {
        Some(dropped) => Err(dropped),
        None => Ok((subject.samples, subject.grain_ns)),
    });
    sampled.collect()
}
