//! Registers of `f32`, whose sums go on in `f64`.

use std::arch::x86_64::*;

use super::super::{CLUSTER, Lanes, Quad, Real as _, Tile};
use super::{F64x4, F64x8, refined};

lanes!(
    F32x4(__m128), f32, 4, __m128,
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
    power: _mm_castps_si128, _mm_slli_epi32::<23>, _mm_add_epi32, _mm_castsi128_ps,
);

lanes!(
    F32x8(__m256), f32, 8, __m256,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps,
    _mm256_div_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_min_ps, _mm256_max_ps,
    inverse_root: |x| refined::<_, 2>(x, seed256_f32(x)),
    below: |a, b| _mm256_cmp_ps::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm256_and_ps(a, mask),
    sum: |a| { let [low, high] = fours(a); low.sum() + high.sum() },
    power: _mm256_castps_si256, _mm256_slli_epi32::<23>, _mm256_add_epi32, _mm256_castsi256_ps,
);

lanes!(
    F32x16(__m512), f32, 16, __mmask16,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps,
    _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_min_ps, _mm512_max_ps,
    inverse_root: |x| refined::<_, 1>(x, seed512_f32(x)),
    below: |a, b| _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm512_maskz_mov_ps(mask, a),
    sum: |a| { let [low, high] = halves_f32(a); low.plus(high).sum() },
    power: _mm512_castps_si512, _mm512_slli_epi32::<23>, _mm512_add_epi32, _mm512_castsi512_ps,
);

/// 1/sqrt(x) to 2^-11.4.
#[inline(always)]
fn seed128_f32(x: F32x4) -> F32x4 {
    // SAFETY: every x86-64 processor has SSE.
    F32x4(unsafe { _mm_rsqrt_ps(x.0) })
}

/// 1/sqrt(x) to 2^-11.4.
#[inline(always)]
fn seed256_f32(x: F32x8) -> F32x8 {
    // SAFETY: who has this register has AVX2.
    F32x8(unsafe { _mm256_rsqrt_ps(x.0) })
}

/// 1/sqrt(x) to 2^-14.
#[inline(always)]
fn seed512_f32(x: F32x16) -> F32x16 {
    // SAFETY: who has this register has AVX-512.
    F32x16(unsafe { _mm512_rsqrt14_ps(x.0) })
}

/// Lanes 0 to 7 and 8 to 15.
#[inline(always)]
fn halves_f32(a: F32x16) -> [F32x8; 2] {
    // SAFETY: who has this register has AVX-512.
    let low = unsafe { _mm512_castps512_ps256(a.0) };
    // SAFETY: as above.
    let high = unsafe { _mm512_extractf32x8_ps::<1>(a.0) };
    [F32x8(low), F32x8(high)]
}

/// Lanes 0 to 3 and 4 to 7.
#[inline(always)]
pub(in crate::md::lanes) fn fours(a: F32x8) -> [F32x4; 2] {
    // SAFETY: who has this register has AVX2.
    let low = unsafe { _mm256_castps256_ps128(a.0) };
    // SAFETY: as above.
    let high = unsafe { _mm256_extractf128_ps::<1>(a.0) };
    [F32x4(low), F32x4(high)]
}

/// The inverse of [`fours`].
#[inline(always)]
pub(in crate::md::lanes) fn eights([low, high]: [F32x4; 2]) -> F32x8 {
    // SAFETY: who has these registers has AVX2.
    F32x8(unsafe { _mm256_set_m128(high.0, low.0) })
}

/// Lanes 0 to 3, 4 to 7 and so on.
#[inline(always)]
pub(in crate::md::lanes) fn quarters(a: F32x16) -> [F32x4; 4] {
    [
        // SAFETY: who has this register has AVX-512.
        F32x4(unsafe { _mm512_castps512_ps128(a.0) }),
        // SAFETY: as above.
        F32x4(unsafe { _mm512_extractf32x4_ps::<1>(a.0) }),
        // SAFETY: as above.
        F32x4(unsafe { _mm512_extractf32x4_ps::<2>(a.0) }),
        // SAFETY: as above.
        F32x4(unsafe { _mm512_extractf32x4_ps::<3>(a.0) }),
    ]
}

