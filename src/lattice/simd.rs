//! The codec by AVX2 and AVX-512: the blocks of [`super::block`], compiled for either.
//!
//! A block is loaded, encoded and stored; then the vectors that it marks are done again by
//! [`super::scalar`]. With protection, overloaded vectors are gathered into new blocks.

use std::arch::x86_64::*;
use std::array::from_fn;

use super::block::Block;
use super::decode::{Quantized, decode};
use super::lanes::{Aligned, Floats, LanePoints, Modulus, Step};
use super::scalar::{Scalar, vector};
use super::word::{LANES, Words};
use super::{Codec, Encoded, Error, Layout};

/// Vectors after which those that are overloaded are gathered.
const CHUNK: usize = 1024;

/// Encodes a block; returns the lanes that are overloaded and those to be done again.
type EncodeBlock<const D: usize> =
    unsafe fn(Modulus, usize, Step, &[Floats<LANES>; D], &mut Block<LANES>) -> (u32, u32);

/// An encoder, its block encoders specialised for some q, and a decoder.
macro_rules! compile {
    ($features:literal, $block:ident, $encode:ident, $decode:ident, $quantize:ident) => {
        fn $block<L: LanePoints<D>, const D: usize>(q: u8) -> EncodeBlock<D> {
            #[target_feature(enable = $features)]
            fn any<L: LanePoints<D>, const D: usize>(
                q: Modulus,
                levels: usize,
                step: Step,
                x: &[Floats<LANES>; D],
                block: &mut Block<LANES>,
            ) -> (u32, u32) {
                block.encode::<L, D>(q.without_shifts(), levels, step, x);
                (bits(&block.overload), bits(&block.again))
            }
            #[target_feature(enable = $features)]
            fn fixed<L: LanePoints<D>, const D: usize, const Q: u8>(
                _: Modulus,
                levels: usize,
                step: Step,
                x: &[Floats<LANES>; D],
                block: &mut Block<LANES>,
            ) -> (u32, u32) {
                block.encode::<L, D>(const { Modulus::new(Q) }, levels, step, x);
                (bits(&block.overload), bits(&block.again))
            }
            match q {
                2 => fixed::<L, D, 2>,
                3 => fixed::<L, D, 3>,
                4 => fixed::<L, D, 4>,
                8 => fixed::<L, D, 8>,
                16 => fixed::<L, D, 16>,
                _ => any::<L, D>,
            }
        }

        #[target_feature(enable = $features)]
        pub(super) fn $encode<L: LanePoints<D>, const D: usize>(
            codec: &Codec,
            x: &[f32],
            layout: Layout,
            codes: &mut Encoded,
        ) -> Result<(), Error> {
            let block = $block::<L, D>(codec.q());
            encode::<L, D>(codec, x, layout, codes, block)
        }

        #[target_feature(enable = $features)]
        pub(super) fn $quantize<L: LanePoints<D>, const D: usize>(
            codec: &Codec,
            x: &[f32],
            y: &mut [f32],
            layout: Layout,
        ) -> Result<usize, Error> {
            let mut quantized = Quantized::<L, D>::new(codec, y, layout);
            let block = $block::<L, D>(codec.q());
            encode::<L, D>(codec, x, layout, &mut quantized, block)?;
            Ok(quantized.overloaded)
        }

        #[target_feature(enable = $features)]
        pub(super) fn $decode<L: LanePoints<D>, const D: usize>(
            codec: &Codec,
            codes: &Encoded,
            x: &mut [f32],
            layout: Layout,
        ) -> Result<(), Error> {
            decode::<L, D>(codec, codes, x, layout)
        }
    };
}
compile!("avx2,fma", block_avx2, encode_avx2, decode_avx2, quantize_avx2);
compile!(
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma",
    block_avx512,
    encode_avx512,
    decode_avx512,
    quantize_avx512
);

/// One bit of each lane of a mask.
#[inline]
#[target_feature(enable = "sse2")]
fn bits(mask: &[i16; LANES]) -> u32 {
    let mut bits = 0;
    for (j, eight) in mask.as_chunks::<8>().0.iter().enumerate() {
        // SAFETY: eight numbers are 16 readable bytes; the load may be unaligned.
        let eight = unsafe { _mm_loadu_si128(eight.as_ptr().cast()) };
        let byte = _mm_movemask_epi8(_mm_packs_epi16(eight, _mm_setzero_si128()));
        bits |= byte.cast_unsigned() << (8 * j);
    }
    bits
}

/// The positions of the bits that are set.
pub(super) fn positions(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (at < 32).then_some(at)
    })
}

/// Where the codes of blocks go.
pub(super) trait Sink<L, const D: usize> {
    /// Takes the words of the `count` vectors from `at`, not scaled, and which are overloaded.
    fn block(&mut self, at: usize, count: usize, words: &Words, overload: u32);

    /// Takes those of a gathered block that `done` marks: vectors `which`, scaled by `t`.
    fn gathered(&mut self, which: &[usize], words: &Words, t: u8, done: u32, overload: u32);

    /// Encodes vector `i` by the definition.
    fn again(
        &mut self,
        scalar: &Scalar<'_, L, D>,
        x: &[f32],
        layout: Layout,
        i: usize,
    ) -> Result<(), Error>;
}

