//! Tables of decoded digits, for lattices and q that have few.
//!
//! The word of a vector is cut into chunks of equal length, each of one or more levels. Row b of
//! the table is twice the sum of the q^m a(b) over the levels of the chunk, so that a vector
//! is a sum over its chunks by Horner's rule.

use std::array::from_fn;

use super::leaders::Leaders;
use super::points::Points;

/// Rows of floats of so many bytes stay in the first cache; larger tables are of bytes.
const FLOATS: usize = 1 << 14;

/// A table and how words are cut.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Bits of a chunk, at most 16.
    pub(super) bits: usize,
    /// Levels of a chunk.
    pub(super) levels: usize,
    pub(super) rows: Rows,
}

/// Rows of d numbers for every value of a chunk, and zeros up to 2^8, 2^12 or 2^16 rows.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    /// For small tables.
    Floats(Vec<f32>),
    /// For larger ones.
    Bytes(Vec<i8>),
}

impl Table {
    /// The table for words of `levels` digits of `bits` each; `None` if a level has more than 16.
    pub(super) fn new<L: Points<D>, const D: usize>(
        leaders: &Leaders,
        q: u8,
        bits: usize,
        levels: usize,
    ) -> Option<Self> {
        let level = D * bits;
        if level > 16 {
            return None;
        }
        let len = |levels: usize| {
            let lens = [8, 12, 16].into_iter().filter(|&len| len >= levels * level);
            lens.min().map(|len| D << len)
        };
        let row = |chunk: usize, levels: usize| {
            (0..levels).rev().fold([0; D], |sum, m| {
                let digit = |k: usize| chunk >> (m * level + k * bits) & ((1 << bits) - 1);
                let b = from_fn(|k| digit(k).to_le_bytes()[0]);
                let a = if b.iter().all(|&b| b < q) { leaders.get::<L, D>(b) } else { [0; D] };
                from_fn(|k| i64::from(q) * sum[k] + 2 / L::SCALE * a[k])
            })
        };
        (1..=levels).rev().find_map(|levels| {
            let len = len(levels)?;
            let numbers: Vec<_> =
                (0..1 << (levels * level)).flat_map(|chunk| row(chunk, levels)).collect();
            let rows = if 4 * len <= FLOATS {
                Rows::Floats(padded(numbers.iter().map(|&v| v as f32), len))
            } else {
                let bytes: Result<Vec<i8>, _> = numbers.into_iter().map(i8::try_from).collect();
                Rows::Bytes(padded(bytes.ok()?.into_iter(), len))
            };
            Some(Self { bits: levels * level, levels, rows })
        })
    }
}

/// `numbers`, and zeros up to `len`.
fn padded<T: Clone + Default>(numbers: impl Iterator<Item = T>, len: usize) -> Vec<T> {
    let mut rows: Vec<T> = numbers.collect();
    rows.resize(len, T::default());
    rows
}
