//! Encoding by AVX2 and AVX-512: the blocks of [`block`], compiled for either.
//!
//! A block is loaded, encoded and stored; then the vectors that it marks are done again by
//! [`scalar`](super::scalar). With protection, overloaded vectors are gathered into new blocks.

use std::arch::x86_64::*;
use std::array::from_fn;

use super::Error;
use super::code::Code;
use super::code::encoded::{CodesMut, Layout};
use super::code::lanes::{Aligned, Floats, LanePoints, Modulus, Step};
use super::code::word::LANES;
use super::scalar::{Scalar, vector};
use block::Block;

mod block;
mod one;

pub(super) use one::One;

/// Vectors after which those that are overloaded are gathered.
const CHUNK: usize = 1024;

/// Encodes a block; returns the lanes that are overloaded and those to be done again.
type EncodeBlock<const D: usize> =
    unsafe fn(Modulus, usize, Step, &[Floats<LANES>; D], &mut Block<LANES>) -> (u32, u32);

/// An encoder, its block encoders specialised for some q.
macro_rules! compile {
    ($features:literal, $block:ident, $encode:ident) => {
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
            code: &Code,
            x: &[f32],
            layout: Layout,
            from: usize,
            codes: &mut CodesMut<'_>,
        ) -> Result<(), Error> {
            let block = $block::<L, D>(code.q());
            encode::<L, D>(code, x, layout, from, codes, block)
        }
    };
}
compile!("avx2,fma", block_avx2, encode_avx2);
compile!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", block_avx512, encode_avx512);

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
fn positions(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (at < 32).then_some(at)
    })
}

/// Gives the word, the scaling and the flag of a single vector to `set` and returns the flag; or
/// `None` if it must be encoded by the definition.
#[target_feature(enable = "avx2,fma")]
pub(super) fn encode_single<const D: usize>(
    code: &Code,
    one: &One,
    x: &[f32; D],
    set: impl FnOnce(u64, u8, bool),
) -> Option<bool> {
    let mut t = 0;
    loop {
        let (word, overload) = one.encode(code.leaders(), t, x)?;
        if !overload || t == code.max_scaling() {
            set(word, t, overload);
            return Some(overload);
        }
        t += 1;
    }
}

/// How many vectors are overloaded.
#[target_feature(enable = "popcnt")]
pub(super) fn overloaded(codes: &CodesMut<'_>) -> usize {
    codes.overloaded()
}

/// Encodes the vectors from `first` on, block by block; those that are overloaded are gathered into
/// new blocks.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "places of a chunk are below 2^16")]
fn encode<L: LanePoints<D>, const D: usize>(
    code: &Code,
    x: &[f32],
    layout: Layout,
    first: usize,
    codes: &mut CodesMut<'_>,
    encode_block: EncodeBlock<D>,
) -> Result<(), Error> {
    let scalar = Scalar::<L, D>::new(code);
    let (q, levels, n) = (Modulus::any(code.q()), code.levels(), codes.len());
    let step = Step::new(code.beta());
    let protected = code.max_scaling() > 0;
    let mut block = Block::new();
    let mut z = Aligned([[0.0; LANES]; D]);
    // Places from `start` on.
    let mut pending = [0_u16; CHUNK];
    for start in (0..n).step_by(CHUNK) {
        let mut waiting = 0;
        for at in (start..n.min(start + CHUNK)).step_by(LANES) {
            let count = LANES.min(n - at);
            load::<D>(x, layout, first + at, count, &mut z.0);
            // SAFETY: the caller has the features that `encode_block` is compiled for.
            let (overload, again) = unsafe { encode_block(q, levels, step, &z.0, &mut block) };
            let lanes = u32::MAX >> (LANES - count);
            let (overload, again) = (overload & !again & lanes, again & lanes);
            codes.set_words(at, count, &block.words);
            codes.set_overload(at, count, overload);
            codes.unscale(at, count);
            if protected {
                for lane in positions(overload) {
                    pending[waiting] = (at - start + lane) as u16;
                    waiting += 1;
                }
            }
            for lane in positions(again) {
                scalar.encode_into(x, layout, first + at + lane, codes, at + lane)?;
            }
        }
        for t in 1..=code.max_scaling() {
            let mut left = 0;
            for from in (0..waiting).step_by(LANES) {
                let count = LANES.min(waiting - from);
                let mut which = [0; LANES];
                for (which, pending) in which.iter_mut().zip(&pending[from..from + count]) {
                    *which = start + usize::from(*pending);
                }
                let shrink = 1.0 / f32::from(1_u16 << t);
                for (lane, &i) in which[..count].iter().enumerate() {
                    let x: [f32; D] = vector(x, layout, first + i);
                    for k in 0..D {
                        z.0[k][lane] = shrink * x[k];
                    }
                }
                // SAFETY: as above.
                let (overload, again) = unsafe { encode_block(q, levels, step, &z.0, &mut block) };
                let lanes = u32::MAX >> (LANES - count);
                let wait = if t < code.max_scaling() { overload & !again & lanes } else { 0 };
                for lane in positions(wait) {
                    pending[left] = (which[lane] - start) as u16;
                    left += 1;
                }
                for lane in positions(lanes & !again & !wait) {
                    let word = from_fn(|p| block.words[p][lane]);
                    codes.set(which[lane], &word, t, overload >> lane & 1 != 0);
                }
                for lane in positions(again & lanes) {
                    let i = which[lane];
                    scalar.encode_into(x, layout, first + i, codes, i)?;
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
