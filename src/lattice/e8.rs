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

use super::points::{Points, odd, round};

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
