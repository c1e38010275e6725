//! Registers of floats: the instruction sets that the kernels are compiled for.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::fmt::Debug;

/// A float that kernels compute with, and the registers that hold it.
pub trait Real: Copy + Default + Debug + PartialEq + Into<f64> + 'static {
    /// Distance from 1 to the next number.
    const EPSILON: f64;
    /// Plain code.
    type Portable: Lanes<Real = Self>;
    /// A register of AVX2.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<Real = Self>;
    /// A register of AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Lanes<Real = Self>;

    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;
}

/// Numbers side by side. Its functions are inlined into callers that have its instruction set.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Lanes: Copy {
    /// A number.
    type Real: Real;
    /// Its numbers in memory.
    type Array: Copy;
    /// A register for the last outputs, where they are few; else this one again.
    type Half: Lanes<Real = Self::Real>;
    /// How many numbers there are.
    const LEN: usize;
    /// How many registers of outputs are summed side by side, at most; a half one beside them is free.
    const PANELS: usize;
    /// How many registers hold sums, at most.
    const SUMS: usize;
    /// For how many windows at a time, by the number of such registers.
    const WINDOWS: [usize; 6];

    /// Numbers as arrays; those past the last whole one are left out.
    fn arrays(numbers: &[Self::Real]) -> &[Self::Array];
    /// Loads an array.
    fn load(from: &Self::Array) -> Self;
    /// As [`Lanes::arrays`], to be written.
    fn arrays_mut(numbers: &mut [Self::Real]) -> &mut [Self::Array];
    /// Stores an array.
    fn store(self, to: &mut Self::Array);
    /// Stores the numbers at the start of `to`, as many as it has room for.
    fn store_part(self, to: &mut [Self::Real]);
    /// The same number everywhere.
    fn splat(x: Self::Real) -> Self;
    /// The first numbers.
    fn half(self) -> Self::Half;
    /// Number `k` everywhere.
    fn pick(self, k: usize) -> Self;
    /// This times `by` plus `add`; rounded once where the instruction set can do so.
    fn mul_add(self, by: Self, add: Self) -> Self;
}

/// Copies as many numbers as `to` has room for.
#[inline(never)]
fn store_part<R: Copy>(from: &[R], to: &mut [R]) {
    let len = from.len().min(to.len());
    to[..len].copy_from_slice(&from[..len]);
}

macro_rules! real {
    ($real:ty, $epsilon:expr, $len:literal, $avx2:ty, $avx512:ty, |$x:ident| $from:expr) => {
        impl Real for $real {
            const EPSILON: f64 = $epsilon;
            type Portable = [$real; $len];
            #[cfg(target_arch = "x86_64")]
            type Avx2 = $avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = $avx512;

            fn from_f64($x: f64) -> Self {
                $from
            }
        }

        impl Lanes for [$real; $len] {
            type Real = $real;
            type Array = Self;
            type Half = Self;
            const LEN: usize = $len;
            const PANELS: usize = 2;
            const SUMS: usize = 6;
            const WINDOWS: [usize; 6] = [4, 4, 2, 2, 2, 2];

            #[inline(always)]
            fn arrays(numbers: &[$real]) -> &[Self] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn load(from: &Self) -> Self {
                *from
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [$real]) -> &mut [Self] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn store(self, to: &mut Self) {
                *to = self;
            }

            #[inline(always)]
            fn store_part(self, to: &mut [$real]) {
                store_part(&self, to);
            }

            #[inline(always)]
            fn splat(x: $real) -> Self {
                [x; $len]
            }

            #[inline(always)]
            fn half(self) -> Self {
                self
            }

            #[inline(always)]
            fn pick(self, k: usize) -> Self {
                [self[k]; $len]
            }

            #[inline(always)]
            fn mul_add(self, by: Self, mut add: Self) -> Self {
                for i in 0..$len {
                    add[i] += self[i] * by[i];
                }
                add
            }
        }
    };
}
real!(f64, f64::EPSILON, 4, __m256d, __m512d, |x| x);
#[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
const fn narrow(x: f64) -> f32 {
    x as f32
}
real!(f32, f32::EPSILON as f64, 8, __m256, __m512, |x| narrow(x));

/// What takes an instruction or two: a number everywhere, the first half.
#[cfg(target_arch = "x86_64")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a register is short"
)]
mod registers {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn pick_avx512_f64(k: usize, x: __m512d) -> __m512d {
        _mm512_permutexvar_pd(_mm512_set1_epi64(k as i64), x)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) fn pick_avx512_f32(k: usize, x: __m512) -> __m512 {
        _mm512_permutexvar_ps(_mm512_set1_epi32(k as i32), x)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn pick_avx2_f64(k: usize, x: __m256d) -> __m256d {
        // Each number is two of 32 bits.
        let pair = ((2 * k as i64 + 1) << 32) | (2 * k as i64);
        _mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(x), _mm256_set1_epi64x(pair)))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn pick_avx2_f32(k: usize, x: __m256) -> __m256 {
        _mm256_permutevar8x32_ps(x, _mm256_set1_epi32(k as i32))
    }

    /// The half of what has none.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn all<V>(x: V) -> V {
        x
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($lanes:ty, $half:ty, $real:ty, $len:literal, $panels:literal, $sums:literal, $windows:expr,
     $load:ident, $store:ident, $splat:ident, $half_of:path, $pick:path, $mul_add:ident) => {
        impl Lanes for $lanes {
            type Real = $real;
            type Array = [$real; $len];
            type Half = $half;
            const LEN: usize = $len;
            const PANELS: usize = $panels;
            const SUMS: usize = $sums;
            const WINDOWS: [usize; 6] = $windows;

            #[inline(always)]
            fn arrays(numbers: &[$real]) -> &[[$real; $len]] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn load(from: &[$real; $len]) -> Self {
                // SAFETY: an array is as many readable numbers; the caller of this inlined function
                // has the instruction set.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [$real]) -> &mut [[$real; $len]] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn store(self, to: &mut [$real; $len]) {
                // SAFETY: an array has room for as many numbers; the rest as above.
                unsafe { $store(to.as_mut_ptr(), self) }
            }

            #[inline(always)]
            fn store_part(self, to: &mut [$real]) {
                if let Some(to) = to.first_chunk_mut() {
                    return self.store(to);
                }
                let mut all = [0.0; $len];
                self.store(&mut all);
                store_part(&all, to);
            }

            #[inline(always)]
            fn splat(x: $real) -> Self {
                // SAFETY: the caller of this inlined function has the instruction set.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            fn half(self) -> $half {
                // SAFETY: as above.
                unsafe { $half_of(self) }
            }

            #[inline(always)]
            fn pick(self, k: usize) -> Self {
                // SAFETY: as above; a number past the last is one of the first.
                unsafe { $pick(k, self) }
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul_add(self, by, add) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
lanes!(
    __m512d,
    __m256d,
    f64,
    8,
    4,
    20,
    [6, 6, 6, 4, 4, 4],
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_castpd512_pd256,
    registers::pick_avx512_f64,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256d,
    Self,
    f64,
    4,
    5,
    15,
    [6, 6, 4, 3, 2, 2],
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    registers::all,
    registers::pick_avx2_f64,
    _mm256_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m512,
    __m256,
    f32,
    16,
    4,
    20,
    [6, 6, 6, 4, 4, 4],
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_castps512_ps256,
    registers::pick_avx512_f32,
    _mm512_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256,
    Self,
    f32,
    8,
    5,
    15,
    [6, 6, 4, 3, 2, 2],
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    registers::all,
    registers::pick_avx2_f32,
    _mm256_fmadd_ps
);
