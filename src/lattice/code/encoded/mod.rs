//! Where the codes of a batch lie.
//!
//! Packed, a digit takes w = ceil(log2 q) bits. The word of a vector is the sum over levels m and
//! coordinates i of `b[m][i] << w (d m + i)`: M d w bits, in B = ceil(M d w / 8) bytes, the bits
//! past the last digit 0. From its low end it is cut into as many `u64` as fit, then a `u32`, a
//! `u16` and a `u8` as the rest requires. Plane k holds part k of every word, little-endian, at a
//! 64-byte boundary.

use std::fmt;
use std::ops::Range;

use super::word::{Part, Word, parts};

mod elements;
mod view;

pub(in crate::lattice) use view::{Codes, CodesMut};

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
    shape: Shape,
    /// The planes, or the digits.
    lines: Vec<Line>,
    t: Vec<u8>,
    overload: Vec<u8>,
}

/// How many codes there are, and how they lie.
#[derive(Debug, Clone, Copy)]
pub(in crate::lattice) struct Shape {
    form: Form,
    n: usize,
    word: Word,
    /// Bytes of the codes of a vector.
    each: usize,
    /// Vectors that each plane has room for.
    stride: usize,
}

impl Shape {
    /// Packed codes of no vectors.
    pub(in crate::lattice) fn packed(word: Word) -> Self {
        Self { form: Form::Packed, n: 0, word, each: word.bytes(), stride: 0 }
    }

    /// Bytes that `n` packed codes take, with their scalings and flags.
    pub(in crate::lattice) fn room(&self, n: usize) -> usize {
        n * (self.each + usize::from(self.word.protected)) + n.div_ceil(8)
    }
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Encoded {
    /// Room for the codes of `n` vectors of this kind.
    pub(in crate::lattice) fn of(word: Word, form: Form, n: usize) -> Self {
        let each = if form == Form::Packed { word.bytes() } else { word.digits };
        // Every plane starts at a cache line.
        let stride = n.checked_next_multiple_of(64);
        let room = stride.and_then(|stride| Some((stride, stride.checked_mul(each)?)));
        let (stride, len) = room.expect("memory has not so many bytes");
        let shape = Shape { form, n, word, each, stride };
        let t = vec![0; if word.protected { n } else { 0 }];
        let lines = vec![Line([0; 64]); len / 64];
        Self { shape, lines, t, overload: vec![0; n.div_ceil(8)] }
    }

    /// The codes, to be read.
    #[inline(always)]
    pub(in crate::lattice) fn read(&self) -> Codes<'_> {
        Codes { shape: &self.shape, bytes: self.bytes(), t: &self.t }
    }

    /// The codes, to be written.
    #[inline(always)]
    pub(in crate::lattice) fn write(&mut self) -> CodesMut<'_> {
        let Self { shape, lines, t, overload } = self;
        CodesMut { shape: *shape, bytes: bytes_mut(lines), t, overload }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: `Line` is 64 initialised bytes without padding.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), 64 * self.lines.len()) }
    }

    /// The number n of vectors.
    pub fn len(&self) -> usize {
        self.shape.n
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.shape.n == 0
    }

    /// How the codes are stored.
    pub fn form(&self) -> Form {
        self.shape.form
    }

    pub(in crate::lattice) fn word(&self) -> Word {
        self.shape.word
    }

    /// The number of planes; 1 for digits.
    pub fn planes(&self) -> usize {
        if self.shape.form == Form::Packed { parts(self.shape.each).count() } else { 1 }
    }

    fn part(&self, k: usize) -> Part {
        parts(self.shape.each).nth(k).unwrap_or_else(|| panic!("plane {k} of {}", self.planes()))
    }

    /// The bytes that plane `k` holds of every word: 8, 4, 2 or 1; 1 for digits.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane_width(&self, k: usize) -> usize {
        if self.shape.form == Form::Packed { self.part(k).width } else { 1 }
    }

    /// Where in the bytes plane `k` lies.
    fn plane_range(&self, k: usize) -> Range<usize> {
        if self.shape.form == Form::Packed {
            let Part { start, width } = self.part(k);
            let start = self.shape.stride * start;
            return start..start + self.shape.n * width;
        }
        assert_eq!(k, 0, "digits have one plane");
        0..self.shape.n * self.shape.each
    }

    /// Plane `k`, n times its width long; see the module for its order.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane(&self, k: usize) -> &[u8] {
        &self.bytes()[self.plane_range(k)]
    }

    /// Plane `k`, to be filled with words from elsewhere. Decoding checks them.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub fn plane_mut(&mut self, k: usize) -> &mut [u8] {
        let range = self.plane_range(k);
        &mut bytes_mut(&mut self.lines)[range]
    }

    /// The digits, of the shape that the form's layout says.
    ///
    /// # Panics
    ///
    /// If the codes are packed.
    pub fn digits(&self) -> &[u8] {
        assert_ne!(self.shape.form, Form::Packed, "the codes are packed");
        self.plane(0)
    }

    /// The digits, to be filled with some from elsewhere. Decoding checks them.
    ///
    /// # Panics
    ///
    /// If the codes are packed.
    pub fn digits_mut(&mut self) -> &mut [u8] {
        assert_ne!(self.shape.form, Form::Packed, "the codes are packed");
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
        assert!(i < self.shape.n, "vector {i} of {}", self.shape.n);
        self.t.get(i).copied().unwrap_or(0)
    }

    /// The overload flags: that of vector i is bit i mod 8 of byte i / 8, and the rest is 0.
    pub fn overload(&self) -> &[u8] {
        &self.overload
    }

    pub(in crate::lattice) fn overload_mut(&mut self) -> &mut [u8] {
        &mut self.overload
    }

    /// Whether the codebook, scaled by 2^T, does not reach vector `i`.
    ///
    /// # Panics
    ///
    /// If there is no such vector.
    pub fn is_overloaded(&self, i: usize) -> bool {
        assert!(i < self.shape.n, "vector {i} of {}", self.shape.n);
        self.overload[i / 8] >> (i % 8) & 1 != 0
    }

    /// How many vectors are overloaded.
    pub fn overloaded(&self) -> usize {
        ones(&self.overload)
    }

    /// The bytes of the codes and scalings.
    pub fn len_bytes(&self) -> usize {
        self.shape.n * self.shape.each + self.t.len()
    }

    /// Digit `j` of vector `i`, as stored; digit d m + k is coordinate k of level m.
    ///
    /// # Panics
    ///
    /// If there is no such vector or digit.
    pub fn digit(&self, i: usize, j: usize) -> u8 {
        self.read().digit(i, j)
    }
}

/// How many bits are set.
#[inline(always)]
fn ones(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word).count_ones());
    let rest = rest.iter().map(|byte| byte.count_ones());
    words.chain(rest).map(|ones| ones as usize).sum()
}

#[inline]
fn bytes_mut(lines: &mut [Line]) -> &mut [u8] {
    // SAFETY: as in `Encoded::bytes`; any byte is valid, and `lines` are borrowed mutably.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), 64 * lines.len()) }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { form, n, word, .. } = self.shape;
        write!(f, "Encoded({form:?}, n {n}, {} digits below {})", word.digits, word.q)
    }
}
