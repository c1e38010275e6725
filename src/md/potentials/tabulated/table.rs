//! A function known at equal steps from zero, continued between them as LAMMPS does.
//!
//! ```text
//! f(x) = f_m + p (s_m + p (c + p e)),    p = x / step - m,    p at most 1
//! c = 3 (f_m+1 - f_m) - 2 s_m - s_m+1,   e = s_m + s_m+1 - 2 (f_m+1 - f_m)
//! s_m = (f_m-2 - f_m+2 + 8 (f_m+1 - f_m-1)) / 12
//! ```
//!
//! The knots next to the ends have central slopes, the ends one-sided ones. Value and slope are
//! continuous. Beyond the last knot the value stays, and so does what stands for its slope; before
//! the first one the cubic goes on.

use crate::md::potentials::eam::Radial;
use crate::md::potentials::errors::Size;

/// The function.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    step: f64,
    inverse: f64,
    /// Value, and slope times step.
    knots: Vec<[f64; 2]>,
}

impl Table {
    /// The fewest values of a table.
    pub const FEWEST: usize = 5;

    /// The function with these values at 0, `step`, 2 `step` and so on.
    ///
    /// # Panics
    ///
    /// If the step is not positive, or there are fewer than [`Table::FEWEST`] values.
    pub fn new(step: f64, values: &[f64]) -> Self {
        assert!(step > 0.0 && step.is_finite(), "step {step} is not positive");
        let (n, f) = (values.len(), values);
        assert!(n >= Self::FEWEST, "{n} values, expected at least {}", Self::FEWEST);
        let slope = |m: usize| match m {
            0 => f[1] - f[0],
            _ if m == n - 1 => f[m] - f[m - 1],
            _ if m == 1 || m == n - 2 => 0.5 * (f[m + 1] - f[m - 1]),
            _ => (f[m - 2] - f[m + 2] + 8.0 * (f[m + 1] - f[m - 1])) / 12.0,
        };
        let knots = (0..n).map(|m| [f[m], slope(m)]).collect();
        Self { step, inverse: 1.0 / step, knots }
    }

    /// The distance between two knots.
    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// Where the last knot is.
    pub fn end(&self) -> f64 {
        self.step * (self.knots.len() - 1) as f64
    }

    /// The knot before `x`, and how many steps it is from there.
    fn place(&self, x: f64) -> (usize, f64) {
        let steps = x * self.inverse;
        let m = whole(steps).min(self.knots.len() - 2);
        (m, (steps - m as f64).min(1.0))
    }

    /// Coefficients between two knots, from the constant on.
    fn cubic(&self, m: usize) -> [f64; 4] {
        let ([f, s], [next, next_s]) = (self.knots[m], self.knots[m + 1]);
        let rise = next - f;
        [f, s, 3.0 * rise - 2.0 * s - next_s, s + next_s - 2.0 * rise]
    }

    /// Value and slope at `x`.
    #[inline]
    pub fn at(&self, x: f64) -> Radial {
        let (m, p) = self.place(x);
        let [f, s, c, e] = self.cubic(m);
        Radial {
            value: f + p * (s + p * (c + p * e)),
            slope: (s + p * (2.0 * c + p * (3.0 * e))) * self.inverse,
        }
    }

    /// Does as [`Table::at`], with a straight line beyond the last knot.
    pub fn straight_at(&self, x: f64) -> Radial {
        let Radial { value, slope } = self.at(x);
        Radial { value: value + slope * (x - self.end()).max(0.0), slope }
    }

    /// The largest magnitudes within `apart` of `x`: the sums of those of the terms.
    pub(super) fn size(&self, x: f64, apart: f64) -> Size {
        let [(first, p), (last, _)] = [x - apart, x + apart].map(|x| self.place(x));
        let (inverse, p) = (self.inverse, p.abs().max(1.0));
        let mut size = Size::default();
        for m in first..=last {
            let [f, s, c, e] = self.cubic(m).map(f64::abs);
            size.value = size.value.max(f + p * (s + p * (c + p * e)));
            size.slope = size.slope.max((s + p * (2.0 * c + p * 3.0 * e)) * inverse);
            size.curvature = size.curvature.max((2.0 * c + 6.0 * p * e) * inverse * inverse);
        }
        size
    }

