//! The codec one vector at a time: the definition, and the oracle of the other paths.
//!
//! Levels above 0 need no search: Q(lam / q) = (lam - a(b)) / q, exactly, where b is the digit of
//! lam and a(b) its coset leader. Four roundings are all: of x / beta to f32; of 2^-T x / beta to
//! the grid of Q; and in decoding, of twice the sum of the q^m a(b) to f32, and of the product of
//! that with beta 2^(T-1).

use std::array::from_fn;
use std::marker::PhantomData;

use super::Error;
use super::code::encoded::{Codes, CodesMut, Layout};
use super::code::points::Points;
use super::code::{Code, MAX_LEVELS};
use super::nearest::{in_domain, nearest_one};

/// A code with its lattice as a type.
pub(super) struct Scalar<'a, L, const D: usize> {
    code: &'a Code,
    lattice: PhantomData<L>,
}

/// The code of one vector.
struct Coded<const D: usize> {
    /// The digits, finest first; those past the codec's levels are unused.
    digits: [[u8; D]; MAX_LEVELS],
    t: u8,
    overload: bool,
}

impl<'a, L: Points<D>, const D: usize> Scalar<'a, L, D> {
    pub(super) fn new(code: &'a Code) -> Self {
        Self { code, lattice: PhantomData }
    }

    /// Encodes the vectors of `x` from `from` on.
    pub(super) fn encode(
        &self,
        x: &[f32],
        layout: Layout,
        from: usize,
        codes: &mut CodesMut<'_>,
    ) -> Result<(), Error> {
        for i in 0..codes.len() {
            self.encode_into(x, layout, from + i, codes, i)?;
        }
        Ok(())
    }

    /// Encodes vector `i` into place `at`.
    pub(super) fn encode_into(
        &self,
        x: &[f32],
        layout: Layout,
        i: usize,
        codes: &mut CodesMut<'_>,
        at: usize,
    ) -> Result<(), Error> {
        let Coded { digits, t, overload } = self.encode_one(vector(x, layout, i), i)?;
        let word = self.code.word().pack(digits[..self.code.levels()].as_flattened());
        codes.set(at, &word, t, overload);
        Ok(())
    }

    /// Decodes into the vectors of `x` from `from` on.
    pub(super) fn decode(
        &self,
        codes: Codes<'_>,
        x: &mut [f32],
        layout: Layout,
        from: usize,
    ) -> Result<(), Error> {
        for i in 0..codes.len() {
            set_vector(x, layout, from + i, self.decode_one(codes, i)?);
        }
        Ok(())
    }

    /// Finds the first vector whose codes or scaling are none.
    pub(super) fn check(&self, codes: Codes<'_>) -> Result<(), Error> {
        (0..codes.len()).try_for_each(|i| self.checked(codes, i).map(drop))
    }

    /// The code of `x`, which is vector `i`: scaled until it fits.
    fn encode_one(&self, x: [f32; D], i: usize) -> Result<Coded<D>, Error> {
        let beta = self.code.beta();
        let z = x.map(|x| x / beta);
        if !in_domain(z) {
            return Err(Error::Domain { vector: i, beta });
        }
        let mut t = 0;
        loop {
            let (digits, rest) = self.digits(nearest_one::<L, D>(z, t));
            let overload = rest != [0; D];
            if !overload || t == self.code.max_scaling() {
                return Ok(Coded { digits, t, overload });
            }
            t += 1;
        }
    }

    /// The digits of a point, and what is left of it after the last level.
    fn digits(&self, mut lam: [i64; D]) -> ([[u8; D]; MAX_LEVELS], [i64; D]) {
        let q = i64::from(self.code.q());
        let mut digits = [[0; D]; MAX_LEVELS];
        for b in &mut digits[..self.code.levels()] {
            #[expect(clippy::cast_possible_truncation, reason = "in 0..q")]
            let digit = L::coordinates(lam).map(|c| c.rem_euclid(q) as u8);
            let a = self.code.leaders().get::<L, D>(digit);
            *b = digit;
            for (lam, a) in lam.iter_mut().zip(a) {
                *lam = (*lam - a) / q;
            }
        }
        (digits, lam)
    }

    /// Vector `i` of `codes`, decoded.
    pub(super) fn decode_one(&self, codes: Codes<'_>, i: usize) -> Result<[f32; D], Error> {
        let (digits, t) = self.checked(codes, i)?;
        Ok(self.floats(self.sum(&digits[..self.code.levels()]), t))
    }

    /// The digits and the scaling of vector `i`, if they are such.
    fn checked(&self, codes: Codes<'_>, i: usize) -> Result<([[u8; D]; MAX_LEVELS], u8), Error> {
        let (max, q) = (self.code.max_scaling(), self.code.q());
        let t = codes.scalings().get(i).copied().unwrap_or(0);
        if t > max {
            return Err(Error::Scaling { vector: i, found: t, max });
        }
        let mut digits = [[0; D]; MAX_LEVELS];
        for (j, b) in digits[..self.code.levels()].as_flattened_mut().iter_mut().enumerate() {
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
        let q = i64::from(self.code.q());
        digits.iter().rev().fold([0; D], |s, &b| {
            let a = self.code.leaders().get::<L, D>(b);
            from_fn(|k| q * s[k] + a[k])
        })
    }

    fn floats(&self, s: [i64; D], t: u8) -> [f32; D] {
        let half_step = self.code.beta() * (f32::from(1_u16 << t) / 2.0);
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
