//! Products of matrices by vector units, a tile of 8 rows and 24 columns at a time.
//!
//! A tile stays in registers while its sums are made: `to[i][j] += sum over k of left[k][i] right[k][j]`.
//! All products of a decomposition are put together from tiles; their callers choose an order in which the
//! numbers of `left` come from the nearest cache and those of `right` from the next.
//!
//! A sum of n products differs from the exact one by at most n epsilon of the sum of the magnitudes.
//! Products and sums are fused where the instruction set has that, so that bits differ between them.

use crate::machine::isa::Isa;

/// Rows of a tile.
pub(super) const ROWS: usize = 8;

/// Columns of a tile.
pub(super) const COLUMNS: usize = 24;

/// The left factor, of which 8 numbers are taken for each number of the sums.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left<'a> {
    /// Side by side: `left[k][i]` is number `k * step + i`.
    Beside(&'a [f64], usize),
    /// One below the other: `left[k][i]` is number `i * step + k`.
    Below(&'a [f64], usize),
}

/// Adds the products of `depth` numbers to a tile whose rows start `width` numbers apart. The right factor
/// has rows of 24 numbers that start `step` apart.
#[inline]
pub(super) fn add(
    isa: Isa,
    depth: usize,
    left: Left<'_>,
    (right, step): (&[f64], usize),
    (to, width): (&mut [f64], usize),
) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    match (isa, left) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this processor has it, see above.
        (Isa::Avx512, left) => unsafe { avx512::add(depth, left, (right, step), (to, width)) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        (Isa::Avx2, left) => unsafe { avx2::add(depth, left, (right, step), (to, width)) },
        (_, left) => plain(depth, left, (right, step), (to, width)),
    }
}

/// Adds as [`add`] does, to the first `rows` and `columns` of a tile: others are neither read nor written.
pub(super) fn add_part(
    isa: Isa,
    depth: usize,
    left: Left<'_>,
    right: (&[f64], usize),
    (to, width): (&mut [f64], usize),
    [rows, columns]: [usize; 2],
) {
    if rows >= ROWS && columns >= COLUMNS {
        return add(isa, depth, left, right, (to, width));
    }
    let mut tile = [0.0; ROWS * COLUMNS];
    add(isa, depth, left, right, (&mut tile, COLUMNS));
    for i in 0..rows.min(ROWS) {
        let columns = columns.min(COLUMNS);
        let to = &mut to[i * width..][..columns];
        to.iter_mut().zip(&tile[i * COLUMNS..]).for_each(|(to, x)| *to += x);
    }
}

/// Reflects the columns of 24 rows of 24 numbers: x - tau v (v^T x).
#[inline]
pub(super) fn reflect(isa: Isa, rows: &mut [f64], v: &[f64; COLUMNS], tau: f64) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512 => unsafe { avx512::reflect(rows, v, tau) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2::reflect(rows, v, tau) },
        _ => {
            let (rows, _) = rows.as_chunks_mut::<COLUMNS>();
            for j in 0..COLUMNS {
                let part: f64 = (0..COLUMNS).map(|k| v[k] * rows[k][j]).sum();
                (0..COLUMNS).for_each(|k| rows[k][j] -= tau * part * v[k]);
            }
        }
    }
}

fn plain(
    depth: usize,
    left: Left<'_>,
    (right, step): (&[f64], usize),
    (to, width): (&mut [f64], usize),
) {
    for k in 0..depth {
        let right = &right[k * step..][..COLUMNS];
        for i in 0..ROWS {
            let left = match left {
                Left::Beside(left, step) => left[k * step + i],
                Left::Below(left, step) => left[i * step + k],
            };
            let to = &mut to[i * width..][..COLUMNS];
            for j in 0..COLUMNS {
                to[j] += left * right[j];
            }
        }
    }
}

