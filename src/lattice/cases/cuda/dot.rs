//! The cases of inner products: of a batch with itself, one vector on.

use std::sync::Arc;

use cudarc::driver::CudaSlice;

use super::{LARGE, batch, code_bytes, codec, download, id, repeated, repeats, spoil, work};
use crate::case::Case;
use crate::gpu::{self, Device, Step};
use crate::lattice::cuda::{DeviceCodec, DeviceEncoded, DotTable, Error};
use crate::lattice::{self, Encoded, Form, Lattice, Layout};

pub(super) fn cases() -> Vec<Case> {
    let all = [(Lattice::D4, "dot"), (Lattice::E8, "dot"), (Lattice::D4, "dot-table")];
    all.map(|(lattice, kernel)| case(lattice, kernel)).into()
}

fn case(lattice: Lattice, kernel: &'static str) -> Case {
    let name = lattice.name().to_lowercase();
    let work = work(LARGE, "vector", 2 * code_bytes(lattice) + 8);
    gpu::case(id(&format!("{kernel}-{name}-q4-m2"), LARGE, false), work, false, move |device, n| {
        Dot::new(device, &codec(lattice), kernel == "dot-table", n).map_err(|err| err.to_string())
    })
}

struct Dot {
    codec: DeviceCodec,
    table: Option<DotTable>,
    a: DeviceEncoded,
    b: DeviceEncoded,
    out: CudaSlice<i64>,
    want: Vec<i64>,
}

impl Dot {
    fn new(
        device: &Arc<Device>,
        codec: &lattice::Codec,
        by_table: bool,
        n: usize,
    ) -> Result<Self, Error> {
        let (mut x, a) = batch(codec, n)?;
        x.rotate_left(codec.lattice().dim());
        let mut b = Encoded::new(codec, Form::Packed, a.len());
        codec.encode(&x, Layout::Rows, &mut b)?;
        let mut want = vec![0; a.len()];
        codec.dot(&a, &b, &mut want)?;
        let table = by_table.then(|| DotTable::new(device, &codec.dot_table()?)).transpose()?;
        Ok(Self {
            codec: DeviceCodec::new(device, codec)?,
            table,
            a: repeated(device, codec, &a, n)?,
            b: repeated(device, codec, &b, n)?,
            out: device.stream().alloc_zeros(n)?,
            want,
        })
    }
}

impl Step for Dot {
    fn launch(&mut self) -> Result<(), gpu::Error> {
        match &self.table {
            Some(table) => table.launch_dot(&self.a, &self.b, &mut self.out),
            None => self.codec.launch_dot(&self.a, &self.b, &mut self.out),
        }
    }

    fn spoil(&mut self) -> Result<(), gpu::Error> {
        spoil(self.codec.device(), &mut self.out, i64::MIN)
    }

    fn check(&self) -> Result<(), gpu::Error> {
        repeats("out", &download(self.codec.device(), &self.out)?, &self.want)
    }
}
