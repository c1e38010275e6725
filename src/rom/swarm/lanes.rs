//! Eight `f64` side by side: in one register, in two, or in plain code. No operation is fused with
//! another, so that all three leave the same bits.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// How many numbers there are.
pub(in crate::rom) const LANES: usize = 8;

/// Numbers side by side. Its functions are inlined into callers that have its instruction set.
pub(in crate::rom) trait Lanes: Copy {
    /// A choice of lanes.
    type Mask: Copy;

    /// Loads numbers.
    fn load(from: &[f64; LANES]) -> Self;
    /// Stores them.
    fn store(self, to: &mut [f64; LANES]);
    /// The same number everywhere.
    fn splat(x: f64) -> Self;
    /// Sum.
    fn plus(self, by: Self) -> Self;
    /// Difference.
    fn minus(self, by: Self) -> Self;
    /// Product.
    fn times(self, by: Self) -> Self;
    /// Quotient.
    fn over(self, by: Self) -> Self;
    /// Root.
    fn root(self) -> Self;
    /// The larger one; `least` for NaN.
    fn at_least(self, least: Self) -> Self;
    /// The lanes where this is less than `than`.
    fn less(self, than: Self) -> Self::Mask;
    /// The lanes where this is `most` or less.
    fn within(self, most: Self) -> Self::Mask;
    /// Zero in the lanes that are not chosen.
    fn only(self, mask: Self::Mask) -> Self;
    /// Whether a lane is chosen.
    fn any(mask: Self::Mask) -> bool;
    /// 2^n, where n is what the low bits hold: a whole number plus 1.5 * 2^52.
    fn power(self) -> Self;

    /// The sum of all lanes, by halves.
    #[inline(always)]
    fn sum(self) -> f64 {
        let mut x = [0.0; LANES];
        self.store(&mut x);
        let [a, b, c, d] = [x[0] + x[4], x[1] + x[5], x[2] + x[6], x[3] + x[7]];
        (a + c) + (b + d)
    }
}

macro_rules! lanewise {
    ($($name:ident($x:ident $(, $by:ident)?) $result:expr;)*) => {
        $(#[inline(always)]
        fn $name(mut self $(, $by: Self)?) -> Self {
            for k in 0..LANES {
                let $x = self[k];
                $(let $by = $by[k];)?
                self[k] = $result;
            }
            self
        })*
    };
}

impl Lanes for [f64; LANES] {
    type Mask = [bool; LANES];

    #[inline(always)]
    fn load(from: &Self) -> Self {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut Self) {
        *to = self;
    }

    #[inline(always)]
    fn splat(x: f64) -> Self {
        [x; LANES]
    }

