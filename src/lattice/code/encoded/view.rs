//! Codes to read and to write, wherever they lie.

use std::array::from_fn;

use super::elements::{get, set, set_one};
use super::{Form, Layout, Shape, ones};
use crate::lattice::code::word::{LANES, PARTS, Part, Word, Words, bits_at, digit_lanes, parts};

/// The codes and scalings of n vectors, as [`Encoded`](super::Encoded) says.
#[derive(Clone, Copy)]
pub(in crate::lattice) struct Codes<'a> {
    pub(super) shape: &'a Shape,
    /// The planes, one after the other.
    pub(super) bytes: &'a [u8],
    pub(super) t: &'a [u8],
}

impl<'a> Codes<'a> {
    /// The number n of vectors.
    #[inline]
    pub(in crate::lattice) fn len(&self) -> usize {
        self.shape.n
    }

    /// How the codes are stored.
    #[inline]
    pub(in crate::lattice) fn form(&self) -> Form {
        self.shape.form
    }

    /// How their words are made.
    #[inline]
    pub(in crate::lattice) fn word(&self) -> Word {
        self.shape.word
    }

    /// The parts of a packed word, one for each plane.
    #[inline(always)]
    pub(in crate::lattice) fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        parts(self.shape.each)
    }

    /// The scalings T; empty without protection.
    #[inline]
    pub(in crate::lattice) fn scalings(&self) -> &'a [u8] {
        self.t
    }

    /// The plane of a part of every word.
    #[inline(always)]
    pub(in crate::lattice) fn plane(&self, part: Part) -> &'a [u8] {
        self.bytes_of(part.start, part.width)
    }

    #[inline(always)]
    fn bytes_of(&self, start: usize, width: usize) -> &'a [u8] {
        &self.bytes[self.shape.stride * start..][..self.shape.n * width]
    }

    /// The only plane, if there is but one: of digits, and of words with 1, 2, 4 or 8 bytes.
    #[inline(always)]
    pub(in crate::lattice) fn only_plane(&self) -> &'a [u8] {
        &self.bytes[..self.shape.n * self.shape.each]
    }

    /// The packed word of vector `i`, lowest bits first.
    fn packed_word(&self, i: usize) -> [u16; PARTS] {
        let mut bytes = [0; 2 * PARTS];
        for part in parts(self.shape.each) {
            let Part { start, width } = part;
            bytes[start..][..width].copy_from_slice(&self.plane(part)[i * width..][..width]);
        }
        from_fn(|p| u16::from_le_bytes([bytes[2 * p], bytes[2 * p + 1]]))
    }

    /// Whether no bit of vector `i` is set past its last digit.
    pub(in crate::lattice) fn is_clean(&self, i: usize) -> bool {
        let bits = self.shape.word.digits * self.shape.word.digit_bits();
        self.shape.form != Form::Packed
            || bits == 16 * PARTS
            || self.packed_word(i)[bits / 16] >> (bits % 16) == 0
    }

    /// Digit `j` of vector `i`, as stored; digit d m + k is coordinate k of level m.
    pub(in crate::lattice) fn digit(&self, i: usize, j: usize) -> u8 {
        let bits = self.shape.word.digit_bits();
        match self.shape.form {
            Form::Packed => bits_at(&self.packed_word(i), j * bits, bits),
            Form::Digits(Layout::Soa) => self.only_plane()[j * self.shape.n + i],
            Form::Digits(Layout::Rows) => self.only_plane()[i * self.shape.word.digits + j],
        }
    }

    /// Reads the code words of the `count` vectors from `at`; lanes past `count` are unspecified
    /// words of digits.
    #[inline(always)]
    pub(in crate::lattice) fn words(&self, at: usize, count: usize, words: &mut Words) {
        match self.shape.form {
            Form::Packed => {
                let mut at_byte = 0;
                while self.shape.each - at_byte >= 8 {
                    let block = get::<8>(self.bytes_of(at_byte, 8), at, count);
                    for i in 0..LANES {
                        for (p, word) in words[at_byte / 2..][..4].iter_mut().enumerate() {
                            word[i] = u16::from_le_bytes([block[i][2 * p], block[i][2 * p + 1]]);
                        }
                    }
                    at_byte += 8;
                }
                if self.shape.each & 4 != 0 {
                    let block = get::<4>(self.bytes_of(at_byte, 4), at, count);
                    for i in 0..LANES {
                        let [a, b, c, d] = block[i];
                        words[at_byte / 2][i] = u16::from_le_bytes([a, b]);
                        words[at_byte / 2 + 1][i] = u16::from_le_bytes([c, d]);
                    }
                    at_byte += 4;
                }
                if self.shape.each & 2 != 0 {
                    let block = get(self.bytes_of(at_byte, 2), at, count);
                    for i in 0..LANES {
                        words[at_byte / 2][i] = u16::from_le_bytes(block[i]);
                    }
                    at_byte += 2;
                }
                if self.shape.each & 1 != 0 {
                    let block = get::<1>(self.bytes_of(at_byte, 1), at, count);
                    for i in 0..LANES {
                        words[at_byte / 2][i] = block[i][0].into();
                    }
                }
            }
            Form::Digits(layout) => {
                // Copies, which no write of a word can change.
                let Shape { n, word, .. } = *self.shape;
                let (digits, bits) = (word.digits, word.digit_bits());
                let plane = self.bytes;
                *words = [[0; LANES]; PARTS];
                for j in 0..digits {
                    let (part, shift) = (j * bits / 16, j * bits % 16);
                    for i in 0..count {
                        let b = match layout {
                            Layout::Soa => plane[j * n + at + i],
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
    pub(in crate::lattice) fn has_large_digits(&self, at: usize, count: usize) -> bool {
        let Shape { n, word: Word { digits, q, .. }, .. } = *self.shape;
        let plane = self.bytes;
        let large = |bytes: &[u8]| bytes.iter().any(|&b| b >= q);
        match self.shape.form {
            Form::Packed => false,
            Form::Digits(Layout::Soa) => (0..digits).any(|j| large(&plane[j * n + at..][..count])),
            Form::Digits(Layout::Rows) => large(&plane[at * digits..][..count * digits]),
        }
    }
}

/// The codes, scalings and overload flags of n vectors, to be written.
pub(in crate::lattice) struct CodesMut<'a> {
    /// A copy: what lies in memory could be changed by a write of a code.
    pub(super) shape: Shape,
    pub(super) bytes: &'a mut [u8],
    pub(super) t: &'a mut [u8],
    pub(super) overload: &'a mut [u8],
}

impl<'a> CodesMut<'a> {
    /// Places for `n` codes of such a shape in `bytes`, which has [`Shape::room`] for them, plane after
    /// plane without a gap. Inlined: a shape that is stored in parts and copied as a whole is waited for.
    #[inline(always)]
    pub(in crate::lattice) fn new(packed: &Shape, n: usize, bytes: &'a mut [u8]) -> Self {
        let (bytes, rest) = bytes.split_at_mut(n * packed.each);
        let (t, rest) = rest.split_at_mut(if packed.word.protected { n } else { 0 });
        let overload = &mut rest[..n.div_ceil(8)];
        // Bits past the last vector are not written.
        if let Some(last) = overload.last_mut() {
            *last = 0;
        }
        Self { shape: Shape { n, stride: n, ..*packed }, bytes, t, overload }
    }

    /// The same, to be read.
    #[inline(always)]
    pub(in crate::lattice) fn read(&self) -> Codes<'_> {
        Codes { shape: &self.shape, bytes: self.bytes, t: self.t }
    }

    /// The number n of vectors.
    #[inline]
    pub(in crate::lattice) fn len(&self) -> usize {
        self.shape.n
    }

    /// How many vectors are overloaded.
    #[inline(always)]
    pub(in crate::lattice) fn overloaded(&self) -> usize {
        ones(self.overload)
    }

    /// The plane of N bytes of every word, from its 16 bits number `part` on.
    #[inline(always)]
    fn plane<const N: usize>(&mut self, part: usize) -> &mut [u8] {
        &mut self.bytes[self.shape.stride * 2 * part..][..self.shape.n * N]
    }

    /// Sets the scalings of the `count` vectors from `at` to 0.
    #[inline(always)]
    pub(in crate::lattice) fn unscale(&mut self, at: usize, count: usize) {
        if let Some(t) = self.t.get_mut(at..at + count) {
            t.fill(0);
        }
    }

    /// Stores the code words of the `count` vectors from `at`, in parts of 16 bits.
    #[inline(always)]
    pub(in crate::lattice) fn set_words(&mut self, at: usize, count: usize, words: &Words) {
        match self.shape.form {
            Form::Packed => {
                let mut part = 0;
                while self.shape.each - 2 * part >= 8 {
                    let word = &words[part..][..4];
                    set(self.plane::<8>(part), at, count, |i| join(word, i).to_le_bytes());
                    part += 4;
                }
                if self.shape.each & 4 != 0 {
                    let two =
                        |i: usize| u32::from(words[part][i]) | u32::from(words[part + 1][i]) << 16;
                    set(self.plane::<4>(part), at, count, |i| two(i).to_le_bytes());
                    part += 2;
                }
                if self.shape.each & 2 != 0 {
                    set(self.plane::<2>(part), at, count, |i| words[part][i].to_le_bytes());
                    part += 1;
                }
                if self.shape.each & 1 != 0 {
                    set(self.plane::<1>(part), at, count, |i| [words[part][i].to_le_bytes()[0]]);
                }
            }
            Form::Digits(layout) => {
                let Word { digits, .. } = self.shape.word;
                let (n, bits) = (self.shape.n, self.shape.word.digit_bits());
                let plane = &mut *self.bytes;
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

    /// Stores the overload flags of the `count` vectors from `at`, a multiple of 8.
    #[inline(always)]
    pub(in crate::lattice) fn set_overload(&mut self, at: usize, count: usize, flags: u32) {
        let to = &mut self.overload[at / 8..][..count.div_ceil(8)];
        for (to, byte) in to.iter_mut().zip(flags.to_le_bytes()) {
            *to = byte;
        }
    }

    /// Stores the code of vector `i`: its word in parts of 16 bits, its scaling and its flag.
    #[inline]
    pub(in crate::lattice) fn set(&mut self, i: usize, word: &[u16; PARTS], t: u8, overload: bool) {
        let Word { digits, .. } = self.shape.word;
        let (n, bits) = (self.shape.n, self.shape.word.digit_bits());
        match self.shape.form {
            Form::Packed => {
                let mut part = 0;
                let four = |p: usize| [word[p], word[p + 1], word[p + 2], word[p + 3]];
                while self.shape.each - 2 * part >= 8 {
                    set_one(self.plane::<8>(part), i, joined(four(part)).to_le_bytes());
                    part += 4;
                }
                if self.shape.each & 4 != 0 {
                    let [a, b] = [word[part], word[part + 1]].map(u32::from);
                    set_one(self.plane::<4>(part), i, (a | b << 16).to_le_bytes());
                    part += 2;
                }
                if self.shape.each & 2 != 0 {
                    set_one(self.plane::<2>(part), i, word[part].to_le_bytes());
                    part += 1;
                }
                if self.shape.each & 1 != 0 {
                    set_one(self.plane::<1>(part), i, [word[part].to_le_bytes()[0]]);
                }
            }
            Form::Digits(layout) => {
                for j in 0..digits {
                    let at = if layout == Layout::Soa { j * n + i } else { i * digits + j };
                    self.bytes[at] = bits_at(word, j * bits, bits);
                }
            }
        }
        self.set_flags(i, t, overload);
    }

    /// Does as [`CodesMut::set`], with a word of up to 64 bits.
    #[inline(always)]
    pub(in crate::lattice) fn set_short(&mut self, i: usize, word: u64, t: u8, overload: bool) {
        let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
        let plane = &mut *self.bytes;
        match (self.shape.form, self.shape.each) {
            (Form::Packed, 8) => set_one(plane, i, [a, b, c, d, e, f, g, h]),
            (Form::Packed, 4) => set_one(plane, i, [a, b, c, d]),
            (Form::Packed, 2) => set_one(plane, i, [a, b]),
            (Form::Packed, 1) => set_one(plane, i, [a]),
            _ => {
                let parts = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
                self.set(i, &from_fn(|p| parts.get(p).copied().unwrap_or(0)), t, overload);
                return;
            }
        }
        self.set_flags(i, t, overload);
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

/// The first 64 bits of the word of lane `i`.
#[inline(always)]
fn join(word: &[[u16; LANES]], i: usize) -> u64 {
    joined([word[0][i], word[1][i], word[2][i], word[3][i]])
}

#[inline(always)]
fn joined(parts: [u16; 4]) -> u64 {
    let [a, b, c, d] = parts.map(u64::from);
    a | b << 16 | c << 32 | d << 48
}
