//! The loss of a codec, and the bits of its codes.

use serde::{Deserialize, Serialize};

use crate::lattice::{self, Codec, Encoded, Form, Lattice, Layout};

/// Bits per dimension of a codec's packed codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// M log2 q: what a code tells.
    pub information_bits: f64,
    /// 8 B / d: what a packed word of B bytes takes.
    pub stored_bits: f64,
    /// (8 B + 8) / d: what it takes with the byte of its scaling.
    pub stored_bits_with_scaling: f64,
    /// 32 d / (8 B): how many times smaller a packed word is than its vector in f32.
    pub compression: f64,
}

impl Rates {
    /// The rates of `codec`.
    pub fn of(codec: &Codec) -> Self {
        let (d, bytes) = (codec.lattice().dim() as f64, codec.vector_bytes() as f64);
        Self {
            information_bits: codec.levels() as f64 * f64::from(codec.q()).log2(),
            stored_bits: 8.0 * bytes / d,
            stored_bits_with_scaling: (8.0 * bytes + 8.0) / d,
            compression: 4.0 * d / bytes,
        }
    }
}

/// The loss of a codec on some data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// How many vectors it was measured on.
    pub vectors: usize,
    /// Share of the vectors that the codebook does not reach without scaling.
    pub overload_probability: f64,
    /// Mean squared error per dimension of all vectors, overloaded ones too.
    pub mse: f64,
    /// Mean squared error per dimension of the vectors that were neither overloaded nor scaled.
    pub mse_not_overloaded: Option<f64>,
    /// The same over `beta^2 V^(2/d)`, V the volume of a cell: the normalised second moment of the
    /// lattice, if the step is small against the data. Overloaded and scaled vectors are left out,
    /// since their error is not one of the lattice; null if there is no other vector.
    pub nsm: Option<f64>,
    /// Entropy of the scaling T, in bits per vector; 0 without protection.
    pub scaling_entropy_bits: f64,
}

/// Measures what `codec` loses on the vectors `x`, of shape `[d][n]`.
///
/// # Errors
///
/// If the codec refuses a vector.
///
/// # Panics
///
/// If there is no vector.
pub fn quality(codec: &Codec, x: &[f32]) -> Result<Quality, lattice::Error> {
    let d = codec.lattice().dim();
    let n = x.len() / d;
    assert!(n > 0, "no vectors");
    let mut codes = Encoded::new(codec, Form::Packed, n);
    let mut decoded = vec![0.0; x.len()];
    codec.encode(x, Layout::Soa, &mut codes)?;
    codec.decode(&codes, &mut decoded, Layout::Soa)?;

    let mut error = vec![0.0_f64; n];
    for (x, decoded) in x.chunks_exact(n).zip(decoded.chunks_exact(n)) {
        for ((error, x), decoded) in error.iter_mut().zip(x).zip(decoded) {
            *error += (f64::from(*x) - f64::from(*decoded)).powi(2);
        }
    }
    let mut scaled = vec![0_usize; 256];
    let (mut inside, mut inside_error) = (0_usize, 0.0);
    for (i, error) in error.iter().enumerate() {
        let t = codes.scalings().get(i).copied().unwrap_or(0);
        scaled[usize::from(t)] += 1;
        if t == 0 && !codes.is_overloaded(i) {
            inside += 1;
            inside_error += error;
        }
    }
    let probability = |count: usize| count as f64 / n as f64;
    let mse_not_overloaded = (inside > 0).then(|| inside_error / (inside * d) as f64);
    let cell = f64::from(codec.beta()).powi(2) * normalisation(codec.lattice());
    let present = scaled.iter().filter(|count| **count > 0).map(|count| probability(*count));
    Ok(Quality {
        vectors: n,
        overload_probability: probability(n - inside),
        mse: error.iter().sum::<f64>() / x.len() as f64,
        mse_not_overloaded,
        nsm: mse_not_overloaded.map(|mse| mse / cell),
        // The maximum takes the sign from a zero.
        scaling_entropy_bits: present.map(|p| -p * p.log2()).sum::<f64>().max(0.0),
    })
}

