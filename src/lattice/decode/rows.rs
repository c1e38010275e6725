//! Sums of table rows by AVX2: a vector at a time, its row in one register.

use std::arch::x86_64::*;

use crate::lattice::code::Code;
use crate::lattice::code::table::Table;
use crate::lattice::code::word::LANES;

/// The factors of decoded vectors.
pub(super) struct HalfSteps<'a> {
    /// beta 2^(T-1) for every T.
    pub(super) by: [f32; 16],
    /// The T of each vector, at most 15; if empty, they are 0.
    pub(super) t: &'a [u8],
}

impl<'a> HalfSteps<'a> {
    /// Those of vectors with scalings `t`; `None` if some T is too large.
    #[inline(always)]
    pub(super) fn new(code: &Code, t: &'a [u8]) -> Option<Self> {
        let mut by = [half_step(code, 0); 16];
        let mut most = 0;
        if !t.is_empty() {
            for t in 1..=code.max_scaling() {
                by[usize::from(t)] = half_step(code, t);
            }
            for &t in t {
                most = most.max(t);
            }
        }
        (most <= code.max_scaling()).then_some(Self { by, t })
    }

    /// Those of the `count` vectors from `at`.
    #[inline(always)]
    pub(super) fn part(&self, at: usize, count: usize) -> Self {
        Self { by: self.by, t: self.t.get(at..at + count).unwrap_or(&[]) }
    }

    /// Those of the first vectors, a block of them.
    #[inline(always)]
    pub(super) fn lanes(&self) -> [f32; LANES] {
        let mut by = [self.by[0]; LANES];
        for (by, t) in by.iter_mut().zip(self.t) {
            *by = self.by[usize::from(t % 16)];
        }
        by
    }

    /// That of vector `i`.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> f32 {
        self.by[usize::from(self.t.get(i).map_or(0, |t| t % 16))]
    }
}

/// beta 2^(T-1).
#[inline(always)]
pub(super) fn half_step(code: &Code, t: u8) -> f32 {
    code.beta() * (f32::from(1_u16 << t) / 2.0)
}

impl Table {
    /// Writes the vectors of `words`, each of them `self.chunks` numbers of W bytes, 1, 2 or 4 of
    /// them, into `out`; round the caches if `STREAM`, `out` is then at a 16-byte boundary.
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
            (2, true) => sum_words::<D, W, 8, 256, STREAM>(self, words, half, out),
            (4, true) => sum_words::<D, W, 16, 256, STREAM>(self, words, half, out),
            (_, true) => sum_words::<D, W, 32, 256, STREAM>(self, words, half, out),
            (2, false) => sum_words::<D, 2, 2, 65536, STREAM>(self, words, half, out),
            (4, false) => sum_words::<D, 2, 4, 65536, STREAM>(self, words, half, out),
            (_, false) => sum_words::<D, 2, 8, 65536, STREAM>(self, words, half, out),
        }
    }

    /// Writes the vector of the word `bytes`, times `by`, into `out`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn sum_single<const D: usize>(&self, bytes: &[u8], by: f32, out: &mut [f32; D]) {
        match (D, self.rows.floats) {
            (2, true) => sum_single::<D, 8, 256>(self, bytes, by, out),
            (4, true) => sum_single::<D, 16, 256>(self, bytes, by, out),
            (_, true) => sum_single::<D, 32, 256>(self, bytes, by, out),
            (2, false) => sum_single::<D, 2, 65536>(self, bytes, by, out),
            (4, false) => sum_single::<D, 4, 65536>(self, bytes, by, out),
            (_, false) => sum_single::<D, 8, 65536>(self, bytes, by, out),
        }
    }

    /// Writes the vectors of a block into `out`, as many as it has room for. `index` has chunk c of
    /// every lane.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn sum_block<const D: usize>(
        &self,
        index: &[[u16; LANES]],
        half: &HalfSteps<'_>,
        out: &mut [f32],
    ) {
        let out = out.as_chunks_mut().0;
        match (D, self.rows.floats) {
            (2, true) => sum_block::<D, 8, 256>(self, index, half, out),
            (4, true) => sum_block::<D, 16, 256>(self, index, half, out),
            (_, true) => sum_block::<D, 32, 256>(self, index, half, out),
            (2, false) => sum_block::<D, 2, 65536>(self, index, half, out),
            (4, false) => sum_block::<D, 4, 65536>(self, index, half, out),
            (_, false) => sum_block::<D, 8, 65536>(self, index, half, out),
        }
    }

    #[inline(always)]
    fn rows<const S: usize, const N: usize>(&self) -> &[[u8; S]; N] {
        self.rows.bytes.as_chunks().0.first_chunk().expect("tables have N rows")
    }
}

