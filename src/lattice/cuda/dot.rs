//! Inner products on the GPU: what `dot.rs` does, from digits or by table.

use std::fmt;
use std::sync::Arc;

use cudarc::driver::{CudaFunction, CudaSlice, PushKernelArg};

use super::launch::{number, one_thread_each};
use super::{DeviceCodec, DeviceEncoded, Error, PTX};
use crate::gpu::{self, Device, count};
use crate::lattice::{self, dot};

impl DeviceCodec {
    /// Writes the inner product of vectors i of `a` and `b` to `out[i]`, as an integer: `<2y, 2z>`,
    /// where their codes stand for y and z, before any scaling. Waits until it is done.
    ///
    /// # Errors
    ///
    /// Those of [`dot`](lattice::Codec::dot) of the CPU, or if the driver refuses. The contents of `out`
    /// are then unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or one of the batches was made for another kind of code.
    pub fn dot(
        &mut self,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), Error> {
        dot::check(self.codec.code())?;
        self.dot_by(None, a, b, out)
    }

    /// Enqueues what [`DeviceCodec::dot`] does, without looking at what it finds.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    ///
    /// # Panics
    ///
    /// Those of [`DeviceCodec::dot`], or if inner products of these codes can exceed an `i64`.
    pub fn launch_dot(
        &self,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), gpu::Error> {
        dot::check(self.codec.code()).unwrap_or_else(|err| panic!("{err}"));
        self.launch_dot_by(None, a, b, out)
    }

    fn dot_by(
        &mut self,
        table: Option<&Table>,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), Error> {
        self.reset()?;
        self.launch_dot_by(table, a, b, out)?;
        match self.status()? {
            (Some(_), _) => Err(self.wrong_code(&[a, b])?),
            (None, _) => Ok(()),
        }
    }

    fn launch_dot_by(
        &self,
        table: Option<&Table>,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), gpu::Error> {
        let n = out.len();
        for codes in [a, b] {
            self.assert_kind(codes);
            assert_eq!(codes.len(), n, "batches and output differ in length");
        }
        if n == 0 {
            return Ok(());
        }
        let (form_a, form_b, count) = (number(a.form()), number(b.form()), count(n)?);
        let bad = self.status.slice(..1);
        let function = table.map_or(&self.dot, |table| &table.function);
        let mut launch = self.device.stream().launch_builder(function);
        launch.arg(&self.parameters).arg(a.bytes()).arg(&form_a).arg(a.scalings());
        launch.arg(b.bytes()).arg(&form_b).arg(b.scalings()).arg(out).arg(&bad).arg(&count);
        if let Some(Table { products, leaders, .. }) = table {
            launch.arg(products).arg(leaders);
        }
        // SAFETY: the arguments are those of `DOT` or, with a table, `DOT_TABLE` in lattice.cu; thread
        // i < n uses vector i of a and b, which hold n, with scalings only if the parameters have
        // them, and element i of out, which holds n. Digits below q are places in the table.
        unsafe { launch.launch(one_thread_each(count)) }?;
        Ok(())
    }
}

/// The GPU twin of a [`DotTable`](lattice::DotTable).
pub struct DotTable {
    codec: DeviceCodec,
    table: Table,
}

struct Table {
    function: CudaFunction,
    products: CudaSlice<i16>,
    /// The number of rows, and of columns.
    leaders: u32,
}

impl DotTable {
    /// A copy of `table` on `device`.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    pub fn new(device: &Arc<Device>, table: &lattice::DotTable) -> Result<Self, Error> {
        let lattice = table.code.lattice().name().to_lowercase();
        let function = device.kernel(PTX, &format!("dot_table_{lattice}"))?;
        let products = device.stream().clone_htod(&table.table)?;
        let table_on_device = Table { function, products, leaders: count(table.count)? };
        Ok(Self {
            codec: DeviceCodec::new(device, &lattice::Codec::of(table.code.clone()))?,
            table: table_on_device,
        })
    }

    /// Does what [`DeviceCodec::dot`] does, by looking up M^2 inner products for each pair.
    ///
    /// # Errors
    ///
    /// Those of [`dot`](lattice::DotTable::dot) of the CPU, or if the driver refuses. The contents of
    /// `out` are then unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or one of the batches was made for another kind of code.
    pub fn dot(
        &mut self,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), Error> {
        self.codec.dot_by(Some(&self.table), a, b, out)
    }

    /// Enqueues what [`DotTable::dot`] does, without looking at what it finds.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    ///
    /// # Panics
    ///
    /// Those of [`DotTable::dot`].
    pub fn launch_dot(
        &self,
        a: &DeviceEncoded,
        b: &DeviceEncoded,
        out: &mut CudaSlice<i64>,
    ) -> Result<(), gpu::Error> {
        self.codec.launch_dot_by(Some(&self.table), a, b, out)
    }
}

impl fmt::Debug for DotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DotTable({0} by {0} for {1:?})", self.table.leaders, self.codec)
    }
}
