//! The cases of this chapter: Gaussian vectors, too many for a branch predictor to learn.
//!
//! A batch reads or writes every vector and its codes once, so what a step keeps at hand is as much
//! as it moves; inner products by table keep the table too.

use dot::{case_dot, case_dot_table};

use super::code::word::Word;
use super::{Codec, Encoded, Form, Lattice, Layout, nearest};
use crate::case::{Case, Step, Work};
use crate::machine::isa::Isa;
use crate::{close, input};

#[cfg(feature = "cuda")]
mod cuda;
mod dot;
pub(super) mod oracle;

/// Vectors of most steps.
const N: usize = 10_000;
/// A step with smaller batches is several calls on as many vectors in all, 256 calls at most: branch
/// predictors learn short inputs.
const DIFFERENT: usize = 1000;
const CALLS: usize = 256;
/// Vectors that no cache holds: 151 MB of E8, and half of that of D4.
const MANY: usize = 1 << 22;

/// A code, a batch and its layout: the input of a case.
#[derive(Debug, Clone, Copy)]
struct Plan {
    lattice: Lattice,
    q: u8,
    levels: usize,
    beta: f32,
    protected: bool,
    isa: Isa,
    layout: Layout,
    form: Form,
    n: usize,
    /// The part of the id between the kernel and the lattice.
    name: &'static str,
}

/// A plan with its codec, whose tables take a while.
#[derive(Debug, Clone)]
struct Batch {
    codec: Codec,
    layout: Layout,
    form: Form,
    n: usize,
    calls: usize,
}

/// The cases that gate: every kernel and kind of code, one vector and many, and those on a GPU.
pub fn cases() -> Vec<Case> {
    use Lattice::{D4, E8, Z2};
    let mut cases: Vec<_> = Lattice::ALL.into_iter().map(case_nearest).collect();
    for lattice in Lattice::ALL {
        for n in [1, N] {
            let plan = Plan { n, ..plain(lattice) };
            cases.extend([case_encode(plan), case_decode(plan)]);
        }
    }
    let soa = Plan { layout: Layout::Soa, name: "-soa", ..plain(D4) };
    for plan in [
        soa,
        Plan { form: Form::Digits(Layout::Soa), name: "-digits", ..soa },
        Plan { name: "-protected", ..plan(D4, 4, 2, 0.25, true) },
        plan(E8, 3, 3, 0.35, false),
        plan(Z2, 16, 1, 0.25, false),
        plan(D4, 5, 2, 0.35, false),
        plan(E8, 5, 2, 0.35, false),
        plan(D4, 2, 4, 0.35, false),
        plan(E8, 8, 2, 0.35, false),
    ] {
        cases.push(case_encode(plan));
        cases.push(case_decode(plan));
    }
    cases.push(case_encode(Plan { lattice: E8, ..soa }));
    for lattice in [D4, E8] {
        cases.push(case_quantize(plain(lattice)));
        cases.push(case_dot(plain(lattice)));
    }
    cases.push(case_dot_table(plain(D4)));
    #[cfg(feature = "cuda")]
    cases.extend(cuda::cases());
    cases
}

/// Other batch sizes, up to what no cache holds, and single implementations.
pub fn scaling() -> Vec<Case> {
    let mut plans = Vec::new();
    for lattice in Lattice::ALL {
        plans.extend([10, 100, 1000, 100_000, MANY].map(|n| Plan { n, ..plain(lattice) }));
    }
    for lattice in [Lattice::D4, Lattice::E8] {
        // One implementation on every machine that has it.
        for isa in [Isa::Scalar, Isa::Avx2].into_iter().filter(|isa| isa.is_available()) {
            let name = if isa == Isa::Scalar { "-scalar" } else { "-avx2" };
            plans.push(Plan { isa, name, ..plain(lattice) });
        }
    }
    let mut cases: Vec<_> =
        plans.into_iter().flat_map(|plan| [case_encode(plan), case_decode(plan)]).collect();
    cases.extend(Lattice::ALL.map(|lattice| case_quantize(Plan { n: 1, ..plain(lattice) })));
    cases
}

/// The codes that most cases share.
fn plain(lattice: Lattice) -> Plan {
    plan(lattice, 4, 2, 0.35, false)
}

