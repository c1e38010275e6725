//! Seeded inputs: the same numbers on every machine and in every version.

use std::ops::RangeInclusive;

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

/// `len` integers, uniform in `range`, both ends included: of any type of up to 64 bits, and up to all
/// of its values, as in `integers(1, 1000, 0..=u8::MAX)`.
///
/// The generator is asked once for each, so that a wider type leaves the values as they are.
///
/// # Panics
///
/// If the range is empty.
pub fn integers<T>(seed: u64, len: usize, range: RangeInclusive<T>) -> Vec<T>
where
    T: Into<i128> + TryFrom<i128>,
{
    let (low, high) = range.into_inner();
    let (low, high): (i128, i128) = (low.into(), high.into());
    assert!(low <= high, "an empty range");
    let (mut rng, count) = (rng(seed), high.abs_diff(low) + 1);
    let mut value = || {
        let bits: u64 = StandardUniform.sample(&mut rng);
        // The upper half of the product: each value stands for an equal share of all bits.
        let above = (u128::from(bits) * count) >> 64;
        T::try_from(low.wrapping_add_unsigned(above)).ok().expect("between two values of the type")
    };
    (0..len).map(|_| value()).collect()
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
        let bytes = integers(1, 4, 0..=u8::MAX);
        assert_eq!(bytes, [207, 191, 25, 191], "integers");
        assert_eq!(g, [1.687_997_227_244_352_2, 1.431_121_425_461_186_1], "gaussian");
    }

    #[test]
    fn integers_are_of_any_type_and_reach_both_ends_of_their_range() {
        let dice = integers(7, 60_000, 1..=6);
        for face in 1..=6_i32 {
            let count = dice.iter().filter(|&&value| value == face).count();
            assert!((9_700..10_300).contains(&count), "{count} times {face} of 60000");
        }
        let wide: Vec<i64> = integers(7, 60_000, 1..=6);
        assert!(
            wide.iter().zip(&dice).all(|(&wide, &face)| wide == i64::from(face)),
            "another type"
        );
        assert_eq!(integers(1, 3, -5..=-5_i64), [-5; 3], "one value");
        let all = integers(1, 1000, i64::MIN..=i64::MAX);
        assert!(all.iter().any(|&v| v < i64::MIN / 2) && all.iter().any(|&v| v > i64::MAX / 2));
        let all = integers(1, 1000, 0..=u64::MAX);
        assert!(all.iter().any(|&v| v > u64::MAX / 2) && all.iter().any(|&v| v < u64::MAX / 2));
        assert!(integers(1, 0, 0..=1_u8).is_empty(), "none");
    }

    #[test]
    #[should_panic(expected = "an empty range")]
    fn a_range_without_values_is_refused() {
        integers(1, 1, RangeInclusive::new(1, 0));
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
