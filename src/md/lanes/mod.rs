//! Registers of `f64` and `f32`: the instruction sets that the kernels are compiled for.
//!
//! A kernel is written once over the registers that [`Kernel::run`] has for a parameter. It can be run
//! only by [`Real::on`], which looks whether the processor has the instruction set, for nobody else can
//! name the registers.
//!
//! A register holds the distances of one, two or four atoms, its rows, to the four atoms of a
//! cluster: lane `4 r + l` belongs to row r and atom l. [`Pairs`] are registers that hold any pairs,
//! which come as rows of x, y, z and a fourth number and go back into rows.

use std::fmt::Debug;

use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;

#[cfg(target_arch = "x86_64")]
mod pairs;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub(super) use pairs::{MOST, Pairs};

/// Atoms of a cluster.
pub(super) const CLUSTER: usize = 4;

/// Four numbers: one of each atom of a cluster, or a row of x, y, z and one more.
pub(super) type Quad<R> = [R; CLUSTER];

/// A computation over registers of rows.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Kernel<R: Real> {
    /// Computes, in registers that the processor has. It is to be inlined always.
    fn run<V: Tile<Real = R>>(self);
}

/// A computation over registers of pairs, of which plain code has none.
#[cfg(target_arch = "x86_64")]
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait PairKernel<R: Real> {
    /// Computes, in registers that the processor has. It is to be inlined always.
    fn run<V: Pairs<Real = R>>(self);
}

/// A float that kernels compute with.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Real: Copy + Default + Debug + Into<f64> {
    /// Distance from 1 to the next number.
    const EPSILON: f64;

    /// Rounds to the nearest number.
    fn from_f64(x: f64) -> Self;

    /// Runs a kernel by one instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks it.
    fn on<K: Kernel<Self>>(isa: Isa, kernel: K);

    /// Runs a kernel over pairs by one instruction set.
    ///
    /// # Panics
    ///
    /// If the processor lacks it, or it is the plain one.
    #[cfg(target_arch = "x86_64")]
    fn on_pairs<K: PairKernel<Self>>(isa: Isa, kernel: K);
}

/// Requires the processor to have an instruction set.
fn require(isa: Isa) {
    assert!(isa.is_available(), "this processor has no {}", isa.name());
}

macro_rules! real {
    ($real:ty, $epsilon:expr, $avx2:ty, $avx512:ty, |$x:ident| $from:expr) => {
        impl Real for $real {
            const EPSILON: f64 = $epsilon;

            #[inline(always)]
            fn from_f64($x: f64) -> Self {
                $from
            }

            fn on<K: Kernel<Self>>(isa: Isa, kernel: K) {
                require(isa);
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx2,fma,popcnt")]
                    fn avx2<K: Kernel<$real>>(kernel: K) {
                        kernel.run::<$avx2>();
                    }

                    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
                    fn avx512<K: Kernel<$real>>(kernel: K) {
                        kernel.run::<$avx512>();
                    }

                    match isa {
                        // SAFETY: the processor has it, as just asserted.
                        Isa::Avx2 => return unsafe { avx2(kernel) },
                        // SAFETY: as above.
                        Isa::Avx512 => return unsafe { avx512(kernel) },
                        Isa::Scalar => {}
                    }
                }
                kernel.run::<[$real; CLUSTER]>();
            }

            #[cfg(target_arch = "x86_64")]
            fn on_pairs<K: PairKernel<Self>>(isa: Isa, kernel: K) {
                #[target_feature(enable = "avx2,fma,popcnt")]
                fn avx2<K: PairKernel<$real>>(kernel: K) {
                    kernel.run::<$avx2>();
                }

                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
                fn avx512<K: PairKernel<$real>>(kernel: K) {
                    kernel.run::<$avx512>();
                }

                require(isa);
                match isa {
                    // SAFETY: the processor has it, as just asserted.
                    Isa::Avx2 => unsafe { avx2(kernel) },
                    // SAFETY: as above.
                    Isa::Avx512 => unsafe { avx512(kernel) },
                    Isa::Scalar => panic!("plain code has no registers of pairs"),
                }
            }
        }
    };
}
real!(f64, f64::EPSILON, x86::F64x4, x86::F64x8, |x| x);
#[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
const fn narrow(x: f64) -> f32 {
    x as f32
}
real!(f32, f32::EPSILON as f64, x86::F32x8, x86::F32x16, |x| narrow(x));

/// Numbers side by side. Its functions are inlined into kernels, which are compiled for its instruction
/// set.
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
    /// 2^n, where n is what the low bits hold: a whole number plus 1.5 * 2^52, or 1.5 * 2^23 in `f32`.
    fn power(self) -> Self;
}

/// Registers of the distances from rows of one cluster to the atoms of another.
#[expect(unnameable_types, reason = "only the kernels may call what a processor may lack")]
pub trait Tile: Lanes {
    /// Rows of a register.
    const ROWS: usize = Self::LEN / CLUSTER;
    /// Rows of a part of a list by this instruction set.
    const PART: usize;

    /// One number for each atom, in every row.
    fn across(of: &Quad<Self::Real>) -> Self;
    /// One number for each row, that of atom `first` and those after it.
    fn along(of: &Quad<Self::Real>, first: usize) -> Self;
    /// Adds the sum of the rows, in `f64`, to the number of each atom.
    fn add_across(self, to: &mut Quad<f64>);
    /// Adds the sum of each row, in `f64`, to the number of its atom, `first` and those after it.
    fn add_along(self, to: &mut Quad<f64>, first: usize);
    /// Adds the lanes, or sums of some of them, in `f64`.
    #[inline(always)]
    fn add_lanes(self, to: &mut [f64; 2 * CLUSTER]) {
        to[0] += self.sum();
    }
    /// Whether `mask` says yes anywhere.
    fn any(mask: Self::Mask) -> bool;
}

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
