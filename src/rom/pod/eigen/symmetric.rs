//! Product of a symmetric matrix and a vector, each number of the lower triangle read once.
//!
//! Sums are kept in eight lanes, whatever the instruction set, so that the bits are the same on all.

use crate::machine::isa::Isa;

/// Lanes of a sum.
const LANES: usize = 8;

/// Rows that are taken together, so that the vector and the product are read once for all of them.
const ROWS: usize = 4;

/// Puts `matrix v` into `y`; the matrix has rows of `width` numbers, of which the lower triangle of the
/// first `v.len()` rows is read.
pub(super) fn product(isa: Isa, matrix: &[f64], width: usize, v: &[f64], y: &mut [f64]) {
    assert!(isa.is_available() && y.len() == v.len(), "room for the product");
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this processor has it, see above.
        Isa::Avx512 => unsafe { product_avx512(matrix, width, v, y) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { product_avx2(matrix, width, v, y) },
        _ => plain(matrix, width, v, y),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn product_avx512(matrix: &[f64], width: usize, v: &[f64], y: &mut [f64]) {
    plain(matrix, width, v, y);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn product_avx2(matrix: &[f64], width: usize, v: &[f64], y: &mut [f64]) {
    plain(matrix, width, v, y);
}

#[inline(always)]
fn plain(matrix: &[f64], width: usize, v: &[f64], y: &mut [f64]) {
    let n = v.len();
    y.fill(0.0);
    let mut first = 0;
    while first + ROWS <= n {
        let rows = &matrix[first * width..];
        let mut sums = four(rows, width, first, v, y);
        for k in 0..ROWS {
            let i = first + k;
            let row = &rows[k * width..][..=i];
            for j in first..i {
                sums[k] += row[j] * v[j];
                y[j] += row[j] * v[i];
            }
            y[i] += sums[k] + row[i] * v[i];
        }
        first += ROWS;
    }
    for i in first..n {
        let row = &matrix[i * width..][..=i];
        let mut sum = 0.0;
        for j in 0..i {
            sum += row[j] * v[j];
            y[j] += row[j] * v[i];
        }
        y[i] += sum + row[i] * v[i];
    }
}

/// Adds the first `n` numbers of four rows, times those of `v` at the rows, to `y`; returns their
/// products with `v`.
#[inline(always)]
fn four(rows: &[f64], width: usize, n: usize, v: &[f64], y: &mut [f64]) -> [f64; ROWS] {
    let factors = [v[n], v[n + 1], v[n + 2], v[n + 3]];
    let (a, a_rest) = rows[..n].as_chunks::<LANES>();
    let (b, b_rest) = rows[width..][..n].as_chunks::<LANES>();
    let (c, c_rest) = rows[2 * width..][..n].as_chunks::<LANES>();
    let (d, d_rest) = rows[3 * width..][..n].as_chunks::<LANES>();
    let (v, v_rest) = v[..n].as_chunks::<LANES>();
    let (y, y_rest) = y[..n].as_chunks_mut::<LANES>();
    let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
    let (v, y) = (&v[..a.len()], &mut y[..a.len()]);
    let mut lanes = [[0.0; LANES]; ROWS];
    for at in 0..a.len() {
        let (a, b, c, d) = (a[at], b[at], c[at], d[at]);
        for l in 0..LANES {
            let x = v[at][l];
            lanes[0][l] += a[l] * x;
            lanes[1][l] += b[l] * x;
            lanes[2][l] += c[l] * x;
            lanes[3][l] += d[l] * x;
            y[at][l] +=
                (a[l] * factors[0] + b[l] * factors[1]) + (c[l] * factors[2] + d[l] * factors[3]);
        }
    }
    for l in 0..a_rest.len() {
        let (a, b, c, d) = (a_rest[l], b_rest[l], c_rest[l], d_rest[l]);
        lanes[0][l] += a * v_rest[l];
        lanes[1][l] += b * v_rest[l];
        lanes[2][l] += c * v_rest[l];
        lanes[3][l] += d * v_rest[l];
        y_rest[l] += (a * factors[0] + b * factors[1]) + (c * factors[2] + d * factors[3]);
    }
    let mut sums = [0.0; ROWS];
    for k in 0..ROWS {
        for l in 0..LANES {
            sums[k] += lanes[k][l];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_has_the_bits_of_the_others_and_the_definition() {
        for n in (0..=33).chain([70]) {
            let width = n + 3;
            let number = |i: usize| ((i * 37 + 11) % 101) as f64 / 64.0 - 0.75;
            let matrix: Vec<_> = (0..n * width).map(number).collect();
            let v: Vec<_> = (0..n).map(|i| number(i + 5)).collect();
            let element = |i: usize, j: usize| matrix[i.max(j) * width + i.min(j)];
            let want: Vec<f64> =
                (0..n).map(|i| (0..n).map(|j| element(i, j) * v[j]).sum()).collect();
            for isa in Isa::available() {
                let mut y = vec![f64::NAN; n];
                product(isa, &matrix, width, &v, &mut y);
                // Multiples of 2^-12 below 2^8, of which sums are exact.
                assert_eq!(y, want, "{} at {n}", isa.name());
            }
        }
    }

    #[test]
    fn sums_are_in_the_same_order_on_all() {
        let n = 61;
        let matrix: Vec<_> = (0..n * n).map(|i| ((i * i) as f64).sin()).collect();
        let v: Vec<_> = (0..n).map(|i| (i as f64).cos()).collect();
        let mut first = vec![0.0; n];
        product(Isa::Scalar, &matrix, n, &v, &mut first);
        for isa in Isa::available() {
            let mut y = vec![f64::NAN; n];
            product(isa, &matrix, n, &v, &mut y);
            assert_eq!(y, first, "{}", isa.name());
        }
    }
}
