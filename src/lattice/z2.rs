//! Z2, the integer vectors of the plane: every component is rounded by itself.

use super::code::lanes::{Aligned, Floats, Ints, LanePoints, Modulus, REACH, Step, margin, mask};
use super::code::points::{Points, round};

pub(super) struct Z2;

impl Points<2> for Z2 {
    const SCALE: i64 = 1;
    const U: [i64; 2] = [-1, 2];
    const K: i64 = 8;

    #[inline]
    fn nearest(v: [i64; 2], h: i64) -> [i64; 2] {
        round(v, h).0
    }

    #[inline]
    fn point(b: [i64; 2]) -> [i64; 2] {
        b
    }

    #[inline]
    fn coordinates(y: [i64; 2]) -> [i64; 2] {
        y
    }
}

impl LanePoints<2> for Z2 {
    #[inline(always)]
    fn nearest_lanes<const W: usize>(
        step: Step,
        x: &[Floats<W>; 2],
        y: &mut [Ints<W>; 2],
        again: &mut Ints<W>,
    ) {
        let mut e = Aligned([[0; W]; 2]);
        let e = &mut e.0;
        for k in 0..2 {
            step.split(2.0 * f32::from(HALF), &x[k], &mut y[k], &mut e[k]);
        }
        for i in 0..W {
            let far = e[0][i].wrapping_abs().max(e[1][i].wrapping_abs());
            let reach = y[0][i].unsigned_abs().max(y[1][i].unsigned_abs());
            again[i] = mask(far >= HALF - margin(reach)) | mask(reach >= REACH);
        }
    }

    #[inline(always)]
    fn point_lanes<const W: usize>(b: &[Ints<W>; 2], y: &mut [Ints<W>; 2]) {
        for i in 0..W {
            (y[0][i], y[1][i]) = (b[0][i], b[1][i]);
        }
    }

    #[inline(always)]
    fn level<const W: usize>(q: Modulus, y: &mut [Ints<W>; 2], b: &mut [Ints<W>; 2]) {
        for i in 0..W {
            for k in 0..2 {
                (b[k][i], y[k][i]) = (q.reduce(y[k][i]), quotient(q, k, y[k][i]));
            }
        }
    }

    #[inline(always)]
    fn last_level<const W: usize>(
        q: Modulus,
        y: &[Ints<W>; 2],
        b: &mut [Ints<W>; 2],
        outside: &mut Ints<W>,
    ) {
        for i in 0..W {
            let mut rest = 0;
            for k in 0..2 {
                b[k][i] = q.reduce(y[k][i]);
                rest |= quotient(q, k, y[k][i]);
            }
            outside[i] = mask(rest != 0);
        }
    }
}

/// 1/2 of a rest.
const HALF: i16 = 1 << 14;

/// Component k of Q(y / q): a half is rounded as U says, down for k = 0.
#[inline(always)]
fn quotient(q: Modulus, k: usize, y: i16) -> i16 {
    let half = if k == 0 { (q.get() - 1) / 2 } else { q.get() / 2 };
    q.split(y.wrapping_add(half), 0).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        assert_eq!(Z2::nearest([3, -5], 4), [1, -1], "3/4 and -5/4");
        assert_eq!(Z2::nearest([4 * 8 - 1, -4 * 8 + 2], 8 * 8), [0, 0], "a half, less and more");
        assert_eq!(Z2::nearest([4 * 8 + 1, -4 * 8 - 2], 8 * 8), [1, -1], "and the other way");
        assert_eq!(Z2::coordinates(Z2::point([3, 1])), [3, 1], "coordinates");
    }
}
