//! The cases of this chapter: Gaussian vectors, too many for a branch predictor to learn.
//!
//! A batch reads or writes every vector and its codes once, so what a step keeps at hand is as much
//! as it moves; inner products by table keep the table too.

use dot::{case_dot, case_dot_table};
use steps::{case_decode, case_encode, case_encode_decode, case_nearest, case_quantize};

use super::code::word::Word;
use super::{Codec, Encoded, Form, Lattice, Layout};
use crate::case::{Case, Step, Work};
use crate::input;
use crate::machine::isa::Isa;

#[cfg(feature = "cuda")]
mod cuda;
mod dot;
pub(super) mod oracle;
mod steps;
#[cfg(test)]
mod timing;

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
    for lattice in Lattice::ALL {
        let sizes = [1, 10, 100, 1000, 50_000].map(|n| Plan { n, ..plain(lattice) });
        cases.extend(sizes.map(case_quantize));
        cases.extend(sizes.map(case_encode_decode));
        cases.push(case_encode_decode(plain(lattice)));
    }
    cases.push(case_quantize(plain(Lattice::Z2)));
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
}
