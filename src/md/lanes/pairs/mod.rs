//! Registers that hold any pairs, each of which comes as a row: x, y, z and one more number.

use std::arch::x86_64::*;
use std::ops::IndexMut;

use super::x86::{F64x4, F64x8, halves, joined};
use super::{Lanes, Quad};

mod narrow;

/// Most lanes of a register.
pub(in crate::md) const MOST: usize = 16;

/// Registers whose lanes are pairs.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Pairs: Lanes {
    /// A row.
    type Row: Lanes<Real = Self::Real, Array = Quad<Self::Real>>;
    /// A row for each lane.
    type Rows: Copy + IndexMut<usize, Output = Self::Row>;
    /// A row of `f64`, in which sums go on.
    type Wide: Lanes<Real = f64, Array = Quad<f64>>;

    /// The same row for each lane.
    fn same(row: Self::Row) -> Self::Rows;
    /// The columns of the rows.
    fn columns(rows: &Self::Rows) -> [Self; 4];
    /// The inverse of [`Pairs::columns`].
    fn rows(columns: [Self; 4]) -> Self::Rows;
    /// The row y, z, x and the fourth number.
    fn turned(row: Self::Row) -> Self::Row;
    /// The same row in `f64`.
    fn wide(row: Self::Row) -> Self::Wide;
    /// The nearest row.
    fn narrow(row: Self::Wide) -> Self::Row;
    /// Bit l is set where lane l is below `limit`.
    fn bits_below(self, limit: Self) -> u32;
    /// Zero from lane `n` on.
    fn first(self, n: usize) -> Self;
    /// Writes the numbers whose bits are set to the start of `to`, and any others after them.
    ///
    /// Both hold at least as many numbers as there are lanes.
    fn compress(bits: u32, from: &[u32], to: &mut [u32]);
}

/// The columns of four rows.
#[inline(always)]
fn transposed([a, b, c, d]: [F64x4; 4]) -> [F64x4; 4] {
    // SAFETY: who has these registers has AVX2.
    let even = unsafe { _mm256_unpacklo_pd(a.0, b.0) };
    // SAFETY: as above.
    let odd = unsafe { _mm256_unpackhi_pd(a.0, b.0) };
    // SAFETY: as above.
    let even_too = unsafe { _mm256_unpacklo_pd(c.0, d.0) };
    // SAFETY: as above.
    let odd_too = unsafe { _mm256_unpackhi_pd(c.0, d.0) };
    [
        // SAFETY: as above.
        F64x4(unsafe { _mm256_permute2f128_pd::<0x20>(even, even_too) }),
        // SAFETY: as above.
        F64x4(unsafe { _mm256_permute2f128_pd::<0x20>(odd, odd_too) }),
        // SAFETY: as above.
        F64x4(unsafe { _mm256_permute2f128_pd::<0x31>(even, even_too) }),
        // SAFETY: as above.
        F64x4(unsafe { _mm256_permute2f128_pd::<0x31>(odd, odd_too) }),
    ]
}

#[inline(always)]
fn turned(row: F64x4) -> F64x4 {
    // SAFETY: who has this register has AVX2.
    F64x4(unsafe { _mm256_permute4x64_pd::<0b11_00_10_01>(row.0) })
}

