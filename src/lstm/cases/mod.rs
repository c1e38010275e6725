//! The cases of this chapter: cells, forecast steps, rollouts, batches and training.
//!
//! Work counts the matrix products, 8 h (inputs + h) operations per cell and 2 h d per head, as a
//! forecast of its own has them, and as bytes the weights once, the windows and the outputs, which is
//! also what a step keeps at hand.

use ndarray::Array2;

use super::fixtures;
use super::net::{Layer, LayerNorm, Net, Parts};
use super::packed::Packed;
use crate::case::{Case, Step, Work};
use crate::input;
use crate::machine::isa::Isa;
#[cfg(test)]
pub(super) use steps::judge;
use steps::{Batch, Cells, Forecasts, Rollout, Trajectory};

mod steps;
mod train;

/// The documented example, and the network of most runs.
const SMALL: Size = Size { d: 20, h: 64, layers: 1 };
const CANONICAL: Size = Size { d: 19, h: 64, layers: 2 };
const LARGE: Size = Size { d: 20, h: 128, layers: 2 };

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    vec![
        cells(16),
        fixture_forecast(None),
        forecasts(CANONICAL, 5, 1, None),
        fixture_rollout(None),
        trajectory(CANONICAL, 5, 100, None),
        batch(CANONICAL, 5, 64, None),
        train::step(512, None),
    ]
}

/// Smaller and larger networks, longer windows, larger batches, and AVX2 and plain code by
/// themselves.
pub fn scaling() -> Vec<Case> {
    let mut cases = vec![
        forecasts(Size { d: 20, h: 16, layers: 1 }, 5, 8, None),
        forecasts(Size { d: 20, h: 64, layers: 1 }, 20, 1, None),
        forecasts(LARGE, 20, 1, None),
        trajectory(LARGE, 20, 100, None),
        batch(CANONICAL, 5, 512, None),
        fixture_forecast(Some(Isa::Scalar)),
        fixture_rollout(Some(Isa::Scalar)),
        batch(CANONICAL, 5, 64, Some(Isa::Scalar)),
        train::step(32, None),
        train::epoch(32),
        train::epoch(512),
    ];
    let twin = Some(Isa::Avx2);
    if Isa::Avx2.is_available() {
        cases.extend([
            fixture_forecast(twin),
            forecasts(CANONICAL, 5, 1, twin),
            forecasts(LARGE, 20, 1, twin),
            fixture_rollout(twin),
            trajectory(CANONICAL, 5, 100, twin),
            trajectory(LARGE, 20, 100, twin),
            batch(CANONICAL, 5, 64, twin),
            batch(CANONICAL, 5, 512, twin),
            train::step(512, twin),
        ]);
    }
    cases
}

/// The size of a network: components, units in a layer, layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) d: usize,
    pub(super) h: usize,
    pub(super) layers: usize,
}

impl Size {
    /// Operations of one cell in every layer.
    fn cell_flops(self) -> usize {
        let Self { d, h, layers } = self;
        8 * h * (d + h) + (layers - 1) * 8 * h * 2 * h
    }

    fn cell_weights(self) -> usize {
        self.cell_flops() / 2 + self.layers * 4 * self.h
    }

    /// Forecast steps: `n` outputs from windows that hold `states` states.
    fn work(self, lag: usize, n: usize, states: usize) -> Work {
        let Self { d, h, .. } = self;
        let flops = n * (lag * self.cell_flops() + 2 * h * d);
        let bytes = 4 * (self.cell_weights() + h * d + d + (states + n) * d);
        let (flops, bytes) = (flops as u64, bytes as u64);
        Work { units: n as u64, unit: "step", flops, bytes, resident_bytes: bytes }
    }
}

/// An id of a network's kernel; one of a single instruction set says so.
fn id(kernel: &str, size: Size, lag: usize, n: usize, isa: Option<Isa>) -> String {
    let Size { d, h, layers } = size;
    let single = isa.map(|isa| format!("-{}", isa.name())).unwrap_or_default();
    format!("lstm/{kernel}{single}-d{d}-h{h}-l{layers}-lag{lag}/n{n}")
}

/// A case of a kernel; `step` makes it for an instruction set: `isa`, or the best.
fn case<S: Step + 'static>(
    id: String,
    work: Work,
    isa: Option<Isa>,
    step: impl Fn(Isa) -> S + 'static,
) -> Case {
    let isa = isa.unwrap_or_else(Isa::best);
    Case::new(id, isa.vectorised_name(), work, move || step(isa))
}

