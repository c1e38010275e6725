//! Times of encoding, decoding and both, by the scalar and the best implementation.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::Error;
use super::batches::{Batches, Operation, Setup, same_codes, same_floats};
use super::cuda::{self, Cuda};
use crate::lattice::{Codec, Encoded, Form, Layout};
use crate::machine::isa::Isa;
use crate::profile::roof::Roofs;
use crate::profile::timing::{self, Timing};

/// The times of one operation at one batch size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The operation that was timed.
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
    /// The best instruction set.
    pub isa: String,
    /// The implementation on it.
    pub best: Timing,
    /// The implementation on a GPU, or why it was not measured.
    pub cuda: Result<Cuda, String>,
}

impl Measurement {
    /// The times on a GPU, if it was measured.
    pub fn cuda_timing(&self) -> Option<&Timing> {
        self.cuda.as_ref().ok().map(|cuda| &cuda.timing)
    }

    /// How many times faster than the scalar implementation `timing` is, by their means.
    pub fn speedup(&self, timing: &Timing) -> f64 {
        self.scalar.mean() / timing.mean()
    }

    /// The bytes that must be moved over the median time and the roof: the share of it reached.
    pub fn roof_share(&self, timing: &Timing, roofs: &Roofs) -> f64 {
        timing.roof_share(self.bytes, self.operation.roof(roofs).1)
    }
}

/// The highest rate of the best implementation, in vectors per second.
pub(super) fn peak(sizes: &[Measurement]) -> f64 {
    sizes.iter().map(|m| m.best.throughput()).fold(0.0, f64::max)
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
    let codes = batches.encoded(&scalar)?;
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
        isa: best.isa().name().to_owned(),
        best: time(operation, &best, &batches, &codes),
        cuda: cuda::time(operation, &best, &batches, &codes)?,
    })
}

/// Requires that `best` gives the bits of `scalar`, whose codes of the batches are `codes`.
fn agree(scalar: &Codec, best: &Codec, batches: &Batches, codes: &[Encoded]) -> Result<(), Error> {
    let (name, vectors) = (best.isa().name(), batches.vectors);
    let mut floats = [vec![0.0; batches.len], vec![0.0; batches.len], vec![0.0; batches.len]];
    for ((want, got), batch) in codes.iter().zip(batches.encoded(best)?).zip(batches.all()) {
        same_codes(name, want, &got)?;
        let [want_floats, decoded, quantized] = &mut floats;
        scalar.decode(want, want_floats, Layout::Soa)?;
        best.decode(want, decoded, Layout::Soa)?;
        best.quantize(batch, quantized, Layout::Soa)?;
        same_floats(name, "decoded values", vectors, want_floats, decoded)?;
        same_floats(name, "quantized values", vectors, want_floats, quantized)?;
    }
    Ok(())
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
        let mut codes = batches.encoded(&codec).unwrap();
        agree(&codec, &codec, &batches, &codes).unwrap();
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
