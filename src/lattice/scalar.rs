//! The codec one vector at a time: the definition, and the oracle of the other paths.
//!
//! Levels above 0 need no search: Q(lam / q) = (lam - a(b)) / q, exactly, where b is the digit of
//! lam and a(b) its coset leader. Four roundings are all: of x / beta to f32; of 2^-T x / beta to
//! the grid of Q; and in decoding, of twice the sum of the q^m a(b) to f32, and of the product of
//! that with beta 2^(T-1).

use std::array::from_fn;
use std::marker::PhantomData;

use super::codec::MAX_LEVELS;
use super::nearest::{in_domain, nearest_one};
use super::points::Points;
use super::{Codec, Encoded, Error, Layout};

/// A codec with its lattice as a type.
pub(super) struct Scalar<'a, L, const D: usize> {
    codec: &'a Codec,
    lattice: PhantomData<L>,
}

/// The code of one vector.
pub(super) struct Code<const D: usize> {
    /// The digits, finest first; those past the codec's levels are unused.
    pub(super) digits: [[u8; D]; MAX_LEVELS],
    pub(super) t: u8,
    pub(super) overload: bool,
}

impl<'a, L: Points<D>, const D: usize> Scalar<'a, L, D> {
    pub(super) fn new(codec: &'a Codec) -> Self {
        Self { codec, lattice: PhantomData }
    }

    pub(super) fn encode(
        &self,
        x: &[f32],
        layout: Layout,
        codes: &mut Encoded,
    ) -> Result<(), Error> {
        for i in 0..codes.len() {
            self.encode_into(x, layout, i, codes)?;
        }
        Ok(())
    }

    /// Encodes vector `i`.
    pub(super) fn encode_into(
        &self,
        x: &[f32],
        layout: Layout,
        i: usize,
        codes: &mut Encoded,
    ) -> Result<(), Error> {
        let Code { digits, t, overload } = self.encode_one(vector(x, layout, i), i)?;
        let word = self.codec.word().pack(digits[..self.codec.levels()].as_flattened());
        codes.set(i, &word, t, overload);
        Ok(())
    }

    pub(super) fn decode(
        &self,
        codes: &Encoded,
        x: &mut [f32],
        layout: Layout,
    ) -> Result<(), Error> {
        for i in 0..codes.len() {
            set_vector(x, layout, i, self.decode_one(codes, i)?);
        }
        Ok(())
    }

    pub(super) fn quantize(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
    ) -> Result<usize, Error> {
        let mut overloaded = 0;
        for i in 0..x.len() / D {
            overloaded += usize::from(self.quantize_one(x, y, layout, i)?);
        }
        Ok(overloaded)
    }

    /// Quantizes vector `i`; returns whether it is overloaded.
    pub(super) fn quantize_one(
        &self,
        x: &[f32],
        y: &mut [f32],
        layout: Layout,
        i: usize,
    ) -> Result<bool, Error> {
        let code = self.encode_one(vector(x, layout, i), i)?;
        let digits = &code.digits[..self.codec.levels()];
        set_vector(y, layout, i, self.floats(self.sum(digits), code.t));
        Ok(code.overload)
    }

    /// The code of `x`, which is vector `i`: scaled until it fits.
    pub(super) fn encode_one(&self, x: [f32; D], i: usize) -> Result<Code<D>, Error> {
        let beta = self.codec.beta();
        let z = x.map(|x| x / beta);
        if !in_domain(z) {
            return Err(Error::Domain { vector: i, beta });
        }
        let mut t = 0;
        loop {
            let (digits, rest) = self.digits(nearest_one::<L, D>(z, t));
            let overload = rest != [0; D];
            if !overload || t == self.codec.max_scaling() {
                return Ok(Code { digits, t, overload });
            }
            t += 1;
        }
    }

    /// The digits of a point, and what is left of it after the last level.
    fn digits(&self, mut lam: [i64; D]) -> ([[u8; D]; MAX_LEVELS], [i64; D]) {
        let q = i64::from(self.codec.q());
        let mut digits = [[0; D]; MAX_LEVELS];
        for b in &mut digits[..self.codec.levels()] {
            #[expect(clippy::cast_possible_truncation, reason = "in 0..q")]
            let digit = L::coordinates(lam).map(|c| c.rem_euclid(q) as u8);
            let a = self.codec.leaders().get::<L, D>(digit);
            *b = digit;
            for (lam, a) in lam.iter_mut().zip(a) {
                *lam = (*lam - a) / q;
            }
        }
        (digits, lam)
    }

    /// Vector `i` of `codes`, decoded.
    pub(super) fn decode_one(&self, codes: &Encoded, i: usize) -> Result<[f32; D], Error> {
        let (digits, t) = self.checked(codes, i)?;
        Ok(self.floats(self.sum(&digits[..self.codec.levels()]), t))
    }

    /// The digits and the scaling of vector `i`, if they are such.
    fn checked(&self, codes: &Encoded, i: usize) -> Result<([[u8; D]; MAX_LEVELS], u8), Error> {
        let (max, q) = (self.codec.max_scaling(), self.codec.q());
        let t = codes.scaling(i);
        if t > max {
            return Err(Error::Scaling { vector: i, found: t, max });
        }
        let mut digits = [[0; D]; MAX_LEVELS];
        for (j, b) in digits[..self.codec.levels()].as_flattened_mut().iter_mut().enumerate() {
            *b = codes.digit(i, j);
            if *b >= q {
                return Err(Error::Code { vector: i, level: j / D, k: j % D, found: *b, q });
            }
        }
        if !codes.is_clean(i) {
            return Err(Error::Padding { vector: i });
        }
        Ok((digits, t))
    }

    /// The sum of the q^m a(b), as stored.
    fn sum(&self, digits: &[[u8; D]]) -> [i64; D] {
        let q = i64::from(self.codec.q());
        digits.iter().rev().fold([0; D], |s, &b| {
            let a = self.codec.leaders().get::<L, D>(b);
            from_fn(|k| q * s[k] + a[k])
        })
    }

    fn floats(&self, s: [i64; D], t: u8) -> [f32; D] {
        let half_step = self.codec.beta() * (f32::from(1_u16 << t) / 2.0);
        s.map(|s| (2 / L::SCALE * s) as f32 * half_step)
    }
}

/// Vector `i` of a batch.
#[inline]
pub(super) fn vector<const D: usize>(x: &[f32], layout: Layout, i: usize) -> [f32; D] {
    let n = x.len() / D;
    match layout {
        Layout::Soa => from_fn(|k| x[k * n + i]),
        Layout::Rows => x.as_chunks().0[i],
    }
}

pub(super) fn set_vector<const D: usize>(x: &mut [f32], layout: Layout, i: usize, v: [f32; D]) {
    let n = x.len() / D;
    for (k, v) in v.into_iter().enumerate() {
        match layout {
            Layout::Soa => x[k * n + i] = v,
            Layout::Rows => x[i * D + k] = v,
        }
    }
}
