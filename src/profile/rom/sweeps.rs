//! Which sizes grow, and models of seeded weights that have them.

use ndarray::{Array1, Array2, Array3};

use crate::lstm::net::{Layer, LayerNorm, Net, Parts};
use crate::{input, lstm, mvar};

/// The sizes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) d: usize,
    pub(super) lag: usize,
    pub(super) h: usize,
    pub(super) layers: usize,
    pub(super) batch: usize,
}

const MVAR: Sizes = Sizes { d: 20, lag: 5, h: 0, layers: 0, batch: 1 };
const LSTM: Sizes = Sizes { d: 20, lag: 5, h: 64, layers: 1, batch: 1 };

/// One size of a kind of model that grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sweep {
    /// `MVAR` or `LSTM`.
    pub(super) model: &'static str,
    /// The name of the size.
    pub(super) size: &'static str,
    /// Its values.
    pub(super) values: &'static [usize],
    set: fn(&mut Sizes) -> &mut usize,
}

pub(super) const DIMENSIONS: &[usize] = &[5, 10, 20, 50, 100];
const LAGS: &[usize] = &[2, 5, 10, 20, 50];
const BATCHES: &[usize] = &[1, 8, 64, 512];

/// All sweeps.
pub(super) const SWEEPS: [Sweep; 8] = [
    Sweep { model: "MVAR", size: "d", values: DIMENSIONS, set: |sizes| &mut sizes.d },
    Sweep { model: "MVAR", size: "p", values: LAGS, set: |sizes| &mut sizes.lag },
    Sweep { model: "MVAR", size: "B", values: BATCHES, set: |sizes| &mut sizes.batch },
    Sweep { model: "LSTM", size: "d", values: DIMENSIONS, set: |sizes| &mut sizes.d },
    Sweep { model: "LSTM", size: "h", values: &[16, 32, 64, 128, 256], set: |sizes| &mut sizes.h },
    Sweep { model: "LSTM", size: "L", values: &[1, 2, 3, 4], set: |sizes| &mut sizes.layers },
    Sweep { model: "LSTM", size: "lag", values: LAGS, set: |sizes| &mut sizes.lag },
    Sweep { model: "LSTM", size: "B", values: BATCHES, set: |sizes| &mut sizes.batch },
];

impl Sweep {
    /// All sizes, of which the one that grows is at `value`.
    pub(super) fn sizes(&self, value: usize) -> Sizes {
        let mut sizes = if self.is_mvar() { MVAR } else { LSTM };
        *(self.set)(&mut sizes) = value;
        sizes
    }

    pub(super) fn is_mvar(&self) -> bool {
        self.model == "MVAR"
    }
}

/// A stable autoregression of seeded coefficients.
pub(super) fn mvar_of(Sizes { d, lag, .. }: Sizes) -> mvar::Model {
    let sigma = 0.5 / (lag * d) as f64;
    let a = Array3::from_shape_vec((lag, d, d), input::gaussian(1, lag * d * d, sigma));
    let model = mvar::Model::new(a.expect("as many as asked for"), Array1::from_elem(d, 0.1));
    model.expect("finite numbers of fitting shapes")
}

/// A network of seeded weights.
pub(super) fn lstm_of(Sizes { d, lag, h, layers, .. }: Sizes) -> lstm::Model {
    let limit = (h as f32).sqrt().recip();
    let mut seeds = 1..;
    let mut matrix = |rows: usize, columns: usize| {
        let seed = seeds.next().expect("seeds do not run out");
        let values = input::uniform(seed, rows * columns, -limit, limit);
        Array2::from_shape_vec((rows, columns), values).expect("as many as asked for")
    };
    let mut layer = |nth: usize| Layer {
        w_ih: matrix(4 * h, if nth == 0 { d } else { h }),
        w_hh: matrix(4 * h, h),
        b_ih: matrix(1, 4 * h).row(0).to_owned(),
        b_hh: matrix(1, 4 * h).row(0).to_owned(),
    };
    let layers = (0..layers).map(&mut layer).collect();
    let norm = LayerNorm { weight: Array1::ones(h), bias: Array1::zeros(h) };
    let (out_w, out_b) = (matrix(d, h), matrix(1, d).row(0).to_owned());
    let parts = Parts { layers, norm: Some(norm), out_w, out_b, residual: false };
    let net = Net::new(parts).expect("parts of fitting shapes");
    lstm::Model::new(net, lag, None).expect("a lag in its range")
}
