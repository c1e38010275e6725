//! Tables of decoded digits, for lattices and q that have few.
//!
//! The word of a vector is cut into chunks of equal length, each of one or more levels. Row b of
//! the table is twice the sum of the q^m a(b) over the levels of the chunk, so that a vector
//! is a sum over its chunks by Horner's rule.

use std::array::from_fn;

use super::leaders::Leaders;
use super::points::Points;

/// A table and how words are cut.
#[derive(Debug, Clone)]
pub(in crate::lattice) struct Table {
    /// Bits of a chunk, at most 16.
    pub(in crate::lattice) bits: usize,
    /// Chunks of a word.
    pub(in crate::lattice) chunks: usize,
    /// Weight of a chunk relative to the one below: q^(levels per chunk).
    pub(in crate::lattice) weight: f32,
    /// Whether f32 holds every sum, and words are 1, 2 or 4 chunks of whole bytes, which lie in one plane.
    pub(in crate::lattice) direct: bool,
    pub(in crate::lattice) rows: Rows,
}

/// Rows of d numbers for every value of a chunk, and zeros up to 2^8 rows of f32 if chunks have at
/// most 8 bits, else up to 2^16 rows of i8.
#[derive(Debug, Clone)]
pub(in crate::lattice) struct Rows {
    pub(in crate::lattice) floats: bool,
    /// Little-endian.
    pub(in crate::lattice) bytes: Vec<u8>,
}

impl Rows {
    /// The number at `at`.
    #[inline(always)]
    pub(in crate::lattice) fn get(&self, at: usize) -> f64 {
        if self.floats {
            f32::from_le_bytes(self.bytes.as_chunks().0[at]).into()
        } else {
            self.bytes[at].cast_signed().into()
        }
    }
}

impl Table {
    /// The table for words of `levels` digits of `bits` each; `None` if a level has more than 16.
    pub(in crate::lattice) fn new<L: Points<D>, const D: usize>(
        leaders: &Leaders,
        q: u8,
        bits: usize,
        levels: usize,
    ) -> Option<Self> {
        let level = D * bits;
        // The fewest chunks, and then the shortest.
        (1..=levels.min(16 / level)).rev().find_map(|most| {
            let chunks = levels.div_ceil(most);
            let each = levels.div_ceil(chunks);
            let rows = rows::<L, D>(leaders, q, bits, each)?;
            let bits = each * level;
            let word = levels * level;
            let whole = bits.is_multiple_of(8) && word == chunks * bits;
            let direct = whole && matches!(chunks, 1 | 2 | 4) && is_exact_in_f32(q, levels);
            let weight = (0..each).fold(1.0, |w, _| w * f32::from(q));
            Some(Self { bits, chunks, weight, direct, rows })
        })
    }
}

/// Whether f32 holds every sum of the q^m a(b), doubled: they are below 4 q^M.
pub(in crate::lattice) fn is_exact_in_f32(q: u8, levels: usize) -> bool {
    (0..levels).fold(4.0, |most, _| most * f64::from(q)) <= 16_777_216.0
}

/// The rows for chunks of `levels`; `None` if bytes do not hold their numbers.
fn rows<L: Points<D>, const D: usize>(
    leaders: &Leaders,
    q: u8,
    bits: usize,
    levels: usize,
) -> Option<Rows> {
    let level = D * bits;
    let row = |chunk: usize| {
        (0..levels).rev().fold([0; D], |sum, m| {
            let digit = |k: usize| chunk >> (m * level + k * bits) & ((1 << bits) - 1);
            let b = from_fn(|k| digit(k).to_le_bytes()[0]);
            let a = if b.iter().all(|&b| b < q) { leaders.get::<L, D>(b) } else { [0; D] };
            from_fn(|k| i64::from(q) * sum[k] + 2 / L::SCALE * a[k])
        })
    };
    let floats = levels * level <= 8;
    let numbers = (0..1 << (levels * level)).flat_map(row);
    let (mut bytes, len) = if floats {
        (numbers.flat_map(|v| (v as f32).to_le_bytes()).collect(), D << 10)
    } else {
        let bytes: Result<Vec<_>, _> =
            numbers.map(|v| i8::try_from(v).map(i8::cast_unsigned)).collect();
        (bytes.ok()?, D << 16)
    };
    bytes.resize(len, 0);
    Some(Rows { floats, bytes })
}
