//! Launches of the CUDA codec, checked, then timed by replaying a graph that launches on every
//! batch in turn.

use std::sync::{Arc, LazyLock};

use cudarc::driver::{CudaSlice, DriverError};

use super::Cuda;
use crate::gpu::{self, Device, Timer};
use crate::lattice::cuda::{self, DeviceEncoded};
use crate::lattice::{Codec, Encoded, Form, Layout};
use crate::profile::lattice::Error;
use crate::profile::lattice::batches::{Batches, Operation, same_codes, same_floats};
use crate::profile::timing::{self, ITERATIONS, Timing};

const NAME: &str = "cuda";

/// The one device of this process, or why there is none.
static DEVICE: LazyLock<Result<Arc<Device>, String>> = LazyLock::new(|| {
    let device = Device::open().map_err(|why| why.to_string())?;
    device.ok_or_else(|| "no CUDA device".to_owned())
});

/// The rate of [`super::ROOF`] on that device.
static ROOF: LazyLock<Option<f64>> = LazyLock::new(|| roof(real().ok()?, 1 << 24).ok());

/// Why there is no time.
enum Stop {
    /// The results are wrong.
    Wrong(Error),
    /// The GPU cannot be measured.
    Unmeasured(String),
}

impl From<Error> for Stop {
    fn from(why: Error) -> Self {
        Self::Wrong(why)
    }
}

impl From<gpu::Error> for Stop {
    fn from(why: gpu::Error) -> Self {
        Self::Unmeasured(why.to_string())
    }
}

impl From<DriverError> for Stop {
    fn from(why: DriverError) -> Self {
        gpu::Error::from(why).into()
    }
}

impl From<cuda::Error> for Stop {
    fn from(why: cuda::Error) -> Self {
        match why {
            cuda::Error::Gpu(why) => why.into(),
            cuda::Error::Batch(why) => Self::Wrong(why.into()),
        }
    }
}

pub(super) fn available() -> Result<(), String> {
    real().map(drop)
}

/// The device, if its times mean something.
fn real() -> Result<&'static Arc<Device>, String> {
    let device = DEVICE.as_ref().map_err(Clone::clone)?;
    if device.is_emulated() { Err("emulated device".to_owned()) } else { Ok(device) }
}

pub(super) fn time(
    operation: Operation,
    codec: &Codec,
    batches: &Batches,
    codes: &[Encoded],
) -> Result<Result<Cuda, String>, Error> {
    let device = match DEVICE.as_ref() {
        Ok(device) => device,
        Err(why) => return Ok(Err(why.clone())),
    };
    let measured = || {
        let mut launches = Launches::new(device, operation, codec, batches, codes)?;
        // Also on an emulated device, of which only the results count.
        for nth in 0..batches.count() {
            launches.spoil()?;
            launches.launch(nth)?;
            launches.check(nth)?;
        }
        real().map_err(Stop::Unmeasured)?;
        let timing = launches.time()?;
        launches.check(batches.count() - 1)?;
        Ok(Cuda { gpu: device.name().to_owned(), timing, roof: *ROOF })
    };
    match measured() {
        Ok(times) => Ok(Ok(times)),
        Err(Stop::Unmeasured(why)) => Ok(Err(why)),
        Err(Stop::Wrong(why)) => Err(why),
    }
}

/// The best rate of [`super::ROOF`] over so many elements, in bytes per second.
fn roof(device: &Arc<Device>, elements: usize) -> Result<f64, gpu::Error> {
    let x = device.stream().alloc_zeros(elements)?;
    let mut out = device.stream().alloc_zeros(8 * elements)?;
    let mut timer = Timer::new(device)?;
    let expand = device.expand()?;
    let replay = timer.capture(10, || device.launch_expand(&expand, &x, &mut out))?;
    let mut best = f64::INFINITY;
    for _ in 0..ITERATIONS {
        best = best.min(timer.hot(&replay, 1)?.as_secs_f64());
    }
    Ok(36.0 * elements as f64 / best.max(1e-9))
}

/// One operation on a device: its inputs for every batch, and room for the results of one.
struct Launches<'a> {
    operation: Operation,
    device: &'a Arc<Device>,
    cpu: &'a Codec,
    gpu: cuda::DeviceCodec,
    batches: &'a Batches,
    want: &'a [Encoded],
    /// The batches, but none of decoding.
    floats: Vec<CudaSlice<f32>>,
    /// Their codes, of decoding alone.
    codes: Vec<DeviceEncoded>,
    out: CudaSlice<f32>,
    out_codes: DeviceEncoded,
}

