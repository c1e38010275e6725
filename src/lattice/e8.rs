//! E8, the union of D8 and D8 + (1/2, .., 1/2), D8 as D4 but of dimension 8. Stored doubled.
//!
//! With f the rounded vector, in units of 1 / h, and r the rests, the nearest point of D8 is
//! found as in D4. That of the other coset is f + s / 2 with s = sign(r); if its sum is odd, the
//! sign of the smallest rest is turned round. Their squared distances differ by D / h, where
//!
//! ```text
//! D = 2 h - sum|r| + 2 min|r| [f + s/2 is odd] - (h - 2 max|r|) [f is odd]
//! ```
//!
//! and the sign of D says which is nearer, without a square (Conway and Sloane 1982).
//!
//! The basis, columns of G: twice the first unit vector; for i = 2..7 the i-th less the one
//! before; and (1/2, .., 1/2).

use std::array::from_fn;

use super::code::lanes::{
    Aligned, Floats, Ints, LanePoints, Modulus, REACH, Step, margin, mask, narrow, sign,
};
use super::code::points::{Points, odd, round};

pub(super) struct E8;

impl Points<8> for E8 {
    const SCALE: i64 = 2;
    const U: [i64; 8] = [-15, 42, -47, 26, -33, 19, -68, -25];
    const K: i64 = 512;

    #[inline]
    fn nearest(v: [i64; 8], h: i64) -> [i64; 8] {
        let (f, r) = round(v, h);
        let rest = r.map(i64::abs);
        let (max, min) = rest.iter().fold((0, h), |(max, min), &a| (a.max(max), a.min(min)));
        let odd0 = odd(f);
        // f + s/2 has the sum of f plus 4, less one for each negative rest.
        let odd1 = odd0 ^ odd(r.map(|r| i64::from(r < 0)));
        let d = 2 * h - rest.iter().sum::<i64>() + if odd1 { 2 * min } else { 0 }
            - if odd0 { h - 2 * max } else { 0 };
        // Offsets from f, doubled: usually, and where the parity is mended.
        let (usual, mended, at) = if d > 0 {
            (0, if odd0 { 2 } else { 0 }, max)
        } else {
            (1, if odd1 { -1 } else { 1 }, min)
        };
        let step = |k: usize| if rest[k] == at { mended } else { usual };
        from_fn(|k| 2 * f[k] + step(k) * r[k].signum())
    }

    #[inline]
    fn point(b: [i64; 8]) -> [i64; 8] {
        let step = |k: usize| if k < 6 { b[k] - b[k + 1] } else { b[6] };
        from_fn(|k| match k {
            0 => 2 * (2 * b[0] - b[1]) + b[7],
            7 => b[7],
            k => 2 * step(k) + b[7],
        })
    }

    #[inline]
    fn coordinates(y: [i64; 8]) -> [i64; 8] {
        let mut b = [0; 8];
        b[7] = y[7];
        b[6] = (y[6] - y[7]) / 2;
        for k in (0..6).rev() {
            b[k] = b[k + 1] + (y[k] - y[7]) / 2;
        }
        b[0] /= 2;
        b
    }
}

impl LanePoints<8> for E8 {
    #[inline(always)]
    fn nearest_lanes<const W: usize>(
        step: Step,
        x: &[Floats<W>; 8],
        y: &mut [Ints<W>; 8],
        again: &mut Ints<W>,
    ) {
        let (mut f, mut e) = (Aligned([[0; W]; 8]), Aligned([[0; W]; 8]));
        let (f, e) = (&mut f.0, &mut e.0);
        for k in 0..8 {
            step.split(H.into(), &x[k], &mut f[k], &mut e[k]);
        }
        for i in 0..W {
            let (mut a, mut reach, mut parity, mut signs) = ([0_i16; 8], 0, 0, 0);
            let (mut far, mut near, mut sum) = (0, H, 0_i16);
            for k in 0..8 {
                a[k] = e[k][i].wrapping_abs();
                far = a[k].max(far);
                near = a[k].min(near);
                sum = sum.wrapping_add(a[k]);
                parity ^= f[k][i];
                signs ^= e[k][i];
                reach = f[k][i].unsigned_abs().max(reach);
            }
            let odd0 = -(parity & 1);
            let odd1 = odd0 ^ (signs >> 15);
            // At most 1.5 h either way.
            let d = (2 * H)
                .wrapping_sub(sum)
                .wrapping_add(odd1 & near.wrapping_mul(2))
                .wrapping_sub(odd0 & H.wrapping_sub(far.wrapping_mul(2)));
            let half = mask(d < 0);
            let margin = margin(reach);
            let (at, odd) = if half != 0 { (near, odd1) } else { (far, odd0) };
            let usual = half & 1;
            let mended = if half != 0 { odd1 | 1 } else { odd0 & 2 };
            let mut hits = 0;
            for k in 0..8 {
                let hit = a[k].wrapping_sub(at).wrapping_abs() <= margin;
                hits -= mask(hit);
                // Of several hits, they are done again or `mended` is `usual`.
                let step = if hit { mended } else { usual };
                y[k][i] = f[k][i].wrapping_mul(2).wrapping_add(step * sign(e[k][i]));
            }
            let edge = if half != 0 { near } else { (H / 2).wrapping_sub(far) };
            let tie = mask(hits > 1) & (odd | mask(edge <= margin));
            // The gradient of d has eight components of 1 along e.
            again[i] = tie | mask(d.wrapping_abs() <= margin + 3) | mask(reach >= REACH);
        }
    }

