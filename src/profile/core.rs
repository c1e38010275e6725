//! What one core can do on data that lie close to it: the roofs over every kernel that works on a
//! model.
//!
//! Arithmetic is multiplying and adding in one instruction, on as many independent registers as hide
//! its latency; on one register alone each waits for the one before. Reading is adding up words again
//! and again, from whatever cache holds so many.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::machine::isa::Isa;

/// Operations per second, a multiplication and an addition each one; and how long one takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arithmetic {
    /// In double precision.
    pub f64: f64,
    /// In single precision.
    pub f32: f64,
    /// Seconds until the sum of a multiplication and addition can be added to, in either precision.
    pub wait_seconds: f64,
}

/// The best of so many spans is taken.
const SPANS: usize = 15;
const SPAN: Duration = Duration::from_millis(2);

/// The best rate of `pass`, which handles `units` at a time, per second.
fn rate(units: f64, mut pass: impl FnMut()) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..SPANS {
        let (start, mut passes) = (Instant::now(), 0.0);
        let elapsed = loop {
            pass();
            passes += 1.0;
            let elapsed = start.elapsed();
            if elapsed >= SPAN {
                break elapsed;
            }
        };
        best = best.max(units * passes / elapsed.as_secs_f64());
    }
    best
}

const ROUNDS: u32 = 2000;
/// Registers that hide the latency.
const MANY: usize = 10;

macro_rules! fused {
    ($($name:ident, $features:literal, $number:ty, $fill:ident, $fused:ident;)*) => {$(
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $name<const CHAINS: usize>() {
            use std::arch::x86_64::{$fill, $fused};
            let (a, b): ($number, $number) = (black_box(0.5), black_box(1.0));
            let (a, b) = ($fill(a), $fill(b));
            let mut x = [b; CHAINS];
            for _ in 0..ROUNDS {
                for x in &mut x {
                    *x = $fused(*x, a, b);
                }
            }
            black_box(x);
        }
    )*};
}

fused! {
    double_avx2, "avx2,fma", f64, _mm256_set1_pd, _mm256_fmadd_pd;
    single_avx2, "avx2,fma", f32, _mm256_set1_ps, _mm256_fmadd_ps;
    double_avx512, "avx512f", f64, _mm512_set1_pd, _mm512_fmadd_pd;
    single_avx512, "avx512f", f32, _mm512_set1_ps, _mm512_fmadd_ps;
}

/// The same in the plain instructions of the target, a register of 16 bytes each.
macro_rules! plain {
    ($name:ident, $number:ty, $lanes:literal) => {
        fn $name<const CHAINS: usize>() {
            let (a, b): ($number, $number) = (black_box(0.5), black_box(1.0));
            let mut x = [[b; $lanes]; CHAINS];
            for _ in 0..ROUNDS {
                for x in x.as_flattened_mut() {
                    *x = *x * a + b;
                }
            }
            black_box(x);
        }
    };
}
plain!(double_plain, f64, 2);
plain!(single_plain, f32, 4);

/// The roof of arithmetic on `isa`.
///
/// # Panics
///
/// If this processor does not have `isa`.
pub fn arithmetic(isa: Isa) -> Arithmetic {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    let passes: [(f64, fn()); 3] = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => [
            // SAFETY: the processor has it, as asserted.
            (4.0, || unsafe { double_avx2::<MANY>() }),
            // SAFETY: the processor has it, as asserted.
            (8.0, || unsafe { single_avx2::<MANY>() }),
            // SAFETY: the processor has it, as asserted.
            (4.0, || unsafe { double_avx2::<1>() }),
        ],
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => [
            // SAFETY: the processor has it, as asserted.
            (8.0, || unsafe { double_avx512::<MANY>() }),
            // SAFETY: the processor has it, as asserted.
            (16.0, || unsafe { single_avx512::<MANY>() }),
            // SAFETY: the processor has it, as asserted.
            (8.0, || unsafe { double_avx512::<1>() }),
        ],
        _ => [(2.0, double_plain::<MANY>), (4.0, single_plain::<MANY>), (2.0, double_plain::<1>)],
    };
    let [(f64, many), (f32, wide), (_, one)] = passes;
    let all = |lanes: f64| 2.0 * lanes * MANY as f64 * f64::from(ROUNDS);
    Arithmetic {
        f64: rate(all(f64), many),
        f32: rate(all(f32), wide),
        wait_seconds: 1.0 / rate(f64::from(ROUNDS), one),
    }
}

