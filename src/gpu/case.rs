//! What is measured on a GPU: a launch, the check of what it left, and the work that it does.

use std::fmt;
use std::sync::Arc;

use super::{Device, Error};
use crate::case::Work;

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
    /// Says which output differs.
    fn check(&self) -> Result<(), String>;
}

/// One entry of the registry's list for the GPU.
pub struct Case {
    /// `chapter/kernel/size`, as for the CPU; `-cold` ends the kernel where the L2 cache is flushed.
    pub id: String,
    /// What one launch does.
    pub work: Work,
    /// Whether the L2 cache is flushed before every launch.
    pub cold: bool,
    prepare: Box<Prepare>,
}

type Prepare = dyn Fn(&Arc<Device>, usize) -> Result<Box<dyn Step>, String>;

impl Case {
    /// The implementation that records name.
    pub const IMPLEMENTATION: &'static str = "cuda";

    /// A case whose `prepare` builds a step of so many units on a device.
    pub fn new<S: Step + 'static>(
        id: impl Into<String>,
        work: Work,
        cold: bool,
        prepare: impl Fn(&Arc<Device>, usize) -> Result<S, String> + 'static,
    ) -> Self {
        let prepare = Box::new(move |device: &Arc<Device>, units| {
            Ok(Box::new(prepare(device, units)?) as Box<dyn Step>)
        });
        Self { id: id.into(), work, cold, prepare }
    }

    /// The case on a device, once its outputs are known to be right. An emulated device gets
    /// 1000 units: it shows that the code runs, not how fast.
    ///
    /// # Errors
    ///
    /// If it cannot be prepared, or its outputs are wrong.
    pub fn checked(&self, device: &Arc<Device>) -> Result<Box<dyn Step>, String> {
        let units = if device.is_emulated() { 1000 } else { self.work.units };
        let units = usize::try_from(units).map_err(|err| err.to_string())?;
        let mut step = (self.prepare)(device, units)?;
        let mut run = || -> Result<(), Error> {
            step.spoil()?;
            step.launch()
        };
        run().map_err(|err| err.to_string())?;
        step.check()?;
        Ok(step)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, work, cold, prepare: _ } = self;
        f.debug_struct("Case")
            .field("id", id)
            .field("work", work)
            .field("cold", cold)
            .finish_non_exhaustive()
    }
}