impl<L: LanePoints<D>, const D: usize> Sink<L, D> for Encoded {
    #[inline(always)]
    fn block(&mut self, at: usize, count: usize, words: &Words, overload: u32) {
        self.set_words(at, count, words);
        self.set_overload(at, count, overload);
        if let Some(t) = self.scalings_mut().get_mut(at..at + count) {
            t.fill(0);
        }
    }

    #[inline(always)]
    fn gathered(&mut self, which: &[usize], words: &Words, t: u8, done: u32, overload: u32) {
        for lane in positions(done) {
            let word = from_fn(|p| words[p][lane]);
            self.set(which[lane], &word, t, overload >> lane & 1 != 0);
        }
    }

    #[inline(always)]
    fn again(
        &mut self,
        scalar: &Scalar<'_, L, D>,
        x: &[f32],
        layout: Layout,
        i: usize,
    ) -> Result<(), Error> {
        scalar.encode_into(x, layout, i, self)
    }
}

/// Encodes a batch of a single vector.
#[target_feature(enable = "avx2,fma")]
pub(super) fn encode_single<L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    x: &[f32; D],
    codes: &mut Encoded,
) -> Result<(), Error> {
    if let Some(one) = codec.one() {
        let mut t = 0;
        while let Some((word, overload)) = one.encode(codec.leaders(), t, x) {
            if !overload || t == codec.max_scaling() {
                codes.set_short(0, word, t, overload);
                return Ok(());
            }
            t += 1;
        }
    }
    Scalar::<L, D>::new(codec).encode_into(x, Layout::Rows, 0, codes)
}

/// Encodes blocks of vectors; those that are overloaded are gathered into new blocks.
#[inline(always)]
fn encode<L: LanePoints<D>, const D: usize>(
    codec: &Codec,
    x: &[f32],
    layout: Layout,
    sink: &mut impl Sink<L, D>,
    encode_block: EncodeBlock<D>,
) -> Result<(), Error> {
    let scalar = Scalar::<L, D>::new(codec);
    let (q, levels, n) = (Modulus::any(codec.q()), codec.levels(), x.len() / D);
    let step = Step::new(codec.beta());
    let protected = codec.max_scaling() > 0;
    let mut block = Block::new();
    let mut z = Aligned([[0.0; LANES]; D]);
    let mut pending = [0; CHUNK];
    for start in (0..n).step_by(CHUNK) {
        let mut waiting = 0;
        for at in (start..n.min(start + CHUNK)).step_by(LANES) {
            let count = LANES.min(n - at);
            load::<D>(x, layout, at, count, &mut z.0);
            // SAFETY: the caller has the features that `encode_block` is compiled for.
            let (overload, again) = unsafe { encode_block(q, levels, step, &z.0, &mut block) };
            let lanes = u32::MAX >> (LANES - count);
            let (overload, again) = (overload & !again & lanes, again & lanes);
            sink.block(at, count, &block.words, overload);
            if protected {
                for lane in positions(overload) {
                    pending[waiting] = at + lane;
                    waiting += 1;
                }
            }
            for lane in positions(again) {
                sink.again(&scalar, x, layout, at + lane)?;
            }
        }
        for t in 1..=codec.max_scaling() {
            let mut left = 0;
            for from in (0..waiting).step_by(LANES) {
                let count = LANES.min(waiting - from);
                let mut which = [0; LANES];
                which[..count].copy_from_slice(&pending[from..from + count]);
                let shrink = 1.0 / f32::from(1_u16 << t);
                for (lane, &i) in which[..count].iter().enumerate() {
                    let x: [f32; D] = vector(x, layout, i);
                    for k in 0..D {
                        z.0[k][lane] = shrink * x[k];
                    }
                }
                // SAFETY: as above.
                let (overload, again) = unsafe { encode_block(q, levels, step, &z.0, &mut block) };
                let lanes = u32::MAX >> (LANES - count);
                let wait = if t < codec.max_scaling() { overload & !again & lanes } else { 0 };
                for lane in positions(wait) {
                    pending[left] = which[lane];
                    left += 1;
                }
                sink.gathered(&which, &block.words, t, lanes & !again & !wait, overload);
                for lane in positions(again & lanes) {
                    sink.again(&scalar, x, layout, which[lane])?;
                }
            }
            waiting = left;
        }
    }
    Ok(())
}

/// The `count` vectors from `at`, and zeros.
#[inline(always)]
fn load<const D: usize>(
    x: &[f32],
    layout: Layout,
    at: usize,
    count: usize,
    z: &mut [Floats<LANES>; D],
) {
    let n = x.len() / D;
    match layout {
        Layout::Soa => {
            for (k, z) in z.iter_mut().enumerate() {
                let x = &x[k * n + at..][..count];
                match x.first_chunk() {
                    Some(x) => *z = *x,
                    None => z[..count].copy_from_slice(x),
                }
            }
        }
        Layout::Rows => {
            let rows = x[at * D..][..count * D].as_chunks::<D>().0;
            match rows.first_chunk::<LANES>() {
                Some(rows) => {
                    for i in 0..LANES {
                        for k in 0..D {
                            z[k][i] = rows[i][k];
                        }
                    }
                }
                None => {
                    for (i, row) in rows.iter().enumerate() {
                        (0..D).for_each(|k| z[k][i] = row[k]);
                    }
                }
            }
        }
    }
}
