//! Decoding straight from the bytes of a plane, where chunks of words are whole bytes.

use std::arch::x86_64::_mm_sfence;

use super::place::place;
use super::rows::{HalfSteps, half_step};
use crate::lattice::code::Code;
use crate::lattice::code::encoded::{Codes, Form, Layout};
use crate::lattice::code::table::Table;
use crate::lattice::code::word::LANES;

/// Batches of floats of so many bytes are written round the caches.
const STREAM: usize = 1 << 25;

/// Decodes into the vectors of `x` from `from` on, a multiple of 2, straight from the bytes of a
/// plane, if chunks are whole bytes of it; else, or if some code is wrong, returns false.
///
/// # Safety
///
/// The processor has AVX2 and FMA.
#[inline(always)]
pub(in crate::lattice) unsafe fn decode_direct<const D: usize>(
    code: &Code,
    codes: Codes<'_>,
    x: &mut [f32],
    layout: Layout,
    from: usize,
) -> bool {
    let Some(table) = code.table().filter(|table| table.direct) else { return false };
    if codes.form() != Form::Packed {
        return false;
    }
    let (words, t) = (codes.only_plane(), codes.scalings());
    if let Ok(x) = x.try_into() {
        let t = t.first().map_or(0, |t| *t);
        // SAFETY: the caller says so.
        return unsafe { decode_single::<D>(code, table, words, t, x) };
    }
    // SAFETY: as above.
    unsafe { decode_plane::<D>(code, table, words, t, x, layout, from) }
}

#[target_feature(enable = "avx2,fma")]
fn decode_single<const D: usize>(
    code: &Code,
    table: &Table,
    words: &[u8],
    t: u8,
    x: &mut [f32; D],
) -> bool {
    if t > code.max_scaling() || has_wrong_digits(words, code.q()) {
        return false;
    }
    table.sum_single::<D>(words, half_step(code, t), x);
    true
}

#[target_feature(enable = "avx2,fma")]
fn decode_plane<const D: usize>(
    code: &Code,
    table: &Table,
    words: &[u8],
    t: &[u8],
    x: &mut [f32],
    layout: Layout,
    from: usize,
) -> bool {
    if has_wrong_digits(words, code.q()) {
        return false;
    }
    let Some(half) = HalfSteps::new(code, t) else { return false };
    if layout == Layout::Soa {
        decode_soa::<D>(table, words, &half, x, from);
        return true;
    }
    let x = &mut x[from * D..][..words.len() / (table.chunks * table.bits / 8) * D];
    match (table.bits, is_streamed(x)) {
        (8, false) => table.sum::<D, 1, false>(words, &half, x),
        (_, false) => table.sum::<D, 2, false>(words, &half, x),
        (bits, true) => {
            if bits == 8 {
                table.sum::<D, 1, true>(words, &half, x);
            } else {
                table.sum::<D, 2, true>(words, &half, x);
            }
            _mm_sfence();
        }
    }
    true
}

/// Decodes by blocks that the first cache holds, and transposes them.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn decode_soa<const D: usize>(
    table: &Table,
    words: &[u8],
    half: &HalfSteps<'_>,
    x: &mut [f32],
    from: usize,
) {
    let mut out = [[0.0; D]; 2 * LANES];
    let bytes = table.chunks * table.bits / 8;
    let n = words.len() / bytes;
    for at in (0..n).step_by(out.len()) {
        let count = out.len().min(n - at);
        let out = out[..count].as_flattened_mut();
        let words = &words[at * bytes..][..count * bytes];
        if table.bits == 8 {
            table.sum::<D, 1, false>(words, &half.part(at, count), out);
        } else {
            table.sum::<D, 2, false>(words, &half.part(at, count), out);
        }
        place::<D>(x, Layout::Soa, from + at, out, false);
    }
}

/// Whether `x` is written round the caches, which would not keep it.
pub(super) fn is_streamed(x: &[f32]) -> bool {
    size_of_val(x) >= STREAM && x.as_ptr().addr().is_multiple_of(16)
}

/// Whether a digit of packed words is q or more, for q that take 2 or 4 bits or are a power of 2.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn has_wrong_digits(words: &[u8], q: u8) -> bool {
    let mut bad = 0;
    if q.is_power_of_two() {
        return false;
    }
    if q == 3 {
        for b in words {
            bad |= b & b >> 1 & 0x55;
        }
    } else {
        for b in words {
            bad |= (((b & 15) + (16 - q)) | ((b >> 4) + (16 - q))) & 16;
        }
    }
    bad != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::{Codec, Encoded, Lattice};
    use crate::machine::isa::Isa;

    #[test]
    fn every_wrong_bit_of_a_plane_is_named_as_by_the_definition() {
        for (lattice, q) in
            [(Lattice::Z2, 3), (Lattice::D4, 3), (Lattice::D4, 11), (Lattice::E8, 3)]
        {
            let codec = Codec::new(lattice, q, 2, 0.5, true).unwrap();
            let mut codes = Encoded::new(&codec, Form::Packed, 37);
            let mut x = vec![0.0; 37 * lattice.dim()];
            for at in 0..codes.plane(0).len() {
                for (byte, t) in [(0x33, 0), (0x0B, 10), (0xB0, 0), (0x20, 11)] {
                    codes.plane_mut(0)[at] = byte;
                    codes.scalings_mut()[36] = t;
                    let [want, got, soa] = [
                        (Isa::Scalar, Layout::Rows),
                        (Isa::best(), Layout::Rows),
                        (Isa::best(), Layout::Soa),
                    ]
                    .map(|(isa, layout)| {
                        codec.clone().with_isa(isa).decode(&codes, &mut x, layout)
                    });
                    assert_eq!((got, soa), (want, want), "{codec:?}, byte {at} is {byte:#x}");
                }
                codes.plane_mut(0)[at] = 0;
            }
        }
    }
}
