//! Gates to states: sigmoid and tanh in f32, from operations that every vector unit has.
//!
//! Weights and biases are scaled when they are packed, so that a gate is the exponent of 2: by
//! -log2(e) for i, f and o, by 2 log2(e) for g. With 2^z = 2^n 2^r, n the nearest whole number to z
//! and |r| <= 1/2, and the polynomial q(r) of degree 5 near (2^r - 1) / r:
//!
//! ```text
//! A = 1 + e^-i = 2^n (1 + r q) + 1         sigmoid(i) = 1 / A; B for f and O for o likewise
//! M = e^2g - 1 = 2^n r q + (2^n - 1)       tanh(g) = M / (M + 2)
//! c' = c / B + M / (A (M + 2)) = (c A (M + 2) + M B) / (A (M + 2) B)
//! h' = M' / ((M' + 2) O)                   with M' of c'
//! ```
//!
//! Two divisions thus do for five functions. Exponents are limited to -42..42, beyond which both
//! functions are at their ends to 2^-40; the largest product is then below 2^127.
//!
//! Error, with u = 2^-24 the unit roundoff: q is off by 0.3 u, its Horner scheme loses at most 2 u, r is
//! exact, all relative. So 1 + r q is within 2 u and A within 3 u (the part that A inherits shrinks by
//! 1 - sigmoid): 1 / A is within 4 u of sigmoid, absolute. M inherits |2^n r q / M| <= 1.42 of what r q
//! has, 3 u, and rounds; M / (M + 2) passes 2 / (M + 2) of that on. That factor exceeds 1 only for
//! M < 0, where the first one is at most 1: M / (M + 2) is within 8 u of tanh, relative.
//!
//! Source of the reduction: W. J. Cody, W. Waite, Software Manual for the Elementary Functions
//! (1980), ch. 6. The polynomial is the best of its degree on the interval, rounded to f32.

use super::lanes::Lanes;

/// The most by which a sigmoid may be off, absolute: 4 u.
pub const SIGMOID_ERROR: f64 = 4.0 * UNIT_ROUNDOFF;

/// The most by which a tanh may be off, relative: 8 u.
pub const TANH_ERROR: f64 = 8.0 * UNIT_ROUNDOFF;

/// u = 2^-24: rounding to f32 changes a number by at most this, relative.
pub const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// Factors of the gates i, f, g and o.
pub const GATE_SCALE: [f64; 4] = [-LOG2_E, -LOG2_E, 2.0 * LOG2_E, -LOG2_E];

const LOG2_E: f64 = std::f64::consts::LOG2_E;

/// The polynomial q, the constant first.
const Q: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_49,
    0.055_503_674,
    0.009_618_311,
    0.001_338_737_7,
    0.000_153_822_32,
];

/// 2^n and r q of z, see above.
#[inline(always)]
fn split<V: Lanes>(z: V) -> (V, V) {
    /// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
    const SHIFT: f32 = 12_582_912.0;

    let z = z.limit(42.0);
    let shifted = z.plus(V::splat(SHIFT));
    let r = z.minus(shifted.minus(V::splat(SHIFT)));
    let mut q = V::splat(Q[5]);
    for k in (0..5).rev() {
        q = q.mul_add(r, V::splat(Q[k]));
    }
    (shifted.power(), q.times(r))
}

/// 2^z + 1.
#[inline(always)]
pub(super) fn power_plus_one<V: Lanes>(z: V) -> V {
    let (scale, rq) = split(z);
    scale.mul_add(rq.plus(V::splat(1.0)), V::splat(1.0))
}

/// 2^z - 1.
#[inline(always)]
pub(super) fn power_less_one<V: Lanes>(z: V) -> V {
    let (scale, rq) = split(z);
    scale.mul_add(rq, scale.minus(V::splat(1.0)))
}

