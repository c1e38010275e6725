//! A case that is ready to be timed, hot or cold as it says.

use std::fmt;
use std::time::Duration;

use super::{Case, Error, Replay, Step, Timer};

/// Launches of one replay of a graph.
const LAUNCHES: u32 = 20;

/// A case whose outputs were right, and that was captured unless it is cold.
pub struct Ready {
    step: Box<dyn Step>,
    /// The launches that are replayed, unless the case is cold.
    replay: Option<Replay>,
}

impl Ready {
    /// Prepares and checks `case` on the device of `timer`.
    ///
    /// # Errors
    ///
    /// If it cannot be prepared, the driver refuses, or its outputs are wrong.
    pub fn new(case: &Case, timer: &Timer) -> Result<Self, Error> {
        let mut step = case.checked(timer.device())?;
        let capture = || timer.capture(LAUNCHES, || step.launch());
        let replay = (!case.cold).then(capture).transpose()?;
        Ok(Self { step, replay })
    }

    /// The time of `count` launches: by replays of a graph, or each after a flush of the L2 cache.
    ///
    /// # Errors
    ///
    /// If the driver refuses, or the GPU is throttled.
    pub fn time(&mut self, timer: &mut Timer, count: u64) -> Result<Duration, Error> {
        match &self.replay {
            Some(replay) => timer.hot(replay, count),
            None => timer.cold(count, || self.step.launch()),
        }
    }

    /// Overwrites the outputs, so that only another run can make them right again.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    pub fn spoil(&mut self) -> Result<(), Error> {
        self.step.spoil()
    }

    /// Whether the last launch, timed or not, left right outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Wrong`] if it did not; the driver may refuse.
    pub fn check(&self) -> Result<(), Error> {
        self.step.check()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("replay", &self.replay).finish_non_exhaustive()
    }
}
