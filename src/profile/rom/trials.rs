//! The clock: trials of all models in turn, each forecast from a window that no call had before.
//!
//! A trial is as many calls as take a millisecond, so that the clock does not count. Models take turns
//! within each trial, and every other trial goes through them the other way round, so that what slows
//! the machine down slows all of them. Every two trials models of ours are put elsewhere in memory, so
//! that where one happens to lie is a part of the spread.
//!
//! A forecast that does not depend on its window is refused, and so is one that depends on more.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};

use super::Error;
use super::extended::Interval;
use super::subject::Subject;
use crate::stats::{Samples, bootstrap_interval, hodges_lehmann};

/// The least time of a trial.
const TRIAL: Duration = Duration::from_millis(1);
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

/// Times of one model, in seconds of a call, a trial each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Forecasts of one step.
    pub single: Vec<f64>,
    /// Forecasts of all steps.
    pub full: Vec<f64>,
    /// Calls of each trial of one step and of all steps.
    pub calls: [u64; 2],
}

/// The newest states of `z0` that are a window of the model.
pub fn window<'a>(z0: &'a Array2<f64>, subject: &Subject<'_>) -> ArrayView2<'a, f64> {
    z0.slice(s![z0.nrows() - subject.lag.., ..])
}

/// Windows that differ in one component of the newest state, by less than a thousandth.
#[derive(Debug)]
struct Windows {
    window: Array2<f64>,
    base: f64,
    width: f64,
    nth: u64,
}

impl Windows {
    fn new(window: ArrayView2<'_, f64>) -> Self {
        let square = window.iter().map(|x| x * x).sum::<f64>() / window.len() as f64;
        let base = window[[window.nrows() - 1, 0]];
        let width = if square > 0.0 { 1e-3 * square.sqrt() } else { 1e-3 };
        Self { window: window.to_owned(), base, width, nth: 0 }
    }

    /// The next window. Multiples of the golden section never come back, modulo 1.
    fn next(&mut self) -> ArrayView2<'_, f64> {
        const GOLDEN: f64 = 0.618_033_988_749_894_8;
        self.nth += 1;
        let newest = self.window.nrows() - 1;
        self.window[[newest, 0]] = self.base + self.width * (self.nth as f64 * GOLDEN).fract();
        self.window.view()
    }
}

/// Requires forecasts that are states of the model, finite, and of their window alone.
///
/// # Errors
///
/// Says what is wrong with the model.
pub fn check(subject: &mut Subject<'_>, z0: &Array2<f64>, n_steps: usize) -> Result<(), Error> {
    let (model, d) = (subject.name.clone(), subject.d);
    let window = window(z0, subject);
    let first = subject.forecast(window, n_steps).to_owned();
    if first.dim() != (n_steps, d) {
        let (found, expected) = (first.dim(), (n_steps, d));
        return Err(Error::Shape { model, found, expected });
    }
    let bad = |row: ArrayView2<'_, f64>| row.iter().any(|x| !x.is_finite());
    if let Some(at) = (0..n_steps).find(|at| bad(first.slice(s![*at..at + 1, ..]))) {
        return Err(Error::Diverged { model, step: at + 1, steps: n_steps });
    }
    let Windows { width, .. } = Windows::new(window);
    let moved = &window + width;
    if subject.forecast(moved.view(), n_steps) == first {
        return Err(Error::Cached { model });
    }
    if subject.forecast(window, n_steps) != first {
        return Err(Error::Depends { model });
    }
    if subject.forecast(window, 1) != first.slice(s![..1, ..]) {
        return Err(Error::Prefix { model });
    }
    Ok(())
}

/// The models under the clock, with their windows.
#[derive(Debug)]
pub struct Clock<'s, 'm> {
    subjects: &'s mut [Subject<'m>],
    windows: Vec<Windows>,
    n_steps: usize,
    calls: Vec<[u64; 2]>,
}

