//! The steps that are timed, and how each output is judged.

use ndarray::{Array1, ArrayView1};

use crate::case::Step;
use crate::close;
use crate::lstm::cell::{cell_scalar, head_scalar};
use crate::lstm::net::{Net, Scale};
use crate::lstm::packed::{Buffers, Flight, Packed};
use crate::lstm::{Model, bound};
use crate::machine::isa::Isa;

/// Judges each cell, and the output `y` if there is one, from the states that the kernel left.
///
/// # Errors
///
/// Names the part that is outside its bound.
pub(crate) fn judge(
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
pub(super) struct Cells {
    pub(super) net: Net,
    pub(super) packed: Packed,
    pub(super) window: Vec<f32>,
    pub(super) buffers: Buffers,
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
pub(super) struct Forecasts {
    net: Net,
    packed: Packed,
    lag: usize,
    /// Shape (n, lag, d).
    windows: Vec<f32>,
    buffers: Buffers,
    y: Vec<f32>,
}

impl Forecasts {
    pub(super) fn new(net: Net, lag: usize, windows: Vec<f32>, isa: Isa) -> Self {
        let packed = Packed::with_isa(&net, isa);
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

/// The same forecast steps, side by side.
pub(super) struct Batch(pub(super) Forecasts);

impl Step for Batch {
    fn run(&mut self) {
        let Forecasts { packed, windows, buffers, y, .. } = &mut self.0;
        packed.batch(windows, buffers, y);
    }

    fn spoil(&mut self) {
        self.0.spoil();
    }

    fn digest(&self) -> u64 {
        self.0.digest()
    }

    fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

/// A rollout in normalised states.
pub(super) struct Trajectory {
    net: Net,
    packed: Packed,
    start: Vec<f32>,
    x: Vec<f32>,
    flight: Flight,
}

impl Trajectory {
    pub(super) fn new(net: Net, start: Vec<f32>, n: usize, isa: Isa) -> Self {
        let packed = Packed::with_isa(&net, isa);
        let (lag, x) = (start.len() / net.d(), vec![0.0; start.len() + n * net.d()]);
        Self { flight: packed.flight(lag), net, packed, start, x }
    }
}

impl Step for Trajectory {
    fn run(&mut self) {
        self.x[..self.start.len()].copy_from_slice(&self.start);
        self.packed.rollout(&mut self.x, &mut self.flight);
    }

    fn spoil(&mut self) {
        self.x.fill(f32::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.x.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        close::bits("start", &self.x[..self.start.len()], &self.start)?;
        judge_rows(&self.net, &self.packed, &self.x, self.start.len())
    }
}

/// Requires each row of a trajectory to follow from the `past` numbers before it.
fn judge_rows(net: &Net, packed: &Packed, x: &[f32], past: usize) -> Result<(), String> {
    for end in (past..x.len()).step_by(net.d()) {
        let (before, after) = x.split_at(end);
        judge_again(net, packed, &before[end - past..], &after[..net.d()])
            .map_err(|e| format!("step {}: {e}", (end - past) / net.d()))?;
    }
    Ok(())
}

/// Judges an output whose states are gone: the same window must give the same bits again.
fn judge_again(net: &Net, packed: &Packed, window: &[f32], y: &[f32]) -> Result<(), String> {
    let (mut buffers, mut again) = (packed.buffers(window.len() / net.d()), vec![0.0; y.len()]);
    packed.forecast(window, &mut buffers, &mut again);
    close::bits("y", y, &again)?;
    judge(net, window, &buffers, Some(y))
}

/// A forecast of many steps, in the units of the data.
pub(super) struct Rollout {
    net: Net,
    packed: Packed,
    scale: Scale,
    window: Vec<f64>,
    x: Vec<f32>,
    flight: Flight,
    y: Vec<f64>,
}

impl Rollout {
    pub(super) fn new(model: Model, n: usize, isa: Isa) -> Self {
        let (lag, d, packed) = (model.lag(), model.net().d(), Packed::with_isa(model.net(), isa));
        Self {
            flight: packed.flight(lag),
            packed,
            scale: model.scale(),
            window: super::rows(0, lag),
            x: vec![0.0; (lag + n) * d],
            y: vec![0.0; n * d],
            net: model.net().clone(),
        }
    }
}

impl Step for Rollout {
    fn run(&mut self) {
        let Self { packed, scale, window, x, flight, y, .. } = self;
        packed.forecast_scaled(scale, window, x, flight, y);
    }

    fn spoil(&mut self) {
        self.y.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        close::digest(self.y.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let past = self.window.len();
        let mut start = vec![0.0; past];
        self.scale.apply(&self.window, &mut start);
        close::bits("start", &self.x[..past], &start)?;
        judge_rows(&self.net, &self.packed, &self.x, past)?;
        let mut restored = vec![0.0; self.y.len()];
        self.scale.undo(&self.x[past..], &mut restored);
        close::bits("output", &self.y, &restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lstm::fixtures;

    #[test]
    fn a_rollout_with_one_wrong_bit_fails_its_check() {
        let mut step = Rollout::new(fixtures::lorenz96(), 10, Isa::best());
        step.run();
        assert_eq!(step.check(), Ok(()), "right");
        step.y[73] += 1e-9;
        assert!(step.check().is_err(), "output");
        step.run();
        step.x[5 * 20 + 73] += 1e-6;
        assert!(step.check().is_err(), "trajectory");
    }
}