/// Does as [`Table::sum`], where `N` rows have `S` bytes.
#[target_feature(enable = "avx2,fma")]
fn sum_words<const D: usize, const W: usize, const S: usize, const N: usize, const STREAM: bool>(
    table: &Table,
    words: &[u8],
    half: &HalfSteps<'_>,
    out: &mut [[f32; D]],
) {
    let words = words.as_chunks().0;
    let (rows, weight) = (table.rows(), table.weight);
    match (table.chunks, half.t.is_empty()) {
        (1, true) => sum::<D, W, S, N, 1, false, STREAM>(rows, weight, words, half, out),
        (2, true) => sum::<D, W, S, N, 2, false, STREAM>(rows, weight, words, half, out),
        (_, true) => sum::<D, W, S, N, 4, false, STREAM>(rows, weight, words, half, out),
        (1, false) => sum::<D, W, S, N, 1, true, STREAM>(rows, weight, words, half, out),
        (2, false) => sum::<D, W, S, N, 2, true, STREAM>(rows, weight, words, half, out),
        (_, false) => sum::<D, W, S, N, 4, true, STREAM>(rows, weight, words, half, out),
    }
}

/// Does as [`sum_words`], where words have `C` chunks. Plain loops are compiled well.
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
    // Two vectors of two floats make one streaming store.
    let mut from = 0;
    if D == 2 && STREAM {
        let mut by_next = by;
        while from + 1 < n {
            if SCALED {
                by = _mm256_set1_ps(half.by[usize::from(t[from] % 16)]);
                by_next = _mm256_set1_ps(half.by[usize::from(t[from + 1] % 16)]);
            }
            let a = _mm256_mul_ps(row_sum::<D, W, S, N, C>(rows, weight, &words[from]), by);
            let b =
                _mm256_mul_ps(row_sum::<D, W, S, N, C>(rows, weight, &words[from + 1]), by_next);
            let v = _mm_movelh_ps(_mm256_castps256_ps128(a), _mm256_castps256_ps128(b));
            let to = out[from..][..2].as_flattened_mut();
            // SAFETY: four writable f32, at a 16-byte boundary where the caller streams.
            unsafe { _mm_stream_ps(to.as_mut_ptr(), v) }
            from += 2;
        }
    }
    let mut vector = |i: usize| {
        if SCALED {
            by = _mm256_set1_ps(half.by[usize::from(t[i] % 16)]);
        }
        let sum = row_sum::<D, W, S, N, C>(rows, weight, &words[i]);
        store::<D, STREAM>(&mut out[i], _mm256_mul_ps(sum, by));
    };
    // Four at a time: where a shorter loop comes to lie decides its speed.
    while from + 3 < n {
        vector(from);
        vector(from + 1);
        vector(from + 2);
        vector(from + 3);
        from += 4;
    }
    (from..n).for_each(vector);
}

/// The sum of the rows of one word.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn row_sum<const D: usize, const W: usize, const S: usize, const N: usize, const C: usize>(
    rows: &[[u8; S]; N],
    weight: __m256,
    word: &[[u8; W]; C],
) -> __m256 {
    let mut sum = load::<D, S>(&rows[index(&word[C - 1]) % N]);
    for c in (0..C - 1).rev() {
        let row = load::<D, S>(&rows[index(&word[c]) % N]);
        sum = _mm256_fmadd_ps(sum, weight, row);
    }
    sum
}

