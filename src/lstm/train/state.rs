//! All that changes from epoch to epoch, and one epoch.

use std::ops::ControlFlow;

use super::adam::{Adam, Plateau, clip};
use super::config::Config;
use super::generator::Generator;
use super::loss::{Batch, loss};
use super::pass::{Tape, count};
use super::sampling::sample;
use super::shape::Shape;
use super::trained::Losses;
use super::windows::Data;
use crate::machine::aligned::Aligned;

/// All that changes from epoch to epoch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) parameters: Vec<f32>,
    pub(super) best: Vec<f32>,
    pub(super) adam: Adam<f32>,
    pub(super) plateau: Plateau,
    pub(super) rate: f64,
    pub(super) val_loss: f64,
    /// Epochs since the best.
    pub(super) waited: usize,
    pub(super) generator: Generator,
    pub(super) log: Vec<Losses>,
    pub(super) seconds: f64,
}

/// Memory that every batch uses again.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) tape: Tape<f32>,
    pub(super) gradient: Aligned<f32>,
    pub(super) batch: Batch<f32>,
}

/// How an epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// Its losses are in the log.
    Done,
    /// A loss was not finite; the best weights and the log are as they were.
    Diverged,
    /// The caller stopped it before this batch.
    Stopped(usize),
}

impl State {
    /// Weights uniform within one over the root of the units, as `PyTorch` starts them.
    pub(super) fn new(shape: &Shape, config: &Config) -> Self {
        let mut generator = Generator::new(config.seed);
        let bound = 1.0 / count(shape.units).sqrt();
        let mut parameters = Vec::with_capacity(shape.len());
        for tensor in shape.tensors() {
            parameters.extend(tensor.range.map(|_| match &*tensor.name {
                "layer_norm.weight" => 1.0,
                "layer_norm.bias" => 0.0,
                #[expect(clippy::cast_possible_truncation, reason = "the network works in f32")]
                _ => (bound * (2.0 * generator.unit() - 1.0)) as f32,
            }));
        }
        Self {
            best: parameters.clone(),
            adam: Adam::new(parameters.len()),
            parameters,
            plateau: Plateau::default(),
            rate: config.learning_rate,
            val_loss: f64::INFINITY,
            waited: 0,
            generator,
            log: Vec::new(),
            seconds: 0.0,
        }
    }

    /// One pass over all training windows, and the loss of the others. `goes_on` is asked before
    /// each batch.
    pub(super) fn epoch(
        &mut self,
        data: &Data,
        config: &Config,
        room: &mut Room,
        mut goes_on: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Epoch {
        let mut order = self.generator.permutation(data.train.len());
        order.iter_mut().for_each(|at| *at = data.train[*at]);
        let epoch = self.log.len();
        let sampled = config.scheduled_sampling.map_or(0.0, |sampling| sampling.rate(epoch));
        let mut train = 0.0;
        for (at, samples) in order.chunks(config.batch_size).enumerate() {
            if goes_on(at).is_break() {
                return Epoch::Stopped(at);
            }
            data.gather(samples, &mut room.batch);
            let Some(first) = self.step(config, room, sampled) else { return Epoch::Diverged };
            train += first * count(samples.len()) / count(order.len());
        }
        data.gather(&data.validation, &mut room.batch);
        let (tape, multistep) = (&mut room.tape, config.multistep);
        let [validation, _] = loss(tape, &self.parameters, &mut room.batch, multistep, None, None);
        if !validation.is_finite() || self.parameters.iter().any(|weight| !weight.is_finite()) {
            return Epoch::Diverged;
        }
        self.rate = self.plateau.next(validation, self.rate);
        self.waited += 1;
        if validation < self.val_loss {
            (self.val_loss, self.waited) = (validation, 0);
            self.best.copy_from_slice(&self.parameters);
        }
        self.log.push(Losses { train, validation });
        Epoch::Done
    }

    /// One step of Adam on the batch in `room`; the loss of the next state before it, unless it
    /// diverges.
    pub(super) fn step(&mut self, config: &Config, room: &mut Room, sampled: f64) -> Option<f64> {
        let Room { tape, gradient, batch } = room;
        let dropout = (config.dropout > 0.0).then_some(config.dropout);
        if sampled > 0.0 {
            sample(tape, &self.parameters, batch, sampled, dropout, &mut self.generator);
        }
        gradient.fill(0.0);
        let dropout = dropout.map(|rate| (rate, &mut self.generator));
        let (multistep, to) = (config.multistep, Some(&mut **gradient));
        let [total, first] = loss(tape, &self.parameters, batch, multistep, dropout, to);
        let limit = if config.gradient_clip > 0.0 { config.gradient_clip } else { f64::INFINITY };
        let norm = clip(gradient, limit);
        if !(total.is_finite() && norm.is_finite()) {
            return None;
        }
        let (isa, decay) = (tape.isa(), config.weight_decay);
        self.adam.step(isa, &mut self.parameters, gradient, self.rate, decay);
        Some(first)
    }
}
