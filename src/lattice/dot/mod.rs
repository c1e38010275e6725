//! Inner products of encoded vectors, exact, without decoding them to floats.
//!
//! A code stands for the point y = sum q^m a(b). With the table W of all <2a(b), 2a(c)>,
//!
//! ```text
//! <2y, 2z> = sum q^(i+j) W[b_i][c_j]        over the levels i of y and j of z
//! ```
//!
//! an integer, because twice a point is one. Decoded vectors are beta 2^T y, so that their inner
//! product is [`Codec::dot_scale`](super::Codec::dot_scale) times this.
//!
//! A leader is no longer than q R, R the covering radius, so |2y| <= 2 R (q + .. + q^M). By the
//! inequality of Cauchy and Schwarz no partial sum exceeds 4 R^2 (q + .. + q^M)^2, and for even q
//! the code of a deep hole of the cell at every level attains that. Codes for which it is no `i64`
//! are refused: M = 8 with q of 15 and 16, in D4 and E8 also 14.

use std::array::from_fn;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};

use super::code::Code;
use super::code::encoded::Encoded;
use super::code::points::Points;
use super::d4::D4;
use super::e8::E8;
use super::scalar::Scalar;
use super::z2::Z2;
use super::{Error, Lattice};
use indices::{BLOCK, Indices};

mod indices;

/// The most leaders whose inner products are tabulated: 2^20 entries.
const MAX_LEADERS: u64 = 1 << 10;

/// Does what [`Codec::dot`](super::Codec::dot) says.
pub(super) fn dot(code: &Code, a: &Encoded, b: &Encoded, out: &mut [i64]) -> Result<(), Error> {
    check(code)?;
    match code.lattice() {
        Lattice::Z2 => dot_in::<Z2, 2>(code, a, b, out),
        Lattice::D4 => dot_in::<D4, 4>(code, a, b, out),
        Lattice::E8 => dot_in::<E8, 8>(code, a, b, out),
    }
}

/// Says whether some inner product may not fit an `i64`.
pub(super) fn check(code: &Code) -> Result<(), Error> {
    let (lattice, q, levels) = (code.lattice(), code.q(), code.levels());
    // 4 R^2
    let square = if lattice == Lattice::Z2 { 2 } else { 4 };
    if i64::try_from(square * i128::from(reach(code)).pow(2)).is_err() {
        return Err(Error::DotOverflow { lattice, q, levels });
    }
    Ok(())
}

/// q + .. + q^M; no point is longer than R times that.
fn reach(code: &Code) -> i64 {
    (0..code.levels()).fold(0, |reach, _| i64::from(code.q()) * (reach + 1))
}

fn dot_in<L: Points<D>, const D: usize>(
    code: &Code,
    a: &Encoded,
    b: &Encoded,
    out: &mut [i64],
) -> Result<(), Error> {
    if L::SCALE * reach(code) <= i64::from(i16::MAX) {
        dot_by::<L, i16, D>(code, a, b, out)
    } else {
        dot_by::<L, i64, D>(code, a, b, out)
    }
}

/// With points whose coordinates, as stored, fit `T`.
fn dot_by<L: Points<D>, T: Coordinate, const D: usize>(
    code: &Code,
    a: &Encoded,
    b: &Encoded,
    out: &mut [i64],
) -> Result<(), Error> {
    let doubling = 2 / L::SCALE;
    let (mut y, mut z) = ([[T::from(0_u8); D]; BLOCK], [[T::from(0_u8); D]; BLOCK]);
    for_blocks(code, a, b, out, |a, b, out| {
        points::<L, T, D>(code, a, &mut y);
        points::<L, T, D>(code, b, &mut z);
        for (out, (y, z)) in out.iter_mut().zip(y.iter().zip(&z)) {
            let products = y.iter().zip(z).map(|(&y, &z)| T::Product::from(y) * z.into());
            *out = doubling * doubling * products.sum::<T::Product>().into();
        }
    })
}

/// The points of a block, as stored.
fn points<L: Points<D>, T: Coordinate, const D: usize>(
    code: &Code,
    codes: &Indices,
    points: &mut [[T; D]; BLOCK],
) {
    let (q, leaders) = (T::from(code.q()), code.leaders());
    points.fill([T::from(0_u8); D]);
    for index in codes.levels(code.levels()).iter().rev() {
        let add = |y: &mut [T; D], a: [i8; D]| *y = from_fn(|k| q * y[k] + T::from(a[k]));
        match leaders.table() {
            [] => points.iter_mut().zip(index).for_each(|(y, &b)| {
                let a = leaders.at::<L, D>(b).map(|a| a.try_into().expect("at most 32"));
                add(y, a);
            }),
            table => points.iter_mut().zip(index).for_each(|(y, &b)| add(y, table[b as usize])),
        }
    }
}

