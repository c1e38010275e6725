//! Entries of profiles, and how two of them compare.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::Mean;
use crate::stats;

const LEVEL: f64 = 0.95;
/// Half the width of an interval that a normal value falls into with this probability.
const NORMAL: f64 = 1.959_963_984_540_054;

/// The unit of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    Rate,
    /// Plain numbers.
    Number,
}

/// The numbers that a file holds of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// Samples that are independent enough: calls repeated for a while, or means of blocks.
    Samples(Vec<f64>),
    /// The deviation of so many samples around the value, which is their mean.
    Moments { std: f64, len: usize },
    /// An interval at 95 %.
    Interval { low: f64, high: f64 },
    /// The value alone.
    Alone,
}

/// One quantity of a profile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The case, its sizes, the model, and the quantity.
    pub(super) id: String,
    pub(super) unit: Unit,
    /// Whether it is a time that a verdict is on.
    pub(super) is_timed: bool,
    pub(super) value: f64,
    pub(super) found: Found,
    /// What each of the samples is.
    pub(super) sampled: &'static str,
}

impl Entry {
    /// A time in seconds.
    pub(super) fn time(id: String, value: f64, found: Found) -> Self {
        Self { id, unit: Unit::Seconds, is_timed: true, value, found, sampled: "samples" }
    }

    /// A number that no verdict is on.
    pub(super) fn other(id: String, unit: Unit, value: f64) -> Self {
        Self { unit, is_timed: false, ..Self::time(id, value, Found::Alone) }
    }

    /// The value, or the median of the samples, which is closer to what their shift is of.
    fn middle(&self) -> f64 {
        match &self.found {
            Found::Samples(samples) => stats::Samples::new(samples.iter().copied()).median(),
            _ => self.value,
        }
    }

    /// A time that is no positive number, if there is one.
    pub(super) fn flaw(&self) -> Option<f64> {
        let bad = |value: &f64| !(value.is_finite() && *value > 0.0);
        let mut all = vec![self.value];
        match &self.found {
            Found::Samples(samples) => all.extend(samples),
            Found::Interval { low, high } => all.extend([low, high]),
            Found::Moments { std, .. } if !std.is_finite() || *std < 0.0 => return Some(*std),
            Found::Moments { .. } | Found::Alone => {}
        }
        if self.is_timed { all.into_iter().find(bad) } else { None }
    }
}

/// The means of blocks of samples that follow each other: as many blocks as samples in each, up to
/// fifty.
pub(super) fn blocks(samples: &[f64]) -> Vec<f64> {
    let blocks = samples.len().isqrt().clamp(1, 50);
    let end = |k: usize| k * samples.len() / blocks;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    (0..blocks).map(|k| mean(&samples[end(k)..end(k + 1)])).collect()
}

/// The word on a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Slower beyond the margin: the whole interval is.
    Slower,
    /// Faster beyond the margin.
    Faster,
    /// Within the margin on both sides.
    Same,
    /// The numbers do not tell.
    Unclear,
}

impl Verdict {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Same => "same",
            Self::Unclear => "unclear",
        }
    }
}

/// One quantity of both files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The case, its sizes, the model, and the quantity.
    pub id: String,
    /// The unit of both values.
    pub unit: Unit,
    /// The value in the first file; of samples, their median, of steps of MD that of means of blocks.
    pub a: f64,
    /// The value in the second.
    pub b: f64,
    /// The second over the first; null over 0.
    pub ratio: Option<f64>,
    /// The lower end of the 95 % interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// What the interval is made of, or why there is none.
    pub by: String,
    /// The word, of a time.
    pub verdict: Option<Verdict>,
}

