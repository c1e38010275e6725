//! Scratch space of the kernels.

use crate::machine::aligned::Aligned;

/// States of some windows in every layer, in padded rows.
#[derive(Debug, Clone)]
pub(super) struct States {
    /// Hidden states before.
    pub(super) old: Aligned<f32>,
    /// Hidden states after.
    pub(super) new: Aligned<f32>,
    /// Cell states.
    pub(super) c: Aligned<f32>,
}

impl States {
    fn zeros(len: usize) -> Self {
        Self { old: Aligned::zeros(len), new: Aligned::zeros(len), c: Aligned::zeros(len) }
    }
}

/// Hidden and cell states of every layer after every row of a window, and room for those of a batch.
#[derive(Debug, Clone)]
pub struct Buffers {
    pub(super) lag: usize,
    units: usize,
    padded: usize,
    /// Both of shape (layers, lag + 1, padded); the first row of each layer stays zero.
    pub(super) h: Aligned<f32>,
    pub(super) c: Aligned<f32>,
    /// Gates as far as the inputs make them, shape (lag, 4 padded).
    pub(super) gates: Aligned<f32>,
    /// The normalised hidden state, shape (h).
    pub(super) z: Vec<f32>,
    /// Of shape (layers, windows, padded).
    pub(super) many: States,
}

impl Buffers {
    /// Windows of a batch that are computed side by side.
    pub(super) const MANY: usize = 64;

    pub(super) fn zeros(lag: usize, layers: usize, units: usize, padded: usize) -> Self {
        Self {
            lag,
            units,
            padded,
            h: Aligned::zeros(layers * (lag + 1) * padded),
            c: Aligned::zeros(layers * (lag + 1) * padded),
            gates: Aligned::zeros(lag * 4 * padded),
            z: vec![0.0; units],
            many: States::zeros(layers * Self::MANY * padded),
        }
    }

    /// Whether they are of a network of this size.
    pub(super) fn fit(&self, layers: usize, units: usize, padded: usize) -> bool {
        let len = layers * (self.lag + 1) * padded;
        (self.units, self.padded, self.h.len()) == (units, padded, len)
    }

    /// The hidden state (h) of a layer before row `t` of the window; `t` = lag is the last.
    ///
    /// # Panics
    ///
    /// If there is no such layer or row.
    pub fn hidden(&self, layer: usize, t: usize) -> &[f32] {
        self.row(&self.h, layer, t)
    }

    /// The cell state (h) of a layer before row `t` of the window.
    ///
    /// # Panics
    ///
    /// If there is no such layer or row.
    pub fn cell(&self, layer: usize, t: usize) -> &[f32] {
        self.row(&self.c, layer, t)
    }

    /// Zeroes all states.
    pub fn clear(&mut self) {
        [&mut self.h, &mut self.c].into_iter().for_each(|states| states.fill(0.0));
    }

    fn row<'a>(&self, states: &'a [f32], layer: usize, t: usize) -> &'a [f32] {
        assert!(t <= self.lag, "the window has no such row");
        &states[(layer * (self.lag + 1) + t) * self.padded..][..self.units]
    }
}

/// The windows that hold the newest state, each as far as that state takes it.
#[derive(Debug, Clone)]
pub struct Flight {
    pub(super) lag: usize,
    /// States that were taken.
    pub(super) seen: usize,
    /// Of shape (layers, lag, padded), the youngest window first.
    pub(super) states: States,
    /// Gates as far as the newest state makes them, shape (4 padded).
    pub(super) gates: Aligned<f32>,
    /// The normalised hidden state, shape (h).
    pub(super) z: Vec<f32>,
}

impl Flight {
    pub(super) fn zeros(lag: usize, layers: usize, units: usize, padded: usize) -> Self {
        Self {
            lag,
            seen: 0,
            states: States::zeros(layers * lag * padded),
            gates: Aligned::zeros(4 * padded),
            z: vec![0.0; units],
        }
    }

    /// Whether they are of a network of this size.
    pub(super) fn fit(&self, layers: usize, units: usize, padded: usize) -> bool {
        let sizes = (self.z.len(), self.gates.len(), self.states.c.len());
        sizes == (units, 4 * padded, layers * self.lag * padded)
    }
}
