//! The coefficients from the products, with room that is used again.

use ndarray::{Array3, ArrayBase, ArrayView3, ArrayViewMut1, Data, Ix2};

use super::Error;
use super::moments::Moments;
use super::solve::System;
use crate::machine::isa::Isa;

/// Fits of windows of one lag and dimension.
///
/// A fit after the first allocates nothing.
#[derive(Debug, Clone)]
pub struct Ridge {
    moments: Moments,
    system: System,
    /// Coefficients (p, d, d), oldest lag first.
    a: Array3<f64>,
    /// Sum of the squared residuals.
    residual: f64,
    /// Sum of the squares about the means.
    total: f64,
}

impl Ridge {
    /// Room for fits like that of these runs, by the kernels of the best instruction set.
    ///
    /// # Errors
    ///
    /// If the runs are none, or of a shape that does not fit the lag.
    pub fn of<S: Data<Elem = f64>>(runs: &[ArrayBase<S, Ix2>], lag: usize) -> Result<Self, Error> {
        Self::with_isa(runs, lag, Isa::best())
    }

    /// The same by the kernels of one instruction set.
    ///
    /// # Errors
    ///
    /// Those of [`Ridge::of`].
    ///
    /// # Panics
    ///
    /// If this processor does not have it.
    pub fn with_isa<S: Data<Elem = f64>>(
        runs: &[ArrayBase<S, Ix2>],
        lag: usize,
        isa: Isa,
    ) -> Result<Self, Error> {
        let moments = Moments::empty(runs, lag, isa)?;
        let d = moments.d();
        let (system, a) = (System::new(lag * d, d, isa), Array3::zeros((lag, d, d)));
        Ok(Self { moments, system, a, residual: 0.0, total: 0.0 })
    }

    /// Fits the coefficients to runs (states, d), with `alpha` as the weight of their squares.
    ///
    /// # Errors
    ///
    /// If the runs or alpha are unfit, or the windows do not determine the coefficients.
    pub fn fit<S: Data<Elem = f64>>(
        &mut self,
        runs: &[ArrayBase<S, Ix2>],
        alpha: f64,
    ) -> Result<(), Error> {
        if !(alpha >= 0.0 && alpha.is_finite()) {
            let expected = "a finite number, 0 or more";
            return Err(Error::Option { option: "alpha", found: alpha, expected });
        }
        self.moments.take(runs)?;
        let (p, d) = (self.moments.lag(), self.moments.d());
        let cross = self.moments.cross(p);
        self.system.solve(self.moments.gram(p), cross, alpha, self.windows())?;
        // |y - W x|^2 = |y|^2 - 2 W.(X^T Y) + W.(X^T X W), and X^T X W = X^T Y - alpha W.
        let mut explained = 0.0;
        for (kj, (w, cross)) in self.system.sides().zip(cross.outer_iter()).enumerate() {
            for (i, (w, cross)) in w.iter().zip(cross).enumerate() {
                explained += w * cross + alpha * w * w;
                self.a[[kj / d, i, kj % d]] = *w;
            }
        }
        self.total = self.moments.targets().diag().sum();
        self.residual = (self.total - explained).max(0.0);
        Ok(())
    }

    /// Coefficients of the last fit, shape (p, d, d), oldest lag first.
    pub fn coefficients(&self) -> ArrayView3<'_, f64> {
        self.a.view()
    }

    /// Puts the constant into `c` that brings the mean residual of coefficients (p, d, d) to zero.
    ///
    /// # Panics
    ///
    /// If a shape is another.
    pub fn intercept_of(&self, a: ArrayView3<'_, f64>, mut c: ArrayViewMut1<'_, f64>) {
        let (p, d) = (self.moments.lag(), self.moments.d());
        assert_eq!((a.dim(), c.len()), (self.a.dim(), d), "coefficients of another shape");
        for (i, c) in c.iter_mut().enumerate() {
            let past = (0..p).flat_map(|k| (0..d).map(move |j| (k, j)));
            *c = past.fold(self.moments.mean(p, i), |c, (k, j)| {
                c - a[[k, i, j]] * self.moments.mean(k, j)
            });
        }
    }

    /// Forgets the last fit: its coefficients become NaN.
    pub fn spoil(&mut self) {
        self.a.fill(f64::NAN);
    }

    /// How many windows the last fit had.
    pub fn windows(&self) -> usize {
        self.moments.windows()
    }

    /// 1 - (squared residuals) / (squares about the mean of each component); 0 if those are zero.
    pub fn r2(&self) -> f64 {
        if self.total > 0.0 { 1.0 - self.residual / self.total } else { 0.0 }
    }

    /// Root of the mean squared residual over all components.
    pub fn rmse(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = (self.windows() * self.moments.d()) as f64;
        (self.residual / count).sqrt()
    }
}
