//! The registers of AVX2 and AVX-512.

use std::arch::x86_64::*;

use super::{Lanes, Quad, Real as _, Tile};

macro_rules! lanes {
    ($lanes:ty, $real:ty, $len:literal, $mask:ty,
     $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
     $mul_add:ident, $mul_sub_from:ident, $min:ident, $max:ident,
     inverse_root: |$x:ident| $root:expr,
     below: |$a:ident, $b:ident| $below:expr,
     keep: |$k:ident, $m:ident| $keep:expr,
     sum: |$s:ident| $sum:expr,) => {
        impl Lanes for $lanes {
            type Real = $real;
            type Array = [$real; $len];
            type Mask = $mask;
            const LEN: usize = $len;

            #[inline(always)]
            fn arrays(numbers: &[$real]) -> &[[$real; $len]] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [$real]) -> &mut [[$real; $len]] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn load(from: &[$real; $len]) -> Self {
                // SAFETY: an array is as many readable numbers; the caller of this inlined function
                // has the instruction set.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, to: &mut [$real; $len]) {
                // SAFETY: an array has room for as many numbers; the rest as above.
                unsafe { $store(to.as_mut_ptr(), self) }
            }

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: the caller of this inlined function has the instruction set.
                unsafe { $splat(<$real>::from_f64(x)) }
            }

            #[inline(always)]
            fn plus(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $add(self, by) }
            }

            #[inline(always)]
            fn minus(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $sub(self, by) }
            }

            #[inline(always)]
            fn times(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul(self, by) }
            }

            #[inline(always)]
            fn over(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $div(self, by) }
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul_add(self, by, add) }
            }

            #[inline(always)]
            fn mul_sub_from(self, by: Self, from: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul_sub_from(self, by, from) }
            }

            #[inline(always)]
            fn min(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $min(self, by) }
            }

            #[inline(always)]
            fn max(self, by: Self) -> Self {
                // SAFETY: as above.
                unsafe { $max(self, by) }
            }

            #[inline(always)]
            fn inverse_root(self) -> Self {
                let $x = self;
                $root
            }

            #[inline(always)]
            fn below(self, limit: Self) -> $mask {
                let ($a, $b) = (self, limit);
                // SAFETY: as above.
                unsafe { $below }
            }

            #[inline(always)]
            fn keep(self, mask: $mask) -> Self {
                let ($k, $m) = (self, mask);
                // SAFETY: as above.
                unsafe { $keep }
            }

            #[inline(always)]
            fn sum(self) -> f64 {
                let $s = self;
                $sum
            }
        }
    };
}

/// One step from y, which is 1/sqrt(x) to a relative 2^-11 or better, towards it: to 2^-43, or 2^-54
/// from 2^-13.5.
///
/// With e = 1 - x y^2 it is y (1 - e)^(-1/2), cut after e^3.
#[inline(always)]
fn refined<V: Lanes>(x: V, y: V) -> V {
    let e = x.mul_sub_from(y.times(y), V::splat(1.0));
    let series = V::splat(0.3125).mul_add(e, V::splat(0.375)).mul_add(e, V::splat(0.5));
    y.times(e).mul_add(series, y)
}

/// The same, cut after e.
#[inline(always)]
fn polished<V: Lanes>(x: V, y: V) -> V {
    let e = x.mul_sub_from(y.times(y), V::splat(1.0));
    y.times(V::splat(0.5)).mul_add(e, y)
}

lanes!(
    __m256d, f64, 4, __m256d,
    _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd,
    _mm256_div_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_min_pd, _mm256_max_pd,
    inverse_root: |x| polished(x, refined(x, seed256(x))),
    below: |a, b| _mm256_cmp_pd::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm256_and_pd(a, mask),
    sum: |a| { let a = array256(a); (a[0] + a[2]) + (a[1] + a[3]) },
);

lanes!(
    __m512d, f64, 8, __mmask8,
    _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd,
    _mm512_div_pd, _mm512_fmadd_pd, _mm512_fnmadd_pd, _mm512_min_pd, _mm512_max_pd,
    inverse_root: |x| refined(x, seed512(x)),
    below: |a, b| _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm512_maskz_mov_pd(mask, a),
    sum: |a| { let [low, high] = halves(a); low.plus(high).sum() },
);

lanes!(
    __m256, f32, 8, __m256,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps,
    _mm256_div_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_min_ps, _mm256_max_ps,
    inverse_root: |x| refined(x, seed256_f32(x)),
    below: |a, b| _mm256_cmp_ps::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm256_and_ps(a, mask),
    sum: |a| { let [low, high] = rows256(a); f64::from(low) + f64::from(high) },
);

