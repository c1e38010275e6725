//! Registers of `f64` and `f32`: the instruction sets that the kernels are compiled for.
//!
//! A register holds the distances of one, two or four atoms, its rows, to the four atoms of a
//! cluster: lane `4 r + l` belongs to row r and atom l. [`Pairs`] are registers that hold any pairs,
//! which come as rows of x, y, z and a fourth number and go back into rows.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
use std::fmt::Debug;

use crate::machine::aligned::Aligned;

#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub(super) use pairs::{MOST, Pairs};

/// Atoms of a cluster.
pub(super) const CLUSTER: usize = 4;

/// Four numbers: one of each atom of a cluster, or a row of x, y, z and one more.
pub(super) type Quad<R> = [R; CLUSTER];

/// A float that kernels compute with.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Real: Copy + Default + Debug + Into<f64> {
    /// Distance from 1 to the next number.
    const EPSILON: f64;
    /// Plain code.
    type Portable: Tile<Real = Self>;
    /// A register of AVX2.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Tile<Real = Self> + Pairs;
    /// A register of AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Tile<Real = Self> + Pairs;

    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;
}

impl Real for f64 {
    const EPSILON: Self = Self::EPSILON;
    type Portable = [Self; CLUSTER];
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256d;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512d;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
}

impl Real for f32 {
    const EPSILON: f64 = Self::EPSILON as f64;
    type Portable = [Self; CLUSTER];
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512;

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
    fn from_f64(x: f64) -> Self {
        x as Self
    }
}

/// Numbers side by side. Its functions are inlined into callers that have its instruction set.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Lanes: Copy {
    /// A number.
    type Real: Real;
    /// Its numbers in memory.
    type Array: Copy;
    /// Yes or no for each lane.
    type Mask: Copy;
    /// How many numbers there are.
    const LEN: usize;

    /// Numbers as arrays; those past the last whole one are left out.
    fn arrays(numbers: &[Self::Real]) -> &[Self::Array];
    /// The same, to be written.
    fn arrays_mut(numbers: &mut [Self::Real]) -> &mut [Self::Array];
    /// Loads an array.
    fn load(from: &Self::Array) -> Self;
    /// Stores an array.
    fn store(self, to: &mut Self::Array);
    /// The same number everywhere.
    fn splat(x: f64) -> Self;
    /// Sum.
    fn plus(self, by: Self) -> Self;
    /// Difference.
    fn minus(self, by: Self) -> Self;
    /// Product.
    fn times(self, by: Self) -> Self;
    /// Quotient.
    fn over(self, by: Self) -> Self;
    /// This times `by` plus `add`; rounded once where the instruction set can do so.
    fn mul_add(self, by: Self, add: Self) -> Self;
    /// `from` minus this times `by`; rounded as [`Lanes::mul_add`].
    fn mul_sub_from(self, by: Self, from: Self) -> Self;
    /// The lesser of two numbers, neither of which is NaN.
    fn min(self, by: Self) -> Self;
    /// The greater of two numbers, neither of which is NaN.
    fn max(self, by: Self) -> Self;
    /// The inverse of the square root, to two roundings.
    fn inverse_root(self) -> Self;
    /// Where this is less than `limit`.
    fn below(self, limit: Self) -> Self::Mask;
    /// Zero where `mask` says no.
    fn keep(self, mask: Self::Mask) -> Self;
    /// Sum of the lanes.
    fn sum(self) -> f64;
}

/// Registers of the distances from rows of one cluster to the atoms of another.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Tile: Lanes {
    /// Rows of a register.
    const ROWS: usize = Self::LEN / CLUSTER;

    /// One number for each atom, in every row.
    fn across(of: &Quad<Self::Real>) -> Self;
    /// One number for each row, that of atom `first` and those after it.
    fn along(of: &Quad<Self::Real>, first: usize) -> Self;
    /// Adds the sum of the rows to the number of each atom.
    fn add_across(self, to: &mut Quad<Self::Real>);
    /// Adds the sums of the rows of x, y and z to those of each atom.
    #[inline(always)]
    fn add_block(of: [Self; 3], to: &mut [Quad<Self::Real>; 3]) {
        for a in 0..3 {
            of[a].add_across(&mut to[a]);
        }
    }
    /// Adds the sum of each row to the number of its atom, `first` and those after it.
    fn add_along(self, to: &mut Quad<Self::Real>, first: usize);
    /// Whether `mask` says yes anywhere.
    fn any(mask: Self::Mask) -> bool;
}

