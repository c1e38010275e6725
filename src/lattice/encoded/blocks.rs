//! The codes of some vectors, into a batch and out of it.

use std::array::from_fn;

use super::{Encoded, Form, Layout};
use crate::lattice::word::{LANES, PARTS, Word, Words, bits_at, digit_lanes};

impl Encoded {
    /// Stores the code words of the `count` vectors from `at`, in parts of 16 bits.
    #[inline(always)]
    pub(in crate::lattice) fn set_words(&mut self, at: usize, count: usize, words: &Words) {
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
    pub(in crate::lattice) fn words(&self, at: usize, count: usize, words: &mut Words) {
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
    pub(in crate::lattice) fn has_large_digits(&self, at: usize, count: usize) -> bool {
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
    pub(in crate::lattice) fn set_overload(&mut self, at: usize, count: usize, flags: u32) {
        let to = &mut self.overload[at / 8..][..count.div_ceil(8)];
        for (to, byte) in to.iter_mut().zip(flags.to_le_bytes()) {
            *to = byte;
        }
    }

    /// Stores the code of vector `i`: its word in parts of 16 bits, its scaling and its flag.
    #[inline]
    pub(in crate::lattice) fn set(&mut self, i: usize, word: &[u16; PARTS], t: u8, overload: bool) {
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
    pub(in crate::lattice) fn set_short(&mut self, i: usize, word: u64, t: u8, overload: bool) {
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

/// The first 64 bits of the word of lane `i`.
#[inline(always)]
fn join(word: &[[u16; LANES]], i: usize) -> u64 {
    let part = |p: usize| u64::from(word[p][i]) << (16 * p);
    part(0) | part(1) | part(2) | part(3)
}
