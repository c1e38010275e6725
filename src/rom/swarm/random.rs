//! The random numbers of `NumPy`: those of `numpy.random.default_rng(seed)`, so that a run starts, and
//! is disturbed, as one of wsindy-manifold with the same seed.
//!
//! The generator is PCG64, a linear congruence modulo 2^128 whose state is folded and rotated to 64
//! bits; a seed becomes a state by hashing. Normal deviates are those of a ziggurat of 256 layers. Its
//! table is computed here, from the lowest layer up, so that a deviate may differ from `NumPy`'s by 1e-13
//! of itself.
//!
//! Sources: M. E. O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms
//! for random number generation", Harvey Mudd College, HMC-CS-2014-0905; M. E. O'Neill, "Developing a
//! `seed_seq` alternative" (2015); J. A. Doornik, "An improved ziggurat method to generate normal
//! random samples" (2005); documentation of `numpy.random`.

use std::sync::OnceLock;

/// A source of random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    state: u128,
    increment: u128,
}

impl Generator {
    /// The generator of `default_rng(seed)`.
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    pub fn new(seed: u64) -> Self {
        let words = spread([seed as u32, (seed >> 32) as u32]);
        let wide = |k: usize| {
            let half = |k: usize| u128::from(words[2 * k]) | u128::from(words[2 * k + 1]) << 32;
            half(k) << 64 | half(k + 1)
        };
        let mut generator = Self { state: 0, increment: wide(2) << 1 | 1 };
        generator.step();
        generator.state = generator.state.wrapping_add(wide(0));
        generator.step();
        generator
    }

    fn step(&mut self) {
        const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    /// The next 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    pub fn bits(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// Uniform in \[0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Uniform in \[low, high\].
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal of mean `mean` and standard deviation `deviation`.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.standard_normal()
    }

    /// Normal of mean 0 and variance 1.
    fn standard_normal(&mut self) -> f64 {
        let layers = layers();
        loop {
            let bits = self.bits();
            let layer = (bits & 0xff) as usize;
            let signed = |x: f64| if bits >> 8 & 1 == 1 { -x } else { x };
            let within = bits >> 9 & 0x000f_ffff_ffff_ffff;
            let x = within as f64 * layers.widths[layer];
            if within < layers.inner[layer] {
                return signed(x);
            }
            if layer == 0 {
                loop {
                    let beyond = -(-self.unit()).ln_1p() / EDGE;
                    let y = -(-self.unit()).ln_1p();
                    if y + y > beyond * beyond {
                        let x = EDGE + beyond;
                        return if within >> 8 & 1 == 1 { -x } else { x };
                    }
                }
            }
            let [low, high] = [layers.heights[layer], layers.heights[layer - 1]];
            if (high - low) * self.unit() + low < (-0.5 * x * x).exp() {
                return signed(x);
            }
        }
    }
}

/// Where the lowest layer of the ziggurat ends.
const EDGE: f64 = 3.654_152_885_361_009;

/// The area of each layer, as the lowest has it: of a rectangle up to the edge and the tail behind it.
const AREA: f64 = 4.928_673_233_974_655e-3;

/// The layers under exp(-x^2/2), from the lowest on, which is the widest.
struct Layers {
    /// Up to these 52-bit numbers a point is under the curve wherever in the layer.
    inner: [u64; 256],
    /// Widths over 2^52.
    widths: [f64; 256],
    /// The curve at the widths.
    heights: [f64; 256],
}

fn layers() -> &'static Layers {
    static LAYERS: OnceLock<Layers> = OnceLock::new();
    LAYERS.get_or_init(|| {
        const ONE: f64 = 4_503_599_627_370_496.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..2^52")]
        let whole = |share: f64| (share * ONE) as u64;
        let curve = |x: f64| (-0.5 * x * x).exp();
        let mut layers = Layers { inner: [0; 256], widths: [0.0; 256], heights: [1.0; 256] };
        let mut x = EDGE;
        let lowest = AREA / curve(x);
        layers.inner[0] = whole(x / lowest);
        layers.widths[0] = lowest / ONE;
        layers.widths[255] = x / ONE;
        layers.heights[255] = curve(x);
        for layer in (1..255).rev() {
            let above = (-2.0 * (AREA / x + curve(x)).ln()).sqrt();
            layers.inner[layer + 1] = whole(above / x);
            layers.widths[layer] = above / ONE;
            layers.heights[layer] = curve(above);
            x = above;
        }
        layers
    })
}

/// Eight words that all depend on all of a seed.
fn spread(seed: [u32; 2]) -> [u32; 8] {
    let mut factor = 0x43b0_d7e5_u32;
    let mut hash = |word: u32| {
        let word = word ^ factor;
        factor = factor.wrapping_mul(0x931e_8875);
        let word = word.wrapping_mul(factor);
        word ^ word >> 16
    };
    let mut pool = [seed[0], seed[1], 0, 0].map(&mut hash);
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let [x, y] =
                [pool[to].wrapping_mul(0xca01_f9dd), hash(pool[from]).wrapping_mul(0x4973_f715)];
            let word = x.wrapping_sub(y);
            pool[to] = word ^ word >> 16;
        }
    }
    let mut factor = 0x8b51_f9dd_u32;
    std::array::from_fn(|k| {
        let word = pool[k % 4] ^ factor;
        factor = factor.wrapping_mul(0x58f3_8ded);
        let word = word.wrapping_mul(factor);
        word ^ word >> 16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.random.default_rng` of `NumPy` 2.4 gives.
    #[test]
    fn the_numbers_are_those_of_numpy() {
        let mut random = Generator::new(7);
        let bits =
            [11_530_976_094_092_348_043, 16_550_673_365_885_938_325, 14_308_875_409_591_826_786];
        assert_eq!([random.bits(), random.bits(), random.bits()], bits, "bits");
        let mut random = Generator::new(12_345_678_901);
        let units = [0.836_137_778_379_008_8, 0.316_704_055_000_662_9, 0.064_866_285_789_711_65];
        assert_eq!([random.unit(), random.unit(), random.unit()], units, "a seed of two words");
        let mut random = Generator::new(3);
        for want in [
            2.040_919_121_385_182_5,
            -2.555_665_031_314_181_8,
            0.418_098_846_725_778_85,
            -0.567_769_606_127_929_8,
            -0.452_649_292_110_445_86,
            -0.215_597_163_089_765_9,
        ] {
            let found = random.normal(0.0, 1.0);
            assert!((found - want).abs() <= 1e-13 * want.abs(), "{found}, expected {want}");
        }
    }

    /// All of a million, so that tails and the edges of layers are among them.
    #[test]
    fn a_million_normal_deviates_are_those_of_numpy() {
        let mut random = Generator::new(11);
        let all: Vec<f64> = (0..1_000_000).map(|_| random.normal(0.0, 1.0)).collect();
        let sum: f64 = all.iter().sum();
        assert!((sum - 234.322_135_867_605_28).abs() < 1e-8, "{sum}");
        let (at, most) =
            all.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap();
        assert_eq!(at, 632_694, "the largest");
        assert!((most.abs() - 5.181_511_460_141_207).abs() < 1e-14, "{most}");
        assert!(
            (all[999_999] - 0.267_832_206_398_670_8).abs() < 1e-15,
            "the last: {}",
            all[999_999]
        );
    }
}
