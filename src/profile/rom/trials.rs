//! The clock: trials of all models in turn, each forecast from a window that no call had before.
//!
//! A turn is calls of one model, in a row; a trial is rounds of turns that take some milliseconds.
//! Before each trial models of ours are put elsewhere in memory, in random order, so that where one
//! happens to lie is a part of the spread.

use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::Array2;
use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Error;
use super::forecaster::Forecaster;
use super::speedup::{of_trial, order};
use super::times::Times;
use super::windows::{Windows, check};
use crate::input;

/// The least time of all turns of a model in a trial, unless one call takes as long.
const TRIAL: f64 = 4e-3;
/// The most rounds of a trial, an even number. A short turn is seldom interrupted.
const ROUNDS: usize = 16;
const MOST_CALLS: u64 = 1 << 16;

/// How much is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Steps of a full trajectory.
    pub n_steps: usize,
    /// Trials of each operation.
    pub n_trials: usize,
    /// Trajectories before the first trial.
    pub warmup: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { n_steps: 100, n_trials: 50, warmup: 5 }
    }
}

/// Rounds of a trial of one operation, and calls of a turn of each model.
#[derive(Debug, Clone, PartialEq)]
struct Pace {
    steps: usize,
    rounds: usize,
    calls: Vec<u64>,
}

impl Pace {
    /// The pace of models whose calls take so many seconds: as many rounds as the slowest allows.
    fn new(steps: usize, seconds: &[f64]) -> Self {
        let slowest = seconds.iter().copied().fold(0.0, f64::max);
        let fits = |rounds: &usize| *rounds as f64 * slowest <= TRIAL;
        let rounds = (2..=ROUNDS).rev().step_by(2).find(fits).unwrap_or(1);
        let calls = |seconds: &f64| {
            let calls = (TRIAL / rounds as f64 / seconds).ceil().clamp(1.0, MOST_CALLS as f64);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let calls = calls as u64;
            calls
        };
        Self { steps, rounds, calls: seconds.iter().map(calls).collect() }
    }
}

/// The models under the clock, with their windows.
#[derive(Debug)]
pub struct Clock<'s, 'm> {
    forecasters: &'s mut [Forecaster<'m>],
    windows: Windows,
    n_steps: usize,
    /// Of forecasts of one step and of all steps.
    paces: [Pace; 2],
    rng: Xoshiro256PlusPlus,
}

