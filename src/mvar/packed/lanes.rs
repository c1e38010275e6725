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
    /// Registers of outputs that are summed side by side: of one or two windows, and of four.
    const MOST: [usize; 2];

    /// Numbers as arrays; those past the last whole one are left out.
    fn arrays(numbers: &[Self::Real]) -> &[Self::Array];
    /// Loads an array.
    fn load(from: &Self::Array) -> Self;
    /// The same, to be written.
    fn arrays_mut(numbers: &mut [Self::Real]) -> &mut [Self::Array];
    /// Stores an array.
    fn store(self, to: &mut Self::Array);
    /// Stores the numbers at the start of `to`, as many as it has room for.
    fn store_part(self, to: &mut [Self::Real]);
    /// The same number everywhere.
    fn splat(x: Self::Real) -> Self;
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
            const MOST: [usize; 2] = [2, 1];

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

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($lanes:ty, $half:ty, $real:ty, $len:literal, $most:expr,
     $load:ident, $store:ident, $splat:ident, $mul_add:ident) => {
        impl Lanes for $lanes {
            type Real = $real;
            type Array = [$real; $len];
            type Half = $half;
            const LEN: usize = $len;
            const MOST: [usize; 2] = $most;

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
    [4, 4],
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256d,
    Self,
    f64,
    4,
    [4, 2],
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m512,
    __m256,
    f32,
    16,
    [4, 4],
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256,
    Self,
    f32,
    8,
    [4, 2],
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps
);
