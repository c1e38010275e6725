//! Bandwidths of the memory of this machine on one core: the roofs over every kernel that streams.
//!
//! Each roof is the best of several passes over buffers that no cache holds. A batch that lies in
//! a cache can exceed them.

use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::stream::{self, Block};

/// Bytes of all buffers together.
pub const BUFFER_BYTES: usize = 256 << 20;
const PASSES: usize = 5;

/// The roofs of one machine, in bytes per second, read and written bytes both counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roofs {
    /// Reading.
    pub read: f64,
    /// Copying from one buffer to another by the C library.
    pub copy: f64,
    /// Writing past the caches; plain writing where there is no such instruction.
    pub non_temporal_write: f64,
    /// Bytes of the buffers.
    pub buffer_bytes: usize,
}

/// Measures the roofs on buffers of `bytes` bytes in all.
///
/// # Panics
///
/// If there is no room for the two halves.
pub fn measure(bytes: usize) -> Roofs {
    let mut words = vec![1_u64; bytes / 8];
    assert!(words.len() >= 2, "{bytes} bytes are too few");
    let read = rate(8 * words.len(), || {
        black_box(stream::read(black_box(&words)));
    });
    let half = words.len() / 2;
    let (from, to) = words.split_at_mut(half);
    let copy = rate(16 * half, || {
        to[..half].copy_from_slice(black_box(from));
        black_box(&to);
    });
    drop(words);
    let mut blocks = vec![Block([1; 2]); bytes / 16];
    let non_temporal_write = rate(16 * blocks.len(), || {
        stream::write(&mut blocks, black_box(2));
        black_box(&blocks);
    });
    Roofs { read, copy, non_temporal_write, buffer_bytes: bytes }
}

/// The best rate of `pass`, which moves `bytes` bytes, in bytes per second.
fn rate(bytes: usize, mut pass: impl FnMut()) -> f64 {
    pass();
    let best = (0..PASSES).map(|_| {
        let start = Instant::now();
        pass();
        start.elapsed().as_secs_f64()
    });
    bytes as f64 / best.fold(f64::INFINITY, f64::min).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roofs_are_rates() {
        let roofs = measure(1 << 20);
        for rate in [roofs.read, roofs.copy, roofs.non_temporal_write] {
            assert!((1e6..1e13).contains(&rate), "{roofs:?}");
        }
    }
}
