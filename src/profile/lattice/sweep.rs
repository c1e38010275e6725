//! Distortion against rate over the step beta, for a Gaussian of unit variance.
//!
//! ```text
//! R_eff  = M log2 q + H(T) / d     bits per dimension, protection on, T entropy-coded
//! D(R)   = 2^(-2 R)                the least distortion that R bits allow (Shannon)
//! gap    = 10 log10(MSE / D(R_eff))
//! ```
//!
//! The best step is the one of least gap. All steps see the same vectors, so that the gap is a
//! smooth function of the step; near its least value it is fitted by a parabola in log beta.

use serde::{Deserialize, Serialize};

use super::Setup;
use super::quality::{Quality, Rates, quality};
use crate::lattice;
use crate::machine::isa::Isa;

/// Steps for each factor of 2.
const PER_OCTAVE: i32 = 16;
/// The sweep, in steps from 4 / q^M, near which most codes are best.
const BELOW: i32 = 20;
const ABOVE: i32 = 32;
/// Steps to either side of the least that the parabola is fitted to.
const FITTED: usize = 4;
/// Gaps that differ by less, in decibels, are equal.
const EQUAL: f64 = 0.1;
/// The least step: no vector of a unit Gaussian leaves the domain of the codec, 2^22 steps.
const LEAST: f64 = 1.0 / (1 << 19) as f64;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The step beta.
    pub beta: f64,
    /// Share of the vectors that need a scaling.
    pub overload_probability: f64,
    /// Entropy of the scaling T, in bits per vector.
    pub scaling_entropy_bits: f64,
    /// M log2 q + H(T) / d, bits per dimension.
    pub rate_bits: f64,
    /// Mean squared error per dimension.
    pub mse: f64,
    /// Mean squared error per dimension of the vectors that need no scaling.
    pub mse_not_overloaded: Option<f64>,
    /// The least mean squared error at this rate.
    pub shannon_mse: f64,
    /// Distance of the two, in decibels.
    pub gap_db: f64,
}

/// The step of least gap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// The step beta.
    pub beta: f64,
    /// The gap there, in decibels.
    pub gap_db: f64,
    /// Whether the sweep goes to either side of it; if not, better steps may lie outside.
    pub is_inside: bool,
}

/// Distortion and rate over the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The best step.
    pub best: Best,
    /// All steps, ascending.
    pub points: Vec<Point>,
}

impl Sweep {
    /// The sweep of these points, ascending.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn new(points: Vec<Point>) -> Self {
        Self { best: best(&points), points }
    }
}

/// The steps to be swept, ascending.
fn steps(setup: &Setup) -> Vec<f64> {
    let centre = 4.0 / f64::from(setup.q).powf(setup.levels as f64);
    let at = |k: i32| (f64::from(k) / f64::from(PER_OCTAVE)).exp2();
    let centre = centre.max(LEAST / at(-BELOW));
    (-BELOW..=ABOVE).map(|k| centre * at(k)).collect()
}

/// How many steps a sweep takes.
pub const STEPS: usize = (BELOW + ABOVE) as usize + 1;
/// Vectors at each step.
pub const VECTORS: usize = 100_000;

/// A step beta as a reader wants it: it is small where q^M is large.
pub(super) fn shown(beta: f64) -> String {
    if beta < 0.01 { format!("{beta:.3e}") } else { format!("{beta:.4}") }
}

/// The steps of a sweep, and the data that all of them see.
#[derive(Debug)]
pub struct Steps {
    setup: Setup,
    x: Vec<f32>,
    steps: Vec<f64>,
}

impl Steps {
    /// The sweep of a code on `vectors` vectors. Of `setup`, only the lattice, q, M and the seed
    /// are used.
    pub fn new(setup: &Setup, vectors: usize) -> Self {
        let setup = Setup { sigma: 1.0, protected: true, ..*setup };
        Self { x: setup.data(vectors * setup.lattice.dim()), steps: steps(&setup), setup }
    }

    /// Measures step `nth`, of [`STEPS`].
    ///
    /// # Errors
    ///
    /// If q or M is out of range.
    ///
    /// # Panics
    ///
    /// If there is no such step, or no vector.
    pub fn measure(&self, nth: usize) -> Result<Point, lattice::Error> {
        #[expect(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
        let beta = self.steps[nth] as f32;
        let codec = Setup { beta, ..self.setup }.codec(Isa::best())?;
        let bits = Rates::of(&codec).information_bits;
        Ok(point(self.setup.lattice.dim(), bits, beta, &quality(&codec, &self.x)?))
    }
}

fn point(dim: usize, information_bits: f64, beta: f32, quality: &Quality) -> Point {
    let rate_bits = information_bits + quality.scaling_entropy_bits / dim as f64;
    let shannon_mse = (-2.0 * rate_bits).exp2();
    Point {
        beta: f64::from(beta),
        overload_probability: quality.overload_probability,
        scaling_entropy_bits: quality.scaling_entropy_bits,
        rate_bits,
        mse: quality.mse,
        mse_not_overloaded: quality.mse_not_overloaded,
        shannon_mse,
        gap_db: 10.0 * (quality.mse / shannon_mse).log10(),
    }
}

