//! The codec on blocks of vectors, a lane for each: what the compiler turns into SIMD code.
//!
//! Level 0 takes the components z of x / beta in f32, with every operation exact:
//!
//! ```text
//! f = round(z)   e = z - f, put on the grid 2^-22 Z by (e + 3) - 3   then as N with r = e, H = 1
//! ```
//!
//! That ignores U. A lane where U may matter, or with |z| of [`REACH`] or more, is marked, and its
//! vector is done again by [`super::scalar`]. The levels above are exact in i16, for lam is first
//! reduced modulo 2q: 2q Z^d lies in q L.
//!
//! Loops run over lanes and nothing branches on a lane, so that they vectorise. Small arrays of
//! integers are not passed by value, which would pack them into scalars.

use super::points::Points;

/// Lanes with a component |z| of this or more are done again.
pub(super) const REACH: f32 = 4096.0;

/// 1.5 * 2^23: the low bits of `z + ROUND` are those of the integer nearest to z.
pub(super) const ROUND: f32 = 12_582_912.0;

/// One number of each lane.
pub(super) type Floats<const W: usize> = [f32; W];
/// One number of each lane; as a mask 0 or -1.
pub(super) type Ints<const W: usize> = [i16; W];

/// What blocks need of a lattice. Points are stored times [`Points::SCALE`].
pub(super) trait LanePoints<const D: usize>: Points<D> {
    /// Writes the point nearest to `x / step` into `y`, and marks the lanes that must be done
    /// again.
    fn nearest_lanes<const W: usize>(
        step: Step,
        x: &[Floats<W>; D],
        y: &mut [Ints<W>; D],
        again: &mut Ints<W>,
    );

    /// Writes the points with coordinates `b` into `y`.
    fn point_lanes<const W: usize>(b: &[Ints<W>; D], y: &mut [Ints<W>; D]);

    /// Writes the digits of the points `y` into `b`, and replaces `y` by Q(y / q).
    fn level<const W: usize>(q: Modulus, y: &mut [Ints<W>; D], b: &mut [Ints<W>; D]);

    /// Writes the digits of the points `y` into `b`, and marks the lanes where Q(y / q) is not 0.
    fn last_level<const W: usize>(
        q: Modulus,
        y: &[Ints<W>; D],
        b: &mut [Ints<W>; D],
        outside: &mut Ints<W>,
    );
}

/// The larger; NaN is neither.
#[inline(always)]
pub(super) fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller; NaN is neither.
#[inline(always)]
pub(super) fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// -1 or 0.
#[inline(always)]
pub(super) fn mask(set: bool) -> i16 {
    -i16::from(set)
}

/// The integer nearest to z, of `z + ROUND`.
#[inline(always)]
pub(super) fn low(s: f32) -> i16 {
    low_bits(s.to_bits())
}

/// The lowest 16 bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "meant")]
pub(super) fn low_bits(bits: u32) -> i16 {
    bits as i16
}

/// -1 for numbers below 0, else 1.
#[inline(always)]
pub(super) fn sign(v: i16) -> i16 {
    v >> 15 | 1
}

/// The step beta.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    beta: f32,
    inverse: f32,
}

impl Step {
    /// The least beta for which no product below loses bits to underflow where it matters.
    pub(super) const MIN: f32 = 3.308_722_5e-24;

    pub(super) fn new(beta: f32) -> Self {
        Self { beta, inverse: 1.0 / beta }
    }

    /// x / beta, correctly rounded: what x exceeds p beta by is exact.
    #[inline(always)]
    pub(super) fn divide(self, x: f32) -> f32 {
        let p = x * self.inverse;
        (-p).mul_add(self.beta, x).mul_add(self.inverse, p)
    }
}

/// q, and how to divide by q, 2q and 4q.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modulus {
    q: i16,
    /// Whether to divide by shifts; false also for some powers of 2.
    shifts: bool,
    by: [Divisor; 3],
}

/// A divisor n of numbers below 2^15.
///
/// With 2^s >= n / 2 and m = 2^(16+s) / n rounded up, v m / 2^(16+s) exceeds v / n by less than
/// 2^15 / 2^(16+s) <= 1 / n, so that its floor is right; and m is below 2^16.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    n: u16,
    m: u16,
    s: u32,
    /// A multiple of n, in units of n, that is at least 2^13.
    bias: u16,
}

impl Divisor {
    #[expect(clippy::cast_possible_truncation, reason = "m is below 2^16")]
    const fn new(n: u16) -> Self {
        let s = (n - 1).ilog2();
        let m = (1_u32 << (16 + s)).div_ceil(n as u32) as u16;
        Self { n, m, s, bias: (1_u16 << 13).div_ceil(n) }
    }
}

impl Modulus {
    /// For a q that the compiler knows.
    pub(super) const fn new(q: u8) -> Self {
        let n = q as u16;
        let by = [Divisor::new(n), Divisor::new(2 * n), Divisor::new(4 * n)];
        Self { q: n.cast_signed(), shifts: q.is_power_of_two(), by }
    }

    /// For a q that it does not know: one way to divide serves all.
    pub(super) const fn any(q: u8) -> Self {
        Self { shifts: false, ..Self::new(q) }
    }

    #[inline(always)]
    pub(super) const fn get(self) -> i16 {
        self.q
    }

    /// w, the bits of a packed digit.
    #[inline(always)]
    pub(super) const fn bits(self) -> usize {
        (self.q - 1).ilog2() as usize + 1
    }

    /// Quotient, rounded down, and rest of `v` by `2^e q`, for |v| <= 2^13 and `e` at most 2.
    #[inline(always)]
    pub(super) const fn split(self, v: i16, e: usize) -> (i16, i16) {
        let Divisor { n, m, s, bias } = self.by[e];
        if self.shifts {
            let n = n.cast_signed();
            return (v >> n.trailing_zeros(), v & (n - 1));
        }
        let v = v.cast_unsigned().wrapping_add(bias * n);
        let quotient = ((v as u32 * m as u32) >> 16) as u16 >> s;
        let rest = v.wrapping_sub(n.wrapping_mul(quotient));
        (quotient.wrapping_sub(bias).cast_signed(), rest.cast_signed())
    }

    /// `v` modulo q, for |v| <= 2^13.
    #[inline(always)]
    pub(super) const fn reduce(self, v: i16) -> i16 {
        self.split(v, 0).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quotient_and_every_rest_is_right() {
        for (q, e) in (2..=16).flat_map(|q| [(q, 0), (q, 1), (q, 2)]) {
            let n = i16::from(q) << e;
            for v in -8192_i16..=8192 {
                let want = (v.div_euclid(n), v.rem_euclid(n));
                assert_eq!(Modulus::new(q).split(v, e), want, "{v} by {n}");
                assert_eq!(Modulus::any(q).split(v, e), want, "{v} by {n}");
            }
        }
    }
}
