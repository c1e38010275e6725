//! A lattice as the codec sees it: its basis, and the point nearest to a fraction.

use std::array::from_fn;

/// A lattice in `D` dimensions, as the codec sees it.
///
/// Points are stored times [`Points::SCALE`], as integers.
pub(in crate::lattice) trait Points<const D: usize> {
    /// 2 if points have halves, else 1.
    const SCALE: i64;
    /// The direction of ties: U.w has the sign of u.w for every w that two nearest points of one
    /// vector can differ by.
    const U: [i64; D];
    /// The weight of a vector beside U; even.
    const K: i64;
    /// N(v, h): the point nearest to `v / h`. `h` is even, and `v / h` is not a tie.
    fn nearest(v: [i64; D], h: i64) -> [i64; D];
    /// G b: the point with coordinates `b`.
    fn point(b: [i64; D]) -> [i64; D];
    /// The inverse of G: the coordinates of the point `y`.
    fn coordinates(y: [i64; D]) -> [i64; D];
}

/// The integers f nearest to `v / h`, and the rests `v - h f`.
#[inline]
pub(in crate::lattice) fn round<const D: usize>(v: [i64; D], h: i64) -> ([i64; D], [i64; D]) {
    let f = v.map(|v| (2 * v + h).div_euclid(2 * h));
    (f, from_fn(|k| v[k] - h * f[k]))
}

/// Whether the sum is odd.
#[inline]
pub(in crate::lattice) fn odd<const D: usize>(f: [i64; D]) -> bool {
    f.iter().sum::<i64>() % 2 != 0
}
