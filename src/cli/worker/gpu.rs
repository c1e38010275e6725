//! Cases on a GPU: times by CUDA events, and outputs that are compared with those of the CPU.

use std::time::Duration;

use super::{Exit, Listed, Metric, Prepared, Stop, Subject};
use crate::gpu::{Case, Device, Error, Ready, Timer};

/// Makes the cases; only what needs them does.
pub(crate) type Cases = fn() -> Vec<Case>;

/// The ids of all, also where there is no device.
pub(crate) fn ids(cases: Cases) -> Vec<String> {
    cases().into_iter().map(|case| case.id).collect()
}

/// All that the device can run; none without one.
pub(super) fn listed(cases: Cases) -> Result<Vec<Listed>, Stop> {
    let cases = cases();
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let device = Device::open()?;
    Ok(device.iter().flat_map(|device| cases.iter().map(|case| on(device, case))).collect())
}

fn on(device: &Device, case: &Case) -> Listed {
    Listed {
        id: case.id.clone(),
        implementation: if device.is_emulated() { "emulated" } else { "cuda" }.to_owned(),
        metric: Metric::CudaEvent,
        memory_bound: case.is_memory_bound(device),
        units: Some(case.units(device)),
    }
}

/// A case and its launches.
struct Gpu {
    timer: Timer,
    ready: Ready,
}

/// Prepares the case `id`, if there is one.
pub(super) fn prepare(id: &str, cases: Cases) -> Result<Option<(Listed, Prepared)>, Stop> {
    let Some(case) = cases().into_iter().find(|case| case.id == id) else { return Ok(None) };
    let Some(device) = Device::open()? else {
        return Err(Stop::new(Exit::Failure, format!("there is no CUDA device for {id}")));
    };
    let timer = Timer::new(&device)?;
    let prepared = match Ready::new(&case, &timer) {
        Err(Error::Wrong(why)) => Err(why),
        ready => Ok(Box::new(Gpu { ready: ready?, timer }) as Box<dyn Subject>),
    };
    Ok(Some((on(&device, &case), prepared)))
}

impl Subject for Gpu {
    fn run(&mut self, steps: u64) -> Result<Duration, Stop> {
        Ok(self.ready.time(&mut self.timer, steps)?)
    }

    fn spoil(&mut self) -> Result<(), Stop> {
        Ok(self.ready.spoil()?)
    }

    fn wrong(&self) -> Result<Option<String>, Stop> {
        match self.ready.check() {
            Err(Error::Wrong(why)) => Ok(Some(format!("the timed runs left other bits: {why}"))),
            right => Ok(right.map(|()| None)?),
        }
    }

    fn digest(&self) -> String {
        String::new()
    }
}