impl F32x4 {
    /// The same numbers in `f64`.
    #[inline(always)]
    pub(in crate::md::lanes) fn widened(self) -> F64x4 {
        // SAFETY: who has this register has AVX2.
        F64x4(unsafe { _mm256_cvtps_pd(self.0) })
    }

    /// Rounds to the nearest numbers.
    #[inline(always)]
    pub(in crate::md::lanes) fn narrowed(wide: F64x4) -> Self {
        // SAFETY: who has this register has AVX2.
        Self(unsafe { _mm256_cvtpd_ps(wide.0) })
    }
}

impl Tile for F32x8 {
    const PART: usize = 2;

    #[inline(always)]
    fn across(of: &Quad<f32>) -> Self {
        let of = F32x4::load(of);
        eights([of, of])
    }

    #[inline(always)]
    fn along(of: &Quad<f32>, first: usize) -> Self {
        eights([F32x4::splat(of[first].into()), F32x4::splat(of[first + 1].into())])
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f64>) {
        let [low, high] = fours(self);
        low.plus(high).widened().add_across(to);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f64>, first: usize) {
        let [low, high] = fours(self);
        to[first] += low.sum();
        to[first + 1] += high.sum();
    }

    #[inline(always)]
    fn add_lanes(self, to: &mut [f64; 2 * CLUSTER]) {
        let ([low, high], to) = (fours(self), F64x4::arrays_mut(to));
        low.widened().add_across(&mut to[0]);
        high.widened().add_across(&mut to[1]);
    }

    #[inline(always)]
    fn any(mask: __m256) -> bool {
        // SAFETY: who calls functions of this register has AVX2.
        unsafe { _mm256_movemask_ps(mask) != 0 }
    }
}

impl Tile for F32x16 {
    const PART: usize = CLUSTER;

    #[inline(always)]
    fn across(of: &Quad<f32>) -> Self {
        let of = F32x4::load(of);
        // SAFETY: who calls functions of this register has AVX-512.
        Self(unsafe { _mm512_broadcast_f32x4(of.0) })
    }

    /// There is only one first atom, since all four are in the register.
    #[inline(always)]
    fn along(of: &Quad<f32>, _first: usize) -> Self {
        // SAFETY: who calls functions of this register has AVX-512.
        let rows = unsafe { _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3) };
        let of = Self::across(of);
        // SAFETY: as above.
        Self(unsafe { _mm512_permutexvar_ps(rows, of.0) })
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f64>) {
        let [low, high] = halves_f32(self);
        low.plus(high).add_across(to);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f64>, _first: usize) {
        // SAFETY: who has this register has AVX-512.
        let turned = unsafe { _mm512_permute_ps::<0b01_00_11_10>(self.0) };
        let pairs = self.plus(Self(turned));
        // SAFETY: as above.
        let turned = unsafe { _mm512_permute_ps::<0b10_11_00_01>(pairs.0) };
        // The sum of a row is in all of its lanes: the first of each row go to the front.
        let rows = pairs.plus(Self(turned));
        // SAFETY: as above.
        let firsts =
            unsafe { _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12) };
        // SAFETY: as above.
        let sums = Self(unsafe { _mm512_permutexvar_ps(firsts, rows.0) });
        quarters(sums)[0].widened().add_across(to);
    }

    #[inline(always)]
    fn add_lanes(self, to: &mut [f64; 2 * CLUSTER]) {
        let [low, high] = halves_f32(self);
        let sums = low.plus(high);
        // SAFETY: who has these registers has AVX-512.
        let sums = F64x8(unsafe { _mm512_cvtps_pd(sums.0) });
        F64x8::load(to).plus(sums).store(to);
    }

    #[inline(always)]
    fn any(mask: __mmask16) -> bool {
        mask != 0
    }
}
