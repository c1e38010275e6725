//! The digits of a block of vectors, each as one number: the sum of the `q^k b_k`.
//!
//! Whatever the form of the codes, they are read, checked and put together for all vectors of a
//! block at once, in loops of constant length over lanes.

use crate::lattice::code::encoded::{Codes, Form, Layout};
use crate::lattice::code::word::Part;
use crate::lattice::code::{Code, MAX_LEVELS};

/// Vectors of a block.
pub(super) const BLOCK: usize = 64;

/// The numbers of the digits of a block; those of vectors past the end of a batch mean nothing.
pub(super) struct Indices {
    dim: usize,
    q: u8,
    levels: [[u32; BLOCK]; MAX_LEVELS],
}

impl Indices {
    pub(super) fn new(code: &Code) -> Self {
        Self { dim: code.lattice().dim(), q: code.q(), levels: [[0; BLOCK]; MAX_LEVELS] }
    }

    /// The numbers of `count` levels, finest first.
    pub(super) fn levels(&self, count: usize) -> &[[u32; BLOCK]] {
        &self.levels[..count]
    }

    /// Reads vectors `at .. at + len` of `codes`, at most a block. Returns whether they are codes:
    /// no digit is q or more, no bit is set past the last digit.
    pub(super) fn read(&mut self, codes: &Codes<'_>, at: usize, len: usize) -> bool {
        match codes.form() {
            Form::Packed => self.read_packed(codes, at, len),
            Form::Digits(Layout::Soa) => self.read_soa(codes, at, len),
            Form::Digits(Layout::Rows) => self.read_rows(codes, at, len),
        }
    }

    fn read_packed(&mut self, codes: &Codes<'_>, at: usize, len: usize) -> bool {
        let word = codes.word();
        // A row more than a word has, so that a shift over the end of a row finds the next.
        let mut words = [[0; BLOCK]; 5];
        for part in codes.parts() {
            let Part { start: byte, width } = part;
            let bytes = &codes.plane(part)[at * width..][..len * width];
            let (row, shift) = (&mut words[byte / 8], 8 * (byte % 8));
            match width {
                8 => insert::<8>(row, shift, bytes),
                4 => insert::<4>(row, shift, bytes),
                2 => insert::<2>(row, shift, bytes),
                _ => insert::<1>(row, shift, bytes),
            }
        }
        let width = word.digit_bits();
        let bits = self.dim * width;
        let end = word.digits * width;
        let past = words[end / 64].iter().fold(0, |any, word| any | word >> (end % 64));
        let mut most = 0;
        for (m, index) in self.levels.iter_mut().take(word.digits / self.dim).enumerate() {
            let (row, shift) = (m * bits / 64, m * bits % 64);
            let (low, high) = (&words[row], &words[row + 1]);
            for (index, (low, high)) in index.iter_mut().zip(low.iter().zip(high)) {
                let code = (low >> shift | high << 1 << (63 - shift)) & ((1 << bits) - 1);
                *index = u32::try_from(code).expect("at most 32 bits");
            }
            if !self.q.is_power_of_two() {
                let code = *index;
                index.fill(0);
                for k in (0..self.dim).rev() {
                    for (index, code) in index.iter_mut().zip(code) {
                        let digit = code >> (k * width) & ((1 << width) - 1);
                        most = most.max(digit);
                        *index = u32::from(self.q) * *index + digit;
                    }
                }
            }
        }
        past == 0 && most < self.q.into()
    }

    fn read_soa(&mut self, codes: &Codes<'_>, at: usize, len: usize) -> bool {
        let n = codes.len();
        let mut levels = codes.only_plane().chunks(self.dim * n);
        self.levels.iter_mut().zip(&mut levels).all(|(index, level)| {
            index.fill(0);
            level.chunks(n).rev().all(|row| put(index, &row[at..][..len], self.q))
        })
    }

    fn read_rows(&mut self, codes: &Codes<'_>, at: usize, len: usize) -> bool {
        let digits = codes.word().digits;
        let block = &codes.only_plane()[at * digits..][..len * digits];
        let most = block.iter().fold(0, |most, &b| most.max(b));
        if most >= self.q {
            return false;
        }
        for (i, vector) in block.chunks(digits).enumerate() {
            for (index, b) in self.levels.iter_mut().zip(vector.chunks(self.dim)) {
                index[i] = b.iter().rev().fold(0, |i, &b| u32::from(self.q) * i + u32::from(b));
            }
        }
        true
    }
}

/// Puts the little-endian numbers of `W` bytes into a row of words, from bit `shift`.
#[inline]
fn insert<const W: usize>(row: &mut [u64; BLOCK], shift: usize, bytes: &[u8]) {
    for (word, bytes) in row.iter_mut().zip(bytes.as_chunks::<W>().0) {
        let mut part = [0; 8];
        part[..W].copy_from_slice(bytes);
        *word |= u64::from_le_bytes(part) << shift;
    }
}

/// Puts one more digit below those of `index`, if all are below `q`.
#[inline]
fn put(index: &mut [u32; BLOCK], digits: &[u8], q: u8) -> bool {
    let most = digits.iter().fold(0, |most, &b| most.max(b));
    if most >= q {
        return false;
    }
    for (index, &b) in index.iter_mut().zip(digits) {
        *index = u32::from(q) * *index + u32::from(b);
    }
    true
}