/// Tiles by one instruction set, in parts of `$rows` rows and `$registers` registers of `$lanes` numbers:
/// as many as there are registers for.
#[cfg(target_arch = "x86_64")]
macro_rules! tiles {
    ($name:ident, $features:literal, $lanes:literal, $rows:literal, $registers:literal,
     $load:ident, $store:ident, $splat:ident, $fused:ident) => {
        mod $name {
            use super::{COLUMNS, Left, ROWS};
            use std::arch::x86_64::*;

            const WIDE: usize = $registers * $lanes;

            #[target_feature(enable = $features)]
            pub(super) fn add(
                depth: usize,
                left: Left<'_>,
                (right, step): (&[f64], usize),
                (to, width): (&mut [f64], usize),
            ) {
                for i in (0..ROWS).step_by($rows) {
                    for j in (0..COLUMNS).step_by(WIDE) {
                        let (right, to) = (&right[j..], &mut to[i * width + j..]);
                        match left {
                            Left::Beside(left, each) => {
                                let left = |k: usize| &left[k * each + i..][..$rows];
                                part(depth, (right, step), (to, width), |k, row| left(k)[row]);
                            }
                            Left::Below(left, each) => {
                                let row = |row: usize| &left[(i + row) * each..][..depth];
                                let rows: [&[f64]; $rows] = std::array::from_fn(row);
                                part(depth, (right, step), (to, width), |k, row| rows[row][k]);
                            }
                        }
                    }
                }
            }

            #[target_feature(enable = $features)]
            pub(super) fn reflect(rows: &mut [f64], v: &[f64; COLUMNS], tau: f64) {
                for j in (0..COLUMNS).step_by(WIDE) {
                    let mut sums = [$splat(0.0); $registers];
                    for k in 0..COLUMNS {
                        let from = rows[k * COLUMNS + j..][..WIDE].chunks_exact($lanes);
                        for (sum, from) in sums.iter_mut().zip(from) {
                            // SAFETY: a chunk of as many numbers as are read.
                            *sum = $fused($splat(v[k]), unsafe { $load(from.as_ptr()) }, *sum);
                        }
                    }
                    for k in 0..COLUMNS {
                        let to = rows[k * COLUMNS + j..][..WIDE].chunks_exact_mut($lanes);
                        for (sum, to) in sums.iter().zip(to) {
                            // SAFETY: a chunk of as many numbers as are read.
                            let x = unsafe { $load(to.as_ptr()) };
                            let x = $fused($splat(-tau * v[k]), *sum, x);
                            // SAFETY: a chunk of as many numbers as are written.
                            unsafe { $store(to.as_mut_ptr(), x) };
                        }
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn part(
                depth: usize,
                (right, step): (&[f64], usize),
                (to, width): (&mut [f64], usize),
                left: impl Fn(usize, usize) -> f64,
            ) {
                let mut sums = [[$splat(0.0); $registers]; $rows];
                for row in 0..$rows {
                    for (sum, to) in
                        sums[row].iter_mut().zip(to[row * width..][..WIDE].chunks_exact($lanes))
                    {
                        // SAFETY: a chunk of as many numbers as are read.
                        *sum = unsafe { $load(to.as_ptr()) };
                    }
                }
                for k in 0..depth {
                    let right = &right[k * step..][..WIDE];
                    let mut x = [$splat(0.0); $registers];
                    for (x, right) in x.iter_mut().zip(right.chunks_exact($lanes)) {
                        // SAFETY: a chunk of as many numbers as are read.
                        *x = unsafe { $load(right.as_ptr()) };
                    }
                    for row in 0..$rows {
                        let left = $splat(left(k, row));
                        for at in 0..$registers {
                            sums[row][at] = $fused(left, x[at], sums[row][at]);
                        }
                    }
                }
                for row in 0..$rows {
                    for (sum, to) in
                        sums[row].iter().zip(to[row * width..][..WIDE].chunks_exact_mut($lanes))
                    {
                        // SAFETY: a chunk of as many numbers as are written.
                        unsafe { $store(to.as_mut_ptr(), *sum) };
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
tiles!(
    avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma",
    8,
    8,
    3,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd
);

#[cfg(target_arch = "x86_64")]
tiles!(
    avx2,
    "avx2,fma",
    4,
    4,
    3,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn a_reflection_is_its_definition() {
        let start = input::gaussian(1, COLUMNS * COLUMNS + 3, 1.0);
        let v: [f64; COLUMNS] = input::gaussian(2, COLUMNS, 1.0).try_into().unwrap();
        for isa in Isa::available() {
            let mut found = start.clone();
            reflect(isa, &mut found, &v, 0.75);
            for (at, x) in found.iter().enumerate() {
                let (i, j) = (at / COLUMNS, at % COLUMNS);
                let part: f64 = (0..COLUMNS).map(|k| v[k] * start[k * COLUMNS + j]).sum();
                let want = start[at] - if i < COLUMNS { 0.75 * v[i] * part } else { 0.0 };
                assert!((x - want).abs() < 1e-13, "{} at {i}, {j}: {x} {want}", isa.name());
            }
        }
    }

    #[test]
    fn every_instruction_set_has_the_products_and_leaves_the_rest_alone() {
        for depth in (0..=9).chain([40]) {
            let (step, width) = (29, 31);
            let left = input::gaussian(1, 50 * step, 1.0);
            let right = input::gaussian(2, (depth + 1) * step, 1.0);
            let start = input::gaussian(3, ROWS * width, 1.0);
            let kinds = [(Left::Beside(&left, step), step, 1), (Left::Below(&left, 50), 1, 50)];
            for (isa, (kind, down, along)) in
                Isa::available().flat_map(|isa| kinds.map(|kind| (isa, kind)))
            {
                for [rows, columns] in [[ROWS, COLUMNS], [3, COLUMNS], [ROWS, 7], [0, 1]] {
                    let mut found = start.clone();
                    let to = (&mut found[..], width);
                    add_part(isa, depth, kind, (&right, step), to, [rows, columns]);
                    for (at, x) in found.iter().enumerate() {
                        let (i, j) = (at / width, at % width);
                        if i >= rows || j >= columns {
                            assert_eq!(*x, start[at], "{} at {i}, {j}", isa.name());
                            continue;
                        }
                        let term = |k: usize| left[k * down + i * along] * right[k * step + j];
                        let want = start[at] + (0..depth).map(term).sum::<f64>();
                        let size: f64 = (0..depth).map(|k| term(k).abs()).sum();
                        let bound = (depth + 1) as f64 * f64::EPSILON * (size + start[at].abs());
                        assert!((x - want).abs() <= bound, "{} at {i}, {j}", isa.name());
                    }
                }
            }
        }
    }
}
