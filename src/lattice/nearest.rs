//! Q, the point of a lattice nearest to a vector, for a batch of vectors.
//!
//! A component z is first put on the grid 2^-22 Z, halves to even: Z = round(2^22 z). Then
//!
//! ```text
//! Q(z) = N(K Z + U, K 2^22)        N(V, H) = the point nearest to V / H
//! ```
//!
//! K is so large that U changes no comparison of distances that is not a tie, and U is such that
//! no tie is left: N compares integers, and they are never equal where it matters. The grid moves
//! z by at most 2^-23 per component, and only where |z| < 2, so that the point is nearest but for
//! 5e-7 in (z - y).r, r a shortest vector.

use std::array::from_fn;

use super::code::points::Points;
use super::d4::D4;
use super::e8::E8;
use super::z2::Z2;
use super::{Error, Lattice};

/// Writes the point of `lattice` nearest to each vector of `x` into `y`.
///
/// Both have shape `[d][n]` and no unit; points are stored times [`Lattice::scale`]. Among
/// equidistant points it takes that of the largest u.y (see [`super`]), after rounding x to
/// multiples of 2^-22.
///
/// # Errors
///
/// Names the first vector with a component that is not within -2^22..=2^22, NaN included; the
/// contents of `y` are then unspecified. Or says that `x` is not a whole number of vectors.
///
/// # Panics
///
/// If the lengths differ.
pub fn nearest(lattice: Lattice, x: &[f32], y: &mut [i64]) -> Result<(), Error> {
    assert_eq!(x.len(), y.len(), "x and y differ in length");
    lattice.vectors(x.len())?;
    match lattice {
        Lattice::Z2 => nearest_in::<Z2, 2>(x, y),
        Lattice::D4 => nearest_in::<D4, 4>(x, y),
        Lattice::E8 => nearest_in::<E8, 8>(x, y),
    }
}

fn nearest_in<L: Points<D>, const D: usize>(x: &[f32], y: &mut [i64]) -> Result<(), Error> {
    let n = x.len() / D;
    for i in 0..n {
        let z = column(x, n, i);
        if !in_domain(z) {
            return Err(Error::Domain { vector: i, beta: 1.0 });
        }
        let point = nearest_one::<L, D>(z, 0);
        for (k, p) in point.into_iter().enumerate() {
            y[k * n + i] = p;
        }
    }
    Ok(())
}

/// Vector `i` of a batch of shape `[D][n]`.
#[inline]
pub(super) fn column<T: Copy, const D: usize>(x: &[T], n: usize, i: usize) -> [T; D] {
    from_fn(|k| x[k * n + i])
}

/// Whether |z| <= 2^22 in every component; false for NaN.
pub(super) fn in_domain<const D: usize>(z: [f32; D]) -> bool {
    z.iter().all(|z| z.abs() <= 4_194_304.0)
}

