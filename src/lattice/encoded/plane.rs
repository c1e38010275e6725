//! Parts of many code words.

use crate::lattice::word::LANES;

/// Bytes at a 64-byte boundary.
#[derive(Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) len: usize,
    lines: Vec<Line>,
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Plane {
    pub(super) fn new(width: usize, len: usize) -> Self {
        Self { width, len, lines: vec![Line([0; 64]); len.div_ceil(64)] }
    }

    /// Sets elements `at..at + count` of width N.
    #[inline(always)]
    pub(super) fn set<const N: usize>(
        &mut self,
        at: usize,
        count: usize,
        element: impl Fn(usize) -> [u8; N],
    ) {
        let mut block = [[0; N]; LANES];
        for (i, bytes) in block.iter_mut().enumerate() {
            *bytes = element(i);
        }
        let to = &mut self.bytes_mut()[at * N..][..count * N];
        match to.as_chunks_mut().0.first_chunk_mut() {
            Some(to) => *to = block,
            None => to.copy_from_slice(&block.as_flattened()[..count * N]),
        }
    }

    /// Sets element `i` of width N.
    #[inline(always)]
    pub(super) fn set_one<const N: usize>(&mut self, i: usize, element: [u8; N]) {
        self.bytes_mut().as_chunks_mut().0[i] = element;
    }

    /// Elements `at..at + count` of width N, and zeros.
    #[inline(always)]
    pub(super) fn get<const N: usize>(&self, at: usize, count: usize) -> [[u8; N]; LANES] {
        let elements = self.bytes()[at * N..][..count * N].as_chunks().0;
        match elements.first_chunk() {
            Some(block) => *block,
            None => {
                let mut block = [[0; N]; LANES];
                block[..count].copy_from_slice(elements);
                block
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `Line` is 64 initialised bytes without padding, and `len` is at most the number
        // of bytes of all lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; any byte is valid, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
