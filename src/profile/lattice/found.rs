//! All that a run found, which its files are made of.

use super::batches::Setup;
use super::quality::{Quality, Rates};
use super::sweep::Sweep;
use super::tiles::Tiles;
use super::times::Measurement;
use crate::profile::roof::Roofs;

/// Facts that all measurements of a run have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Conditions {
    /// The codec and its data.
    pub(super) setup: Setup,
    /// The rates of the codec.
    pub(super) rates: Rates,
    /// Overload and distortion of the codec on the data.
    pub(super) quality: Quality,
    /// The roofs of the machine.
    pub(super) roofs: Roofs,
}

/// All that a run found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) conditions: Conditions,
    /// Of each operation, the batch sizes in the order of the options.
    pub(super) operations: Vec<Vec<Measurement>>,
    pub(super) tiles: Option<Tiles>,
    pub(super) sweep: Option<Sweep>,
}
