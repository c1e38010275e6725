//! Sums of table rows by AVX2: a vector at a time, its row in one register.

use std::arch::x86_64::*;

use super::encoded::LANES;
use super::table::Rows;

impl Rows {
    /// Writes `half * sum weight^c row(index_c)` for every lane, round the caches if `STREAM`;
    /// `out` is then at a 16-byte boundary. If not `SCALED`, all of `half` are equal.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn sum<const D: usize, const STREAM: bool, const SCALED: bool>(
        &self,
        index: &[[u16; LANES]],
        weight: f32,
        half: &[f32; LANES],
        out: &mut [f32],
    ) {
        match (self, D) {
            (Self::Floats(rows), 2) => floats2::<STREAM, SCALED>(rows, index, weight, half, out),
            (Self::Floats(rows), 4) => floats4::<STREAM, SCALED>(rows, index, weight, half, out),
            (Self::Floats(rows), _) => floats8::<STREAM, SCALED>(rows, index, weight, half, out),
            (Self::Bytes(rows), 2) => bytes2::<STREAM, SCALED>(rows, index, weight, half, out),
            (Self::Bytes(rows), 4) => bytes4::<STREAM, SCALED>(rows, index, weight, half, out),
            (Self::Bytes(rows), _) => bytes8::<STREAM, SCALED>(rows, index, weight, half, out),
        }
    }
}

/// The rows of one table, by how many there are and of what.
macro_rules! sum_rows {
    ($name:ident, $number:ty, $d:literal, $load:ident, $store:ident) => {
        #[target_feature(enable = "avx2,fma")]
        fn $name<const STREAM: bool, const SCALED: bool>(
            rows: &[$number],
            index: &[[u16; LANES]],
            weight: f32,
            half: &[f32; LANES],
            out: &mut [f32],
        ) {
            #[inline]
            #[target_feature(enable = "avx2,fma")]
            fn sum<const N: usize, const C: usize, const STREAM: bool, const SCALED: bool>(
                rows: &[[$number; $d]; N],
                index: [&[u16; LANES]; C],
                weight: f32,
                half: &[f32; LANES],
                out: &mut [[f32; $d]; LANES],
            ) {
                let weight = _mm256_set1_ps(weight);
                let mut by = _mm256_set1_ps(half[0]);
                for i in 0..LANES {
                    if SCALED {
                        by = _mm256_set1_ps(half[i]);
                    }
                    let mut sum = $load(&rows[usize::from(index[C - 1][i]) % N]);
                    for c in (0..C - 1).rev() {
                        let row = $load(&rows[usize::from(index[c][i]) % N]);
                        sum = _mm256_fmadd_ps(sum, weight, row);
                    }
                    $store::<STREAM>(&mut out[i], _mm256_mul_ps(sum, by));
                }
            }
            #[inline]
            #[target_feature(enable = "avx2,fma")]
            fn sum_all<const N: usize, const STREAM: bool, const SCALED: bool>(
                rows: &[[$number; $d]; N],
                index: &[[u16; LANES]],
                weight: f32,
                half: &[f32; LANES],
                out: &mut [[f32; $d]; LANES],
            ) {
                match index {
                    [a] => sum::<N, 1, STREAM, SCALED>(rows, [a], weight, half, out),
                    [a, b] => sum::<N, 2, STREAM, SCALED>(rows, [a, b], weight, half, out),
                    [a, b, c] => sum::<N, 3, STREAM, SCALED>(rows, [a, b, c], weight, half, out),
                    _ => {
                        for i in 0..LANES {
                            let mut sum = _mm256_setzero_ps();
                            for index in index.iter().rev() {
                                let row = $load(&rows[usize::from(index[i]) % N]);
                                sum = _mm256_fmadd_ps(sum, _mm256_set1_ps(weight), row);
                            }
                            $store::<STREAM>(
                                &mut out[i],
                                _mm256_mul_ps(sum, _mm256_set1_ps(half[i])),
                            );
                        }
                    }
                }
            }
            let rows = rows.as_chunks::<$d>().0;
            let out = out.as_chunks_mut().0.first_chunk_mut().expect("a row for each lane");
            // Known lengths spare the checks of every index.
            if let Some(rows) = rows.first_chunk::<65536>() {
                sum_all::<_, STREAM, SCALED>(rows, index, weight, half, out);
            } else if let Some(rows) = rows.first_chunk::<4096>() {
                sum_all::<_, STREAM, SCALED>(rows, index, weight, half, out);
            } else if let Some(rows) = rows.first_chunk::<256>() {
                sum_all::<_, STREAM, SCALED>(rows, index, weight, half, out);
            }
        }
    };
}
sum_rows!(floats2, f32, 2, load_f32x2, store_2);
sum_rows!(floats4, f32, 4, load_f32x4, store_4);
sum_rows!(floats8, f32, 8, load_f32x8, store_8);
sum_rows!(bytes2, i8, 2, load_i8x2, store_2);
sum_rows!(bytes4, i8, 4, load_i8x4, store_4);
sum_rows!(bytes8, i8, 8, load_i8x8, store_8);