    /// Does as [`Table::size`] for [`Table::straight_at`].
    pub(super) fn straight_size(&self, x: f64, apart: f64) -> Size {
        let size = self.size(x, apart);
        Size { value: size.value + size.slope * (x - self.end()).max(0.0), ..size }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at 0")]
fn whole(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f = x^3 - 2 x^2 + 3 at half steps.
    fn cubic() -> Table {
        let f = |m: i32| {
            let x = 0.5 * f64::from(m);
            x * x * x - 2.0 * x * x + 3.0
        };
        Table::new(0.5, &(0..9).map(f).collect::<Vec<_>>())
    }

    /// The slopes inside are exact for polynomials up to the fourth degree.
    #[test]
    fn a_cubic_is_itself_between_inner_knots() {
        for x in [1.0, 1.1, 1.75, 2.0, 2.499, 2.9, 3.0_f64] {
            let Radial { value, slope } = cubic().at(x);
            assert!((value - (x.powi(3) - 2.0 * x * x + 3.0)).abs() < 1e-14, "{value} at {x}");
            assert!((slope - (3.0 * x * x - 4.0 * x)).abs() < 1e-13, "{slope} at {x}");
        }
    }

    /// Values 3, 2.625, 2, 1.875, ..: slopes -0.375 at the first knot, -0.5 at the second.
    #[test]
    fn the_ends_are_worked_by_hand() {
        let table = cubic();
        let Radial { value, slope } = table.at(0.25);
        // Half of the first step: mean of the values, and an eighth of the fall of the slopes.
        assert!((value - (2.8125 + (-0.375 + 0.5) / 8.0)).abs() < 1e-15, "{value}");
        assert!((slope - (1.5 * -0.375 + 0.25 * 0.875) * 2.0).abs() < 1e-15, "{slope}");
        let last = 64.0 - 32.0 + 3.0 - (42.875 - 24.5 + 3.0);
        for x in [4.0, 4.2, 1e9, 1e300] {
            assert_eq!(table.at(x), Radial { value: 35.0, slope: 2.0 * last }, "held at {x}");
        }
        assert_eq!(table.straight_at(5.0).value, 35.0 + 2.0 * last, "a straight line");
        let before = table.at(-0.5).value;
        // c = 3 (-0.375) + 2 (0.375) + 0.5 = 0.125, e = -0.875 + 0.75 = -0.125 at p = -1.
        assert!((before - (3.0 + 0.375 + 0.125 + 0.125)).abs() < 1e-15, "{before}");
    }

    #[test]
    fn value_and_slope_are_continuous_and_within_their_sizes() {
        let values: Vec<_> = (0..40_u32).map(|m| f64::from(m * 7919 % 101) - 50.0).collect();
        let table = Table::new(0.1, &values);
        for m in 1..39 {
            let x = 0.1 * f64::from(m);
            let [low, high] = [x - 1e-9, x + 1e-9].map(|x| table.at(x));
            assert!((low.value - high.value).abs() < 1e-4, "value at knot {m}");
            assert!((low.slope - high.slope).abs() < 1e-2, "slope at knot {m}");
        }
        let h = 1e-6;
        for k in 0..400 {
            let x = 0.0101 * f64::from(k);
            let size = table.size(x, h);
            let [low, at, high] = [x - h, x, x + h].map(|x| table.at(x));
            assert!(at.value.abs() <= size.value, "{at:?} at {x}, {size:?}");
            assert!(at.slope.abs() <= size.slope, "{at:?} at {x}, {size:?}");
            let bend = (high.slope - low.slope) / (2.0 * h);
            assert!(x > 3.8 || bend.abs() <= size.curvature * (1.0 + 1e-6), "{bend} at {x}");
        }
    }

    #[test]
    #[should_panic(expected = "4 values, expected at least 5")]
    fn a_table_of_four_values_is_refused() {
        let _ = Table::new(1.0, &[0.0; 4]);
    }
}
