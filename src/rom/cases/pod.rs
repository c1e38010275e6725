//! The cases of decompositions: projection, lifting and alignment of frames, and the decomposition of many.

use ndarray::{Array2, Array3, Axis, s};

use super::single;
use crate::case::{Case, Step, Work};
use crate::close::{digest, within};
use crate::input;
use crate::machine::isa::Isa;
use crate::rom::pod::align::{Correlator, roll};
use crate::rom::pod::{Basis, Config, Modes, Pod, Transform};

/// Frames that are projected or lifted in a step.
const FRAMES: usize = 16;

/// Keeps roots in their domain.
const EPS: f64 = 1e-8;

/// Where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From densities to states.
    Project,
    /// From states to densities.
    Lift,
}

/// The states of frames of `side` x `side` cells, or the frames of states, with so many modes.
///
/// A cell is a product and a sum for each mode, a sum, and a root or a square. Frames and states are read
/// and written once, and the modes are at hand.
pub(super) fn frames(way: Way, modes: usize, side: usize, isa: Option<Isa>) -> Case {
    let cells = side * side;
    let name = if way == Way::Project { "project" } else { "lift" };
    let id = format!("rom/pod-{name}{}-r{modes}/n{cells}", single(isa));
    let isa = isa.unwrap_or_else(Isa::best);
    let flops = FRAMES * cells * (2 * modes + 2);
    let bytes = 8 * FRAMES * (2 * cells + modes);
    let resident = bytes + 8 * (modes + 1) * cells;
    let [units, flops, bytes, resident_bytes] = [FRAMES, flops, bytes, resident].map(|n| n as u64);
    let work = Work { units, unit: "frame", flops, bytes, resident_bytes };
    Case::new(id, isa.vectorised_name(), work, move || Frames::new(way, modes, side, isa))
}

/// All of a decomposition of `count` frames of `side` x `side` cells by their products.
///
/// Counted are the products and the reduction of their matrix, 4/3 of its size cubed. A step of this case
/// allocates, as a decomposition does.
pub(super) fn decomposition(modes: usize, count: usize, side: usize) -> Case {
    let cells = side * side;
    let flops = count * count * cells + 4 * count.pow(3) / 3 + 2 * modes * count * cells;
    let bytes = 8 * cells * (count + modes);
    let resident = bytes + 8 * count * (cells + count);
    let [units, flops, bytes, resident_bytes] = [count, flops, bytes, resident].map(|n| n as u64);
    let work = Work { units, unit: "frame", flops, bytes, resident_bytes };
    let id = format!("rom/pod-r{modes}-n{cells}/n{count}");
    Case::new(id, Isa::best().vectorised_name(), work, move || {
        let config = Config { modes: Modes::Fixed(modes), ..Config::default() };
        Decomposition { run: waves(count, side, 2 * modes), config, found: None }
    })
}

/// The shifts of frames of `side` x `side` cells that moved, by their correlations with a field.
///
/// Counted are the products of the transforms: a cell of each of two takes half a column and half a row. A
/// step of this case allocates, as a product of matrices does.
pub(super) fn alignment(side: usize) -> Case {
    let cells = side * side;
    let flops = FRAMES * cells * 4 * side;
    let bytes = 8 * FRAMES * cells;
    let resident = bytes + 8 * 4 * cells;
    let [units, flops, bytes, resident_bytes] = [FRAMES, flops, bytes, resident].map(|n| n as u64);
    let work = Work { units, unit: "frame", flops, bytes, resident_bytes };
    let id = format!("rom/pod-align/n{cells}");
    Case::new(id, Isa::best().vectorised_name(), work, move || Alignment::new(side))
}

/// Positive densities: a mean, and waves that are smaller and smaller, each with its own time.
fn waves(frames: usize, side: usize, count: usize) -> Array3<f64> {
    let (times, fields) =
        (input::gaussian(1, frames * count, 1.0), input::gaussian(2, count * side * side, 1.0));
    let mut times = Array2::from_shape_vec((frames, count), times).expect("as many as drawn");
    let fields = Array2::from_shape_vec((count, side * side), fields).expect("as many as drawn");
    let mut size = 0.25;
    for mut column in times.columns_mut() {
        column *= size;
        size *= 0.9;
    }
    // Bounded, which also makes the rank that of all frames.
    let all = times.dot(&fields).mapv(|x| 1.0 + x / (1.0 + x.abs()));
    all.into_shape_with_order((frames, side, side)).expect("as many cells")
}

