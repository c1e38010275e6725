//! Code and constants that are never used, to move the code of the crate: for calibration only.

use std::hint;

/// Some linkers put constants before all code: so much moves it by a part of a cache line.
static CONSTANTS: [u8; 32] = [0xa5; 32];

/// Keeps the padding in the executable.
pub(crate) fn keep() {
    let pad: fn(&mut [u64; 8]) = pad;
    hint::black_box((pad, &CONSTANTS));
}

/// Some hundred bytes that no optimisation shortens.
#[inline(never)]
fn pad(words: &mut [u64; 8]) {
    for k in 1..8_u32 {
        for i in 0..8 {
            let other = words[(i + 3) % 8].rotate_left(k);
            words[i] = hint::black_box(words[i].wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other);
        }
    }
}
