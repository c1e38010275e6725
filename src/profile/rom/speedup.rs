//! How many times faster than another a model is, and how sure that is.
//!
//! A trial has rounds, in each of which every model has a turn. The order of a round is drawn at
//! random, and that of the next is the same the other way round, so that what changes the speed of
//! the machine steadily cancels out. The speedup of a trial is the median of the ratios of its
//! rounds, which a few interrupted turns do not move.
//!
//! Of models that are equally fast each is first as likely as the other, so that a trial favours
//! either with the same probability, by as much, whatever drifts, jumps or comes in bursts.
//! Wilcoxon's signed-rank test assumes nothing else, and the interval is the one that belongs to
//! it.

use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::extended::Interval;
use crate::stats::{Samples, hodges_lehmann, signed_rank_interval};

const LEVEL: f64 = 0.95;

/// The order of `count` models in each of `rounds`: a random one, then that one the other way
/// round.
pub(super) fn order(rng: &mut Xoshiro256PlusPlus, count: usize, rounds: usize) -> Vec<Vec<usize>> {
    let mut models: Vec<usize> = (0..count).collect();
    let next = |round: usize| {
        if round.is_multiple_of(2) {
            models.shuffle(rng);
        } else {
            models.reverse();
        }
        models.clone()
    };
    (0..rounds).map(next).collect()
}

/// The logarithm of the speedup in one trial, by the seconds of the turns of each round.
pub(super) fn of_trial(first: &[f64], other: &[f64]) -> f64 {
    Samples::new(first.iter().zip(other).map(|(first, other)| (first / other).ln())).median()
}

/// The speedup and its interval, by the logarithms of trials; none of fewer than 6 trials, which no
/// interval holds with 95 % confidence.
///
/// # Panics
///
/// If there is no trial.
pub fn speedup(log_speedups: &[f64]) -> Option<Interval> {
    let (low, high) = signed_rank_interval(log_speedups, LEVEL)?;
    let ratio = hodges_lehmann(log_speedups);
    Some(Interval { ratio: ratio.exp(), low: low.exp(), high: high.exp() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;
    use rand::RngExt as _;
    use rand_distr::{Distribution as _, StandardNormal};

    const TRIALS: usize = 50;
    const ROUNDS: usize = 16;

    #[test]
    fn orders_are_mirrored_and_each_model_is_first_equally_often() {
        let mut rng = input::rng(1);
        let mut first = [0; 3];
        for _ in 0..300 {
            let rounds = order(&mut rng, 3, 4);
            for pair in rounds.chunks(2) {
                first[pair[0][0]] += 1;
                assert!(pair[0].iter().eq(pair[1].iter().rev()), "{rounds:?}");
            }
        }
        assert!(first.iter().all(|count| (160..=240).contains(count)), "{first:?} of 600");
        assert_eq!(order(&mut rng, 2, 1).len(), 1, "one round");
    }

    #[test]
    fn interrupted_turns_move_no_trial_and_six_trials_tell_an_interval() {
        let (mut first, other) = (vec![2.0; 7], vec![1.0; 7]);
        first[..3].fill(90.0);
        let got = of_trial(&first, &other);
        assert_eq!(got, 2_f64.ln(), "three of seven");
        assert_eq!(speedup(&[got; 5]), None, "five trials");
        let Interval { ratio, low, high } = speedup(&[got; 6]).unwrap();
        assert!((ratio - 2.0).abs() < 1e-12 && low == ratio && high == ratio, "{low} to {high}");
    }

    /// A machine whose speed drifts, wanders, jumps and is taken away in bursts, turn by turn.
    struct Machine {
        rng: Xoshiro256PlusPlus,
        wander: f64,
        jump: f64,
        burst: usize,
        drift: f64,
    }

    impl Machine {
        fn normal(&mut self) -> f64 {
            StandardNormal.sample(&mut self.rng)
        }

        /// The logarithm of the time of the next turn of a model.
        fn turn(&mut self) -> f64 {
            self.drift += 1e-4;
            self.wander = 0.98 * self.wander + 0.004 * self.normal();
            if self.rng.random_bool(0.002) {
                self.jump = 0.1 * self.normal();
            }
            self.burst = self.burst.saturating_sub(1);
            if self.rng.random_bool(0.01) {
                self.burst = 8;
            }
            let taken = if self.burst > 0 { 0.5 * self.normal().abs() } else { 0.0 };
            self.drift + self.wander + self.jump + taken + 0.003 * self.normal()
        }
    }

    type Order = fn(&mut Xoshiro256PlusPlus, usize, usize) -> Vec<Vec<usize>>;

    /// The interval of a profile of one model against itself: where it lies counts, anew in each
    /// trial if `moves`, and so does having the second turn of a round.
    fn profile(seed: u64, order: Order, moves: bool) -> Interval {
        let rng = input::rng(seed);
        let mut machine = Machine { rng, wander: 0.0, jump: 0.0, burst: 0, drift: 0.0 };
        let mut places = [0.0; 2];
        let trial = |trial: usize| {
            if moves || trial == 0 {
                places = [(); 2].map(|()| 0.01 * machine.normal());
            }
            let mut turns = [Vec::new(), Vec::new()];
            for round in order(&mut machine.rng, 2, ROUNDS) {
                for (nth, model) in (0_u8..).zip(round) {
                    let log = machine.turn() + places[model] + 0.005 * f64::from(nth);
                    turns[model].push(log.exp());
                }
            }
            of_trial(&turns[0], &turns[1])
        };
        let logs: Vec<f64> = (0..TRIALS).map(trial).collect();
        speedup(&logs).unwrap()
    }

    /// Profiles whose interval holds 1, and the widest half of an interval.
    fn held(order: Order, moves: bool) -> (usize, f64) {
        let found: Vec<_> = (0..400).map(|seed| profile(seed, order, moves)).collect();
        let width = found.iter().map(|Interval { low, high, .. }| (high - low) / 2.0);
        (found.iter().filter(|found| found.holds_one()).count(), width.fold(0.0, f64::max))
    }

    #[test]
    fn of_a_hundred_intervals_of_a_model_against_itself_ninety_five_hold_one() {
        let (held, widest) = held(order, true);
        // 380 are due; three deviations are 13.
        assert!((367..=393).contains(&held) && widest < 0.01, "{held} of 400, half {widest}");
    }

    #[test]
    fn neither_one_place_nor_one_order_would_do() {
        let (one_place, _) = held(order, false);
        assert!(one_place < 200, "{one_place} of 400 hold 1 where models lie still");
        let same: Order = |_, count, rounds| vec![(0..count).collect(); rounds];
        let (one_order, _) = held(same, true);
        assert!(one_order < 350, "{one_order} of 400 hold 1 where the first is always the same");
    }
}
