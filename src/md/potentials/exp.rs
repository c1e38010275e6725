//! exp(x) of registers, in multiplications and additions only.
//!
//! exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln(2)/2, where ln 2 is split in two so that r
//! is exact to eps/2. In `f64` exp(r) is its Taylor polynomial of degree 13, short by less than 5e-18;
//! in `f32` that of degree 7, short by less than 6e-9. The polynomial is two interleaved chains, of odd
//! and of even powers. Relative error under 2 eps for -700 <= x <= 0, or -80 in `f32`; arguments below
//! are moved there, where the result is as good as zero.
//!
//! Source: W. J. Cody, W. Waite, "Software Manual for the Elementary Functions" (1980), ch. 6.

use super::is_narrow;
use crate::md::lanes::Lanes;

/// What differs between the numbers.
struct Form {
    /// Adding it rounds to an integer, which then stands in the low bits.
    round: f64,
    /// Both parts of ln 2, the first of which has few bits.
    ln2: [f64; 2],
    /// Half the degree of the polynomial, which is odd, rounded down.
    half: usize,
    least: f64,
}

/// In `f64`: 1.5 * 2^52, and 32 bits of ln 2.
const WIDE: Form = Form {
    round: 6_755_399_441_055_744.0,
    ln2: [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10],
    half: 6,
    least: -700.0,
};

/// In `f32`: 1.5 * 2^23, and nine bits of ln 2.
const NARROW: Form = Form {
    round: 12_582_912.0,
    ln2: [0.693_359_375, std::f64::consts::LN_2 - 0.693_359_375],
    half: 3,
    least: -80.0,
};

/// exp(x) for x <= 0.
#[inline(always)]
pub(super) fn exp<V: Lanes>(x: V) -> V {
    let by = if is_narrow::<V>() { NARROW } else { WIDE };
    let x = x.max(V::splat(by.least));
    let rounded = x.mul_add(V::splat(std::f64::consts::LOG2_E), V::splat(by.round));
    let n = rounded.minus(V::splat(by.round));
    let r = n.mul_sub_from(V::splat(by.ln2[1]), n.mul_sub_from(V::splat(by.ln2[0]), x));
    let r2 = r.times(r);
    let mut odd = V::splat(INVERSE_FACTORIALS[2 * by.half + 1]);
    let mut even = V::splat(INVERSE_FACTORIALS[2 * by.half]);
    for k in (0..by.half).rev() {
        odd = odd.mul_add(r2, V::splat(INVERSE_FACTORIALS[2 * k + 1]));
        even = even.mul_add(r2, V::splat(INVERSE_FACTORIALS[2 * k]));
    }
    odd.mul_add(r, even).times(rounded.power())
}

/// 1/k! from k = 0 on.
const INVERSE_FACTORIALS: [f64; 14] = {
    let mut c = [1.0; 14];
    let (mut k, mut factorial) = (1, 1.0);
    while k < c.len() {
        factorial *= k as f64;
        c[k] = 1.0 / factorial;
        k += 1;
    }
    c
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::isa::Isa;
    use crate::md::lanes::{Kernel, Real, Tile};

    /// Compares with the library, whose own error is under eps, down to the least number.
    struct Compare(f64);

    impl<R: Real> Kernel<R> for Compare {
        #[inline(always)]
        fn run<V: Tile<Real = R>>(self) {
            for i in 0..=200_000 {
                let x: f64 = R::from_f64(self.0 * f64::from(i) / 200_000.0).into();
                let (got, want) = (exp(V::splat(x)).sum() / V::LEN as f64, x.exp());
                assert!((got - want).abs() <= 3.0 * R::EPSILON * want, "exp({x}) = {got:e}");
            }
            assert_eq!(exp(V::splat(0.0)).sum(), V::LEN as f64, "exactly");
            for x in [-1e9, f64::NEG_INFINITY] {
                let [got, least] = [x, self.0].map(|x| exp(V::splat(x)).sum());
                assert_eq!(got, least, "{x}");
            }
        }
    }

    #[test]
    fn it_is_within_two_eps_of_the_library() {
        for isa in Isa::available() {
            f64::on(isa, Compare(-700.0));
            f32::on(isa, Compare(-80.0));
        }
    }
}