/// The next cell and hidden state from the scaled gates i, f, g, o and the cell state.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
pub(super) fn activate<V: Lanes>(gates: [V; 4], c: V) -> (V, V) {
    let two = V::splat(2.0);
    // Called by name: what is passed as a function is not inlined into the instruction set.
    let (a, b) = (power_plus_one(gates[0]), power_plus_one(gates[1]));
    let o = power_plus_one(gates[3]);
    let m = power_less_one(gates[2]);
    let ag = a.times(m.plus(two));
    let c = c.mul_add(ag, m.times(b)).over(ag.times(b));
    let m = power_less_one(c.times(V::splat(GATE_SCALE[2] as f32)));
    (c, m.over(m.plus(two).times(o)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About a million floats: every exponent that matters, both signs, fractions in odd steps.
    fn samples() -> impl Iterator<Item = f32> {
        let positive = (0x3000_0000_u32..0x42b0_0000).step_by(619).map(f32::from_bits);
        positive.flat_map(|x| [x, -x])
    }

    fn sigmoid(z: f32) -> f32 {
        1.0 / power_plus_one([z; 8])[0]
    }

    fn tanh(z: f32) -> f32 {
        let m = power_less_one([z; 8])[0];
        m / (m + 2.0)
    }

    #[test]
    fn the_polynomial_is_off_by_no_more_than_stated() {
        for k in (-50_000..=50_000).filter(|k| *k != 0) {
            let r = f64::from(k) / 1e5;
            let q = Q.iter().rev().fold(0.0, |q, c| q * r + f64::from(*c));
            let exact = (r * std::f64::consts::LN_2).exp_m1() / r;
            assert!((q / exact - 1.0).abs() < 0.3 * UNIT_ROUNDOFF, "at {r}");
        }
    }

    #[test]
    fn errors_stay_within_the_stated_bounds() {
        let (mut worst_sigmoid, mut worst_tanh) = (0_f64, 0_f64);
        for z in samples() {
            let exact = f64::from(z);
            let s = f64::from(sigmoid(z)) - 1.0 / (1.0 + exact.exp2());
            let t = f64::from(tanh(z)) / (exact / GATE_SCALE[2]).tanh() - 1.0;
            worst_sigmoid = worst_sigmoid.max(s.abs());
            worst_tanh = worst_tanh.max(t.abs());
        }
        let far = |worst: f64, bound: f64| worst > bound || worst < bound / 8.0;
        assert!(!far(worst_sigmoid, SIGMOID_ERROR), "sigmoid is off by {worst_sigmoid:e}");
        assert!(!far(worst_tanh, TANH_ERROR), "tanh is off by {worst_tanh:e}");
    }

    #[test]
    fn ends_and_zeros_are_exact() {
        let inf = f32::INFINITY;
        assert_eq!([sigmoid(0.0), sigmoid(-90.0), sigmoid(-inf)], [0.5, 1.0, 1.0], "sigmoid");
        assert!(sigmoid(inf) < 1e-12, "sigmoid of minus infinity");
        assert_eq!([tanh(60.0), tanh(-60.0), tanh(inf), tanh(0.0)], [1.0, -1.0, 1.0, 0.0], "tanh");
        assert!(sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan(), "NaN stays");
    }

    #[test]
    fn states_are_those_of_their_definition() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for k in 0..4000_u32 {
            let part = |m: u32| f64::from(k * m % 401) / 20.0 - 10.0;
            let [i, f, g, o, c] = [7, 11, 13, 17, 19].map(part);
            let mut gates = [[0.0; 8]; 4];
            for (to, (gate, scale)) in gates.iter_mut().zip([i, f, g, o].iter().zip(GATE_SCALE)) {
                #[expect(clippy::cast_possible_truncation, reason = "the kernel's numbers")]
                to.fill((gate * scale) as f32);
            }
            #[expect(clippy::cast_possible_truncation, reason = "the kernel's numbers")]
            let (next_c, h) = activate(gates, [c as f32; 8]);
            let want = sigmoid(f) * c + sigmoid(i) * g.tanh();
            assert!((f64::from(next_c[0]) - want).abs() < 1e-5, "c at {i} {f} {g} {o} {c}");
            let want = sigmoid(o) * want.tanh();
            assert!((f64::from(h[0]) - want).abs() < 2e-6, "h at {i} {f} {g} {o} {c}");
        }
    }
}
