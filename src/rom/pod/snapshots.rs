//! Modes and singular values from products of frames, or of cells, whichever are fewer.
//!
//! With X the frames less their mean, (frames, cells), the eigenvalues of X X^T and of X^T X are the
//! squares of the singular values. The eigenvectors V of the first give the modes X^T v / S, those of the
//! second are the modes.
//!
//! Squares cost digits: a product has an error of epsilon S1^2, and a singular value S of epsilon
//! S1^2 / (2 S), which is all of it at 1e-8 of the first. So only the modes with S above [`TRUST`] of the
//! first are taken from the products. For those below, the ones found are taken off the frames, and the
//! products of what is left have their digits again; this is repeated until there are as many modes as
//! asked for, or what is left is rounding.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, concatenate, s};

use super::basis::Spectrum;
use super::eigen::Eigen;
use super::frames::Frames;
use super::panels::Panels;
use super::tile::ROWS;
use super::{Error, Modes};
use crate::machine::isa::Isa;

/// Singular values above this part of the first of a pass are taken from it: their vectors are right to
/// about 1e-10.
const TRUST: f64 = 1e-3;

/// Frames of a block, where no more than that are in memory: enough that adding their products to
/// those of the others is a small part of the work.
const BLOCK: usize = 256;

pub(super) struct Found {
    /// (modes, cells), orthonormal.
    pub(super) modes: Array2<f64>,
    pub(super) spectrum: Spectrum,
}

/// The modes of the frames less `mean`.
pub(super) fn decompose(
    frames: &Frames<'_>,
    mean: ArrayView1<'_, f64>,
    wanted: Modes,
) -> Result<Found, Error> {
    let (count, cells) = (frames.len(), frames.cells());
    let most = count.min(cells);
    let too_many = |modes, rank| Error::Rank { modes, rank, frames: count, cells };
    if let Modes::Fixed(modes) = wanted
        && modes > most
    {
        return Err(too_many(modes, most));
    }
    let mut left = Left::of(frames, mean);
    let mut modes = Array2::zeros((0, cells));
    let mut spectrum = Spectrum { values: Vec::new(), total_energy: 0.0 };
    let mut target = 0;
    loop {
        let (mut products, energy) = left.products(modes.view());
        let eigen = Eigen::of(products.view_mut())?;
        let values = eigen.values().iter().map(|value| value.max(0.0).sqrt());
        let known = modes.nrows();
        spectrum.values.splice(known.., values.take(most - known));
        if known == 0 {
            spectrum.total_energy = energy;
            target = match wanted {
                Modes::Fixed(modes) => modes,
                Modes::Energy(part) => {
                    let cumulative = spectrum.cumulative();
                    cumulative.partition_point(|sum| *sum < part).saturating_add(1).min(most)
                }
            };
        }
        let (first, largest) = (spectrum.values[known], spectrum.values[0]);
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let rounding = count.max(cells) as f64 * f64::EPSILON;
        if first <= rounding * largest.max(left.magnitude) {
            match wanted {
                _ if known == 0 => return Err(Error::Constant { frames: count }),
                Modes::Fixed(modes) => return Err(too_many(modes, known)),
                Modes::Energy(_) => break,
            }
        }
        let trusted = spectrum.values[known..target].iter();
        let trusted = trusted.take_while(|value| **value > TRUST * first).count();
        let vectors = left.modes(eigen.vectors(trusted)?);
        modes = orthonormal(modes, vectors);
        if modes.nrows() == target {
            break;
        }
    }
    Ok(Found { modes, spectrum })
}

/// The frames less the mean and less the modes that are known.
struct Left<'a, 'f> {
    isa: Isa,
    frames: &'a Frames<'f>,
    mean: ArrayView1<'a, f64>,
    /// All of them, where they are no more than the cells.
    whole: Option<Panels>,
    /// How many modes were taken off `whole`.
    taken: usize,
    /// The largest singular value that rounding of the frames may have made: their norm before the
    /// mean was taken off.
    magnitude: f64,
}

impl<'a, 'f> Left<'a, 'f> {
    fn of(frames: &'a Frames<'f>, mean: ArrayView1<'a, f64>) -> Self {
        let (count, cells) = (frames.len(), frames.cells());
        let isa = Isa::best();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let magnitude = (mean.dot(&mean) * count as f64).sqrt();
        let whole = (count <= cells).then(|| {
            let mut whole = Panels::zeros(isa, count, cells);
            frames.blocks(ROWS, |first, mut rows| {
                rows -= &mean;
                whole.put(first, rows.view());
            });
            whole
        });
        Self { isa, frames, mean, whole, taken: 0, magnitude }
    }

    /// The lower triangle of the products without these modes, and the sum of its diagonal.
    fn products(&mut self, modes: ArrayView2<'_, f64>) -> (Array2<f64>, f64) {
        let products = match &mut self.whole {
            Some(whole) => {
                whole.take_off(modes.slice(s![self.taken.., ..]));
                self.taken = modes.nrows();
                let mut products = Array2::zeros((whole.rows(), whole.rows()));
                whole.add_products(products.view_mut());
                products
            }
            None => {
                let cells = self.frames.cells();
                let mut products = Array2::zeros((cells, cells));
                self.frames.blocks(BLOCK, |_, mut rows| {
                    rows -= &self.mean;
                    take_off(modes, rows.view_mut());
                    let mut block = Panels::zeros(self.isa, cells, rows.nrows());
                    for (k, row) in rows.outer_iter().enumerate() {
                        block.put_across(k, row);
                    }
                    block.add_products(products.view_mut());
                });
                products
            }
        };
        let energy = products.diag().sum();
        (products, energy)
    }

    /// The modes of eigenvectors of the products, not yet of norm 1.
    fn modes(&self, vectors: Array2<f64>) -> Array2<f64> {
        match &self.whole {
            Some(whole) => whole.sums(vectors.view()),
            None => vectors,
        }
    }
}

/// Takes the parts along some modes off frames.
fn take_off(modes: ArrayView2<'_, f64>, mut frames: ArrayViewMut2<'_, f64>) {
    if modes.nrows() > 0 {
        let parts = frames.dot(&modes.t());
        general_mat_mul(-1.0, &parts, &modes, 1.0, &mut frames);
    }
}

/// Adds modes to orthonormal ones, each made orthogonal to those before it, of norm 1, and with its
/// component of the largest magnitude positive.
fn orthonormal(known: Array2<f64>, more: Array2<f64>) -> Array2<f64> {
    let first = known.nrows();
    let mut all = concatenate(Axis(0), &[known.view(), more.view()]).expect("of as many cells");
    for at in first..all.nrows() {
        let (before, mut rest) = all.view_mut().split_at(Axis(0), at);
        let mut mode = rest.row_mut(0);
        // Twice is enough, whatever the first time cancels.
        for _ in 0..2 {
            let norm = mode.dot(&mode).sqrt();
            mode /= norm;
            let parts = before.dot(&mode);
            mode -= &parts.dot(&before);
        }
        let norm = mode.dot(&mode).sqrt();
        let largest = mode.fold(0.0, |most: f64, x| if x.abs() > most.abs() { *x } else { most });
        mode /= norm.copysign(largest);
    }
    all
}
