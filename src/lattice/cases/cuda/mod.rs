//! The cases of this chapter on a GPU: packed words of q 4, M 2 and vectors row by row, from what a
//! launch costs to what memory allows, and the roof of decoding beside them.

mod dot;

use std::sync::Arc;

use cudarc::driver::{CudaFunction, CudaSlice, DeviceRepr};

use crate::case::{Case, Work};
use crate::gpu::{self, Device, Step};
use crate::lattice::code::word::Word;
use crate::lattice::cuda::{DeviceCodec, DeviceEncoded, Error};
use crate::lattice::{self, Encoded, Form, Lattice, Layout};
use crate::{close, input};

/// The size that no cache holds, measured with a flushed one too.
const LARGE: usize = 1 << 24;

/// Different vectors; larger batches repeat them, since a GPU learns no branches.
const DIFFERENT: usize = 1 << 16;

/// Every case of the chapter.
pub(super) fn cases() -> Vec<Case> {
    let sizes = [(10_000, false), (1_000_000, false), (LARGE, false), (LARGE, true)];
    let mut cases = Vec::new();
    for lattice in Lattice::ALL {
        cases.extend(sizes.map(|(n, cold)| case_encode(lattice, n, cold)));
        cases.extend(sizes.map(|(n, cold)| case_decode(lattice, n, cold)));
    }
    cases.extend([Lattice::D4, Lattice::E8].map(case_quantize));
    cases.extend(dot::cases());
    cases.extend([false, true].map(case_expand));
    cases
}

fn codec(lattice: Lattice) -> lattice::Codec {
    lattice::Codec::new(lattice, 4, 2, 0.35, false).expect("the parameters are in range")
}

/// Bytes of the codes of a vector. The codec knows it too, but has tables to make.
fn code_bytes(lattice: Lattice) -> usize {
    Word { digits: 2 * lattice.dim(), q: 4, protected: false }.bytes()
}

fn id(kernel: &str, n: usize, cold: bool) -> String {
    format!("lattice/{kernel}-cuda{}/n{n}", if cold { "-cold" } else { "" })
}

fn work(n: usize, unit: &'static str, bytes: usize) -> Work {
    let count = |n: usize| n.try_into().expect("a count fits u64");
    let bytes = count(n * bytes);
    Work { units: count(n), unit, flops: 0, bytes, resident_bytes: bytes }
}

fn case_encode(lattice: Lattice, n: usize, cold: bool) -> Case {
    let name = lattice.name().to_lowercase();
    let work = work(n, "vector", 4 * lattice.dim() + code_bytes(lattice));
    gpu::case(id(&format!("encode-{name}-q4-m2"), n, cold), work, cold, move |device, n| {
        Encode::new(device, &codec(lattice), n).map_err(|err| err.to_string())
    })
}

fn case_decode(lattice: Lattice, n: usize, cold: bool) -> Case {
    let name = lattice.name().to_lowercase();
    let work = work(n, "vector", 4 * lattice.dim() + code_bytes(lattice));
    gpu::case(id(&format!("decode-{name}-q4-m2"), n, cold), work, cold, move |device, n| {
        Decode::new(device, &codec(lattice), n).map_err(|err| err.to_string())
    })
}

fn case_quantize(lattice: Lattice) -> Case {
    let name = lattice.name().to_lowercase();
    let work = work(LARGE, "vector", 8 * lattice.dim());
    gpu::case(id(&format!("quantize-{name}-q4-m2"), LARGE, false), work, false, move |device, n| {
        Quantize::new(device, &codec(lattice), n).map_err(|err| err.to_string())
    })
}

fn case_expand(cold: bool) -> Case {
    gpu::case(id("expand-8x", LARGE, cold), work(LARGE, "element", 36), cold, |device, n| {
        Expand::new(device, n).map_err(|err| err.to_string())
    })
}

/// The first `len` elements of the repeated `period`.
fn repeat<T: Copy>(period: &[T], len: usize) -> Vec<T> {
    period.iter().copied().cycle().take(len).collect()
}

/// Whether `got` repeats `want`.
fn repeats<T: close::Word>(what: &str, got: &[T], want: &[T]) -> Result<(), gpu::Error> {
    let parts = got.chunks(want.len().max(1));
    let parts = parts.enumerate().map(|(k, part)| (k * want.len(), part));
    let right = parts.into_iter().try_for_each(|(at, part)| {
        close::bits(&format!("{what}, from {at},"), part, &want[..part.len()])
    });
    right.map_err(gpu::Error::Wrong)
}

/// `value` everywhere.
fn spoil<T: DeviceRepr + Clone>(
    device: &Device,
    x: &mut CudaSlice<T>,
    value: T,
) -> Result<(), gpu::Error> {
    device.stream().memcpy_htod(&vec![value; x.len()], x)?;
    Ok(device.stream().synchronize()?)
}

fn download<T: DeviceRepr>(device: &Device, x: &CudaSlice<T>) -> Result<Vec<T>, gpu::Error> {
    let values = device.stream().clone_dtoh(x)?;
    device.stream().synchronize()?;
    Ok(values)
}

/// Different vectors of a batch of `n`, row by row, and their codes.
fn batch(codec: &lattice::Codec, n: usize) -> Result<(Vec<f32>, Encoded), Error> {
    let different = DIFFERENT.min(n);
    let len = codec.lattice().dim() * different;
    #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
    let x: Vec<f32> = input::gaussian(1, len, 1.0).into_iter().map(|v| v as f32).collect();
    let mut codes = Encoded::new(codec, Form::Packed, different);
    codec.encode(&x, Layout::Rows, &mut codes)?;
    Ok((x, codes))
}