impl<'s, 'm> Clock<'s, 'm> {
    /// Checks all models, warms them up, and finds out how many calls a trial takes.
    ///
    /// # Errors
    ///
    /// Those of [`check`].
    pub fn new(
        subjects: &'s mut [Subject<'m>],
        z0: &Array2<f64>,
        plan: &Plan,
    ) -> Result<Self, Error> {
        let n_steps = plan.n_steps;
        for subject in &mut *subjects {
            check(subject, z0, n_steps)?;
        }
        let windows = subjects.iter().map(|subject| Windows::new(window(z0, subject))).collect();
        let mut clock = Self { subjects, windows, n_steps, calls: Vec::new() };
        for at in 0..clock.subjects.len() {
            clock.time(at, n_steps, plan.warmup as u64);
            let calls = [1, n_steps].map(|steps| clock.enough(at, steps));
            clock.calls.push(calls);
        }
        Ok(clock)
    }

    /// Calls that take as long as a trial, by the best of three: one that is interrupted is no measure.
    fn enough(&mut self, at: usize, steps: usize) -> u64 {
        let mut calls = 1;
        while calls < MOST_CALLS {
            let best = (0..3).map(|_| self.time(at, steps, calls)).min();
            if best.is_some_and(|best| best >= TRIAL) {
                break;
            }
            calls *= 2;
        }
        calls
    }

    /// How long so many calls take.
    fn time(&mut self, at: usize, steps: usize, calls: u64) -> Duration {
        let (subject, windows) = (&mut self.subjects[at], &mut self.windows[at]);
        let start = Instant::now();
        for _ in 0..calls {
            black_box(subject.forecast(black_box(windows.next()), steps));
        }
        start.elapsed()
    }

    /// Puts all models to other places in memory, and warms them up there.
    fn move_all(&mut self, trial: usize) {
        for at in 0..self.subjects.len() {
            let seed = (trial * self.subjects.len() + at) as u64;
            if self.subjects[at].move_to(seed) {
                self.time(at, self.n_steps, 2);
            }
        }
    }

    /// Times trials from number `from` up to `to`; the result is a list of each model.
    ///
    /// # Errors
    ///
    /// If a forecast is not the one that its window has outside the clock.
    pub fn trials(&mut self, from: usize, to: usize) -> Result<Vec<Times>, Error> {
        let (count, n_steps) = (self.subjects.len(), self.n_steps);
        let mut found: Vec<Times> = vec![Times::default(); count];
        for trial in from..to {
            if trial % BLOCK == 0 {
                self.move_all(trial);
            }
            for nth in 0..count {
                let at = if trial % 2 == 0 { nth } else { count - 1 - nth };
                let [single, full] = self.calls[at];
                let mut seconds = |steps, calls: u64| {
                    // A clock that stands still would make rates infinite.
                    let span = self.time(at, steps, calls).max(Duration::from_nanos(1));
                    span.as_secs_f64() / calls as f64
                };
                found[at].single.push(seconds(1, single));
                found[at].full.push(seconds(n_steps, full));
                found[at].calls = [single, full];
            }
        }
        for (subject, windows) in self.subjects.iter_mut().zip(&mut self.windows) {
            let last = subject.forecast(windows.next(), self.n_steps).to_owned();
            if subject.forecast(windows.window.view(), self.n_steps) != last {
                return Err(Error::Depends { model: subject.name.clone() });
            }
        }
        Ok(found)
    }
}

const LEVEL: f64 = 0.95;
const RESAMPLES: usize = 1000;
/// Trials in which models lie at one place, and which go through them both ways; they are drawn together.
const BLOCK: usize = 2;

/// How many times faster than `first` a model is, whose trials took turns: the estimate of Hodges and
/// Lehmann of the logarithms of ratios, trial by trial, with its bootstrap interval.
///
/// # Panics
///
/// If there is no trial.
pub fn speedup(first: &[f64], other: &[f64]) -> Interval {
    let logs: Vec<f64> = first.iter().zip(other).map(|(a, b)| (a / b).ln()).collect();
    let blocks: Vec<Vec<f64>> = logs.chunks(BLOCK).map(<[f64]>::to_vec).collect();
    let (low, high) = bootstrap_interval(&blocks, LEVEL, RESAMPLES, 1);
    Interval { ratio: hodges_lehmann(&logs).exp(), low: low.exp(), high: high.exp() }
}

impl Times {
    /// Adds later trials.
    pub fn extend(&mut self, later: &Self) {
        self.single.extend_from_slice(&later.single);
        self.full.extend_from_slice(&later.full);
        self.calls = later.calls;
    }

    /// Seconds of forecasts of one step.
    pub fn single(&self) -> Samples {
        Samples::new(self.single.iter().copied())
    }

