//! Cases on a GPU, whose device may be missing.

use std::sync::{Arc, OnceLock};

use super::step::{Launches, Step};
use super::{Device, Error};
use crate::case::{self, Case, EMULATED, Facts, OnDevice, Trouble, Work};

/// A case on the first GPU, whose `prepare` builds a step of so many units on a device.
///
/// `work` is that of one launch; where it is `cold`, the L2 cache is flushed before every launch.
pub fn case<S: Step + 'static>(
    id: impl Into<String>,
    work: Work,
    cold: bool,
    prepare: impl Fn(&Arc<Device>, usize) -> Result<S, String> + 'static,
) -> Case {
    let prepare = Box::new(move |device: &Arc<Device>, units| {
        Ok(Box::new(prepare(device, units)?) as Box<dyn Step>)
    });
    Case::on_device(id, "cuda", work, OnGpu { work, cold, prepare })
}

/// A case on the first GPU.
struct OnGpu {
    work: Work,
    cold: bool,
    prepare: Box<Prepare>,
}

type Prepare = dyn Fn(&Arc<Device>, usize) -> Result<Box<dyn Step>, String>;

impl OnDevice for OnGpu {
    fn facts(&self) -> Result<Option<Facts>, String> {
        let device = device()?;
        Ok(device.map(|device| Facts {
            device: device.name().to_owned(),
            implementation: if device.is_emulated() { EMULATED } else { "cuda" },
            units: self.units(&device),
            memory_bound: self.work.resident_bytes > device.l2_bytes as u64,
            environment: device.environment().clone(),
        }))
    }

    fn ready(&self) -> Result<Box<dyn case::Ready>, Trouble> {
        let device = device().map_err(Trouble::Failed)?;
        let device = device.ok_or_else(|| Trouble::Failed("there is no CUDA device".to_owned()))?;
        let launches =
            self.checked(&device).and_then(|step| Launches::new(&device, step, self.cold));
        Ok(Box::new(launches?))
    }
}

impl OnGpu {
    /// The units of a launch on a device. An emulated one gets 1000: it shows that the code runs, not
    /// how fast.
    fn units(&self, device: &Device) -> u64 {
        if device.is_emulated() { 1000 } else { self.work.units }
    }

    /// The step on a device, once its outputs are known to be right.
    fn checked(&self, device: &Arc<Device>) -> Result<Box<dyn Step>, Error> {
        let units =
            usize::try_from(self.units(device)).map_err(|err| Error::Prepare(err.to_string()))?;
        let mut step = (self.prepare)(device, units).map_err(Error::Prepare)?;
        step.spoil()?;
        step.launch()?;
        step.check()?;
        Ok(step)
    }
}

/// The device of every case in this process, which is opened once: a context takes a while to make.
fn device() -> Result<Option<Arc<Device>>, String> {
    static DEVICE: OnceLock<Result<Option<Arc<Device>>, String>> = OnceLock::new();
    DEVICE.get_or_init(|| Device::open().map_err(|err| err.to_string())).clone()
}
