//! Times of encoding, decoding and both, by the scalar and the best implementation.
//!
//! Every call gets another batch, out of as many as hold 65,536 vectors in all, 256 at most:
//! branch predictors learn short inputs by heart.

use std::hint::black_box;

use super::cuda::{self, Cuda};
use super::roof::Roofs;
use super::timing::{self, Timing};
use super::{Error, Setup};
use crate::lattice::{Codec, Encoded, Form, Layout};
use crate::machine::isa::Isa;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The times of one operation at one batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was timed.
    pub operation: Operation,
    /// Vectors in each call.
    pub batch: usize,
    /// How many different batches there were.
    pub distinct: usize,
    /// Bytes that one call must read and write.
    pub bytes: usize,
    /// The scalar implementation; of [`Operation::Combined`], its one call for both.
    pub scalar: Timing,
    /// Of [`Operation::Combined`], the scalar implementation in two calls.
    pub scalar_two_calls: Option<Timing>,
    /// The instruction set of the next.
    pub isa: Isa,
    /// The implementation on the best instruction set.
    pub best: Timing,
    /// The implementation on a GPU, or why it was not measured.
    pub cuda: Result<Cuda, String>,
}

impl Measurement {
    /// The times on a GPU, if it was measured.
    pub fn cuda_timing(&self) -> Option<&Timing> {
        self.cuda.as_ref().ok().map(|cuda| &cuda.timing)
    }
}

/// Batches of equal size, one behind the other, each of shape `[d][n]`.
#[derive(Debug)]
pub(super) struct Batches {
    values: Vec<f32>,
    len: usize,
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

    /// The batch of call `nth`.
    pub(super) fn get(&self, nth: u64) -> &[f32] {
        let at = self.at(nth);
        &self.values[at * self.len..][..self.len]
    }

    fn at(&self, nth: u64) -> usize {
        usize::try_from(nth % self.count() as u64).expect("less than the count")
    }
}

/// Codes of every batch.
pub(super) fn encode_all(codec: &Codec, batches: &Batches) -> Result<Vec<Encoded>, Error> {
    let encode = |nth| {
        let mut codes = Encoded::new(codec, Form::Packed, batches.vectors);
        codec.encode(batches.get(nth), Layout::Soa, &mut codes).map(|()| codes)
    };
    Ok((0..batches.count() as u64).map(encode).collect::<Result<_, _>>()?)
}

/// Times `operation` at `batch` vectors per call.
///
/// # Errors
///
/// If the codec cannot be built or refuses the data, or if implementations disagree.
///
/// # Panics
///
/// If `batch` is 0.
pub fn measure(setup: &Setup, operation: Operation, batch: usize) -> Result<Measurement, Error> {
    assert!(batch > 0, "an empty batch takes no time");
    let (scalar, best) = (setup.codec(Isa::Scalar)?, setup.codec(Isa::best())?);
    let batches = Batches::new(setup, batch);
    let codes = encode_all(&scalar, &batches)?;
    agree(&scalar, &best, &batches, &codes)?;

    let floats = size_of_val(batches.get(0));
    let packed = codes[0].len_bytes();
    let bytes = match operation {
        Operation::Encoding => floats + packed + codes[0].overload().len(),
        Operation::Decoding => packed + floats,
        Operation::Combined => 2 * floats,
    };
    let two_calls = operation == Operation::Combined;
    Ok(Measurement {
        operation,
        batch,
        distinct: batches.count(),
        bytes,
        scalar: time(operation, &scalar, &batches, &codes),
        scalar_two_calls: two_calls.then(|| time_two_calls(&scalar, &batches)),
        isa: best.isa(),
        best: time(operation, &best, &batches, &codes),
        cuda: cuda::time(operation, &best, &batches, &codes)?,
    })
}

