//! Windows that no call had before, and forecasts that cannot be profiled.
//!
//! A forecast that does not depend on its window is refused, and so is one that depends on more.

use ndarray::{Array2, ArrayView2, s};

use super::Error;
use super::forecaster::Forecaster;

/// The newest states of `z0` that are a window of the model.
pub fn window<'a>(z0: &'a Array2<f64>, forecaster: &Forecaster<'_>) -> ArrayView2<'a, f64> {
    z0.slice(s![z0.nrows() - forecaster.lag.., ..])
}

/// Windows that differ in one component of the newest state, by less than a thousandth; all models
/// have theirs at one place in memory.
#[derive(Debug)]
pub(super) struct Windows {
    states: Array2<f64>,
    base: f64,
    width: f64,
    nth: u64,
}

impl Windows {
    pub(super) fn new(z0: &Array2<f64>) -> Self {
        let square = z0.iter().map(|x| x * x).sum::<f64>() / z0.len() as f64;
        let base = z0[[z0.nrows() - 1, 0]];
        let width = if square > 0.0 { 1e-3 * square.sqrt() } else { 1e-3 };
        Self { states: z0.clone(), base, width, nth: 0 }
    }

    /// The next window of a model. Multiples of the golden section never come back, modulo 1.
    pub(super) fn next(&mut self, forecaster: &Forecaster<'_>) -> ArrayView2<'_, f64> {
        const GOLDEN: f64 = 0.618_033_988_749_894_8;
        self.nth += 1;
        let newest = self.states.nrows() - 1;
        self.states[[newest, 0]] = self.base + self.width * (self.nth as f64 * GOLDEN).fract();
        self.last(forecaster)
    }

    /// The window that was the next one before.
    pub(super) fn last(&self, forecaster: &Forecaster<'_>) -> ArrayView2<'_, f64> {
        window(&self.states, forecaster)
    }
}

/// Requires forecasts that are states of the model, finite, and of their window alone.
///
/// # Errors
///
/// Says what is wrong with the model.
pub fn check(
    forecaster: &mut Forecaster<'_>,
    z0: &Array2<f64>,
    n_steps: usize,
) -> Result<(), Error> {
    let (model, d) = (forecaster.name.clone(), forecaster.d);
    let window = window(z0, forecaster);
    let first = forecaster.forecast(window, n_steps).to_owned();
    if first.dim() != (n_steps, d) {
        let (found, expected) = (first.dim(), (n_steps, d));
        return Err(Error::Shape { model, found, expected });
    }
    let bad = |row: ArrayView2<'_, f64>| row.iter().any(|x| !x.is_finite());
    if let Some(at) = (0..n_steps).find(|at| bad(first.slice(s![*at..at + 1, ..]))) {
        return Err(Error::Diverged { model, step: at + 1, steps: n_steps });
    }
    let moved = &window + Windows::new(z0).width;
    if forecaster.forecast(moved.view(), n_steps) == first {
        return Err(Error::Cached { model });
    }
    if forecaster.forecast(window, n_steps) != first {
        return Err(Error::Depends { model });
    }
    if forecaster.forecast(window, 1) != first.slice(s![..1, ..]) {
        return Err(Error::Prefix { model });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mvar;

    fn z0() -> Array2<f64> {
        mvar::fixtures::states().slice(s![..5, ..]).to_owned()
    }

    /// Sums the window up, again and again.
    fn honest(window: ArrayView2<'_, f64>, n: usize) -> Array2<f64> {
        let sum = window.sum() / 100.0;
        Array2::from_shape_fn((n, 20), |(t, k)| sum * (1.0 + (t + k) as f64).sqrt())
    }

    fn refused(call: impl FnMut(ArrayView2<'_, f64>, usize) -> Array2<f64>) -> String {
        check(&mut Forecaster::of("mine", 5, 20, 7, call), &z0(), 10).unwrap_err().to_string()
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
    fn every_window_is_new_and_close_to_the_first() {
        let (z0, forecaster) = (z0(), Forecaster::of("mine", 3, 20, 7, honest));
        let mut windows = Windows::new(&z0);
        let mut seen: Vec<u64> = (0..1000)
            .map(|_| {
                let window = windows.next(&forecaster);
                assert_eq!(window.dim(), (3, 20), "shape");
                let differ = window.indexed_iter().filter(|(at, x)| **x != z0[[at.0 + 2, at.1]]);
                assert!(differ.count() <= 1, "one component");
                let moved = window[[2, 0]] - z0[[4, 0]];
                assert!((0.0..0.02).contains(&moved), "{moved}");
                window[[2, 0]].to_bits()
            })
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1000, "windows");
    }
}
