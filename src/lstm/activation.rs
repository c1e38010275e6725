//! Sigmoid and tanh in f32, from operations that every vector unit has.
//!
//! Both rest on e^x - 1 = 2^n (e^r - 1) + (2^n - 1) with x = n ln 2 + r and |r| <= ln(2) / 2,
//! where e^r - 1 is the Taylor polynomial of degree 7. Unlike e^x it keeps its relative accuracy
//! near 0, where the activations of small networks live.
//!
//! Error, with u = 2^-24 the unit roundoff: the polynomial is cut off after 0.43 u and its Horner
//! scheme loses 2.6 u, both relative; r = x is exact for n = 0 and otherwise within 0.4 u. The
//! worst case is x just above ln(2) / 2, where (2^n - 1) cancels: e^x - 1 is within 7 u, relative.
//! So [`tanh`] = e / (e + 2), e = e^2|x| - 1 >= 0, is within 8 u of tanh, relative. [`sigmoid`] =
//! 1 / (2 + e), e = e^-x - 1, is within 4 u of its value, absolute: where e > 0 the division
//! shrinks the error of e, and where e < 0 that error is at most 1.9 u.
//!
//! Source of the reduction: W. J. Cody, W. Waite, Software Manual for the Elementary Functions
//! (1980), ch. 6.

/// The most by which [`sigmoid`] may be off, absolute: 4 u.
pub const SIGMOID_ERROR: f64 = 4.0 * UNIT_ROUNDOFF;

/// The most by which [`tanh`] may be off, relative: 8 u.
pub const TANH_ERROR: f64 = 8.0 * UNIT_ROUNDOFF;

/// u = 2^-24: rounding to f32 changes a number by at most this, relative.
pub const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// 1 / (1 + e^-x), within [`SIGMOID_ERROR`]; NaN for NaN.
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (2.0 + exp_m1(-x))
}

/// Hyperbolic tangent, within [`TANH_ERROR`]; NaN for NaN.
#[inline]
pub fn tanh(x: f32) -> f32 {
    let e = exp_m1(2.0 * x.abs());
    (e / (e + 2.0)).copysign(x)
}

/// e^x - 1, for x limited to -87..87, where 2^n is a normal number.
#[inline]
fn exp_m1(x: f32) -> f32 {
    /// Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    const SHIFT: f32 = 12_582_912.0;
    /// ln 2 in two parts; nine bits of the first make n times it exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];

    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    // The low bits of `shifted`, moved to the exponent; the high ones fall off.
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1_f32.to_bits()));
    let mut q = 1.0 / 5040.0;
    for k in [720.0, 120.0, 24.0, 6.0, 2.0, 1.0] {
        q = q * r + 1.0 / k;
    }
    scale * (r * q) + (scale - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About a million floats: every exponent that matters, both signs, fractions in odd steps.
    fn samples() -> impl Iterator<Item = f32> {
        let positive = (0x3000_0000_u32..0x42b0_0000).step_by(619).map(f32::from_bits);
        positive.flat_map(|x| [x, -x])
    }

    #[test]
    fn errors_stay_within_the_stated_bounds() {
        let (mut worst_sigmoid, mut worst_tanh) = (0_f64, 0_f64);
        for x in samples() {
            let exact = f64::from(x);
            let s = f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp());
            let t = f64::from(tanh(x)) / exact.tanh() - 1.0;
            worst_sigmoid = worst_sigmoid.max(s.abs());
            worst_tanh = worst_tanh.max(t.abs());
        }
        let far = |worst: f64, bound: f64| worst > bound || worst < bound / 8.0;
        assert!(!far(worst_sigmoid, SIGMOID_ERROR), "sigmoid is off by {worst_sigmoid:e}");
        assert!(!far(worst_tanh, TANH_ERROR), "tanh is off by {worst_tanh:e}");
    }

    #[test]
    fn ends_and_zeros_are_exact() {
        assert_eq!(
            [sigmoid(0.0), sigmoid(90.0), sigmoid(f32::INFINITY)],
            [0.5, 1.0, 1.0],
            "sigmoid"
        );
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37, "sigmoid of minus infinity");
        assert_eq!([tanh(20.0), tanh(-20.0), tanh(f32::INFINITY)], [1.0, -1.0, 1.0], "tanh");
        assert_eq!(tanh(-0.0).to_bits(), (-0.0_f32).to_bits(), "tanh is odd at zero");
        assert!(sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan(), "NaN stays");
    }
}
