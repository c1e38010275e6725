//! Fits a model to runs: ridge regression with an unpenalised intercept, stability, lag.
//!
//! The coefficients W minimise the sum over all windows of |y - W x - b|^2, plus alpha |W|^2. With
//! X and Y the windows and next states less their means, W = (X^T X + alpha I)^-1 X^T Y and
//! b = mean(y) - W mean(x). No window crosses from one run to the next, and none is copied:
//! `moments` takes their products from the runs.
//!
//! | module    | holds                                                                     |
//! |-----------|---------------------------------------------------------------------------|
//! | `moments` | means and products of all windows                                         |
//! | `sums`    | their kernel                                                              |
//! | `solve`   | Cholesky with the rank of what is singular; the spectral radius           |
//! | `ridge`   | the coefficients, with room that is used again                            |
//! | `lag`     | AIC, BIC, HQIC and FPE of every lag                                       |
//!
//! Source: A. E. Hoerl, R. W. Kennard, Technometrics 12 (1970) 55-67; H. Luetkepohl, New
//! Introduction to Multiple Time Series Analysis (2005), ch. 2.1 (companion matrix), 4.3 (lags).

use std::path::Path;
use std::time::Instant;

use ndarray::{Array1, Array3, ArrayBase, ArrayView3, Axis, Data, Ix2, arr0, concatenate, s};
use thiserror::Error;

use super::model::{self, Model, TRAINING_SECONDS};
use crate::file::npz;
use crate::stats::runs::Unfit;

mod lag;
mod moments;
mod ridge;
mod solve;
mod sums;
#[cfg(test)]
mod tests;

pub use lag::{Criterion, Lag, select};
pub use moments::Moments;
pub use ridge::Ridge;
pub use solve::spectral_radius;

/// Why no model can be fitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The runs are unfit.
    #[error(transparent)]
    Runs(#[from] Unfit),
    /// Components have one value in all states.
    #[error("components {columns:?} are constant; leave them out of the data")]
    Constant {
        /// The components, from 0.
        columns: Vec<usize>,
    },
    /// The windows do not determine the coefficients.
    #[error(
        "the products of {windows} windows have rank {rank} of {size}; choose a larger alpha, a \
         shorter lag, or more data"
    )]
    Singular {
        /// How many windows there are.
        windows: usize,
        /// How many directions they tell apart.
        rank: usize,
        /// How many there are.
        size: usize,
    },
    /// A fit leaves residuals that are singular, so that no criterion is defined.
    #[error(
        "lag {lag} leaves no independent residuals, so no criterion is defined; choose a smaller \
         max_lag, or the lag by hand"
    )]
    Exact {
        /// The lag of the fit.
        lag: usize,
    },
    /// An option is out of its domain.
    #[error("{option}: found {found}, expected {expected}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        found: f64,
        /// Its domain.
        expected: &'static str,
    },
    /// The windows are too long for their products to be kept.
    #[error(
        "windows of {lag} states of {d} components, with the state after them, exceed {most} \
         numbers; choose a shorter lag"
    )]
    Long {
        /// States of a window.
        lag: usize,
        /// Components of a state.
        d: usize,
        /// The most numbers.
        most: usize,
    },
    /// The products are beyond `f64`.
    #[error("the products of the states overflow; scale the data down")]
    Overflow,
    /// The coefficients overflow.
    #[error(transparent)]
    Model(#[from] model::Error),
}

/// Options of a fit; the defaults are those of wsindy-manifold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// How many past states a step reads.
    pub lag: usize,
    /// Weight of the squared coefficients, 0 or more.
    pub alpha: f64,
    /// The largest spectral radius allowed; a model beyond it is scaled down to it.
    pub threshold: Option<f64>,
}

impl Default for Config {
    fn default() -> Self {
        Self { lag: 5, alpha: 1e-6, threshold: None }
    }
}

