//! Nested-lattice codec over Z2, D4 and E8: vectors of floats to M digits in `[0, q)^d`.
//!
//! With L = G Z^d the lattice, Q(y) its point nearest to y, and beta the size of a step:
//!
//! ```text
//! encode   lam_0 = Q(x 2^-T / beta)          T = 0, or with protection the smallest T in 0..=10
//!          b_m = G^-1 lam_m mod q            that is not overloaded, 10 if there is none
//!          lam_{m+1} = Q(lam_m / q)          m = 0..M-1; level 0 is the finest
//!          overload = (lam_M != 0)
//! decode   a(b) = G b - q Q(G b / q)         the coset leader of b modulo q L
//!          x_hat = beta 2^T sum q^m a(b_m)   = beta 2^T lam_0 if not overloaded
//! ```
//!
//! The last equation needs Q(y + v) = Q(y) + v for every v of L, also on the boundaries of the
//! cells, where lam / q often lies. So ties have a rule: among equidistant points the one with the
//! largest u.y wins, where component i of u is frac(sqrt(p)) - 1/2 with p the i-th prime. Only the
//! signs of u.w matter, for the w by which two nearest points can differ, and a vector U of small
//! integers has the same; all comparisons are then exact. There is no error bound: codes,
//! scalings and decoded floats have the same bits everywhere.
//!
//! A batch of n vectors is stored by coordinate, floats as `[d][n]`, so that coordinate k of
//! vector i is `x[k * n + i]`; or vector by vector, as `[n][d]`. Codes are packed, or a `u8` for
//! each digit.
//!
//! | | |
//! | --- | --- |
//! | [`Codec`] | encodes, decodes and quantizes batches: chooses the lattice and the instruction set |
//! | [`Encoded`] | the codes of a batch |
//! | [`nearest()`] | Q for a batch |
//! | [`DotTable`] | inner products of codes, by table |
//! | `code` | the ground: parameters, a(b) and other tables, where codes lie, lanes of vectors |
//! | `z2`, `d4`, `e8` | G, its inverse, U, and the point nearest to a fraction |
//! | `scalar` | the codec, one vector at a time: the definition |
//! | `encode` | by AVX2 and AVX-512, in blocks with a lane for each vector; a single one by itself |
//! | `decode` | by the same, by table where one is small enough |
//! | `dot` | inner products of codes |
//! | `codec` | [`Codec`], on top of these |
//! | `cuda` | the codec on a GPU, with the feature `cuda` |
//! | `cases` | what is timed, and the definition by exhaustive search, which checks it |
//!
//! Sources: I. Kaplan, O. Ordentlich, "High-rate nested-lattice quantized matrix multiplication
//! with small lookup tables", arXiv 2505.13164 (2025). J. H. Conway, N. J. A. Sloane, "Fast
//! quantizing and decoding algorithms for lattice quantizers and codes", IEEE Trans. Inf. Theory
//! 28 (1982) 227-232.

mod cases;
mod code;
mod codec;
#[cfg(feature = "cuda")]
pub mod cuda;
mod d4;
#[cfg(target_arch = "x86_64")]
mod decode;
mod dot;
mod e8;
#[cfg(target_arch = "x86_64")]
mod encode;
mod nearest;
mod scalar;
mod z2;

use std::fmt;

pub use cases::{cases, scaling};
pub use code::encoded::{Encoded, Form, Layout};
pub use codec::Codec;
pub use dot::DotTable;
pub use nearest::nearest;

/// A lattice that the codec knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lattice {
    /// The integer vectors of dimension 2.
    Z2,
    /// The integer vectors of dimension 4 with an even sum.
    D4,
    /// The vectors of dimension 8, all integers or all halves of odd integers, with an even sum.
    E8,
}

impl Lattice {
    /// Every lattice, by dimension.
    pub const ALL: [Self; 3] = [Self::Z2, Self::D4, Self::E8];

    /// The dimension d.
    pub const fn dim(self) -> usize {
        match self {
            Self::Z2 => 2,
            Self::D4 => 4,
            Self::E8 => 8,
        }
    }

    /// The usual name: `Z2`, `D4` or `E8`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Z2 => "Z2",
            Self::D4 => "D4",
            Self::E8 => "E8",
        }
    }

    /// The factor by which points are stored as integers: 2 for E8, else 1.
    pub const fn scale(self) -> u8 {
        match self {
            Self::Z2 | Self::D4 => 1,
            Self::E8 => 2,
        }
    }

    /// How many vectors so many floats are.
    fn vectors(self, floats: usize) -> Result<usize, Error> {
        let (found, dim) = (floats, self.dim());
        let n = found / dim;
        if n * dim == found { Ok(n) } else { Err(Error::Batch { found, dim, n }) }
    }
}

impl fmt::Display for Lattice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a codec cannot be built, or a batch not be coded.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Error {
    /// The number of values of a digit is out of range.
    #[error("q is {found}, expected 2 to 16")]
    Q {
        /// The q asked for.
        found: u8,
    },
    /// The number of levels is out of range.
    #[error("M is {found} levels, expected 1 to 8")]
    Levels {
        /// The number asked for.
        found: usize,
    },
    /// The step is not a positive number of moderate size.
    #[error("beta is {found:?}, expected a number from 2^-100 to 2^100")]
    Beta {
        /// The step asked for.
        found: f32,
    },
    /// A vector holds NaN, an infinity, or a component of more than 2^22 steps.
    #[error(
        "vector {vector} is not finite or exceeds 2^22 steps of {beta:e}: clip it or enlarge beta"
    )]
    Domain {
        /// The first such vector.
        vector: usize,
        /// The step; 1 where there is no codec.
        beta: f32,
    },
    /// A batch is not a whole number of vectors, or not as many as there is room for.
    #[error("{found} floats, expected {n} vectors of {dim}")]
    Batch {
        /// The number of floats.
        found: usize,
        /// The dimension of a vector.
        dim: usize,
        /// The number of vectors expected.
        n: usize,
    },
    /// A bit is set past the last digit of a packed word.
    #[error("the word of vector {vector} has a bit set past its last digit")]
    Padding {
        /// The first such vector.
        vector: usize,
    },
    /// A code is not a digit.
    #[error(
        "code {found} of vector {vector}, level {level}, coordinate {k}: expected less than {q}"
    )]
    Code {
        /// The first vector with such a code.
        vector: usize,
        /// Its level, 0 the finest.
        level: usize,
        /// Its coordinate.
        k: usize,
        /// The code.
        found: u8,
        /// The number of values of a digit.
        q: u8,
    },
    /// A scaling is larger than any that the codec makes.
    #[error("scaling {found} of vector {vector}, expected at most {max}")]
    Scaling {
        /// The first vector with such a scaling.
        vector: usize,
        /// The scaling T.
        found: u8,
        /// 10 with protection, else 0.
        max: u8,
    },
    /// An inner product of two codes may be too large.
    #[error("inner products of {lattice} codes with q {q} and M {levels} can exceed 64 bits")]
    DotOverflow {
        /// The lattice.
        lattice: Lattice,
        /// The number of values of a digit.
        q: u8,
        /// The number of levels.
        levels: usize,
    },
    /// A table of the inner products of all leaders would be too large.
    #[error(
        "the inner products of {lattice} leaders with q {q} are more than the 2^20 of a table: \
         use Codec::dot"
    )]
    DotTable {
        /// The lattice.
        lattice: Lattice,
        /// The number of values of a digit.
        q: u8,
    },
}
