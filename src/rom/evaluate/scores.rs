//! R2 and root mean squares of what was found against the truth.

use ndarray::{Array2, ArrayView1, Axis};

/// A truth whose squares about the mean are below this part of its squares does not vary.
const STILL: f64 = 1e-10;

/// Sums of squares of the truth and of errors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pair {
    errors: f64,
    about_mean: f64,
    squares: f64,
    count: f64,
}

impl Pair {
    /// With one mean of all numbers.
    pub(super) fn of(truth: &Array2<f64>, found: &Array2<f64>) -> Self {
        let mean = truth.sum() / super::count(truth.len());
        Self::about(truth, found, |_| mean)
    }

    /// With a mean of each column.
    pub(super) fn of_columns(truth: &Array2<f64>, found: &Array2<f64>) -> Self {
        let means = truth.sum_axis(Axis(0)) / super::count(truth.nrows());
        Self::about(truth, found, |column| means[column])
    }

    fn about(truth: &Array2<f64>, found: &Array2<f64>, mean: impl Fn(usize) -> f64) -> Self {
        let mut sums = Self { count: super::count(truth.len()), ..Self::default() };
        // Row by row, so that no sum is much longer than a row or a column.
        for (truth, found) in truth.outer_iter().zip(found.outer_iter()) {
            let mut row = [0.0; 3];
            for (column, (x, y)) in truth.iter().zip(found).enumerate() {
                row[0] += (x - y).powi(2);
                row[1] += (x - mean(column)).powi(2);
                row[2] += x * x;
            }
            sums.errors += row[0];
            sums.about_mean += row[1];
            sums.squares += row[2];
        }
        sums
    }

    pub(super) fn r2(&self) -> Option<f64> {
        r2(self.errors, self.about_mean, self.squares)
    }

    pub(super) fn rmse(&self) -> f64 {
        (self.errors / self.count).sqrt()
    }
}

fn r2(errors: f64, about_mean: f64, squares: f64) -> Option<f64> {
    (about_mean > STILL * squares.max(1e-30)).then(|| 1.0 - errors / about_mean)
}

/// R2 of a series that grows, with the mean of what there is so far.
///
/// The squares of two parts about their common mean are those about their own and, for parts of n and
/// m numbers whose means are apart by d, n m / (n + m) d^2.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Growing {
    sums: Pair,
    mean: f64,
}

impl Growing {
    /// Adds a row.
    pub(super) fn add(&mut self, truth: ArrayView1<'_, f64>, found: ArrayView1<'_, f64>) {
        let count = super::count(truth.len());
        let mean = truth.sum() / count;
        let all = self.sums.count + count;
        let apart = mean - self.mean;
        let about: f64 = truth.iter().map(|x| (x - mean).powi(2)).sum();
        self.sums.about_mean += about + apart * apart * (self.sums.count * count / all);
        self.sums.errors += truth.iter().zip(found).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        self.sums.squares += truth.dot(&truth);
        self.mean += apart * (count / all);
        self.sums.count = all;
    }

    pub(super) fn r2(&self) -> Option<f64> {
        self.sums.r2()
    }
}
