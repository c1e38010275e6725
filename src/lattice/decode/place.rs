//! Decoded vectors to their places in a batch, by AVX2.

use std::arch::x86_64::*;

use crate::lattice::code::encoded::Layout;
use crate::lattice::code::word::LANES;
use crate::lattice::scalar::set_vector;

/// Writes the vectors `from`, of D floats each, to the places from `at` on; round the caches if
/// `stream`, which takes `x` at a 16-byte boundary and `at` a multiple of 2.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn place<const D: usize>(
    x: &mut [f32],
    layout: Layout,
    at: usize,
    from: &[f32],
    stream: bool,
) {
    let (n, count) = (x.len() / D, from.len() / D);
    if layout == Layout::Rows {
        let to = &mut x[at * D..][..count * D];
        let (quads, _) = from.as_chunks::<4>();
        if !stream || 4 * quads.len() < from.len() {
            to.copy_from_slice(from);
            return;
        }
        for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(quads) {
            // SAFETY: four readable f32; the load may be unaligned.
            let v = unsafe { _mm_loadu_ps(from.as_ptr()) };
            // SAFETY: four writable f32; the caller knows that they are at a 16-byte boundary.
            unsafe { _mm_stream_ps(to.as_mut_ptr(), v) }
        }
        return;
    }
    let vectors = from.as_chunks::<D>().0;
    let (blocks, rest) = vectors.as_chunks::<8>();
    for (i, block) in blocks.iter().enumerate() {
        let at = at + 8 * i;
        for k in (0..D).step_by(4) {
            let lanes = if D == 2 { transpose_2(block) } else { transpose_4(block, k) };
            for (j, lanes) in lanes[..D.min(4)].iter().enumerate() {
                let to = &mut x[(k + j) * n + at..][..8];
                // SAFETY: eight writable f32; the store may be unaligned.
                unsafe { _mm256_storeu_ps(to.as_mut_ptr(), *lanes) }
            }
        }
    }
    for (i, vector) in rest.iter().enumerate() {
        set_vector(x, layout, at + 8 * blocks.len() + i, *vector);
    }
}

/// Writes the vectors whose coordinates `lanes` has into `rows`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn to_rows<const D: usize>(lanes: &[[f32; LANES]; D], rows: &mut [[f32; D]; LANES]) {
    for (at, rows) in rows.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let at = 8 * at;
        for (k, lanes) in lanes.as_chunks::<4>().0.iter().enumerate() {
            // SAFETY: eight readable f32 each; the loads may be unaligned.
            let quad = lanes.map(|lane| unsafe { _mm256_loadu_ps(lane[at..][..8].as_ptr()) });
            for (j, pair) in transposed(quad).into_iter().enumerate() {
                let (low, high) = (_mm256_castps256_ps128(pair), _mm256_extractf128_ps::<1>(pair));
                // SAFETY: four writable f32; the store may be unaligned.
                unsafe { _mm_storeu_ps(rows[j][4 * k..][..4].as_mut_ptr(), low) }
                // SAFETY: as above.
                unsafe { _mm_storeu_ps(rows[j + 4][4 * k..][..4].as_mut_ptr(), high) }
            }
        }
        for k in D - D % 4..D {
            for (row, lane) in rows.iter_mut().zip(&lanes[k][at..]) {
                row[k] = *lane;
            }
        }
    }
}

/// Both coordinates of eight vectors, and nothing twice.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_2<const D: usize>(block: &[[f32; D]; 8]) -> [__m256; 4] {
    let from = block.as_flattened();
    // SAFETY: eight readable f32; the load may be unaligned.
    let a = unsafe { _mm256_loadu_ps(from[..8].as_ptr()) };
    // SAFETY: as above.
    let b = unsafe { _mm256_loadu_ps(from[8..][..8].as_ptr()) };
    let (even, odd) = (_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xDD>(a, b));
    // Shuffles work within halves of 128 bits.
    let even = _mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(even));
    let odd = _mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(odd));
    let zero = _mm256_setzero_ps();
    [_mm256_castpd_ps(even), _mm256_castpd_ps(odd), zero, zero]
}

/// Coordinates `k` to `k + 3` of eight vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_4<const D: usize>(block: &[[f32; D]; 8], k: usize) -> [__m256; 4] {
    let mut rows = [_mm256_setzero_ps(); 4];
    for j in 0..4 {
        // SAFETY: four readable f32; the load may be unaligned.
        let low = unsafe { _mm_loadu_ps(block[j][k..][..4].as_ptr()) };
        // SAFETY: as above.
        let high = unsafe { _mm_loadu_ps(block[j + 4][k..][..4].as_ptr()) };
        rows[j] = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high);
    }
    transposed(rows)
}

/// The matrices of 4 by 4 in both halves, transposed.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0x44>(ab, cd),
        _mm256_shuffle_ps::<0xEE>(ab, cd),
        _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
        _mm256_shuffle_ps::<0xEE>(ab_high, cd_high),
    ]
}
