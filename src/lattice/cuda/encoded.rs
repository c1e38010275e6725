//! An [`Encoded`] in device memory.

use std::fmt;

use cudarc::driver::CudaSlice;

use super::Error;
use crate::gpu::{self, Device, count};
use crate::lattice::code::word::Word;
use crate::lattice::{Codec, Encoded, Form};

/// The codes, scalings and overload flags of n vectors on a device, as [`Encoded`] stores them, but
/// all planes in one buffer, each at the next multiple of 64 bytes.
pub struct DeviceEncoded {
    form: Form,
    n: usize,
    word: Word,
    /// Where each plane starts and how many bytes it has.
    planes: Vec<(usize, usize)>,
    bytes: CudaSlice<u8>,
    /// One element where there is no protection: an empty buffer has no address.
    scalings: CudaSlice<u8>,
    /// The flags of 32 vectors each; in memory, the bytes of [`Encoded::overload`].
    overload: CudaSlice<u32>,
}

impl DeviceEncoded {
    /// Room for the codes of `n` vectors, filled with zeros.
    ///
    /// # Errors
    ///
    /// If there are 2^31 vectors or more, or the driver refuses.
    pub fn new(device: &Device, codec: &Codec, form: Form, n: usize) -> Result<Self, Error> {
        count(n)?;
        let empty = Encoded::new(codec, form, 0);
        let mut planes = Vec::new();
        let mut end = 0_usize;
        let digits = codec.levels() * codec.lattice().dim();
        for k in 0..empty.planes() {
            let start = end.next_multiple_of(64);
            let per_vector = if form == Form::Packed { empty.plane_width(k) } else { digits };
            planes.push((start, n * per_vector));
            end = start + n * per_vector;
        }
        let stream = device.stream();
        let scalings = if codec.max_scaling() > 0 { n } else { 0 };
        Ok(Self {
            form,
            n,
            word: codec.word(),
            planes,
            bytes: stream.alloc_zeros(end.max(1))?,
            scalings: stream.alloc_zeros(scalings.max(1))?,
            overload: stream.alloc_zeros(n.div_ceil(32).max(1))?,
        })
    }

    /// A copy of `codes` on the device, but for the overload flags, which decoding does not need.
    ///
    /// # Errors
    ///
    /// Those of [`DeviceEncoded::new`].
    pub fn upload(device: &Device, codec: &Codec, codes: &Encoded) -> Result<Self, Error> {
        let mut copy = Self::new(device, codec, codes.form(), codes.len())?;
        let stream = device.stream();
        for (k, &(start, len)) in copy.planes.iter().enumerate().filter(|(_, (_, len))| *len > 0) {
            stream.memcpy_htod(codes.plane(k), &mut copy.bytes.slice_mut(start..start + len))?;
        }
        if !codes.scalings().is_empty() {
            stream.memcpy_htod(codes.scalings(), &mut copy.scalings)?;
        }
        stream.synchronize()?;
        Ok(copy)
    }

    /// A copy on the host; waits for the device.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    ///
    /// # Panics
    ///
    /// If the codes were made for another kind of code than `codec`.
    pub fn download(&self, device: &Device, codec: &Codec) -> Result<Encoded, gpu::Error> {
        assert_eq!(codec.word(), self.word, "codes are of another kind");
        let mut codes = Encoded::new(codec, self.form, self.n);
        if self.n == 0 {
            return Ok(codes);
        }
        let stream = device.stream();
        for (k, &(start, len)) in self.planes.iter().enumerate() {
            stream.memcpy_dtoh(&self.bytes.slice(start..start + len), codes.plane_mut(k))?;
        }
        if !codes.scalings().is_empty() {
            stream.memcpy_dtoh(&self.scalings, codes.scalings_mut())?;
        }
        let flags = stream.clone_dtoh(&self.overload)?;
        stream.synchronize()?;
        let bytes = flags.iter().flat_map(|word| word.to_le_bytes());
        codes.overload_mut().iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Ok(codes)
    }

    /// Sets every bit of the codes, scalings and flags.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    pub fn spoil(&mut self, device: &Device) -> Result<(), gpu::Error> {
        let stream = device.stream();
        stream.memcpy_htod(&vec![u8::MAX; self.bytes.len()], &mut self.bytes)?;
        stream.memcpy_htod(&vec![u8::MAX; self.scalings.len()], &mut self.scalings)?;
        stream.memcpy_htod(&vec![u32::MAX; self.overload.len()], &mut self.overload)?;
        stream.synchronize()?;
        Ok(())
    }

    /// The number n of vectors.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// How the codes are stored.
    pub fn form(&self) -> Form {
        self.form
    }

    pub(super) fn word(&self) -> Word {
        self.word
    }

    pub(super) fn bytes(&self) -> &CudaSlice<u8> {
        &self.bytes
    }

    pub(super) fn scalings(&self) -> &CudaSlice<u8> {
        &self.scalings
    }

    /// Planes, scalings and flags.
    pub(super) fn buffers(
        &mut self,
    ) -> (&mut CudaSlice<u8>, &mut CudaSlice<u8>, &mut CudaSlice<u32>) {
        (&mut self.bytes, &mut self.scalings, &mut self.overload)
    }
}

impl fmt::Debug for DeviceEncoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceEncoded({:?}, n {}, {:?})", self.form, self.n, self.word)
    }
}