/// Calls `dot` for every block, with its digits of `a` and `b` and its part of `out`.
#[inline]
fn for_blocks(
    code: &Code,
    a: &Encoded,
    b: &Encoded,
    out: &mut [i64],
    mut dot: impl FnMut(&Indices, &Indices, &mut [i64]),
) -> Result<(), Error> {
    for codes in [a, b] {
        assert_eq!(codes.word(), code.word(), "codes are of another kind");
        assert_eq!(codes.len(), out.len(), "batches and output differ in length");
    }
    let scaled = |codes: &Encoded| codes.scalings().iter().all(|&t| t <= code.max_scaling());
    let mut valid = scaled(a) && scaled(b);
    let (mut left, mut right) = (Indices::new(code), Indices::new(code));
    let (a, b) = (a.read(), b.read());
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let at = block * BLOCK;
        valid = valid && left.read(&a, at, out.len()) && right.read(&b, at, out.len());
        if !valid {
            break;
        }
        dot(&left, &right, out);
    }
    if valid {
        return Ok(());
    }
    for codes in [a, b] {
        match code.lattice() {
            Lattice::Z2 => Scalar::<Z2, 2>::new(code).check(codes)?,
            Lattice::D4 => Scalar::<D4, 4>::new(code).check(codes)?,
            Lattice::E8 => Scalar::<E8, 8>::new(code).check(codes)?,
        }
    }
    unreachable!("the definition finds what is no code")
}

/// A coordinate of a point.
trait Coordinate: Copy + From<i8> + From<u8> + Mul<Output = Self> + Add<Output = Self> {
    /// A number that holds the inner product of points with these coordinates.
    type Product: From<Self> + Into<i64> + Mul<Output = Self::Product> + Sum;
}

/// For points shorter than 2^15, whose inner products are below 2^30.
impl Coordinate for i16 {
    type Product = i32;
}

impl Coordinate for i64 {
    type Product = Self;
}

fn inner<const D: usize>(y: [i64; D], z: [i64; D]) -> i64 {
    y.iter().zip(z).map(|(y, z)| y * z).sum()
}

/// The inner products W of all pairs of leaders of a code, doubled.
#[derive(Clone)]
pub struct DotTable {
    pub(super) code: Code,
    /// q^d.
    pub(super) count: usize,
    /// Shape `[count][count]`.
    pub(super) table: Vec<i16>,
}

impl DotTable {
    /// The inner products of all pairs of leaders of `code`.
    pub(super) fn new(code: &Code) -> Result<Self, Error> {
        check(code)?;
        match code.lattice() {
            Lattice::Z2 => Self::of::<Z2, 2>(code),
            Lattice::D4 => Self::of::<D4, 4>(code),
            Lattice::E8 => Self::of::<E8, 8>(code),
        }
    }

    fn of<L: Points<D>, const D: usize>(code: &Code) -> Result<Self, Error> {
        let count = (0..D).fold(1, |count, _| u64::from(code.q()) * count);
        if count > MAX_LEADERS {
            return Err(Error::DotTable { lattice: code.lattice(), q: code.q() });
        }
        let count = u32::try_from(count).expect("at most 2^10");
        let leaders: Vec<_> =
            (0..count).map(|b| code.leaders().at::<L, D>(b).map(|a| 2 / L::SCALE * a)).collect();
        let entry = |y, z| i16::try_from(inner(y, z)).expect("at most (2 q R)^2, here 512");
        let row = |&y| leaders.iter().map(move |&z| entry(y, z));
        let table = leaders.iter().flat_map(row).collect();
        Ok(Self { code: code.clone(), count: leaders.len(), table })
    }

    /// Does what [`Codec::dot`](super::Codec::dot) does, by looking up M^2 inner products for each pair.
    ///
    /// # Errors
    ///
    /// Those of [`Codec::decode`](super::Codec::decode) for `a`, or else of `b`. The contents of `out` are then
    /// unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or one of the batches was made for another kind of code.
    pub fn dot(&self, a: &Encoded, b: &Encoded, out: &mut [i64]) -> Result<(), Error> {
        let (q, levels) = (i64::from(self.code.q()), self.code.levels());
        for_blocks(&self.code, a, b, out, |a, b, out| {
            out.fill(0);
            for index in a.levels(levels).iter().rev() {
                for (i, out) in out.iter_mut().enumerate() {
                    let row = &self.table[index[i] as usize * self.count..][..self.count];
                    let entry = |index: &[u32; BLOCK]| i64::from(row[index[i] as usize]);
                    let b = b.levels(levels).iter().rev();
                    *out = q * *out + b.fold(0, |sum, index| q * sum + entry(index));
                }
            }
        })
    }

    /// The bytes of the table.
    pub fn len_bytes(&self) -> usize {
        size_of_val(self.table.as_slice())
    }
}

impl fmt::Debug for DotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, lattice, q) = (self.count, self.code.lattice(), self.code.q());
        write!(f, "DotTable({count} by {count} for {lattice}, q {q})")
    }
}

#[cfg(test)]
mod tests;