    #[inline(always)]
    fn point_lanes<const W: usize>(b: &[Ints<W>; 8], y: &mut [Ints<W>; 8]) {
        for i in 0..W {
            y[0][i] = 2 * (2 * b[0][i] - b[1][i]) + b[7][i];
            for k in 1..6 {
                y[k][i] = 2 * (b[k][i] - b[k + 1][i]) + b[7][i];
            }
            y[6][i] = 2 * b[6][i] + b[7][i];
            y[7][i] = b[7][i];
        }
    }

    #[inline(always)]
    fn level<const W: usize>(q: Modulus, y: &mut [Ints<W>; 8], b: &mut [Ints<W>; 8]) {
        let mut r = Aligned([[0; W]; 8]);
        let r = &mut r.0;
        for k in 0..8 {
            for i in 0..W {
                // y = q base + r with -2q <= r < 2q and base a multiple of 4, doubled all three.
                let (quotient, rest) = q.split(y[k][i].wrapping_add(2 * q.get()), 2);
                (y[k][i], r[k][i]) = (4 * quotient, rest - 2 * q.get());
            }
        }
        digits(q, r, b);
        for i in 0..W {
            let h = 256 * q.get();
            let (mut f, mut e) = ([0; 8], [0_i16; 8]);
            let (mut far, mut near, mut sum, mut parity, mut signs) = (0, h, 0, 0, 0);
            for k in 0..8 {
                let v = 128 * r[k][i] + U[k];
                f[k] = mask(v < -h / 2) - mask(v > h / 2);
                e[k] = v - h * f[k];
                let a = e[k].abs();
                far = a.max(far);
                near = a.min(near);
                sum += a;
                parity ^= f[k];
                signs ^= e[k];
            }
            let odd0 = -(parity & 1);
            let odd1 = odd0 ^ (signs >> 15);
            let d = 2 * h - sum + (odd1 & (2 * near)) - (odd0 & (h - 2 * far));
            let half = mask(d < 0);
            let at = if half != 0 { near } else { far };
            let usual = half & 1;
            let mended = if half != 0 { odd1 | 1 } else { odd0 & 2 };
            for k in 0..8 {
                let step = if e[k].abs() == at { mended } else { usual };
                y[k][i] += 2 * f[k] + step * sign(e[k]);
            }
        }
    }

    #[inline(always)]
    fn last_level<const W: usize>(
        q: Modulus,
        y: &[Ints<W>; 8],
        b: &mut [Ints<W>; 8],
        outside: &mut Ints<W>,
    ) {
        let mut r = Aligned([[0; W]; 8]);
        let r = &mut r.0;
        for k in 0..8 {
            for i in 0..W {
                r[k][i] = q.split(y[k][i].wrapping_add(2 * q.get()), 2).1 - 2 * q.get();
            }
        }
        digits(q, r, b);
        for i in 0..W {
            let (mut far, mut second, mut near, mut sum, mut signs) = (0, 0, i16::MAX, 0_i16, 0);
            for k in 0..8 {
                // No point of the cell has a component over q.
                let y = y[k][i].clamp(-2 * q.get() - 2, 2 * q.get() + 2);
                let v = 128 * y + U[k];
                let a = v.abs();
                second = second.max(a.min(far));
                far = far.max(a);
                near = near.min(a);
                sum = a.saturating_add(sum);
                signs ^= v;
            }
            // Along the roots: two components of 1, or eight of 1/2 with signs of product 1.
            let h = 256 * q.get();
            let halves = sum - ((signs >> 15) & (2 * near));
            outside[i] = mask((far + second > h) | (halves > 2 * h));
        }
    }
}

/// Writes the digits of `r`, which is doubled.
#[inline(always)]
fn digits<const W: usize>(q: Modulus, r: &[Ints<W>; 8], b: &mut [Ints<W>; 8]) {
    let mut c = [0; W];
    for k in (0..8).rev() {
        for i in 0..W {
            let last = r[7][i];
            c[i] += if k == 7 { last } else { (r[k][i] - last) >> 1 };
            b[k][i] = q.reduce(if k == 0 { c[i] >> 1 } else { c[i] });
            if k == 7 {
                c[i] = 0;
            }
        }
    }
}

/// Parts of 1 in a rest, so few that sums of eight fit.
const H: i16 = 1 << 13;

const U: [i16; 8] = narrow(E8::U);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Tenths. All near 0, none near 1/2.
        assert_eq!(E8::nearest([1, -1, 2, 1, -1, 1, 2, 1], 10), [0; 8], "an integer vector");
        // f = (1, 0, ..) is odd, and 0.4 is the rest that it is cheapest to give up.
        assert_eq!(
            E8::nearest([9, 4, 1, 1, 1, 1, 1, 1], 10),
            [2, 2, 0, 0, 0, 0, 0, 0],
            "an integer vector, mended"
        );
        assert_eq!(E8::nearest([4, 4, 4, 6, 6, 4, 4, 4], 10), [1; 8], "a half vector");
        // One half of negative sign is one too many: the smallest, 0.3, gives way.
        assert_eq!(
            E8::nearest([-4, 4, 4, 3, 4, 4, 4, 4], 10),
            [-1, 1, 1, -1, 1, 1, 1, 1],
            "a half vector, mended"
        );
        assert_eq!(E8::point([1, 0, 0, 0, 0, 0, 1, 2]), [6, 2, 2, 2, 2, 0, 4, 2], "a point");
        assert_eq!(E8::coordinates([6, 2, 2, 2, 2, 0, 4, 2]), [1, 0, 0, 0, 0, 0, 1, 2], "back");
    }
}