/// Requires that `best` gives the bits of `scalar`, whose codes of the batches are `codes`.
fn agree(scalar: &Codec, best: &Codec, batches: &Batches, codes: &[Encoded]) -> Result<(), Error> {
    let (name, vectors) = (best.isa().name(), batches.vectors);
    let mut floats = [vec![0.0; batches.len], vec![0.0; batches.len], vec![0.0; batches.len]];
    for ((want, got), nth) in codes.iter().zip(encode_all(best, batches)?).zip(0..) {
        same_codes(name, want, &got)?;
        let [want_floats, decoded, quantized] = &mut floats;
        scalar.decode(want, want_floats, Layout::Soa)?;
        best.decode(want, decoded, Layout::Soa)?;
        best.quantize(batches.get(nth), quantized, Layout::Soa)?;
        same_floats(name, "decoded values", vectors, want_floats, decoded)?;
        same_floats(name, "quantized values", vectors, want_floats, quantized)?;
    }
    Ok(())
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

const CHECKED: &str = "every batch was coded before";

fn time(operation: Operation, codec: &Codec, batches: &Batches, codes: &[Encoded]) -> Timing {
    let mut out = Encoded::new(codec, Form::Packed, batches.vectors);
    let mut floats = vec![0.0; batches.len];
    timing::time(batches.vectors, |nth| match operation {
        Operation::Encoding => {
            codec.encode(batches.get(nth), Layout::Soa, &mut out).expect(CHECKED);
            black_box(&out);
        }
        Operation::Decoding => {
            codec.decode(&codes[batches.at(nth)], &mut floats, Layout::Soa).expect(CHECKED);
            black_box(&floats);
        }
        Operation::Combined => {
            codec.quantize(batches.get(nth), &mut floats, Layout::Soa).expect(CHECKED);
            black_box(&floats);
        }
    })
}

fn time_two_calls(codec: &Codec, batches: &Batches) -> Timing {
    let mut codes = Encoded::new(codec, Form::Packed, batches.vectors);
    let mut floats = vec![0.0; batches.len];
    timing::time(batches.vectors, |nth| {
        codec.encode(batches.get(nth), Layout::Soa, &mut codes).expect(CHECKED);
        codec.decode(black_box(&codes), &mut floats, Layout::Soa).expect(CHECKED);
        black_box(&floats);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::Lattice;

    const SETUP: Setup = Setup {
        lattice: Lattice::D4,
        q: 4,
        levels: 2,
        beta: 0.25,
        protected: true,
        sigma: 1.0,
        seed: 1,
    };

    #[test]
    fn all_operations_are_timed_and_none_on_a_gpu_that_is_not_there() {
        for operation in Operation::ALL {
            let got = measure(&SETUP, operation, 100).unwrap();
            assert_eq!((got.batch, got.distinct), (100, 256), "{operation:?}");
            // 16 bytes of floats, 2 of codes, 1 of scaling; 100 bits of overload.
            let bytes = [1900 + 13, 1900, 3200][operation as usize];
            assert_eq!(got.bytes, bytes, "{operation:?}");
            assert_eq!(got.scalar_two_calls.is_some(), operation == Operation::Combined, "two");
            if cuda::available().is_err() {
                assert!(got.cuda.is_err(), "{operation:?}");
            }
        }
    }

    #[test]
    fn implementations_that_disagree_are_not_timed() {
        let codec = SETUP.codec(Isa::Scalar).unwrap();
        let other = Setup { beta: 0.26, ..SETUP }.codec(Isa::best()).unwrap();
        let batches = Batches::new(&SETUP, 50);
        let mut codes = encode_all(&codec, &batches).unwrap();
        assert_eq!(agree(&codec, &codec, &batches, &codes), Ok(()), "the same");
        let err = agree(&codec, &other, &batches, &codes).unwrap_err();
        assert!(matches!(err, Error::Differs { what: "codes", batch: 50, .. }), "{err}");
        codes[7].scalings_mut()[3] ^= 1;
        let err = agree(&codec, &codec, &batches, &codes).unwrap_err();
        assert!(err.to_string().contains("scalings"), "{err}");
    }

    #[test]
    fn what_the_codec_refuses_is_not_timed() {
        let tiny = Setup { beta: 1e-7, ..SETUP };
        assert!(matches!(measure(&tiny, Operation::Encoding, 10), Err(Error::Codec(_))), "domain");
        let q = Setup { q: 17, ..SETUP };
        assert!(matches!(measure(&q, Operation::Encoding, 10), Err(Error::Codec(_))), "q");
    }
}
