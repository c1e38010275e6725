//! The steps of the cases on the CPU: nearest point, encode, decode and quantize.

use super::{Batch, N, Plan, oracle, vectors, work};
use crate::case::{Case, Step};
use crate::close;
use crate::lattice::{Encoded, Lattice, nearest};
use crate::machine::isa::Isa;

/// The bytes of codes, for [`close::digest`].
fn bytes(codes: &[Encoded]) -> impl Iterator<Item = u8> {
    codes.iter().flat_map(|codes| {
        let planes = (0..codes.planes()).flat_map(|k| codes.plane(k));
        planes.chain(codes.scalings()).chain(codes.overload()).copied()
    })
}

/// Checks codes: few by exhaustive search, many by the definition.
fn check_encoded(batch: &Batch, x: &[Vec<f32>], codes: &[Encoded]) -> Result<(), String> {
    x.iter().zip(codes).try_for_each(|(x, codes)| {
        if batch.n <= N {
            return oracle::check_encoded(&batch.codec, x, batch.layout, codes);
        }
        let mut want = Encoded::new(&batch.codec, batch.form, batch.n);
        let scalar = batch.codec.clone().with_isa(Isa::Scalar);
        scalar.encode(x, batch.layout, &mut want).map_err(|e| e.to_string())?;
        let (got, want): (Vec<u8>, Vec<u8>) =
            (bytes(std::slice::from_ref(codes)).collect(), bytes(&[want]).collect());
        close::bits("bytes of the codes", &got, &want)
    })
}

fn check_decoded(batch: &Batch, codes: &[Encoded], x: &[Vec<f32>]) -> Result<(), String> {
    codes.iter().zip(x).try_for_each(|(codes, x)| {
        if batch.n <= N {
            return oracle::check_decoded(&batch.codec, codes, x, batch.layout);
        }
        let mut want = vec![0.0; x.len()];
        let scalar = batch.codec.clone().with_isa(Isa::Scalar);
        scalar.decode(codes, &mut want, batch.layout).map_err(|e| e.to_string())?;
        close::bits("vectors", x, &want)
    })
}

pub(super) fn case_nearest(lattice: Lattice) -> Case {
    let id = format!("lattice/nearest-{}/n{N}", lattice.name().to_lowercase());
    Case::new(id, "scalar", work(N, 12 * lattice.dim()), move || {
        let x = vectors(lattice, N);
        Nearest { lattice, y: vec![0; x.len()], x }
    })
    .exact()
}

struct Nearest {
    lattice: Lattice,
    x: Vec<f32>,
    y: Vec<i64>,
}

impl Step for Nearest {
    fn run(&mut self) {
        nearest(self.lattice, &self.x, &mut self.y).expect("the input is in the domain");
    }

    fn spoil(&mut self) {
        self.y.fill(i64::MAX);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        oracle::check_nearest(self.lattice, &self.x, &self.y)
    }
}

pub(super) fn case_encode(plan: Plan) -> Case {
    let bytes = plan.vector_bytes();
    plan.case("encode", bytes, Encode::new)
}

struct Encode {
    batch: Batch,
    x: Vec<Vec<f32>>,
    codes: Vec<Encoded>,
}

impl Encode {
    fn new(batch: &Batch) -> Self {
        let (x, codes) = batch.inputs();
        Self { batch: batch.clone(), x, codes }
    }
}

impl Step for Encode {
    fn run(&mut self) {
        for (x, codes) in self.x.iter().zip(&mut self.codes) {
            self.batch.codec.encode(x, self.batch.layout, codes).expect("in the domain");
        }
    }

    fn spoil(&mut self) {
        for codes in &mut self.codes {
            (0..codes.planes()).for_each(|k| codes.plane_mut(k).fill(u8::MAX));
            codes.scalings_mut().fill(u8::MAX);
            // Bits past the last vector are no output.
            let n = codes.len();
            for (i, byte) in codes.overload_mut().iter_mut().enumerate() {
                *byte = u8::MAX >> (8 - 8.min(n - 8 * i));
            }
        }
    }

    fn digest(&self) -> u64 {
        close::digest(bytes(&self.codes))
    }

    fn check(&self) -> Result<(), String> {
        check_encoded(&self.batch, &self.x, &self.codes)
    }
}

pub(super) fn case_decode(plan: Plan) -> Case {
    let bytes = plan.vector_bytes();
    plan.case("decode", bytes, |batch| {
        let mut encode = Encode::new(batch);
        encode.run();
        let Encode { batch, x, codes } = encode;
        Decode { batch, codes, x: x.iter().map(|x| vec![0.0; x.len()]).collect() }
    })
}

