//! Decoding, a block of vectors at a time: by table, or where that would be too large by lanes.

use std::arch::x86_64::_mm_sfence;
use std::ops::Mul;

use super::Error;
use super::code::Code;
use super::code::encoded::{Codes, Form, Layout};
use super::code::lanes::{LanePoints, Modulus};
use super::code::table::{Table, is_exact_in_f32};
use super::code::word::{LANES, PARTS, Words, digit_lanes};
use super::scalar::{Scalar, set_vector};
use direct::is_streamed;
use place::{place, to_rows};
use rows::HalfSteps;

mod direct;
mod place;
mod rows;

pub(super) use direct::decode_direct;

/// Sums of the q^m a(b): f32 while they are exact in it.
trait Sum: Copy + Mul<Output = Self> + From<i8> + From<f32> {
    const ZERO: Self;
    const IS_F32: bool;
    fn mul_add(self, by: Self, add: Self) -> Self;
    fn rounded(self) -> f32;
}

impl Sum for f32 {
    const ZERO: Self = 0.0;
    const IS_F32: bool = true;
    #[inline(always)]
    fn mul_add(self, by: Self, add: Self) -> Self {
        self.mul_add(by, add)
    }
    #[inline(always)]
    fn rounded(self) -> f32 {
        self
    }
}

impl Sum for f64 {
    const ZERO: Self = 0.0;
    const IS_F32: bool = false;
    #[inline(always)]
    fn mul_add(self, by: Self, add: Self) -> Self {
        self.mul_add(by, add)
    }
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
    fn rounded(self) -> f32 {
        self as f32
    }
}

/// Compiles a decoder, block by block, into the vectors of `x` from `from` on, a multiple of 2.
macro_rules! compile {
    ($features:literal, $decode:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $decode<L: LanePoints<D>, const D: usize>(
            code: &Code,
            codes: Codes<'_>,
            x: &mut [f32],
            layout: Layout,
            from: usize,
        ) -> Result<(), Error> {
            decode::<L, D>(code, codes, x, layout, from)
        }
    };
}
compile!("avx2,fma", decode_avx2);
compile!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", decode_avx512);

#[inline(always)]
fn decode<L: LanePoints<D>, const D: usize>(
    code: &Code,
    codes: Codes<'_>,
    x: &mut [f32],
    layout: Layout,
    from: usize,
) -> Result<(), Error> {
    let decoded = if is_exact_in_f32(code.q(), code.levels()) {
        decode_blocks::<f32, L, D>(code, codes, x, layout, from)
    } else {
        decode_blocks::<f64, L, D>(code, codes, x, layout, from)
    };
    if is_streamed(&x[from * D..][..codes.len() * D]) {
        // SAFETY: every x86-64 has it. Streaming stores are ordered with nothing until then.
        unsafe { _mm_sfence() };
    }
    decoded
}

#[inline(always)]
fn decode_blocks<S: Sum, L: LanePoints<D>, const D: usize>(
    code: &Code,
    codes: Codes<'_>,
    x: &mut [f32],
    layout: Layout,
    from: usize,
) -> Result<(), Error> {
    let scalar = Scalar::<L, D>::new(code);
    let Some(half) = HalfSteps::new(code, codes.scalings()) else {
        return scalar.decode(codes, x, layout, from);
    };
    let stream = is_streamed(&x[from * D..][..codes.len() * D]);
    let mut out = [0.0; 8 * LANES];
    let mut words = [[0; LANES]; PARTS];
    for at in (0..codes.len()).step_by(LANES) {
        let count = LANES.min(codes.len() - at);
        codes.words(at, count, &mut words);
        if is_suspect::<D>(code, codes, &words, at, count) {
            for i in at..at + count {
                set_vector(x, layout, from + i, scalar.decode_one(codes, i)?);
            }
            continue;
        }
        let out = &mut out[..D * count];
        decode_block::<S, L, D>(code, &words, &half.part(at, count), out);
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { place::<D>(x, layout, from + at, out, stream) };
    }
    Ok(())
}

/// Decodes the first `words` into `out`, as many as it has room for.
#[inline(always)]
fn decode_block<S: Sum, L: LanePoints<D>, const D: usize>(
    code: &Code,
    words: &Words,
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    let Some(table) = code.table() else {
        // SAFETY: the caller of this inlined function has AVX2 and FMA.
        return unsafe { by_lanes::<S, L, D>(code, words, half, out) };
    };
    let mut index = [[0; LANES]; 8];
    let index = &mut index[..table.chunks];
    chunk_lanes(words, table.bits, index);
    if S::IS_F32 {
        // SAFETY: as above.
        unsafe { table.sum_block::<D>(index, half, out) };
    } else {
        sum_rows::<D>(table, index, half, out);
    }
}

