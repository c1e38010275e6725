//! The frames of runs as they enter the decomposition, in blocks, so that no copy of all is needed.

use ndarray::{Array1, Array2, ArrayView2, ArrayView3, ArrayViewMut2, Axis, s};

use super::align::{Correlator, Reference, roll};
use super::basis::Basis;
use super::transform::Transform;
use super::{Config, Error};
use crate::machine::isa::Isa;

/// Frames of a block that is read once or twice: few enough for the second cache.
const BLOCK: usize = 16;

/// Every so many frames of some runs, shifted and transformed.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    /// Run after run, (rows, columns).
    frames: Vec<ArrayView2<'a, f64>>,
    /// How many frames each run has.
    counts: Vec<usize>,
    subsample: usize,
    shape: [usize; 2],
    transform: Transform,
    shifts: Option<Array2<i64>>,
}

impl<'a> Frames<'a> {
    pub(super) fn of(runs: &'a [ArrayView3<'a, f64>], config: &Config) -> Result<Self, Error> {
        let Some((_, rows, columns)) = runs.first().map(ArrayView3::dim) else {
            return Err(Error::NoRuns);
        };
        let (mut frames, mut counts) = (Vec::new(), Vec::new());
        for (run, all) in runs.iter().enumerate() {
            let (count, ..) = all.dim();
            let expected = if count == 0 || all.is_empty() {
                "at least one frame, row and column".to_owned()
            } else if (all.dim().1, all.dim().2) != (rows, columns) {
                format!("{rows} rows and {columns} columns, as in run 0")
            } else {
                frames.extend(all.axis_iter(Axis(0)).step_by(config.subsample));
                counts.push(count.div_ceil(config.subsample));
                continue;
            };
            let found = [count, all.dim().1, all.dim().2];
            return Err(Error::Shape { run, found, expected });
        }
        let (shape, subsample, transform) = ([rows, columns], config.subsample, config.transform);
        let frames = Self { frames, counts, subsample, shape, transform, shifts: None };
        frames.finite()?;
        Ok(frames)
    }

    /// Names a number that is not finite.
    fn finite(&self) -> Result<(), Error> {
        let flaw = |at: usize| self.frames[at].iter().position(|x| !x.is_finite());
        match (0..self.len()).find_map(|at| Some((at, flaw(at)?))) {
            Some((at, cell)) => Err(self.unfit(at, cell, "a finite number")),
            None => Ok(()),
        }
    }

    fn unfit(&self, at: usize, cell: usize, expected: &'static str) -> Error {
        let (mut run, mut frame) = (0, at);
        while frame >= self.counts[run] {
            frame -= self.counts[run];
            run += 1;
        }
        let value = self.frames[at][[cell / self.shape[1], cell % self.shape[1]]];
        Error::Value { run, frame: frame * self.subsample, cell, value, expected }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    pub(super) fn cells(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    /// The field that frames are shifted onto.
    pub(super) fn reference(&self, reference: Reference) -> Array2<f64> {
        match reference {
            Reference::First => self.frames[0].to_owned(),
            Reference::Mean => {
                let mut sum = Array2::zeros((self.shape[0], self.shape[1]));
                self.frames.iter().for_each(|frame| sum += frame);
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                let count = self.len() as f64;
                sum / count
            }
            Reference::Median => {
                let mut values = vec![0.0; self.len()];
                Array2::from_shape_fn((self.shape[0], self.shape[1]), |at| {
                    values.iter_mut().zip(&self.frames).for_each(|(to, frame)| *to = frame[at]);
                    median(&mut values)
                })
            }
        }
    }

    /// Shifts all frames onto a field.
    pub(super) fn align(&mut self, field: ArrayView2<'_, f64>) {
        let mut correlator = Correlator::to(field);
        let mut shifts = Array2::zeros((self.len(), 2));
        for (frame, mut to) in self.frames.iter().zip(shifts.outer_iter_mut()) {
            let [rows, columns] = correlator.shift(*frame);
            (to[0], to[1]) = (rows, columns);
        }
        self.shifts = Some(shifts);
    }

    pub(super) fn into_shifts(self) -> Option<Array2<i64>> {
        self.shifts
    }

    /// Fills rows with the frames from `first` on, shifted and transformed.
    pub(super) fn fill(&self, first: usize, mut rows: ArrayViewMut2<'_, f64>) {
        for (i, mut to) in rows.outer_iter_mut().enumerate() {
            let (frame, to) = (&self.frames[first + i], to.as_slice_mut().expect("in rows"));
            match &self.shifts {
                Some(shifts) => roll(*frame, [shifts[[first + i, 0]], shifts[[first + i, 1]]], to),
                None => to.iter_mut().zip(frame).for_each(|(to, x)| *to = *x),
            }
            self.transform.apply(to);
        }
    }

    /// Calls `each` with the frames in blocks of `size`, and the place of the first of each.
    pub(super) fn blocks(&self, size: usize, mut each: impl FnMut(usize, ArrayViewMut2<'_, f64>)) {
        let mut block = Array2::zeros((size.min(self.len()), self.cells()));
        for first in (0..self.len()).step_by(size) {
            let mut rows = block.slice_mut(s![..size.min(self.len() - first), ..]);
            self.fill(first, rows.view_mut());
            each(first, rows);
        }
    }

    /// The mean of the transformed frames; an error names a number without a transform.
    pub(super) fn mean(&self) -> Result<Array1<f64>, Error> {
        let (mut sum, mut flaw) = (Array1::<f64>::zeros(self.cells()), None);
        self.blocks(BLOCK, |first, rows| {
            for (i, row) in rows.outer_iter().enumerate() {
                sum += &row;
                if flaw.is_none() && !row.iter().all(|x| x.is_finite()) {
                    flaw = Some(first + i);
                }
            }
        });
        if let Some(at) = flaw {
            // Where it stands before the shift.
            let mut cells = self.frames[at].iter();
            let cell = cells.position(|x| {
                let mut cell = [*x];
                self.transform.apply(&mut cell);
                !cell[0].is_finite()
            });
            return Err(self.unfit(at, cell.unwrap_or(0), self.transform.domain()));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let count = self.len() as f64;
        Ok(sum / count)
    }

    /// The latent states of each run.
    pub(super) fn latent(&self, basis: &Basis) -> Vec<Array2<f64>> {
        let mut all = Array2::zeros((self.len(), basis.len()));
        self.blocks(BLOCK, |first, rows| {
            let to = all.slice_mut(s![first..first + rows.nrows(), ..]);
            basis.project_transformed(Isa::best(), rows.view(), to);
        });
        let mut first = 0;
        let mut next = |count: &usize| {
            first += count;
            all.slice(s![first - count..first, ..]).to_owned()
        };
        self.counts.iter().map(&mut next).collect()
    }
}

/// The middle value, or the mean of the two.
fn median(values: &mut [f64]) -> f64 {
    let (middle, is_odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let value = *value;
    if is_odd {
        return value;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_the_two() {
        for (mut values, middle) in [
            (vec![3.0], 3.0),
            (vec![4.0, 1.0], 2.5),
            (vec![9.0, 1.0, 2.0], 2.0),
            (vec![9.0, 1.0, 2.0, 3.0], 2.5),
            (vec![1.0, 1.0, 1.0, 8.0], 1.0),
        ] {
            assert_eq!(median(&mut values), middle, "{values:?}");
        }
    }
}