struct Frames {
    way: Way,
    isa: Isa,
    basis: Basis,
    densities: Array2<f64>,
    states: Array2<f64>,
    /// The frames that a step transforms, or makes.
    frames: Array2<f64>,
    /// The states that a step makes.
    found: Array2<f64>,
}

impl Frames {
    fn new(way: Way, modes: usize, side: usize, isa: Isa) -> Self {
        let (count, cells) = (2 * modes + FRAMES, side * side);
        let run = waves(count, side, modes + 4);
        let (modes, transform) = (Modes::Fixed(modes), Transform::Sqrt { eps: EPS });
        let config = Config { modes, transform, ..Config::default() };
        let basis = Pod::of(&[run.view()], &config).expect("more frames than modes").basis;
        let densities = run.into_shape_with_order((count, cells)).expect("as many cells");
        let densities = densities.slice(s![count - FRAMES.., ..]).to_owned();
        let states = basis.project(densities.view());
        let (frames, found) = (Array2::zeros(densities.dim()), Array2::zeros(states.dim()));
        Self { way, isa, basis, densities, states, frames, found }
    }

    /// The states less what a mode has, from the definition: the sum of u (root - mean), with the bound.
    fn check_states(&self) -> Result<(), String> {
        let (modes, mean) = (self.basis.modes(), self.basis.mean());
        let (mut want, mut bound) = (Vec::new(), Vec::new());
        for frame in self.densities.outer_iter() {
            for mode in modes.outer_iter() {
                let (mut sum, mut size) = (0.0, 0.0);
                for ((x, u), mean) in frame.iter().zip(mode).zip(mean) {
                    let root = (x + EPS).sqrt();
                    sum += u * (root - mean);
                    size += u.abs() * (root.abs() + mean.abs());
                }
                want.push(sum);
                bound.push(rounding(mean.len()) * size);
            }
        }
        within("state", self.found.as_slice().ok_or("in rows")?, &want, &bound)
    }

    /// The densities from the definition: (sum of a u + mean)^2, which is off by twice the root times what
    /// the root is off by.
    fn check_frames(&self) -> Result<(), String> {
        let (modes, mean) = (self.basis.modes(), self.basis.mean());
        let (mut want, mut bound) = (Vec::new(), Vec::new());
        for state in self.states.outer_iter() {
            for (cell, mean) in mean.iter().enumerate() {
                let (mut root, mut size) = (*mean, mean.abs());
                for (a, u) in state.iter().zip(modes.column(cell)) {
                    root += a * u;
                    size += (a * u).abs();
                }
                let off = rounding(state.len()) * size;
                want.push(root.max(0.0).powi(2) - EPS);
                bound.push(
                    (2.0 * root.abs() + off) * off + 4.0 * f64::EPSILON * (root * root + EPS),
                );
            }
        }
        within("density", self.frames.as_slice().ok_or("in rows")?, &want, &bound)
    }
}

/// What two sums of `n` products differ by, as part of the sum of the magnitudes.
fn rounding(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
    let terms = (n + 4) as f64;
    2.0 * terms * f64::EPSILON
}

impl Step for Frames {
    fn run(&mut self) {
        let level = 0.0;
        match self.way {
            Way::Project => {
                self.frames.assign(&self.densities);
                self.basis.project_into(self.isa, self.frames.view_mut(), self.found.view_mut());
            }
            Way::Lift => {
                let (states, frames) = (self.states.view(), self.frames.view_mut());
                self.basis.densities_into(self.isa, states, level, frames);
            }
        }
    }

    fn spoil(&mut self) {
        self.frames.fill(f64::NAN);
        self.found.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        match self.way {
            Way::Project => digest(self.found.iter().copied()),
            Way::Lift => digest(self.frames.iter().copied()),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self.way {
            Way::Project => self.check_states(),
            Way::Lift => self.check_frames(),
        }
    }
}

struct Decomposition {
    run: Array3<f64>,
    config: Config,
    found: Option<Pod>,
}

impl Step for Decomposition {
    fn run(&mut self) {
        self.found =
            Some(Pod::of(&[self.run.view()], &self.config).expect("more frames than modes"));
    }

    fn spoil(&mut self) {
        self.found = None;
    }

    fn digest(&self) -> u64 {
        let found = self.found.as_ref();
        digest(found.iter().flat_map(|pod| pod.basis.modes().into_iter().copied()))
    }

