//! The interval of a proportion.

use statrs::function::beta::beta_reg;

/// The exact two-sided interval, at confidence `level`, of the probability behind `successes` in
/// `trials`; `(0, 1)` where there were no trials. Good to 1e-12 up to a million trials.
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
    (lower(successes, trials, tail), 1.0 - lower(trials - successes, trials, tail))
}

/// The probability at which `successes` or more in `trials` have the probability `tail`.
///
/// By halving, since Newton's method, as `statrs` inverts the beta function, need not end.
fn lower(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    let (hits, misses) = (successes as f64, (trials - successes) as f64);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..64 {
        let middle = (low + high) / 2.0;
        if beta_reg(hits, misses + 1.0, middle) < tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
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
