//! Decoding, a block of vectors at a time: by table, or where that would be too large by lanes.

use std::marker::PhantomData;
use std::ops::Mul;

use super::encoded::{LANES, PARTS, Words, digit_lanes};
use super::lanes::{LanePoints, Modulus};
use super::place::place;
use super::rows::HalfSteps;
use super::scalar::{Scalar, set_vector};
use super::simd::{Sink, positions};
use super::table::{Table, is_exact_in_f32};
use super::{Codec, Encoded, Error, Form, Layout};

/// Batches of floats of so many bytes are written round the caches.
const STREAM: usize = 1 << 25;

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

/// Decodes `codes` into `x`; see [`Codec::decode`].
#[inline(always)]
pub(super) fn decode<L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    codes: &Encoded,
    x: &mut [f32],
    layout: Layout,
) -> Result<(), Error> {
    let half = half_steps(codec, codes.scalings());
    let large_t = codes.scalings().iter().fold(0, |most, &t| most.max(t));
    // What the caches would not keep goes round them.
    let stream = size_of_val(x) >= STREAM && x.as_ptr().addr().is_multiple_of(16);
    if large_t > codec.max_scaling() {
        return Scalar::<L, D>::new(codec).decode(codes, x, layout);
    }
    // SAFETY: the caller of this inlined function has AVX2 and FMA.
    if unsafe { decode_direct::<D>(codec, codes, &half, x, layout, stream) } {
    } else if is_exact_in_f32(codec.q(), codec.levels()) {
        decode_blocks::<f32, L, D>(codec, codes, &half, x, layout, stream)?;
    } else {
        decode_blocks::<f64, L, D>(codec, codes, &half, x, layout, stream)?;
    }
    if stream {
        // SAFETY: every x86-64 has it. Streaming stores are ordered with nothing until then.
        unsafe { std::arch::x86_64::_mm_sfence() };
    }
    Ok(())
}

/// beta 2^(T-1) of vectors with scalings `t`.
#[inline(always)]
fn half_steps<'a>(codec: &Codec, t: &'a [u8]) -> HalfSteps<'a> {
    let mut by = [half_step(codec, 0); 16];
    for t in 1..=codec.max_scaling() {
        by[usize::from(t)] = half_step(codec, t);
    }
    HalfSteps { by, t }
}

/// beta 2^(T-1).
#[inline(always)]
fn half_step(codec: &Codec, t: u8) -> f32 {
    codec.beta() * (f32::from(1_u16 << t) / 2.0)
}

/// Decodes straight from the bytes of a plane, if chunks are whole bytes of it; else, or if a digit
/// is too large, returns false.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn decode_direct<const D: usize>(
    codec: &Codec,
    codes: &Encoded,
    half: &HalfSteps<'_>,
    x: &mut [f32],
    layout: Layout,
    stream: bool,
) -> bool {
    let Some(table) = codec.table().filter(|table| table.direct) else { return false };
    if codes.form() != Form::Packed {
        return false;
    }
    let words = codes.plane(0);
    if !codec.q().is_power_of_two() && has_large_digits(words, codec.q()) {
        return false;
    }
    if layout == Layout::Rows {
        match (table.bits, stream) {
            (8, false) => table.sum::<D, 1, false>(words, half, x),
            (8, true) => table.sum::<D, 1, true>(words, half, x),
            (_, false) => table.sum::<D, 2, false>(words, half, x),
            (_, true) => table.sum::<D, 2, true>(words, half, x),
        }
        return true;
    }
    let mut out = [0.0; 8 * LANES];
    let bytes = codec.vector_bytes();
    for at in (0..codes.len()).step_by(LANES) {
        let count = LANES.min(codes.len() - at);
        let out = &mut out[..D * count];
        let half = HalfSteps { by: half.by, t: half.t.get(at..at + count).unwrap_or(&[]) };
        let words = &words[at * bytes..][..count * bytes];
        if table.bits == 8 {
            table.sum::<D, 1, false>(words, &half, out);
        } else {
            table.sum::<D, 2, false>(words, &half, out);
        }
        place::<D>(x, layout, at, out, false);
    }
    true
}

