//! The modes of a decomposition: projection of densities and lifting of latent states.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, CowArray, Ix2};

use super::kernel;
use super::standard::Standard;
use super::transform::Transform;
use crate::machine::isa::Isa;

/// Singular values, and the energy that they have together.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Singular values, the largest first: as many as there are frames or cells, whichever are fewer.
    ///
    /// Those of the modes that were kept are right to some digits; of the others, those below 1e-7 of
    /// the first are noise of that size.
    pub values: Vec<f64>,
    /// The sum of the squares of all numbers less the mean.
    pub total_energy: f64,
}

impl Spectrum {
    /// The part of the energy that the modes up to each have.
    pub fn cumulative(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let part = |value: &f64| {
            sum += value * value;
            sum / self.total_energy
        };
        self.values.iter().map(part).collect()
    }

    /// The part of the energy that the first `modes` modes have.
    pub fn ratio(&self, modes: usize) -> f64 {
        self.cumulative()[..modes].last().copied().unwrap_or(0.0)
    }
}

/// Orthonormal modes, the mean, and the transform before them.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    shape: [usize; 2],
    /// (modes, cells).
    modes: Array2<f64>,
    mean: Array1<f64>,
    /// The products of the mean and the modes.
    offset: Vec<f64>,
    spectrum: Spectrum,
    transform: Transform,
    reference: Option<Array2<f64>>,
    standard: Option<Standard>,
}

impl Basis {
    /// Puts a basis together from modes (cells, modes) and the mean of the transformed frames; `None`
    /// where the shapes, with frames of `shape` (rows, columns), do not fit.
    pub fn new(
        shape: [usize; 2],
        modes: ArrayView2<'_, f64>,
        mean: Array1<f64>,
        spectrum: Spectrum,
        transform: Transform,
    ) -> Option<Self> {
        let (cells, count) = modes.dim();
        let fits = shape[0].checked_mul(shape[1]) == Some(cells)
            && mean.len() == cells
            && (1..=spectrum.values.len()).contains(&count);
        let modes = modes.t().as_standard_layout().into_owned();
        fits.then(|| Self::of(shape, modes, mean, spectrum, transform))
    }

    /// A basis of modes (modes, cells) that fit.
    pub(super) fn of(
        shape: [usize; 2],
        modes: Array2<f64>,
        mean: Array1<f64>,
        spectrum: Spectrum,
        transform: Transform,
    ) -> Self {
        let offset = modes.dot(&mean).to_vec();
        Self { shape, modes, mean, offset, spectrum, transform, reference: None, standard: None }
    }

    /// The basis with a field that densities are shifted onto; `None` if it is of another shape.
    pub fn with_reference(mut self, field: Array2<f64>) -> Option<Self> {
        let fits = field.dim() == (self.shape[0], self.shape[1]);
        self.reference = Some(field);
        fits.then_some(self)
    }

    /// The basis with standardised latent states: all that it makes, and all that it takes.
    #[must_use]
    pub fn standardised(self, standard: Standard) -> Self {
        Self { standard: Some(standard), ..self }
    }

    /// What latent states are standardised by, if they are.
    pub fn standard(&self) -> Option<&Standard> {
        self.standard.as_ref()
    }

    /// Latent states (frames, modes) as they are without being standardised.
    pub fn plain<'s>(&self, states: ArrayView2<'s, f64>) -> CowArray<'s, f64, Ix2> {
        let Some(standard) = &self.standard else { return states.into() };
        let mut plain = states.to_owned();
        standard.undo(plain.view_mut());
        plain.into()
    }

    /// How many modes there are.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.modes.nrows()
    }

    /// Rows and columns of a frame.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The modes, (modes, cells), each of norm 1.
    pub fn modes(&self) -> ArrayView2<'_, f64> {
        self.modes.view()
    }

    /// The mean of the transformed frames.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The singular values.
    pub fn spectrum(&self) -> &Spectrum {
        &self.spectrum
    }

    /// What is done to a density before it is projected.
    pub fn transform(&self) -> Transform {
        self.transform
    }

    /// The field that densities are shifted onto.
    pub fn reference(&self) -> Option<ArrayView2<'_, f64>> {
        self.reference.as_ref().map(|field| field.view())
    }

    /// The latent states (frames, modes) of densities (frames, cells), which are not shifted.
    ///
    /// # Panics
    ///
    /// If they have another number of cells.
    pub fn project(&self, densities: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut frames = densities.as_standard_layout().into_owned();
        let mut states = Array2::zeros((frames.nrows(), self.len()));
        self.project_into(Isa::best(), frames.view_mut(), states.view_mut());
        states
    }

    /// Puts the latent states of densities (frames, cells) into `to` (frames, modes), and the transformed
    /// frames in place of the densities; by the kernels of one instruction set.
    ///
    /// # Panics
    ///
    /// If a shape does not fit, an array is not in rows, or this processor does not have it.
    pub fn project_into(
        &self,
        isa: Isa,
        mut densities: ArrayViewMut2<'_, f64>,
        mut to: ArrayViewMut2<'_, f64>,
    ) {
        for mut frame in densities.outer_iter_mut() {
            self.transform.apply(frame.as_slice_mut().expect("in rows"));
        }
        self.project_transformed(isa, densities.view(), to.view_mut());
        if let Some(standard) = &self.standard {
            standard.apply(to);
        }
    }

    /// The latent states of transformed frames, not standardised: x U less mean U, so that no mean is
    /// taken off a frame.
    pub(super) fn project_transformed(
        &self,
        isa: Isa,
        frames: ArrayView2<'_, f64>,
        to: ArrayViewMut2<'_, f64>,
    ) {
        kernel::project(isa, frames, self.modes.view(), &self.offset, to);
    }

    /// The transformed frames (frames, cells) of latent states (frames, modes).
    ///
    /// # Panics
    ///
    /// If a state has another number of components.
    pub fn lift(&self, states: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut frames = Array2::zeros((states.nrows(), self.mean.len()));
        self.lift_into(Isa::best(), states, frames.view_mut());
        frames
    }

    /// The densities (frames, cells) of latent states (frames, modes). A frame has lost its mean to
    /// [`Transform::Meansub`], and gets `level`; other transforms do not read it.
    ///
    /// # Panics
    ///
    /// Those of [`Basis::lift`].
    pub fn densities(&self, states: ArrayView2<'_, f64>, level: f64) -> Array2<f64> {
        let mut frames = Array2::zeros((states.nrows(), self.mean.len()));
        self.densities_into(Isa::best(), states, level, frames.view_mut());
        frames
    }

    /// Puts the densities of latent states (frames, modes) into `to` (frames, cells), by the kernels of
    /// one instruction set.
    ///
    /// # Panics
    ///
    /// If a shape does not fit, an array is not in rows, or this processor does not have it.
    pub fn densities_into(
        &self,
        isa: Isa,
        states: ArrayView2<'_, f64>,
        level: f64,
        mut to: ArrayViewMut2<'_, f64>,
    ) {
        self.lift_into(isa, states, to.view_mut());
        for mut frame in to.outer_iter_mut() {
            self.transform.undo(frame.as_slice_mut().expect("in rows"), level);
        }
    }

    fn lift_into(&self, isa: Isa, states: ArrayView2<'_, f64>, to: ArrayViewMut2<'_, f64>) {
        let plain = self.plain(states);
        let plain = plain.as_standard_layout();
        kernel::lift(isa, plain.view(), self.modes.view(), self.mean.view(), to);
    }
}