lanes!(
    __m512, f32, 16, __mmask16,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps,
    _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_min_ps, _mm512_max_ps,
    inverse_root: |x| polished(x, seed512_f32(x)),
    below: |a, b| _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm512_maskz_mov_ps(mask, a),
    sum: |a| { let [low, high] = halves_f32(a); low.plus(high).sum() },
);

#[inline(always)]
fn array256(a: __m256d) -> [f64; 4] {
    let mut to = [0.0; 4];
    a.store(&mut to);
    to
}

/// 1/sqrt(x) to 2^-11.4, for x from 2^-126 to 2^127.
#[inline(always)]
fn seed256(x: __m256d) -> __m256d {
    // SAFETY: the caller of this inlined function has AVX2.
    let narrow = unsafe { _mm256_cvtpd_ps(x) };
    // SAFETY: as above.
    let root = unsafe { _mm_rsqrt_ps(narrow) };
    // SAFETY: as above.
    unsafe { _mm256_cvtps_pd(root) }
}

/// 1/sqrt(x) to 2^-14.
#[inline(always)]
fn seed512(x: __m512d) -> __m512d {
    // SAFETY: the caller of this inlined function has AVX-512.
    unsafe { _mm512_rsqrt14_pd(x) }
}

/// Lanes 0 to 3 and 4 to 7.
#[inline(always)]
pub(super) fn halves(a: __m512d) -> [__m256d; 2] {
    // SAFETY: the caller of this inlined function has AVX-512.
    let low = unsafe { _mm512_castpd512_pd256(a) };
    // SAFETY: as above.
    let high = unsafe { _mm512_extractf64x4_pd::<1>(a) };
    [low, high]
}

/// The inverse of [`halves`].
#[inline(always)]
pub(super) fn joined([low, high]: [__m256d; 2]) -> __m512d {
    // SAFETY: the caller of this inlined function has AVX-512.
    let wide = unsafe { _mm512_castpd256_pd512(low) };
    // SAFETY: as above.
    unsafe { _mm512_insertf64x4::<1>(wide, high) }
}

impl Tile for __m256d {
    #[inline(always)]
    fn across(of: &Quad<f64>) -> Self {
        Self::load(of)
    }

    #[inline(always)]
    fn along(of: &Quad<f64>, first: usize) -> Self {
        Self::splat(of[first])
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f64>) {
        Self::load(to).plus(self).store(to);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f64>, first: usize) {
        to[first] += self.sum();
    }

    #[inline(always)]
    fn any(mask: Self) -> bool {
        // SAFETY: the caller of this inlined function has AVX2.
        unsafe { _mm256_movemask_pd(mask) != 0 }
    }
}

impl Tile for __m512d {
    #[inline(always)]
    fn across(of: &Quad<f64>) -> Self {
        let of = __m256d::load(of);
        // SAFETY: the caller of this inlined function has AVX-512.
        unsafe { _mm512_broadcast_f64x4(of) }
    }

    #[inline(always)]
    fn along(of: &Quad<f64>, first: usize) -> Self {
        joined([__m256d::splat(of[first]), __m256d::splat(of[first + 1])])
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f64>) {
        let [low, high] = halves(self);
        __m256d::load(to).plus(low.plus(high)).store(to);
    }

    #[inline(always)]
    fn add_along(self, to: &mut Quad<f64>, first: usize) {
        let [low, high] = halves(self);
        to[first] += low.sum();
        to[first + 1] += high.sum();
    }

    #[inline(always)]
    fn any(mask: __mmask8) -> bool {
        mask != 0
    }
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

#[inline(always)]
fn load128(from: &Quad<f32>) -> __m128 {
    // SAFETY: these are four readable numbers.
    unsafe { _mm_loadu_ps(from.as_ptr()) }
}

impl Tile for __m256 {
    #[inline(always)]
    fn across(of: &Quad<f32>) -> Self {
        let of = load128(of);
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
        // SAFETY: the caller of this inlined function has AVX2.
        let low = unsafe { _mm256_castps256_ps128(self) };
        // SAFETY: as above.
        let high = unsafe { _mm256_extractf128_ps::<1>(self) };
        // SAFETY: as above.
        let rows = unsafe { _mm_add_ps(low, high) };
        // SAFETY: as above.
        let sum = unsafe { _mm_add_ps(load128(to), rows) };
        // SAFETY: there is room for four numbers.
        unsafe { _mm_storeu_ps(to.as_mut_ptr(), sum) };
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
        let of = load128(of);
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
