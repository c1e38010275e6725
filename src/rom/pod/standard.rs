//! Latent states brought to mean 0 and standard deviation 1, component by component.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut2};

/// Below this a component does not vary, and is left as large as it is.
const STILL: f64 = 1e-12;

/// The mean and the standard deviation of each component.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    mean: Array1<f64>,
    deviation: Array1<f64>,
}

impl Standard {
    /// Takes means and deviations; `None` if there are not as many of both, a number is not finite, or a
    /// deviation is not above 0.
    pub fn new(mean: Array1<f64>, deviation: Array1<f64>) -> Option<Self> {
        let is_finite = mean.iter().chain(&deviation).all(|x| x.is_finite());
        let is_fine = mean.len() == deviation.len() && deviation.iter().all(|x| *x > 0.0);
        (is_finite && is_fine).then_some(Self { mean, deviation })
    }

    /// Computes both over all states of some runs together, each (frames, components).
    ///
    /// # Panics
    ///
    /// If there is no state, or not as many components in each.
    pub fn of(runs: &[Array2<f64>]) -> Self {
        let views: Vec<_> = runs.iter().map(|run| run.view()).collect();
        let all = ndarray::concatenate(ndarray::Axis(0), &views).expect("as many components");
        let mean = all.mean_axis(ndarray::Axis(0)).expect("a state");
        let deviation = all.std_axis(ndarray::Axis(0), 0.0);
        Self { mean, deviation: deviation.mapv(|x| if x < STILL { 1.0 } else { x }) }
    }

    /// How many components there are.
    #[expect(clippy::len_without_is_empty, reason = "a basis has at least one mode")]
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// The means.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The standard deviations; 1 for a component that does not vary.
    pub fn deviation(&self) -> ArrayView1<'_, f64> {
        self.deviation.view()
    }

    /// Standardises states (frames, components).
    pub(super) fn apply(&self, mut states: ArrayViewMut2<'_, f64>) {
        states -= &self.mean;
        states /= &self.deviation;
    }

    /// Undoes [`Standard::apply`].
    pub(super) fn undo(&self, mut states: ArrayViewMut2<'_, f64>) {
        states *= &self.deviation;
        states += &self.mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn states_of_all_runs_get_mean_0_and_deviation_1_and_come_back() {
        let runs = [array![[1.0, 7.0], [3.0, 7.0]], array![[8.0, 7.0]]];
        let standard = Standard::of(&runs);
        // The mean of 1, 3 and 8 is 4, the mean of 9, 1 and 16 is 26/3; the other does not vary.
        assert_eq!(standard.mean(), array![4.0, 7.0], "means");
        let want = array![(26.0_f64 / 3.0).sqrt(), 1.0];
        assert!((&standard.deviation() - &want).iter().all(|x| x.abs() < 1e-15), "deviations");
        let mut states = runs[0].clone();
        standard.apply(states.view_mut());
        assert_eq!(states, array![[-3.0, 0.0], [-1.0, 0.0]] / &want, "less the mean, over it");
        standard.undo(states.view_mut());
        assert!((&states - &runs[0]).iter().all(|x| x.abs() < 1e-15), "back");
        assert_eq!(Standard::new(array![0.0], array![1.0, 1.0]), None, "not as many");
        for bad in [0.0, -1.0, f64::NAN] {
            assert_eq!(Standard::new(array![0.0], array![bad]), None, "{bad}");
        }
    }
}
