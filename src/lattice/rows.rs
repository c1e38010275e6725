//! Sums of table rows by AVX2: a vector at a time, its row in one register.

use std::arch::x86_64::*;

use super::table::Table;

/// What decoded vectors are multiplied by.
pub(super) struct HalfSteps<'a> {
    /// beta 2^(T-1) for every T.
    pub(super) by: [f32; 16],
    /// The T of each vector, at most 15; if empty, they are 0.
    pub(super) t: &'a [u8],
}

impl HalfSteps<'_> {
    /// That of vector `i`.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> f32 {
        self.by[usize::from(self.t.get(i).map_or(0, |t| t % 16))]
    }
}

impl Table {
    /// Writes the vectors of `words`, each of them `self.chunks` numbers of W bytes, into `out`;
    /// round the caches if `STREAM`, `out` is then at a 16-byte boundary.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn sum<const D: usize, const W: usize, const STREAM: bool>(
        &self,
        words: &[u8],
        half: &HalfSteps<'_>,
        out: &mut [f32],
    ) {
        let out = out.as_chunks_mut().0;
        // Chunks of rows of bytes take two.
        match (D, self.rows.floats) {
            (2, true) => sum_chunks::<D, W, 8, 256, STREAM>(self, words, half, out),
            (4, true) => sum_chunks::<D, W, 16, 256, STREAM>(self, words, half, out),
            (_, true) => sum_chunks::<D, W, 32, 256, STREAM>(self, words, half, out),
            (2, false) => sum_chunks::<D, 2, 2, 65536, STREAM>(self, words, half, out),
            (4, false) => sum_chunks::<D, 2, 4, 65536, STREAM>(self, words, half, out),
            (_, false) => sum_chunks::<D, 2, 8, 65536, STREAM>(self, words, half, out),
        }
    }
}

/// As [`Table::sum`], where `N` rows have `S` bytes.
#[target_feature(enable = "avx2,fma")]
fn sum_chunks<
    const D: usize,
    const W: usize,
    const S: usize,
    const N: usize,
    const STREAM: bool,
>(
    table: &Table,
    words: &[u8],
    half: &HalfSteps<'_>,
    out: &mut [[f32; D]],
) {
    let words = words.as_chunks().0;
    let rows = table.rows.bytes.as_chunks().0.first_chunk().expect("tables have N rows");
    let weight = table.weight;
    match (table.chunks, half.t.is_empty()) {
        (1, true) => sum::<D, W, S, N, 1, false, STREAM>(rows, weight, words, half, out),
        (2, true) => sum::<D, W, S, N, 2, false, STREAM>(rows, weight, words, half, out),
        (4, true) => sum::<D, W, S, N, 4, false, STREAM>(rows, weight, words, half, out),
        (1, false) => sum::<D, W, S, N, 1, true, STREAM>(rows, weight, words, half, out),
        (2, false) => sum::<D, W, S, N, 2, true, STREAM>(rows, weight, words, half, out),
        (chunks, _) => sum_any::<D, W, S, N, STREAM>(rows, chunks, weight, words, half, out),
    }
}

/// As [`sum_chunks`], where words have `C` chunks. Plain loops, which is what is compiled well.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn sum<
    const D: usize,
    const W: usize,
    const S: usize,
    const N: usize,
    const C: usize,
    const SCALED: bool,
    const STREAM: bool,
>(
    rows: &[[u8; S]; N],
    weight: f32,
    words: &[[u8; W]],
    half: &HalfSteps<'_>,
    out: &mut [[f32; D]],
) {
    let n = out.len();
    let words = &words.as_chunks::<C>().0[..n];
    let t = if SCALED { &half.t[..n] } else { &[] };
    let weight = _mm256_set1_ps(weight);
    let mut by = _mm256_set1_ps(half.by[0]);
    for i in 0..n {
        if SCALED {
            by = _mm256_set1_ps(half.by[usize::from(t[i] % 16)]);
        }
        let mut sum = load::<D, S>(&rows[index(&words[i][C - 1]) % N]);
        for c in (0..C - 1).rev() {
            let row = load::<D, S>(&rows[index(&words[i][c]) % N]);
            sum = _mm256_fmadd_ps(sum, weight, row);
        }
        store::<D, STREAM>(&mut out[i], _mm256_mul_ps(sum, by));
    }
}