macro_rules! portable {
    ($real:ty) => {
        impl Lanes for [$real; CLUSTER] {
            type Real = $real;
            type Array = Self;
            type Mask = [bool; CLUSTER];
            const LEN: usize = CLUSTER;

            #[inline(always)]
            fn arrays(numbers: &[$real]) -> &[Self] {
                numbers.as_chunks().0
            }

            #[inline(always)]
            fn arrays_mut(numbers: &mut [$real]) -> &mut [Self] {
                numbers.as_chunks_mut().0
            }

            #[inline(always)]
            fn load(from: &Self) -> Self {
                *from
            }

            #[inline(always)]
            fn store(self, to: &mut Self) {
                *to = self;
            }

            #[inline(always)]
            fn splat(x: f64) -> Self {
                [<$real>::from_f64(x); CLUSTER]
            }

            #[inline(always)]
            fn plus(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] + by[l])
            }

            #[inline(always)]
            fn minus(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] - by[l])
            }

            #[inline(always)]
            fn times(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] * by[l])
            }

            #[inline(always)]
            fn over(self, by: Self) -> Self {
                std::array::from_fn(|l| self[l] / by[l])
            }

            #[inline(always)]
            fn mul_add(self, by: Self, add: Self) -> Self {
                std::array::from_fn(|l| self[l] * by[l] + add[l])
            }

            #[inline(always)]
            fn mul_sub_from(self, by: Self, from: Self) -> Self {
                std::array::from_fn(|l| from[l] - self[l] * by[l])
            }

            #[inline(always)]
            fn min(self, by: Self) -> Self {
                std::array::from_fn(|l| if self[l] < by[l] { self[l] } else { by[l] })
            }

            #[inline(always)]
            fn max(self, by: Self) -> Self {
                std::array::from_fn(|l| if self[l] > by[l] { self[l] } else { by[l] })
            }

            #[inline(always)]
            fn inverse_root(self) -> Self {
                self.map(|x| 1.0 / x.sqrt())
            }

            #[inline(always)]
            fn below(self, limit: Self) -> Self::Mask {
                std::array::from_fn(|l| self[l] < limit[l])
            }

            #[inline(always)]
            fn keep(self, mask: Self::Mask) -> Self {
                std::array::from_fn(|l| if mask[l] { self[l] } else { 0.0 })
            }

            #[inline(always)]
            fn sum(self) -> f64 {
                ((self[0] + self[2]) + (self[1] + self[3])).into()
            }
        }

        impl Tile for [$real; CLUSTER] {
            #[inline(always)]
            fn across(of: &Self) -> Self {
                *of
            }

            #[inline(always)]
            fn along(of: &Self, first: usize) -> Self {
                [of[first]; CLUSTER]
            }

            #[inline(always)]
            fn add_across(self, to: &mut Self) {
                *to = self.plus(*to);
            }

            #[inline(always)]
            fn add_along(self, to: &mut Self, first: usize) {
                to[first] += (self[0] + self[2]) + (self[1] + self[3]);
            }

            #[inline(always)]
            fn any(mask: Self::Mask) -> bool {
                mask.contains(&true)
            }
        }
    };
}
portable!(f64);
portable!(f32);

/// Room for numbers from where a cache line starts. The contents are lost when it grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Room<R: Real>(Aligned<R>);

impl<R: Real> Room<R> {
    /// `len` numbers, whatever they are; when it must grow, with room for a quarter more.
    pub(super) fn numbers(&mut self, len: usize) -> &mut [R] {
        if self.0.len() < len {
            self.0 = Aligned::zeros(len + len / 4);
        }
        &mut self.0[..len]
    }

    /// `len` quads, whatever they are.
    pub(super) fn quads(&mut self, len: usize) -> &mut [Quad<R>] {
        self.numbers(len * CLUSTER).as_chunks_mut().0
    }

    /// `len` zeros.
    pub(super) fn zeros(&mut self, len: usize) -> &mut [R] {
        let numbers = self.numbers(len);
        numbers.fill(R::default());
        numbers
    }
}

#[cfg(test)]
mod tests;
