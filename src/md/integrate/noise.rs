//! Normal deviates keyed by (seed, step, atom): the same ones in whatever order they are asked for.
//!
//! The bits are those of Philox4x32-10, a bijection of 128-bit counters under a 64-bit key: ten
//! rounds of two 32-bit products each, whose high halves are mixed with the rest. The key is the
//! seed; the counter holds step and atom. Its four words give two points in a square, and those four
//! normal deviates by the transformation of Box and Muller:
//! sqrt(-2 ln u) times cosine and sine of 2 pi v. The first word u is moved to (0, 1]: the largest
//! deviate is 6.8.
//!
//! Sources: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
//! 1, 2, 3", SC11 (2011); G. E. P. Box, M. E. Muller, Ann. Math. Statist. 29 (1958) 610-611.

use std::f64::consts::TAU;

/// The four words at a counter.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    // The golden ratio and the root of three, less one.
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let product = |k: usize| u64::from(MULTIPLIERS[k]) * u64::from(counter[2 * k]);
        let [a, b] = [product(0), product(1)];
        counter = [high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

fn high(x: u64) -> u32 {
    low(x >> 32)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn low(x: u64) -> u32 {
    x as u32
}

/// Three independent normal deviates of mean 0 and variance 1.
pub(super) fn normal(seed: u64, step: u64, atom: u64) -> [f64; 3] {
    let words = philox([low(atom), high(atom), low(step), high(step)], [low(seed), high(seed)]);
    let unit = words.map(|word| (f64::from(word) + 0.5) / 4_294_967_296.0);
    let radius = |u: f64| (-2.0 * u.ln()).sqrt();
    let (sin, cos) = (TAU * unit[1]).sin_cos();
    [radius(unit[0]) * cos, radius(unit[0]) * sin, radius(unit[2]) * (TAU * unit[3]).cos()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' library Random123.
    #[test]
    fn the_words_are_those_of_the_published_generator() {
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        for (counter, key, want) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([!0; 4], [!0; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ] {
            assert_eq!(philox(counter, key), want, "{counter:x?}, {key:x?}");
        }
    }

    /// Means, variances and fourth moments of 90,000 deviates, to four standard errors, and what
    /// should not correlate.
    #[test]
    fn the_deviates_are_normal_and_independent() {
        let n = 30_000_u32;
        let all: Vec<[f64; 3]> =
            (0..n).map(|k| normal(7, u64::from(k % 300), u64::from(k / 300))).collect();
        let mean = |f: &dyn Fn(&[f64; 3]) -> f64| all.iter().map(f).sum::<f64>() / f64::from(n);
        let error = 4.0 / f64::from(n).sqrt();
        for a in 0..3 {
            assert!(mean(&|x| x[a]).abs() < error, "mean {a}");
            assert!((mean(&|x| x[a].powi(2)) - 1.0).abs() < error * 2.0_f64.sqrt(), "variance {a}");
            assert!((mean(&|x| x[a].powi(4)) - 3.0).abs() < error * 96.0_f64.sqrt(), "tails {a}");
            assert!(mean(&|x| x[a] * x[(a + 1) % 3]).abs() < error, "axes {a}");
        }
        for lag in [1, 300] {
            let products = all.iter().zip(&all[lag..]).map(|(x, y)| x[0] * y[0]);
            assert!((products.sum::<f64>() / f64::from(n)).abs() < error, "lag {lag}");
        }
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let far = 1 << 40;
        let one = normal(1, 2, 3);
        for other in [normal(2, 2, 3), normal(1, 3, 3), normal(1, 2, 4), normal(1 + far, 2, 3)] {
            assert_ne!(other, one, "another key");
        }
        assert_ne!(normal(1, 2 + far, 3), one, "a late step");
        assert_eq!(normal(1, 2, 3), one, "the same key");
    }
}
