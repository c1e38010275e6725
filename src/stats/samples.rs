//! Samples, and what sums them up: moments and quantiles.

use serde::{Deserialize, Deserializer, Serialize};

/// How a quantile that falls between two samples is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// On the line between the two: the quantile `p` of `n` samples in ascending order is at the
    /// position `p (n - 1)`, from 0.
    ///
    /// Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American
    /// Statistician 50 (1996) 361-365, type 7: the default of R, `NumPy` and Excel.
    Linear,
}

impl Method {
    /// The quantile `p` of samples in ascending order.
    fn of(self, sorted: &[f64], p: f64) -> f64 {
        assert!(!sorted.is_empty(), "no samples");
        assert!((0.0..=1.0).contains(&p), "{p} is not a probability");
        match self {
            Self::Linear => {
                let last = sorted.len() - 1;
                let position = p * last as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0..=last"
                )]
                let below = (position.floor() as usize).min(last);
                let above = (below + 1).min(last);
                sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
            }
        }
    }
}

/// Raw values, in the order in which they were taken, which is also how they are written to files.
///
/// They are sorted once, in the total order of IEEE 754, so that quantiles cost nothing. A NaN
/// makes the mean NaN, and is the largest or the smallest sample by its sign.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Samples {
    values: Vec<f64>,
    #[serde(skip)]
    sorted: Vec<f64>,
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::<f64>::deserialize(from).map(Self::new)
    }
}

impl Samples {
    /// Takes the values; there may be none, but then nothing sums them up.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Self { values, sorted }
    }

    /// The values as they were taken.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values in ascending order.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The arithmetic mean.
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn mean(&self) -> f64 {
        assert!(!self.is_empty(), "no samples");
        self.values.iter().sum::<f64>() / self.len() as f64
    }

    /// The standard deviation: the root of the squared deviations from the mean, summed up and
    /// divided by the number of values less `ddof`.
    ///
    /// With `ddof` 0 that is the deviation of these values, with 1 an estimate of that of the
    /// population which they are a sample of.
    ///
    /// # Panics
    ///
    /// If there are no more than `ddof` values.
    pub fn std(&self, ddof: usize) -> f64 {
        let len = self.len();
        assert!(len > ddof, "{len} samples have no deviation with ddof {ddof}");
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (len - ddof) as f64).sqrt()
    }

    /// The quantile `p` in `[0, 1]` by a method.
    ///
    /// # Panics
    ///
    /// If there are no values or `p` is outside `[0, 1]`.
    pub fn quantile(&self, p: f64, method: Method) -> f64 {
        method.of(&self.sorted, p)
    }

    /// The median, by [`Method::Linear`].
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn median(&self) -> f64 {
        self.quantile(0.5, Method::Linear)
    }

    /// The 95 % quantile, by [`Method::Linear`].
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn p95(&self) -> f64 {
        self.quantile(0.95, Method::Linear)
    }

    /// The 99 % quantile, by [`Method::Linear`].
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn p99(&self) -> f64 {
        self.quantile(0.99, Method::Linear)
    }

    /// The least value.
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn min(&self) -> f64 {
        *self.sorted.first().expect("no samples")
    }

    /// The largest value.
    ///
    /// # Panics
    ///
    /// If there are no values.
    pub fn max(&self) -> f64 {
        *self.sorted.last().expect("no samples")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_by_hand() {
        let x = Samples::new([3.0, 1.0, 10.0, 2.0, 4.0]);
        for (p, want) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.9, 7.6), (1.0, 10.0)] {
            assert!((x.quantile(p, Method::Linear) - want).abs() < 1e-12, "p = {p}");
        }
        assert_eq!((x.len(), x.mean(), x.median()), (5, 4.0, 3.0), "number, mean, median");
        assert_eq!((x.min(), x.max()), (1.0, 10.0), "ends");
        assert!((x.p95() - 8.8).abs() < 1e-12 && (x.p99() - 9.76).abs() < 1e-12, "{x:?}");
        // The squared deviations are 1, 9, 36, 4 and 0.
        assert_eq!(x.std(0), 10f64.sqrt(), "of these");
        assert_eq!(x.std(1), 12.5f64.sqrt(), "of what they are a sample of");
        assert_eq!(Samples::new([1.0, 2.0]).median(), 1.5, "between two");
        let one = Samples::new([7.0]);
        assert_eq!((one.quantile(0.3, Method::Linear), one.std(0)), (7.0, 0.0), "of one");
    }

    #[test]
    fn the_order_in_which_they_were_taken_is_kept_and_written() {
        let x = Samples::new([3.0, 1.0, 2.0]);
        assert_eq!((x.values(), x.sorted()), (&[3.0, 1.0, 2.0][..], &[1.0, 2.0, 3.0][..]), "both");
        assert_eq!(serde_json::to_string(&x).unwrap(), "[3.0,1.0,2.0]", "in a file");
        assert!(Samples::new([]).is_empty() && !x.is_empty(), "empty");
    }

    proptest! {
        #[test]
        fn a_shift_and_a_scale_move_every_summary_along(
            values in prop::collection::vec(-1e3..1e3_f64, 2..60),
            shift in -1e3..1e3_f64,
            scale in 0.1..10.0_f64,
            p in 0.0..=1.0_f64,
        ) {
            let x = Samples::new(values.iter().copied());
            let y = Samples::new(values.iter().rev().map(|v| shift + scale * v));
            let close = |got: f64, want: f64| (got - want).abs() <= 1e-8;
            prop_assert!(close(y.mean(), shift + scale * x.mean()), "{x:?}");
            prop_assert!(close(y.std(1), scale * x.std(1)), "{x:?}");
            prop_assert!(x.std(0) < x.std(1) || x.std(1) == 0.0, "{x:?}");
            let of = |x: &Samples| x.quantile(p, Method::Linear);
            prop_assert!(close(of(&y), shift + scale * of(&x)), "{x:?}");
            // By definition the samples are hats over their positions.
            let position = p * (values.len() - 1) as f64;
            let hat = |(k, v): (usize, &f64)| (1.0 - (position - k as f64).abs()).max(0.0) * v;
            let want: f64 = x.sorted().iter().enumerate().map(hat).sum();
            prop_assert!(close(of(&x), want), "{x:?}: {want}");
        }
    }

    #[test]
    #[should_panic(expected = "no samples")]
    fn of_nothing_there_is_no_quantile() {
        Samples::new([]).median();
    }

    #[test]
    #[should_panic(expected = "no samples")]
    fn of_nothing_there_is_no_mean() {
        Samples::new([]).mean();
    }

    #[test]
    #[should_panic(expected = "1 samples have no deviation with ddof 1")]
    fn one_sample_does_not_tell_the_deviation_of_its_population() {
        Samples::new([1.0]).std(1);
    }

    #[test]
    #[should_panic(expected = "1.5 is not a probability")]
    fn a_quantile_beyond_all_samples_is_refused() {
        Samples::new([1.0]).quantile(1.5, Method::Linear);
    }
}
