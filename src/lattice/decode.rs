//! Decoding, a block of vectors at a time: by table, or where that would be too large by lanes.

use std::marker::PhantomData;
use std::ops::Mul;

use super::encoded::{LANES, PARTS, Words, digit_lanes};
use super::lanes::{LanePoints, Modulus};
use super::scalar::{Scalar, set_vector};
use super::simd::{Sink, positions};
use super::table::Rows;
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
    if is_exact_in_f32(codec) {
        decode_with::<f32, L, D>(codec, codes, x, layout)
    } else {
        decode_with::<f64, L, D>(codec, codes, x, layout)
    }
}

/// Whether f32 holds every sum of the q^m a(b), doubled: they are below 4 q^M.
fn is_exact_in_f32(codec: &Codec) -> bool {
    (0..codec.levels()).fold(4.0, |most, _| most * f64::from(codec.q())) <= 16_777_216.0
}

/// beta 2^(T-1).
#[inline(always)]
fn half_step(codec: &Codec, t: u8) -> f32 {
    codec.beta() * (f32::from(1_u16 << t) / 2.0)
}

#[inline(always)]
fn decode_with<S: Sum, L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    codes: &Encoded,
    x: &mut [f32],
    layout: Layout,
) -> Result<(), Error> {
    let scalar = Scalar::<L, D>::new(codec);
    let n = codes.len();
    let mut half_steps = [0.0; 256];
    for t in 0..=codec.max_scaling() {
        half_steps[usize::from(t)] = half_step(codec, t);
    }
    let mut half = [half_steps[0]; LANES];
    let mut out = [0.0; 8 * LANES];
    let mut words = [[0; LANES]; PARTS];
    let out = &mut out[..D * LANES];
    // What the caches would not keep goes round them.
    let stream = size_of_val(x) >= STREAM && x.as_ptr().addr().is_multiple_of(16);
    for at in (0..n).step_by(LANES) {
        let count = LANES.min(n - at);
        codes.words(at, count, &mut words);
        let mut large_t = 0;
        if let Some(t) = codes.scalings().get(at..at + count) {
            for i in 0..count {
                half[i] = half_steps[usize::from(t[i])];
                large_t = t[i].max(large_t);
            }
        }
        if large_t > codec.max_scaling() || is_suspect::<D>(codec, codes, &words, at, count) {
            for i in at..at + count {
                set_vector(x, layout, i, scalar.decode_one(codes, i)?);
            }
            continue;
        }
        if layout == Layout::Rows && count == LANES {
            let to = &mut x[at * D..][..D * LANES];
            match (stream, codec.max_scaling() > 0) {
                (true, true) => decode_block::<S, L, D, true, true>(codec, &words, &half, to),
                (true, false) => decode_block::<S, L, D, true, false>(codec, &words, &half, to),
                (false, true) => decode_block::<S, L, D, false, true>(codec, &words, &half, to),
                (false, false) => decode_block::<S, L, D, false, false>(codec, &words, &half, to),
            }
        } else {
            decode_block::<S, L, D, false, true>(codec, &words, &half, out);
            store::<D>(x, layout, at, count, out);
        }
    }
    if stream {
        // SAFETY: every x86-64 has it. Streaming stores are ordered with nothing until then.
        unsafe { std::arch::x86_64::_mm_sfence() };
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
        let half = [half_step(self.codec, t); LANES];
        if is_exact_in_f32(self.codec) {
            decode_block::<f32, L, D, false, false>(self.codec, words, &half, out);
        } else {
            decode_block::<f64, L, D, false, false>(self.codec, words, &half, out);
        }
    }
}

impl<L: LanePoints<D>, const D: usize> Sink<L, D> for Quantized<'_, L, D> {
    #[inline(always)]
    fn block(&mut self, at: usize, count: usize, words: &Words, overload: u32) {
        let mut out = [0.0; 8 * LANES];
        let out = &mut out[..D * LANES];
        self.decode(words, 0, out);
        store::<D>(self.y, self.layout, at, count, out);
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

/// Decodes `words` into `out`, vector by vector.
#[inline(always)]
fn decode_block<
    S: Sum,
    L: LanePoints<D>,
    const D: usize,
    const STREAM: bool,
    const SCALED: bool,
>(
    codec: &Codec,
    words: &Words,
    half: &[f32; LANES],
    out: &mut [f32],
) {
    let Some(table) = codec.table() else {
        return by_lanes::<S, L, D>(codec, words, half, out);
    };
    let weight = (0..table.levels).fold(1.0, |w, _| w * f32::from(codec.q()));
    let chunks = codec.levels().div_ceil(table.levels);
    let mut index = [[0; LANES]; 8];
    let index = &mut index[..chunks];
    chunk_lanes(words, table.bits, index);
    if S::IS_F32 {
        // SAFETY: the caller of this inlined function has AVX2 and FMA.
        unsafe { table.rows.sum::<D, STREAM, SCALED>(index, weight, half, out) };
    } else {
        sum_rows::<D>(&table.rows, index, weight, half, out);
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
    rows: &Rows,
    index: &[[u16; LANES]],
    weight: f32,
    half: &[f32; LANES],
    out: &mut [f32],
) {
    for (i, out) in out.as_chunks_mut::<D>().0.iter_mut().enumerate() {
        let mut sum = [0.0; D];
        for index in index.iter().rev() {
            for (k, sum) in sum.iter_mut().enumerate() {
                let at = D * usize::from(index[i]) + k;
                let a = match rows {
                    Rows::Floats(rows) => rows[at].into(),
                    Rows::Bytes(rows) => f64::from(rows[at]),
                };
                *sum = f64::from(weight) * *sum + a;
            }
        }
        for (out, sum) in out.iter_mut().zip(sum) {
            *out = sum.rounded() * half[i];
        }
    }
}

/// Computes the a(b) lane by lane.
#[inline(always)]
fn by_lanes<S: Sum, L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    words: &Words,
    half: &[f32; LANES],
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
    for k in 0..D {
        for i in 0..LANES {
            out[D * i + k] = doubling * sum[k][i].rounded() * half[i];
        }
    }
}

/// Writes the `count` vectors from `at`.
#[inline(always)]
fn store<const D: usize>(x: &mut [f32], layout: Layout, at: usize, count: usize, out: &[f32]) {
    let n = x.len() / D;
    if layout == Layout::Rows {
        x[at * D..][..count * D].copy_from_slice(&out[..count * D]);
        return;
    }
    let out = out.as_chunks::<D>().0;
    for k in 0..D {
        let to = &mut x[k * n + at..][..count];
        match to.first_chunk_mut::<LANES>() {
            Some(to) => {
                for i in 0..LANES {
                    to[i] = out[i][k];
                }
            }
            None => {
                for (to, out) in to.iter_mut().zip(out) {
                    *to = out[k];
                }
            }
        }
    }
}
