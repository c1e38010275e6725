//! How often paired runs err on this machine: suites of cases whose changes are known, sampled and
//! judged as any paired run is, and counted.
//!
//! Every verdict is made from the samples as the file holds them, so that whoever has the file
//! gets the same verdicts. No sample is used for two suites.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod file;
pub mod planted;
mod rates;
mod record;
mod suite;

pub use file::{SampleFile, admits, open, read};
pub use rates::{Row, rows};
pub use record::{RATES_FILE, RATES_SCHEMA, Rates};
pub use suite::{PARTS, SCHEMA, Suite, Taken};

/// The chapter of the cases that suites plant a slowdown in.
pub const PLANTED: &str = "calibration/";

/// The difference between the two builds of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nothing: one executable is both.
    None,
    /// Code that never runs: the rest lies elsewhere.
    Pad,
    /// The planted cases do 2 % more.
    Plant2,
    /// The planted cases do 5 % more.
    Plant5,
    /// The planted cases do 10 % more.
    Plant10,
    /// The planted cases sleep.
    Wait,
}

impl Kind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Pad, Self::Plant2, Self::Plant5, Self::Plant10, Self::Wait];

    /// How many thousandths more the new build does of the planted cases.
    pub fn permille(self) -> u32 {
        match self {
            Self::None | Self::Pad | Self::Wait => 0,
            Self::Plant2 => 20,
            Self::Plant5 => 50,
            Self::Plant10 => 100,
        }
    }

    /// For how many microseconds the new build sleeps in a step of the planted cases, at least: about a
    /// tenth of what a step takes.
    pub fn sleep_us(self) -> u32 {
        if self == Self::Wait { 300 } else { 0 }
    }

    /// Whether the new build takes longer.
    pub fn is_planted(self) -> bool {
        self.permille() > 0 || self.sleep_us() > 0
    }

    /// Its name on the command line and in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pad => "pad",
            Self::Plant2 => "plant2",
            Self::Plant5 => "plant5",
            Self::Plant10 => "plant10",
            Self::Wait => "wait",
        }
    }

    /// Its name in a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "no change",
            Self::Pad => "code moved",
            Self::Plant2 => "+2 %",
            Self::Plant5 => "+5 %",
            Self::Plant10 => "+10 %",
            Self::Wait => "sleeps 0.3 ms",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no kind of suite; there are {names}")
        })
    }
}
