//! Registers of `f32`: the instruction sets that the kernels are compiled for.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Numbers side by side. Its functions are inlined into callers that have its instruction set.
pub(super) trait Lanes: Copy {
    /// Its numbers in memory.
    type Array: Copy;
    /// How many numbers there are.
    const LEN: usize;
    /// Windows whose gates are summed side by side.
    const ROWS: usize;

    /// Numbers as arrays; those past the last whole one are left out.
    fn arrays(numbers: &[f32]) -> &[Self::Array];
    /// The same, to be written.
    fn arrays_mut(numbers: &mut [f32]) -> &mut [Self::Array];
    /// Loads an array.
    fn load(from: &Self::Array) -> Self;
    /// Stores an array.
    fn store(self, to: &mut Self::Array);
    /// The same number everywhere.
    fn splat(x: f32) -> Self;
    /// This times `by` plus `add`; rounded once where the instruction set can do so.
    fn mul_add(self, by: Self, add: Self) -> Self;
    /// Sum.
    fn plus(self, by: Self) -> Self;
    /// Difference.
    fn minus(self, by: Self) -> Self;
    /// Product.
    fn times(self, by: Self) -> Self;
    /// Quotient.
    fn over(self, by: Self) -> Self;
    /// The nearest number in `-most..=most`; NaN for NaN.
    fn limit(self, most: f32) -> Self;
    /// 2^n, where n is what the low bits hold: a whole number plus 1.5 * 2^23.
    fn power(self) -> Self;
}

/// Numbers of the plain code.
const LEN: usize = 8;

impl Lanes for [f32; LEN] {
    type Array = Self;
    const LEN: usize = LEN;
    const ROWS: usize = 1;

    #[inline(always)]
    fn arrays(numbers: &[f32]) -> &[Self] {
        numbers.as_chunks().0
    }

    #[inline(always)]
    fn arrays_mut(numbers: &mut [f32]) -> &mut [Self] {
        numbers.as_chunks_mut().0
    }

    #[inline(always)]
    fn load(from: &Self) -> Self {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut Self) {
        *to = self;
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; LEN]
    }

    #[inline(always)]
    fn mul_add(self, by: Self, mut add: Self) -> Self {
        for i in 0..LEN {
            add[i] += self[i] * by[i];
        }
        add
    }

    #[inline(always)]
    fn plus(mut self, by: Self) -> Self {
        for i in 0..LEN {
            self[i] += by[i];
        }
        self
    }

    #[inline(always)]
    fn minus(mut self, by: Self) -> Self {
        for i in 0..LEN {
            self[i] -= by[i];
        }
        self
    }

    #[inline(always)]
    fn times(mut self, by: Self) -> Self {
        for i in 0..LEN {
            self[i] *= by[i];
        }
        self
    }

    #[inline(always)]
    fn over(mut self, by: Self) -> Self {
        for i in 0..LEN {
            self[i] /= by[i];
        }
        self
    }

    #[inline(always)]
    fn limit(mut self, most: f32) -> Self {
        for x in &mut self {
            *x = x.clamp(-most, most);
        }
        self
    }

    #[inline(always)]
    fn power(mut self) -> Self {
        for x in &mut self {
            *x = f32::from_bits((x.to_bits() << 23).wrapping_add(1_f32.to_bits()));
        }
        self
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($lanes:ty, $len:literal, $rows:literal, $load:ident, $store:ident, $splat:ident,
     $mul_add:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $min:ident, $max:ident,
     $to_bits:ident, $from_bits:ident, $shift:ident, $add_bits:ident, $splat_bits:ident) => {
        impl Lanes for $lanes {
            type Array = [f32; $len];
            const LEN: usize = $len;
            const ROWS: usize = $rows;

            #[inline(always)]
            fn arrays(numbers: &[f32]) -> &[[f32; $len]] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [f32]) -> &mut [[f32; $len]] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn load(from: &[f32; $len]) -> Self {
                // SAFETY: an array is as many readable numbers; the caller has the instruction set.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, to: &mut [f32; $len]) {
                // SAFETY: an array has room for as many numbers; the rest as above.
                unsafe { $store(to.as_mut_ptr(), self) }
            }

            #[inline(always)]
            fn splat(x: f32) -> Self {
                // SAFETY: the caller of this inlined function has the instruction set.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul_add(self, by, add) }
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
            fn limit(self, most: f32) -> Self {
                // Of NaN and a number, both take the second.
                // SAFETY: as above.
                let low = unsafe { $min(Self::splat(most), self) };
                // SAFETY: as above.
                unsafe { $max(Self::splat(-most), low) }
            }

            #[inline(always)]
            fn power(self) -> Self {
                // SAFETY: as above.
                let bits = unsafe { $to_bits(self) };
                // SAFETY: as above.
                let exponent = unsafe { $shift::<23>(bits) };
                // SAFETY: as above.
                let one = unsafe { $splat_bits(0x3f80_0000) };
                // SAFETY: as above.
                let bits = unsafe { $add_bits(exponent, one) };
                // SAFETY: as above.
                unsafe { $from_bits(bits) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
lanes!(
    __m512,
    16,
    5,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    _mm512_castps_si512,
    _mm512_castsi512_ps,
    _mm512_slli_epi32,
    _mm512_add_epi32,
    _mm512_set1_epi32
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256,
    8,
    3,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    _mm256_castps_si256,
    _mm256_castsi256_ps,
    _mm256_slli_epi32,
    _mm256_add_epi32,
    _mm256_set1_epi32
);
