//! The GPU: one context and one stream, loaded at run time.
//!
//! Nothing here needs CUDA to build, and a machine without a driver or a device is no error:
//! [`Device::open`] then finds none. Kernels are PTX that is compiled ahead and embedded, so that the
//! GPU's machine needs its driver only.

mod case;
mod step;
mod timer;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::{
    CUdevice_attribute as Attribute, CUresult, cuDriverGetVersion, is_culib_present,
};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream, DriverError, LaunchConfig,
    PushKernelArg,
};
use cudarc::nvrtc::Ptx;

use crate::machine::Environment;

pub use case::case;
pub use step::Step;
pub use timer::{Replay, Timer};

/// Threads of a block, in every kernel of ours.
pub const BLOCK: u32 = 256;

/// Name of the device of the tests' driver.
const EMULATED: &str = "emulated device";

/// The kernels of this module.
const PTX: &str = include_str!("gpu.ptx");

/// Why something on the GPU cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver refuses.
    #[error("the CUDA driver refuses: {0}")]
    Driver(#[from] DriverError),
    /// More than a launch counts.
    #[error("{found} are too many for one launch, expected less than 2^31")]
    TooMany {
        /// The number of vectors or elements.
        found: usize,
    },
    /// The clock stays below three quarters of its default rate.
    #[error(
        "the GPU is throttled: its clock ran at {percent:.0} % of the default rate in every sample; \
         let it cool, or have it to yourself"
    )]
    Throttled {
        /// The share at the last attempt.
        percent: f64,
    },
    /// A case cannot be prepared.
    #[error("it cannot be prepared: {0}")]
    Prepare(String),
    /// The outputs of a case are wrong: only this says anything about a kernel.
    #[error("{0}")]
    Wrong(String),
}

/// The first GPU, with a stream of its own and the modules that were loaded on it.
pub struct Device {
    stream: Arc<CudaStream>,
    modules: Mutex<HashMap<usize, Arc<CudaModule>>>,
    name: String,
    multiprocessors: u32,
    l2_bytes: usize,
    clock_khz: u32,
    environment: Environment,
}

impl Device {
    /// The first GPU; `None` where there is no driver or no GPU. Never panics for the lack of one.
    ///
    /// # Errors
    ///
    /// If there is a GPU, or a driver, that cannot be used.
    pub fn open() -> Result<Option<Arc<Self>>, Error> {
        // SAFETY: it tries to load the driver's library, whose initialisers are the driver's own.
        let driver = unsafe { is_culib_present() };
        if !driver {
            return Ok(None);
        }
        let devices = match CudaContext::device_count() {
            // The stub is what programs are linked with where there is no driver.
            Err(DriverError(
                CUresult::CUDA_ERROR_NO_DEVICE | CUresult::CUDA_ERROR_STUB_LIBRARY,
            )) => 0,
            devices => devices?,
        };
        if devices < 1 {
            return Ok(None);
        }
        let context = CudaContext::new(0)?;
        // SAFETY: no slice is used on two streams, since there is only one, and none exists yet.
        // A tracked slice would make a captured launch wait for an event outside the capture.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream()?;
        let attribute = |which| context.attribute(which).map(i32::cast_unsigned);
        let multiprocessors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let l2_bytes = attribute(Attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?;
        let clock_khz = attribute(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?;
        let (major, minor) = context.compute_capability()?;
        let name = context.name()?;
        let facts = [
            ("clock_khz", clock_khz.to_string()),
            ("compute_capability", format!("{major}.{minor}")),
            ("driver", driver_version()?),
            ("emulated", (name == EMULATED).to_string()),
            ("gpu", name.clone()),
            ("l2_bytes", l2_bytes.to_string()),
            ("memory_bytes", context.total_mem()?.to_string()),
            ("multiprocessors", multiprocessors.to_string()),
        ];
        Ok(Some(Arc::new(Self {
            stream,
            modules: Mutex::default(),
            name,
            multiprocessors,
            l2_bytes: l2_bytes as usize,
            clock_khz,
            environment: facts.map(|(name, fact)| (name.to_owned(), fact)).into(),
        })))
    }

    /// The stream on which everything of ours runs.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// The name that the driver gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of multiprocessors.
    pub fn multiprocessors(&self) -> u32 {
        self.multiprocessors
    }

    /// The facts that a time on this GPU depends on.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Whether this is the emulator of the tests, whose times mean nothing.
    pub fn is_emulated(&self) -> bool {
        self.name == EMULATED
    }

    /// The kernel `name` of an embedded module, which is loaded once.
    ///
    /// # Errors
    ///
    /// If the driver cannot compile the module, or there is no such kernel.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it loaded a module.
    pub fn kernel(&self, ptx: &'static str, name: &str) -> Result<CudaFunction, Error> {
        let mut modules = self.modules.lock().expect("no thread panics while it loads a module");
        let key = ptx.as_ptr().addr();
        let module = match modules.get(&key) {
            Some(module) => module,
            None => {
                let module = self.stream.context().load_module(Ptx::from_src(ptx))?;
                modules.entry(key).or_insert(module)
            }
        };
        Ok(module.load_function(name)?)
    }

    /// The kernel of [`Device::launch_expand`].
    ///
    /// # Errors
    ///
    /// Those of [`Device::kernel`].
    pub fn expand(&self) -> Result<CudaFunction, Error> {
        self.kernel(PTX, "expand")
    }

    /// Enqueues eight copies of each element of `x` into `out`: what decoding reads and writes,
    /// without decoding, and so its roof. `expand` is the kernel.
    ///
    /// # Errors
    ///
    /// If there are 2^31 elements or more, or the driver refuses.
    ///
    /// # Panics
    ///
    /// If `out` is not eight times as long as `x`.
    pub fn launch_expand(
        &self,
        expand: &CudaFunction,
        x: &CudaSlice<f32>,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), Error> {
        assert_eq!(out.len(), 8 * x.len(), "out is not eight times as long as x");
        let n = count(x.len())?;
        let grid_dim = ((2 * n).div_ceil(BLOCK), 1, 1);
        let config = LaunchConfig { grid_dim, block_dim: (BLOCK, 1, 1), shared_mem_bytes: 0 };
        let mut launch = self.stream.launch_builder(expand);
        launch.arg(x).arg(out).arg(&n);
        // SAFETY: the arguments are those of `expand` in gpu.cu, which reads n elements and writes 8 n.
        unsafe { launch.launch(config) }?;
        Ok(())
    }
}

/// `n` as kernels count what a launch works on.
pub(crate) fn count(n: usize) -> Result<u32, Error> {
    let count = u32::try_from(n).ok().filter(|count| *count < 1 << 31);
    count.ok_or(Error::TooMany { found: n })
}

/// The CUDA version of the driver: `13.0`.
fn driver_version() -> Result<String, Error> {
    let mut version = 0;
    // SAFETY: the driver writes one integer to the address that it is given.
    unsafe { cuDriverGetVersion(&raw mut version) }.result()?;
    Ok(format!("{}.{}", version / 1000, version % 1000 / 10))
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("environment", &self.environment).finish_non_exhaustive()
    }
}
