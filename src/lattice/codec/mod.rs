//! The codec: batches of vectors to digits, scalings and overload flags, and back.

use std::fmt;

use super::d4::D4;
#[cfg(target_arch = "x86_64")]
use super::direct;
use super::e8::E8;
use super::lanes::LanePoints;
use super::leaders::Leaders;
#[cfg(target_arch = "x86_64")]
use super::one::One;
use super::points::Points;
use super::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use super::simd;
use super::table::Table;
use super::word::Word;
use super::z2::Z2;
use super::{Encoded, Error, Lattice, Layout};
use crate::machine::isa::Isa;

/// The most levels that a codec has.
pub(super) const MAX_LEVELS: usize = 8;

/// A nested-lattice code, with its table of coset leaders.
#[derive(Clone)]
pub struct Codec {
    lattice: Lattice,
    q: u8,
    levels: usize,
    beta: f32,
    protected: bool,
    isa: Isa,
    leaders: Leaders,
    table: Option<Table>,
    #[cfg(target_arch = "x86_64")]
    one: Option<One>,
}

impl Codec {
    /// The code with `levels` digits in `[0, q)^d`, steps of `beta`, and, if `protected`, scaling
    /// of overloaded vectors by powers of 2.
    ///
    /// # Errors
    ///
    /// If q is not in 2..=16, the levels not in 1..=8, or beta not in 2^-100..=2^100.
    pub fn new(
        lattice: Lattice,
        q: u8,
        levels: usize,
        beta: f32,
        protected: bool,
    ) -> Result<Self, Error> {
        if !(2..=16).contains(&q) {
            return Err(Error::Q { found: q });
        }
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(Error::Levels { found: levels });
        }
        if !(2f32.powi(-100)..=2f32.powi(100)).contains(&beta) {
            return Err(Error::Beta { found: beta });
        }
        let (leaders, table) = match lattice {
            Lattice::Z2 => tables::<Z2, 2>(q, levels),
            Lattice::D4 => tables::<D4, 4>(q, levels),
            Lattice::E8 => tables::<E8, 8>(q, levels),
        };
        let mut codec = Self {
            lattice,
            q,
            levels,
            beta,
            protected,
            isa: Isa::best(),
            leaders,
            table,
            #[cfg(target_arch = "x86_64")]
            one: None,
        };
        #[cfg(target_arch = "x86_64")]
        if !codec.leaders.table::<1>().is_empty() && codec.vector_bytes() <= 8 {
            codec.one = Some(One::new(beta, lattice.dim(), q, levels));
        }
        Ok(codec)
    }

    /// The same code, made with `isa`: the same bits at another speed. [`Isa::Scalar`] is the
    /// definition written plainly.
    ///
    /// # Panics
    ///
    /// If this processor does not have it.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {}", isa.name());
        Self { isa, ..self }
    }

    /// The lattice.
    pub fn lattice(&self) -> Lattice {
        self.lattice
    }

    /// The number q of values of a digit's coordinate.
    pub fn q(&self) -> u8 {
        self.q
    }

    /// The number M of levels.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// The step beta.
    pub fn beta(&self) -> f32 {
        self.beta
    }

    /// The largest scaling T: 10 with protection, else 0.
    pub fn max_scaling(&self) -> u8 {
        if self.protected { 10 } else { 0 }
    }

    /// The instruction set of its kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// w, the bits of a packed digit.
    pub fn digit_bits(&self) -> usize {
        self.word().digit_bits()
    }

    /// B, the bytes of the packed digits of a vector.
    pub fn vector_bytes(&self) -> usize {
        self.word().bytes()
    }

    pub(super) fn word(&self) -> Word {
        let digits = self.levels * self.lattice.dim();
        Word { digits, q: self.q, protected: self.protected }
    }

    pub(super) fn leaders(&self) -> &Leaders {
        &self.leaders
    }

    /// How to encode one vector; `None` without a table of leaders or for a word
    /// of more than 64 bits.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn one(&self) -> Option<&One> {
        self.one.as_ref()
    }

    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// Encodes the vectors `x`, which lie in `layout`, into `codes`.
    ///
    /// # Errors
    ///
    /// Names the first vector with a component such that |x / beta| is not at most 2^22, NaN
    /// included; the contents of `codes` are then unspecified. Or says that `x` is not as many
    /// vectors as `codes` has room for.
    ///
    /// # Panics
    ///
    /// If `codes` was made for another kind of code.
    pub fn encode(&self, x: &[f32], layout: Layout, codes: &mut Encoded) -> Result<(), Error> {
        self.assert_same_batch(x, codes)?;
        match self.lattice {
            Lattice::Z2 => self.encode_in::<Z2, 2>(x, layout, codes),
            Lattice::D4 => self.encode_in::<D4, 4>(x, layout, codes),
            Lattice::E8 => self.encode_in::<E8, 8>(x, layout, codes),
        }
    }

    fn encode_in<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        layout: Layout,
        codes: &mut Encoded,
    ) -> Result<(), Error> {
        #[cfg(target_arch = "x86_64")]
        if let (Isa::Avx2 | Isa::Avx512, Ok(x)) = (self.isa, x.try_into()) {
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            return unsafe { simd::encode_single::<L, D>(self, x, codes) };
        }
        match self.isa {
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { simd::encode_avx2::<L, D>(self, x, layout, codes) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { simd::encode_avx512::<L, D>(self, x, layout, codes) },
            _ => Scalar::<L, D>::new(self).encode(x, layout, codes),
        }
    }

    /// Decodes `codes` into the vectors `x`, which lie in `layout`.
    ///
    /// Floats are never -0, and finite if beta 2^T q^M is below 2^126.
    ///
    /// # Errors
    ///
    /// Names the first vector with a digit not below q, a bit set past its last digit, or a scaling
    /// over [`Codec::max_scaling`]; the contents of `x` are then unspecified. Or says that `x` has
    /// not room for as many vectors as `codes` holds.
    ///
    /// # Panics
    ///
    /// If `codes` was made for another kind of code.
    pub fn decode(&self, codes: &Encoded, x: &mut [f32], layout: Layout) -> Result<(), Error> {
        self.assert_same_batch(x, codes)?;
        match self.lattice {
            Lattice::Z2 => self.decode_in::<Z2, 2>(codes, x, layout),
            Lattice::D4 => self.decode_in::<D4, 4>(codes, x, layout),
            Lattice::E8 => self.decode_in::<E8, 8>(codes, x, layout),
        }
    }

    fn decode_in<L: LanePoints<D>, const D: usize>(
        &self,
        codes: &Encoded,
        x: &mut [f32],
        layout: Layout,
    ) -> Result<(), Error> {
        #[cfg(target_arch = "x86_64")]
        if self.isa != Isa::Scalar {
            // SAFETY: all others have AVX2 and FMA, and `with_isa` and `Isa::best` leave only what
            // this processor has.
            if unsafe { direct::decode_direct::<D>(self, codes, x, layout) } {
                return Ok(());
            }
        }
        match self.isa {
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { simd::decode_avx2::<L, D>(self, codes, x, layout) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { simd::decode_avx512::<L, D>(self, codes, x, layout) },
            _ => Scalar::<L, D>::new(self).decode(codes, x, layout),
        }
    }

    /// Writes what decoding the codes of `x` gives into `y`; both lie in `layout`.
    ///
    /// Returns how many vectors are overloaded.
    ///
    /// # Errors
    ///
    /// As [`Codec::encode`]; or says that `x` is not a whole number of vectors.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn quantize(&self, x: &[f32], y: &mut [f32], layout: Layout) -> Result<usize, Error> {
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        self.lattice.vectors(x.len())?;
        match self.lattice {
            Lattice::Z2 => self.quantize_in::<Z2, 2>(x, y, layout),
            Lattice::D4 => self.quantize_in::<D4, 4>(x, y, layout),
            Lattice::E8 => self.quantize_in::<E8, 8>(x, y, layout),
        }
    }

    fn quantize_in<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
    ) -> Result<usize, Error> {
        match self.isa {
            #[cfg(target_arch = "x86_64")]
            _ if x.len() == D => Scalar::<L, D>::new(self).quantize(x, y, layout),
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { simd::quantize_avx2::<L, D>(self, x, y, layout) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { simd::quantize_avx512::<L, D>(self, x, y, layout) },
            _ => Scalar::<L, D>::new(self).quantize(x, y, layout),
        }
    }

    fn assert_same_batch(&self, x: &[f32], codes: &Encoded) -> Result<(), Error> {
        assert_eq!(codes.word(), self.word(), "codes are of another kind");
        let (dim, n) = (self.lattice.dim(), codes.len());
        if x.len() != dim * n {
            return Err(Error::Batch { found: x.len(), dim, n });
        }
        Ok(())
    }
}

fn tables<L: Points<D>, const D: usize>(q: u8, levels: usize) -> (Leaders, Option<Table>) {
    let leaders = Leaders::new::<L, D>(q);
    let bits = Word { digits: levels * D, q, protected: false }.digit_bits();
    let table = Table::new::<L, D>(&leaders, q, bits, levels);
    (leaders, table)
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lattice, q, levels, beta, protected, isa, .. } = self;
        let isa = isa.name();
        write!(
            f,
            "Codec({lattice}, q {q}, M {levels}, beta {beta:e}, protected {protected}, {isa})"
        )
    }
}

#[cfg(test)]
mod tests;