/// Q(2^-t z), for z in the domain.
#[inline]
pub(super) fn nearest_one<L: Points<D>, const D: usize>(z: [f32; D], t: u8) -> [i64; D] {
    const GRID: i64 = 1 << 22;
    // Exact in f64, so that the only rounding is the one that is meant.
    let steps = (GRID >> t) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "an integer of at most 2^44")]
    let v = from_fn(|k| L::K * (f64::from(z[k]) * steps).round_ties_even() as i64 + L::U[k]);
    L::nearest(v, L::K * GRID)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::cases::oracle::{along_u, awkward, check_nearest};

    /// Every w of L with 0 < |w| <= 2R, R the covering radius, as stored.
    fn differences<L: Points<D>, const D: usize>(square: i64) -> Vec<[i64; D]> {
        let mut all = vec![[0; D]];
        let side = -2 * L::SCALE..=2 * L::SCALE;
        for k in 0..D {
            let norm = |w: &[i64; D]| w.iter().map(|w| w * w).sum::<i64>();
            all = all
                .into_iter()
                .flat_map(|w| side.clone().map(move |v| from_fn(|j| if j == k { v } else { w[j] })))
                .filter(|w| norm(w) <= square * L::SCALE * L::SCALE)
                .collect();
        }
        let zero = [0; D];
        all.retain(|w| *w != zero && L::point(L::coordinates(*w)) == *w);
        all
    }

    /// U breaks ties as u does, and 2 U.w is less than `k` times `unit`, by which differences of
    /// squared distances are apart.
    fn prove<L: Points<D>, const D: usize>(
        square: i64,
        count: usize,
        twice_max: i64,
        (unit, k): (i64, i64),
    ) {
        let all = differences::<L, D>(square);
        assert_eq!(all.len(), count, "vectors that two nearest points can differ by");
        let along = |w: &[i64; D]| w.iter().zip(L::U).map(|(w, u)| w * u).sum::<i64>();
        for w in &all {
            let want = along_u(w.iter().copied());
            assert_eq!(along(w).signum() as f64, want.signum(), "U.w and u.w for {w:?}");
        }
        let most = all.iter().map(along).max().unwrap();
        assert_eq!(2 * most, twice_max * L::SCALE, "twice the largest U.w");
        assert!(twice_max < unit * k, "K is too small");
        assert!(L::U.iter().all(|u| 2 * u.abs() < L::K), "U moves a coordinate by a half or more");
    }

    #[test]
    fn the_integer_direction_orders_all_ties_as_the_real_one() {
        prove::<Z2, 2>(2, 8, 6, (1, Z2::K));
        // 2 p.w and q |w|^2 are even for integer p and w in D4.
        prove::<D4, 4>(4, 48, 26, (2, D4::K));
        prove::<E8, 8>(4, 2400, 411, (1, E8::K));
        // They are so for p and w in E8: where p is a point, half of K does, which fits 16 bits.
        prove::<E8, 8>(4, 2400, 411, (2, E8::K / 2));
    }

    #[test]
    fn every_batch_size_agrees_with_exhaustive_search() {
        let sizes = (0..=33).chain([4000]);
        for (lattice, n) in sizes.flat_map(|n| Lattice::ALL.map(|l| (l, n))) {
            let x = awkward(n as u64, lattice.dim(), n);
            let mut y = vec![0; x.len()];
            nearest(lattice, &x, &mut y).unwrap();
            check_nearest(lattice, &x, &y).unwrap_or_else(|e| panic!("{lattice}, n {n}: {e}"));
        }
    }

    #[test]
    fn coordinates_invert_points() {
        fn round_trip<L: Points<D>, const D: usize>() {
            for seed in 0..1000 {
                let x = crate::input::uniform(seed, D, -100.0, 100.0);
                #[expect(clippy::cast_possible_truncation, reason = "a test value")]
                let b: [i64; D] = from_fn(|k| x[k] as i64);
                assert_eq!(L::coordinates(L::point(b)), b, "coordinates of the point of {b:?}");
            }
        }
        round_trip::<Z2, 2>();
        round_trip::<D4, 4>();
        round_trip::<E8, 8>();
    }

    #[test]
    fn a_part_of_a_vector_is_refused() {
        for (lattice, dim) in Lattice::ALL.map(|lattice| (lattice, lattice.dim())) {
            let x = vec![0.0; 3 * dim + 1];
            let err = nearest(lattice, &x, &mut vec![0; x.len()]);
            assert_eq!(err, Err(Error::Batch { found: x.len(), dim, n: 3 }), "{lattice}");
        }
    }

    #[test]
    fn vectors_outside_the_domain_are_named() {
        let edge = 4_194_304.0;
        for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, 4_194_304.5, -1e30] {
            for (lattice, last) in Lattice::ALL.into_iter().map(|l| (l, 7 * l.dim() - 1)) {
                let mut x = vec![edge; last + 1];
                let mut y = vec![0; x.len()];
                assert_eq!(nearest(lattice, &x, &mut y), Ok(()), "the edge is in the domain");
                (x[last], x[4]) = (bad, bad);
                let err = Err(Error::Domain { vector: 4, beta: 1.0 });
                assert_eq!(nearest(lattice, &x, &mut y), err, "{lattice}, {bad}");
                x[4] = -edge;
                let err = Err(Error::Domain { vector: 6, beta: 1.0 });
                assert_eq!(nearest(lattice, &x, &mut y), err, "{lattice}, {bad} at the end");
            }
        }
    }
}
