//! The clock of a step: in which of its parts the time is spent.
//!
//! The clock is read once at the end of each part, so parts neither overlap nor leave gaps, and add
//! up to the step; `other` is what the last readings take.
//!
//! ```text
//! start | integrate | check | neighbours | pass | pass .. | integrate | stress | other | end
//! ```

use std::time::{Duration, Instant};

use crate::md::field::{ForceSource, Part, Source};
use crate::md::potentials::Forces;
use crate::md::system::Atoms;

/// The parts of a step, by number: the list, the passes, and these after them.
const INTEGRATE: usize = 0;
const CHECK: usize = 1;
const OTHER: usize = 2;
const STRESS: usize = 3;

/// Reads the clock at the end of each part of a step.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Instant,
    last: Instant,
    passes: usize,
    /// The first time that atoms were moved.
    first: Duration,
    spent: Vec<Duration>,
}

impl Clock {
    /// The clock of steps that evaluate a potential in so many passes.
    pub fn new(passes: usize) -> Self {
        let now = Instant::now();
        let spent = vec![Duration::ZERO; 1 + passes + 4];
        Self { start: now, last: now, passes, first: Duration::ZERO, spent }
    }

    /// The names of the parts, in the order of [`Clock::spent`].
    pub fn names(source: &dyn Source) -> Vec<String> {
        let passes = source.passes().iter().copied();
        let all = ["neighbours"].into_iter().chain(passes);
        all.chain(["integrate", "check", "other", "stress"]).map(str::to_owned).collect()
    }

    /// Starts a step.
    pub fn start(&mut self) {
        self.spent.fill(Duration::ZERO);
        self.first = Duration::ZERO;
        self.start = Instant::now();
        self.last = self.start;
    }

    fn end_of(&mut self, at: usize) {
        let now = Instant::now();
        self.spent[at] += now - self.last;
        self.last = now;
    }

    fn end_of_own(&mut self, part: usize) {
        self.end_of(1 + self.passes + part);
    }

    /// Ends a part in which atoms are moved.
    pub fn moved(&mut self) {
        self.end_of_own(INTEGRATE);
        if self.first.is_zero() {
            self.first = self.last - self.start;
        }
    }

    /// Ends a part in which atoms are checked.
    pub fn checked(&mut self) {
        self.end_of_own(CHECK);
    }

    /// Ends a part in which the stress is made of the virial.
    pub fn stressed(&mut self) {
        self.end_of_own(STRESS);
    }

    /// Ends a part of an evaluation.
    pub fn done(&mut self, part: Part) {
        match part {
            Part::Check => self.checked(),
            Part::List => self.end_of(0),
            Part::Pass(pass) => self.end_of(1 + pass),
        }
    }

    /// Ends the step, and returns how long it took.
    pub fn stop(&mut self) -> Duration {
        self.end_of_own(OTHER);
        self.last - self.start
    }

    /// The start of the step.
    pub fn began(&self) -> Instant {
        self.start
    }

    /// The time of the step until atoms had been moved for the first time.
    pub fn first(&self) -> Duration {
        self.first
    }

    /// The time of each part of the step.
    pub fn spent(&self) -> &[Duration] {
        &self.spent
    }
}

/// A source under the clock, for an integrator that knows of neither.
#[expect(missing_debug_implementations, reason = "a source of any type has none")]
pub struct Timed<'a> {
    /// The source.
    pub source: &'a mut dyn Source,
    /// The clock.
    pub clock: &'a mut Clock,
}

impl ForceSource for Timed<'_> {
    fn forces(&self) -> &Forces {
        self.source.forces()
    }

    fn update(&mut self, atoms: Atoms<'_>) {
        self.clock.moved();
        let Self { source, clock } = self;
        source.update_in_parts(atoms, &mut |part| clock.done(part));
    }
}

/// Processor time of this thread so far, where there is such a clock.
pub fn thread() -> Option<Duration> {
    #[cfg(unix)]
    return rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().ok();
    #[cfg(not(unix))]
    None
}
