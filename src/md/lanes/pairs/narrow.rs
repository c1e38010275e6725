//! Pairs in `f32`: eight, and sixteen.

use std::arch::x86_64::*;

use super::super::Lanes;
use super::super::x86::{F32x4, F32x8, F32x16, F64x4, eights, fours, quarters};
use super::{Pairs, compress_four};

/// The columns of four rows in each quarter of the registers.
macro_rules! transposed {
    ($lanes:ident, $rows:expr, $low:ident, $high:ident, $pick:ident) => {{
        let [a, b, c, d] = $rows;
        // SAFETY: who has these registers has the instruction set.
        let xy = unsafe { $low(a.0, b.0) };
        // SAFETY: as above.
        let zw = unsafe { $high(a.0, b.0) };
        // SAFETY: as above.
        let xy_too = unsafe { $low(c.0, d.0) };
        // SAFETY: as above.
        let zw_too = unsafe { $high(c.0, d.0) };
        [
            // SAFETY: as above.
            $lanes(unsafe { $pick::<0b01_00_01_00>(xy, xy_too) }),
            // SAFETY: as above.
            $lanes(unsafe { $pick::<0b11_10_11_10>(xy, xy_too) }),
            // SAFETY: as above.
            $lanes(unsafe { $pick::<0b01_00_01_00>(zw, zw_too) }),
            // SAFETY: as above.
            $lanes(unsafe { $pick::<0b11_10_11_10>(zw, zw_too) }),
        ]
    }};
}

#[inline(always)]
fn turned(row: F32x4) -> F32x4 {
    // SAFETY: who has this register has AVX.
    F32x4(unsafe { _mm_permute_ps::<0b11_00_10_01>(row.0) })
}

impl Pairs for F32x8 {
    type Row = F32x4;
    type Rows = [F32x4; 8];
    type Wide = F64x4;

    #[inline(always)]
    fn same(row: F32x4) -> [F32x4; 8] {
        [row; 8]
    }

    #[inline(always)]
    fn columns(r: &[F32x4; 8]) -> [Self; 4] {
        // Not by a closure, which may not be compiled for the instruction set.
        let mut rows = [Self::splat(0.0); 4];
        for k in 0..4 {
            rows[k] = eights([r[k], r[k + 4]]);
        }
        transposed!(Self, rows, _mm256_unpacklo_ps, _mm256_unpackhi_ps, _mm256_shuffle_ps)
    }

    #[inline(always)]
    fn rows(columns: [Self; 4]) -> [F32x4; 8] {
        let rows =
            transposed!(Self, columns, _mm256_unpacklo_ps, _mm256_unpackhi_ps, _mm256_shuffle_ps);
        let mut out = [F32x4::splat(0.0); 8];
        for k in 0..4 {
            [out[k], out[k + 4]] = fours(rows[k]);
        }
        out
    }

    #[inline(always)]
    fn turned(row: F32x4) -> F32x4 {
        turned(row)
    }

    #[inline(always)]
    fn wide(row: F32x4) -> F64x4 {
        row.widened()
    }

    #[inline(always)]
    fn narrow(row: F64x4) -> F32x4 {
        F32x4::narrowed(row)
    }

    #[inline(always)]
    fn bits_below(self, limit: Self) -> u32 {
        let below = self.below(limit);
        // SAFETY: who has this register has AVX2.
        let bits = unsafe { _mm256_movemask_ps(below) };
        bits.cast_unsigned()
    }

    #[inline(always)]
    fn first(self, n: usize) -> Self {
        let lanes = Self::load(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        self.keep(lanes.below(Self::splat(n as f64)))
    }

    #[inline(always)]
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        let low = bits & 0xf;
        compress_four(low, from, to);
        let n = low.count_ones() as usize;
        compress_four(bits >> 4 & 0xf, &from[4..], &mut to[n..]);
    }
}

impl Pairs for F32x16 {
    type Row = F32x4;
    type Rows = [F32x4; 16];
    type Wide = F64x4;

    #[inline(always)]
    fn same(row: F32x4) -> [F32x4; 16] {
        [row; 16]
    }

    #[inline(always)]
    fn columns(r: &[F32x4; 16]) -> [Self; 4] {
        let mut rows = [Self::splat(0.0); 4];
        for k in 0..4 {
            // SAFETY: who calls functions of this register has AVX-512.
            let row = unsafe { _mm512_castps128_ps512(r[k].0) };
            // SAFETY: as above.
            let row = unsafe { _mm512_insertf32x4::<1>(row, r[k + 4].0) };
            // SAFETY: as above.
            let row = unsafe { _mm512_insertf32x4::<2>(row, r[k + 8].0) };
            // SAFETY: as above.
            rows[k] = Self(unsafe { _mm512_insertf32x4::<3>(row, r[k + 12].0) });
        }
        transposed!(Self, rows, _mm512_unpacklo_ps, _mm512_unpackhi_ps, _mm512_shuffle_ps)
    }

    #[inline(always)]
    fn rows(columns: [Self; 4]) -> [F32x4; 16] {
        let rows =
            transposed!(Self, columns, _mm512_unpacklo_ps, _mm512_unpackhi_ps, _mm512_shuffle_ps);
        let mut out = [F32x4::splat(0.0); 16];
        for k in 0..4 {
            [out[k], out[k + 4], out[k + 8], out[k + 12]] = quarters(rows[k]);
        }
        out
    }

    #[inline(always)]
    fn turned(row: F32x4) -> F32x4 {
        turned(row)
    }

    #[inline(always)]
    fn wide(row: F32x4) -> F64x4 {
        row.widened()
    }

    #[inline(always)]
    fn narrow(row: F64x4) -> F32x4 {
        F32x4::narrowed(row)
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
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        let (from, to) = (&from[..16], &mut to[..16]);
        // SAFETY: these are 64 readable bytes; who calls functions of this register has AVX-512.
        let numbers = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        // SAFETY: as above.
        let numbers = unsafe { _mm512_maskz_compress_epi32((bits & 0xffff) as u16, numbers) };
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), numbers) };
    }
}
