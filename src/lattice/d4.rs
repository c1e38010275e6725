//! D4, the integer vectors of dimension 4 with an even sum.
//!
//! Round every component. If the sum is odd, move the component with the largest rest one step
//! towards its value: no other repair of the parity is cheaper (Conway and Sloane 1982).
//!
//! The basis, columns of G: (-1,-1,0,0), (1,-1,0,0), (0,1,-1,0), (0,0,1,-1).

use std::array::from_fn;

use super::code::lanes::{
    Aligned, Floats, Ints, LanePoints, Modulus, REACH, Step, margin, mask, narrow, sign,
};
use super::code::points::{Points, odd, round};

pub(super) struct D4;

impl Points<4> for D4 {
    const SCALE: i64 = 1;
    const U: [i64; 4] = [-1, 4, -5, 3];
    const K: i64 = 16;

    #[inline]
    fn nearest(v: [i64; 4], h: i64) -> [i64; 4] {
        let (f, r) = round(v, h);
        let far = r.into_iter().map(i64::abs).max().filter(|_| odd(f));
        from_fn(|k| f[k] + if far == Some(r[k].abs()) { r[k].signum() } else { 0 })
    }

    #[inline]
    fn point(b: [i64; 4]) -> [i64; 4] {
        [b[1] - b[0], b[2] - b[1] - b[0], b[3] - b[2], -b[3]]
    }

    #[inline]
    fn coordinates(y: [i64; 4]) -> [i64; 4] {
        let tail = y[1] + y[2] + y[3];
        [-(y[0] + tail) / 2, (y[0] - tail) / 2, -(y[2] + y[3]), -y[3]]
    }
}

impl LanePoints<4> for D4 {
    #[inline(always)]
    fn nearest_lanes<const W: usize>(
        step: Step,
        x: &[Floats<W>; 4],
        y: &mut [Ints<W>; 4],
        again: &mut Ints<W>,
    ) {
        let (mut f, mut e) = (Aligned([[0; W]; 4]), Aligned([[0; W]; 4]));
        let (f, e) = (&mut f.0, &mut e.0);
        for k in 0..4 {
            step.split(2.0 * f32::from(HALF), &x[k], &mut f[k], &mut e[k]);
        }
        for i in 0..W {
            let (mut a, mut parity, mut reach) = ([0_i16; 4], 0, 0);
            for k in 0..4 {
                a[k] = e[k][i].wrapping_abs();
                parity ^= f[k][i];
                reach = f[k][i].unsigned_abs().max(reach);
            }
            let high = [a[0].max(a[1]), a[2].max(a[3])];
            let low = [a[0].min(a[1]), a[2].min(a[3])];
            let far = high[0].max(high[1]);
            let second = high[0].min(high[1]).max(low[0].max(low[1]));
            let odd = -(parity & 1);
            for k in 0..4 {
                let step = if a[k] == far { odd & sign(e[k][i]) } else { 0 };
                y[k][i] = f[k][i].wrapping_add(step);
            }
            let margin = margin(reach);
            let tie = mask(far.wrapping_sub(second) <= margin) & (odd | mask(far >= HALF - margin));
            again[i] = tie | mask(reach >= REACH);
        }
    }

    #[inline(always)]
    fn point_lanes<const W: usize>(b: &[Ints<W>; 4], y: &mut [Ints<W>; 4]) {
        for i in 0..W {
            y[0][i] = b[1][i] - b[0][i];
            y[1][i] = b[2][i] - b[1][i] - b[0][i];
            y[2][i] = b[3][i] - b[2][i];
            y[3][i] = -b[3][i];
        }
    }

    #[inline(always)]
    fn level<const W: usize>(q: Modulus, y: &mut [Ints<W>; 4], b: &mut [Ints<W>; 4]) {
        for i in 0..W {
            let h = 16 * q.get();
            let (mut base, mut r) = ([0; 4], [0; 4]);
            for k in 0..4 {
                // y = q base + r with -q <= r < q and even base.
                let (quotient, rest) = q.split(y[k][i].wrapping_add(q.get()), 1);
                (base[k], r[k]) = (2 * quotient, rest - q.get());
            }
            digits(q, &r, b, i);
            let (mut f, mut e, mut parity, mut far) = ([0; 4], [0_i16; 4], 0, 0);
            for k in 0..4 {
                let v = 16 * r[k] + U[k];
                f[k] = mask(v < -h / 2) - mask(v > h / 2);
                e[k] = v - h * f[k];
                parity ^= f[k];
                far = e[k].abs().max(far);
            }
            let odd = -(parity & 1);
            for k in 0..4 {
                let step = if e[k].abs() == far { odd & sign(e[k]) } else { 0 };
                y[k][i] = base[k] + f[k] + step;
            }
        }
    }

    #[inline(always)]
    fn last_level<const W: usize>(
        q: Modulus,
        y: &[Ints<W>; 4],
        b: &mut [Ints<W>; 4],
        outside: &mut Ints<W>,
    ) {
        for i in 0..W {
            let (mut r, mut a) = ([0; 4], [0_i16; 4]);
            for k in 0..4 {
                r[k] = q.split(y[k][i].wrapping_add(q.get()), 1).1 - q.get();
                // No point of the cell has a component over q.
                let y = y[k][i].clamp(-q.get() - 1, q.get() + 1);
                a[k] = (16 * y + U[k]).abs();
            }
            digits(q, &r, b, i);
            // Along the roots, of which each has two components of 1.
            let high = [a[0].max(a[1]), a[2].max(a[3])];
            let low = [a[0].min(a[1]), a[2].min(a[3])];
            let second = high[0].min(high[1]).max(low[0].max(low[1]));
            outside[i] = mask(high[0].max(high[1]) + second > 16 * q.get());
        }
    }
}

/// Writes the digits of `r`.
#[inline(always)]
fn digits<const W: usize>(q: Modulus, r: &[i16; 4], b: &mut [Ints<W>; 4], i: usize) {
    let tail = r[2] + r[3];
    b[0][i] = q.reduce(-(r[0] + r[1] + tail) >> 1);
    b[1][i] = q.reduce((r[0] - r[1] - tail) >> 1);
    b[2][i] = q.reduce(-tail);
    b[3][i] = q.reduce(-r[3]);
}

/// 1/2 of a rest.
const HALF: i16 = 1 << 14;

const U: [i16; 4] = narrow(D4::U);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        assert_eq!(D4::nearest([2, -3, 1, 4], 10), [0, 0, 0, 0], "even at once");
        assert_eq!(D4::nearest([6, 1, 0, -2], 10), [0, 0, 0, 0], "0.6 goes back down");
        assert_eq!(D4::nearest([11, 3, 0, -2], 10), [1, 1, 0, 0], "0.3 goes up");
        assert_eq!(D4::nearest([9, 1, -4, 0], 10), [1, 0, -1, 0], "-0.4 goes down");
        assert_eq!(D4::coordinates([2, 0, -4, 2]), [0, 2, 2, -2], "coordinates");
        assert_eq!(D4::point([0, 2, 2, -2]), [2, 0, -4, 2], "and back");
    }
}