    /// Modes are orthonormal, and singular vectors: X^T X u is S^2 u, but for a rounding of the products.
    /// The squares of all singular values are the energy, so that none is larger than it may be.
    fn check(&self) -> Result<(), String> {
        let pod = self.found.as_ref().ok_or("no decomposition")?;
        let (basis, (count, rows, columns)) = (&pod.basis, self.run.dim());
        let frames = self.run.to_shape((count, rows * columns)).map_err(|e| e.to_string())?;
        let frames = frames.to_owned() - basis.mean();
        let (modes, values) = (basis.modes(), &basis.spectrum().values);
        let bound = rounding(rows * columns) * values[0] * values[0];
        let back = modes.dot(&frames.t()).dot(&frames);
        for ((back, mode), value) in back.outer_iter().zip(modes.outer_iter()).zip(values) {
            let want: Vec<f64> = mode.iter().map(|u| value * value * u).collect();
            within("X^T X u", &back.to_vec(), &want, &vec![bound; want.len()])?;
        }
        let products = modes.dot(&modes.t());
        let (got, want) = (products.iter().copied(), Array2::<f64>::eye(modes.nrows()));
        let got: Vec<f64> = got.collect();
        within("u u", &got, want.as_slice().ok_or("in rows")?, &vec![1e-14; got.len()])?;
        let energy: f64 = values.iter().map(|value| value * value).sum();
        let total = frames.iter().map(|x| x * x).sum::<f64>();
        within("energy", &[energy], &[total], &[rounding(count) * total])
    }
}

struct Alignment {
    correlator: Correlator,
    frames: Array3<f64>,
    found: Vec<[i64; 2]>,
}

impl Alignment {
    /// Frames that are one field, which has no symmetry, moved by [`Alignment::moved`].
    fn new(side: usize) -> Self {
        let field = waves(1, side, 8).index_axis_move(Axis(0), 0);
        let mut frames = Array3::zeros((FRAMES, side, side));
        for (at, mut to) in frames.outer_iter_mut().enumerate() {
            roll(field.view(), Self::moved(at), to.as_slice_mut().expect("in rows"));
        }
        Self { correlator: Correlator::to(field.view()), frames, found: vec![[0; 2]; FRAMES] }
    }

    /// Less than half of the rows and columns.
    fn moved(frame: usize) -> [i64; 2] {
        let at = i64::try_from(frame).expect("a few frames");
        [at / 2 - 3, 3 - at / 3]
    }
}

impl Step for Alignment {
    fn run(&mut self) {
        for (frame, found) in self.frames.outer_iter().zip(&mut self.found) {
            *found = self.correlator.shift(frame);
        }
    }

    fn spoil(&mut self) {
        self.found.fill([i64::MIN; 2]);
    }

    fn digest(&self) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "shifts are small")]
        digest(self.found.as_flattened().iter().map(|shift| *shift as f64))
    }

    /// No two vectors of the same norm have a larger product than equal ones.
    fn check(&self) -> Result<(), String> {
        for (at, found) in self.found.iter().enumerate() {
            let want = Self::moved(at).map(|shift| -shift);
            if *found != want {
                return Err(format!("frame {at} moves by {found:?}, expected {want:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slightly_wrong_number_fails_the_check() {
        for way in [Way::Project, Way::Lift] {
            let mut step = Frames::new(way, 5, 8, Isa::best());
            step.run();
            assert_eq!(step.check(), Ok(()), "right");
            let to = if way == Way::Project { &mut step.found } else { &mut step.frames };
            to[[7, 3]] += 1e-12;
            assert!(step.check().is_err(), "{way:?}");
        }
        let mut step = Alignment::new(20);
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        step.found[9][1] += 1;
        assert_eq!(step.check().unwrap_err(), "frame 9 moves by [-1, 1], expected [-1, 0]");
        let config = Config { modes: Modes::Fixed(4), ..Config::default() };
        let mut step = Decomposition { run: waves(30, 8, 8), config, found: None };
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        // The next mode instead of the last.
        step.config.modes = Modes::Fixed(5);
        step.run();
        let pod = step.found.as_mut().expect("as it ran");
        let wrong = pod.basis.modes().slice(s![1.., ..]).reversed_axes().to_owned();
        let (mean, spectrum) = (pod.basis.mean().to_owned(), pod.basis.spectrum().clone());
        pod.basis = Basis::new([8, 8], wrong.view(), mean, spectrum, Transform::Raw).expect("fits");
        let why = step.check().unwrap_err();
        assert!(why.contains("X^T X u"), "{why}");
    }
}
