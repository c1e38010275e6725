//! exp(x) in multiplications and additions only, so that a loop of them becomes vector code.
//!
//! exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln(2)/2, where ln 2 is split in two so
//! that r is exact to eps/2, and exp(r) is its Taylor polynomial of degree 13, short by less than
//! 5e-18. Relative error under 2 eps for -700 <= x <= 700; arguments beyond are moved to the ends.
//!
//! Source: W. J. Cody, W. Waite, "Software Manual for the Elementary Functions" (1980), ch. 6.

/// Adding it rounds to an integer, which then stands in the low bits.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// The first 32 bits of ln 2.
pub(super) const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;

/// The rest of ln 2.
pub(super) const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// exp(x) for x from -700 to 700; the nearer end outside. NaN stays NaN.
#[inline]
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let taylor = INVERSE_FACTORIALS.iter().rev().fold(0.0, |p, c| p * r + c);
    let power = (rounded.to_bits() << 52).wrapping_add(1.0_f64.to_bits());
    taylor * f64::from_bits(power)
}

/// 1/k! from k = 0 on.
pub(super) const INVERSE_FACTORIALS: [f64; 14] = {
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

    #[test]
    fn it_is_within_two_eps_of_the_library() {
        // The library's own error is under eps.
        for i in -700_000..=700_000 {
            let x = f64::from(i) * 1e-3;
            let (got, want) = (exp(x), x.exp());
            assert!((got - want).abs() <= 3.0 * f64::EPSILON * want, "exp({x}) = {got}");
        }
    }

    #[test]
    fn the_ends_hold_the_rest() {
        assert_eq!(exp(0.0), 1.0, "exactly");
        assert!(exp(f64::NAN).is_nan(), "NaN is not hidden");
        for (x, end) in [(-1e9, -700.0), (f64::NEG_INFINITY, -700.0), (1e9, 700.0)] {
            assert_eq!(exp(x), exp(end), "{x}");
        }
    }
}