/// V^(2/d), V the volume of a cell: 1 for Z2 and E8, 2 for D4.
pub fn normalisation(lattice: Lattice) -> f64 {
    match lattice {
        Lattice::Z2 | Lattice::E8 => 1.0,
        Lattice::D4 => std::f64::consts::SQRT_2,
    }
}

/// The normalised second moment of the lattice: 1/12, 0.076603 and 929/12960.
///
/// Source: J. H. Conway, N. J. A. Sloane, "Voronoi regions of lattices, second moments of
/// polytopes, and quantization", IEEE Trans. Inf. Theory 28 (1982) 211-226.
pub fn second_moment(lattice: Lattice) -> f64 {
    match lattice {
        Lattice::Z2 => 1.0 / 12.0,
        Lattice::D4 => 13.0 / (120.0 * std::f64::consts::SQRT_2),
        Lattice::E8 => 929.0 / 12960.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::isa::Isa;
    use crate::profile::lattice::Setup;

    fn measured(lattice: Lattice, q: u8, beta: f32, protected: bool) -> Quality {
        let setup = Setup { lattice, q, levels: 2, beta, protected, sigma: 1.0, seed: 5 };
        let x = setup.data(100_000 * lattice.dim());
        quality(&setup.codec(Isa::best()).unwrap(), &x).unwrap()
    }

    /// Figures of an independent search, of 300,000 vectors: overload, mean squared error of the rest and, with
    /// protection, of all. Three standard errors of a probability at 100,000 vectors are below
    /// 0.0045; the errors are averages over as many vectors.
    #[test]
    fn overload_and_distortion_are_those_of_another_implementation() {
        for (lattice, beta, overload, inside, protected) in [
            (Lattice::Z2, 0.25, 0.1698, 0.005_190, 0.007_834),
            (Lattice::D4, 0.25, 0.0930, 0.006_775, 0.008_674),
            (Lattice::D4, 0.35, 0.0084, 0.013_257, 0.013_590),
            (Lattice::E8, 0.25, 0.3139, 0.004_480, 0.008_702),
            (Lattice::E8, 0.30, 0.1217, 0.006_455, 0.008_790),
        ] {
            let got = measured(lattice, 4, beta, true);
            let close = |got: f64, want: f64| (got / want - 1.0).abs() < 0.012;
            assert!((got.overload_probability - overload).abs() < 0.0045, "{lattice}: {got:?}");
            assert!(close(got.mse_not_overloaded.unwrap(), inside), "{lattice}: {got:?}");
            assert!(close(got.mse, protected), "{lattice} {beta}: {got:?}");
        }
    }

    #[test]
    fn the_second_moment_is_that_of_the_lattice() {
        for lattice in Lattice::ALL {
            let got = measured(lattice, 8, 0.5, false);
            assert_eq!(got.overload_probability, 0.0, "{got:?}");
            let nsm = got.nsm.unwrap();
            assert!((nsm / second_moment(lattice) - 1.0).abs() < 0.01, "{lattice}: {nsm}");
            assert_eq!(got.scaling_entropy_bits, 0.0, "unprotected");
        }
    }

    #[test]
    fn where_all_overload_there_is_no_second_moment() {
        let codec = Codec::new(Lattice::Z2, 2, 1, 1e-3, false).unwrap();
        let got = quality(&codec, &[5.0, 6.0, 7.0, 8.0]).unwrap();
        assert_eq!((got.overload_probability, got.nsm), (1.0, None), "{got:?}");
        assert!(got.mse > 1.0, "{got:?}");
    }

    #[test]
    fn rates_count_bits_per_dimension() {
        let codec = Codec::new(Lattice::D4, 3, 3, 1.0, true).unwrap();
        let rates = Rates::of(&codec);
        assert!((rates.information_bits - 3.0 * 3f64.log2()).abs() < 1e-12, "{rates:?}");
        assert_eq!((rates.stored_bits, rates.stored_bits_with_scaling), (6.0, 8.0), "24 bits of 4");
        assert!((rates.compression - 16.0 / 3.0).abs() < 1e-12, "{rates:?}");
    }
}
