//! The definition of [`super`] by exhaustive search: slow, plain, and the oracle of the rest.
//!
//! It shares nothing with the kernels: it knows u itself and no U, tries every point within the
//! covering radius, takes Q at every level, and needs the columns of G but not its inverse.
//! Everything is an integer; points are doubled, for all lattices.

use std::array::from_fn;
use std::iter;

use crate::close;
use crate::lattice::{Codec, Encoded, Lattice, Layout};

/// Twice the columns of G; a lattice of dimension d uses the first d of each.
fn columns(lattice: Lattice) -> Vec<[i64; 8]> {
    let unit = |k: usize| from_fn(|i| if i == k { 2 } else { 0 });
    let step = |k: usize| from_fn(|i| unit(k)[i] - unit(k - 1)[i]);
    match lattice {
        Lattice::Z2 => vec![unit(0), unit(1)],
        Lattice::D4 => {
            let down = |k: usize| step(k).map(|v: i64| -v);
            vec![from_fn(|k| if k < 2 { -2 } else { 0 }), down(1), down(2), down(3)]
        }
        Lattice::E8 => {
            let twice = [4, 0, 0, 0, 0, 0, 0, 0];
            vec![twice, step(1), step(2), step(3), step(4), step(5), step(6), [1; 8]]
        }
    }
}

/// Whether `y`, doubled, is a point of the lattice.
fn is_point(lattice: Lattice, y: &[i64]) -> bool {
    let parity = y[0].rem_euclid(2);
    let sum: i64 = y.iter().sum();
    y.iter().all(|y| y.rem_euclid(2) == parity)
        && match lattice {
            Lattice::Z2 => parity == 0,
            Lattice::D4 => parity == 0 && sum % 4 == 0,
            Lattice::E8 => sum % 4 == 0,
        }
}

/// The search for the doubled point nearest to `v / 2h`.
struct Search<'a> {
    lattice: Lattice,
    v: &'a [i64],
    h: i64,
    y: Vec<i64>,
    /// The best so far, its squared distance times (2h)^2 first.
    best: (i64, Option<Vec<i64>>),
}

impl Search<'_> {
    /// Tries every `y[k..]` with the given `y[..k]`, which is at distance `far`.
    fn run(&mut self, k: usize, parity: i64, far: i64) {
        if k == self.v.len() {
            if is_point(self.lattice, &self.y) && self.improves(far) {
                self.best = (far, Some(self.y.clone()));
            }
            return;
        }
        // The doubled coordinates within 2, the doubled covering radius, of v / h.
        let low = self.v[k].div_euclid(self.h) - 2;
        for y in (low..=low + 5).filter(|y| y.rem_euclid(2) == parity) {
            let far = far + (self.v[k] - self.h * y).pow(2);
            if far <= self.best.0 {
                self.y[k] = y;
                self.run(k + 1, parity, far);
            }
        }
    }

    fn improves(&self, far: i64) -> bool {
        match &self.best {
            (_, None) => true,
            (best, _) if far < *best => true,
            (_, Some(y)) => along_u(self.y.iter().zip(y).map(|(y, best)| y - best)) > 0.0,
        }
    }
}

/// w.u, the direction of ties: component i of u is frac(sqrt(p)) - 1/2, p the i-th prime.
pub(in crate::lattice) fn along_u(w: impl Iterator<Item = i64>) -> f64 {
    const PRIMES: [f64; 8] = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0];
    w.zip(PRIMES).map(|(w, p)| w as f64 * (p.sqrt().fract() - 0.5)).sum()
}

/// Q(v / h), doubled.
fn nearest(lattice: Lattice, v: &[i64], h: i64) -> Vec<i64> {
    let v: Vec<i64> = v.iter().map(|v| 2 * v).collect();
    // The squared covering radius is at most 1, so 4 h^2 in these units.
    let best = (4 * h * h, None);
    let mut search = Search { lattice, v: &v, h, y: vec![0; v.len()], best };
    search.run(0, 0, 0);
    search.run(0, 1, 0);
    search.best.1.expect("a point lies within the covering radius")
}

