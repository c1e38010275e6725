//! Pairs in `f32`: eight, and sixteen.

use std::arch::x86_64::*;

use super::super::Lanes;
use super::super::x86::{eights, fours, quarters};
use super::{Pairs, compress_four};

/// The columns of four rows in each quarter of the registers.
macro_rules! transposed {
    ($rows:expr, $low:ident, $high:ident, $pick:ident) => {{
        let [a, b, c, d] = $rows;
        // SAFETY: the caller of this inlined function has the instruction set.
        let xy = unsafe { $low(a, b) };
        // SAFETY: as above.
        let zw = unsafe { $high(a, b) };
        // SAFETY: as above.
        let xy_too = unsafe { $low(c, d) };
        // SAFETY: as above.
        let zw_too = unsafe { $high(c, d) };
        [
            // SAFETY: as above.
            unsafe { $pick::<0b01_00_01_00>(xy, xy_too) },
            // SAFETY: as above.
            unsafe { $pick::<0b11_10_11_10>(xy, xy_too) },
            // SAFETY: as above.
            unsafe { $pick::<0b01_00_01_00>(zw, zw_too) },
            // SAFETY: as above.
            unsafe { $pick::<0b11_10_11_10>(zw, zw_too) },
        ]
    }};
}

#[inline(always)]
fn turned(row: __m128) -> __m128 {
    // SAFETY: the caller of this inlined function has AVX.
    unsafe { _mm_permute_ps::<0b11_00_10_01>(row) }
}

impl Pairs for __m256 {
    type Row = __m128;
    type Rows = [__m128; 8];

    #[inline(always)]
    fn same(row: __m128) -> [__m128; 8] {
        [row; 8]
    }

    #[inline(always)]
    fn columns(r: &[__m128; 8]) -> [Self; 4] {
        // Not by a closure, which may lack the instruction set.
        let mut rows = [Self::splat(0.0); 4];
        for k in 0..4 {
            rows[k] = eights([r[k], r[k + 4]]);
        }
        transposed!(rows, _mm256_unpacklo_ps, _mm256_unpackhi_ps, _mm256_shuffle_ps)
    }

    #[inline(always)]
    fn rows(columns: [Self; 4]) -> [__m128; 8] {
        let rows = transposed!(columns, _mm256_unpacklo_ps, _mm256_unpackhi_ps, _mm256_shuffle_ps);
        let mut out = [__m128::splat(0.0); 8];
        for k in 0..4 {
            [out[k], out[k + 4]] = fours(rows[k]);
        }
        out
    }

    #[inline(always)]
    fn turned(row: __m128) -> __m128 {
        turned(row)
    }

    #[inline(always)]
    fn bits_below(self, limit: Self) -> u32 {
        let below = self.below(limit);
        // SAFETY: the caller of this inlined function has AVX2.
        let bits = unsafe { _mm256_movemask_ps(below) };
        bits.cast_unsigned()
    }

    #[inline(always)]
    fn first(self, n: usize) -> Self {
        let lanes = Self::load(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        self.keep(lanes.below(Self::splat(n as f64)))
    }

    #[inline(always)]
    fn power(self) -> Self {
        power!(
            self,
            _mm256_castps_si256,
            _mm256_slli_epi32::<23>,
            _mm256_add_epi32,
            _mm256_castsi256_ps
        )
    }

    #[inline(always)]
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        let low = bits & 0xf;
        compress_four(low, from, to);
        let n = low.count_ones() as usize;
        compress_four(bits >> 4 & 0xf, &from[4..], &mut to[n..]);
    }
}

impl Pairs for __m512 {
    type Row = __m128;
    type Rows = [__m128; 16];

    #[inline(always)]
    fn same(row: __m128) -> [__m128; 16] {
        [row; 16]
    }

    #[inline(always)]
    fn columns(r: &[__m128; 16]) -> [Self; 4] {
        let mut rows = [Self::splat(0.0); 4];
        for k in 0..4 {
            // SAFETY: the caller of this inlined function has AVX-512.
            let row = unsafe { _mm512_castps128_ps512(r[k]) };
            // SAFETY: as above.
            let row = unsafe { _mm512_insertf32x4::<1>(row, r[k + 4]) };
            // SAFETY: as above.
            let row = unsafe { _mm512_insertf32x4::<2>(row, r[k + 8]) };
            // SAFETY: as above.
            rows[k] = unsafe { _mm512_insertf32x4::<3>(row, r[k + 12]) };
        }
        transposed!(rows, _mm512_unpacklo_ps, _mm512_unpackhi_ps, _mm512_shuffle_ps)
    }

    #[inline(always)]
    fn rows(columns: [Self; 4]) -> [__m128; 16] {
        let rows = transposed!(columns, _mm512_unpacklo_ps, _mm512_unpackhi_ps, _mm512_shuffle_ps);
        let mut out = [__m128::splat(0.0); 16];
        for k in 0..4 {
            [out[k], out[k + 4], out[k + 8], out[k + 12]] = quarters(rows[k]);
        }
        out
    }

    #[inline(always)]
    fn turned(row: __m128) -> __m128 {
        turned(row)
    }

    #[inline(always)]
    fn bits_below(self, limit: Self) -> u32 {
        self.below(limit).into()
    }

    #[inline(always)]
    fn first(self, n: usize) -> Self {
        self.keep(if n < Self::LEN { (1 << n) - 1 } else { u16::MAX })
    }

    #[inline(always)]
    fn power(self) -> Self {
        power!(
            self,
            _mm512_castps_si512,
            _mm512_slli_epi32::<23>,
            _mm512_add_epi32,
            _mm512_castsi512_ps
        )
    }

    #[inline(always)]
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        let (from, to) = (&from[..16], &mut to[..16]);
        // SAFETY: these are 64 readable bytes; the caller of this inlined function has AVX-512.
        let numbers = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        // SAFETY: as above.
        let numbers = unsafe { _mm512_maskz_compress_epi32((bits & 0xffff) as u16, numbers) };
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), numbers) };
    }
}
