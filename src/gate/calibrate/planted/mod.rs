//! Kernels that do as much more work as they are told: slowdowns of known size, to measure what
//! paired runs find.
//!
//! | | |
//! | --- | --- |
//! | [`Flow`] | `x' = A x` by Runge and Kutta's method: computes, within the first cache |
//! | [`triad`] | `a = b + s c`: waits for memory |
//! | [`Plant`] | so much more of something, or a sleep |
//!
//! Source of the triad: J. D. `McCalpin`, "Memory bandwidth and machine balance in current high
//! performance computers", IEEE TCCA Newsletter (1995) 19-25.

use std::thread;
use std::time::Duration;

mod cases;

pub use cases::cases;

/// The dimension of the flow.
pub const DIM: usize = 64;

/// Rows that are summed side by side, in registers.
const ROWS: usize = 16;

/// Work that a step does beyond its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plant {
    /// Thousandths more of its work.
    pub permille: u32,
    /// Microseconds for which it sleeps, at least; the system wakes it a little later.
    pub sleep_us: u32,
}

impl Plant {
    /// Nothing.
    pub const NONE: Self = Self { permille: 0, sleep_us: 0 };

    /// `count` and so many thousandths of it more, rounded to the nearest.
    pub fn of(self, count: usize) -> usize {
        let permille = 1000 + self.permille as usize;
        (count * permille + 500) / 1000
    }

    /// Sleeps, where that is planted.
    pub fn sleep(self) {
        if self.sleep_us > 0 {
            thread::sleep(Duration::from_micros(self.sleep_us.into()));
        }
    }
}

/// The linear flow `x' = A x` in single precision, and the buffers of its time steps.
#[derive(Debug, Clone)]
pub struct Flow {
    /// `A`, column by column: 16 KiB.
    columns: Vec<[f32; DIM]>,
    time_step: f32,
    slopes: [[f32; DIM]; 4],
    point: [f32; DIM],
}

impl Flow {
    /// The flow of the matrix with these columns, advanced by `time_step` at a time.
    ///
    /// # Panics
    ///
    /// If there are not [`DIM`] columns.
    pub fn new(columns: Vec<[f32; DIM]>, time_step: f32) -> Self {
        assert_eq!(columns.len(), DIM, "the matrix is square");
        Self { columns, time_step, slopes: [[0.0; DIM]; 4], point: [0.0; DIM] }
    }

    /// Advances `x` by so many time steps of the classical method of fourth order.
    ///
    /// Each component of a product `A x` adds its terms in the order of the columns, from zero.
    ///
    /// Source: W. Kutta, "Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen",
    /// Zeitschrift fuer Mathematik und Physik 46 (1901) 435-453.
    pub fn advance(&mut self, x: &mut [f32; DIM], steps: usize) {
        let h = self.time_step;
        for _ in 0..steps {
            self.point = *x;
            for (stage, ahead) in [h / 2.0, h / 2.0, h, 0.0].into_iter().enumerate() {
                multiply(&self.columns, &self.point, &mut self.slopes[stage]);
                for i in 0..DIM {
                    self.point[i] = x[i] + ahead * self.slopes[stage][i];
                }
            }
            let [k1, k2, k3, k4] = &self.slopes;
            for i in 0..DIM {
                x[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
    }
}

/// `y = A x`.
fn multiply(columns: &[[f32; DIM]], x: &[f32; DIM], y: &mut [f32; DIM]) {
    for (block, y) in y.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        let mut sums = [0.0; ROWS];
        for (column, x) in columns.iter().zip(x) {
            let rows = &column.as_chunks::<ROWS>().0[block];
            for i in 0..ROWS {
                sums[i] += rows[i] * x;
            }
        }
        *y = sums;
    }
}

/// `a[i] = b[i] + s c[i]`.
///
/// # Panics
///
/// If the lengths differ.
pub fn triad(a: &mut [f64], b: &[f64], c: &[f64], s: f64) {
    assert!(a.len() == b.len() && b.len() == c.len(), "arrays of one length");
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b + s * c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plant_is_whole_steps_and_elements() {
        let planted = |count, permille| Plant { permille, ..Plant::NONE }.of(count);
        for (plant, steps, len) in [(0, 200, 400_000), (20, 204, 408_000), (50, 210, 420_000)] {
            assert_eq!((planted(200, plant), planted(400_000, plant)), (steps, len), "{plant}");
        }
        assert_eq!((planted(200, 100), planted(200, 3)), (220, 201), "rounded to the nearest");
    }

    /// A rotation in each plane of two axes, whose flow is known: cosine and sine.
    #[test]
    fn the_flow_of_a_rotation_is_the_rotation() {
        let mut columns = vec![[0.0; DIM]; DIM];
        for k in 0..DIM / 2 {
            (columns[2 * k][2 * k + 1], columns[2 * k + 1][2 * k]) = (1.0, -1.0);
        }
        let (steps, h) = (100, 0.01);
        let mut x = [0.0; DIM];
        x.iter_mut().step_by(2).for_each(|x| *x = 1.0);
        Flow::new(columns, h).advance(&mut x, steps);
        let (sin, cos) = 1.0_f64.sin_cos();
        // 100 steps of some ten roundings each of values below 1; the method errs by h^4 / 120.
        let bound = 1e3 * f64::from(f32::EPSILON);
        for pair in x.chunks(2) {
            let (c, s) = (f64::from(pair[0]), f64::from(pair[1]));
            assert!((c - cos).abs() < bound && (s - sin).abs() < bound, "({c}, {s})");
        }
    }

    #[test]
    fn the_triad_is_as_defined() {
        let mut a = [0.0; 3];
        triad(&mut a, &[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0], 0.5);
        assert_eq!(a, [6.0, 12.0, 18.0], "b + s c");
    }
}
