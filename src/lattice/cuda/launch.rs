//! Launches without looking at what they find: what is timed, and captured into graphs.

use cudarc::driver::{CudaFunction, CudaSlice, LaunchConfig, PushKernelArg};

use super::{DeviceCodec, DeviceEncoded};
use crate::gpu::{self, BLOCK, count};
use crate::lattice::{Form, Lattice, Layout};

impl DeviceCodec {
    /// Enqueues what [`DeviceCodec::encode`] does, without looking at what it finds.
    ///
    /// # Errors
    ///
    /// If there are 2^31 vectors or more, or the driver refuses.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit together, or the codes were made for another kind of code.
    pub fn launch_encode(
        &self,
        x: &CudaSlice<f32>,
        layout: Layout,
        codes: &mut DeviceEncoded,
    ) -> Result<(), gpu::Error> {
        self.assert_kind(codes);
        let (n, form) = (codes.len(), codes.form());
        assert_eq!(x.len(), self.codec.lattice().dim() * n, "x is not n vectors");
        if n == 0 {
            return Ok(());
        }
        let (rows, number, count) = (rows(layout), number(form), count(n)?);
        let (function, config) = self.choose(&self.encode, form, count);
        let (bytes, scalings, overload) = codes.buffers();
        let bad = self.status.slice(..1);
        let mut launch = self.device.stream().launch_builder(function);
        launch.arg(&self.parameters).arg(x).arg(&rows).arg(bytes).arg(&number);
        launch.arg(scalings).arg(overload).arg(&bad).arg(&count);
        // SAFETY: the arguments are those of `ENCODE` in lattice.cu; thread i < n uses vector i of x
        // and of the codes, which hold n, with scalings only if the parameters have them. The
        // buffers start at multiples of 256 bytes.
        unsafe { launch.launch(config) }?;
        Ok(())
    }

    /// Enqueues what [`DeviceCodec::decode`] does, without looking at what it finds.
    ///
    /// # Errors
    ///
    /// If there are 2^31 vectors or more, or the driver refuses.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit together, or the codes were made for another kind of code.
    pub fn launch_decode(
        &self,
        codes: &DeviceEncoded,
        x: &mut CudaSlice<f32>,
        layout: Layout,
    ) -> Result<(), gpu::Error> {
        self.assert_kind(codes);
        let (n, form) = (codes.len(), codes.form());
        assert_eq!(x.len(), self.codec.lattice().dim() * n, "x is not n vectors");
        if n == 0 {
            return Ok(());
        }
        let (rows, number, count) = (rows(layout), number(form), count(n)?);
        let (function, config) = self.choose(&self.decode, form, count);
        let bad = self.status.slice(..1);
        let mut launch = self.device.stream().launch_builder(function);
        launch.arg(&self.parameters).arg(codes.bytes()).arg(&number).arg(codes.scalings());
        launch.arg(x).arg(&rows).arg(&bad).arg(&count);
        // SAFETY: the arguments are those of `DECODE` in lattice.cu; as in `launch_encode`.
        unsafe { launch.launch(config) }?;
        Ok(())
    }

    /// Enqueues what [`DeviceCodec::quantize`] does, without looking at what it finds.
    ///
    /// # Errors
    ///
    /// If there are 2^31 vectors or more, or the driver refuses.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or are not of whole vectors.
    pub fn launch_quantize(
        &self,
        x: &CudaSlice<f32>,
        y: &mut CudaSlice<f32>,
        layout: Layout,
    ) -> Result<(), gpu::Error> {
        let n = x.len() / self.codec.lattice().dim();
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        assert_eq!(x.len(), self.codec.lattice().dim() * n, "x is not n vectors");
        if n == 0 {
            return Ok(());
        }
        let (rows, count) = (rows(layout), count(n)?);
        let (bad, overloaded) = (self.status.slice(..1), self.status.slice(1..));
        let mut launch = self.device.stream().launch_builder(&self.quantize);
        launch.arg(&self.parameters).arg(x).arg(y).arg(&rows).arg(&overloaded).arg(&bad);
        launch.arg(&count);
        // SAFETY: the arguments are those of `QUANTIZE` in lattice.cu; thread i < n uses vector i of
        // x and y, which hold n vectors of floats at addresses that are multiples of 256.
        unsafe { launch.launch(one_thread_each(count)) }?;
        Ok(())
    }

    /// The kernel of its own where there is one for this form, else the general one.
    fn choose<'a>(
        &self,
        kernels: &'a [Option<CudaFunction>; 2],
        form: Form,
        n: u32,
    ) -> (&'a CudaFunction, LaunchConfig) {
        let special = kernels[0].as_ref().filter(|_| form == Form::Packed);
        let mut config = one_thread_each(n);
        if special.is_some() && self.codec.lattice() == Lattice::D4 {
            // Every block builds the table, so there are no more blocks than run at a time.
            config.grid_dim.0 = config.grid_dim.0.min(8 * self.device.multiprocessors());
        }
        (special.or(kernels[1].as_ref()).expect("the general kernel is loaded"), config)
    }
}

/// A block for every [`BLOCK`] vectors.
pub(super) fn one_thread_each(n: u32) -> LaunchConfig {
    let grid_dim = (n.div_ceil(BLOCK), 1, 1);
    LaunchConfig { grid_dim, block_dim: (BLOCK, 1, 1), shared_mem_bytes: 0 }
}

pub(super) fn rows(layout: Layout) -> u32 {
    (layout == Layout::Rows).into()
}

/// `Form` in batches.cuh.
pub(super) fn number(form: Form) -> u32 {
    match form {
        Form::Packed => 0,
        Form::Digits(Layout::Soa) => 1,
        Form::Digits(Layout::Rows) => 2,
    }
}