/// `n` cells of the fixture's network, one after the other.
fn cells(n: usize) -> Case {
    let size = SMALL;
    let flops = (n * size.cell_flops()) as u64;
    let bytes = (4 * (size.cell_weights() + n * (size.d + 2 * size.h))) as u64;
    let work = Work { units: n as u64, unit: "cell", flops, bytes, resident_bytes: bytes };
    Case::new(
        format!("lstm/cell-d20-h64-l1/n{n}"),
        Isa::best().vectorised_name(),
        work,
        move || {
            let model = fixtures::lorenz96();
            let mut window = vec![0.0; n * size.d];
            model.scale().apply(&rows(0, n), &mut window);
            let packed = Packed::new(model.net());
            Cells { buffers: packed.buffers(n), net: model.net().clone(), packed, window }
        },
    )
}

/// A forecast step of the fixture's network.
fn fixture_forecast(isa: Option<Isa>) -> Case {
    case(id("forecast", SMALL, 5, 1, isa), SMALL.work(5, 1, 5), isa, |isa| {
        let model = fixtures::lorenz96();
        let mut window = vec![0.0; model.lag() * model.net().d()];
        model.scale().apply(&rows(0, model.lag()), &mut window);
        Forecasts::new(model.net().clone(), model.lag(), window, isa)
    })
}

/// A rollout of the fixture's network, in the units of the data.
fn fixture_rollout(isa: Option<Isa>) -> Case {
    case(id("rollout", SMALL, 5, 100, isa), SMALL.work(5, 100, 105), isa, |isa| {
        Rollout::new(fixtures::lorenz96(), 100, isa)
    })
}

/// `n` forecast steps of a synthetic network, each from its own window.
fn forecasts(size: Size, lag: usize, n: usize, isa: Option<Isa>) -> Case {
    case(id("forecast", size, lag, n, isa), size.work(lag, n, n * lag), isa, move |isa| {
        Forecasts::new(net_of(size), lag, windows(size, lag, n), isa)
    })
}

/// The same steps, side by side.
fn batch(size: Size, lag: usize, n: usize, isa: Option<Isa>) -> Case {
    case(id("batch", size, lag, n, isa), size.work(lag, n, n * lag), isa, move |isa| {
        Batch(Forecasts::new(net_of(size), lag, windows(size, lag, n), isa))
    })
}

/// A rollout of `n` steps of a synthetic network, in normalised states.
fn trajectory(size: Size, lag: usize, n: usize, isa: Option<Isa>) -> Case {
    case(id("rollout", size, lag, n, isa), size.work(lag, n, lag + n), isa, move |isa| {
        Trajectory::new(net_of(size), windows(size, lag, 1), n, isa)
    })
}

/// `n` windows of normalised states.
fn windows(size: Size, lag: usize, n: usize) -> Vec<f32> {
    input::uniform(1, n * lag * size.d, -2.0, 2.0)
}

/// A synthetic network with all that a network can have.
fn net_of(size: Size) -> Net {
    synthetic((size.d * size.h * size.layers) as u64, size, true, true)
}

/// `n` held-out states of the fixtures, from row `first` on, flat.
fn rows(first: usize, n: usize) -> Vec<f64> {
    let states = fixtures::states();
    states.outer_iter().skip(first).take(n).flatten().copied().collect()
}

/// A network with weights uniform in +-1/sqrt(h), as `PyTorch` starts one.
pub(super) fn synthetic(seed: u64, size: Size, norm: bool, residual: bool) -> Net {
    let Size { d, h, layers } = size;
    let limit = (h as f32).sqrt().recip();
    let mut seeds = seed * 1000..;
    let mut matrix = |rows: usize, columns: usize| {
        let seed = seeds.next().expect("seeds do not run out");
        let values = input::uniform(seed, rows * columns, -limit, limit);
        Array2::from_shape_vec((rows, columns), values).expect("as many values as asked for")
    };
    let mut layer = |l: usize| Layer {
        w_ih: matrix(4 * h, if l == 0 { d } else { h }),
        w_hh: matrix(4 * h, h),
        b_ih: matrix(1, 4 * h).row(0).to_owned(),
        b_hh: matrix(1, 4 * h).row(0).to_owned(),
    };
    let layers = (0..layers).map(&mut layer).collect();
    let norm = norm.then(|| LayerNorm {
        weight: 1.0 + matrix(1, h).row(0).to_owned(),
        bias: matrix(1, h).row(0).to_owned(),
    });
    let (out_w, out_b) = (matrix(d, h), matrix(1, d).row(0).to_owned());
    Net::new(Parts { layers, norm, out_w, out_b, residual }).expect("shapes that fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_has_the_size_that_its_cases_name() {
        let model = fixtures::lorenz96();
        let sizes = [model.net().d(), model.net().units(), model.net().parts().layers.len()];
        assert_eq!((sizes, model.lag()), ([20, 64, 1], 5), "d, h, layers and lag");
    }
}
