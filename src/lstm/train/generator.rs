//! The Mersenne twister of `NumPy`'s `RandomState`, so that a split is that of its `permutation`.
//!
//! Source: M. Matsumoto, T. Nishimura, ACM Transactions on Modeling and Computer Simulation 8
//! (1998) 3-30; seeding by one integer as in their `init_genrand`.

const N: usize = 624;

/// A generator with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    state: Vec<u32>,
    at: usize,
}

impl Generator {
    /// The generator of `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        let mut state = vec![seed; N];
        for i in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            #[expect(clippy::cast_possible_truncation, reason = "below 624")]
            let place = i as u32;
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(place);
        }
        Self { state, at: N }
    }

    /// The state as numbers that [`Generator::from_numbers`] takes.
    pub(super) fn numbers(&self) -> Vec<i64> {
        let at = i64::try_from(self.at).expect("at most 624");
        self.state.iter().map(|x| i64::from(*x)).chain([at]).collect()
    }

    /// The generator of these numbers; none if they are of no generator.
    pub(super) fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let (at, state) = numbers.split_last()?;
        let at = usize::try_from(*at).ok().filter(|at| *at <= N)?;
        let state: Vec<u32> =
            state.iter().map(|x| u32::try_from(*x).ok()).collect::<Option<_>>()?;
        (state.len() == N).then_some(Self { state, at })
    }

    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        if self.at == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % N] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Uniform in 0..1, of 53 bits.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.bits() >> 5, self.bits() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// The numbers below `n` in random order, as `RandomState.permutation`.
    ///
    /// # Panics
    ///
    /// If `n` does not fit into 32 bits.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..n).collect();
        for i in (1..n).rev() {
            let most = u32::try_from(i).expect("fewer than 2^32 samples");
            let mask = u32::MAX >> most.leading_zeros();
            let other = loop {
                let value = self.bits() & mask;
                if value <= most {
                    break value as usize;
                }
            };
            order.swap(i, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The 10000th output from seed 5489, as the C++ standard states it.
        let mut generator = Generator::new(5489);
        let last = (0..10_000).map(|_| generator.bits()).last();
        assert_eq!(last, Some(4_123_659_995), "the 10000th number");
        let mut again = Generator::from_numbers(&generator.numbers()).unwrap();
        assert_eq!(again.bits(), generator.bits(), "restored");
    }

    #[test]
    fn a_permutation_is_that_of_numpy() {
        assert_eq!(Generator::new(42).permutation(10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6], "seed 42");
    }
}
