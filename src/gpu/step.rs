//! A launch, and launches that are ready to be timed, hot or cold.

use std::sync::Arc;
use std::time::Duration;

use super::{Device, Error, Replay, Timer};
use crate::case::{Ready, Trouble};

/// A launch with its inputs and outputs on the device.
pub trait Step {
    /// Enqueues one run, always on the same inputs, without waiting or allocating.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    fn launch(&mut self) -> Result<(), Error>;

    /// Overwrites the outputs, so that only another run can make them right again.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    fn spoil(&mut self) -> Result<(), Error>;

    /// Waits for the last run, and compares its outputs with what the CPU makes of the inputs.
    ///
    /// # Errors
    ///
    /// [`Error::Wrong`] says which output differs; the driver may refuse.
    fn check(&self) -> Result<(), Error>;
}

/// Launches of one replay of a graph.
const LAUNCHES: u32 = 20;

/// A step whose outputs were right, and that was captured unless it is timed cold.
pub(super) struct Launches {
    timer: Timer,
    step: Box<dyn Step>,
    /// The launches that are replayed, unless they are cold.
    replay: Option<Replay>,
}

impl Launches {
    /// Makes a step on a device ready.
    pub(super) fn new(
        device: &Arc<Device>,
        mut step: Box<dyn Step>,
        cold: bool,
    ) -> Result<Self, Error> {
        let timer = Timer::new(device)?;
        let capture = || timer.capture(LAUNCHES, || step.launch());
        let replay = (!cold).then(capture).transpose()?;
        Ok(Self { timer, step, replay })
    }
}

impl Ready for Launches {
    /// By replays of a graph, or each after a flush of the L2 cache.
    fn time(&mut self, steps: u64) -> Result<Duration, Trouble> {
        let Self { timer, step, replay } = self;
        Ok(match replay {
            Some(replay) => timer.hot(replay, steps),
            None => timer.cold(steps, || step.launch()),
        }?)
    }

    fn spoil(&mut self) -> Result<(), Trouble> {
        Ok(self.step.spoil()?)
    }

    fn check(&self) -> Result<(), Trouble> {
        Ok(self.step.check()?)
    }

    fn digest(&self) -> Option<u64> {
        None
    }
}

impl From<Error> for Trouble {
    fn from(err: Error) -> Self {
        match err {
            Error::Wrong(why) => Self::Wrong(why),
            err => Self::Failed(err.to_string()),
        }
    }
}