    /// Seconds of forecasts of all steps.
    pub fn full(&self) -> Samples {
        Samples::new(self.full.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;

    use super::*;
    use crate::{input, mvar};

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

    fn refused(call: impl FnMut(ArrayView2<'_, f64>, usize) -> Array2<f64>) -> String {
        let mut subjects = [Subject::of("mine", 5, 20, 7, call)];
        Clock::new(&mut subjects, &z0(), &plan()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_cached_or_null_forecast_is_refused() {
        let kept = honest(z0().view(), 10);
        let why = refused(|_, n| kept.slice(s![..n, ..]).to_owned());
        assert!(why.starts_with("mine: the forecast is the same from another window"), "{why}");
        let why = refused(|_, n| Array2::zeros((n, 20)));
        assert!(why.contains("the same from another window"), "{why}");
        let mut calls = 0.0;
        let why = refused(|window, n| {
            calls += 1.0;
            honest(window, n) + calls
        });
        assert!(why.contains("depends on more than its window"), "{why}");
        let why = refused(|window, n| honest(window, n) * n as f64);
        assert!(why.contains("first step"), "{why}");
    }

    #[test]
    fn a_forecast_of_another_shape_or_one_that_is_not_finite_is_refused() {
        let why = refused(|window, _| honest(window, 3));
        assert_eq!(why, "mine: the forecast has shape (3, 20), expected (10, 20)", "steps");
        let why = refused(|window, n| {
            let mut states = honest(window, n);
            states[[6, 3]] = f64::NAN;
            states
        });
        assert!(why.contains("not finite from step 7 on (of 10)"), "{why}");
    }

    #[test]
    fn no_two_calls_have_the_same_window_so_that_memory_is_no_help() {
        let (mut known, helped) = (HashMap::new(), Cell::new(0));
        let mut remember = |window: ArrayView2<'_, f64>, n: usize| {
            let key: Vec<u64> = window.iter().map(|x| x.to_bits()).chain([n as u64]).collect();
            helped.set(helped.get() + usize::from(known.contains_key(&key)));
            known.entry(key).or_insert_with(|| honest(window, n)).clone()
        };
        let mut subjects = [Subject::of("mine", 5, 20, 7, &mut remember)];
        let mut clock = Clock::new(&mut subjects, &z0(), &plan()).unwrap();
        clock.trials(0, 4).unwrap();
        // The checks alone ask twice: once before the trials, once after them.
        assert_eq!(helped.get(), 2, "calls");
    }

    #[test]
    fn trials_are_of_all_models_in_turn_and_go_on_where_they_were() {
        let order = RefCell::new(Vec::new());
        let seen = |name: char| {
            let order = &order;
            move |window: ArrayView2<'_, f64>, n: usize| {
                order.borrow_mut().push(name);
                std::thread::sleep(Duration::from_millis(1));
                honest(window, n)
            }
        };
        let mut subjects =
            [Subject::of("a", 5, 20, 7, seen('a')), Subject::of("b", 3, 20, 7, seen('b'))];
        let mut clock = Clock::new(&mut subjects, &z0(), &plan()).unwrap();
        order.borrow_mut().clear();
        let mut found = clock.trials(0, 3).unwrap();
        let said: String = order.borrow().iter().collect();
        assert_eq!(said, "aabbbbaaaabbaabb", "trials, then the last check");
        let later = clock.trials(3, 4).unwrap();
        found.iter_mut().zip(&later).for_each(|(times, later)| times.extend(later));
        for times in &found {
            assert_eq!((times.single().len(), times.full().len(), times.calls), (4, 4, [1, 1]));
            assert!(times.full().min() >= 0.001, "{times:?}");
        }
    }

    #[test]
    fn the_interval_holds_the_ratio_and_widens_with_noise() {
        let trials = |seed, sigma| -> Vec<f64> {
            input::gaussian(seed, 50, sigma).into_iter().map(f64::exp).collect()
        };
        let (base, other) = (trials(1, 0.02), trials(2, 0.02));
        let twice: Vec<f64> = other.iter().map(|seconds| 2.0 * seconds).collect();
        let got = speedup(&base, &twice);
        assert!(got.low < 0.5 && 0.5 < got.high && got.high - got.low < 0.02, "{got:?}");
        assert!(speedup(&base, &other).holds_one(), "the same");
        let noisy = speedup(&trials(3, 0.2), &twice);
        assert!(noisy.high - noisy.low > 3.0 * (got.high - got.low), "{noisy:?}");
    }

    #[test]
    #[ignore = "times for seconds, on a machine with nothing else to do"]
    fn of_twenty_profiles_of_a_model_against_itself_seventeen_hold_one() {
        let model = mvar::fixtures::lorenz96();
        let (mut held, mut widest, mut longest) = (0, 0.0_f64, Duration::ZERO);
        for _ in 0..20 {
            let start = Instant::now();
            let plan = Plan::default();
            let mut subjects = ["A", "B"].map(|name| Subject::mvar(name, &model, plan.n_steps));
            let mut clock = Clock::new(&mut subjects, &z0(), &plan).unwrap();
            let found = clock.trials(0, plan.n_trials).unwrap();
            let got = speedup(&found[0].full, &found[1].full);
            held += usize::from(got.holds_one());
            widest = widest.max((got.high - got.low) / 2.0 / got.ratio);
            longest = longest.max(start.elapsed());
        }
        println!("{held} of 20 hold 1, half-width at most {widest:.4}, {longest:?} at most");
        assert!(held >= 17, "{held} of 20 hold 1");
        assert!(widest < 0.03, "half-width {widest}");
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
}
