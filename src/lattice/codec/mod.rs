//! The codec: batches of vectors to digits, scalings and overload flags, and back. It chooses the
//! lattice and the instruction set; the work is done by what lies below.

use std::fmt;

use super::code::Code;
use super::code::encoded::{Codes, CodesMut, Encoded, Form, Layout, Shape};
use super::code::lanes::LanePoints;
use super::code::word::Word;
use super::d4::D4;
#[cfg(target_arch = "x86_64")]
use super::decode::{self, decode_direct};
use super::dot::{self, DotTable};
use super::e8::E8;
#[cfg(target_arch = "x86_64")]
use super::encode::{self, One};
use super::scalar::Scalar;
use super::z2::Z2;
use super::{Error, Lattice};
use crate::machine::isa::Isa;

mod quantize;

/// A nested-lattice code, with its table of coset leaders.
#[derive(Clone)]
pub struct Codec {
    code: Code,
    isa: Isa,
    /// The shape of packed codes.
    packed: Shape,
    /// How to encode one vector; `None` without a table of leaders or for a word of more than
    /// 64 bits.
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
        let code = match lattice {
            Lattice::Z2 => Code::new::<Z2, 2>(lattice, q, levels, beta, protected),
            Lattice::D4 => Code::new::<D4, 4>(lattice, q, levels, beta, protected),
            Lattice::E8 => Code::new::<E8, 8>(lattice, q, levels, beta, protected),
        };
        Ok(Self::of(code?))
    }

    pub(super) fn of(code: Code) -> Self {
        #[cfg(target_arch = "x86_64")]
        let fits = !code.leaders().table::<1>().is_empty() && code.word().bytes() <= 8;
        Self {
            isa: Isa::best(),
            packed: Shape::packed(code.word()),
            #[cfg(target_arch = "x86_64")]
            one: fits.then(|| One::new(code.beta(), code.lattice().dim(), code.q(), code.levels())),
            code,
        }
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
        self.code.lattice()
    }

    /// The number q of values of a digit's coordinate.
    pub fn q(&self) -> u8 {
        self.code.q()
    }

    /// The number M of levels.
    pub fn levels(&self) -> usize {
        self.code.levels()
    }

    /// The step beta.
    pub fn beta(&self) -> f32 {
        self.code.beta()
    }

    /// The largest scaling T: 10 with protection, else 0.
    pub fn max_scaling(&self) -> u8 {
        self.code.max_scaling()
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
        self.code.word()
    }

    pub(super) fn code(&self) -> &Code {
        &self.code
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
        match self.lattice() {
            Lattice::Z2 => self.encode_into::<Z2, 2>(x, layout, codes),
            Lattice::D4 => self.encode_into::<D4, 4>(x, layout, codes),
            Lattice::E8 => self.encode_into::<E8, 8>(x, layout, codes),
        }
    }

    fn encode_into<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        layout: Layout,
        codes: &mut Encoded,
    ) -> Result<(), Error> {
        let set = |word, t, overload| codes.write().set_short(0, word, t, overload);
        if self.encode_single::<D>(x, set).is_some() {
            return Ok(());
        }
        self.encode_in::<L, D>(x, layout, 0, &mut codes.write())
    }

    /// Gives the word, the scaling and the flag of `x` to `set` and returns the flag, if `x` is one
    /// vector and there is a way to encode that by itself.
    #[inline(always)]
    fn encode_single<const D: usize>(
        &self,
        x: &[f32],
        set: impl FnOnce(u64, u8, bool),
    ) -> Option<bool> {
        #[cfg(target_arch = "x86_64")]
        if let (Isa::Avx2 | Isa::Avx512, Some(one), Ok(x)) = (self.isa, &self.one, x.try_into()) {
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            return unsafe { encode::encode_single::<D>(&self.code, one, x, set) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (x, set);
        None
    }

    /// Encodes the vectors of `x` from `from` on, as many as `codes` has room for.
    fn encode_in<L: LanePoints<D>, const D: usize>(
        &self,
        x: &[f32],
        layout: Layout,
        from: usize,
        codes: &mut CodesMut<'_>,
    ) -> Result<(), Error> {
        let code = &self.code;
        match self.isa {
            _ if x.len() == D => Scalar::<L, D>::new(code).encode(x, layout, from, codes),
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { encode::encode_avx2::<L, D>(code, x, layout, from, codes) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { encode::encode_avx512::<L, D>(code, x, layout, from, codes) },
            _ => Scalar::<L, D>::new(code).encode(x, layout, from, codes),
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
        let codes = codes.read();
        match self.lattice() {
            Lattice::Z2 => self.decode_in::<Z2, 2>(codes, x, layout, 0),
            Lattice::D4 => self.decode_in::<D4, 4>(codes, x, layout, 0),
            Lattice::E8 => self.decode_in::<E8, 8>(codes, x, layout, 0),
        }
    }

    /// Decodes into the vectors of `x` from `from` on, a multiple of 2. Inlined, so that one vector is
    /// decoded from registers.
    #[inline(always)]
    fn decode_in<L: LanePoints<D>, const D: usize>(
        &self,
        codes: Codes<'_>,
        x: &mut [f32],
        layout: Layout,
        from: usize,
    ) -> Result<(), Error> {
        let code = &self.code;
        #[cfg(target_arch = "x86_64")]
        if self.isa != Isa::Scalar {
            // SAFETY: all others have AVX2 and FMA, and `with_isa` and `Isa::best` leave only what
            // this processor has.
            if unsafe { decode_direct::<D>(code, codes, x, layout, from) } {
                return Ok(());
            }
        }
        match self.isa {
            // SAFETY: `with_isa` and `Isa::best` leave only what this processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { decode::decode_avx2::<L, D>(code, codes, x, layout, from) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { decode::decode_avx512::<L, D>(code, codes, x, layout, from) },
            _ => Scalar::<L, D>::new(code).decode(codes, x, layout, from),
        }
    }

    /// Writes the inner product of vectors i of `a` and `b` to `out[i]`, as an integer: `<2y, 2z>`,
    /// where their codes stand for y and z, before any scaling.
    ///
    /// # Errors
    ///
    /// Says that the inner product may not fit an `i64`, whatever the codes; or what
    /// [`Codec::decode`] says of `a`, or else of `b`. The contents of `out` are then unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or one of the batches was made for another kind of code.
    pub fn dot(&self, a: &Encoded, b: &Encoded, out: &mut [i64]) -> Result<(), Error> {
        dot::dot(&self.code, a, b, out)
    }

    /// The inner products of all pairs of leaders.
    ///
    /// # Errors
    ///
    /// Says that there are more than 2^20; or that inner products may not fit an `i64`.
    pub fn dot_table(&self) -> Result<DotTable, Error> {
        DotTable::new(&self.code)
    }

    /// The factor from the inner product of two codes with scalings `t_a` and `t_b` to that of the
    /// decoded vectors: `beta^2 2^(t_a + t_b) / 4`, exactly.
    pub fn dot_scale(&self, t_a: u8, t_b: u8) -> f64 {
        let half_step = |t| f64::from(self.beta()) * 2f64.powi(i32::from(t) - 1);
        half_step(t_a) * half_step(t_b)
    }

    fn assert_same_batch(&self, x: &[f32], codes: &Encoded) -> Result<(), Error> {
        assert_eq!(codes.word(), self.word(), "codes are of another kind");
        let (dim, n) = (self.lattice().dim(), codes.len());
        if x.len() != dim * n {
            return Err(Error::Batch { found: x.len(), dim, n });
        }
        Ok(())
    }
}

impl Encoded {
    /// Room for the codes of `n` vectors: all digits and scalings 0, nothing overloaded.
    ///
    /// # Panics
    ///
    /// If memory cannot have so many bytes.
    pub fn new(codec: &Codec, form: Form, n: usize) -> Self {
        Self::of(codec.word(), form, n)
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lattice, q, levels, beta) = (self.lattice(), self.q(), self.levels(), self.beta());
        let (protected, isa) = (self.code.is_protected(), self.isa.name());
        write!(
            f,
            "Codec({lattice}, q {q}, M {levels}, beta {beta:e}, protected {protected}, {isa})"
        )
    }
}

#[cfg(test)]
mod tests;
