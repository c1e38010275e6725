//! The cases of this chapter: Gaussian vectors, too many for a branch predictor to learn.

use super::{Codec, Encoded, Form, Lattice, Layout, nearest, oracle};
use crate::case::{Case, Step, Work};
use crate::{close, input};

/// Vectors of one step.
const N: usize = 10_000;

/// Every case of the chapter.
pub fn cases() -> Vec<Case> {
    use Lattice::{D4, E8, Z2};
    let plain = |lattice| codec(lattice, 4, 2, 0.35, false);
    let mut cases: Vec<_> = Lattice::ALL
        .into_iter()
        .flat_map(|l| [case_nearest(l), case_encode(plain(l)), case_decode(plain(l))])
        .collect();
    cases.push(case_encode(codec(D4, 4, 2, 0.25, true)));
    cases.push(case_encode(codec(E8, 3, 3, 0.35, false)));
    cases.push(case_encode(codec(Z2, 16, 1, 0.25, false)));
    cases
}

fn codec(lattice: Lattice, q: u8, levels: usize, beta: f32, protected: bool) -> Codec {
    Codec::new(lattice, q, levels, beta, protected).expect("the parameters are in range")
}

/// `kernel[-protected]-lattice-qQ-mM/nN`.
fn id(kernel: &str, codec: &Codec) -> String {
    let protected = if codec.max_scaling() > 0 { "-protected" } else { "" };
    let lattice = codec.lattice().name().to_lowercase();
    let (q, m) = (codec.q(), codec.levels());
    format!("lattice/{kernel}{protected}-{lattice}-q{q}-m{m}/n{N}")
}

fn work(bytes_per_vector: usize) -> Work {
    let count = |n: usize| n.try_into().expect("a count fits u64");
    Work { units: count(N), unit: "vector", flops: 0, bytes: count(N * bytes_per_vector) }
}

#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn vectors(lattice: Lattice) -> Vec<f32> {
    input::gaussian(1, lattice.dim() * N, 1.0).into_iter().map(|v| v as f32).collect()
}

fn case_nearest(lattice: Lattice) -> Case {
    let id = format!("lattice/nearest-{}/n{N}", lattice.name().to_lowercase());
    Case::new(id, "scalar", work(12 * lattice.dim()), move || {
        let x = vectors(lattice);
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

fn case_encode(codec: Codec) -> Case {
    let d = codec.lattice().dim();
    Case::new(id("encode", &codec), "scalar", work(d * (4 + codec.levels())), move || {
        Encode::new(codec.clone())
    })
}

struct Encode {
    codec: Codec,
    x: Vec<f32>,
    codes: Encoded,
}

impl Encode {
    fn new(codec: Codec) -> Self {
        let x = vectors(codec.lattice());
        let codes = Encoded::new(&codec, Form::Digits(Layout::Soa), N);
        Self { codec, x, codes }
    }
}

impl Step for Encode {
    fn run(&mut self) {
        self.codec
            .encode(&self.x, Layout::Soa, &mut self.codes)
            .expect("the input is in the domain");
    }

    fn spoil(&mut self) {
        self.codes.digits_mut().fill(u8::MAX);
        self.codes.scalings_mut().fill(u8::MAX);
    }

    fn digest(&self) -> u64 {
        let Self { codes, .. } = self;
        let bytes = codes.digits().iter().chain(codes.scalings()).chain(codes.overload());
        close::digest(bytes.copied())
    }

    fn check(&self) -> Result<(), String> {
        oracle::check_encoded(&self.codec, &self.x, Layout::Soa, &self.codes)
    }
}

fn case_decode(codec: Codec) -> Case {
    let d = codec.lattice().dim();
    Case::new(id("decode", &codec), "scalar", work(d * (4 + codec.levels())), move || {
        let mut encode = Encode::new(codec.clone());
        encode.run();
        let Encode { codec, x, codes } = encode;
        Decode { codec, codes, x: vec![0.0; x.len()] }
    })
}

struct Decode {
    codec: Codec,
    codes: Encoded,
    x: Vec<f32>,
}

impl Step for Decode {
    fn run(&mut self) {
        self.codec
            .decode(&self.codes, &mut self.x, Layout::Soa)
            .expect("the codes come from the codec");
    }

    fn spoil(&mut self) {
        self.x.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.x.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        oracle::check_decoded(&self.codec, &self.codes, &self.x, Layout::Soa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_find_one_wrong_value() {
        let mut encode = Encode::new(codec(Lattice::D4, 4, 2, 0.25, true));
        encode.run();
        assert_eq!(encode.check(), Ok(()), "as encoded");
        let code = &mut encode.codes.digits_mut()[N];
        *code = (*code + 1) % 4;
        assert!(encode.check().unwrap_err().starts_with("vector 0: level 0"), "a code");
        encode.run();
        let scaled = encode.codes.scalings().iter().position(|&t| t == 1);
        let scaled = scaled.expect("some vector is scaled");
        for t in [0, 2] {
            encode.codes.scalings_mut()[scaled] = t;
            let err = encode.check().unwrap_err();
            assert!(err.starts_with(&format!("vector {scaled}: ")), "scaling {t}: {err}");
        }
    }
}
