//! The cases of this chapter: cells, forecast steps and a rollout.
//!
//! Work counts the matrix products, 8 h (inputs + h) operations per cell and 2 h d per head, and
//! as bytes the weights once, the window and the output, which is also what a step keeps at hand.

use ndarray::{Array1, Array2, ArrayView1};

use super::cell::{cell_scalar, head_scalar};
use super::cell_f32::{Buffers, Packed};
use super::net::{Layer, LayerNorm, Net, Parts, Scale};
use super::{Model, bound, fixtures};
use crate::case::{Case, Step, Work};
use crate::{close, input};

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    vec![
        cells(16),
        Case::new("lstm/forecast-d20-h64-l1-lag5/n1", PORTABLE, fixture_work(1), || {
            let model = fixtures::lorenz96();
            let (lag, d) = (model.lag(), model.net().d());
            let mut window = vec![0.0; lag * d];
            model.scale().apply(&rows(0, lag), &mut window);
            Forecasts::new(model.net().clone(), lag, window)
        }),
        forecasts(Size { d: 19, h: 64, layers: 2 }, 5, 1),
        Case::new("lstm/rollout-d20-h64-l1-lag5/n100", PORTABLE, fixture_work(100), || {
            Rollout::new(fixtures::lorenz96(), 100)
        }),
    ]
}

/// Forecasts by smaller and larger networks, and from longer windows.
pub fn scaling() -> Vec<Case> {
    vec![
        forecasts(Size { d: 20, h: 16, layers: 1 }, 5, 8),
        forecasts(Size { d: 20, h: 64, layers: 1 }, 20, 1),
        forecasts(Size { d: 20, h: 128, layers: 2 }, 20, 1),
    ]
}

/// Safe Rust that is compiled for whatever the build targets.
const PORTABLE: &str = "portable";

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

/// Work of the fixture's network, d 20, h 64, one layer, lag 5, in a rollout of `n` steps.
fn fixture_work(n: usize) -> Work {
    Size { d: 20, h: 64, layers: 1 }.work(5, n, 5)
}

/// `n` cells of the fixture's network, one after the other.
fn cells(n: usize) -> Case {
    let size = Size { d: 20, h: 64, layers: 1 };
    let flops = (n * size.cell_flops()) as u64;
    let bytes = (4 * (size.cell_weights() + n * (size.d + 2 * size.h))) as u64;
    let work = Work { units: n as u64, unit: "cell", flops, bytes, resident_bytes: bytes };
    Case::new(format!("lstm/cell-d20-h64-l1/n{n}"), PORTABLE, work, move || {
        let model = fixtures::lorenz96();
        let mut window = vec![0.0; n * size.d];
        model.scale().apply(&rows(0, n), &mut window);
        let packed = Packed::new(model.net());
        Cells { buffers: packed.buffers(n), net: model.net().clone(), packed, window }
    })
}