/// Packed, from and to rows.
fn plan(lattice: Lattice, q: u8, levels: usize, beta: f32, protected: bool) -> Plan {
    let (isa, layout, form) = (Isa::best(), Layout::Rows, Form::Packed);
    Plan { lattice, q, levels, beta, protected, isa, layout, form, n: N, name: "" }
}

impl Plan {
    /// `lattice/kernel[-name]-lattice-qQ-mM/nN`.
    fn id(&self, kernel: &str) -> String {
        let Self { q, levels, n, name, .. } = self;
        format!("lattice/{kernel}{name}-{}-q{q}-m{levels}/n{n}", self.lattice.name().to_lowercase())
    }

    /// Calls of one step, each on other vectors.
    fn calls(&self) -> usize {
        (DIFFERENT / self.n).clamp(1, CALLS)
    }

    /// Bytes of the codes of a vector.
    fn code_bytes(&self) -> usize {
        let digits = self.levels * self.lattice.dim();
        match self.form {
            Form::Packed => Word { digits, q: self.q, protected: self.protected }.bytes(),
            Form::Digits(_) => digits,
        }
    }

    /// Bytes of the floats and of the codes of a vector.
    fn vector_bytes(&self) -> usize {
        4 * self.lattice.dim() + self.code_bytes()
    }

    /// Every kernel is defined bit for bit.
    fn case<S: Step + 'static>(
        self,
        kernel: &str,
        vector_bytes: usize,
        prepare: impl Fn(&Batch) -> S + 'static,
    ) -> Case {
        let work = work(self.calls() * self.n, vector_bytes);
        Case::new(self.id(kernel), self.isa.name(), work, move || prepare(&self.batch())).exact()
    }

    fn batch(&self) -> Batch {
        let Self { lattice, q, levels, beta, protected, isa, layout, form, n, .. } = *self;
        let codec = Codec::new(lattice, q, levels, beta, protected).expect("in range");
        Batch { codec: codec.with_isa(isa), layout, form, n, calls: self.calls() }
    }
}

impl Batch {
    /// Vectors for every call, and room for their codes.
    fn inputs(&self) -> (Vec<Vec<f32>>, Vec<Encoded>) {
        let d = self.codec.lattice().dim();
        let all = vectors(self.codec.lattice(), self.calls * self.n);
        let x = all.chunks(d * self.n).map(<[f32]>::to_vec).collect();
        (x, vec![Encoded::new(&self.codec, self.form, self.n); self.calls])
    }
}

fn work(n: usize, vector_bytes: usize) -> Work {
    let count = |n: usize| n.try_into().expect("a count fits u64");
    let bytes = count(n * vector_bytes);
    Work { units: count(n), unit: "vector", flops: 0, bytes, resident_bytes: bytes }
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

fn case_encode(plan: Plan) -> Case {
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

fn case_decode(plan: Plan) -> Case {
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

fn case_quantize(plan: Plan) -> Case {
    let bytes = 8 * plan.lattice.dim();
    plan.case("quantize", bytes, |batch| {
        let (x, _) = batch.inputs();
        Quantize { batch: batch.clone(), y: x.clone(), x, overloaded: 0 }
    })
}

struct Quantize {
    batch: Batch,
    x: Vec<Vec<f32>>,
    y: Vec<Vec<f32>>,
    overloaded: usize,
}

impl Step for Quantize {
    fn run(&mut self) {
        let Batch { codec, layout, .. } = &self.batch;
        self.overloaded = 0;
        for (x, y) in self.x.iter().zip(&mut self.y) {
            self.overloaded += codec.quantize(x, y, *layout).expect("in the domain");
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
    use super::*;

    #[test]
    fn only_batches_that_no_cache_holds_are_memory_bound() {
        let bound = |cases: Vec<Case>| {
            let cpu = cases.into_iter().filter(|case| !case.is_on_device());
            cpu.filter(Case::is_memory_bound).map(|case| case.id).collect::<Vec<_>>()
        };
        assert_eq!(bound(cases()), [""; 0], "those that gate");
        // 100,000 vectors of E8 with their codes are 3.6 MB.
        let ids = bound(scaling());
        assert!(ids.iter().all(|id| id.ends_with("/n4194304")) && ids.len() == 6, "{ids:?}");
    }

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
