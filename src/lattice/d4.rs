//! D4, the integer vectors of dimension 4 with an even sum.
//!
//! Round every component. If the sum is odd, move the component with the largest rest one step
//! towards its value: no other repair of the parity is cheaper (Conway and Sloane 1982).
//!
//! The basis, columns of G: (-1,-1,0,0), (1,-1,0,0), (0,1,-1,0), (0,0,1,-1).

use std::array::from_fn;

use super::points::{Points, odd, round};

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
