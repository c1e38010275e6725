//! Training: one step of Adam on a batch, and one epoch.

use std::ops::ControlFlow;

use super::{Size, id};
use crate::case::{Case, Step, Work};
use crate::close;
use crate::input;
use crate::lstm::packed::Packed;
use crate::lstm::train::{
    Adam, Batch, Config, Epoch, Generator, Real, Session, Shape, Tape, Windows, clip, loss,
};
use crate::machine::isa::Isa;

/// Size and lag of the network that is trained; an epoch trains on 8,000 of 10,000 windows.
const SIZE: Size = Size { d: 20, h: 64, layers: 2 };
const LAG: usize = 5;
const WINDOWS: usize = 10_000;
const CLIP: f64 = 5.0;
const RATE: f64 = 1e-3;
const DECAY: f64 = 1e-5;

/// Forward and back is three times the work of forward, but for the inputs of the first layer, by
/// which there is no derivative.
fn work(forwards: usize, steps: usize, unit: &'static str, units: u64) -> Work {
    let Size { d, h, .. } = SIZE;
    let forward = LAG * SIZE.cell_flops() + 2 * h * d;
    let back = 2 * forward - LAG * 8 * h * d;
    let parameters = 4 * shape().len();
    let (flops, numbers) = (forwards * forward + steps * back, (forwards + steps) * (LAG + 1) * d);
    let (flops, bytes) = (flops as u64, (7 * parameters + 4 * numbers) as u64);
    Work { units, unit, flops, bytes, resident_bytes: bytes }
}

fn shape() -> Shape {
    let Size { d, h, layers } = SIZE;
    Shape { d, units: h, layers, norm: true, residual: false }
}

/// One step of Adam on a batch of `n` windows.
pub(super) fn step(n: usize, isa: Option<Isa>) -> Case {
    let work = work(n, n, "window", n as u64);
    super::case(id("train-step", SIZE, LAG, n, isa), work, isa, move |isa| Descent::new(n, isa))
}

/// One epoch of 10,000 windows in batches of `n`.
pub(super) fn epoch(n: usize) -> Case {
    let (train, isa) = (WINDOWS * 4 / 5, Isa::best());
    let work = work(WINDOWS, train, "window", WINDOWS as u64);
    super::case(id("train-epoch", SIZE, LAG, n, None), work, None, move |_| Pass::new(n, isa))
}

/// The start of every step: parameters and a batch.
fn start(n: usize) -> (Vec<f32>, Batch<f32>) {
    let mut generator = Generator::new(1);
    let mut draw = |n: usize, most: f64| -> Vec<f32> {
        (0..n).map(|_| f32::from_f64(most * (2.0 * generator.unit() - 1.0))).collect()
    };
    let parameters = draw(shape().len(), 0.125);
    let y = vec![draw(n * SIZE.d, 2.0)];
    (parameters, Batch { x: draw(n * LAG * SIZE.d, 2.0), y, spare: Vec::new() })
}

struct Descent {
    tape: Tape<f32>,
    first: Vec<f32>,
    parameters: Vec<f32>,
    adam: Adam<f32>,
    batch: Batch<f32>,
    gradient: Vec<f32>,
    isa: Isa,
    loss: f64,
}

impl Descent {
    fn new(n: usize, isa: Isa) -> Self {
        let (first, batch) = start(n);
        Self {
            tape: Tape::cached(shape(), LAG, isa),
            parameters: first.clone(),
            adam: Adam::new(first.len()),
            gradient: vec![0.0; first.len()],
            first,
            batch,
            isa,
            loss: 0.0,
        }
    }
}

impl Step for Descent {
    fn run(&mut self) {
        self.parameters.copy_from_slice(&self.first);
        self.adam.clear();
        self.gradient.fill(0.0);
        let to = Some(&mut *self.gradient);
        [self.loss, _] = loss(&mut self.tape, &self.parameters, &mut self.batch, None, None, to);
        clip(&mut self.gradient, CLIP);
        self.adam.step(self.isa, &mut self.parameters, &self.gradient, RATE, DECAY);
    }

    fn spoil(&mut self) {
        self.parameters.fill(f32::NAN);
        self.gradient.fill(f32::NAN);
        self.loss = f64::NAN;
    }

    fn digest(&self) -> u64 {
        close::digest(self.parameters.iter().chain(&self.gradient).copied())
    }

