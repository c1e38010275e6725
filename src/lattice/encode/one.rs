//! A single vector by AVX2, its components side by side.
//!
//! Level 0 rounds as [`lanes`](crate::lattice::code::lanes) does, and gives up where that does. The levels above look up
//! coset leaders, as [`scalar`](crate::lattice::scalar) does.

use std::arch::x86_64::*;

use crate::lattice::code::lanes::{Divisor, Modulus, REACH, ROUND, margin};
use crate::lattice::code::leaders::Leaders;

/// The parameters of a code, as the encoder of one vector takes them.
#[derive(Debug, Clone)]
pub(in crate::lattice) struct One {
    inverse: f32,
    q: Modulus,
    /// q is `odd << shift`; this is the inverse of `odd` modulo 2^16.
    odd_inverse: i16,
    shift: i32,
    /// The places of the components of a digit: in the table of leaders, and in a packed word.
    index: [i16; 8],
    places: [i16; 8],
    levels: usize,
    /// Bits of a packed level.
    bits: usize,
}

impl One {
    /// For steps of `beta` and `levels` digits of `dim` components below `q`.
    pub(in crate::lattice) fn new(beta: f32, dim: usize, q: u8, levels: usize) -> Self {
        let modulus = Modulus::new(q);
        let shift = q.trailing_zeros();
        let odd = i16::from(q >> shift);
        // Newton's iteration doubles the bits that are right, of which there are three.
        let odd_inverse = (0..3).fold(odd, |inverse, _| {
            inverse.wrapping_mul(2_i16.wrapping_sub(odd.wrapping_mul(inverse)))
        });
        let powers = |base: i16| {
            let mut power = 1_i16;
            std::array::from_fn(|k| {
                let place = if k < dim { power } else { 0 };
                power = power.wrapping_mul(base);
                place
            })
        };
        Self {
            inverse: 1.0 / beta,
            q: modulus,
            odd_inverse,
            shift: shift.cast_signed(),
            index: powers(q.into()),
            places: powers(1 << modulus.bits()),
            levels,
            bits: dim * modulus.bits(),
        }
    }

    /// The word of `x`, scaled by `t`, and whether it is overloaded; `None` if it must be done
    /// again. Words have up to 64 bits.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn encode<const D: usize>(
        &self,
        leaders: &Leaders,
        t: u8,
        x: &[f32; D],
    ) -> Option<(u64, bool)> {
        let mut y = nearest(self.inverse * f32::from_bits((127 - u32::from(t)) << 23), x)?;
        let leaders = leaders.table::<D>();
        let mut word = 0;
        for m in 0..self.levels {
            let b = self.reduce(0, self.coordinates::<D>(y));
            let index = dot(b, &self.index);
            let place = if self.q.shifts { index } else { dot(b, &self.places) };
            word |= u64::from(place) << (m * self.bits);
            let leader = sign_extended(&leaders[index as usize]);
            y = _mm_sra_epi16(_mm_sub_epi16(y, leader), _mm_cvtsi32_si128(self.shift));
            if !self.q.shifts {
                y = _mm_mullo_epi16(y, _mm_set1_epi16(self.odd_inverse));
            }
        }
        Some((word, _mm_testz_si128(y, y) == 0))
    }

    /// Every component modulo 2^e q.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn reduce(&self, e: usize, v: __m128i) -> __m128i {
        let Divisor { n, m, s, bias } = self.q.by[e];
        let all = |v: u16| _mm_set1_epi16(v.cast_signed());
        if self.q.shifts {
            return _mm_and_si128(v, all(n - 1));
        }
        let v = _mm_add_epi16(v, all(bias * n));
        let s = _mm_cvtsi32_si128(s.cast_signed());
        let quotient = _mm_srl_epi16(_mm_mulhi_epu16(v, all(m)), s);
        _mm_sub_epi16(v, _mm_mullo_epi16(quotient, all(n)))
    }

    /// Numbers that are the coordinates of `y` modulo q.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn coordinates<const D: usize>(&self, y: __m128i) -> __m128i {
        match D {
            2 => y,
            4 => {
                // Twice the coordinates: what (y0, y1) and (y2, y3) add to each.
                let head = _mm_setr_epi16(-1, -1, 1, -1, 0, 0, 0, 0);
                let tail = _mm_setr_epi16(-1, -1, -1, -1, -2, -2, 0, -2);
                let twice = _mm_add_epi32(
                    _mm_madd_epi16(_mm_shuffle_epi32::<0b00_00_00_00>(y), head),
                    _mm_madd_epi16(_mm_shuffle_epi32::<0b01_01_01_01>(y), tail),
                );
                _mm_packs_epi32(_mm_srai_epi32::<1>(twice), _mm_setzero_si128())
            }
            _ => {
                let y = self.reduce(2, y);
                let last = _mm_shuffle_epi8(y, _mm_set1_epi16(0x0f0e));
                // Coordinate k is the sum of the components from k to 6, less the last, halved.
                let mut sum = _mm_srai_epi16::<1>(_mm_sub_epi16(y, last));
                sum = _mm_add_epi16(sum, _mm_srli_si128::<2>(sum));
                sum = _mm_add_epi16(sum, _mm_srli_si128::<4>(sum));
                sum = _mm_add_epi16(sum, _mm_srli_si128::<8>(sum));
                sum = _mm_blend_epi16::<0b1000_0000>(sum, last);
                _mm_blend_epi16::<1>(sum, _mm_srai_epi16::<1>(sum))
            }
        }
    }
}

