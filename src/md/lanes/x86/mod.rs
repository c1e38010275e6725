//! The registers of AVX2 and AVX-512: those of `f64` here, those of `f32` in `narrow.rs`.
//!
//! The functions of a register are safe to call, though they use what a processor may lack. This holds
//! because nobody outside of `lanes` can name a register: its functions are in reach only of a kernel
//! that [`Real::on`] or [`Real::on_pairs`] runs, and these look first what the processor has.

use std::arch::x86_64::*;

use super::{CLUSTER, Lanes, Quad, Real, Tile};

macro_rules! lanes {
    ($lanes:ident($register:ty), $real:ty, $len:literal, $mask:ty,
     $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
     $mul_add:ident, $mul_sub_from:ident, $min:ident, $max:ident,
     inverse_root: |$x:ident| $root:expr,
     below: |$a:ident, $b:ident| $below:expr,
     keep: |$k:ident, $m:ident| $keep:expr,
     sum: |$s:ident| $sum:expr,
     power: $bits:ident, $shift:ident::<$by:literal>, $add_bits:ident, $number:ident,) => {
        #[doc = concat!("A register of ", stringify!($len), " `", stringify!($real), "`.")]
        #[derive(Clone, Copy)]
        pub(in crate::md::lanes) struct $lanes(pub(in crate::md::lanes) $register);

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
                // SAFETY: an array is as many readable numbers; who has this type has the instruction set.
                Self(unsafe { $load(from.as_ptr()) })
            }

            #[inline(always)]
            fn store(self, to: &mut [$real; $len]) {
                // SAFETY: an array has room for as many numbers; the rest as above.
                unsafe { $store(to.as_mut_ptr(), self.0) }
            }

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: as above.
                Self(unsafe { $splat(<$real>::from_f64(x)) })
            }

            #[inline(always)]
            fn plus(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $add(self.0, by.0) })
            }

            #[inline(always)]
            fn minus(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $sub(self.0, by.0) })
            }

            #[inline(always)]
            fn times(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $mul(self.0, by.0) })
            }

            #[inline(always)]
            fn over(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $div(self.0, by.0) })
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $mul_add(self.0, by.0, add.0) })
            }

            #[inline(always)]
            fn mul_sub_from(self, by: Self, from: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $mul_sub_from(self.0, by.0, from.0) })
            }

            #[inline(always)]
            fn min(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $min(self.0, by.0) })
            }

            #[inline(always)]
            fn max(self, by: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { $max(self.0, by.0) })
            }

            #[inline(always)]
            fn inverse_root(self) -> Self {
                let $x = self;
                $root
            }

            #[inline(always)]
            fn below(self, limit: Self) -> $mask {
                let ($a, $b) = (self.0, limit.0);
                // SAFETY: as above.
                unsafe { $below }
            }

            #[inline(always)]
            fn keep(self, mask: $mask) -> Self {
                let ($k, $m) = (self.0, mask);
                // SAFETY: as above.
                Self(unsafe { $keep })
            }

            #[inline(always)]
            fn sum(self) -> f64 {
                let $s = self;
                $sum
            }

            /// What the low bits hold is added to the exponent of 1.
            #[inline(always)]
            fn power(self) -> Self {
                // SAFETY: as above.
                let [n, one] = unsafe { [$bits(self.0), $bits(Self::splat(1.0).0)] };
                // SAFETY: as above.
                Self(unsafe { $number($add_bits($shift::<$by>(n), one)) })
            }
        }
    };
}

mod narrow;

pub(super) use narrow::{F32x4, F32x8, F32x16, eights, fours, quarters};

/// One step from y, which is nearly 1/sqrt(x), towards it.
///
/// With e = 1 - x y^2 it is y (1 - e)^(-1/2), cut after e^N: off by less than 0.4 e^(N + 1). A seed that
/// is good to 2^-b has e = 2^(1 - b).
#[inline(always)]
fn refined<V: Lanes, const N: usize>(x: V, y: V) -> V {
    const SERIES: [f64; 4] = [0.5, 0.375, 0.3125, 0.273_437_5];
    let e = x.mul_sub_from(y.times(y), V::splat(1.0));
    let mut series = V::splat(SERIES[N - 1]);
    for k in (0..N - 1).rev() {
        series = series.mul_add(e, V::splat(SERIES[k]));
    }
    y.times(e).mul_add(series, y)
}