/// Whether a digit of packed words is q or more, for q that take 2 or 4 bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn has_large_digits(words: &[u8], q: u8) -> bool {
    let mut bad = 0;
    if q == 3 {
        for b in words {
            bad |= b & b >> 1 & 0x55;
        }
    } else {
        for b in words {
            bad |= ((b & 15) + (16 - q) | (b >> 4) + (16 - q)) & 16;
        }
    }
    bad != 0
}

/// Decodes block by block.
#[inline(always)]
fn decode_blocks<S: Sum, L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    codes: &Encoded,
    half: &HalfSteps<'_>,
    x: &mut [f32],
    layout: Layout,
    stream: bool,
) -> Result<(), Error> {
    let scalar = Scalar::<L, D>::new(codec);
    let mut out = [0.0; 8 * LANES];
    let mut words = [[0; LANES]; PARTS];
    for at in (0..codes.len()).step_by(LANES) {
        let count = LANES.min(codes.len() - at);
        codes.words(at, count, &mut words);
        if is_suspect::<D>(codec, codes, &words, at, count) {
            for i in at..at + count {
                set_vector(x, layout, i, scalar.decode_one(codes, i)?);
            }
            continue;
        }
        let out = &mut out[..D * count];
        let half = HalfSteps { by: half.by, t: half.t.get(at..at + count).unwrap_or(&[]) };
        decode_block::<S, L, D>(codec, &words, &half, out);
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { place::<D>(x, layout, at, out, stream) };
    }
    Ok(())
}

/// Decodes the codes of blocks instead of storing them.
pub(super) struct Quantized<'a, L, const D: usize> {
    codec: &'a Codec,
    y: &'a mut [f32],
    layout: Layout,
    pub(super) overloaded: usize,
    lattice: PhantomData<L>,
}

impl<'a, L: LanePoints<D>, const D: usize> Quantized<'a, L, D> {
    pub(super) fn new(codec: &'a Codec, y: &'a mut [f32], layout: Layout) -> Self {
        Self { codec, y, layout, overloaded: 0, lattice: PhantomData }
    }

    /// Decodes `words`, all scaled by `t`, into `out`.
    #[inline(always)]
    fn decode(&self, words: &Words, t: u8, out: &mut [f32]) {
        let half = HalfSteps { by: [half_step(self.codec, t); 16], t: &[] };
        if is_exact_in_f32(self.codec.q(), self.codec.levels()) {
            decode_block::<f32, L, D>(self.codec, words, &half, out);
        } else {
            decode_block::<f64, L, D>(self.codec, words, &half, out);
        }
    }
}

impl<L: LanePoints<D>, const D: usize> Sink<L, D> for Quantized<'_, L, D> {
    #[inline(always)]
    fn block(&mut self, at: usize, count: usize, words: &Words, overload: u32) {
        let mut out = [0.0; 8 * LANES];
        let out = &mut out[..D * count];
        self.decode(words, 0, out);
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { place::<D>(self.y, self.layout, at, out, false) };
        if self.codec.max_scaling() == 0 {
            self.overloaded += overload.count_ones() as usize;
        }
    }

    #[inline(always)]
    fn gathered(&mut self, which: &[usize], words: &Words, t: u8, done: u32, overload: u32) {
        let mut out = [0.0; 8 * LANES];
        let out = &mut out[..D * LANES];
        self.decode(words, t, out);
        for lane in positions(done) {
            set_vector(self.y, self.layout, which[lane], out.as_chunks::<D>().0[lane]);
        }
        self.overloaded += (done & overload).count_ones() as usize;
    }

    #[inline(always)]
    fn vector(&mut self, i: usize, word: &[u16; PARTS], t: u8, overload: bool) {
        let mut words = [[0; LANES]; PARTS];
        for (words, part) in words.iter_mut().zip(word) {
            words[0] = *part;
        }
        self.gathered(&[i], &words, t, 1, overload.into());
    }

    #[inline(always)]
    fn again(
        &mut self,
        scalar: &Scalar<'_, L, D>,
        x: &[f32],
        layout: Layout,
        i: usize,
    ) -> Result<(), Error> {
        let overloaded = scalar.quantize_one(x, self.y, layout, i)?;
        self.overloaded += usize::from(overloaded);
        Ok(())
    }
}

