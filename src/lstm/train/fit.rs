//! Epochs from windows to a trained model.
//!
//! All runs on one thread, so that a seed decides every bit. A training that finds its checkpoint
//! goes on from there, and ends with the bits of one that was never stopped.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::{self, Checkpoint, Origin};
use super::config::Config;
use super::error::Error;
use super::session::Session;
use super::state::{Epoch, State};
use super::trained::{Ending, Losses, Trained};
use super::windows::Windows;
use crate::lstm::model::{Model, Training};

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

/// Trains a network on windows, by the best instruction set; see [`Session::train`].
///
/// # Errors
///
/// If options or data are unfit, and those of [`Session::train`].
pub fn fit(
    config: &Config,
    windows: &Windows,
    checkpoint: Option<&Checkpoint>,
    progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, Error> {
    Session::new(config, windows)?.train(checkpoint, progress)
}

impl Session {
    /// Trains until all epochs are done or nothing gains. `progress` is told before each batch where
    /// training stands, and may stop it, which leaves the checkpoint as it was.
    ///
    /// # Errors
    ///
    /// If the first epoch diverges, `progress` stops it, or the checkpoint is of another training or
    /// cannot be read or written.
    pub fn train(
        mut self,
        checkpoint: Option<&Checkpoint>,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Trained, Error> {
        let config = self.config.clone();
        let origin = Origin { config: &config, data: self.data.digest(), isa: self.isa() };
        if let Some(Checkpoint { file, .. }) = checkpoint
            && file.exists()
        {
            self.state = checkpoint::load(file, &origin, self.shape.len())?;
        }
        let (before, start, mut saved) = (self.state.seconds, Instant::now(), None);
        let ending = loop {
            if let Some(ending) = over(&config, &self.state) {
                break ending;
            }
            let State { log, val_loss, .. } = &self.state;
            let mut now = Progress {
                epoch: log.len(),
                epochs: config.max_epochs,
                batch: 0,
                batches: self.batches(),
                losses: log.last().copied(),
                best: *val_loss,
            };
            let goes_on = |batch| {
                now.batch = batch;
                progress(now)
            };
            match self.epoch(goes_on) {
                Epoch::Done => {}
                Epoch::Diverged => break Ending::Diverged,
                Epoch::Stopped(batch) => return Err(Error::Stopped { epoch: now.epoch, batch }),
            }
            self.state.seconds = before + start.elapsed().as_secs_f64();
            let is_over = over(&config, &self.state).is_some();
            if let Some(Checkpoint { file, every }) = checkpoint
                && (is_over || saved.is_none_or(|at: Instant| at.elapsed() >= *every))
            {
                checkpoint::save(file, &self.state, &origin)?;
                saved = Some(Instant::now());
            }
        };
        let Self { data, shape, state, .. } = self;
        if state.log.is_empty() {
            return Err(Error::Diverged { rate: config.learning_rate });
        }
        let net = shape.net(&state.best).map_err(Error::Misfit)?;
        let time = Duration::from_secs_f64(state.seconds);
        let training = Training { time, dropout: config.dropout };
        Ok(Trained {
            model: Model::new(net, data.lag, data.scale)?.trained(training),
            val_loss: state.val_loss,
            log: state.log,
            ending,
        })
    }
}

/// Why no further epoch follows, if none does.
fn over(config: &Config, state: &State) -> Option<Ending> {
    if state.waited >= config.patience {
        Some(Ending::Patience)
    } else if state.log.len() >= config.max_epochs {
        Some(Ending::Epochs)
    } else {
        None
    }
}
