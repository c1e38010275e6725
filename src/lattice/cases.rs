//! The cases of this chapter: Gaussian vectors, too many for a branch predictor to learn.

use super::{Codec, DotTable, Encoded, Form, Lattice, Layout, nearest, oracle};
use crate::case::{Case, Step, Work};
use crate::isa::Isa;
use crate::{close, input};

/// Vectors of most steps.
const N: usize = 10_000;
/// Calls of a step with one vector each.
const CALLS: usize = 256;
/// Vectors that no cache holds: 151 MB of E8, and half of that of D4.
const MANY: usize = 1 << 22;

/// What a case encodes, decodes or quantizes, and how.
#[derive(Debug, Clone)]
struct Batch {
    codec: Codec,
    layout: Layout,
    form: Form,
    n: usize,
    /// What the id says between the kernel and the lattice.
    name: &'static str,
}

/// Every case of the chapter.
pub fn cases() -> Vec<Case> {
    use Lattice::{D4, E8, Z2};
    let plain = |lattice| rows(codec(lattice, 4, 2, 0.35, false));
    let mut cases: Vec<_> = Lattice::ALL.into_iter().map(case_nearest).collect();
    for lattice in Lattice::ALL {
        for n in [1, 10, 100, 1000, N, 100_000, MANY] {
            let batch = Batch { n, ..plain(lattice) };
            let both = [case_encode(batch.clone()), case_decode(batch)];
            cases.extend(
                both.map(|case| if [1, N].contains(&n) { case } else { case.timed_only() }),
            );
        }
    }
    let soa = Batch { layout: Layout::Soa, name: "-soa", ..plain(D4) };
    let digits = Batch { form: Form::Digits(Layout::Soa), name: "-digits", ..soa.clone() };
    let protected = rows(codec(D4, 4, 2, 0.25, true));
    let general = rows(codec(D4, 5, 2, 0.35, false));
    let wide = rows(codec(E8, 5, 2, 0.35, false));
    for batch in [
        soa,
        digits,
        Batch { name: "-protected", ..protected },
        rows(codec(E8, 3, 3, 0.35, false)),
        rows(codec(Z2, 16, 1, 0.25, false)),
        general,
        wide,
    ] {
        cases.push(case_encode(batch.clone()));
        cases.push(case_decode(batch));
    }
    for lattice in [D4, E8] {
        cases.push(case_quantize(plain(lattice)));
        cases.push(case_dot(plain(lattice)));
        // One implementation on every machine that has it.
        for isa in [Isa::Scalar, Isa::Avx2].into_iter().filter(|isa| isa.is_available()) {
            let name = if isa == Isa::Scalar { "-scalar" } else { "-avx2" };
            let codec = plain(lattice).codec.with_isa(isa);
            let batch = Batch { name, ..rows(codec) };
            cases.push(case_encode(batch.clone()).timed_only());
            cases.push(case_decode(batch).timed_only());
        }
    }
    cases.push(case_dot_table(plain(D4)));
    cases
}

fn codec(lattice: Lattice, q: u8, levels: usize, beta: f32, protected: bool) -> Codec {
    Codec::new(lattice, q, levels, beta, protected).expect("the parameters are in range")
}

/// Packed, from and to rows.
fn rows(codec: Codec) -> Batch {
    Batch { codec, layout: Layout::Rows, form: Form::Packed, n: N, name: "" }
}

impl Batch {
    /// `lattice/kernel[-name]-lattice-qQ-mM/nN`.
    fn id(&self, kernel: &str) -> String {
        let lattice = self.codec.lattice().name().to_lowercase();
        let (q, m) = (self.codec.q(), self.codec.levels());
        format!("lattice/{kernel}{}-{lattice}-q{q}-m{m}/n{}", self.name, self.n)
    }

    /// Calls of one step, each on other vectors.
    fn calls(&self) -> usize {
        if self.n == 1 { CALLS } else { 1 }
    }

    /// Bytes of the floats and of the codes of a vector.
    fn vector_bytes(&self) -> usize {
        let codec = &self.codec;
        let code = match self.form {
            Form::Packed => codec.vector_bytes(),
            Form::Digits(_) => codec.levels() * codec.lattice().dim(),
        };
        4 * codec.lattice().dim() + code
    }

    fn case<S: Step + 'static>(
        self,
        kernel: &str,
        vector_bytes: usize,
        prepare: impl Fn(&Self) -> S + 'static,
    ) -> Case {
        let work = work(self.calls() * self.n, vector_bytes);
        Case::new(self.id(kernel), self.codec.isa().name(), work, move || prepare(&self))
    }

    /// Vectors for every call, and room for their codes.
    fn inputs(&self) -> (Vec<Vec<f32>>, Vec<Encoded>) {
        let d = self.codec.lattice().dim();
        let all = vectors(self.codec.lattice(), self.calls() * self.n);
        let x = all.chunks(d * self.n).map(<[f32]>::to_vec).collect();
        (x, vec![Encoded::new(&self.codec, self.form, self.n); self.calls()])
    }
}

fn work(n: usize, vector_bytes: usize) -> Work {
    let count = |n: usize| n.try_into().expect("a count fits u64");
    Work { units: count(n), unit: "vector", flops: 0, bytes: count(n * vector_bytes) }
}

#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn vectors(lattice: Lattice, n: usize) -> Vec<f32> {
    input::gaussian(1, lattice.dim() * n, 1.0).into_iter().map(|v| v as f32).collect()
}

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

