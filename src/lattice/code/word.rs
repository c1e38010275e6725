//! Code words: the digits of a vector, packed.

/// The code words of a block in parts of 16 bits, lowest first.
pub(in crate::lattice) type Words = [[u16; LANES]; PARTS];
/// Vectors of a block.
pub(in crate::lattice) const LANES: usize = 32;
/// Parts of the longest word.
pub(in crate::lattice) const PARTS: usize = 16;

/// The digits of a code word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lattice) struct Word {
    /// Digits of one vector, M d.
    pub(in crate::lattice) digits: usize,
    /// Values of a digit.
    pub(in crate::lattice) q: u8,
    /// Whether there are scalings.
    pub(in crate::lattice) protected: bool,
}

impl Word {
    /// w, the bits of a digit.
    pub(in crate::lattice) fn digit_bits(self) -> usize {
        // 1 for 2, 2 for 3 and 4, 3 for 5 to 8, 4 for 9 to 16.
        (self.q - 1).ilog2() as usize + 1
    }

    /// B, the bytes of a packed word.
    pub(in crate::lattice) fn bytes(self) -> usize {
        (self.digits * self.digit_bits()).div_ceil(8)
    }

    /// The word of `digits`, in parts of 16 bits, lowest first.
    pub(in crate::lattice) fn pack(self, digits: &[u8]) -> [u16; PARTS] {
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
}

/// The bytes of a packed word that lie in one plane: 8, 4, 2 or 1 of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::lattice) struct Part {
    pub(in crate::lattice) start: usize,
    pub(in crate::lattice) width: usize,
}

/// The parts of packed words of so many bytes, one for each plane.
#[inline(always)]
pub(in crate::lattice) fn parts(bytes: usize) -> impl Iterator<Item = Part> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let width = 1 << (bytes - start).checked_ilog2()?.min(3);
        let part = Part { start, width };
        start += width;
        Some(part)
    })
}

/// The `count` bits of a word from bit `at`; `count` is at most 4.
#[inline]
pub(in crate::lattice) fn bits_at(word: &[u16; PARTS], at: usize, count: usize) -> u8 {
    let (part, shift) = (at / 16, at % 16);
    let mut bits = word[part] >> shift;
    if shift + count > 16 {
        bits |= word[part + 1] << (16 - shift);
    }
    (bits & ((1 << count) - 1)).to_le_bytes()[0]
}

/// The digit at bit `at` of every lane.
#[inline(always)]
pub(in crate::lattice) fn digit_lanes(words: &Words, at: usize, bits: usize) -> [u8; LANES] {
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
