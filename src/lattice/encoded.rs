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

    /// The word of `digits`, in parts of 16 bits, lowest first.
    pub(super) fn pack(self, digits: &[u8]) -> [u16; PARTS] {
        let bits = self.digit_bits();
        let mut word = [0; PARTS];
        for (j, &b) in digits.iter().enumerate() {
            let (part, shift) = (j * bits / 16, j * bits % 16);
            word[part] |= u16::from(b) << shift;
            if shift + bits > 16 {
                word[part + 1] |= u16::from(b) >> (16 - shift);
            }
        }
        word
    }

    /// The widths of the planes, in bytes.
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

    #[cfg(feature = "cuda")]
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

    /// Stores the code words of the `count` vectors from `at`, in parts of 16 bits.
    #[inline(always)]
    pub(super) fn set_words(&mut self, at: usize, count: usize, words: &Words) {
        match self.form {
            Form::Packed => {
                let mut part = 0;
                for plane in &mut self.planes {
                    let word = &words[part..];
                    match plane.width {
                        8 => plane.set(at, count, |i| join(word, i).to_le_bytes()),
                        4 => plane.set(at, count, |i| {
                            (u32::from(word[0][i]) | u32::from(word[1][i]) << 16).to_le_bytes()
                        }),
                        2 => plane.set(at, count, |i| word[0][i].to_le_bytes()),
                        _ => plane.set(at, count, |i| [word[0][i].to_le_bytes()[0]]),
                    }
                    part += plane.width / 2;
                }
            }
            Form::Digits(layout) => {
                let Word { digits, .. } = self.word;
                let (n, bits) = (self.n, self.word.digit_bits());
                let plane = self.planes[0].bytes_mut();
                for j in 0..digits {
                    let digit = digit_lanes(words, j * bits, bits);
                    match layout {
                        Layout::Soa => {
                            plane[j * n + at..][..count].copy_from_slice(&digit[..count]);
                        }
                        Layout::Rows => {
                            let row = plane[at * digits..].chunks_exact_mut(digits);
                            row.zip(&digit[..count]).for_each(|(row, b)| row[j] = *b);
                        }
                    }
                }
            }
        }
    }

    /// Reads the code words of the `count` vectors from `at`; lanes past `count` are unspecified
    /// words of digits.
    #[inline(always)]
    pub(super) fn words(&self, at: usize, count: usize, words: &mut Words) {
        match self.form {
            Form::Packed => {
                let mut part = 0;
                for plane in &self.planes {
                    let words = &mut words[part..];
                    match plane.width {
                        8 => {
                            let block = plane.get::<8>(at, count);
                            for i in 0..LANES {
                                for (p, word) in words[..4].iter_mut().enumerate() {
                                    word[i] =
                                        u16::from_le_bytes([block[i][2 * p], block[i][2 * p + 1]]);
                                }
                            }
                        }
                        4 => {
                            let block = plane.get::<4>(at, count);
                            for i in 0..LANES {
                                words[0][i] = u16::from_le_bytes([block[i][0], block[i][1]]);
                                words[1][i] = u16::from_le_bytes([block[i][2], block[i][3]]);
                            }
                        }
                        2 => {
                            let block = plane.get(at, count);
                            for i in 0..LANES {
                                words[0][i] = u16::from_le_bytes(block[i]);
                            }
                        }
                        _ => {
                            let block = plane.get::<1>(at, count);
                            for i in 0..LANES {
                                words[0][i] = block[i][0].into();
                            }
                        }
                    }
                    part += plane.width / 2;
                }
            }
            Form::Digits(layout) => {
                let Word { digits, .. } = self.word;
                let bits = self.word.digit_bits();
                let plane = self.planes[0].bytes();
                *words = [[0; LANES]; PARTS];
                for j in 0..digits {
                    let (part, shift) = (j * bits / 16, j * bits % 16);
                    for i in 0..count {
                        let b = match layout {
                            Layout::Soa => plane[j * self.n + at + i],
                            Layout::Rows => plane[(at + i) * digits + j],
                        };
                        words[part][i] |= u16::from(b) << shift;
                        if shift + bits > 16 {
                            words[part + 1][i] |= u16::from(b) >> (16 - shift);
                        }
                    }
                }
            }
        }
    }

    /// Whether some stored digit of the `count` vectors from `at` is q or more; only for digits.
    #[inline(always)]
    pub(super) fn has_large_digits(&self, at: usize, count: usize) -> bool {
        let (digits, q, plane) = (self.word.digits, self.word.q, self.planes[0].bytes());
        let large = |bytes: &[u8]| bytes.iter().any(|&b| b >= q);
        match self.form {
            Form::Packed => false,
            Form::Digits(Layout::Soa) => {
                (0..digits).any(|j| large(&plane[j * self.n + at..][..count]))
            }
            Form::Digits(Layout::Rows) => large(&plane[at * digits..][..count * digits]),
        }
    }

    /// Stores the overload flags of the `count` vectors from `at`, a multiple of 8.
    #[inline(always)]
    pub(super) fn set_overload(&mut self, at: usize, count: usize, flags: u32) {
        let to = &mut self.overload[at / 8..][..count.div_ceil(8)];
        for (to, byte) in to.iter_mut().zip(flags.to_le_bytes()) {
            *to = byte;
        }
    }

    /// Stores the code of vector `i`: its word in parts of 16 bits, its scaling and its flag.
    #[inline]
    pub(super) fn set(&mut self, i: usize, word: &[u16; PARTS], t: u8, overload: bool) {
        let Word { digits, .. } = self.word;
        let (n, bits) = (self.n, self.word.digit_bits());
        match self.form {
            Form::Packed => {
                let mut part = 0;
                for plane in &mut self.planes {
                    let word = &word[part..];
                    let two = |p: usize| u32::from(word[p]) | u32::from(word[p + 1]) << 16;
                    match plane.width {
                        8 => plane.set_one(
                            i,
                            (u64::from(two(0)) | u64::from(two(2)) << 32).to_le_bytes(),
                        ),
                        4 => plane.set_one(i, two(0).to_le_bytes()),
                        2 => plane.set_one(i, word[0].to_le_bytes()),
                        _ => plane.set_one(i, [word[0].to_le_bytes()[0]]),
                    }
                    part += plane.width / 2;
                }
            }
            Form::Digits(layout) => {
                let plane = self.planes[0].bytes_mut();
                for j in 0..digits {
                    let at = if layout == Layout::Soa { j * n + i } else { i * digits + j };
                    plane[at] = bits_at(word, j * bits, bits);
                }
            }
        }
        self.set_flags(i, t, overload);
    }

    /// As [`Encoded::set`], with a word of up to 64 bits.
    #[inline]
    pub(super) fn set_short(&mut self, i: usize, word: u64, t: u8, overload: bool) {
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        match (self.form, self.planes.as_mut_slice()) {
            (Form::Packed, [plane]) => {
                match plane.width {
                    8 => plane.set_one(i, [a, b, c, d, e, f, g, h]),
                    4 => plane.set_one(i, [a, b, c, d]),
                    2 => plane.set_one(i, [a, b]),
                    _ => plane.set_one(i, [a]),
                }
                self.set_flags(i, t, overload);
            }
            _ => {
                let parts = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
                self.set(i, &from_fn(|p| parts.get(p).copied().unwrap_or(0)), t, overload);
            }
        }
    }

    #[inline]
    fn set_flags(&mut self, i: usize, t: u8, overload: bool) {
        if let Some(slot) = self.t.get_mut(i) {
            *slot = t;
        }
        let bit = 1 << (i % 8);
        self.overload[i / 8] = self.overload[i / 8] & !bit | if overload { bit } else { 0 };
    }
}

