//! Seeded inputs: the same numbers on every machine and in every version.

use rand_distr::{Distribution as _, StandardNormal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

/// The generator behind every input: portable and stable across versions.
pub fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// `len` values, uniform in `[low, high)`.
pub fn uniform(seed: u64, len: usize, low: f32, high: f32) -> Vec<f32> {
    let mut rng = rng(seed);
    let mut unit = || -> f32 { StandardUniform.sample(&mut rng) };
    (0..len).map(|_| low + (high - low) * unit()).collect()
}

/// `len` normal values of mean 0 and standard deviation `sigma`.
pub fn gaussian(seed: u64, len: usize, sigma: f64) -> Vec<f64> {
    let mut rng = rng(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    (0..len).map(|_| sigma * normal()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bits_for_ever() {
        let (u, g) = (uniform(1, 2, -1.0, 1.0), gaussian(1, 2, 2.0));
        assert_eq!(u, [0.623_224_26, 0.494_209_4], "uniform");
        assert_eq!(g, [1.687_997_227_244_352_2, 1.431_121_425_461_186_1], "gaussian");
    }

    #[test]
    fn moments_are_those_asked_for() {
        let g = gaussian(7, 100_000, 3.0);
        let mean = g.iter().sum::<f64>() / 1e5;
        let var = g.iter().map(|v| v * v).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.05 && (var - 9.0).abs() < 0.2, "mean {mean}, variance {var}");
        let u = uniform(7, 100_000, -1.0, 3.0);
        assert!(u.iter().all(|v| (-1.0..3.0).contains(v)), "range");
    }
}