    /// The gradient is compared with that in f64. A number of it is a sum of n lag products, each a
    /// chain of at most 3 lag layers factors that carry a few units of rounding: within 1e-4 of the
    /// largest of its tensor. What Adam makes of that gradient is compared by itself.
    fn check(&self) -> Result<(), String> {
        let wide = |of: &[f32]| of.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        let (n, first) = (self.batch.x.len() / (LAG * SIZE.d), wide(&self.first));
        let (x, y) = (wide(&self.batch.x), vec![wide(&self.batch.y[0])]);
        let mut batch = Batch { x, y, spare: Vec::new() };
        let (mut tape, mut want) = (Tape::new(shape(), LAG, n), vec![0.0; first.len()]);
        let [loss, _] = loss(&mut tape, &first, &mut batch, None, None, Some(&mut want));
        close::within("loss", &[self.loss], &[loss], &[1e-5 * loss])?;
        clip(&mut want, CLIP);
        let found = wide(&self.gradient);
        for tensor in shape().tensors() {
            let (found, want) = (&found[tensor.range.clone()], &want[tensor.range]);
            let most = want.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            close::within(&tensor.name, found, want, &vec![1e-4 * most; want.len()])?;
        }
        let mut want = first;
        Adam::new(want.len()).step(self.isa, &mut want, &found, RATE, DECAY);
        // A step is at most the rate, and rounds like the numbers around 1 that it is made of.
        let found = wide(&self.parameters);
        close::within("parameters", &found, &want, &vec![1e-6; want.len()])
    }
}

struct Pass {
    windows: Windows,
    session: Session,
    epoch: Option<Epoch>,
}

impl Pass {
    fn new(n: usize, isa: Isa) -> Self {
        let x = input::gaussian(1, (WINDOWS + LAG) * SIZE.d, 1.0);
        let run = ndarray::Array2::from_shape_vec((WINDOWS + LAG, SIZE.d), x);
        let run = run.expect("whole states");
        let windows = Windows::from_runs(&[run.view()], LAG, 1).expect("finite numbers");
        let mut config = Config::new(SIZE.h, SIZE.layers, RATE, 1, 1);
        config.batch_size = n;
        let session = Session::with_isa(&config, &windows, isa).expect("options of their domain");
        Self { windows, session, epoch: None }
    }
}

impl Step for Pass {
    fn run(&mut self) {
        self.session.restart();
        self.epoch = Some(self.session.epoch(|_| ControlFlow::Continue(())));
    }

    fn spoil(&mut self) {
        self.session.restart();
        self.epoch = None;
    }

    fn digest(&self) -> u64 {
        close::digest(self.session.parameters().iter().copied())
    }

    /// The loss of the validation windows must be that of forecasts by the trained network. Steps
    /// are judged by their own case.
    fn check(&self) -> Result<(), String> {
        if self.epoch != Some(Epoch::Done) {
            return Err(format!("the epoch ended with {:?}", self.epoch));
        }
        let net = self.session.shape().net(self.session.parameters());
        let packed = Packed::new(&net.map_err(|misfit| format!("{misfit:?}"))?);
        let (mut buffers, mut found) = (packed.buffers(LAG), vec![0.0; SIZE.d]);
        let scale = self.session.scale();
        let (mut sum, samples) = (0.0, self.session.validation());
        for &sample in samples {
            let narrow = |of: ndarray::ArrayView3<'_, f64>| {
                let states: Vec<_> =
                    of.index_axis(ndarray::Axis(0), sample).iter().copied().collect();
                let mut to = vec![0.0; states.len()];
                scale.apply(&states, &mut to);
                to
            };
            packed.forecast(&narrow(self.windows.x()), &mut buffers, &mut found);
            let want = narrow(self.windows.y());
            sum += found.iter().zip(&want).map(|(f, w)| f64::from(f - w).powi(2)).sum::<f64>();
        }
        let want = sum / (samples.len() * SIZE.d) as f64;
        let found = self.session.log().last().map_or(f64::NAN, |losses| losses.validation);
        close::within("validation loss", &[found], &[want], &[1e-5 * want])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_with_one_wrong_number_fails_its_check() {
        for isa in Isa::available() {
            let mut step = Descent::new(6, isa);
            step.run();
            assert_eq!(step.check(), Ok(()), "right by {}", isa.name());
            step.parameters[7] += 1e-5;
            assert!(step.check().is_err(), "a parameter");
            step.run();
            let most = step.gradient.iter().fold(0.0, |most: f32, g| most.max(g.abs()));
            step.gradient[9] += 1e-3 * most;
            assert!(step.check().is_err(), "a number of the gradient");
        }
    }
}