/// As [`sum_chunks`], where words have any number of chunks.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn sum_any<const D: usize, const W: usize, const S: usize, const N: usize, const STREAM: bool>(
    rows: &[[u8; S]; N],
    chunks: usize,
    weight: f32,
    words: &[[u8; W]],
    half: &HalfSteps<'_>,
    out: &mut [[f32; D]],
) {
    let weight = _mm256_set1_ps(weight);
    for i in 0..out.len() {
        let word = &words[i * chunks..][..chunks];
        let mut sum = _mm256_setzero_ps();
        for c in (0..chunks).rev() {
            sum = _mm256_fmadd_ps(sum, weight, load::<D, S>(&rows[index(&word[c]) % N]));
        }
        store::<D, STREAM>(&mut out[i], _mm256_mul_ps(sum, _mm256_set1_ps(half.of(i))));
    }
}

/// A number of one or two bytes.
#[inline(always)]
fn index<const W: usize>(bytes: &[u8; W]) -> usize {
    u16::from_le_bytes([bytes[0], if W > 1 { bytes[W - 1] } else { 0 }]).into()
}

/// A row of D numbers, as f32: bytes or already such.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const D: usize, const S: usize>(row: &[u8; S]) -> __m256 {
    let from = row.as_ptr();
    if S == 4 * D {
        return match D {
            // SAFETY: two f32 are 8 readable bytes; the load may be unaligned.
            2 => _mm256_castps128_ps256(_mm_castpd_ps(unsafe { _mm_load_sd(from.cast()) })),
            // SAFETY: four are 16 readable bytes; the load may be unaligned.
            4 => _mm256_castps128_ps256(unsafe { _mm_loadu_ps(from.cast()) }),
            // SAFETY: eight are 32 readable bytes; the load may be unaligned.
            _ => unsafe { _mm256_loadu_ps(from.cast()) },
        };
    }
    match D {
        8 => {
            // SAFETY: eight readable bytes; the load may be unaligned.
            let row = unsafe { _mm_loadl_epi64(from.cast()) };
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(row))
        }
        _ => {
            let bytes = if D == 2 {
                [row[0], row[1], 0, 0]
            } else {
                [row[0], row[1], row[S - 2], row[S - 1]]
            };
            let row = _mm_cvtsi32_si128(i32::from_le_bytes(bytes));
            _mm256_castps128_ps256(_mm_cvtepi32_ps(_mm_cvtepi8_epi32(row)))
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store<const D: usize, const STREAM: bool>(to: &mut [f32; D], v: __m256) {
    let to = to.as_mut_ptr();
    let low = _mm256_castps256_ps128(v);
    match (D, STREAM) {
        (2, true) => {
            let v = _mm_cvtsi128_si64(_mm_castps_si128(low));
            // SAFETY: two writable f32; this store may be unaligned.
            unsafe { _mm_stream_si64(to.cast(), v) }
        }
        // SAFETY: two writable f32; the store may be unaligned.
        (2, false) => unsafe { _mm_store_sd(to.cast(), _mm_castps_pd(low)) },
        // SAFETY: four writable f32, at a 16-byte boundary where the caller streams.
        (4, true) => unsafe { _mm_stream_ps(to, low) },
        // SAFETY: four writable f32; the store may be unaligned.
        (4, false) => unsafe { _mm_storeu_ps(to, low) },
        (_, true) => {
            // SAFETY: eight writable f32, at a 16-byte boundary where the caller streams.
            unsafe { _mm_stream_ps(to, low) }
            let high = to.wrapping_add(4);
            // SAFETY: the upper four of them.
            unsafe { _mm_stream_ps(high, _mm256_extractf128_ps::<1>(v)) }
        }
        // SAFETY: eight writable f32; the store may be unaligned.
        (_, false) => unsafe { _mm256_storeu_ps(to, v) },
    }
}