/// The codes `part`, packed and without scalings, repeated up to `n` vectors.
fn repeated(
    device: &Device,
    codec: &lattice::Codec,
    part: &Encoded,
    n: usize,
) -> Result<DeviceEncoded, Error> {
    let mut codes = Encoded::new(codec, Form::Packed, n);
    for k in 0..codes.planes() {
        let plane = repeat(part.plane(k), codes.plane(k).len());
        codes.plane_mut(k).copy_from_slice(&plane);
    }
    DeviceEncoded::upload(device, codec, &codes)
}

struct Encode {
    codec: DeviceCodec,
    x: CudaSlice<f32>,
    codes: DeviceEncoded,
    want: Encoded,
}

impl Encode {
    fn new(device: &Arc<Device>, codec: &lattice::Codec, n: usize) -> Result<Self, Error> {
        let (x, want) = batch(codec, n)?;
        let x = repeat(&x, codec.lattice().dim() * n);
        Ok(Self {
            x: device.stream().clone_htod(&x)?,
            codes: DeviceEncoded::new(device, codec, Form::Packed, n)?,
            codec: DeviceCodec::new(device, codec)?,
            want,
        })
    }
}

impl Step for Encode {
    fn launch(&mut self) -> Result<(), gpu::Error> {
        self.codec.launch_encode(&self.x, Layout::Rows, &mut self.codes)
    }

    fn spoil(&mut self) -> Result<(), gpu::Error> {
        self.codes.spoil(self.codec.device())
    }

    fn check(&self) -> Result<(), gpu::Error> {
        let got = self.codes.download(self.codec.device(), self.codec.codec())?;
        for k in 0..got.planes() {
            repeats(&format!("plane {k}"), got.plane(k), self.want.plane(k))?;
        }
        repeats("overload", got.overload(), self.want.overload())
    }
}

struct Decode {
    codec: DeviceCodec,
    codes: DeviceEncoded,
    x: CudaSlice<f32>,
    want: Vec<f32>,
}

impl Decode {
    fn new(device: &Arc<Device>, codec: &lattice::Codec, n: usize) -> Result<Self, Error> {
        let (mut want, part) = batch(codec, n)?;
        codec.decode(&part, &mut want, Layout::Rows)?;
        Ok(Self {
            codes: repeated(device, codec, &part, n)?,
            x: device.stream().alloc_zeros(codec.lattice().dim() * n)?,
            codec: DeviceCodec::new(device, codec)?,
            want,
        })
    }
}

impl Step for Decode {
    fn launch(&mut self) -> Result<(), gpu::Error> {
        self.codec.launch_decode(&self.codes, &mut self.x, Layout::Rows)
    }

    fn spoil(&mut self) -> Result<(), gpu::Error> {
        spoil(self.codec.device(), &mut self.x, f32::NAN)
    }

    fn check(&self) -> Result<(), gpu::Error> {
        repeats("x", &download(self.codec.device(), &self.x)?, &self.want)
    }
}

struct Quantize {
    codec: DeviceCodec,
    x: CudaSlice<f32>,
    y: CudaSlice<f32>,
    want: Vec<f32>,
}

impl Quantize {
    fn new(device: &Arc<Device>, codec: &lattice::Codec, n: usize) -> Result<Self, Error> {
        let (x, codes) = batch(codec, n)?;
        let mut want = vec![0.0; x.len()];
        codec.decode(&codes, &mut want, Layout::Rows)?;
        let x = repeat(&x, codec.lattice().dim() * n);
        Ok(Self {
            y: device.stream().alloc_zeros(x.len())?,
            x: device.stream().clone_htod(&x)?,
            codec: DeviceCodec::new(device, codec)?,
            want,
        })
    }
}

impl Step for Quantize {
    fn launch(&mut self) -> Result<(), gpu::Error> {
        self.codec.launch_quantize(&self.x, &mut self.y, Layout::Rows)
    }

    fn spoil(&mut self) -> Result<(), gpu::Error> {
        spoil(self.codec.device(), &mut self.y, f32::NAN)
    }

    fn check(&self) -> Result<(), gpu::Error> {
        repeats("y", &download(self.codec.device(), &self.y)?, &self.want)
    }
}

/// Reads and writes as decoding does, without decoding.
struct Expand {
    device: Arc<Device>,
    kernel: CudaFunction,
    x: CudaSlice<f32>,
    out: CudaSlice<f32>,
}

impl Expand {
    fn new(device: &Arc<Device>, n: usize) -> Result<Self, gpu::Error> {
        let x = repeat(&input::uniform(1, DIFFERENT.min(n), 0.0, 1.0), n);
        Ok(Self {
            kernel: device.expand()?,
            x: device.stream().clone_htod(&x)?,
            out: device.stream().alloc_zeros(8 * n)?,
            device: device.clone(),
        })
    }
}

impl Step for Expand {
    fn launch(&mut self) -> Result<(), gpu::Error> {
        self.device.launch_expand(&self.kernel, &self.x, &mut self.out)
    }

    fn spoil(&mut self) -> Result<(), gpu::Error> {
        spoil(&self.device, &mut self.out, f32::NAN)
    }

    fn check(&self) -> Result<(), gpu::Error> {
        let x = download(&self.device, &self.x)?;
        let want: Vec<f32> = x.iter().flat_map(|v| [*v; 8]).collect();
        close::bits("out", &download(&self.device, &self.out)?, &want).map_err(gpu::Error::Wrong)
    }
}
