//! Registers of `f32`.

use std::arch::x86_64::*;

use super::super::{Lanes, Quad, Real as _, Tile};
use super::refined;

lanes!(
    __m128, f32, 4, __m128,
    _mm_loadu_ps, _mm_storeu_ps, _mm_set1_ps, _mm_add_ps, _mm_sub_ps, _mm_mul_ps,
    _mm_div_ps, _mm_fmadd_ps, _mm_fnmadd_ps, _mm_min_ps, _mm_max_ps,
    inverse_root: |x| refined::<_, 2>(x, seed128_f32(x)),
    below: |a, b| _mm_cmplt_ps(a, b),
    keep: |a, mask| _mm_and_ps(a, mask),
    sum: |a| {
        let mut to = [0.0; 4];
        a.store(&mut to);
        ((to[0] + to[2]) + (to[1] + to[3])).into()
    },
);

lanes!(
    __m256, f32, 8, __m256,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps,
    _mm256_div_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_min_ps, _mm256_max_ps,
    inverse_root: |x| refined::<_, 2>(x, seed256_f32(x)),
    below: |a, b| _mm256_cmp_ps::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm256_and_ps(a, mask),
    sum: |a| { let [low, high] = rows256(a); f64::from(low) + f64::from(high) },
);

lanes!(
    __m512, f32, 16, __mmask16,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps,
    _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_min_ps, _mm512_max_ps,
    inverse_root: |x| refined::<_, 1>(x, seed512_f32(x)),
    below: |a, b| _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm512_maskz_mov_ps(mask, a),
    sum: |a| { let [low, high] = halves_f32(a); low.plus(high).sum() },
);

/// 1/sqrt(x) to 2^-11.4.
#[inline(always)]
fn seed128_f32(x: __m128) -> __m128 {
    // SAFETY: every x86-64 processor has SSE.
    unsafe { _mm_rsqrt_ps(x) }
}

/// 1/sqrt(x) to 2^-11.4.
#[inline(always)]
fn seed256_f32(x: __m256) -> __m256 {
    // SAFETY: the caller of this inlined function has AVX2.
    unsafe { _mm256_rsqrt_ps(x) }
}

/// 1/sqrt(x) to 2^-14.
#[inline(always)]
fn seed512_f32(x: __m512) -> __m512 {
    // SAFETY: the caller of this inlined function has AVX-512.
    unsafe { _mm512_rsqrt14_ps(x) }
}

/// Lanes 0 to 7 and 8 to 15.
#[inline(always)]
fn halves_f32(a: __m512) -> [__m256; 2] {
    // SAFETY: the caller of this inlined function has AVX-512.
    let low = unsafe { _mm512_castps512_ps256(a) };
    // SAFETY: as above.
    let high = unsafe { _mm512_extractf32x8_ps::<1>(a) };
    [low, high]
}

/// The sums of two rows.
#[inline(always)]
fn rows256(a: __m256) -> [f32; 2] {
    let mut to = [0.0; 8];
    a.store(&mut to);
    [(to[0] + to[2]) + (to[1] + to[3]), (to[4] + to[6]) + (to[5] + to[7])]
}

impl Tile for __m256 {
    #[inline(always)]
    fn across(of: &Quad<f32>) -> Self {
        let of = __m128::load(of);
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { _mm256_set_m128(of, of) }
    }

    #[inline(always)]
    fn along(of: &Quad<f32>, first: usize) -> Self {
        // SAFETY: the caller of this inlined function has AVX2.
        let low = unsafe { _mm_set1_ps(of[first]) };
        // SAFETY: as above.
        let high = unsafe { _mm_set1_ps(of[first + 1]) };
        // SAFETY: as above.
        unsafe { _mm256_set_m128(high, low) }
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f32>) {
        let [low, high] = fours(self);
        __m128::load(to).plus(low.plus(high)).store(to);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f32>, first: usize) {
        let [low, high] = rows256(self);
        to[first] += low;
        to[first + 1] += high;
    }

    #[inline(always)]
    fn any(mask: Self) -> bool {
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { _mm256_movemask_ps(mask) != 0 }
    }
}

impl Tile for __m512 {
    #[inline(always)]
    fn across(of: &Quad<f32>) -> Self {
        let of = __m128::load(of);
        // SAFETY: the caller of this inlined function has AVX-512.
        unsafe { _mm512_broadcast_f32x4(of) }
    }

    /// There is only one first atom, since all four are in the register.
    #[inline(always)]
    fn along(of: &Quad<f32>, _first: usize) -> Self {
        // SAFETY: the caller of this inlined function has AVX-512.
        let rows = unsafe { _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3) };
        let of = Self::across(of);
        // SAFETY: as above.
        unsafe { _mm512_permutexvar_ps(rows, of) }
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f32>) {
        let [low, high] = halves_f32(self);
        low.plus(high).add_across(to);
    }

    /// The four rows of all three are added together, two rows at a time.
    #[inline(always)]
    fn add_block([x, y, z]: [Self; 3], to: &mut [Quad<f32>; 3]) {
        // SAFETY: the caller of this inlined function has AVX-512.
        let low = unsafe { _mm512_shuffle_f32x4::<0b01_00_01_00>(x, y) };
        // SAFETY: as above.
        let high = unsafe { _mm512_shuffle_f32x4::<0b11_10_11_10>(x, y) };
        // Rows 0 and 2 of x, 1 and 3 of x, then of y.
        let xy = low.plus(high);
        // SAFETY: as above.
        let even = unsafe { _mm512_shuffle_f32x4::<0b10_00_10_00>(xy, z) };
        // SAFETY: as above.
        let odd = unsafe { _mm512_shuffle_f32x4::<0b11_01_11_01>(xy, z) };
        let [xy, z] = halves_f32(even.plus(odd));
        let [z, z_too] = fours(z);
        let eight = &mut __m256::arrays_mut(to[..2].as_flattened_mut())[0];
        __m256::load(eight).plus(xy).store(eight);
        __m128::load(&to[2]).plus(z.plus(z_too)).store(&mut to[2]);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f32>, _first: usize) {
        let [low, high] = halves_f32(self);
        low.add_along(to, 0);
        high.add_along(to, 2);
    }

    #[inline(always)]
    fn any(mask: __mmask16) -> bool {
        mask != 0
    }
}

/// Lanes 0 to 3 and 4 to 7.
#[inline(always)]
pub(in crate::md::lanes) fn fours(a: __m256) -> [__m128; 2] {
    // SAFETY: the caller of this inlined function has AVX2.
    let low = unsafe { _mm256_castps256_ps128(a) };
    // SAFETY: as above.
    let high = unsafe { _mm256_extractf128_ps::<1>(a) };
    [low, high]
}

/// The inverse of [`fours`].
#[inline(always)]
pub(in crate::md::lanes) fn eights([low, high]: [__m128; 2]) -> __m256 {
    // SAFETY: the caller of this inlined function has AVX2.
    unsafe { _mm256_set_m128(high, low) }
}

/// Lanes 0 to 3, 4 to 7 and so on.
#[inline(always)]
pub(in crate::md::lanes) fn quarters(a: __m512) -> [__m128; 4] {
    [
        // SAFETY: the caller of this inlined function has AVX-512.
        unsafe { _mm512_castps512_ps128(a) },
        // SAFETY: as above.
        unsafe { _mm512_extractf32x4_ps::<1>(a) },
        // SAFETY: as above.
        unsafe { _mm512_extractf32x4_ps::<2>(a) },
        // SAFETY: as above.
        unsafe { _mm512_extractf32x4_ps::<3>(a) },
    ]
}
