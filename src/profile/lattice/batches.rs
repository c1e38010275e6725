//! The codec that is profiled, its data, and when two of its results are the same.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::input;
use crate::lattice::{self, Codec, Encoded, Form, Lattice, Layout};
use crate::machine::isa::Isa;
use crate::profile::roof::Roofs;

/// A codec, and the data it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// The lattice.
    pub lattice: Lattice,
    /// Values of a digit's coordinate.
    pub q: u8,
    /// Number of levels.
    pub levels: usize,
    /// The step.
    pub beta: f32,
    /// Whether overloaded vectors are scaled down.
    pub protected: bool,
    /// Standard deviation of every component of the data, which are Gaussian.
    pub sigma: f64,
    /// Seed of the data.
    pub seed: u64,
}

impl Setup {
    /// The codec on one instruction set.
    ///
    /// # Errors
    ///
    /// If a parameter is out of range.
    pub fn codec(&self, isa: Isa) -> Result<Codec, lattice::Error> {
        let Self { lattice, q, levels, beta, protected, .. } = *self;
        Ok(Codec::new(lattice, q, levels, beta, protected)?.with_isa(isa))
    }

    /// `len` components of the data.
    pub fn data(&self, len: usize) -> Vec<f32> {
        let values = input::gaussian(self.seed, len, self.sigma);
        #[expect(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
        let floats = values.iter().map(|v| *v as f32);
        floats.collect()
    }

    /// The code in one word: `D4_q4_M2`.
    pub fn code(&self) -> String {
        format!("{}_q{}_M{}", self.lattice, self.q, self.levels)
    }
}

/// The part of the codec that is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Floats to packed codes.
    Encoding,
    /// Packed codes to floats.
    Decoding,
    /// Floats to the floats that their codes stand for.
    Combined,
}

impl Operation {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Encoding, Self::Decoding, Self::Combined];

    /// `encoding`, `decoding` or `combined`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Decoding => "decoding",
            Self::Combined => "combined",
        }
    }

    /// The name with a capital.
    pub(super) fn title(self) -> String {
        self.name()[..1].to_uppercase() + &self.name()[1..]
    }

    /// The name of its roof, in words.
    pub(super) fn roof_words(self) -> &'static str {
        match self {
            Self::Encoding => "read",
            Self::Decoding => "non-temporal write",
            Self::Combined => "copy",
        }
    }

    /// The roof that its traffic is compared with, and its rate in bytes per second: encoding
    /// mostly reads, decoding mostly writes, and both together read as much as they write.
    pub fn roof(self, roofs: &Roofs) -> (&'static str, f64) {
        match self {
            Self::Encoding => ("read", roofs.read),
            Self::Decoding => ("non_temporal_write", roofs.non_temporal_write),
            Self::Combined => ("copy", roofs.copy),
        }
    }
}

/// Batches of equal size, one behind the other, each of shape `[d][n]`.
///
/// There are as many as hold 65,536 vectors in all, 256 at most: branch predictors learn short
/// inputs by heart.
#[derive(Debug)]
pub(super) struct Batches {
    values: Vec<f32>,
    /// Floats in each.
    pub(super) len: usize,
    /// Vectors in each.
    pub(super) vectors: usize,
}

impl Batches {
    pub(super) fn new(setup: &Setup, vectors: usize) -> Self {
        let distinct = ((1 << 16) / vectors).clamp(1, 256);
        let len = vectors * setup.lattice.dim();
        Self { values: setup.data(distinct * len), len, vectors }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.values.len() / self.len
    }

    /// Every batch, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.len)
    }

    /// The batch of call `nth`.
    pub(super) fn get(&self, nth: u64) -> &[f32] {
        let at = self.at(nth);
        &self.values[at * self.len..][..self.len]
    }

    /// The number of the batch of call `nth`.
    pub(super) fn at(&self, nth: u64) -> usize {
        usize::try_from(nth % self.count() as u64).expect("less than the count")
    }

    /// Codes of every batch.
    pub(super) fn encoded(&self, codec: &Codec) -> Result<Vec<Encoded>, lattice::Error> {
        let encode = |batch| {
            let mut codes = Encoded::new(codec, Form::Packed, self.vectors);
            codec.encode(batch, Layout::Soa, &mut codes).map(|()| codes)
        };
        self.all().map(encode).collect()
    }
}

/// Requires that the codes `got` of an implementation are those of the scalar one.
pub(super) fn same_codes(
    implementation: &'static str,
    want: &Encoded,
    got: &Encoded,
) -> Result<(), Error> {
    let differs = |what| Err(Error::Differs { implementation, what, batch: want.len() });
    if (0..want.planes()).any(|k| want.plane(k) != got.plane(k)) {
        return differs("codes");
    }
    if (want.scalings(), want.overload()) != (got.scalings(), got.overload()) {
        return differs("scalings or overload");
    }
    Ok(())
}

/// Requires that the floats `got` of an implementation have the bits of the scalar one's.
pub(super) fn same_floats(
    implementation: &'static str,
    what: &'static str,
    batch: usize,
    want: &[f32],
    got: &[f32],
) -> Result<(), Error> {
    match want.iter().zip(got).all(|(a, b)| a.to_bits() == b.to_bits()) {
        true => Ok(()),
        false => Err(Error::Differs { implementation, what, batch }),
    }
}
