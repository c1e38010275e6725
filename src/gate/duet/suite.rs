//! One run over given cases, without self-tests: what error rates are measured with.

use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

use super::decide::LOOKS;
use super::protocol::Listed;
use super::schedule::{Runner, Subject};
use super::{Build, Error, Limits, Samples};
use crate::gate::{Dropped, Tolerance};

/// Why a run has no samples of every case.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The tool or its surroundings failed.
    #[error(transparent)]
    Failed(#[from] Error),
    /// A build answers wrongly.
    #[error("{}: {}", .0.id, .0.why)]
    Wrong(Dropped),
}

/// Samples `cases` of two builds, old and new, as [`run`](super::run) does, with all its looks.
///
/// Before they are judged, the samples of a case are rounded to multiples of what is returned
/// beside them, in nanoseconds: its first sample divided by `parts`.
///
/// [`judge_samples`](super::judge_samples) gives the verdicts that the run went by.
///
/// # Errors
///
/// If a worker hangs, crashes, says what it should not, or gives a wrong answer.
pub fn suite(
    builds: [&Build; 2],
    cases: &[Listed],
    tolerance: &Tolerance,
    seed: u64,
    parts: u64,
) -> Result<Vec<(Samples, u64)>, Stopped> {
    let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let limits = Limits { last_look: Duration::MAX, ..Limits::default() };
    let mut runner = Runner { builds, limits, parts: Some(parts), rng };
    let mut subjects: Vec<_> = cases.iter().map(|case| Subject::new(case, tolerance)).collect();
    runner.settle(&mut subjects, &LOOKS, &mut |_| ())?;
    let sampled = subjects.into_iter().map(|subject| match subject.dropped {
        Some(dropped) => Err(Stopped::Wrong(dropped)),
        None => Ok((subject.samples, subject.grain_ns)),
    });
    sampled.collect()
}
