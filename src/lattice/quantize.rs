//! Quantizing without codes by AVX2 and AVX-512, a block of vectors at a time.
//!
//! With the names of the chapter, the coset leaders make a sum whose middle cancels:
//!
//! ```text
//! a(b_m) = lam_m - q lam_{m+1},  so  sum q^m a(b_m) = lam_0 - q^M lam_M
//! ```
//!
//! No digit is packed or looked up: the levels only tell `lam_M`, which is 0 unless the vector is
//! overloaded. Vectors that [`lanes`](super::code::lanes) marks are done again by the definition.
//! With protection, an overloaded vector is scaled and tried again, so such codes go another way.

use std::arch::x86_64::_mm_sfence;

use super::Error;
use super::code::Code;
use super::code::encoded::Layout;
use super::code::lanes::{Aligned, Floats, LanePoints, Modulus, Step, mask};
use super::code::word::LANES;
use super::decode::{half_step, is_streamed, place, to_rows};
use super::encode::{bits, load, positions};
use super::scalar::Scalar;

/// Quantizes a block; returns the lanes that are overloaded and those to be done again.
type QuantizeBlock<const D: usize> =
    unsafe fn(&Levels, &[Floats<LANES>; D], &mut [Floats<LANES>; D]) -> (u32, u32);

/// What a block needs of a code.
struct Levels {
    q: Modulus,
    levels: usize,
    step: Step,
    half_step: f32,
}

/// A quantizer, its blocks specialised for q that divide by shifts.
macro_rules! compile {
    ($features:literal, $quantize:ident) => {
        #[target_feature(enable = $features)]
        pub(super) fn $quantize<L: LanePoints<D>, const D: usize>(
            code: &Code,
            x: &[f32],
            y: &mut [f32],
            layout: Layout,
        ) -> Result<usize, Error> {
            #[target_feature(enable = $features)]
            fn block<L: LanePoints<D>, const D: usize, const SHIFTS: bool>(
                of: &Levels,
                x: &[Floats<LANES>; D],
                y: &mut [Floats<LANES>; D],
            ) -> (u32, u32) {
                let q = of.q.with_shifts(SHIFTS);
                let (overload, again) = of.quantize::<L, D>(q, x, y);
                (bits(&overload), bits(&again))
            }
            let compiled: QuantizeBlock<D> =
                if code.q().is_power_of_two() { block::<L, D, true> } else { block::<L, D, false> };
            quantize::<L, D>(code, x, y, layout, compiled)
        }
    };
}
compile!("avx2,fma", quantize_avx2);
compile!("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma", quantize_avx512);

impl Levels {
    /// Writes what the vectors `x` are quantized to into `y`; `q` is its own, told how to divide.
    #[inline(always)]
    fn quantize<L: LanePoints<D>, const D: usize>(
        &self,
        q: Modulus,
        x: &[Floats<LANES>; D],
        y: &mut [Floats<LANES>; D],
    ) -> ([i16; LANES], [i16; LANES]) {
        let (mut first, mut digits) = (Aligned([[0; LANES]; D]), Aligned([[0; LANES]; D]));
        let (mut overload, mut again) = ([0; LANES], [0; LANES]);
        L::nearest_lanes(self.step, x, &mut first.0, &mut again);
        let mut last = first.clone();
        // Where `lam_M` is not 0, q^M is below 2^16; elsewhere it may be anything.
        let mut weight = 1_i32;
        for _ in 0..self.levels {
            L::level(q, &mut last.0, &mut digits.0);
            weight = weight.wrapping_mul(q.get().into());
        }
        let doubling = if L::SCALE == 1 { 2.0 } else { 1.0 };
        for k in 0..D {
            for i in 0..LANES {
                let (first, last) = (first.0[k][i], last.0[k][i]);
                overload[i] |= last;
                let sum = i32::from(first).wrapping_sub(weight.wrapping_mul(last.into()));
                y[k][i] = doubling * sum as f32 * self.half_step;
            }
        }
        (overload.map(|rest| mask(rest != 0)), again)
    }
}

/// Quantizes the vectors of `x`, block by block; returns how many are overloaded.
#[inline(always)]
fn quantize<L: LanePoints<D>, const D: usize>(
    code: &Code,
    x: &[f32],
    y: &mut [f32],
    layout: Layout,
    block: QuantizeBlock<D>,
) -> Result<usize, Error> {
    let scalar = Scalar::<L, D>::new(code);
    let of = Levels {
        q: Modulus::new(code.q()),
        levels: code.levels(),
        step: Step::new(code.beta()),
        half_step: half_step(code, 0),
    };
    let (n, stream) = (x.len() / D, is_streamed(y));
    let (mut from, mut to) = (Aligned([[0.0; LANES]; D]), Aligned([[0.0; LANES]; D]));
    let mut overloaded = 0;
    for at in (0..n).step_by(LANES) {
        let count = LANES.min(n - at);
        load::<D>(x, layout, at, count, &mut from.0);
        // SAFETY: the caller has the features that `block` is compiled for.
        let (overload, again) = unsafe { block(&of, &from.0, &mut to.0) };
        let lanes = u32::MAX >> (LANES - count);
        overloaded += (overload & !again & lanes).count_ones() as usize;
        for lane in positions(again & lanes) {
            let (vector, overload) = scalar.quantize_one(x, layout, at + lane)?;
            overloaded += usize::from(overload);
            for (to, vector) in to.0.iter_mut().zip(vector) {
                to[lane] = vector;
            }
        }
        if layout == Layout::Soa {
            for (k, to) in to.0.iter().enumerate() {
                y[k * n + at..][..count].copy_from_slice(&to[..count]);
            }
            continue;
        }
        let mut rows = [[0.0; D]; LANES];
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { to_rows(&to.0, &mut rows) };
        // SAFETY: as above.
        unsafe { place::<D>(y, layout, at, rows[..count].as_flattened(), stream) };
    }
    if stream {
        // SAFETY: every x86-64 has it. Streaming stores are ordered with nothing until then.
        unsafe { _mm_sfence() };
    }
    Ok(overloaded)
}
