//! The cases of this chapter, which only workers of a calibration know.

use super::{DIM, Flow, Plant, triad};
use crate::case::{Case, Step, Work};
use crate::{close, input};

/// Time steps without a plant: a thousandth of five is one step.
const STEPS: usize = 200;

/// Elements of each array without a plant: three arrays are 9.6 MB.
const LEN: usize = 400_000;

const TIME_STEP: f32 = 0.01;
const SCALE: f64 = 3.0;

/// A case that computes and one that waits for memory, each with a plant. To a list they are the
/// same cases with any.
pub fn cases(plant: Plant) -> Vec<Case> {
    let (steps, len) = (plant.of(STEPS), plant.of(LEN));
    let (n, per_step) = (DIM as u64, (4 * 2 * DIM * DIM) as u64);
    let computing = Work {
        units: steps as u64,
        unit: "time-step",
        flops: steps as u64 * per_step,
        bytes: 4 * n * (n + 1),
        resident_bytes: 4 * n * (n + 1),
    };
    let streaming = Work {
        units: len as u64,
        unit: "element",
        flops: 2 * len as u64,
        bytes: 3 * 8 * len as u64,
        resident_bytes: 3 * 8 * len as u64,
    };
    vec![
        Case::new("calibration/flow/n64", "portable", computing, move || {
            Flowing::new(steps, plant)
        }),
        Case::new("calibration/triad/n400000", "portable", streaming, move || {
            Triad::new(len, plant)
        }),
    ]
}

struct Flowing {
    flow: Flow,
    steps: usize,
    plant: Plant,
    start: [f32; DIM],
    x: [f32; DIM],
}

impl Flowing {
    fn new(steps: usize, plant: Plant) -> Self {
        let mut start = [0.0; DIM];
        start.copy_from_slice(&input::uniform(2, DIM, -1.0, 1.0));
        Self { flow: Flow::new(matrix(), TIME_STEP), steps, plant, start, x: start }
    }
}

/// An antisymmetric matrix, whose flow keeps the length of a vector.
fn matrix() -> Vec<[f32; DIM]> {
    let g = input::uniform(1, DIM * DIM, -1.0, 1.0);
    let column = |j: usize| std::array::from_fn(|i| g[i * DIM + j] - g[j * DIM + i]);
    (0..DIM).map(column).collect()
}

impl Step for Flowing {
    fn run(&mut self) {
        self.x = self.start;
        self.flow.advance(&mut self.x, self.steps);
        self.plant.sleep();
    }

    fn spoil(&mut self) {
        self.x.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.x)
    }

    fn check(&self) -> Result<(), String> {
        close::bits("x", &self.x, &oracle(&matrix(), self.start, self.steps))
    }
}

/// The definition, in the order of operations that the kernel states.
fn oracle(columns: &[[f32; DIM]], mut x: [f32; DIM], steps: usize) -> [f32; DIM] {
    let slope = |x: &[f32; DIM]| -> [f32; DIM] {
        std::array::from_fn(|i| (0..DIM).fold(0.0, |sum, j| sum + columns[j][i] * x[j]))
    };
    let ahead = |x: &[f32; DIM], h: f32, k: &[f32; DIM]| -> [f32; DIM] {
        std::array::from_fn(|i| x[i] + h * k[i])
    };
    let h = TIME_STEP;
    for _ in 0..steps {
        let k1 = slope(&x);
        let k2 = slope(&ahead(&x, h / 2.0, &k1));
        let k3 = slope(&ahead(&x, h / 2.0, &k2));
        let k4 = slope(&ahead(&x, h, &k3));
        x = std::array::from_fn(|i| x[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]));
    }
    x
}

struct Triad {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    plant: Plant,
}

impl Triad {
    /// Integers, so that every sum is exact.
    fn new(len: usize, plant: Plant) -> Self {
        let up = || (0..len).map(|i| i as f64);
        Self { a: vec![0.0; len], b: up().collect(), c: up().rev().collect(), plant }
    }
}

impl Step for Triad {
    fn run(&mut self) {
        triad(&mut self.a, &self.b, &self.c, SCALE);
        self.plant.sleep();
    }

    fn spoil(&mut self) {
        self.a.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.a.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let last = self.a.len() - 1;
        let want: Vec<f64> = (0..=last).map(|i| (i + 3 * (last - i)) as f64).collect();
        close::bits("a", &self.a, &want)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_planted_sleep_is_slept_by_each_case_and_changes_no_bits() {
        let sleep = Plant { sleep_us: 300, ..Plant::NONE };
        for (plain, waits) in cases(Plant::NONE).iter().zip(&cases(sleep)) {
            let ((_, want), (mut step, got)) = (plain.checked().unwrap(), waits.checked().unwrap());
            assert_eq!(got, want, "{}", plain.id);
            assert_eq!(plain.work, waits.work, "{}", plain.id);
            let start = Instant::now();
            (0..20).for_each(|_| step.run());
            assert!(start.elapsed() > Duration::from_millis(6), "{}", plain.id);
        }
    }

    #[test]
    fn every_case_is_right_with_every_plant() {
        for permille in [0, 20, 50, 100] {
            for case in cases(Plant { permille, ..Plant::NONE }) {
                assert!(case.checked().is_ok(), "{}: {:?}", case.id, case.checked().err());
            }
        }
    }

    #[test]
    fn a_plant_is_more_work_under_the_same_id_and_in_the_same_class() {
        let five = cases(Plant { permille: 50, ..Plant::NONE });
        for (plain, planted) in cases(Plant::NONE).iter().zip(&five) {
            assert_eq!(plain.id, planted.id, "id");
            assert_eq!(planted.work.units * 100, plain.work.units * 105, "{}", plain.id);
            assert_eq!(planted.work.flops * 100, plain.work.flops * 105, "{}", plain.id);
            assert_eq!(plain.is_memory_bound(), planted.is_memory_bound(), "{}", plain.id);
        }
        let classes: Vec<bool> = five.iter().map(Case::is_memory_bound).collect();
        assert_eq!(classes, [false, true], "the flow computes, the triad waits for memory");
    }

    #[test]
    fn a_step_too_few_is_wrong() {
        let mut step = Flowing::new(STEPS, Plant::NONE);
        step.steps -= 1;
        step.run();
        step.steps += 1;
        assert!(step.check().is_err(), "the oracle takes all steps");
        let mut triad = Triad::new(9, Plant::NONE);
        triad.run();
        assert_eq!(triad.check(), Ok(()), "right");
        triad.a[8] = 7.0;
        assert!(triad.check().is_err(), "the last element is compared");
    }
}
