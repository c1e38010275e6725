//! erfc(x) by one exponential and a polynomial, and its reference.
//!
//! (1 + 2x) exp(x^2) erfc(x) is smooth between 1 and 1.24 for all x >= 0. As a function of
//! t = (x - K)/(x + K), K = 15/4, it is here the first 24 terms of its Chebyshev series on
//! [-1, 1], written as a polynomial; the terms left out add up to 6e-17.
//!
//! Bound, for 0 <= x <= 26, relative, to first order in eps: with the coefficients `a[k]` of the
//! polynomial, Horner's rule is off by sum (2k + 1) |`a[k]`| eps/2 < 3 eps; t by 1.5 eps times the
//! slope, sum k |`a[k]`| < 2; exp by eps, and by eps/2 x^2 for its rounded argument; product,
//! quotient and 1 + 2x by 2 eps. Together less than (11 + x^2/2) eps.
//!
//! Source: M. M. Shepherd, J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x
//! in 0 <= x < infinity", Math. Comp. 36 (1981) 249-253; the coefficients were computed anew with
//! 50 digits.

use std::f64::consts::FRAC_2_SQRT_PI;

/// erfc(x) and exp(-x^2) for x from 0 to 26.
#[inline]
pub(super) fn erfc(x: f64) -> (f64, f64) {
    const K: f64 = 3.75;
    let t = (x - K) / (x + K);
    let p = COEFFICIENTS.iter().rev().fold(0.0, |p, c| p * t + c);
    let gauss = (-x * x).exp();
    (gauss * p / (1.0 + 2.0 * x), gauss)
}

/// The definition, 1 - 2/sqrt(pi) times the integral of exp(-s^2) from 0 to x, for x >= 0.
///
/// Below 1 the integral is the series exp(-x^2) (x + 2/3 x^3 + 4/15 x^5 + ..), all of whose terms
/// are positive: off by less than 8 eps. Above, erfc(x) is exp(-x^2)/sqrt(pi) over the continued fraction
/// x + (1/2)/(x + 1/(x + (3/2)/(x + 2/(x + ..)))), evaluated from its 200th term up: off by
/// (4 + x^2) eps of erfc(x).
pub(super) fn erfc_reference(x: f64) -> f64 {
    let gauss = (-x * x).exp();
    if x < 1.0 {
        let (mut sum, mut term, mut n) = (0.0, x, 1.0);
        while term > 1e-18 * sum {
            sum += term;
            n += 2.0;
            term *= 2.0 * x * x / n;
        }
        1.0 - FRAC_2_SQRT_PI * gauss * sum
    } else {
        let fraction = (1..=200).rev().fold(x, |below, k| x + 0.5 * f64::from(k) / below);
        0.5 * FRAC_2_SQRT_PI * gauss / fraction
    }
}

/// Of 1, t, t^2 and so on.
const COEFFICIENTS: [f64; 24] = [
    1.237_512_630_837_827_5,
    -1.402_405_985_855_469_7e-1,
    3.585_415_485_479_025_7e-3,
    8.227_673_849_014_52e-2,
    -1.088_039_301_424_446_2e-1,
    9.230_432_116_037_748e-2,
    -5.869_339_857_664_934e-2,
    2.836_227_741_895_640_6e-2,
    -9.746_579_683_265_262e-3,
    1.755_625_852_895_295_4e-3,
    2.937_143_780_449_58e-4,
    -2.901_540_805_408_417e-4,
    5.164_652_974_177_416e-5,
    2.238_423_915_508_223e-5,
    -1.143_804_803_334_689_4e-5,
    -9.735_598_967_367_75e-7,
    1.741_982_158_622_481_6e-6,
    -5.721_823_060_322_408_6e-8,
    -2.485_712_624_801_674_5e-7,
    2.326_350_870_885_912_4e-8,
    3.197_926_671_666_804e-8,
    -3.744_210_080_962_018e-9,
    -2.623_107_347_133_476e-9,
    3.111_433_380_979_925_4e-10,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits of A. Stegun, "Handbook of Mathematical Functions" (1964), table 7.1 and beyond.
    #[test]
    fn the_reference_has_its_known_values() {
        for (x, want) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (0.999_999, 0.157_299_622_158_197_66),
            (2.0, 4.677_734_981_047_266e-3),
            (5.0, 1.537_459_794_428_034_8e-12),
        ] {
            let off = (erfc_reference(x) - want).abs();
            assert!(off <= reference_bound(x, want), "erfc({x}) is off by {off:e}");
        }
    }

    fn reference_bound(x: f64, want: f64) -> f64 {
        f64::EPSILON * if x < 1.0 { 8.0 } else { (4.0 + x * x) * want }
    }

    #[test]
    fn it_is_within_its_bound_of_the_reference() {
        for k in 0..=26_000 {
            let x = f64::from(k) * 1e-3;
            let ((got, gauss), want) = (erfc(x), erfc_reference(x));
            let bound = f64::EPSILON * (11.0 + 0.5 * x * x) * want + reference_bound(x, want);
            assert!((got - want).abs() <= bound, "erfc({x}) = {got:e}, expected {want:e}");
            let want = (-x * x).exp();
            assert!((gauss - want).abs() <= 3.0 * f64::EPSILON * want, "exp(-{x}^2)");
        }
        assert!(erfc(f64::NAN).0.is_nan(), "NaN is not hidden");
    }
}
