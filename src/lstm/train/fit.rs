//! Epochs from windows to a trained model.
//!
//! All runs on one thread, so that a seed decides every bit. A training that finds its checkpoint
//! goes on from there, and ends with the bits of one that was never stopped.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::{self, Checkpoint};
use super::config::Config;
use super::error::Error;
use super::loss::Batch;
use super::pass::Tape;
use super::shape::Shape;
use super::state::{Epoch, Room, State};
use super::trained::{Ending, Losses, Trained};
use super::windows::{Data, Windows};
use crate::lstm::model::{Model, Training};
use crate::machine::isa::Isa;

/// Where a training stands, before each batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The most epochs.
    pub epochs: usize,
    /// The batch, from 0.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Losses of the last epoch that is done.
    pub losses: Option<Losses>,
    /// The least loss of the validation windows so far; infinite before the first.
    pub best: f64,
}

/// Trains a network on windows. `progress` is told before each batch where training stands, and may
/// stop it, which leaves the checkpoint as it was.
///
/// # Errors
///
/// If options or data are unfit, the first epoch diverges, `progress` stops it, or the checkpoint is
/// of another training or cannot be read or written.
pub fn fit(
    config: &Config,
    windows: &Windows,
    checkpoint: Option<&Checkpoint>,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, Error> {
    config.check()?;
    let data = Data::new(windows, config)?;
    let shape = shape(&data, config);
    let mut state = match checkpoint {
        Some(Checkpoint { file, .. }) if file.exists() => {
            checkpoint::load(file, config, data.digest(), shape.len())?
        }
        _ => State::new(&shape, config),
    };
    let mut room = Room::new(shape, data.lag, Isa::best());
    let (before, start) = (state.seconds, Instant::now());
    let mut saved = None;
    let ending = loop {
        if state.waited >= config.patience {
            break Ending::Patience;
        }
        if state.log.len() >= config.max_epochs {
            break Ending::Epochs;
        }
        let mut now = Progress {
            epoch: state.log.len(),
            epochs: config.max_epochs,
            batch: 0,
            batches: data.train.len().div_ceil(config.batch_size),
            losses: state.log.last().copied(),
            best: state.val_loss,
        };
        let goes_on = |batch| {
            now.batch = batch;
            progress(now)
        };
        match state.epoch(&data, config, &mut room, goes_on) {
            Epoch::Done => {}
            Epoch::Diverged => break Ending::Diverged,
            Epoch::Stopped(batch) => {
                return Err(Error::Stopped { epoch: state.log.len(), batch });
            }
        }
        state.seconds = before + start.elapsed().as_secs_f64();
        let is_over = state.waited >= config.patience || state.log.len() >= config.max_epochs;
        if let Some(Checkpoint { file, every }) = checkpoint
            && (is_over || saved.is_none_or(|at: Instant| at.elapsed() >= *every))
        {
            checkpoint::save(file, &state, config, data.digest())?;
            saved = Some(Instant::now());
        }
    };
    if state.log.is_empty() {
        return Err(Error::Diverged { rate: config.learning_rate });
    }
    let net = shape.net(&state.best).map_err(Error::Misfit)?;
    let training =
        Training { time: Duration::from_secs_f64(state.seconds), dropout: config.dropout };
    Ok(Trained {
        model: Model::new(net, data.lag, data.scale)?.trained(training),
        val_loss: state.val_loss,
        log: state.log,
        ending,
    })
}

fn shape(data: &Data, config: &Config) -> Shape {
    Shape {
        d: data.d,
        units: config.hidden_units,
        layers: config.num_layers,
        norm: config.use_layer_norm,
        residual: config.residual,
    }
}

impl Room {
    pub(super) fn new(shape: Shape, lag: usize, isa: Isa) -> Self {
        Self {
            tape: Tape::cached(shape, lag, isa),
            gradient: vec![0.0; shape.len()],
            batch: Batch::default(),
        }
    }
}