fn case_nearest(lattice: Lattice) -> Case {
    let id = format!("lattice/nearest-{}/n{N}", lattice.name().to_lowercase());
    Case::new(id, "scalar", work(N, 12 * lattice.dim()), move || {
        let x = vectors(lattice, N);
        Nearest { lattice, y: vec![0; x.len()], x }
    })
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

fn case_encode(batch: Batch) -> Case {
    let bytes = batch.vector_bytes();
    batch.case("encode", bytes, Encode::new)
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
        }
    }

    fn digest(&self) -> u64 {
        close::digest(bytes(&self.codes))
    }

    fn check(&self) -> Result<(), String> {
        check_encoded(&self.batch, &self.x, &self.codes)
    }
}

fn case_decode(batch: Batch) -> Case {
    let bytes = batch.vector_bytes();
    batch.case("decode", bytes, |batch| {
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

fn case_quantize(batch: Batch) -> Case {
    let bytes = 8 * batch.codec.lattice().dim();
    batch.case("quantize", bytes, |batch| {
        let x = vectors(batch.codec.lattice(), batch.n);
        Quantize { batch: batch.clone(), y: vec![0.0; x.len()], x, overloaded: 0 }
    })
}

struct Quantize {
    batch: Batch,
    x: Vec<f32>,
    y: Vec<f32>,
    overloaded: usize,
}

impl Step for Quantize {
    fn run(&mut self) {
        let quantized = self.batch.codec.quantize(&self.x, &mut self.y, self.batch.layout);
        self.overloaded = quantized.expect("in the domain");
    }

    fn spoil(&mut self) {
        self.y.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest([close::digest(self.y.iter().copied()), self.overloaded as u64])
    }

    /// Decodes the codes that the definition gives.
    fn check(&self) -> Result<(), String> {
        let Batch { codec, layout, form, n, .. } = &self.batch;
        let mut codes = Encoded::new(codec, *form, *n);
        let scalar = codec.clone().with_isa(Isa::Scalar);
        scalar.encode(&self.x, *layout, &mut codes).map_err(|e| e.to_string())?;
        oracle::check_encoded(codec, &self.x, *layout, &codes)?;
        oracle::check_decoded(codec, &codes, &self.y, *layout)?;
        close::bits("overloaded vectors", &[self.overloaded as u64], &[codes.overloaded() as u64])
    }
}

fn case_dot(batch: Batch) -> Case {
    let bytes = 2 * batch.codec.vector_bytes() + 8;
    batch.case("dot", bytes, |batch| Dot::new(batch, None))
}

fn case_dot_table(batch: Batch) -> Case {
    let bytes = 2 * batch.codec.vector_bytes() + 8;
    batch.case("dot-table", bytes, |batch| {
        let table = batch.codec.dot_table().expect("q^(2d) is at most 2^20");
        Dot::new(batch, Some(table))
    })
}

struct Dot {
    batch: Batch,
    table: Option<DotTable>,
    a: Encoded,
    b: Encoded,
    out: Vec<i64>,
}

impl Dot {
    /// Products of the first half of the vectors with the second.
    fn new(batch: &Batch, table: Option<DotTable>) -> Self {
        let x = vectors(batch.codec.lattice(), 2 * batch.n);
        let [a, b] = [0, 1].map(|half| {
            let mut codes = Encoded::new(&batch.codec, batch.form, batch.n);
            let x = &x[half * x.len() / 2..][..x.len() / 2];
            batch.codec.encode(x, batch.layout, &mut codes).expect("in the domain");
            codes
        });
        Self { batch: batch.clone(), table, a, b, out: vec![0; batch.n] }
    }
}

impl Step for Dot {
    fn run(&mut self) {
        let done = match &self.table {
            Some(table) => table.dot(&self.a, &self.b, &mut self.out),
            None => self.batch.codec.dot(&self.a, &self.b, &mut self.out),
        };
        done.expect("codes of the codec");
    }

    fn spoil(&mut self) {
        self.out.fill(i64::MAX);
    }

    fn digest(&self) -> u64 {
        close::digest(self.out.iter().copied())
    }

    /// Multiplies the decoded points, which are exact with steps of 2.
    fn check(&self) -> Result<(), String> {
        let Batch { codec, layout, n, .. } = &self.batch;
        let doubled = Codec::new(codec.lattice(), codec.q(), codec.levels(), 2.0, false)
            .map_err(|e| e.to_string())?
            .with_isa(Isa::Scalar);
        let decoded = |codes: &Encoded| {
            let mut x = vec![0.0; codec.lattice().dim() * n];
            doubled.decode(codes, &mut x, *layout).map_err(|e| e.to_string())?;
            Ok::<_, String>(x)
        };
        let (a, b) = (decoded(&self.a)?, decoded(&self.b)?);
        let d = codec.lattice().dim();
        #[expect(clippy::cast_possible_truncation, reason = "integers")]
        let dot = |(a, b): (&[f32], &[f32])| {
            a.iter().zip(b).map(|(a, b)| *a as i64 * *b as i64).sum::<i64>()
        };
        let want: Vec<i64> = a.chunks(d).zip(b.chunks(d)).map(dot).collect();
        close::bits("products", &self.out, &want)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_find_one_wrong_value() {
        let form = Form::Digits(Layout::Soa);
        let mut encode = Encode::new(&Batch { form, ..rows(codec(Lattice::D4, 4, 2, 0.25, true)) });
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