/// The sum of `b` times `places`, below 2^16.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn dot(b: __m128i, places: &[i16; 8]) -> u32 {
    // SAFETY: eight numbers are 16 readable bytes; the load may be unaligned.
    let places = unsafe { _mm_loadu_si128(places.as_ptr().cast()) };
    sum(_mm_madd_epi16(b, places)).cast_unsigned()
}

/// The sum of four numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum(v: __m128i) -> i32 {
    let v = _mm_add_epi32(v, _mm_shuffle_epi32::<0b01_00_11_10>(v));
    _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32::<0b10_11_00_01>(v)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sign_extended<const D: usize>(row: &[i8; D]) -> __m128i {
    let mut bytes = [0; 8];
    bytes[..D].copy_from_slice(row);
    _mm_cvtepi8_epi16(_mm_cvtsi64_si128(i64::from_le_bytes(bytes.map(i8::cast_unsigned))))
}

/// The largest of eight numbers from 0, in every place.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn largest(v: __m128i) -> __m128i {
    let max = _mm_set1_epi16(i16::MAX);
    _mm_sub_epi16(max, smallest(_mm_sub_epi16(max, v)))
}

/// The smallest of eight numbers from 0, in every place.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn smallest(v: __m128i) -> __m128i {
    _mm_broadcastw_epi16(_mm_minpos_epu16(v))
}

/// The first number.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(clippy::cast_possible_truncation, reason = "16 bits")]
fn first(v: __m128i) -> i16 {
    _mm_cvtsi128_si32(v) as i16
}

/// The number of set sign bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn signs(v: __m128i) -> u32 {
    (_mm_movemask_epi8(v) & 0xaaaa).count_ones()
}

/// The point nearest to `x`, times `inverse`; `None` where [`lanes`](crate::lattice::code::lanes) marks a lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn nearest<const D: usize>(inverse: f32, x: &[f32; D]) -> Option<__m128i> {
    let mut all = [0.0; 8];
    all[..D].copy_from_slice(x);
    // SAFETY: eight readable f32; the load may be unaligned.
    let x = unsafe { _mm256_loadu_ps(all.as_ptr()) };
    // Parts of 1 in a rest: so few for E8 that sums of eight fit.
    let h: i16 = if D == 8 { 1 << 13 } else { 1 << 14 };
    let parts = if D == 8 { h.into() } else { 2.0 * f32::from(h) };
    let (inverse, round) = (_mm256_set1_ps(inverse), _mm256_set1_ps(ROUND));
    let s = _mm256_fmadd_ps(x, inverse, round);
    let e = _mm256_fmsub_ps(x, inverse, _mm256_sub_ps(s, round));
    let f = narrow(_mm256_sub_epi32(_mm256_castps_si256(s), _mm256_castps_si256(round)));
    let e = narrow(_mm256_cvtps_epi32(_mm256_mul_ps(e, _mm256_set1_ps(parts))));
    let a = _mm_abs_epi16(e);
    // Of numbers below 0 one less.
    let size = _mm_xor_si128(f, _mm_srai_epi16::<15>(f));
    let exceeds = |v: u16| signs(_mm_cmpgt_epi16(size, _mm_set1_epi16(v.cast_signed()))) != 0;
    if exceeds(REACH - 2) {
        return None;
    }
    let margin = margin(if exceeds(124) { REACH } else { 125 });
    let all_far = largest(a);
    let far = first(all_far);
    if D == 2 {
        return (far < h - margin).then_some(f);
    }
    let odd0 = signs(_mm_slli_epi16::<15>(f)) & 1 != 0;
    let sign = _mm_or_si128(e, _mm_set1_epi16(1));
    if D == 4 {
        let hits = signs(_mm_cmpgt_epi16(a, _mm_set1_epi16(far - margin - 1)));
        if hits > 1 && (odd0 || far >= h - margin) {
            return None;
        }
        let mended = _mm_and_si128(_mm_cmpeq_epi16(a, all_far), _mm_set1_epi16(odd0.into()));
        return Some(_mm_add_epi16(f, _mm_sign_epi16(mended, sign)));
    }
    let near = first(smallest(a));
    let odd1 = odd0 != (signs(e) & 1 != 0);
    let all = sum(_mm_madd_epi16(a, _mm_set1_epi16(1)));
    let [h, far_, near_] = [h, far, near].map(i32::from);
    let d = 2 * h - all + if odd1 { 2 * near_ } else { 0 } - if odd0 { h - 2 * far_ } else { 0 };
    let half = d < 0;
    let (at, odd) = if half { (near, odd1) } else { (far, odd0) };
    let usual: i16 = half.into();
    let mended: i16 = match (half, odd) {
        (_, false) => usual,
        (true, true) => -1,
        (false, true) => 2,
    };
    let edge = if half { near_ } else { h / 2 - far_ };
    let away = _mm_abs_epi16(_mm_sub_epi16(a, _mm_set1_epi16(at)));
    let hits = signs(_mm_cmpgt_epi16(_mm_set1_epi16(margin + 1), away));
    let tie = hits > 1 && (odd || edge <= margin.into());
    if tie || d.abs() <= i32::from(margin) + 3 {
        return None;
    }
    let hit = _mm_cmpeq_epi16(away, _mm_setzero_si128());
    let step = _mm_blendv_epi8(_mm_set1_epi16(usual), _mm_set1_epi16(mended), hit);
    Some(_mm_add_epi16(_mm_add_epi16(f, f), _mm_sign_epi16(step, sign)))
}

/// Eight numbers, at the ends of i16 those beyond.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn narrow(v: __m256i) -> __m128i {
    _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v))
}
