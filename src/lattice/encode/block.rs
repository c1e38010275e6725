//! The codes of one block of vectors, by the instruction set and q that it is compiled for.

use crate::lattice::code::lanes::{Aligned, Floats, Ints, LanePoints, Modulus, Step};
use crate::lattice::code::word::PARTS;

/// The codes of W vectors.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Block<const W: usize> {
    /// Packed words in parts of 16 bits, lowest first.
    pub(super) words: [[u16; W]; PARTS],
    /// Lanes that are overloaded.
    pub(super) overload: Ints<W>,
    /// Lanes that must be done again.
    pub(super) again: Ints<W>,
}

impl<const W: usize> Block<W> {
    pub(super) const fn new() -> Self {
        Self { words: [[0; W]; PARTS], overload: [0; W], again: [0; W] }
    }

    /// Encodes the vectors `x` with `levels` digits.
    #[inline(always)]
    pub(super) fn encode<L: LanePoints<D>, const D: usize>(
        &mut self,
        q: Modulus,
        levels: usize,
        step: Step,
        x: &[Floats<W>; D],
    ) {
        let (mut y, mut b) = (Aligned([[0; W]; D]), Aligned([[0; W]; D]));
        let (y, b) = (&mut y.0, &mut b.0);
        L::nearest_lanes(step, x, y, &mut self.again);
        for m in 0..levels - 1 {
            L::level(q, y, b);
            self.pack(q, m, b);
        }
        L::last_level(q, y, b, &mut self.overload);
        self.pack(q, levels - 1, b);
    }

    /// Writes the digits of level `m`, after those of the levels below.
    #[inline(always)]
    fn pack<const D: usize>(&mut self, q: Modulus, m: usize, b: &[Ints<W>; D]) {
        let bits = q.bits();
        let mut parts = [[0; W]; 2];
        for i in 0..W {
            let mut part = [0; 3];
            for (k, b) in b.iter().enumerate() {
                let (at, shift) = (k * bits / 16, k * bits % 16);
                part[at] |= b[i].cast_unsigned() << shift;
                if shift + bits > 16 {
                    part[at + 1] |= b[i].cast_unsigned() >> (16 - shift);
                }
            }
            (parts[0][i], parts[1][i]) = (part[0], part[1]);
        }
        let at = m * D * bits;
        for (p, part) in parts[..(D * bits).div_ceil(16)].iter().enumerate() {
            let (at, shift) = (at / 16 + p, at % 16);
            if shift == 0 {
                self.words[at] = *part;
                continue;
            }
            for i in 0..W {
                self.words[at][i] |= part[i] << shift;
                self.words[at + 1][i] = part[i] >> (16 - shift);
            }
        }
    }
}