struct Decode {
    batch: Batch,
    codes: Vec<Encoded>,
    x: Vec<Vec<f32>>,
}

impl Step for Decode {
    fn run(&mut self) {
        for (codes, x) in self.codes.iter().zip(&mut self.x) {
            self.batch.codec.decode(codes, x, self.batch.layout).expect("codes of the codec");
        }
    }

    fn spoil(&mut self) {
        self.x.iter_mut().for_each(|x| x.fill(f32::NAN));
    }

    fn digest(&self) -> u64 {
        close::digest(self.x.iter().flatten().copied())
    }

    fn check(&self) -> Result<(), String> {
        check_decoded(&self.batch, &self.codes, &self.x)
    }
}

pub(super) fn case_quantize(plan: Plan) -> Case {
    let bytes = 8 * plan.lattice.dim();
    plan.case("quantize", bytes, |batch| Quantize::new(batch, false))
}

/// The same by encoding all vectors and then decoding all codes, than which quantizing is not to be slower.
pub(super) fn case_encode_decode(plan: Plan) -> Case {
    let bytes = 8 * plan.lattice.dim() + plan.code_bytes();
    plan.case("encode-decode", bytes, |batch| Quantize::new(batch, true))
}

pub(super) struct Quantize {
    batch: Batch,
    x: Vec<Vec<f32>>,
    /// Where it is done in two steps.
    codes: Option<Vec<Encoded>>,
    y: Vec<Vec<f32>>,
    overloaded: usize,
}

impl Quantize {
    pub(super) fn new(batch: &Batch, in_two: bool) -> Self {
        let (x, codes) = batch.inputs();
        let codes = in_two.then_some(codes);
        Self { batch: batch.clone(), y: x.clone(), x, codes, overloaded: 0 }
    }
}

impl Step for Quantize {
    fn run(&mut self) {
        let Batch { codec, layout, .. } = &self.batch;
        self.overloaded = 0;
        for (i, (x, y)) in self.x.iter().zip(&mut self.y).enumerate() {
            if let Some(codes) = &mut self.codes {
                codec.encode(x, *layout, &mut codes[i]).expect("in the domain");
                codec.decode(&codes[i], y, *layout).expect("of the codec");
                self.overloaded += codes[i].overloaded();
            } else {
                self.overloaded += codec.quantize(x, y, *layout).expect("in the domain");
            }
        }
    }

    fn spoil(&mut self) {
        self.y.iter_mut().for_each(|y| y.fill(f32::NAN));
    }

    fn digest(&self) -> u64 {
        let y = close::digest(self.y.iter().flatten().copied());
        close::digest([y, self.overloaded as u64])
    }

    /// Decodes the codes that the definition gives.
    fn check(&self) -> Result<(), String> {
        let Batch { codec, layout, .. } = &self.batch;
        let (_, mut codes) = self.batch.inputs();
        let scalar = codec.clone().with_isa(Isa::Scalar);
        for (x, codes) in self.x.iter().zip(&mut codes) {
            scalar.encode(x, *layout, codes).map_err(|e| e.to_string())?;
        }
        check_encoded(&self.batch, &self.x, &codes)?;
        check_decoded(&self.batch, &codes, &self.y)?;
        let overloaded: usize = codes.iter().map(Encoded::overloaded).sum();
        close::bits("overloaded vectors", &[self.overloaded as u64], &[overloaded as u64])
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;
    use crate::lattice::{Form, Layout};

    #[test]
    fn checks_find_one_wrong_value() {
        let form = Form::Digits(Layout::Soa);
        let plan = Plan { form, ..plan(Lattice::D4, 4, 2, 0.25, true) };
        let mut encode = Encode::new(&plan.batch());
        encode.run();
        assert_eq!(encode.check(), Ok(()), "as encoded");
        let code = &mut encode.codes[0].digits_mut()[N];
        *code = (*code + 1) % 4;
        assert!(encode.check().unwrap_err().starts_with("vector 0: level 0"), "a code");
        encode.run();
        let scaled = encode.codes[0].scalings().iter().position(|&t| t == 1);
        let scaled = scaled.expect("some vector is scaled");
        for t in [0, 2] {
            encode.codes[0].scalings_mut()[scaled] = t;
            let err = encode.check().unwrap_err();
            assert!(err.starts_with(&format!("vector {scaled}: ")), "scaling {t}: {err}");
        }
    }
}