#[inline]
#[target_feature(enable = "avx2")]
fn load_f32x2(row: &[f32; 2]) -> __m256 {
    // SAFETY: two f32 are 8 readable bytes; the load may be unaligned.
    let row = unsafe { _mm_load_sd(row.as_ptr().cast()) };
    _mm256_castps128_ps256(_mm_castpd_ps(row))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_f32x4(row: &[f32; 4]) -> __m256 {
    // SAFETY: four readable f32; the load may be unaligned.
    _mm256_castps128_ps256(unsafe { _mm_loadu_ps(row.as_ptr()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_f32x8(row: &[f32; 8]) -> __m256 {
    // SAFETY: eight readable f32; the load may be unaligned.
    unsafe { _mm256_loadu_ps(row.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_i8x2(row: &[i8; 2]) -> __m256 {
    let row = i16::from_le_bytes(row.map(i8::cast_unsigned));
    _mm256_castps128_ps256(_mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(row.into()))))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_i8x4(row: &[i8; 4]) -> __m256 {
    let row = _mm_cvtsi32_si128(i32::from_le_bytes(row.map(i8::cast_unsigned)));
    _mm256_castps128_ps256(_mm_cvtepi32_ps(_mm_cvtepi8_epi32(row)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_i8x8(row: &[i8; 8]) -> __m256 {
    // SAFETY: eight readable bytes; the load may be unaligned.
    let row = unsafe { _mm_loadl_epi64(row.as_ptr().cast()) };
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(row))
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_2<const STREAM: bool>(to: &mut [f32; 2], v: __m256) {
    let v = _mm_cvtsi128_si64(_mm256_castsi256_si128(_mm256_castps_si256(v)));
    let to: *mut i64 = to.as_mut_ptr().cast();
    if STREAM {
        // SAFETY: 8 writable bytes; this store may be unaligned.
        unsafe { _mm_stream_si64(to, v) }
    } else {
        // SAFETY: as above.
        unsafe { to.write_unaligned(v) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_4<const STREAM: bool>(to: &mut [f32; 4], v: __m256) {
    let v = _mm256_castps256_ps128(v);
    if STREAM {
        // SAFETY: four writable f32, at a 16-byte boundary where the caller streams.
        unsafe { _mm_stream_ps(to.as_mut_ptr(), v) }
    } else {
        // SAFETY: four writable f32; the store may be unaligned.
        unsafe { _mm_storeu_ps(to.as_mut_ptr(), v) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_8<const STREAM: bool>(to: &mut [f32; 8], v: __m256) {
    if STREAM {
        let halves = [_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v)];
        for (to, v) in to.chunks_mut(4).zip(halves) {
            // SAFETY: four writable f32, at a 16-byte boundary where the caller streams.
            unsafe { _mm_stream_ps(to.as_mut_ptr(), v) }
        }
    } else {
        // SAFETY: eight writable f32; the store may be unaligned.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
    }
}
