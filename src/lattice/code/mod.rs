//! A code: its parameters, its tables, and where the codes of a batch lie. All else stands on this.

pub(in crate::lattice) mod encoded;
pub(in crate::lattice) mod lanes;
pub(in crate::lattice) mod leaders;
pub(in crate::lattice) mod points;
pub(in crate::lattice) mod table;
pub(in crate::lattice) mod word;

use super::{Error, Lattice};
use leaders::Leaders;
use points::Points;
use table::Table;
use word::Word;

/// The most levels that a code has.
pub(super) const MAX_LEVELS: usize = 8;

/// The parameters of a code, and its tables.
#[derive(Clone)]
pub(super) struct Code {
    lattice: Lattice,
    q: u8,
    levels: usize,
    beta: f32,
    protected: bool,
    leaders: Leaders,
    table: Option<Table>,
}

impl Code {
    /// The code over `L`, which is `lattice`; or says which parameter is out of range.
    pub(super) fn new<L: Points<D>, const D: usize>(
        lattice: Lattice,
        q: u8,
        levels: usize,
        beta: f32,
        protected: bool,
    ) -> Result<Self, Error> {
        if !(2..=16).contains(&q) {
            return Err(Error::Q { found: q });
        }
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(Error::Levels { found: levels });
        }
        if !(2f32.powi(-100)..=2f32.powi(100)).contains(&beta) {
            return Err(Error::Beta { found: beta });
        }
        let leaders = Leaders::new::<L, D>(q);
        let bits = Word { digits: levels * D, q, protected }.digit_bits();
        let table = Table::new::<L, D>(&leaders, q, bits, levels);
        Ok(Self { lattice, q, levels, beta, protected, leaders, table })
    }

    pub(super) fn lattice(&self) -> Lattice {
        self.lattice
    }

    pub(super) fn q(&self) -> u8 {
        self.q
    }

    pub(super) fn levels(&self) -> usize {
        self.levels
    }

    pub(super) fn beta(&self) -> f32 {
        self.beta
    }

    pub(super) fn is_protected(&self) -> bool {
        self.protected
    }

    /// The largest scaling T: 10 with protection, else 0.
    pub(super) fn max_scaling(&self) -> u8 {
        if self.protected { 10 } else { 0 }
    }

    /// w, the bits of a packed digit.
    pub(super) fn digit_bits(&self) -> usize {
        self.word().digit_bits()
    }

    pub(super) fn word(&self) -> Word {
        let digits = self.levels * self.lattice.dim();
        Word { digits, q: self.q, protected: self.protected }
    }

    pub(super) fn leaders(&self) -> &Leaders {
        &self.leaders
    }

    /// The table of decoded digits, where one is small enough.
    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }
}
