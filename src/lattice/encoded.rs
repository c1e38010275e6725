//! Where the codes of a batch lie.
//!
//! Packed, a digit takes w = ceil(log2 q) bits. The word of a vector is the sum over levels m and
//! coordinates i of `b[m][i] << w (d m + i)`: M d w bits, in B = ceil(M d w / 8) bytes, the bits
//! past the last digit 0. From its low end it is cut into as many `u64` as fit, then a `u32`, a
//! `u16` and a `u8` as the rest requires. Plane k holds part k of every word, little-endian, at a
//! 64-byte boundary.

use std::fmt;

use super::Codec;

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

/// What a code word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// Digits of one vector, M d.
    pub(super) digits: usize,
    /// Values of a digit.
    pub(super) q: u8,
    /// Whether there are scalings.
    pub(super) protected: bool,
}

impl Word {
    /// w, the bits of a digit.
    pub(super) fn digit_bits(self) -> usize {
        // 1 for 2, 2 for 3 and 4, 3 for 5 to 8, 4 for 9 to 16.
        (self.q - 1).ilog2() as usize + 1
    }

    /// B, the bytes of a packed word.
    pub(super) fn bytes(self) -> usize {
        (self.digits * self.digit_bits()).div_ceil(8)
    }

    /// The widths of the parts of a word, in bytes.
    fn widths(self) -> impl Iterator<Item = usize> {
        let bytes = self.bytes();
        let rest = [4, 2, 1].into_iter().filter(move |width| bytes & width != 0);
        std::iter::repeat_n(8, bytes / 8).chain(rest)
    }
}

impl Encoded {
    /// Room for the codes of `n` vectors: all digits and scalings 0, nothing overloaded.
    pub fn new(codec: &Codec, form: Form, n: usize) -> Self {
        let word = codec.word();
        let planes = match form {
            Form::Packed => word.widths().map(|width| Plane::new(width, n * width)).collect(),
            Form::Digits(_) => vec![Plane::new(1, n * word.digits)],
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
    fn packed_word(&self, i: usize) -> [u64; 4] {
        let mut bytes = [0; 32];
        let mut at = 0;
        for plane in &self.planes {
            let width = plane.width;
            bytes[at..at + width].copy_from_slice(&plane.bytes()[i * width..][..width]);
            at += width;
        }
        let mut word = [0; 4];
        for (word, bytes) in word.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        word
    }

    /// Whether no bit of vector `i` is set past its last digit.
    pub(super) fn is_clean(&self, i: usize) -> bool {
        let bits = self.word.digits * self.word.digit_bits();
        self.form != Form::Packed
            || bits == 256
            || self.packed_word(i)[bits / 64] >> (bits % 64) == 0
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

    /// Stores the code of vector `i`: its digits, finest level first, its scaling and its flag.
    pub(super) fn set(&mut self, i: usize, digits: &[u8], t: u8, overload: bool) {
        assert_eq!(digits.len(), self.word.digits, "digits of one vector");
        match self.form {
            Form::Packed => self.set_word(i, digits),
            Form::Digits(Layout::Soa) => {
                let n = self.n;
                let plane = self.plane_mut(0);
                digits.iter().enumerate().for_each(|(j, &b)| plane[j * n + i] = b);
            }
            Form::Digits(Layout::Rows) => {
                self.plane_mut(0)[i * digits.len()..][..digits.len()].copy_from_slice(digits);
            }
        }
        if let Some(slot) = self.t.get_mut(i) {
            *slot = t;
        }
        let bit = 1 << (i % 8);
        self.overload[i / 8] = self.overload[i / 8] & !bit | if overload { bit } else { 0 };
    }

    fn set_word(&mut self, i: usize, digits: &[u8]) {
        let bits = self.word.digit_bits();
        let mut word = [0_u64; 5];
        for (j, &b) in digits.iter().enumerate() {
            let (at, shift) = (j * bits / 64, j * bits % 64);
            word[at] |= u64::from(b) << shift;
            if shift + bits > 64 {
                word[at + 1] |= u64::from(b) >> (64 - shift);
            }
        }
        let mut bytes = word.iter().flat_map(|word| word.to_le_bytes());
        for plane in &mut self.planes {
            let width = plane.width;
            plane.bytes_mut()[i * width..][..width].fill_with(|| bytes.next().expect("enough"));
        }
    }
}

/// The `count` bits of a word from bit `at`; `count` is at most 4.
#[inline]
fn bits_at(word: &[u64; 4], at: usize, count: usize) -> u8 {
    let (at, shift) = (at / 64, at % 64);
    let high = if shift + count > 64 { word[at + 1] << (64 - shift) } else { 0 };
    let bits = (word[at] >> shift | high) & ((1 << count) - 1);
    bits.try_into().expect("at most 4 bits")
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, n, word, planes: _, t: _, overload: _ } = self;
        write!(f, "Encoded({form:?}, n {n}, {} digits below {})", word.digits, word.q)
    }
}

/// Bytes at a 64-byte boundary.
#[derive(Clone)]
struct Plane {
    width: usize,
    len: usize,
    lines: Vec<Line>,
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Plane {
    fn new(width: usize, len: usize) -> Self {
        Self { width, len, lines: vec![Line([0; 64]); len.div_ceil(64)] }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `Line` is 64 initialised bytes without padding, and `len` is at most the number
        // of bytes of all lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; any byte is valid, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