/// `n` forecast steps of a synthetic network, each from its own window.
fn forecasts(size: Size, lag: usize, n: usize) -> Case {
    let Size { d, h, layers } = size;
    let id = format!("lstm/forecast-d{d}-h{h}-l{layers}-lag{lag}/n{n}");
    Case::new(id, PORTABLE, size.work(lag, n, n * lag), move || {
        let net = synthetic((d * h * layers) as u64, size, true, true);
        Forecasts::new(net, lag, input::uniform(1, n * lag * d, -2.0, 2.0))
    })
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

/// Judges each cell, and the output `y` if there is one, from the states that the kernel left.
///
/// # Errors
///
/// Names the part that is outside its bound.
pub(super) fn judge(
    net: &Net,
    window: &[f32],
    buffers: &Buffers,
    y: Option<&[f32]>,
) -> Result<(), String> {
    let wide = |x: &[f32]| x.iter().copied().map(f64::from).collect::<Array1<f64>>();
    let near = |what: String, got: &[f32], want: Array1<f64>, bound: Array1<f64>| {
        close::within(&what, &wide(got).to_vec(), &want.to_vec(), &bound.to_vec())
    };
    let (lag, top) = (window.len() / net.d(), net.parts().layers.len() - 1);
    for (l, layer) in net.parts().layers.iter().enumerate() {
        for states in [buffers.hidden(l, 0), buffers.cell(l, 0)] {
            close::bits(&format!("start of layer {l}"), states, &vec![0.0; net.units()])?;
        }
        for t in 0..lag {
            let below = |l: usize| buffers.hidden(l - 1, t + 1);
            let x = wide(if l == 0 { &window[t * net.d()..][..net.d()] } else { below(l) });
            let (h, c) = (wide(buffers.hidden(l, t)), wide(buffers.cell(l, t)));
            let (next_h, next_c) = cell_scalar(layer, x.view(), h.view(), c.view());
            let (bound_h, bound_c) = bound::cell(layer, x.view(), h.view(), c.view());
            let what = |name| format!("{name} of layer {l} after row {t}");
            near(what("c"), buffers.cell(l, t + 1), next_c, bound_c)?;
            near(what("h"), buffers.hidden(l, t + 1), next_h, bound_h)?;
        }
    }
    let Some(y) = y else { return Ok(()) };
    let (h, last) = (wide(buffers.hidden(top, lag)), wide(&window[window.len() - net.d()..]));
    let (h, last): (ArrayView1<'_, f64>, ArrayView1<'_, f64>) = (h.view(), last.view());
    near("y".to_owned(), y, head_scalar(net, h, last), bound::head(net, h, last))
}

/// Cells without the head.
struct Cells {
    net: Net,
    packed: Packed,
    window: Vec<f32>,
    buffers: Buffers,
}

impl Step for Cells {
    fn run(&mut self) {
        self.packed.states(&self.window, &mut self.buffers);
    }

    fn spoil(&mut self) {
        self.buffers.clear();
    }

    fn digest(&self) -> u64 {
        let (layers, n) = (self.net.parts().layers.len(), self.window.len() / self.net.d());
        let row = |(l, t)| [self.buffers.hidden(l, t), self.buffers.cell(l, t)].concat();
        close::digest((0..layers).flat_map(|l| (0..=n).map(move |t| (l, t))).flat_map(row))
    }

    fn check(&self) -> Result<(), String> {
        judge(&self.net, &self.window, &self.buffers, None)
    }
}

/// Forecast steps, each from its own window.
struct Forecasts {
    net: Net,
    packed: Packed,
    lag: usize,
    /// Shape (n, lag, d).
    windows: Vec<f32>,
    buffers: Buffers,
    y: Vec<f32>,
}

impl Forecasts {
    fn new(net: Net, lag: usize, windows: Vec<f32>) -> Self {
        let packed = Packed::new(&net);
        let (buffers, y) = (packed.buffers(lag), vec![0.0; windows.len() / lag]);
        Self { net, packed, lag, windows, buffers, y }
    }
}

impl Step for Forecasts {
    fn run(&mut self) {
        let d = self.net.d();
        for (window, y) in self.windows.chunks_exact(self.lag * d).zip(self.y.chunks_exact_mut(d)) {
            self.packed.forecast(window, &mut self.buffers, y);
        }
    }

    fn spoil(&mut self) {
        self.y.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let d = self.net.d();
        let windows = self.windows.chunks_exact(self.lag * d);
        windows
            .zip(self.y.chunks_exact(d))
            .try_for_each(|(window, y)| judge_again(&self.net, &self.packed, window, y))
    }
}

/// Judges an output whose states are gone: the same window must give the same bits again.
fn judge_again(net: &Net, packed: &Packed, window: &[f32], y: &[f32]) -> Result<(), String> {
    let (mut buffers, mut again) = (packed.buffers(window.len() / net.d()), vec![0.0; y.len()]);
    packed.forecast(window, &mut buffers, &mut again);
    close::bits("y", y, &again)?;
    judge(net, window, &buffers, Some(y))
}

/// A forecast of many steps, in the units of the data.
struct Rollout {
    net: Net,
    packed: Packed,
    scale: Scale,
    window: Vec<f64>,
    x: Vec<f32>,
    buffers: Buffers,
    y: Vec<f64>,
}

impl Rollout {
    fn new(model: Model, n: usize) -> Self {
        let (lag, d, packed) = (model.lag(), model.net().d(), model.pack());
        Self {
            buffers: packed.buffers(lag),
            packed,
            scale: model.scale(),
            window: rows(0, lag),
            x: vec![0.0; (lag + n) * d],
            y: vec![0.0; n * d],
            net: model.net().clone(),
        }
    }
}

impl Step for Rollout {
    fn run(&mut self) {
        let Self { packed, scale, window, x, buffers, y, .. } = self;
        packed.forecast_scaled(scale, window, x, buffers, y);
    }

    fn spoil(&mut self) {
        self.y.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let (d, past) = (self.net.d(), self.window.len());
        let mut start = vec![0.0; past];
        self.scale.apply(&self.window, &mut start);
        close::bits("start", &self.x[..past], &start)?;
        for end in (past..self.x.len()).step_by(d) {
            let (before, after) = self.x.split_at(end);
            judge_again(&self.net, &self.packed, &before[end - past..], &after[..d])
                .map_err(|e| format!("step {}: {e}", (end - past) / d))?;
        }
        let mut restored = vec![0.0; self.y.len()];
        self.scale.undo(&self.x[past..], &mut restored);
        close::bits("output", &self.y, &restored)
    }
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

    #[test]
    fn a_rollout_with_one_wrong_bit_fails_its_check() {
        let mut step = Rollout::new(fixtures::lorenz96(), 10);
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        step.y[73] += 1e-9;
        assert!(step.check().is_err(), "output");
        step.run();
        step.x[5 * 20 + 73] += 1e-6;
        assert!(step.check().is_err(), "trajectory");
    }
}
