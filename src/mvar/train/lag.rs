//! The choice of a lag by information criteria.
//!
//! Every lag from 1 to the longest is fitted without a penalty to one common sample: the states of
//! all runs that have the longest window before them. With n of them, k = p d + 1 coefficients per
//! component, and S the maximum-likelihood covariance of the residuals:
//!
//! ```text
//! AIC = log det S + 2 k d / n            HQIC = log det S + 2 log(log n) k d / n
//! BIC = log det S + log(n) k d / n       FPE  = ((n + k) / (n - k))^d det S
//! ```
//!
//! Source: H. Luetkepohl, New Introduction to Multiple Time Series Analysis (2005), ch. 4.3. On one
//! run these are the values of statsmodels' `select_order`.

use ndarray::{ArrayBase, ArrayView2, Data, Ix2};

use super::moments::Moments;
use super::{Error, solve};
use crate::machine::isa::Isa;

/// What a lag is chosen by; the smallest value is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Akaike's information criterion.
    Aic,
    /// Schwarz's Bayesian criterion.
    Bic,
    /// The criterion of Hannan and Quinn.
    Hqic,
    /// Akaike's final prediction error.
    Fpe,
}

impl Criterion {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Aic, Self::Bic, Self::Hqic, Self::Fpe];

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aic => "aic",
            Self::Bic => "bic",
            Self::Hqic => "hqic",
            Self::Fpe => "fpe",
        }
    }
}

/// The criteria of one lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// How many past states a step reads.
    pub lag: usize,
    /// Akaike's information criterion.
    pub aic: f64,
    /// Schwarz's Bayesian criterion.
    pub bic: f64,
    /// The criterion of Hannan and Quinn.
    pub hqic: f64,
    /// Akaike's final prediction error.
    pub fpe: f64,
}

impl Lag {
    /// The value of a criterion.
    pub fn value(&self, by: Criterion) -> f64 {
        match by {
            Criterion::Aic => self.aic,
            Criterion::Bic => self.bic,
            Criterion::Hqic => self.hqic,
            Criterion::Fpe => self.fpe,
        }
    }
}

/// The criteria of the lags 1 to `longest`, in order, and the lag that is best by `by`; of equals
/// the shortest.
///
/// # Errors
///
/// Those of [`Moments::new`]; or if the sample does not determine the longest fit.
pub fn select<S: Data<Elem = f64>>(
    runs: &[ArrayBase<S, Ix2>],
    longest: usize,
    by: Criterion,
) -> Result<(Vec<Lag>, usize), Error> {
    let moments = Moments::new(runs, longest)?;
    let lags = (1..=longest).map(|lag| criteria(&moments, lag)).collect::<Result<Vec<_>, _>>()?;
    let best = lags.iter().min_by(|a, b| a.value(by).total_cmp(&b.value(by)));
    // `Moments` refuses a longest lag of 0.
    let best = best.map_or(longest, |best| best.lag);
    Ok((lags, best))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn criteria(moments: &Moments, lag: usize) -> Result<Lag, Error> {
    let (windows, d) = (moments.windows(), moments.d());
    let (cross, size) = (moments.cross(lag), lag * d);
    if windows <= size + 1 {
        return Err(Error::Singular { windows, rank: windows.saturating_sub(1), size });
    }
    let mut system = solve::System::new(size, d, Isa::best());
    system.solve(moments.gram(lag), cross, 0.0, windows)?;
    let w: Vec<_> = system.sides().flatten().copied().collect();
    let w = ArrayView2::from_shape((size, d), &w).expect("as many as the sides have");
    let (n, k, d) = (windows as f64, (size + 1) as f64, d as f64);
    let covariance = (&moments.targets() - &cross.t().dot(&w)) / n;
    let spread = &moments.targets().diag() / n;
    let log_det = solve::log_det(covariance.view(), spread.view()).ok_or(Error::Exact { lag })?;
    let share = k * d / n;
    Ok(Lag {
        lag,
        aic: log_det + 2.0 * share,
        bic: log_det + n.ln() * share,
        hqic: log_det + 2.0 * n.ln().ln() * share,
        fpe: ((n + k) / (n - k)).powf(d) * log_det.exp(),
    })
}
