//! Properties of the lattice codec that hold for every input, on millions of them, for every
//! instruction set of this processor.

use stepmark::input;
use stepmark::lattice::{Codec, Encoded, Form, Lattice, Layout};
use stepmark::machine::isa::Isa;

mod bad_input;
mod codebook;
mod nearest;
mod paths;
mod quality;

const LAYOUTS: [Layout; 2] = [Layout::Soa, Layout::Rows];

const FORMS: [Form; 3] = [Form::Packed, Form::Digits(Layout::Soa), Form::Digits(Layout::Rows)];

/// The pairs of q and M that have reference vectors.
const PAIRS: [(u8, usize); 5] = [(4, 2), (3, 3), (8, 2), (2, 4), (16, 1)];

/// Every q and M.
fn all_pairs() -> impl Iterator<Item = (u8, usize)> {
    (2..=16).flat_map(|q| (1..=8).map(move |m| (q, m)))
}

/// Every lattice with every instruction set of this processor.
fn lattices_and_isas() -> impl Iterator<Item = (Lattice, Isa)> {
    Lattice::ALL.into_iter().flat_map(|lattice| Isa::available().map(move |isa| (lattice, isa)))
}

/// A code with steps of 1.
fn codec(lattice: Lattice, q: u8, m: usize, isa: Isa) -> Codec {
    Codec::new(lattice, q, m, 1.0, false).expect("in range").with_isa(isa)
}

/// The codes of the vectors `x`, one after another, as digits one after another.
fn encode(codec: &Codec, x: &[f32]) -> Encoded {
    let n = x.len() / codec.lattice().dim();
    let mut codes = Encoded::new(codec, Form::Digits(Layout::Rows), n);
    codec.encode(x, Layout::Rows, &mut codes).expect("in the domain");
    codes
}

/// The vectors, one after another.
fn decode(codec: &Codec, codes: &Encoded) -> Vec<f32> {
    let mut x = vec![f32::NAN; codec.lattice().dim() * codes.len()];
    codec.decode(codes, &mut x, Layout::Rows).expect("codes of a codec");
    x
}

/// Q(x) of vectors one after another, as floats: what a code decodes to that reaches 2^22.
fn points(lattice: Lattice, isa: Isa, x: &[f32]) -> Vec<f32> {
    let codec = codec(lattice, 16, 6, isa);
    let codes = encode(&codec, x);
    assert_eq!(codes.overloaded(), 0, "16^6 points in each direction");
    decode(&codec, &codes)
}

/// Exchanges the dimensions of a matrix whose rows are `n` long.
fn transposed<T: Copy>(x: &[T], n: usize) -> Vec<T> {
    (0..n.min(x.len())).flat_map(|i| x[i..].iter().step_by(n).copied()).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
fn gaussian(seed: u64, len: usize, sigma: f64) -> Vec<f32> {
    input::gaussian(seed, len, sigma).into_iter().map(|v| v as f32).collect()
}

/// On the grid of `1 / parts`.
fn grid(seed: u64, len: usize, range: f32, parts: f32) -> Vec<f32> {
    let values = input::uniform(seed, len, -range, range).into_iter();
    values.map(|v| (parts * v).round() / parts).collect()
}

/// Random digits below `q`.
fn digits(seed: u64, len: usize, q: u8) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..q")]
    let digit = |v: f32| v as u8;
    input::uniform(seed, len, 0.0, q.into()).into_iter().map(digit).collect()
}
