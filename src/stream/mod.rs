//! The bandwidth of one core's memory: the roofs over every kernel that streams.
//!
//! | | |
//! | --- | --- |
//! | [`read()`] | adds up words |
//! | [`write()`] | writes blocks past the caches |
//!
//! On buffers that no cache holds. A batch that lies in a cache can exceed both.

mod cases;

pub use cases::cases;

/// Sixteen bytes, aligned as non-temporal stores need it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(16))]
pub struct Block(pub [u64; 2]);

/// The sum of all words, modulo 2^64; in eight lanes, which hide the latency of the additions.
pub fn read(words: &[u64]) -> u64 {
    let (chunks, rest) = words.as_chunks::<8>();
    let mut lanes = [0_u64; 8];
    for chunk in chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane = lane.wrapping_add(*word);
        }
    }
    lanes.iter().chain(rest).fold(0, |sum, word| sum.wrapping_add(*word))
}

/// Sets both words of every block to `value`, past the caches where there is a way.
pub fn write(blocks: &mut [Block], value: u64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of every x86-64 target.
    unsafe {
        write_sse2(blocks, value);
    }
    #[cfg(not(target_arch = "x86_64"))]
    blocks.fill(Block([value; 2]));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn write_sse2(blocks: &mut [Block], value: u64) {
    use std::arch::x86_64::{_mm_set1_epi64x, _mm_sfence, _mm_stream_si128};
    let value = _mm_set1_epi64x(value.cast_signed());
    for block in blocks {
        // SAFETY: a block is 16 bytes at a multiple of 16, and ours alone.
        unsafe { _mm_stream_si128(std::ptr::from_mut(block).cast(), value) }
    }
    // The next reader must see the stores, which have an order of their own.
    _mm_sfence();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_and_every_block_written() {
        assert_eq!(read(&(0..67).collect::<Vec<_>>()), 67 * 33, "sum");
        let mut blocks = vec![Block([1; 2]); 33];
        write(&mut blocks, 7);
        assert_eq!(blocks, [Block([7; 2]); 33], "blocks");
    }
}