/// The `count` bits of a word from bit `at`; `count` is at most 4.
#[inline]
fn bits_at(word: &[u16; PARTS], at: usize, count: usize) -> u8 {
    let (part, shift) = (at / 16, at % 16);
    let mut bits = word[part] >> shift;
    if shift + count > 16 {
        bits |= word[part + 1] << (16 - shift);
    }
    (bits & ((1 << count) - 1)).to_le_bytes()[0]
}

/// The first 64 bits of the word of lane `i`.
#[inline(always)]
fn join(word: &[[u16; LANES]], i: usize) -> u64 {
    let part = |p: usize| u64::from(word[p][i]) << (16 * p);
    part(0) | part(1) | part(2) | part(3)
}

/// The digit at bit `at` of every lane.
#[inline(always)]
pub(super) fn digit_lanes(words: &Words, at: usize, bits: usize) -> [u8; LANES] {
    let (part, shift) = (at / 16, at % 16);
    let mut digit = [0; LANES];
    for i in 0..LANES {
        let mut b = words[part][i] >> shift;
        if shift + bits > 16 {
            b |= words[part + 1][i] << (16 - shift);
        }
        digit[i] = (b & ((1 << bits) - 1)).to_le_bytes()[0];
    }
    digit
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

/// The code words of a block in parts of 16 bits, lowest first.
pub(super) type Words = [[u16; LANES]; PARTS];
/// Vectors of a block.
pub(super) const LANES: usize = 32;
/// Parts of the longest word.
pub(super) const PARTS: usize = 16;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Plane {
    fn new(width: usize, len: usize) -> Self {
        Self { width, len, lines: vec![Line([0; 64]); len.div_ceil(64)] }
    }

    /// Sets elements `at..at + count` of width N.
    #[inline(always)]
    fn set<const N: usize>(&mut self, at: usize, count: usize, element: impl Fn(usize) -> [u8; N]) {
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
    fn set_one<const N: usize>(&mut self, i: usize, element: [u8; N]) {
        self.bytes_mut().as_chunks_mut().0[i] = element;
    }

    /// Elements `at..at + count` of width N, and zeros.
    #[inline(always)]
    fn get<const N: usize>(&self, at: usize, count: usize) -> [[u8; N]; LANES] {
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