/// The sum of all words, added up so many times; what lanes hold is summed once, at the end.
fn sum(words: &[u64], times: usize) -> u64 {
    let mut lanes = [0_u64; 8];
    for _ in 0..times {
        let (chunks, rest) = black_box(words).as_chunks::<8>();
        for chunk in chunks {
            for (lane, word) in lanes.iter_mut().zip(chunk) {
                *lane = lane.wrapping_add(*word);
            }
        }
        lanes.iter_mut().zip(rest).for_each(|(lane, word)| *lane = lane.wrapping_add(*word));
    }
    lanes.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}

macro_rules! sums {
    ($($name:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $add:ident, $store:ident;)*) => {$(
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $name(words: &[u64], times: usize) -> u64 {
            use std::arch::x86_64::{$add, $load, $store, $zero};
            let (mut a, mut b, mut c, mut d) = ($zero(), $zero(), $zero(), $zero());
            let mut last = 0_u64;
            for _ in 0..times {
                let (chunks, rest) = black_box(words).as_chunks::<{ 4 * $lanes }>();
                for chunk in chunks {
                    let load = |part: usize| {
                        let words = &chunk[part * $lanes..][..$lanes];
                        // SAFETY: the words are as many as a register holds.
                        unsafe { $load(words.as_ptr().cast()) }
                    };
                    (a, b) = ($add(a, load(0)), $add(b, load(1)));
                    (c, d) = ($add(c, load(2)), $add(d, load(3)));
                }
                last = rest.iter().fold(last, |sum, word| sum.wrapping_add(*word));
            }
            let mut lanes = [0_u64; $lanes];
            // SAFETY: the words are as many as a register holds, and ours alone.
            unsafe { $store(lanes.as_mut_ptr().cast(), $add($add(a, b), $add(c, d))) };
            lanes.iter().fold(last, |sum, word| sum.wrapping_add(*word))
        }
    )*};
}

sums! {
    sum_avx2, "avx2", 4, _mm256_setzero_si256, _mm256_loadu_si256, _mm256_add_epi64, _mm256_storeu_si256;
    sum_avx512, "avx512f", 8, _mm512_setzero_si512, _mm512_loadu_si512, _mm512_add_epi64, _mm512_storeu_si512;
}

/// The roof of reading the same `bytes` bytes again and again on `isa`, in bytes per second: whole
/// blocks of 256 bytes, one at least.
///
/// # Panics
///
/// If this processor does not have `isa`.
pub fn read(isa: Isa, bytes: usize) -> f64 {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
    let len = bytes.div_ceil(BLOCK).max(1) * BLOCK / 8;
    // Registers that straddle two lines of a cache would be read at half the rate.
    let room = vec![1_u64; len + BLOCK / 8];
    let words = &room[room.as_ptr().align_offset(BLOCK)..][..len];
    // A short pass is repeated, so that neither the clock nor the sum at its end count.
    let times = (1_usize << 14).div_ceil(words.len());
    let sum: fn(&[u64], usize) -> u64 = match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has it, as asserted.
        Isa::Avx2 => |words, times| unsafe { sum_avx2(words, times) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has it, as asserted.
        Isa::Avx512 => |words, times| unsafe { sum_avx512(words, times) },
        _ => sum,
    };
    rate((8 * words.len() * times) as f64, || {
        black_box(sum(black_box(words), black_box(times)));
    })
}

/// Bytes that a pass of the widest registers reads.
const BLOCK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_on_every_instruction_set() {
        let words: Vec<u64> = (0..101).collect();
        assert_eq!(sum(&words, 1), 5050, "plain");
        assert_eq!(sum(&words, 3), 3 * 5050, "three times");
        #[cfg(target_arch = "x86_64")]
        if Isa::Avx2.is_available() {
            // SAFETY: the processor has it.
            assert_eq!(unsafe { sum_avx2(&words, 3) }, 3 * 5050, "AVX2");
        }
        #[cfg(target_arch = "x86_64")]
        if Isa::Avx512.is_available() {
            // SAFETY: the processor has it.
            assert_eq!(unsafe { sum_avx512(&words, 3) }, 3 * 5050, "AVX-512");
        }
    }

    #[test]
    fn roofs_are_rates_of_this_processor() {
        for isa in Isa::available() {
            let got = arithmetic(isa);
            assert!((1e8..1e12).contains(&got.f64) && (1e8..1e12).contains(&got.f32), "{got:?}");
            // Ten registers take the time of one where the latency is that of ten or more.
            let alone = got.wait_seconds * got.f64;
            assert!((1e-10..1e-7).contains(&got.wait_seconds) && alone > 2.0, "{got:?}");
            assert!((1e8..1e13).contains(&read(isa, 1 << 14)), "{}", isa.name());
        }
        assert!(read(Isa::Scalar, 0) > 1e8, "a line at least");
    }
}