/// Compares two entries of one name; `margin` is that of the logarithm of their ratio.
pub(super) fn row(a: &Entry, b: &Entry, margin: f64) -> Row {
    let (ratio, ends, by) = ratio(a, b);
    let verdict = || match ends {
        Some((low, _)) if low > margin => Verdict::Slower,
        Some((_, high)) if high < -margin => Verdict::Faster,
        Some((low, high)) if -margin <= low && high <= margin => Verdict::Same,
        _ => Verdict::Unclear,
    };
    Row {
        id: a.id.clone(),
        unit: a.unit,
        a: a.middle(),
        b: b.middle(),
        ratio: Some(ratio).filter(|ratio| ratio.is_finite()),
        low: ends.map(|(low, _)| low.exp()),
        high: ends.map(|(_, high)| high.exp()),
        by,
        verdict: a.is_timed.then(verdict),
    }
}

/// The ratio, and both ends of the interval of its logarithm, with what that is made of.
fn ratio(a: &Entry, b: &Entry) -> (f64, Option<(f64, f64)>, String) {
    let plain = b.value / a.value;
    let none = |why: &str| (plain, None, why.to_owned());
    match (&a.found, &b.found) {
        (Found::Samples(x), Found::Samples(y)) => {
            let logs = |values: &[f64]| values.iter().map(|v| v.ln()).collect::<Vec<_>>();
            let (shift, ends) = stats::shift(&logs(x), &logs(y), LEVEL);
            let by = format!("{} and {} {}", x.len(), y.len(), a.sampled);
            match ends {
                Some(_) => (shift.exp(), ends, by),
                None => (shift.exp(), None, format!("{by}, which are too few")),
            }
        }
        (Found::Interval { .. }, Found::Interval { .. }) => {
            let half = |found: &Found| match found {
                Found::Interval { low, high } => 0.5 * (high / low).ln(),
                _ => 0.0,
            };
            let half = half(&a.found).hypot(half(&b.found));
            let ends = (plain.ln() - half, plain.ln() + half);
            (plain, Some(ends), "an interval in each file".to_owned())
        }
        (Found::Alone, _) | (_, Found::Alone) => none("one number in a file"),
        _ => match error(a).zip(error(b)) {
            Some(both) => {
                let (half, by) = half_width(both);
                let log = plain.ln();
                (plain, Some((log - half, log + half)), by)
            }
            None => none("too few samples, or of different kinds"),
        },
    }
}

/// The standard error of the logarithm of a mean, and its degrees of freedom.
fn error(entry: &Entry) -> Option<(f64, f64)> {
    let (std, len) = match &entry.found {
        Found::Moments { std, len } => (*std, *len),
        Found::Samples(values) => {
            let samples = stats::Samples::new(values.iter().copied());
            (if samples.len() > 1 { samples.std(1) } else { 0.0 }, samples.len())
        }
        Found::Interval { .. } | Found::Alone => return None,
    };
    (len > 1).then(|| (std / entry.value / (len as f64).sqrt(), len as f64 - 1.0))
}

/// Half the interval of the difference of two logarithms, with the degrees of freedom of Welch.
fn half_width(((ea, na), (eb, nb)): ((f64, f64), (f64, f64))) -> (f64, String) {
    let (va, vb) = (ea * ea, eb * eb);
    let freedom = (va + vb).powi(2) / (va * va / na + vb * vb / nb);
    let t = StudentsT::new(0.0, 1.0, freedom).map_or(NORMAL, |t| t.inverse_cdf(0.5 + LEVEL / 2.0));
    (t * (va + vb).sqrt(), "mean and deviation of a file".to_owned())
}