/// Does as [`Table::sum_single`], where `N` rows have `S` bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_single<const D: usize, const S: usize, const N: usize>(
    table: &Table,
    bytes: &[u8],
    by: f32,
    out: &mut [f32; D],
) {
    let (rows, weight) = (table.rows::<S, N>(), _mm256_set1_ps(table.weight));
    let mut sum = _mm256_setzero_ps();
    for c in (0..table.chunks).rev() {
        let row = match table.bits {
            8 => bytes[c].into(),
            _ => usize::from(bytes[2 * c]) | usize::from(bytes[2 * c + 1]) << 8,
        };
        sum = _mm256_fmadd_ps(sum, weight, load::<D, S>(&rows[row % N]));
    }
    store::<D, false>(out, _mm256_mul_ps(sum, _mm256_set1_ps(by)));
}

/// Does as [`Table::sum_block`], where `N` rows have `S` bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_block<const D: usize, const S: usize, const N: usize>(
    table: &Table,
    index: &[[u16; LANES]],
    half: &HalfSteps<'_>,
    out: &mut [[f32; D]],
) {
    let (rows, weight) = (table.rows(), table.weight);
    let by = half.lanes();
    match index {
        [a] => sum_lanes::<D, S, N, 1>(rows, weight, [a], &by, out),
        [a, b] => sum_lanes::<D, S, N, 2>(rows, weight, [a, b], &by, out),
        [a, b, c] => sum_lanes::<D, S, N, 3>(rows, weight, [a, b, c], &by, out),
        _ => {
            // The first row is 0, and so is what comes of it.
            let zero = [0; LANES];
            let mut all = [&zero; 8];
            for (all, index) in all.iter_mut().zip(index) {
                *all = index;
            }
            sum_lanes::<D, S, N, 8>(rows, weight, all, &by, out);
        }
    }
}

/// Does as [`sum_block`], where words have `C` chunks.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_lanes<const D: usize, const S: usize, const N: usize, const C: usize>(
    rows: &[[u8; S]; N],
    weight: f32,
    index: [&[u16; LANES]; C],
    by: &[f32; LANES],
    out: &mut [[f32; D]],
) {
    let weight = _mm256_set1_ps(weight);
    for i in 0..out.len().min(LANES) {
        let mut sum = load::<D, S>(&rows[usize::from(index[C - 1][i]) % N]);
        for c in (0..C - 1).rev() {
            let row = load::<D, S>(&rows[usize::from(index[c][i]) % N]);
            sum = _mm256_fmadd_ps(sum, weight, row);
        }
        store::<D, false>(&mut out[i], _mm256_mul_ps(sum, _mm256_set1_ps(by[i])));
    }
}

/// A number of one or two bytes.
#[inline(always)]
fn index<const W: usize>(bytes: &[u8; W]) -> usize {
    match bytes.first_chunk() {
        Some(two) => u16::from_le_bytes(*two).into(),
        None => bytes[0].into(),
    }
}

/// A row of D numbers, as f32: bytes or already such.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const D: usize, const S: usize>(row: &[u8; S]) -> __m256 {
    let from = row.as_ptr();
    if S == 4 * D {
        return match D {
            2 => {
                // SAFETY: two f32 are 8 readable bytes; the load may be unaligned.
                let pair = unsafe { _mm_load_sd(from.cast()) };
                _mm256_castps128_ps256(_mm_castpd_ps(pair))
            }
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
    let (low, high) = (_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let pair = _mm_castps_pd(low);
    match (D, STREAM) {
        (2, true) => {
            let pair = _mm_cvtsi128_si64(_mm_castpd_si128(pair));
            // SAFETY: two writable f32; this store may be unaligned.
            unsafe { _mm_stream_si64(to.cast(), pair) }
        }
        // SAFETY: two writable f32; the store may be unaligned.
        (2, false) => unsafe { _mm_store_sd(to.cast(), pair) },
        // SAFETY: four writable f32, at a 16-byte boundary where the caller streams.
        (4, true) => unsafe { _mm_stream_ps(to, low) },
        // SAFETY: four writable f32; the store may be unaligned.
        (4, false) => unsafe { _mm_storeu_ps(to, low) },
        (_, true) => {
            // SAFETY: eight writable f32, at a 16-byte boundary where the caller streams.
            unsafe { _mm_stream_ps(to, low) }
            // SAFETY: the upper four of them.
            unsafe { _mm_stream_ps(to.wrapping_add(4), high) }
        }
        // SAFETY: eight writable f32; the store may be unaligned.
        (_, false) => unsafe { _mm256_storeu_ps(to, v) },
    }
}
