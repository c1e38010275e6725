//! Straight lines through points, by least squares.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The slope of a line, and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slope {
    /// The estimate.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The slope of the line through three points or more at distinct places, whose distances from it
/// are independent and normal.
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let n = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let value = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / sxx;
    let residual: f64 = points.iter().map(|p| (p.1 - y - value * (p.0 - x)).powi(2)).sum();
    let quantile = StudentsT::new(0.0, 1.0, n - 2.0).ok()?.inverse_cdf(0.975);
    let half = quantile * (residual / (n - 2.0) / sxx).sqrt();
    value.is_finite().then_some(Slope { value, low: value - half, high: value + half })
}

/// The slope per step through values that are one step apart, by the means of blocks: values of one
/// block may depend on each other.
pub fn slope_of_blocks(values: &[f64], most_blocks: usize) -> Option<Slope> {
    let blocks = most_blocks.min(values.len());
    let ends = |k: usize| k * values.len() / blocks;
    let block = |k: usize| {
        let (from, to) = (ends(k), ends(k + 1));
        let mean = values[from..to].iter().sum::<f64>() / (to - from) as f64;
        (0.5 * (from + to) as f64, mean)
    };
    slope(&(0..blocks).map(block).collect::<Vec<_>>())
}

/// The root of the mean square of values around the line through them.
pub fn detrended_rms(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let at = |k: usize| k as f64 - 0.5 * (n - 1.0);
    let sum = |of: &dyn Fn(usize, f64) -> f64| -> f64 {
        values.iter().enumerate().map(|(k, y)| of(k, y - mean)).sum()
    };
    let squares = sum(&|k, _| at(k).powi(2));
    let slope = if squares > 0.0 { sum(&|k, y| at(k) * y) / squares } else { 0.0 };
    (sum(&|k, y| (y - slope * at(k)).powi(2)) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn worked_by_hand() {
        let found = slope(&[(0.0, 1.0), (1.0, 2.0), (2.0, 6.0)]).unwrap();
        // Distances 1/2, -1, 1/2 of the line 1/2 + 5/2 x; t of one degree of freedom is 12.706.
        assert!((found.value - 2.5).abs() < 1e-12, "{found:?}");
        let half = 12.706_204_736 * (1.5_f64 / 2.0).sqrt();
        assert!((found.high - found.value - half).abs() < 1e-6, "{found:?}");
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 2.0)]), None, "two points");
        assert_eq!(slope(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None, "one place");
        assert_eq!(detrended_rms(&[7.0]), 0.0, "one value");
        let rms = detrended_rms(&[1.0, 2.0, 6.0]);
        assert!((rms - 0.5_f64.sqrt()).abs() < 1e-12, "{rms}");
    }

    /// An oscillation, as an energy has, on a slope, or on none.
    #[test]
    fn a_drift_is_told_from_an_oscillation() {
        let wave = |drift: f64, seed| {
            let noise = input::gaussian(seed, 4000, 0.3_f64);
            let at = |k: usize| drift * k as f64 + (0.07 * k as f64).sin() + noise[k];
            (0..4000).map(at).collect::<Vec<f64>>()
        };
        let found = slope_of_blocks(&wave(1e-4, 1), 20).unwrap();
        assert!(found.low > 0.0 && found.low < 1e-4 && found.high > 1e-4, "{found:?}");
        let held = (0..200).filter(|seed| {
            let found = slope_of_blocks(&wave(0.0, *seed), 20).unwrap();
            found.low < 0.0 && found.high > 0.0
        });
        assert!(held.count() > 180, "of 200 intervals 190 are due to hold 0");
        let rms = detrended_rms(&wave(1e-4, 1));
        assert!((rms - (0.5_f64 + 0.09).sqrt()).abs() < 0.03, "{rms}");
    }
}