/// The vertex of the parabola through the points around the least gap.
///
/// Half a step with one scaling more is nearly the same code, so that the gap has a valley in every
/// octave below the best step, as deep but for noise. The one of the largest step counts.
fn best(points: &[Point]) -> Best {
    let gap = |at: usize| points[at].gap_db;
    let least = points.iter().map(|p| p.gap_db).fold(f64::INFINITY, f64::min);
    let window = |at: usize| at.saturating_sub(FITTED)..=(at + FITTED).min(points.len() - 1);
    let is_valley =
        |&at: &usize| gap(at) <= least + EQUAL && window(at).all(|near| gap(at) <= gap(near));
    let at = (0..points.len()).rfind(is_valley).expect("the least is a valley");
    let least = points[at];
    let edge = Best { beta: least.beta, gap_db: least.gap_db, is_inside: false };
    if at < FITTED || at + FITTED >= points.len() {
        return edge;
    }
    // Least squares of y = a + b u + c u^2 over u = -k..k, where the odd sums vanish.
    let (mut s0, mut s2, mut s4, mut y0, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (point, k) in points[at - FITTED..=at + FITTED].iter().zip(0_u32..) {
        let (u, y) = (f64::from(k) - FITTED as f64, point.gap_db);
        (s0, s2, s4) = (s0 + 1.0, s2 + u * u, s4 + u.powi(4));
        (y0, y1, y2) = (y0 + y, y1 + u * y, y2 + u * u * y);
    }
    let (b, c) = (y1 / s2, (y2 - s2 / s0 * y0) / (s4 - s2 * s2 / s0));
    let vertex = -b / (2.0 * c);
    if !(c > 0.0 && vertex.abs() <= FITTED as f64) {
        return edge;
    }
    let a = (y0 - c * s2) / s0;
    let beta = least.beta * (vertex / f64::from(PER_OCTAVE)).exp2();
    Best { beta, gap_db: a + vertex * (b + c * vertex), is_inside: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::Lattice;

    fn swept(lattice: Lattice, q: u8, levels: usize, vectors: usize) -> Sweep {
        let (beta, protected, sigma, seed) = (1.0, false, 0.5, 3);
        let setup = Setup { lattice, q, levels, beta, protected, sigma, seed };
        let steps = Steps::new(&setup, vectors);
        Sweep::new((0..STEPS).map(|nth| steps.measure(nth).unwrap()).collect())
    }

    /// Figures of another implementation. The gap is flat about its least value: a tenth of a
    /// decibel is 5 to 8 % of the step, so the step has the wider tolerance.
    #[test]
    fn the_best_step_is_where_it_is_known_to_be() {
        for (lattice, beta, gap) in
            [(Lattice::Z2, 0.257, 5.14), (Lattice::D4, 0.222, 4.06), (Lattice::E8, 0.298, 3.91)]
        {
            let best = swept(lattice, 4, 2, 40_000).best;
            assert!(best.is_inside, "{lattice}: {best:?}");
            assert!((best.beta / beta - 1.0).abs() < 0.07, "{lattice}: {best:?}");
            assert!((best.gap_db - gap).abs() < 0.08, "{lattice}: {best:?}");
        }
        let best = swept(Lattice::E8, 16, 1, 40_000).best;
        assert!((best.gap_db - 3.01).abs() < 0.08, "one level: {best:?}");
    }

    #[test]
    fn no_code_is_better_than_shannon_allows() {
        for (q, levels) in [(2, 1), (3, 3), (16, 1), (16, 8)] {
            let sweep = swept(Lattice::D4, q, levels, 2_000);
            assert_eq!(sweep.points.len(), STEPS, "q {q}, M {levels}");
            for point in &sweep.points {
                assert!(point.gap_db > 0.0 && point.gap_db.is_finite(), "{point:?}");
            }
            assert!(sweep.points.is_sorted_by(|a, b| a.beta < b.beta), "ascending");
        }
    }

    #[test]
    fn a_parabola_is_found_and_an_edge_is_said() {
        let quality = Quality {
            vectors: 1,
            overload_probability: 0.0,
            mse: 1.0,
            mse_not_overloaded: None,
            nsm: None,
            scaling_entropy_bits: 0.0,
        };
        let with = |gap: fn(f64) -> f64| -> Vec<Point> {
            let of = |k: i32| {
                let beta = f64::from(k) / f64::from(PER_OCTAVE);
                let gap_db = gap(beta);
                Point { beta: beta.exp2(), gap_db, ..point(2, 4.0, 1.0, &quality) }
            };
            (-50..50).map(of).collect()
        };
        let found = best(&with(|u| 3.0 + (u - 0.3) * (u - 0.3)));
        assert!((found.beta.log2() - 0.3).abs() < 1e-9 && (found.gap_db - 3.0).abs() < 1e-9);
        assert!(found.is_inside, "{found:?}");
        assert!(!best(&with(|u| u)).is_inside, "falls to the edge");
        let found = best(&with(|u| (u.round() - u).powi(2) - 0.01 * u));
        assert!((found.beta.log2() - 3.0).abs() < 0.01, "the last of many valleys: {found:?}");
    }
}
