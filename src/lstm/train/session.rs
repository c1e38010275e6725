//! A training in memory, epoch by epoch.

use std::ops::ControlFlow;

use super::config::Config;
use super::error::Error;
use super::loss::Batch;
use super::pass::Tape;
use super::shape::Shape;
use super::state::{Epoch, Room, State};
use super::trained::Losses;
use super::windows::{Data, Windows};
use crate::lstm::net::Scale;
use crate::machine::aligned::Aligned;
use crate::machine::isa::Isa;

/// A training in memory: its windows, its state, and the memory that every batch uses again.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) data: Data,
    pub(super) shape: Shape,
    pub(super) state: State,
    room: Room,
}

impl Session {
    /// Before the first epoch, by the best instruction set.
    ///
    /// # Errors
    ///
    /// If options or windows are unfit.
    pub fn new(config: &Config, windows: &Windows) -> Result<Self, Error> {
        Self::with_isa(config, windows, Isa::best())
    }

    /// The same by a given instruction set, which this processor must have.
    ///
    /// # Errors
    ///
    /// As [`Session::new`].
    pub fn with_isa(config: &Config, windows: &Windows, isa: Isa) -> Result<Self, Error> {
        config.check()?;
        let data = Data::new(windows, config)?;
        let shape = Shape {
            d: data.d,
            units: config.hidden_units,
            layers: config.num_layers,
            norm: config.use_layer_norm,
            residual: config.residual,
        };
        let room = Room {
            tape: Tape::cached(shape, data.lag, isa),
            gradient: Aligned::zeros(shape.len()),
            batch: Batch::default(),
        };
        let state = State::new(&shape, config);
        Ok(Self { config: config.clone(), data, shape, state, room })
    }

    /// Starts anew from the seed.
    pub fn restart(&mut self) {
        self.state = State::new(&self.shape, &self.config);
    }

    /// One pass over all training windows, and the loss of the others. `goes_on` is asked before
    /// each batch, and told its number.
    pub fn epoch(&mut self, goes_on: impl FnMut(usize) -> ControlFlow<()>) -> Epoch {
        self.state.epoch(&self.data, &self.config, &mut self.room, goes_on)
    }

    /// Batches of an epoch.
    pub fn batches(&self) -> usize {
        self.data.train.len().div_ceil(self.config.batch_size)
    }

    /// The instruction set.
    pub(super) fn isa(&self) -> Isa {
        self.room.tape.isa()
    }

    /// The losses of each epoch so far.
    pub fn log(&self) -> &[Losses] {
        &self.state.log
    }

    /// The parameters, in the order of [`Shape::tensors`].
    pub fn parameters(&self) -> &[f32] {
        &self.state.parameters
    }

    /// Which windows are left out of the training, and give the loss of validation.
    pub fn validation(&self) -> &[usize] {
        &self.data.validation
    }

    /// The normalisation of states; one that changes nothing if there is none.
    pub fn scale(&self) -> Scale {
        self.data.scale.clone().unwrap_or_else(|| Scale::identity(self.data.d))
    }

    /// The sizes of the network.
    pub fn shape(&self) -> Shape {
        self.shape
    }
}