/// A fitted model and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model, scaled down if it was beyond the threshold.
    pub model: Model,
    /// Weight of the squared coefficients.
    pub alpha: f64,
    /// How many windows it was fitted to.
    pub windows: usize,
    /// 1 - (squared residuals) / (squares about the mean of each component), before scaling.
    pub train_r2: f64,
    /// Root of the mean squared residual over all components, before scaling.
    pub train_rmse: f64,
    /// Spectral radius of the companion matrix, before scaling.
    pub rho_before: f64,
    /// Spectral radius of the companion matrix of `model`.
    pub rho_after: f64,
    /// `rho_before` with the blocks of the matrix in the order of wsindy-manifold, oldest first.
    pub rho_compat: f64,
    /// Wall-clock time of the fit.
    pub training_seconds: f64,
}

/// Fits a model to runs (states, d), each in order of time.
///
/// # Errors
///
/// If the runs or options are unfit, or the windows do not determine the coefficients.
pub fn fit<S: Data<Elem = f64>>(runs: &[ArrayBase<S, Ix2>], config: &Config) -> Result<Fit, Error> {
    let start = Instant::now();
    if let Some(threshold) = config.threshold
        && !(threshold > 0.0 && threshold.is_finite())
    {
        let expected = "a finite number above 0";
        return Err(Error::Option { option: "eigenvalue_threshold", found: threshold, expected });
    }
    let mut ridge = Ridge::of(runs, config.lag)?;
    ridge.fit(runs, config.alpha)?;
    let mut a = ridge.coefficients().to_owned();
    let rho_before = spectral_radius(a.view());
    let is_compat = config.lag == 1;
    let rho_compat =
        if is_compat { rho_before } else { spectral_radius(a.slice(s![..;-1, .., ..])) };
    let mut rho_after = rho_before;
    if let Some(threshold) = config.threshold.filter(|threshold| rho_before > *threshold) {
        stabilise(&mut a, threshold / rho_before);
        rho_after = spectral_radius(a.view());
    }
    let mut intercept = Array1::zeros(a.dim().1);
    ridge.intercept_of(a.view(), intercept.view_mut());
    Ok(Fit {
        model: Model::new(a, intercept)?,
        alpha: config.alpha,
        windows: ridge.windows(),
        train_r2: ridge.r2(),
        train_rmse: ridge.rmse(),
        rho_before,
        rho_after,
        rho_compat,
        training_seconds: start.elapsed().as_secs_f64(),
    })
}

/// Scales coefficients (p, d, d), oldest lag first: those of j steps ago by `scale^j`.
///
/// All eigenvalues of the companion matrix are multiplied by `scale`: if v z^t solves the
/// recursion, v (scale z)^t solves the scaled one.
fn stabilise(a: &mut Array3<f64>, scale: f64) {
    let mut power = 1.0;
    for mut block in a.axis_iter_mut(Axis(0)).rev() {
        power *= scale;
        block *= power;
    }
}

impl Fit {
    /// Saves the model with the numbers of its fit, replacing `path` once the file is whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), npz::Error> {
        let a = self.model.coefficients();
        let size = |n: usize| arr0(i64::try_from(n).unwrap_or(i64::MAX));
        let mut npz = npz::Writer::new(path);
        npz.add("A_matrices", a)?;
        npz.add("A_companion", side_by_side(a).view())?;
        npz.add("intercept", self.model.intercept())?;
        npz.add("p", size(self.model.p()).view())?;
        npz.add("r", size(self.model.d()).view())?;
        for (name, value) in [
            ("alpha", self.alpha),
            ("train_r2", self.train_r2),
            ("train_rmse", self.train_rmse),
            ("rho_before", self.rho_before),
            ("rho_after", self.rho_after),
            ("rho_compat", self.rho_compat),
            (TRAINING_SECONDS, self.training_seconds),
        ] {
            npz.add(name, arr0(value).view())?;
        }
        npz.finish()
    }
}

/// Coefficients (p, d, d) as one matrix (d, p d), in their order.
fn side_by_side(a: ArrayView3<'_, f64>) -> ndarray::Array2<f64> {
    let blocks: Vec<_> = a.outer_iter().collect();
    concatenate(Axis(1), &blocks).expect("blocks of one shape")
}