impl<'s, 'm> Clock<'s, 'm> {
    /// Checks all models, warms them up, and finds out how many calls a turn takes. What is drawn
    /// at random differs in every clock.
    ///
    /// # Errors
    ///
    /// Those of [`check`].
    pub fn new(
        forecasters: &'s mut [Forecaster<'m>],
        z0: &Array2<f64>,
        plan: &Plan,
    ) -> Result<Self, Error> {
        let (n_steps, windows) = (plan.n_steps, Windows::new(z0));
        for forecaster in &mut *forecasters {
            check(forecaster, z0, n_steps)?;
        }
        // The standard library draws other keys each time.
        let rng = input::rng(RandomState::new().hash_one(()));
        let paces = [1, n_steps].map(|steps| Pace { steps, rounds: 0, calls: Vec::new() });
        let mut clock = Self { forecasters, windows, n_steps, paces, rng };
        let all = 0..clock.forecasters.len();
        for at in all.clone() {
            clock.time(at, n_steps, plan.warmup as u64);
        }
        clock.paces = [1, n_steps].map(|steps| {
            let seconds: Vec<f64> = all.clone().map(|at| clock.call(at, steps)).collect();
            Pace::new(steps, &seconds)
        });
        Ok(clock)
    }

    /// Seconds of a call, by the best of three turns: one that is interrupted is no measure.
    fn call(&mut self, at: usize, steps: usize) -> f64 {
        let mut calls = 1;
        loop {
            let best = (0..3).map(|_| self.time(at, steps, calls)).fold(f64::INFINITY, f64::min);
            if best >= TRIAL / ROUNDS as f64 || calls >= MOST_CALLS {
                break best / calls as f64;
            }
            calls *= 2;
        }
    }

    /// Seconds that so many calls take.
    fn time(&mut self, at: usize, steps: usize, calls: u64) -> f64 {
        let (forecaster, windows) = (&mut self.forecasters[at], &mut self.windows);
        let start = Instant::now();
        for _ in 0..calls {
            let window = windows.next(forecaster);
            black_box(forecaster.forecast(black_box(window), steps));
        }
        // A clock that stands still would make rates infinite.
        start.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
    }

    /// Puts all models to other places in memory, and warms them up there.
    fn move_all(&mut self) {
        let round = order(&mut self.rng, self.forecasters.len(), 1);
        for at in round.into_iter().flatten() {
            let seed = self.rng.random();
            if self.forecasters[at].move_to(seed) {
                self.time(at, self.n_steps, 1);
            }
        }
    }

    /// One trial of an operation: seconds of a call in each turn of each model.
    fn trial(&mut self, Pace { steps, rounds, calls }: &Pace) -> Vec<Vec<f64>> {
        let mut turns = vec![Vec::new(); self.forecasters.len()];
        for at in order(&mut self.rng, self.forecasters.len(), *rounds).into_iter().flatten() {
            turns[at].push(self.time(at, *steps, calls[at]) / calls[at] as f64);
        }
        turns
    }

    /// Times so many trials; the result is a list of each model.
    ///
    /// # Errors
    ///
    /// If a forecast is not the one that its window has outside the clock.
    pub fn trials(&mut self, count: usize) -> Result<Vec<Times>, Error> {
        let mut found: Vec<Times> = vec![Times::default(); self.forecasters.len()];
        for _ in 0..count {
            self.move_all();
            for (nth, pace) in self.paces.clone().iter().enumerate() {
                let turns = self.trial(pace);
                for (at, (times, own)) in found.iter_mut().zip(&turns).enumerate() {
                    let trials = if nth == 0 { &mut times.single } else { &mut times.full };
                    trials.seconds.push(own.iter().sum::<f64>() / own.len() as f64);
                    trials.log_speedups.push(of_trial(&turns[0], own));
                    trials.calls = pace.rounds as u64 * pace.calls[at];
                }
            }
        }
        for forecaster in &mut *self.forecasters {
            let last = forecaster.forecast(self.windows.next(forecaster), self.n_steps).to_owned();
            if forecaster.forecast(self.windows.last(forecaster), self.n_steps) != last {
                return Err(Error::Depends { model: forecaster.name.clone() });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;

    use ndarray::{ArrayView2, s};

    use super::super::speedup::speedup;
    use super::super::times::Trials;
    use super::*;
    use crate::mvar;

    fn z0() -> Array2<f64> {
        mvar::fixtures::states().slice(s![..5, ..]).to_owned()
    }

    fn plan() -> Plan {
        Plan { n_steps: 10, n_trials: 4, warmup: 1 }
    }

    /// Sums the window up, again and again.
    fn honest(window: ArrayView2<'_, f64>, n: usize) -> Array2<f64> {
        let sum = window.sum() / 100.0;
        Array2::from_shape_fn((n, 20), |(t, k)| sum * (1.0 + (t + k) as f64).sqrt())
    }

    #[test]
    fn no_two_calls_have_the_same_window_so_that_memory_is_no_help() {
        let (mut known, helped) = (HashMap::new(), Cell::new(0));
        let mut remember = |window: ArrayView2<'_, f64>, n: usize| {
            let key: Vec<u64> = window.iter().map(|x| x.to_bits()).chain([n as u64]).collect();
            helped.set(helped.get() + usize::from(known.contains_key(&key)));
            known.entry(key).or_insert_with(|| honest(window, n)).clone()
        };
        let mut forecasters = [Forecaster::of("mine", 5, 20, 7, &mut remember)];
        let mut clock = Clock::new(&mut forecasters, &z0(), &plan()).unwrap();
        clock.trials(4).unwrap();
        // The checks alone ask twice: once before the trials, once after them.
        assert_eq!(helped.get(), 2, "calls");
    }

    #[test]
    fn a_trial_has_as_many_rounds_as_the_slowest_model_allows() {
        let pace = |seconds: &[f64]| {
            let Pace { rounds, calls, .. } = Pace::new(1, seconds);
            (rounds, calls)
        };
        assert_eq!(pace(&[1.1e-6, 24e-5]), (16, vec![228, 2]), "short calls");
        assert_eq!(pace(&[1e-6, 26e-5]), (14, vec![286, 2]), "an even number");
        assert_eq!(pace(&[1.1e-3, 3e-3]), (1, vec![4, 2]), "one round");
        assert_eq!(pace(&[1e-9, 7.0]), (1, vec![MOST_CALLS, 1]), "at the ends");
    }

    #[test]
    fn trials_are_of_all_models_in_turn_and_go_on_where_they_were() {
        let order = RefCell::new(Vec::new());
        let seen = |name: char| {
            let order = &order;
            move |window: ArrayView2<'_, f64>, n: usize| {
                order.borrow_mut().push(name);
                std::thread::sleep(Duration::from_micros(10));
                honest(window, n)
            }
        };
        let mut forecasters =
            [Forecaster::of("a", 5, 20, 7, seen('a')), Forecaster::of("b", 3, 20, 7, seen('b'))];
        let mut clock = Clock::new(&mut forecasters, &z0(), &plan()).unwrap();
        clock.paces = [1, 10].map(|steps| Pace { steps, rounds: 2, calls: vec![2, 1] });
        order.borrow_mut().clear();
        let mut found = clock.trials(20).unwrap();
        let said: String = order.borrow().iter().collect();
        let (trials, checks) = said.split_at(240);
        assert_eq!(checks, "aabb", "the last check");
        let trials: Vec<_> = (0..40).map(|nth| &trials[6 * nth..][..6]).collect();
        assert!(trials.iter().all(|said| ["aabbaa", "baaaab"].contains(said)), "{trials:?}");
        assert!(trials.iter().any(|said| *said != trials[0]), "a random order");
        let later = clock.trials(1).unwrap();
        found.iter_mut().zip(&later).for_each(|(times, later)| times.extend(later));
        for (times, calls) in found.iter().zip([4, 2]) {
            for Trials { seconds, log_speedups, calls: found } in [&times.single, &times.full] {
                assert_eq!((seconds.len(), log_speedups.len(), *found), (21, 21, calls));
                assert!(seconds.iter().all(|seconds| *seconds >= 1e-5), "{times:?}");
            }
        }
        assert!(found[0].full.log_speedups.iter().all(|log| *log == 0.0), "the first");
    }

    #[test]
    #[ignore = "times for seconds, on a machine with nothing else to do"]
    fn of_twenty_profiles_of_a_model_against_itself_seventeen_hold_one() {
        let model = mvar::fixtures::lorenz96();
        let (mut held, mut widest, mut longest) = ([0; 2], 0.0_f64, Duration::ZERO);
        for _ in 0..20 {
            let start = Instant::now();
            let plan = Plan::default();
            let mut forecasters =
                ["A", "B"].map(|name| Forecaster::mvar(name, &model, plan.n_steps));
            let mut clock = Clock::new(&mut forecasters, &z0(), &plan).unwrap();
            let found = clock.trials(plan.n_trials).unwrap();
            for (held, trials) in held.iter_mut().zip([&found[1].single, &found[1].full]) {
                let got = speedup(&trials.log_speedups).unwrap();
                *held += usize::from(got.holds_one());
                widest = widest.max((got.high - got.low) / 2.0 / got.ratio);
            }
            longest = longest.max(start.elapsed());
        }
        println!("{held:?} of 20 hold 1, half-width at most {widest:.4}, {longest:?} at most");
        assert!(held.iter().all(|held| *held >= 17), "{held:?} of 20 hold 1");
        assert!(widest < 0.03, "half-width {widest}");
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
}