impl<'a> Launches<'a> {
    fn new(
        device: &'a Arc<Device>,
        operation: Operation,
        cpu: &'a Codec,
        batches: &'a Batches,
        want: &'a [Encoded],
    ) -> Result<Self, cuda::Error> {
        let stream = device.stream();
        let (floats, codes) = match operation {
            Operation::Encoding | Operation::Combined => {
                let upload = |batch| stream.clone_htod(batch);
                (batches.all().map(upload).collect::<Result<_, _>>()?, vec![])
            }
            Operation::Decoding => {
                let upload = |codes| DeviceEncoded::upload(device, cpu, codes);
                (vec![], want.iter().map(upload).collect::<Result<_, _>>()?)
            }
        };
        Ok(Self {
            operation,
            gpu: cuda::DeviceCodec::new(device, cpu)?,
            floats,
            codes,
            out: stream.alloc_zeros(batches.get(0).len())?,
            out_codes: DeviceEncoded::new(device, cpu, Form::Packed, batches.vectors)?,
            device,
            cpu,
            batches,
            want,
        })
    }

    fn launch(&mut self, nth: usize) -> Result<(), gpu::Error> {
        let Self { gpu, floats, codes, out, out_codes, .. } = self;
        match self.operation {
            Operation::Encoding => gpu.launch_encode(&floats[nth], Layout::Soa, out_codes),
            Operation::Decoding => gpu.launch_decode(&codes[nth], out, Layout::Soa),
            Operation::Combined => gpu.launch_quantize(&floats[nth], out, Layout::Soa),
        }
    }

    /// Overwrites all results.
    fn spoil(&mut self) -> Result<(), gpu::Error> {
        self.device.stream().memcpy_htod(&vec![f32::NAN; self.out.len()], &mut self.out)?;
        self.out_codes.spoil(self.device)
    }

    /// Waits, and requires the results to be those of batch `nth` on the CPU.
    fn check(&self, nth: usize) -> Result<(), Stop> {
        let want = &self.want[nth];
        if self.operation == Operation::Encoding {
            let got = self.out_codes.download(self.device, self.cpu)?;
            return Ok(same_codes(NAME, want, &got)?);
        }
        let got = self.device.stream().clone_dtoh(&self.out)?;
        self.device.stream().synchronize()?;
        let mut floats = vec![0.0; got.len()];
        self.cpu.decode(want, &mut floats, Layout::Soa).map_err(Error::from)?;
        let what = match self.operation {
            Operation::Combined => "quantized values",
            _ => "decoded values",
        };
        Ok(same_floats(NAME, what, self.batches.vectors, &floats, &got)?)
    }

    fn time(&mut self) -> Result<Timing, gpu::Error> {
        let mut timer = Timer::new(self.device)?;
        let each = u32::try_from(self.batches.count()).expect("256 at most");
        let mut batch = 0..self.batches.count();
        let replay = timer
            .capture(each, || self.launch(batch.next().expect("as many launches as batches")))?;
        timing::sample(self.batches.vectors, each.into(), |calls| timer.hot(&replay, calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::Lattice;
    use crate::machine::isa::Isa;
    use crate::profile::lattice::Setup;

    #[test]
    fn the_roof_of_a_gpu_is_a_rate() {
        if let Ok(device) = DEVICE.as_ref() {
            let rate = roof(device, 1000).unwrap();
            assert!((1e6..1e14).contains(&rate), "{rate} bytes per second");
        }
    }

    #[test]
    fn a_gpu_whose_results_differ_is_not_timed() {
        let Ok(device) = DEVICE.as_ref() else {
            eprintln!("skipped: no CUDA device");
            return;
        };
        let setup = Setup {
            lattice: Lattice::E8,
            q: 4,
            levels: 2,
            beta: 0.25,
            protected: true,
            sigma: 1.0,
            seed: 1,
        };
        let codec = setup.codec(Isa::Scalar).unwrap();
        let other = Setup { beta: 0.26, ..setup }.codec(Isa::Scalar).unwrap();
        let batches = Batches::new(&setup, 70);
        let codes = batches.encoded(&codec).unwrap();
        for operation in Operation::ALL {
            let times = time(operation, &codec, &batches, &codes).unwrap();
            assert_eq!(times.is_ok(), !device.is_emulated(), "{operation:?}: {times:?}");
            if operation != Operation::Decoding {
                let err = time(operation, &other, &batches, &codes).unwrap_err();
                assert!(err.to_string().contains("cuda and scalar differ in"), "{err}");
            }
        }
    }
}
