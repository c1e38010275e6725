//! Where the codes of a batch lie.
//!
//! Packed, a digit takes w = ceil(log2 q) bits. The word of a vector is the sum over levels m and
//! coordinates i of `b[m][i] << w (d m + i)`: M d w bits, in B = ceil(M d w / 8) bytes, the bits
//! past the last digit 0. From its low end it is cut into as many `u64` as fit, then a `u32`, a
//! `u16` and a `u8` as the rest requires. Plane k holds part k of every word, little-endian, at a
//! 64-byte boundary.

use std::array::from_fn;
use std::fmt;

use super::Codec;
use super::word::{PARTS, Word, bits_at};
use plane::Plane;

mod blocks;
mod plane;

/// The order of the vectors of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// By coordinate: floats `[d][n]`, digits `[M][d][n]`.
    Soa,
    /// Vector by vector: floats `[n][d]`, digits `[n][M][d]`.
    Rows,
}

/// How codes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Planes of packed words.
    Packed,
    /// One `u8` for each digit.
    Digits(Layout),
}

/// The codes, scalings and overload flags of n vectors.
#[derive(Clone)]
pub struct Encoded {
    form: Form,
    n: usize,
    word: Word,
    /// One for each part of a word; a single one for digits.
    planes: Vec<Plane>,
    t: Vec<u8>,
    overload: Vec<u8>,
}

impl Encoded {
    /// Room for the codes of `n` vectors: all digits and scalings 0, nothing overloaded.
    ///
    /// # Panics
    ///
    /// If memory cannot have so many bytes.
    pub fn new(codec: &Codec, form: Form, n: usize) -> Self {
        let word = codec.word();
        let plane = |width, numbers: usize| {
            Plane::new(width, n.checked_mul(numbers).expect("memory has not so many bytes"))
        };
        let planes = match form {
            Form::Packed => word.widths().map(|width| plane(width, width)).collect(),
            Form::Digits(_) => vec![plane(1, word.digits)],
        };
        let t = vec![0; if word.protected { n } else { 0 }];
        Self { form, n, word, planes, t, overload: vec![0; n.div_ceil(8)] }
    }

    /// The number n of vectors.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// How the codes are stored.
    pub fn form(&self) -> Form {
        self.form
    }

    pub(super) fn word(&self) -> Word {
        self.word
    }

    /// The number of planes; 1 for digits.
    pub fn planes(&self) -> usize {
        self.planes.len()
    }

    /// The bytes that plane `k` holds of every word: 8, 4, 2 or 1; 1 for digits.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane_width(&self, k: usize) -> usize {
        self.planes[k].width
    }

    /// Plane `k`, n times its width long; see the module for its order.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane(&self, k: usize) -> &[u8] {
        self.planes[k].bytes()
    }

    /// Plane `k`, to be filled with words from elsewhere. Decoding checks them.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane_mut(&mut self, k: usize) -> &mut [u8] {
        self.planes[k].bytes_mut()
    }

    /// The digits, of the shape that the form's layout says.
    ///
    /// # Panics
    ///
    /// If the codes are packed.
    pub fn digits(&self) -> &[u8] {
        assert_ne!(self.form, Form::Packed, "the codes are packed");
        self.plane(0)
    }

    /// The digits, to be filled with some from elsewhere. Decoding checks them.
    ///
    /// # Panics
    ///
    /// If the codes are packed.
    pub fn digits_mut(&mut self) -> &mut [u8] {
        assert_ne!(self.form, Form::Packed, "the codes are packed");
        self.plane_mut(0)
    }

    /// The scalings T, shape `[n]`; empty without protection.
    pub fn scalings(&self) -> &[u8] {
        &self.t
    }

    /// The scalings, to be filled with some from elsewhere. Decoding checks them.
    pub fn scalings_mut(&mut self) -> &mut [u8] {
        &mut self.t
    }

    /// The scaling T of vector `i`; 0 without protection.
    ///
    /// # Panics
    ///
    /// If there is no such vector.
    pub fn scaling(&self, i: usize) -> u8 {
        assert!(i < self.n, "vector {i} of {}", self.n);
        self.t.get(i).copied().unwrap_or(0)
    }

    /// The overload flags: that of vector i is bit i mod 8 of byte i / 8, and the rest is 0.
    pub fn overload(&self) -> &[u8] {
        &self.overload
    }

    pub(super) fn overload_mut(&mut self) -> &mut [u8] {
        &mut self.overload
    }

    /// Whether the codebook, scaled by 2^T, does not reach vector `i`.
    ///
    /// # Panics
    ///
    /// If there is no such vector.
    pub fn is_overloaded(&self, i: usize) -> bool {
        assert!(i < self.n, "vector {i} of {}", self.n);
        self.overload[i / 8] >> (i % 8) & 1 != 0
    }

    /// How many vectors are overloaded.
    pub fn overloaded(&self) -> usize {
        self.overload.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// The bytes of the codes and scalings.
    pub fn len_bytes(&self) -> usize {
        self.planes.iter().map(|plane| plane.len).sum::<usize>() + self.t.len()
    }

    /// The packed word of vector `i`, lowest bits first.
    fn packed_word(&self, i: usize) -> [u16; PARTS] {
        let mut bytes = [0; 2 * PARTS];
        let mut at = 0;
        for plane in &self.planes {
            let width = plane.width;
            bytes[at..at + width].copy_from_slice(&plane.bytes()[i * width..][..width]);
            at += width;
        }
        from_fn(|p| u16::from_le_bytes([bytes[2 * p], bytes[2 * p + 1]]))
    }

    /// Whether no bit of vector `i` is set past its last digit.
    pub(super) fn is_clean(&self, i: usize) -> bool {
        let bits = self.word.digits * self.word.digit_bits();
        self.form != Form::Packed
            || bits == 16 * PARTS
            || self.packed_word(i)[bits / 16] >> (bits % 16) == 0
    }

    /// Digit `j` of vector `i`, as stored; digit d m + k is coordinate k of level m.
    ///
    /// # Panics
    ///
    /// If there is no such vector or digit.
    pub fn digit(&self, i: usize, j: usize) -> u8 {
        let bits = self.word.digit_bits();
        match self.form {
            Form::Packed => bits_at(&self.packed_word(i), j * bits, bits),
            Form::Digits(Layout::Soa) => self.digits()[j * self.n + i],
            Form::Digits(Layout::Rows) => self.digits()[i * self.word.digits + j],
        }
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, n, word, planes: _, t: _, overload: _ } = self;
        write!(f, "Encoded({form:?}, n {n}, {} digits below {})", word.digits, word.q)
    }
}
