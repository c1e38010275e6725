//! The codec on a GPU: batches that stay in device memory, the same bits as [`Codec`](super::Codec).
//!
//! One thread handles one vector, by the rule of [`super`]: f32 where every operation is exact,
//! and integers for what may be a tie. The kernels are in `lattice.cu`, what they do to one vector in
//! `codes.cuh` and `dot.cuh`, the lattices in `points.cuh`, and where batches lie in `batches.cuh`.
//! A batch has less than 2^31 vectors; a larger one is refused.

mod dot;
mod encoded;
mod launch;
mod parameters;

use std::fmt;
use std::sync::Arc;

use cudarc::driver::{CudaFunction, CudaSlice, DriverError};

use super::{Encoded, Layout};
use crate::gpu::{self, Device};
use parameters::Parameters;

pub use dot::DotTable;
pub use encoded::DeviceEncoded;

/// The kernels of the chapter.
const PTX: &str = include_str!("../lattice.ptx");

/// Why a batch cannot be coded on the GPU.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The batch is not what the codec takes; the CPU says the same.
    #[error(transparent)]
    Batch(#[from] super::Error),
    /// The GPU cannot do it.
    #[error(transparent)]
    Gpu(#[from] gpu::Error),
}

impl From<DriverError> for Error {
    fn from(err: DriverError) -> Self {
        gpu::Error::from(err).into()
    }
}

/// The GPU twin of a [`Codec`](super::Codec).
pub struct DeviceCodec {
    device: Arc<Device>,
    codec: super::Codec,
    parameters: Parameters,
    /// For packed words of q 4 and M 2, and for all else.
    encode: [Option<CudaFunction>; 2],
    decode: [Option<CudaFunction>; 2],
    quantize: CudaFunction,
    dot: CudaFunction,
    /// The first vector that is wrong, and a count of overloaded ones.
    status: CudaSlice<u32>,
}

impl DeviceCodec {
    /// The twin of `codec` on `device`.
    ///
    /// # Errors
    ///
    /// If the driver cannot load the kernels.
    pub fn new(device: &Arc<Device>, codec: &super::Codec) -> Result<Self, Error> {
        let parameters = Parameters::new(codec);
        let lattice = codec.lattice().name().to_lowercase();
        let kernel = |name: &str| device.kernel(PTX, name);
        // The kernels of their own divide without scaling.
        let own = codec.q() == 4 && codec.levels() == 2 && !parameters.is_scaled();
        let special = |operation: &str| {
            own.then(|| kernel(&format!("{operation}_{lattice}_q4_m2"))).transpose()
        };
        let wide = if parameters.top() > 1 << 24 { "_wide" } else { "" };
        Ok(Self {
            encode: [special("encode")?, Some(kernel(&format!("encode_{lattice}"))?)],
            decode: [special("decode")?, Some(kernel(&format!("decode_{lattice}{wide}"))?)],
            quantize: kernel(&format!("quantize_{lattice}"))?,
            dot: kernel(&format!("dot_{lattice}"))?,
            status: device.stream().clone_htod(&[u32::MAX, 0])?,
            device: device.clone(),
            codec: codec.clone(),
            parameters,
        })
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// The codec on the CPU.
    pub fn codec(&self) -> &super::Codec {
        &self.codec
    }

    /// Encodes the vectors `x`, which lie in `layout`, into `codes`; waits until it is done.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](super::Codec::encode) of the CPU, or if the driver refuses.
    ///
    /// # Panics
    ///
    /// If `codes` was made for another kind of code.
    pub fn encode(
        &mut self,
        x: &CudaSlice<f32>,
        layout: Layout,
        codes: &mut DeviceEncoded,
    ) -> Result<(), Error> {
        self.assert_floats(x.len(), codes.len())?;
        self.reset()?;
        self.launch_encode(x, layout, codes)?;
        match self.status()? {
            (Some(vector), _) => {
                Err(super::Error::Domain { vector, beta: self.codec.beta() }.into())
            }
            (None, _) => Ok(()),
        }
    }

    /// Decodes `codes` into the vectors `x`, which lie in `layout`; waits until it is done.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](super::Codec::decode) of the CPU, or if the driver refuses.
    ///
    /// # Panics
    ///
    /// If `codes` was made for another kind of code.
    pub fn decode(
        &mut self,
        codes: &DeviceEncoded,
        x: &mut CudaSlice<f32>,
        layout: Layout,
    ) -> Result<(), Error> {
        self.assert_floats(x.len(), codes.len())?;
        self.reset()?;
        self.launch_decode(codes, x, layout)?;
        match self.status()? {
            (Some(_), _) => Err(self.wrong_code(&[codes])?),
            (None, _) => Ok(()),
        }
    }

    /// Writes what decoding the codes of `x` gives into `y`; both lie in `layout`. Waits until it is
    /// done, and returns how many vectors are overloaded.
    ///
    /// # Errors
    ///
    /// Those of [`quantize`](super::Codec::quantize) of the CPU, or if there are 2^31 vectors or more, or the
    /// driver refuses.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn quantize(
        &mut self,
        x: &CudaSlice<f32>,
        y: &mut CudaSlice<f32>,
        layout: Layout,
    ) -> Result<usize, Error> {
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        self.codec.lattice().vectors(x.len())?;
        self.reset()?;
        self.launch_quantize(x, y, layout)?;
        match self.status()? {
            (Some(vector), _) => {
                Err(super::Error::Domain { vector, beta: self.codec.beta() }.into())
            }
            (None, overloaded) => Ok(overloaded),
        }
    }

    fn assert_kind(&self, codes: &DeviceEncoded) {
        assert_eq!(codes.word(), self.codec.word(), "codes are of another kind");
    }

    fn assert_floats(&self, found: usize, n: usize) -> Result<(), super::Error> {
        let dim = self.codec.lattice().dim();
        if found == dim * n { Ok(()) } else { Err(super::Error::Batch { found, dim, n }) }
    }

    fn reset(&mut self) -> Result<(), DriverError> {
        self.device.stream().memcpy_htod(&[u32::MAX, 0], &mut self.status)
    }

    /// Waits; the first wrong vector, if any, and the number of overloaded ones.
    fn status(&self) -> Result<(Option<usize>, usize), DriverError> {
        let status = self.device.stream().clone_dtoh(&self.status)?;
        self.device.stream().synchronize()?;
        let first = (status[0] != u32::MAX).then_some(status[0] as usize);
        Ok((first, status[1] as usize))
    }

    /// The fault of the codes, as the CPU says it.
    fn wrong_code(&self, batches: &[&DeviceEncoded]) -> Result<Error, Error> {
        for batch in batches {
            let codes: Encoded = batch.download(&self.device, &self.codec)?;
            let mut x = vec![0.0; self.codec.lattice().dim() * codes.len()];
            self.codec.decode(&codes, &mut x, Layout::Soa)?;
        }
        unreachable!("the GPU found a wrong code where the CPU finds none");
    }
}

impl fmt::Debug for DeviceCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} on {}", self.codec, self.device.name())
    }
}