lanes!(
    F64x4(__m256d), f64, 4, __m256d,
    _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd,
    _mm256_div_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_min_pd, _mm256_max_pd,
    inverse_root: |x| refined::<_, 4>(x, seed256(x)),
    below: |a, b| _mm256_cmp_pd::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm256_and_pd(a, mask),
    sum: |a| { let a = array256(a); (a[0] + a[2]) + (a[1] + a[3]) },
    power: _mm256_castpd_si256, _mm256_slli_epi64::<52>, _mm256_add_epi64, _mm256_castsi256_pd,
);

lanes!(
    F64x8(__m512d), f64, 8, __mmask8,
    _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd,
    _mm512_div_pd, _mm512_fmadd_pd, _mm512_fnmadd_pd, _mm512_min_pd, _mm512_max_pd,
    inverse_root: |x| refined::<_, 3>(x, seed512(x)),
    below: |a, b| _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b),
    keep: |a, mask| _mm512_maskz_mov_pd(mask, a),
    sum: |a| { let [low, high] = halves(a); low.plus(high).sum() },
    power: _mm512_castpd_si512, _mm512_slli_epi64::<52>, _mm512_add_epi64, _mm512_castsi512_pd,
);

#[inline(always)]
fn array256(a: F64x4) -> [f64; 4] {
    let mut to = [0.0; 4];
    a.store(&mut to);
    to
}

/// 1/sqrt(x) to 2^-11.4, for x from 2^-126 to 2^127.
#[inline(always)]
fn seed256(x: F64x4) -> F64x4 {
    // SAFETY: who has this register has AVX2.
    let narrow = unsafe { _mm256_cvtpd_ps(x.0) };
    // SAFETY: as above.
    let root = unsafe { _mm_rsqrt_ps(narrow) };
    // SAFETY: as above.
    F64x4(unsafe { _mm256_cvtps_pd(root) })
}

/// 1/sqrt(x) to 2^-14.
#[inline(always)]
fn seed512(x: F64x8) -> F64x8 {
    // SAFETY: who has this register has AVX-512.
    F64x8(unsafe { _mm512_rsqrt14_pd(x.0) })
}

/// Lanes 0 to 3 and 4 to 7.
#[inline(always)]
pub(super) fn halves(a: F64x8) -> [F64x4; 2] {
    // SAFETY: who has this register has AVX-512.
    let low = unsafe { _mm512_castpd512_pd256(a.0) };
    // SAFETY: as above.
    let high = unsafe { _mm512_extractf64x4_pd::<1>(a.0) };
    [F64x4(low), F64x4(high)]
}

/// The inverse of [`halves`]. Only functions of [`F64x8`] call it.
#[inline(always)]
pub(super) fn joined([low, high]: [F64x4; 2]) -> F64x8 {
    // SAFETY: who calls functions of `F64x8` has AVX-512.
    let wide = unsafe { _mm512_castpd256_pd512(low.0) };
    // SAFETY: as above.
    F64x8(unsafe { _mm512_insertf64x4::<1>(wide, high.0) })
}

impl Tile for F64x4 {
    const PART: usize = 2;

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
    fn any(mask: __m256d) -> bool {
        // SAFETY: who calls functions of this register has AVX2.
        unsafe { _mm256_movemask_pd(mask) != 0 }
    }
}

impl Tile for F64x8 {
    const PART: usize = CLUSTER;

    #[inline(always)]
    fn across(of: &Quad<f64>) -> Self {
        let of = F64x4::load(of);
        // SAFETY: who calls functions of this register has AVX-512.
        Self(unsafe { _mm512_broadcast_f64x4(of.0) })
    }

    #[inline(always)]
    fn along(of: &Quad<f64>, first: usize) -> Self {
        joined([F64x4::splat(of[first]), F64x4::splat(of[first + 1])])
    }

    #[inline(always)]
    fn add_across(self, to: &mut Quad<f64>) {
        let [low, high] = halves(self);
        F64x4::load(to).plus(low.plus(high)).store(to);
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
