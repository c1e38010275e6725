//! Z2, the integer vectors of the plane: every component is rounded by itself.

use super::points::{Points, round};

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