    lanewise! {
        plus(x, by) x + by;
        minus(x, by) x - by;
        times(x, by) x * by;
        over(x, by) x / by;
        root(x) x.sqrt();
        at_least(x, least) if x > least { x } else { least };
        power(x) f64::from_bits((x.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    }

    #[inline(always)]
    fn less(self, than: Self) -> Self::Mask {
        let mut mask = [false; LANES];
        for k in 0..LANES {
            mask[k] = self[k] < than[k];
        }
        mask
    }

    #[inline(always)]
    fn within(self, most: Self) -> Self::Mask {
        let mut mask = [false; LANES];
        for k in 0..LANES {
            mask[k] = self[k] <= most[k];
        }
        mask
    }

    #[inline(always)]
    fn only(mut self, mask: Self::Mask) -> Self {
        for k in 0..LANES {
            self[k] = if mask[k] { self[k] } else { 0.0 };
        }
        self
    }

    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        mask.contains(&true)
    }
}

/// Eight numbers in the registers of an instruction set. `$binary` are operations of two registers;
/// comparisons and choices are expressions, for their types differ.
#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($register:ty, $count:literal, $mask:ty: $none:expr, $load:ident, $store:ident, $splat:ident, $root:ident,
     { $($name:ident: $binary:ident,)* },
     less: |$a:ident, $b:ident| $less:expr,
     within: |$c:ident, $d:ident| $within:expr,
     only: |$x:ident, $m:ident| $only:expr,
     any: |$n:ident| $any:expr,
     power: $to_bits:ident $shift:ident $add:ident $one:ident $from_bits:ident,) => {
        impl Lanes for [$register; $count] {
            type Mask = [$mask; $count];

            #[inline(always)]
            fn load(from: &[f64; LANES]) -> Self {
                let mut all = Self::splat(0.0);
                for k in 0..$count {
                    let from = &from[k * (LANES / $count)..][..LANES / $count];
                    // SAFETY: a part is as many readable numbers; the caller of this inlined
                    // function has the instruction set.
                    all[k] = unsafe { $load(from.as_ptr()) };
                }
                all
            }

            #[inline(always)]
            fn store(self, to: &mut [f64; LANES]) {
                for k in 0..$count {
                    let to = &mut to[k * (LANES / $count)..][..LANES / $count];
                    // SAFETY: a part has room for as many numbers; the rest as above.
                    unsafe { $store(to.as_mut_ptr(), self[k]) };
                }
            }

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: the caller of this inlined function has the instruction set.
                [unsafe { $splat(x) }; $count]
            }

            $(#[inline(always)]
            fn $name(mut self, by: Self) -> Self {
                for k in 0..$count {
                    // SAFETY: as above.
                    self[k] = unsafe { $binary(self[k], by[k]) };
                }
                self
            })*

            #[inline(always)]
            fn root(mut self) -> Self {
                for k in 0..$count {
                    // SAFETY: as above.
                    self[k] = unsafe { $root(self[k]) };
                }
                self
            }

            #[inline(always)]
            fn less(self, than: Self) -> Self::Mask {
                let mut mask = [$none; $count];
                for k in 0..$count {
                    let ($a, $b) = (self[k], than[k]);
                    // SAFETY: as above.
                    mask[k] = unsafe { $less };
                }
                mask
            }

            #[inline(always)]
            fn within(self, most: Self) -> Self::Mask {
                let mut mask = [$none; $count];
                for k in 0..$count {
                    let ($c, $d) = (self[k], most[k]);
                    // SAFETY: as above.
                    mask[k] = unsafe { $within };
                }
                mask
            }

            #[inline(always)]
            fn only(mut self, mask: Self::Mask) -> Self {
                for k in 0..$count {
                    let ($x, $m) = (self[k], mask[k]);
                    // SAFETY: as above.
                    self[k] = unsafe { $only };
                }
                self
            }

            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                let mut any = false;
                for k in 0..$count {
                    let $n = mask[k];
                    any |= $any;
                }
                any
            }

            #[inline(always)]
            fn power(mut self) -> Self {
                // SAFETY: as above.
                let one = unsafe { $one(0x3ff0_0000_0000_0000) };
                for k in 0..$count {
                    // SAFETY: as above.
                    let bits = unsafe { $to_bits(self[k]) };
                    // SAFETY: as above.
                    let exponent = unsafe { $shift::<52>(bits) };
                    // SAFETY: as above.
                    let bits = unsafe { $add(exponent, one) };
                    // SAFETY: as above.
                    self[k] = unsafe { $from_bits(bits) };
                }
                self
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(
    __m512d, 1, __mmask8: 0, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_sqrt_pd,
    {
        plus: _mm512_add_pd,
        minus: _mm512_sub_pd,
        times: _mm512_mul_pd,
        over: _mm512_div_pd,
        at_least: _mm512_max_pd,
    },
    less: |a, b| _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b),
    within: |a, b| _mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b),
    only: |x, mask| _mm512_maskz_mov_pd(mask, x),
    any: |mask| mask != 0,
    power: _mm512_castpd_si512 _mm512_slli_epi64 _mm512_add_epi64 _mm512_set1_epi64 _mm512_castsi512_pd,
);
#[cfg(target_arch = "x86_64")]
lanes!(
    __m256d, 2, __m256d: Self::splat(0.0)[0], _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_sqrt_pd,
    {
        plus: _mm256_add_pd,
        minus: _mm256_sub_pd,
        times: _mm256_mul_pd,
        over: _mm256_div_pd,
        at_least: _mm256_max_pd,
    },
    less: |a, b| _mm256_cmp_pd::<_CMP_LT_OQ>(a, b),
    within: |a, b| _mm256_cmp_pd::<_CMP_LE_OQ>(a, b),
    only: |x, mask| _mm256_and_pd(mask, x),
    any: |mask| is_any(mask),
    power: _mm256_castpd_si256 _mm256_slli_epi64 _mm256_add_epi64 _mm256_set1_epi64x _mm256_castsi256_pd,
);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn is_any(mask: __m256d) -> bool {
    // SAFETY: the caller of this inlined function has the instruction set.
    unsafe { _mm256_movemask_pd(mask) != 0 }
}