/// Byte shuffles that move the numbers whose bits are set to the front.
const SHUFFLES: [[u8; 16]; 16] = {
    let mut all = [[0; 16]; 16];
    let mut bits = 0;
    while bits < 16 {
        let (mut lane, mut n) = (0, 0);
        while lane < 4 {
            if bits >> lane & 1 == 1 {
                let mut byte: u8 = 0;
                while byte < 4 {
                    all[bits][4 * n + byte as usize] = 4 * lane + byte;
                    byte += 1;
                }
                n += 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    all
};

/// Does as [`Pairs::compress`] for four numbers. Only registers of AVX2 call it.
#[inline(always)]
fn compress_four(bits: u32, from: &[u32], to: &mut [u32]) {
    let (from, to, shuffle) = (&from[..4], &mut to[..4], &SHUFFLES[bits as usize]);
    // SAFETY: these are 16 readable bytes; who calls functions of a register has AVX2.
    let shuffle = unsafe { _mm_loadu_si128(shuffle.as_ptr().cast()) };
    // SAFETY: as above.
    let numbers = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
    // SAFETY: as above.
    let numbers = unsafe { _mm_shuffle_epi8(numbers, shuffle) };
    // SAFETY: there is room for 16 bytes.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), numbers) };
}

impl Pairs for F64x4 {
    type Row = Self;
    type Rows = [Self; 4];
    type Wide = Self;

    #[inline(always)]
    fn same(row: Self) -> [Self; 4] {
        [row; 4]
    }

    #[inline(always)]
    fn columns(rows: &[Self; 4]) -> [Self; 4] {
        transposed(*rows)
    }

    #[inline(always)]
    fn rows(columns: [Self; 4]) -> [Self; 4] {
        transposed(columns)
    }

    #[inline(always)]
    fn turned(row: Self) -> Self {
        turned(row)
    }

    #[inline(always)]
    fn wide(row: Self) -> Self {
        row
    }

    #[inline(always)]
    fn narrow(row: Self) -> Self {
        row
    }

    #[inline(always)]
    fn bits_below(self, limit: Self) -> u32 {
        let below = self.below(limit);
        // SAFETY: who has this register has AVX2.
        let bits = unsafe { _mm256_movemask_pd(below) };
        bits.cast_unsigned()
    }

    #[inline(always)]
    fn first(self, n: usize) -> Self {
        let lanes = Self::load(&[0.0, 1.0, 2.0, 3.0]);
        self.keep(lanes.below(Self::splat(n as f64)))
    }

    #[inline(always)]
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        compress_four(bits, from, to);
    }
}

impl Pairs for F64x8 {
    type Row = F64x4;
    type Rows = [F64x4; 8];
    type Wide = F64x4;

    #[inline(always)]
    fn same(row: F64x4) -> [F64x4; 8] {
        [row; 8]
    }

    #[inline(always)]
    fn columns(r: &[F64x4; 8]) -> [Self; 4] {
        let low = transposed([r[0], r[1], r[2], r[3]]);
        let high = transposed([r[4], r[5], r[6], r[7]]);
        [
            joined([low[0], high[0]]),
            joined([low[1], high[1]]),
            joined([low[2], high[2]]),
            joined([low[3], high[3]]),
        ]
    }

    #[inline(always)]
    fn rows([x, y, z, w]: [Self; 4]) -> [F64x4; 8] {
        let [x, y, z, w] = [halves(x), halves(y), halves(z), halves(w)];
        let [a, b, c, d] = transposed([x[0], y[0], z[0], w[0]]);
        let [e, f, g, h] = transposed([x[1], y[1], z[1], w[1]]);
        [a, b, c, d, e, f, g, h]
    }

    #[inline(always)]
    fn turned(row: F64x4) -> F64x4 {
        turned(row)
    }

    #[inline(always)]
    fn wide(row: F64x4) -> F64x4 {
        row
    }

    #[inline(always)]
    fn narrow(row: F64x4) -> F64x4 {
        row
    }

    #[inline(always)]
    fn bits_below(self, limit: Self) -> u32 {
        self.below(limit).into()
    }

    #[inline(always)]
    fn first(self, n: usize) -> Self {
        self.keep(if n < Self::LEN { (1 << n) - 1 } else { u8::MAX })
    }

    #[inline(always)]
    fn compress(bits: u32, from: &[u32], to: &mut [u32]) {
        let (from, to) = (&from[..8], &mut to[..8]);
        // SAFETY: these are 32 readable bytes; who calls functions of this register has AVX-512.
        let numbers = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        // SAFETY: as above.
        let numbers = unsafe { _mm256_maskz_compress_epi32((bits & 0xff) as u8, numbers) };
        // SAFETY: there is room for 32 bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), numbers) };
    }
}
