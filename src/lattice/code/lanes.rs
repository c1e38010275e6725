//! The codec on blocks of vectors, a lane for each: what the compiler turns into SIMD code.
//!
//! Level 0 takes the components z of x / beta as f + e, with f the integer nearest to z, and e
//! rounded to a fraction of 16 bits. A lane where that, or U, may matter is marked, and its vector
//! is done again by [`scalar`](crate::lattice::scalar); so is one with |z| of [`REACH`] or more.
//!
//! How much may matter: in f32, x times 1 / beta differs from x / beta, rounded to f32 and then to
//! the grid of Q, by less than (|z| + 1.2) 2^-23. Rounding to n parts adds 1/2n. Distances along e
//! thus differ by less than u = 1/2 + (|z| + 1.2) 2^-8 parts of n <= 2^15, and differences of two by
//! at most the integer [`margin`].
//!
//! The levels above are exact in i16, for lam is first reduced modulo 2q: 2q Z^d lies in q L.
//!
//! Loops run over lanes and nothing branches on a lane, so that they vectorise. Small arrays of
//! integers are not passed by value, which would pack them into scalars.

use super::points::Points;

/// Lanes with a component |z| of this or more are done again.
pub(in crate::lattice) const REACH: u16 = 4096;

/// 1.5 * 2^23: the low bits of `z + ROUND` are those of the integer nearest to z.
pub(in crate::lattice) const ROUND: f32 = 12_582_912.0;

/// A value that starts at a cache line, so that no block of numbers lies across one.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(in crate::lattice) struct Aligned<T>(pub(in crate::lattice) T);

/// One number of each lane.
pub(in crate::lattice) type Floats<const W: usize> = [f32; W];
/// One number of each lane; as a mask 0 or -1.
pub(in crate::lattice) type Ints<const W: usize> = [i16; W];

/// A lattice, a block of points at a time. Points are stored times [`Points::SCALE`].
pub(in crate::lattice) trait LanePoints<const D: usize>: Points<D> {
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

/// [`Points::U`] in 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "asserted")]
pub(in crate::lattice) const fn narrow<const D: usize>(u: [i64; D]) -> [i16; D] {
    let mut narrow = [0; D];
    let mut k = 0;
    while k < D {
        narrow[k] = u[k] as i16;
        assert!(narrow[k] as i64 == u[k], "U has more than 16 bits");
        k += 1;
    }
    narrow
}

/// -1 or 0.
#[inline(always)]
pub(in crate::lattice) fn mask(set: bool) -> i16 {
    -i16::from(set)
}

/// -1 for numbers below 0, else 1.
#[inline(always)]
pub(in crate::lattice) fn sign(v: i16) -> i16 {
    v >> 15 | 1
}

/// How much two distances along e that are equal may differ by, where no |f| exceeds `reach`.
#[inline(always)]
pub(in crate::lattice) const fn margin(reach: u16) -> i16 {
    1 + (reach.wrapping_add(2) >> 7).cast_signed()
}

/// Divides by the step beta.
#[derive(Debug, Clone, Copy)]
pub(in crate::lattice) struct Step {
    inverse: f32,
}

impl Step {
    pub(in crate::lattice) fn new(beta: f32) -> Self {
        Self { inverse: 1.0 / beta }
    }

    /// The integers `f` nearest to x / beta, at the ends of i16 those beyond, and the rests `e` in
    /// parts of `n`.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "clamped, or the low bits are meant")]
    pub(in crate::lattice) fn split<const W: usize>(
        self,
        n: f32,
        x: &Floats<W>,
        f: &mut Ints<W>,
        e: &mut Ints<W>,
    ) {
        for i in 0..W {
            let s = x[i].mul_add(self.inverse, ROUND);
            let e_i = x[i].mul_add(self.inverse, -(s - ROUND));
            // Of NaN and what exceeds 2^22 the difference is far from 0.
            let f_i = (s.to_bits().wrapping_sub(ROUND.to_bits())).cast_signed();
            f[i] = f_i.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            e[i] = e_i.mul_add(n, ROUND).to_bits() as i16;
        }
    }
}

/// q, and how to divide by q, 2q and 4q.
#[derive(Debug, Clone, Copy)]
pub(in crate::lattice) struct Modulus {
    q: i16,
    /// Whether to divide by shifts; false also for some powers of 2.
    pub(in crate::lattice) shifts: bool,
    pub(in crate::lattice) by: [Divisor; 3],
}

/// A divisor n of numbers below 2^15.
///
/// With 2^s >= n / 2 and m = 2^(16+s) / n rounded up, v m / 2^(16+s) exceeds v / n by less than
/// 2^15 / 2^(16+s) <= 1 / n, so that its floor is right; and m is below 2^16.
#[derive(Debug, Clone, Copy)]
pub(in crate::lattice) struct Divisor {
    pub(in crate::lattice) n: u16,
    pub(in crate::lattice) m: u16,
    pub(in crate::lattice) s: u32,
    /// A multiple of n, in units of n, that is at least 2^14.
    pub(in crate::lattice) bias: u16,
}

impl Divisor {
    #[expect(clippy::cast_possible_truncation, reason = "m is below 2^16")]
    const fn new(n: u16) -> Self {
        let s = (n - 1).ilog2();
        let m = (1_u32 << (16 + s)).div_ceil(n as u32) as u16;
        Self { n, m, s, bias: (1_u16 << 14).div_ceil(n) }
    }
}

impl Modulus {
    /// For a q that the compiler knows.
    pub(in crate::lattice) const fn new(q: u8) -> Self {
        let n = q as u16;
        let by = [Divisor::new(n), Divisor::new(2 * n), Divisor::new(4 * n)];
        Self { q: n.cast_signed(), shifts: q.is_power_of_two(), by }
    }

    /// For a q that it does not know: one way to divide serves all.
    pub(in crate::lattice) const fn any(q: u8) -> Self {
        Self::new(q).without_shifts()
    }

    /// The same, which the compiler need not find out where it knows nothing else.
    #[inline(always)]
    pub(in crate::lattice) const fn without_shifts(self) -> Self {
        Self { shifts: false, ..self }
    }

    #[inline(always)]
    pub(in crate::lattice) const fn get(self) -> i16 {
        self.q
    }

    /// w, the bits of a packed digit.
    #[inline(always)]
    pub(in crate::lattice) const fn bits(self) -> usize {
        (self.q - 1).ilog2() as usize + 1
    }

    /// Quotient, rounded down, and rest of `v` by `2^e q`, for |v| <= 2^14 - 64 and `e` at most 2.
    #[inline(always)]
    pub(in crate::lattice) const fn split(self, v: i16, e: usize) -> (i16, i16) {
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

    /// `v` modulo q, for |v| <= 2^14 - 64.
    #[inline(always)]
    pub(in crate::lattice) const fn reduce(self, v: i16) -> i16 {
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
            for v in 64 - (1_i16 << 14)..=(1 << 14) - 64 {
                let want = (v.div_euclid(n), v.rem_euclid(n));
                assert_eq!(Modulus::new(q).split(v, e), want, "{v} by {n}");
                assert_eq!(Modulus::any(q).split(v, e), want, "{v} by {n}");
            }
        }
    }
}