/// Q(2^-t z), doubled, for a vector in the domain.
fn nearest_float(lattice: Lattice, z: &[f32], t: u8) -> Vec<i64> {
    let steps = f64::from(1 << 22) / f64::from(1_u32 << t);
    #[expect(clippy::cast_possible_truncation, reason = "an integer of at most 2^44")]
    let v: Vec<i64> = z.iter().map(|&z| (f64::from(z) * steps).round_ties_even() as i64).collect();
    nearest(lattice, &v, 1 << 22)
}

/// Checks what [`nearest()`](crate::lattice::nearest()) made of `x`.
pub(in crate::lattice) fn check_nearest(
    lattice: Lattice,
    x: &[f32],
    y: &[i64],
) -> Result<(), String> {
    let n = x.len() / lattice.dim();
    let doubling = 2 / i64::from(lattice.scale());
    (0..n).try_for_each(|i| {
        let got: Vec<_> =
            vector(y, Layout::Soa, lattice.dim(), i).into_iter().map(|y| doubling * y).collect();
        let want = nearest_float(lattice, &vector(x, Layout::Soa, lattice.dim(), i), 0);
        close::bits(&format!("twice point {i}"), &got, &want)
    })
}

/// Checks what [`Codec::encode`] made of `x`.
pub(in crate::lattice) fn check_encoded(
    codec: &Codec,
    x: &[f32],
    layout: Layout,
    codes: &Encoded,
) -> Result<(), String> {
    (0..codes.len()).try_for_each(|i| {
        let x = vector(x, layout, codec.lattice().dim(), i);
        let z: Vec<f32> = x.iter().map(|x| x / codec.beta()).collect();
        check_code(codec, &z, &digits(codec, codes, i), codes.scaling(i), codes.is_overloaded(i))
            .map_err(|e| format!("vector {i}: {e}"))
    })
}

fn check_code(
    codec: &Codec,
    z: &[f32],
    digits: &[Vec<u8>],
    t: u8,
    overload: bool,
) -> Result<(), String> {
    let (lattice, q, max) = (codec.lattice(), i64::from(codec.q()), codec.max_scaling());
    let fits = |&t: &u8| levels(codec, z, t)[digits.len()].iter().all(|&y| y == 0);
    let scaling = (0..max).find(fits).unwrap_or(max);
    if (t, overload) != (scaling, !fits(&scaling)) {
        return Err(format!("scaling {t} and overload {overload}, expected scaling {scaling}"));
    }
    for (m, (lam, b)) in levels(codec, z, t).iter().zip(digits).enumerate() {
        // b = G^-1 lam mod q is the one digit for which lam - G b lies in q L.
        let rest: Vec<i64> = lam.iter().zip(point(lattice, b)).map(|(y, g)| y - g).collect();
        let part: Vec<i64> = rest.iter().map(|r| r / q).collect();
        let same_coset = rest.iter().all(|r| r % q == 0) && is_point(lattice, &part);
        if !same_coset || b.iter().any(|&b| b >= codec.q()) {
            return Err(format!("level {m} has digit {b:?}, not that of {lam:?} / 2"));
        }
    }
    Ok(())
}

/// The points of all levels of 2^-t z, 0 to M, doubled.
fn levels(codec: &Codec, z: &[f32], t: u8) -> Vec<Vec<i64>> {
    let first = nearest_float(codec.lattice(), z, t);
    let next = |lam: &Vec<i64>| Some(nearest(codec.lattice(), lam, 2 * i64::from(codec.q())));
    iter::successors(Some(first), next).take(codec.levels() + 1).collect()
}

/// Checks what [`Codec::decode`] made of `codes`.
pub(in crate::lattice) fn check_decoded(
    codec: &Codec,
    codes: &Encoded,
    x: &[f32],
    layout: Layout,
) -> Result<(), String> {
    (0..codes.len()).try_for_each(|i| {
        let want = decoded(codec, &digits(codec, codes, i), codes.scaling(i));
        let got = vector(x, layout, codec.lattice().dim(), i);
        close::bits(&format!("vector {i}"), &got, &want)
    })
}

