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
    /// [`Error::Wrong`] says which output differs; the driver may refuse.
    fn check(&self) -> Result<(), Error>;
}

/// One entry of the registry's list for the GPU.
pub struct Case {
    /// `chapter/kernel/size`, unlike any for the CPU: `-cuda` ends the kernel, or `-cuda-cold` where
    /// the L2 cache is flushed.
    pub id: String,
    /// What one launch does.
    pub work: Work,
    /// Whether the L2 cache is flushed before every launch.
    pub cold: bool,
    prepare: Box<Prepare>,
}

type Prepare = dyn Fn(&Arc<Device>, usize) -> Result<Box<dyn Step>, String>;

impl Case {
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

    /// Whether a launch moves more than the L2 cache of a device holds.
    pub fn is_memory_bound(&self, device: &Device) -> bool {
        self.work.bytes > device.l2_bytes as u64
    }

    /// The units of a launch on a device. An emulated one gets 1000: it shows that the code runs, not
    /// how fast.
    pub fn units(&self, device: &Device) -> u64 {
        if device.is_emulated() { 1000 } else { self.work.units }
    }

    /// The case on a device, once its outputs are known to be right.
    ///
    /// # Errors
    ///
    /// If it cannot be prepared, the driver refuses, or its outputs are wrong.
    pub fn checked(&self, device: &Arc<Device>) -> Result<Box<dyn Step>, Error> {
        let units =
            usize::try_from(self.units(device)).map_err(|err| Error::Prepare(err.to_string()))?;
        let mut step = (self.prepare)(device, units).map_err(Error::Prepare)?;
        step.spoil()?;
        step.launch()?;
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