/// Decodes the first `words` into `out`, as many as it has room for.
#[inline(always)]
fn decode_block<S: Sum, L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    words: &Words,
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    let Some(table) = codec.table() else {
        return by_lanes::<S, L, D>(codec, words, half, out);
    };
    let mut index = [[0; 2]; 8 * LANES];
    chunk_lanes(words, table, &mut index);
    let index = &index[..table.chunks * (out.len() / D)];
    if S::IS_F32 {
        // SAFETY: the caller of this inlined function has AVX2 and FMA.
        unsafe { table.sum::<D, 2, false>(index.as_flattened(), half, out) };
    } else {
        sum_rows::<D>(table, index, half, out);
    }
}

/// Whether a digit may be too large, or a bit be set past the last.
#[inline(always)]
fn is_suspect<const D: usize>(
    codec: &Codec,
    codes: &Encoded,
    words: &Words,
    at: usize,
    count: usize,
) -> bool {
    let (w, digits) = (codec.digit_bits(), codec.levels() * D);
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
    if !codec.q().is_power_of_two() {
        for j in 0..digits {
            let b = digit_lanes(words, j * w, w);
            for i in 0..LANES {
                bad |= u16::from(b[i] >= codec.q());
            }
        }
    }
    bad != 0
}

/// Writes the chunks of every lane, the lanes one after the other.
#[inline(always)]
fn chunk_lanes(words: &Words, table: &Table, index: &mut [[u8; 2]; 8 * LANES]) {
    let mask = u16::MAX >> (16 - table.bits);
    for c in 0..table.chunks {
        let (part, shift) = (c * table.bits / 16, c * table.bits % 16);
        // Bits past the last part are none of a chunk, which is then cut by the mask.
        let next = &words[(part + 1) % PARTS];
        for i in 0..LANES {
            let high = next[i] << 1 << (15 - shift);
            let chunk = (words[part][i] >> shift | high) & mask;
            index[i * table.chunks + c] = chunk.to_le_bytes();
        }
    }
}

/// Sums rows in f64, where f32 may not hold them.
#[inline(always)]
fn sum_rows<const D: usize>(
    table: &Table,
    index: &[[u8; 2]],
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    let words = index.chunks_exact(table.chunks);
    for (i, (word, out)) in words.zip(out.as_chunks_mut::<D>().0).enumerate() {
        let mut sum = [0.0; D];
        for chunk in word.iter().rev() {
            for (k, sum) in sum.iter_mut().enumerate() {
                let a = table.rows.get(D * usize::from(u16::from_le_bytes(*chunk)) + k);
                *sum = f64::from(table.weight) * *sum + a;
            }
        }
        for (out, sum) in out.iter_mut().zip(sum) {
            *out = sum.rounded() * half.of(i);
        }
    }
}

/// Computes the a(b) lane by lane.
#[inline(always)]
fn by_lanes<S: Sum, L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    words: &Words,
    half: &HalfSteps<'_>,
    out: &mut [f32],
) {
    let (q, w) = (Modulus::any(codec.q()), codec.digit_bits());
    let weight = S::from(f32::from(codec.q()));
    let mut sum = [[S::ZERO; LANES]; D];
    for m in (0..codec.levels()).rev() {
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
    let mut doubled = [[0.0; D]; LANES];
    for k in 0..D {
        for i in 0..LANES {
            doubled[i][k] = doubling * sum[k][i].rounded();
        }
    }
    for (i, (out, doubled)) in out.as_chunks_mut::<D>().0.iter_mut().zip(&doubled).enumerate() {
        for (out, doubled) in out.iter_mut().zip(doubled) {
            *out = doubled * half.of(i);
        }
    }
}