fn decoded(codec: &Codec, digits: &[Vec<u8>], t: u8) -> Vec<f32> {
    let (lattice, q) = (codec.lattice(), i64::from(codec.q()));
    let mut sum = vec![0; lattice.dim()];
    let mut weight = 1;
    for b in digits {
        let g = point(lattice, b);
        // g is doubled, and so is Q(g / q).
        let y = nearest(lattice, &g, 2 * q);
        for k in 0..sum.len() {
            sum[k] += weight * (g[k] - q * y[k]);
        }
        weight *= q;
    }
    sum.iter().map(|&s| s as f32 * (codec.beta() * 2f32.powi(i32::from(t) - 1))).collect()
}

/// Vector `i` of a batch of dimension `d`.
fn vector<T: Copy>(batch: &[T], layout: Layout, d: usize, i: usize) -> Vec<T> {
    let n = batch.len() / d;
    match layout {
        Layout::Soa => batch.iter().skip(i).step_by(n).copied().collect(),
        Layout::Rows => batch[i * d..][..d].to_vec(),
    }
}

/// The digits of vector `i`, finest first.
fn digits(codec: &Codec, codes: &Encoded, i: usize) -> Vec<Vec<u8>> {
    let d = codec.lattice().dim();
    let level = |m: usize| (0..d).map(|k| codes.digit(i, m * d + k)).collect();
    (0..codec.levels()).map(level).collect()
}

/// G b, doubled.
fn point(lattice: Lattice, b: &[u8]) -> Vec<i64> {
    let columns = columns(lattice);
    let coordinate = |k: usize| columns.iter().zip(b).map(|(c, &b)| c[k] * i64::from(b)).sum();
    (0..lattice.dim()).map(coordinate).collect()
}

/// `n` vectors of shape `[d][n]`, exact in f32, of eight kinds in turn: near, with many ties,
/// far, and tiny. Zeros of either sign occur.
#[cfg(test)]
pub(in crate::lattice) fn awkward(seed: u64, d: usize, n: usize) -> Vec<f32> {
    const RANGE_STEP: [(f32, f32); 8] = [
        (4.0, 1.0 / 1_048_576.0),
        (4.0, 0.5),
        (4.0, 0.25),
        (64.0, 1.0),
        (256.0, 0.5),
        (4096.0, 1.0 / 1024.0),
        (4_194_304.0, 0.5),
        (1e-38, 1e-42),
    ];
    let mut x = crate::input::uniform(seed, d * n, -1.0, 1.0);
    for (j, x) in x.iter_mut().enumerate() {
        let (range, step) = RANGE_STEP[j % n % 8];
        *x = (*x * range / step).round() * step;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_the_basis_are_points_and_their_determinant_is_that_of_the_lattice() {
        for (lattice, det) in [(Lattice::Z2, 1.0), (Lattice::D4, 2.0), (Lattice::E8, 1.0)] {
            let d = lattice.dim();
            let mut rows: Vec<Vec<f64>> = Vec::new();
            for column in columns(lattice) {
                assert!(is_point(lattice, &column[..d]), "{column:?} is not in {lattice}");
                rows.push(column[..d].iter().map(|&v| v as f64 / 2.0).collect());
            }
            assert_eq!(determinant(rows).abs(), det, "{lattice}");
        }
    }

    /// By Gaussian elimination, without a zero pivot.
    fn determinant(mut rows: Vec<Vec<f64>>) -> f64 {
        for k in 0..rows.len() {
            let pivot = rows[k].clone();
            for row in &mut rows[k + 1..] {
                let times = row[k] / pivot[k];
                row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= times * p);
            }
        }
        (0..rows.len()).map(|k| rows[k][k]).product()
    }

    #[test]
    fn worked_by_hand() {
        // A corner of four squares: u = (-0.09, 0.23) points to the upper left.
        assert_eq!(nearest(Lattice::Z2, &[1, 1], 2), [0, 2], "corner");
        // The deep hole of D4 next to eight points: the largest |u_i| is the third, negative.
        assert_eq!(nearest(Lattice::D4, &[1, 0, 0, 0], 1), [2, 0, -2, 0], "deep hole");
        // Half-way from 0 to (1/2, .., 1/2); the sum of the u_i is negative.
        assert_eq!(nearest(Lattice::E8, &[1; 8], 4), [0; 8], "a quarter");
        assert_eq!(nearest(Lattice::E8, &[-1; 8], 4), [-1; 8], "minus a quarter");
    }
}
