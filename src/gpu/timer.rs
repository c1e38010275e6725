//! Times of launches by CUDA events, on a GPU whose clock is known to run.
//!
//! Hot: one pair of events around launches without a gap, as a graph replays them; what fits into
//! the L2 cache stays there. Cold: the L2 cache is overwritten before every launch, and while that
//! lasts the host has time to enqueue the events and the launch, so that no latency is measured.
//!
//! A sample is dropped where the clock of a multiprocessor, counted over a few microseconds before
//! and after it, ran below 75 % of the default rate (as nvbench does).

use std::fmt;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use cudarc::driver::sys::{CUevent_flags, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode};
use cudarc::driver::{
    CudaEvent, CudaFunction, CudaGraph, CudaSlice, DriverError, LaunchConfig, PushKernelArg,
};

use super::{Device, Error, PTX};

/// How long the clock is counted: long beside the resolution of the GPU's nanoseconds.
const CLOCK_NS: u64 = 50_000;

/// The least share of the default clock rate at which a sample counts.
const LEAST_SHARE: f64 = 0.75;

/// How often a sample is tried, with a pause between.
const ATTEMPTS: usize = 40;

/// Measures launches on a device.
pub struct Timer {
    device: Arc<Device>,
    start: CudaEvent,
    stop: CudaEvent,
    /// Twice the size of the L2 cache.
    flush: CudaSlice<u8>,
    clock: CudaFunction,
    counts: CudaSlice<u64>,
}

/// Launches that the GPU repeats without the host.
pub struct Replay {
    graph: CudaGraph,
    launches: u32,
}

impl Timer {
    /// A timer for `device`.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    pub fn new(device: &Arc<Device>) -> Result<Self, Error> {
        let stream = device.stream();
        let event = || stream.context().new_event(Some(CUevent_flags::CU_EVENT_DEFAULT));
        Ok(Self {
            start: event()?,
            stop: event()?,
            flush: stream.alloc_zeros(2 * device.l2_bytes)?,
            clock: device.kernel(PTX, "sm_clock")?,
            counts: stream.alloc_zeros(2)?,
            device: device.clone(),
        })
    }

    /// The device whose launches it measures.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Records the work that `launch` enqueues, `launches` times over, to be replayed.
    ///
    /// # Errors
    ///
    /// If the driver refuses, or `launch` fails.
    pub fn capture(
        &self,
        launches: u32,
        mut launch: impl FnMut() -> Result<(), Error>,
    ) -> Result<Replay, Error> {
        let stream = self.device.stream();
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)?;
        let enqueued = (0..launches).try_for_each(|_| launch());
        // Ends the capture of a failed launch too, or the stream could not be used again.
        let graph = stream.end_capture(CUgraphInstantiate_flags(0));
        enqueued?;
        let graph = graph?.ok_or(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE))?;
        graph.upload()?;
        Ok(Replay { graph, launches })
    }

    /// The time of `count` launches, hot, by replaying some.
    ///
    /// # Errors
    ///
    /// If the driver refuses, or the GPU is throttled.
    pub fn hot(&mut self, replay: &Replay, count: u64) -> Result<Duration, Error> {
        let replays = count.div_ceil(replay.launches.into());
        self.unthrottled(|timer| {
            timer.start.record(timer.device.stream())?;
            for _ in 0..replays {
                replay.graph.launch()?;
            }
            timer.stop.record(timer.device.stream())?;
            let launches = replays as f64 * f64::from(replay.launches);
            Ok(timer.elapsed()?.mul_f64(count as f64 / launches))
        })
    }

    /// The time of `count` launches, each cold.
    ///
    /// # Errors
    ///
    /// If the driver refuses, `launch` fails, or the GPU is throttled.
    pub fn cold(
        &mut self,
        count: u64,
        mut launch: impl FnMut() -> Result<(), Error>,
    ) -> Result<Duration, Error> {
        let mut sum = Duration::ZERO;
        for _ in 0..count {
            sum += self.unthrottled(|timer| {
                let stream = timer.device.stream();
                stream.memset_zeros(&mut timer.flush)?;
                timer.start.record(stream)?;
                launch()?;
                timer.stop.record(stream)?;
                timer.elapsed()
            })?;
        }
        Ok(sum)
    }

    fn elapsed(&self) -> Result<Duration, Error> {
        let ms = self.start.elapsed_ms(&self.stop)?;
        Ok(Duration::from_secs_f64(f64::from(ms).max(0.0) * 1e-3))
    }

    /// A measurement before and after which the clock ran.
    fn unthrottled(
        &mut self,
        mut measure: impl FnMut(&mut Self) -> Result<Duration, Error>,
    ) -> Result<Duration, Error> {
        let mut share = self.clock_share()?;
        for _ in 0..ATTEMPTS {
            let time = measure(self)?;
            let before = share;
            share = self.clock_share()?;
            if before.min(share) >= LEAST_SHARE {
                return Ok(time);
            }
            sleep(Duration::from_millis(50));
        }
        Err(Error::Throttled { percent: 100.0 * share })
    }

    /// The rate of the clock of one multiprocessor over its default rate.
    fn clock_share(&mut self) -> Result<f64, Error> {
        let stream = self.device.stream();
        let mut launch = stream.launch_builder(&self.clock);
        launch.arg(&mut self.counts).arg(&CLOCK_NS);
        let one = LaunchConfig { grid_dim: (1, 1, 1), block_dim: (1, 1, 1), shared_mem_bytes: 0 };
        // SAFETY: the arguments are those of `sm_clock` in gpu.cu, which writes two elements.
        unsafe { launch.launch(one) }?;
        let counts = stream.clone_dtoh(&self.counts)?;
        stream.synchronize()?;
        let khz = counts[0] as f64 / counts[1] as f64 * 1e6;
        Ok(khz / f64::from(self.device.clock_khz))
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("device", &self.device).finish_non_exhaustive()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("launches", &self.launches).finish_non_exhaustive()
    }
}
