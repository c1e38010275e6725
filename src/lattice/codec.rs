//! The codec: batches of vectors to digits, scalings and overload flags, and back.
//!
//! Levels above 0 need no search: Q(lam / q) = (lam - a(b)) / q, exactly, where b is the digit of
//! lam and a(b) its coset leader. Four roundings are all: of x / beta to f32; of 2^-T x / beta to
//! the grid of Q; and in decoding, of twice the sum of the q^m a(b) to f32, and of the product of
//! that with beta 2^(T-1).

use std::fmt;

use super::d4::D4;
use super::e8::E8;
use super::leaders::Leaders;
use super::nearest::{column, in_domain, nearest_one};
use super::points::Points;
use super::z2::Z2;
use super::{Error, Lattice};

/// The most levels that a codec has.
const MAX_LEVELS: usize = 8;

/// A nested-lattice code, with its table of coset leaders.
#[derive(Clone)]
pub struct Codec {
    lattice: Lattice,
    q: u8,
    levels: usize,
    beta: f32,
    protected: bool,
    leaders: Leaders,
}

/// The code of one vector.
struct Word<const D: usize> {
    /// The digits, finest first; those past the codec's levels are unused.
    digits: [[u8; D]; MAX_LEVELS],
    t: u8,
    overload: bool,
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
        let leaders = match lattice {
            Lattice::Z2 => Leaders::new::<Z2, 2>(q),
            Lattice::D4 => Leaders::new::<D4, 4>(q),
            Lattice::E8 => Leaders::new::<E8, 8>(q),
        };
        Ok(Self { lattice, q, levels, beta, protected, leaders })
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

    /// Encodes n vectors.
    ///
    /// * `x`: the vectors, shape `[d][n]`.
    /// * `codes`: the digits, shape `[M][d][n]`, each below q; level 0 is the finest.
    /// * `t`: the scalings T, shape `[n]`; 0 without protection.
    /// * `overload`: whether the codebook, scaled by 2^T, does not reach the vector, shape `[n]`.
    ///
    /// # Errors
    ///
    /// Names the first vector with a component such that |x / beta| is not at most 2^22, NaN
    /// included. The contents of the outputs are then unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit together.
    pub fn encode(
        &self,
        x: &[f32],
        codes: &mut [u8],
        t: &mut [u8],
        overload: &mut [bool],
    ) -> Result<(), Error> {
        assert_eq!(t.len(), overload.len(), "t and overload differ in length");
        self.assert_shapes(x.len(), codes.len(), t.len());
        match self.lattice {
            Lattice::Z2 => self.encode_in::<Z2, 2>(x, codes, t, overload),
            Lattice::D4 => self.encode_in::<D4, 4>(x, codes, t, overload),
            Lattice::E8 => self.encode_in::<E8, 8>(x, codes, t, overload),
        }
    }

    /// Decodes n vectors.
    ///
    /// * `codes`: the digits, shape `[M][d][n]`, as [`Codec::encode`] leaves them.
    /// * `t`: the scalings, shape `[n]`.
    /// * `x`: the vectors, shape `[d][n]`; never -0, and finite if
    ///   beta 2^T q^M is below 2^126.
    ///
    /// # Errors
    ///
    /// Names the first vector with a code not below q, or with a scaling over
    /// [`Codec::max_scaling`]. The contents of `x` are then unspecified.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit together.
    pub fn decode(&self, codes: &[u8], t: &[u8], x: &mut [f32]) -> Result<(), Error> {
        self.assert_shapes(x.len(), codes.len(), t.len());
        match self.lattice {
            Lattice::Z2 => self.decode_in::<Z2, 2>(codes, t, x),
            Lattice::D4 => self.decode_in::<D4, 4>(codes, t, x),
            Lattice::E8 => self.decode_in::<E8, 8>(codes, t, x),
        }
    }

    fn assert_shapes(&self, x: usize, codes: usize, n: usize) {
        assert_eq!(x, self.lattice.dim() * n, "x is not of shape [d][n]");
        assert_eq!(codes, self.levels * x, "codes are not of shape [M][d][n]");
    }

    fn encode_in<L: Points<D>, const D: usize>(
        &self,
        x: &[f32],
        codes: &mut [u8],
        t: &mut [u8],
        overload: &mut [bool],
    ) -> Result<(), Error> {
        let n = t.len();
        for i in 0..n {
            let z = column(x, n, i).map(|x: f32| x / self.beta);
            if !in_domain(z) {
                return Err(Error::Domain { vector: i, beta: self.beta });
            }
            let word = self.encode_one::<L, D>(z);
            for (m, digit) in word.digits[..self.levels].iter().enumerate() {
                for (k, &b) in digit.iter().enumerate() {
                    codes[(m * D + k) * n + i] = b;
                }
            }
            (t[i], overload[i]) = (word.t, word.overload);
        }
        Ok(())
    }