/// The geometric mean of the ratios. Its interval is the mean of theirs, in logarithms, which is wide
/// enough however the errors of entries of one run depend on each other.
pub(super) fn geometric_mean(rows: &[Row]) -> Option<Mean> {
    let mean = |of: &dyn Fn(&Row) -> Option<f64>| {
        let logs = rows.iter().map(|row| of(row).map(f64::ln)).collect::<Option<Vec<_>>>()?;
        Some((logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    let ratio = mean(&|row| row.ratio).filter(|_| !rows.is_empty())?;
    let (low, high) = (mean(&|row| row.low), mean(&|row| row.high));
    Some(Mean { ratio, low, high, entries: rows.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: f64, found: Found) -> Entry {
        Entry::time("x".to_owned(), value, found)
    }

    fn judged(a: Found, b: (f64, Found)) -> Row {
        row(&entry(1.0, a), &entry(b.0, b.1), 0.03_f64.ln_1p())
    }

    #[test]
    fn a_whole_interval_beyond_the_margin_is_a_verdict() {
        let around =
            |x: f64| Found::Samples((0..20).map(|k| x * (1.0 + 1e-4 * f64::from(k))).collect());
        for (x, want) in [
            (1.0, Verdict::Same),
            (1.02, Verdict::Same),
            (1.0301, Verdict::Unclear),
            (1.05, Verdict::Slower),
            (0.95, Verdict::Faster),
            (0.98, Verdict::Same),
        ] {
            let got = judged(around(1.0), (x, around(x)));
            assert_eq!(got.verdict, Some(want), "{x}: {got:?}");
            assert!((got.ratio.unwrap() / x - 1.0).abs() < 1e-3, "{got:?}");
        }
        let few = Found::Samples(vec![1.0; 3]);
        let got = judged(few.clone(), (2.0, few));
        assert_eq!((got.verdict, got.low), (Some(Verdict::Unclear), None), "{got:?}");
    }

    #[test]
    fn means_with_deviations_and_intervals_tell_less() {
        let moments = |std| Found::Moments { std, len: 25 };
        let got = judged(moments(0.05), (1.2, moments(0.06)));
        // Errors 0.01 and 0.01 of the logarithms; t of 48 degrees is 2.0106.
        let half = 2.0106 * (2.0_f64).sqrt() * 0.01;
        assert!((got.high.unwrap().ln() - 1.2_f64.ln() - half).abs() < 1e-5, "{got:?}");
        assert_eq!(got.verdict, Some(Verdict::Slower), "{got:?}");
        let held = |low, high| Found::Interval { low, high };
        let got = judged(held(0.9, 1.0 / 0.9), (1.0, held(0.9, 1.0 / 0.9)));
        assert!((got.low.unwrap().ln() / 0.9_f64.ln() - 2.0_f64.sqrt()).abs() < 1e-9, "{got:?}");
        let got = judged(Found::Alone, (9.0, moments(0.1)));
        assert_eq!((got.verdict, got.ratio), (Some(Verdict::Unclear), Some(9.0)), "{got:?}");
        let got = judged(moments(0.0), (1.0, moments(0.0)));
        assert_eq!(got.low.zip(got.high), Some((1.0, 1.0)), "no deviation: {got:?}");
    }

    #[test]
    fn the_geometric_mean_has_the_mean_of_the_intervals() {
        let of = |ratio: f64, width: f64| Row {
            ratio: Some(ratio),
            low: Some(ratio / width),
            high: Some(ratio * width),
            ..judged(Found::Alone, (1.0, Found::Alone))
        };
        let got = geometric_mean(&[of(2.0, 1.1), of(0.5, 1.1)]).unwrap();
        assert!(
            (got.ratio - 1.0).abs() < 1e-12 && (got.high.unwrap() - 1.1).abs() < 1e-12,
            "{got:?}"
        );
        let alone = Row { low: None, high: None, ..of(2.0, 1.0) };
        let got = geometric_mean(&[alone, of(2.0, 1.1)]).unwrap();
        assert!((got.ratio - 2.0).abs() < 1e-12 && got.low.is_none(), "{got:?}");
        assert_eq!(geometric_mean(&[]), None, "of nothing");
    }

    #[test]
    fn blocks_hold_all_samples_and_slow_steps_count() {
        let samples: Vec<f64> = (0..1000).map(|k| if k % 50 == 0 { 5.0 } else { 1.0 }).collect();
        let got = blocks(&samples);
        assert_eq!(got.len(), 31, "blocks");
        let mean = got.iter().sum::<f64>() / 31.0;
        assert!((mean - 1.08).abs() < 0.02, "{mean}");
        assert_eq!(blocks(&[2.0]), [2.0], "one");
    }
}
