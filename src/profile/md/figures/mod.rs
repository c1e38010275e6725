//! The figures of a profile, each of plain slices.

mod energy;
mod latency;
mod phases;
mod scaling;
mod timeline;

pub use energy::{Drift, Energy, energy};
pub use latency::latency;
pub use phases::{Bar, phases};
pub use scaling::{Exponent, Point, scaling};
pub use timeline::{Memory, timeline};

use super::record::Kind;
use crate::draw::figure::{Axis, Colour, Figure, Panel, Scale, Series, Unit};

/// What stands above a figure.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// Model and system: `Stillinger-Weber silicon, 64 atoms`.
    pub subject: &'a str,
    /// Circumstances: processor, instruction set, steps.
    pub conditions: &'a str,
}

impl Caption<'_> {
    fn figure(&self, what: &str, panels: Vec<Panel>) -> Figure {
        let (title, subtitle) = (format!("{what}: {}", self.subject), self.conditions.to_owned());
        Figure { title, subtitle, panels }
    }
}

/// The steps that were timed.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// The time of each, in ms.
    pub latencies_ms: &'a [f64],
    /// The upkeep of the list in each, in the same order; empty where that is not known.
    pub kinds: &'a [Kind],
}

impl Steps<'_> {
    /// Index and latency in seconds of the steps of one kind.
    fn of(&self, kind: Kind) -> Vec<(usize, f64)> {
        let is = |at: usize| self.kinds.get(at).copied().unwrap_or(Kind::Quiet);
        let steps = self.latencies_ms.iter().map(|ms| 1e-3 * ms).enumerate();
        steps.filter(|(at, _)| is(*at) == kind).collect()
    }
}

/// The words and the colour of the steps of one kind.
fn look(kind: Kind) -> (&'static str, Colour) {
    match kind {
        Kind::Quiet => ("leave the list as it is", Colour::Blue),
        Kind::Pruned => ("prune the list", Colour::Green),
        Kind::Rebuilt => ("build the list", Colour::Orange),
    }
}

fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series, note: Vec::new() }
}

fn number(label: &str) -> Axis {
    Axis::new(label, Scale::Linear, Unit::Number)
}
