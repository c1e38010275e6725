//! A plane as elements of N bytes each, a part of a code word in every one.

use crate::lattice::code::word::LANES;

/// Sets elements `at..at + count`.
#[inline(always)]
pub(super) fn set<const N: usize>(
    plane: &mut [u8],
    at: usize,
    count: usize,
    element: impl Fn(usize) -> [u8; N],
) {
    let mut block = [[0; N]; LANES];
    for (i, bytes) in block.iter_mut().enumerate() {
        *bytes = element(i);
    }
    let to = &mut plane[at * N..][..count * N];
    match to.as_chunks_mut().0.first_chunk_mut() {
        Some(to) => *to = block,
        None => to.copy_from_slice(&block.as_flattened()[..count * N]),
    }
}

/// Sets element `i`.
#[inline(always)]
pub(super) fn set_one<const N: usize>(plane: &mut [u8], i: usize, element: [u8; N]) {
    plane.as_chunks_mut().0[i] = element;
}

/// Elements `at..at + count`, and zeros.
#[inline(always)]
pub(super) fn get<const N: usize>(plane: &[u8], at: usize, count: usize) -> [[u8; N]; LANES] {
    let elements = plane[at * N..][..count * N].as_chunks().0;
    match elements.first_chunk() {
        Some(block) => *block,
        None => {
            let mut block = [[0; N]; LANES];
            block[..count].copy_from_slice(elements);
            block
        }
    }
}