/// Whether a digit may be too large, or a bit be set past the last.
#[inline(always)]
fn is_suspect<const D: usize>(
    code: &Code,
    codes: Codes<'_>,
    words: &Words,
    at: usize,
    count: usize,
) -> bool {
    let (w, digits) = (code.digit_bits(), code.levels() * D);
    if matches!(codes.form(), Form::Digits(_)) {
        return codes.has_large_digits(at, count);
    }
    let mut bad = 0;
    let end = w * digits;
    if end % 16 != 0 {
        for i in 0..LANES {
            bad |= words[end / 16][i] >> (end % 16);
        }
    }
    if !code.q().is_power_of_two() {
        for j in 0..digits {
            let b = digit_lanes(words, j * w, w);
            for i in 0..LANES {
                bad |= u16::from(b[i] >= code.q());
            }
        }
    }
    bad != 0
}

/// Writes chunk c of every lane, the bits of its word from c times `bits`.
#[inline(always)]
fn chunk_lanes(words: &Words, bits: usize, index: &mut [[u16; LANES]]) {
    let mask = u16::MAX >> (16 - bits);
    for (c, index) in index.iter_mut().enumerate() {
        let (part, shift) = (c * bits / 16, c * bits % 16);
        if shift + bits > 16 {
            for i in 0..LANES {
                let high = words[part + 1][i] << (16 - shift);
                index[i] = (words[part][i] >> shift | high) & mask;
            }
        } else {
            for i in 0..LANES {
                index[i] = words[part][i] >> shift & mask;
            }
        }
    }
}

/// Sums rows in f64, where f32 may not hold them.
#[inline(always)]
fn sum_rows<const D: usize>(
    table: &Table,
    index: &[[u16; LANES]],
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    for (i, out) in out.as_chunks_mut::<D>().0.iter_mut().enumerate() {
        let mut sum = [0.0; D];
        for index in index.iter().rev() {
            for (k, sum) in sum.iter_mut().enumerate() {
                let a = table.rows.get(D * usize::from(index[i]) + k);
                *sum = f64::from(table.weight) * *sum + a;
            }
        }
        for (out, sum) in out.iter_mut().zip(sum) {
            *out = sum.rounded() * half.of(i);
        }
    }
}

/// Computes the a(b) lane by lane, by shifts where they divide by q. By AVX2 alone: with AVX-512 the
/// compiler scatters the sums, which takes longer.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn by_lanes<S: Sum, L: LanePoints<D>, const D: usize>(
    code: &Code,
    words: &Words,
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    match code.q() {
        8 => modulo::<S, L, D>(const { Modulus::new(8) }, code, words, half, out),
        16 => modulo::<S, L, D>(const { Modulus::new(16) }, code, words, half, out),
        q => modulo::<S, L, D>(Modulus::any(q), code, words, half, out),
    }
}

#[inline(always)]
fn modulo<S: Sum, L: LanePoints<D>, const D: usize>(
    q: Modulus,
    code: &Code,
    words: &Words,
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    let w = q.bits();
    let weight = S::from(f32::from(q.get()));
    let mut sum = [[S::ZERO; LANES]; D];
    for m in (0..code.levels()).rev() {
        let (mut b, mut g, mut unused) = ([[0; LANES]; D], [[0; LANES]; D], [[0; LANES]; D]);
        for k in 0..D {
            let digit = digit_lanes(words, (m * D + k) * w, w);
            for i in 0..LANES {
                b[k][i] = digit[i].into();
            }
        }
        L::point_lanes(&b, &mut g);
        let mut y = g;
        L::level(q, &mut y, &mut unused);
        for k in 0..D {
            for i in 0..LANES {
                // At most 2q, doubled.
                let a = g[k][i] - q.get() * y[k][i];
                sum[k][i] = sum[k][i].mul_add(weight, S::from(f32::from(a)));
            }
        }
    }
    let doubling = if L::SCALE == 1 { 2.0 } else { 1.0 };
    let (by, mut lanes) = (half.lanes(), [[0.0; LANES]; D]);
    for k in 0..D {
        for i in 0..LANES {
            lanes[k][i] = doubling * sum[k][i].rounded() * by[i];
        }
    }
    let mut vectors = [[0.0; D]; LANES];
    // SAFETY: the caller of this inlined function has AVX2.
    unsafe { to_rows(&lanes, &mut vectors) };
    out.copy_from_slice(&vectors.as_flattened()[..out.len()]);
}