    /// The code of `z`, a vector in units of beta: scaled until it fits.
    fn encode_one<L: Points<D>, const D: usize>(&self, z: [f32; D]) -> Word<D> {
        let mut t = 0;
        loop {
            let (digits, rest) = self.digits::<L, D>(nearest_one::<L, D>(z, t));
            let overload = rest != [0; D];
            if !overload || t == self.max_scaling() {
                return Word { digits, t, overload };
            }
            t += 1;
        }
    }

    /// The digits of a point, and what is left of it after the last level.
    fn digits<L: Points<D>, const D: usize>(
        &self,
        mut lam: [i64; D],
    ) -> ([[u8; D]; MAX_LEVELS], [i64; D]) {
        let q = i64::from(self.q);
        let mut digits = [[0; D]; MAX_LEVELS];
        for b in &mut digits[..self.levels] {
            #[expect(clippy::cast_possible_truncation, reason = "in 0..q")]
            let digit = L::coordinates(lam).map(|c| c.rem_euclid(q) as u8);
            let a = self.leaders.get::<L, D>(digit);
            *b = digit;
            for (lam, a) in lam.iter_mut().zip(a) {
                *lam = (*lam - a) / q;
            }
        }
        (digits, lam)
    }

    fn decode_in<L: Points<D>, const D: usize>(
        &self,
        codes: &[u8],
        t: &[u8],
        x: &mut [f32],
    ) -> Result<(), Error> {
        let n = t.len();
        for (i, &t) in t.iter().enumerate() {
            let max = self.max_scaling();
            if t > max {
                return Err(Error::Scaling { vector: i, found: t, max });
            }
            let mut s = [0; D];
            for m in (0..self.levels).rev() {
                let b = column(&codes[m * D * n..], n, i);
                if let Some(k) = b.iter().position(|&b| b >= self.q) {
                    return Err(Error::Code { vector: i, level: m, k, found: b[k], q: self.q });
                }
                let a = self.leaders.get::<L, D>(b);
                for (s, a) in s.iter_mut().zip(a) {
                    *s = i64::from(self.q) * *s + a;
                }
            }
            let half_step = self.beta * (f32::from(1_u16 << t) / 2.0);
            for (k, s) in s.into_iter().enumerate() {
                x[k * n + i] = (2 / L::SCALE * s) as f32 * half_step;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lattice, q, levels, beta, protected, leaders: _ } = self;
        write!(f, "Codec({lattice}, q {q}, M {levels}, beta {beta:e}, protected {protected})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::oracle;
    use super::*;

    /// Codes, scalings and flags.
    type Coded = (Vec<u8>, Vec<u8>, Vec<bool>);

    fn encode(codec: &Codec, x: &[f32]) -> Result<Coded, Error> {
        let n = x.len() / codec.lattice.dim();
        let mut codes = vec![99; codec.levels * x.len()];
        let (mut t, mut overload) = (vec![99; n], vec![false; n]);
        codec.encode(x, &mut codes, &mut t, &mut overload)?;
        Ok((codes, t, overload))
    }

    fn decode(codec: &Codec, codes: &[u8], t: &[u8]) -> Result<Vec<f32>, Error> {
        let mut x = vec![f32::NAN; codec.lattice.dim() * t.len()];
        codec.decode(codes, t, &mut x)?;
        Ok(x)
    }

    #[test]
    fn worked_by_hand() {
        // lam_0 = (2, 0, -4, 2), of coordinates (0, 2, 2, -2), of digit (0, 2, 2, 2), the digit of
        // (2, 0, 0, -2). Q of a quarter of that is 0 or (1, 0, 0, -1), and 0 is farther along u.
        // So lam_1 = (0, 0, -1, 1), of coordinates (0, 0, 0, -1).
        let codec = Codec::new(Lattice::D4, 4, 2, 0.5, false).unwrap();
        let (codes, t, overload) = encode(&codec, &[0.85, -0.05, -2.0, 0.8]).unwrap();
        assert_eq!(codes, [0, 2, 2, 2, 0, 0, 0, 3], "codes");
        assert_eq!((&t[..], &overload[..]), (&[0][..], &[false][..]), "in the codebook");
        let decoded = decode(&codec, &codes, &t).unwrap();
        crate::close::bits("Q(x)", &decoded, &[1.0, 0.0, -2.0, 1.0]).unwrap();

        // Leaders are -1 to 2 along x and -2 to 1 along y, so the codebook is -5..=10 by -10..=5.
        // The half of (11, 1) is a corner of four squares, and (5, 1) is farthest along u.
        let codec = Codec::new(Lattice::Z2, 4, 2, 1.0, true).unwrap();
        assert_eq!(encode(&codec, &[10.0, -10.0]).unwrap().1, [0], "the corner of the codebook");
        let (codes, t, overload) = encode(&codec, &[11.0, 1.0]).unwrap();
        assert_eq!((codes, t, overload), (vec![1, 1, 1, 0], vec![1], vec![false]), "scaled");
        assert_eq!(decode(&codec, &[1, 1, 1, 0], &[1]).unwrap(), [10.0, 2.0], "decoded");
        let (_, t, overload) = encode(&codec, &[4e6, 1.0]).unwrap();
        assert_eq!((t, overload), (vec![10], vec![true]), "scaled as often as allowed, in vain");
    }

    #[test]
    fn parameters_out_of_range_are_rejected() {
        let new = |q, m, beta| Codec::new(Lattice::Z2, q, m, beta, false).map(|_| ());
        for q in [0, 1, 17, 255] {
            assert_eq!(new(q, 1, 1.0), Err(Error::Q { found: q }), "q");
        }
        for m in [0, 9, usize::MAX] {
            assert_eq!(new(2, m, 1.0), Err(Error::Levels { found: m }), "M");
        }
        let (low, high) = (2f32.powi(-100), 2f32.powi(100));
        assert_eq!((new(16, 8, low), new(2, 1, high)), (Ok(()), Ok(())), "the edges");
        for beta in [0.0, -1.0, low.next_down(), high.next_up(), f32::INFINITY, f32::NAN] {
            assert!(matches!(new(2, 1, beta), Err(Error::Beta { .. })), "beta {beta}");
        }
    }

    /// Encodes `n` awkward vectors, decodes `n` random codes, and compares with the definition.
    fn check(codec: &Codec, n: usize) {
        let d = codec.lattice.dim();
        let mut x = oracle::awkward(n as u64, d, n);
        x.iter_mut().for_each(|v| *v *= codec.beta.min(1.0));
        let (codes, t, overload) = encode(codec, &x).unwrap();
        oracle::check_encoded(codec, &x, &codes, &t, &overload)
            .unwrap_or_else(|e| panic!("{codec:?}, encode, n {n}: {e}"));

        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 17")]
        let random = |seed, len, end: u8| -> Vec<u8> {
            let values = crate::input::uniform(seed, len, 0.0, end.into());
            values.into_iter().map(|v| v as u8).collect()
        };
        let codes = random(1, codes.len(), codec.q);
        let t = random(2, n, codec.max_scaling() + 1);
        oracle::check_decoded(codec, &codes, &t, &decode(codec, &codes, &t).unwrap())
            .unwrap_or_else(|e| panic!("{codec:?}, decode, n {n}: {e}"));
    }

    #[test]
    fn every_code_agrees_with_the_definition() {
        for (lattice, q) in Lattice::ALL.into_iter().flat_map(|l| (2..=16).map(move |q| (l, q))) {
            for (m, protected) in (1..=8).flat_map(|m| [(m, false), (m, true)]) {
                check(&Codec::new(lattice, q, m, 1.0, protected).unwrap(), 24);
                check(&Codec::new(lattice, q, m, 0.35, protected).unwrap(), 24);
            }
        }
    }

    #[test]
    fn every_batch_size_agrees_with_the_definition() {
        for lattice in Lattice::ALL {
            let codec = Codec::new(lattice, 3, 2, 1.25, true).unwrap();
            (0..=33).for_each(|n| check(&codec, n));
        }
    }

    #[test]
    fn what_is_no_vector_and_what_is_no_code_is_named() {
        let codec = Codec::new(Lattice::D4, 5, 2, 0.25, true).unwrap();
        let edge = 0.25 * 4_194_304.0;
        let mut x = vec![edge; 12];
        assert!(encode(&codec, &x).is_ok(), "the edge is in the domain");
        for bad in [f32::NAN, f32::NEG_INFINITY, edge.next_up()] {
            (x[5], x[10]) = (bad, bad);
            let err = encode(&codec, &x).unwrap_err();
            assert_eq!(err, Error::Domain { vector: 1, beta: 0.25 }, "{bad}");
        }
        let small = Codec::new(Lattice::Z2, 2, 1, 2f32.powi(-100), false).unwrap();
        let err = encode(&small, &[0.0, 1e30, 0.0, 0.0]).unwrap_err();
        assert_eq!(err, Error::Domain { vector: 1, beta: 2f32.powi(-100) }, "x / beta overflows");

        let mut codes = vec![4; 24];
        assert!(decode(&codec, &codes, &[0, 10, 3]).is_ok(), "the edges are codes");
        let err = decode(&codec, &codes, &[0, 11, 255]).unwrap_err();
        assert_eq!(err, Error::Scaling { vector: 1, found: 11, max: 10 }, "scaling");
        codes[4 * 3 + 2 * 3 + 2] = 5;
        let err = decode(&codec, &codes, &[0; 3]).unwrap_err();
        assert_eq!(err, Error::Code { vector: 2, level: 1, k: 2, found: 5, q: 5 }, "code");
        let plain = Codec::new(Lattice::D4, 5, 2, 0.25, false).unwrap();
        let err = decode(&plain, &[0; 8], &[1]).unwrap_err();
        assert_eq!(err, Error::Scaling { vector: 0, found: 1, max: 0 }, "no protection");
    }
}
